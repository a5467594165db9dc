/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The option's text and the lines of a transcript.
 *
 * Theory of operation.  The printers of core/wire write "TYPE name=value ...",
 * where a value with blanks is in quotes.  A line in JSON has these fields as
 * an object of strings.
 */
#include "linux/see/transcript_line.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "linux/run/clock.h"

static const char *const layer_names[] = { "vmbus", "nvsp", "rndis" };
static const char *const layer_shown[] = { "VMBus", "NVSP ", "RNDIS" };

/* --- the option --- */

/* "vmbus+rndis" of len bytes.  0, or -EINVAL. */
static int
layers_take(struct transcript_spec *s, const char *text, size_t len)
{
	while (len > 0) {
		size_t n = strcspn(text, "+,");
		uint32_t i = 0;

		while (i < ARRAY_LEN(layer_names) &&
		    (strlen(layer_names[i]) != n ||
		    strncmp(text, layer_names[i], n) != 0))
			i++;
		if (i == ARRAY_LEN(layer_names))
			return -EINVAL;
		s->layers |= 1u << i;
		if (n == len)
			return 0;
		text += n + 1;
		len -= n + 1;
	}
	return -EINVAL;
}

int
transcript_parse(struct transcript_spec *s, const char *text, char *err,
    size_t cap)
{
	size_t len = strcspn(text, ",");

	*s = (struct transcript_spec){ .layers = 0 };
	if (len == 0 || len >= sizeof(s->path)) {
		snprintf(err, cap, "'%.*s' is no file", (int)len, text);
		return -EINVAL;
	}
	memcpy(s->path, text, len);
	while (text[len] == ',') {
		text += len + 1;
		len = strcspn(text, ",");
		if (strncmp(text, "only=", 5) == 0 &&
		    layers_take(s, text + 5, len - 5) == 0)
			continue;
		if (len == 4 && strncmp(text, "json", len) == 0) {
			s->json = true;
		} else if (len == 9 && strncmp(text, "time=wall", len) == 0) {
			s->wall = true;
		} else if (len == 10 && strncmp(text, "gpadl=full", len) ==
		    0) {
			s->bodies = true;
		} else {
			snprintf(err, cap, "'%.*s': behind the file, want "
			    "only= with vmbus, nvsp or rndis joined by +, "
			    "json, time=wall or gpadl=full", (int)len, text);
			return -EINVAL;
		}
	}
	return 0;
}

/* --- lines --- */

/* The time of day of a moment of CLOCK_MONOTONIC. */
static void
wall_print(uint64_t time_ns, char *out, size_t cap)
{
	struct timespec now;
	uint64_t ns;
	time_t sec;
	struct tm tm;
	char day[32];

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec -
	    (clock_now_ns() - time_ns);
	sec = (time_t)(ns / 1000000000u);
	gmtime_r(&sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, cap, "%s.%06uZ", day,
	    (unsigned int)(ns % 1000000000u / 1000));
}

static void
time_print(const struct transcript_line *l, char *out, size_t cap)
{
	if (l->spec->wall)
		wall_print(l->time_ns, out, cap);
	else
		snprintf(out, cap, "%llu.%06u", (unsigned long long)
		    (l->time_ns / 1000000000u),
		    (unsigned int)(l->time_ns % 1000000000u / 1000));
}

/* "name=value name="value with blanks" ..." as an object. */
static json_t *
fields_json(const char *text)
{
	json_t *fields = json_object();

	while (*text != '\0') {
		size_t name = strcspn(text, "= ");
		const char *value = text + name + 1;
		size_t len = strcspn(value, " ");
		char key[64];

		if (text[name] != '=') {
			text += name + strspn(text + name, " ");
			continue;
		}
		if (value[0] == '"')
			len = strcspn(value + 1, "\"") + 2;
		snprintf(key, sizeof(key), "%.*s", (int)name, text);
		json_object_set_new(fields, key, value[0] == '"' ?
		    json_stringn(value + 1, len - 2) :
		    json_stringn(value, len));
		text = value + len;
		text += strspn(text, " ");
	}
	return fields;
}

static void
json_put(const struct transcript_line *l, const char *when, FILE *out)
{
	static const char bad[] = "malformed: ";
	const struct see_name *n = l->name;
	bool malformed = strncmp(l->text, bad, strlen(bad)) == 0;
	const char *text = l->text + (malformed ? strlen(bad) : 0);
	size_t type = strcspn(text, " ");
	const char *rest = text + type + strspn(text + type, " ");
	bool done = strncmp(rest, "(completion)", 12) == 0;
	json_t *o = l->layer == TRANSCRIPT_NOTE ?
	    json_pack("{s:s, s:s, s:i, s:i, s:i, s:s}", "time", when, "nic",
	    n->nic, "guest", (int)n->guest, "relid", (int)n->relid, "queue",
	    (int)n->queue, "note", l->text) :
	    json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:s%, s:b, "
	    "s:o}", "time", when, "nic", n->nic, "guest", (int)n->guest,
	    "relid", (int)n->relid, "queue", (int)n->queue, "to",
	    l->to_guest ? "guest" : "host", "layer", layer_names[l->layer],
	    malformed ? "malformed" : "type", text, type, "completion", done,
	    "fields", fields_json(rest));

	if (o == NULL)
		return;
	json_dumpf(o, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(o);
}

void
transcript_line_put(const struct transcript_line *l, FILE *out)
{
	const struct see_name *n = l->name;
	char when[64], guest[16] = "-";

	time_print(l, when, sizeof(when));
	if (l->spec->json) {
		json_put(l, when, out);
		return;
	}
	if (n->guest != 0)
		snprintf(guest, sizeof(guest), "%u", n->guest);
	fprintf(out, "%12s %s guest %s ", when,
	    n->nic[0] != '\0' ? n->nic : "-", guest);
	if (l->layer == TRANSCRIPT_NOTE)
		fprintf(out, "queue %u: %s\n", n->queue, l->text);
	else
		fprintf(out, "%s %s %s\n", l->to_guest ? "guest <- host" :
		    "guest -> host", layer_shown[l->layer], l->text);
}
