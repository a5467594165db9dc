/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bucket of lines for each peer and kind of line, with hashes of the texts
 * that were logged.
 *
 * A guest comes again under another number, pid and name as often as it likes,
 * so those are no peers: every connection would have a fresh bucket.  A NIC is
 * the operator's and is one guest's at a time; a guest without a NIC shares the
 * lines of its user.  All users together have a bucket as well, and one user
 * cannot take all of it.
 *
 * Two texts with the same hash count as one: at most one line a minute is lost.
 */
#include "linux/host/host_log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/span.h"
#include "linux/run/clock.h"
#include "linux/run/text.h"

#define HOST_LOG_TEXT	400u	/* bytes of a line; the rest is cut off */

enum { PEER_HOST, PEER_NIC, PEER_USER };

static uint64_t
log_hash(const char *text)
{
	uint64_t hash = 14695981039346656037u;

	for (const char *p = text; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211u;
	return hash;
}

struct host_log_peer
host_log_nic(const char *name)
{
	return (struct host_log_peer){ PEER_NIC, (uint32_t)log_hash(name) };
}

struct host_log_peer
host_log_user(uint32_t uid)
{
	return (struct host_log_peer){ PEER_USER, uid };
}

/* The bucket of a peer and kind; the one unused for longest becomes it. */
static struct host_log_bucket *
bucket_find(struct host_log *l, struct host_log_peer peer,
    enum host_log_kind kind, uint64_t now)
{
	struct host_log_bucket *oldest = &l->bucket[0];

	for (uint32_t i = 0; i < HOST_LOG_BUCKETS; i++) {
		struct host_log_bucket *b = &l->bucket[i];

		if (b->used_at_ns != 0 && b->peer.what == peer.what &&
		    b->peer.id == peer.id && b->kind == kind) {
			b->used_at_ns = now;
			return b;
		}
		if (b->used_at_ns < oldest->used_at_ns)
			oldest = b;
	}
	*oldest = (struct host_log_bucket){ .peer = peer, .kind = kind,
		.spent_at_ns = now, .used_at_ns = now };
	return oldest;
}

/* Fill up what time gave back; true if there is a line. */
static bool
bucket_has(struct host_log_bucket *b, uint32_t burst, uint64_t line_ns,
    uint64_t now)
{
	uint64_t back = (now - b->spent_at_ns) / line_ns;

	if (back >= b->spent) {
		b->spent = 0;
		b->spent_at_ns = now;
	} else {
		b->spent -= (uint32_t)back;
		b->spent_at_ns += back * line_ns;
	}
	return b->spent < burst;
}

/* True if this text was logged in the last minute; it is known from now on. */
static bool
bucket_knows(struct host_log_bucket *b, const char *text, uint64_t now)
{
	uint64_t hash = log_hash(text);

	for (uint32_t i = 0; i < HOST_LOG_KNOWN; i++) {
		if (b->known[i].at_ns == 0 || b->known[i].hash != hash)
			continue;
		if (now - b->known[i].at_ns < HOST_LOG_AGAIN_NS)
			return true;
		b->known[i].at_ns = now;
		return false;
	}
	b->known[b->next].hash = hash;
	b->known[b->next].at_ns = now;
	b->next = (b->next + 1) % HOST_LOG_KNOWN;
	return false;
}

static void
log_line(struct host_log *l, struct host_log_peer peer,
    enum host_log_kind kind, bool once, const char *fmt, va_list ap)
{
	uint64_t now = clock_now_ns();
	struct host_log_bucket *b = bucket_find(l, peer, kind, now);
	struct host_log_bucket *users = peer.what == PEER_USER ?
	    &l->users[kind] : NULL;
	char text[HOST_LOG_TEXT], shown[HOST_LOG_TEXT];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (once && bucket_knows(b, text, now))
		return;
	if (!bucket_has(b, HOST_LOG_BURST, HOST_LOG_LINE_NS, now) ||
	    (users != NULL && !bucket_has(users, HOST_LOG_USERS_BURST,
	    HOST_LOG_USERS_NS, now))) {
		b->left_out++;
		return;
	}
	b->spent++;
	if (users != NULL)
		users->spent++;
	if (b->left_out > 0)
		fprintf(stderr, "hvnet host: (%llu lines like the next were "
		    "left out)\n", (unsigned long long)b->left_out);
	b->left_out = 0;
	fprintf(stderr, "hvnet host: %s\n", text_show(shown, sizeof(shown),
	    text));
}

void
host_log(struct host_log *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(l, (struct host_log_peer){ PEER_HOST, 0 }, HOST_LOG_OWN,
	    false, fmt, ap);
	va_end(ap);
}

void
host_log_once(struct host_log *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(l, (struct host_log_peer){ PEER_HOST, 0 }, HOST_LOG_OWN,
	    true, fmt, ap);
	va_end(ap);
}

void
host_log_of(struct host_log *l, struct host_log_peer peer,
    enum host_log_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(l, peer, kind, false, fmt, ap);
	va_end(ap);
}

void
host_log_once_of(struct host_log *l, struct host_log_peer peer,
    enum host_log_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(l, peer, kind, true, fmt, ap);
	va_end(ap);
}
