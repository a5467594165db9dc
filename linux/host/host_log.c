/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bucket of lines, and hashes of the texts that are already known.
 *
 * Two texts of one hash are taken for one: a line lost in a minute, no more.
 */
#include "linux/host/host_log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/span.h"
#include "linux/run/clock.h"
#include "linux/run/text.h"

#define HOST_LOG_TEXT	400u	/* bytes of a line; the rest is cut off */

static void
log_line(struct host_log *l, const char *text)
{
	char shown[HOST_LOG_TEXT];
	uint64_t now = clock_now_ns();
	uint64_t back = (now - l->spent_at_ns) / HOST_LOG_LINE_NS;

	if (back > 0) {
		l->spent -= (uint32_t)(back < l->spent ? back : l->spent);
		l->spent_at_ns = now;
	}
	if (l->spent == HOST_LOG_BURST) {
		l->left_out++;
		return;
	}
	l->spent++;
	if (l->left_out > 0)
		fprintf(stderr, "hvnet host: (%llu lines left out)\n",
		    (unsigned long long)l->left_out);
	l->left_out = 0;
	fprintf(stderr, "hvnet host: %s\n", text_show(shown, sizeof(shown),
	    text));
}

/* True if this text was said in the last minute; it is known from now on. */
static bool
log_known(struct host_log *l, const char *text)
{
	uint64_t now = clock_now_ns(), hash = 14695981039346656037u;

	for (const char *p = text; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211u;
	for (uint32_t i = 0; i < HOST_LOG_KNOWN; i++) {
		if (l->known[i].at_ns == 0 || l->known[i].hash != hash)
			continue;
		if (now - l->known[i].at_ns < HOST_LOG_AGAIN_NS)
			return true;
		l->known[i].at_ns = now;
		return false;
	}
	l->known[l->next].hash = hash;
	l->known[l->next].at_ns = now;
	l->next = (l->next + 1) % HOST_LOG_KNOWN;
	return false;
}

void
host_log(struct host_log *l, const char *fmt, ...)
{
	char text[HOST_LOG_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line(l, text);
}

void
host_log_once(struct host_log *l, const char *fmt, ...)
{
	char text[HOST_LOG_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!log_known(l, text))
		log_line(l, text);
}
