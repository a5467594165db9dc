/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces as text.
 *
 * Theory of operation.  Slices (a thread's sleep) and waits (of a channel) have
 * a beginning and an end.  The ring may have lost the beginning, and the trace
 * may stop before the end: an end without a beginning is left out, and a
 * beginning without an end is ended at the last moment of the trace.  A wait
 * belongs to its channel and may begin in one thread and end in another.
 */
#include "linux/see/trace_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "linux/see/trace.h"

struct trace_kind { const char *name; char phase; const char *value; };

static const struct trace_kind kinds[TRACE_EVENT_COUNT] = {
#define X(id, name, phase, value) { name, phase, value },
	TRACE_EVENTS(X)
#undef X
};

static const char *const whys[TRACE_WHY_COUNT] = {
#define X(id, text) text,
	TRACE_WHYS(X)
#undef X
};

#define TEXT_CHANS	513u
#define TEXT_THREADS	128u

/* An event of any thread, in order of time. */
struct text_event {
	struct trace_record r;
	double us;		/* CLOCK_MONOTONIC */
	int tid;
};

struct trace_text {
	FILE *out;
	bool lines;
	unsigned long count;
	/* of the process at hand */
	const char *kind;
	long pid;
	const json_t *chans;
	struct text_event *event;
	size_t events, room;
	bool waits[TEXT_CHANS][TRACE_EVENT_COUNT];	/* began */
	struct { int tid; bool asleep; } thread[TEXT_THREADS];
	uint32_t threads;
};

struct trace_text *
trace_text_begin(FILE *out, bool lines)
{
	struct trace_text *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->out = out;
	t->lines = lines;
	if (!lines)
		fprintf(out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
	return t;
}

unsigned long
trace_text_end(struct trace_text *t)
{
	unsigned long n = t->count;

	if (!t->lines)
		fprintf(t->out, "\n]}\n");
	free(t->event);
	free(t);
	return n;
}

/* --- one event --- */

static void
put_object(struct trace_text *t, json_t *o)
{
	if (o == NULL)
		return;
	fprintf(t->out, "%s", t->lines ? "" : t->count == 0 ? "\n" : ",\n");
	json_dumpf(o, t->out, JSON_COMPACT | JSON_REAL_PRECISION(16));
	if (t->lines)
		fputc('\n', t->out);
	t->count++;
	json_decref(o);
}

static json_t *
event_args(const struct trace_text *t, const struct trace_record *r)
{
	const json_t *chan = r->chan == 0 ? NULL :
	    json_array_get(t->chans, r->chan - 1);
	json_t *args = chan != NULL ? json_copy((json_t *)(uintptr_t)chan) :
	    json_object();
	const char *value = kinds[r->event].value;
	const char *why = r->event == TRACE_FAULT ?
	    r->why < FAULT_COUNT ? fault_text((enum fault)r->why) : "" :
	    r->why < TRACE_WHY_COUNT ? whys[r->why] : "";

	if (why[0] != '\0')
		json_object_set_new(args, "why", json_string(why));
	if (value[0] != '\0')
		json_object_set_new(args, value,
		    json_integer((json_int_t)r->value));
	return args;
}

static void
put_event(struct trace_text *t, const struct text_event *e)
{
	const struct trace_kind *k = &kinds[e->r.event];
	char phase[2] = { k->phase, '\0' }, id[64];
	json_t *o = json_pack("{s:s, s:s, s:f, s:i, s:i, s:o}", "name",
	    k->name, "ph", phase, "ts", e->us, "pid", (int)t->pid, "tid",
	    e->tid, "args", event_args(t, &e->r));

	if (o == NULL)
		return;
	json_object_set_new(o, "cat", json_string("hvnet"));
	if (k->phase == 'i') {
		json_object_set_new(o, "s", json_string("t"));
	} else if (k->phase == 'b' || k->phase == 'e') {
		snprintf(id, sizeof(id), "%ld.%u", t->pid, e->r.chan);
		json_object_set_new(o, "id", json_string(id));
	}
	if (t->lines)
		json_object_set_new(o, "kind", json_string(t->kind));
	put_object(t, o);
}

/* The beginning that event `end` ends. */
static uint32_t
begin_of(uint32_t end)
{
	return end - 1;	/* they stand in pairs in TRACE_EVENTS */
}

/* Whether the thread of an event sleeps. */
static bool *
thread_asleep(struct trace_text *t, int tid)
{
	uint32_t i = 0;

	while (i < t->threads && t->thread[i].tid != tid)
		i++;
	if (i == t->threads && t->threads < TEXT_THREADS - 1) {
		t->thread[i].tid = tid;
		t->thread[i].asleep = false;
		t->threads++;
	}
	return &t->thread[i].asleep;
}

/* Put an event, unless it is an end without a beginning. */
static void
put_paired(struct trace_text *t, const struct text_event *e)
{
	char phase = kinds[e->r.event].phase;
	bool begins = phase == 'B' || phase == 'b';
	bool *open;

	if (phase != 'i') {
		open = phase == 'B' || phase == 'E' ?
		    thread_asleep(t, e->tid) : &t->waits[e->r.chan][begins ?
		    e->r.event : begin_of(e->r.event)];
		if (*open == begins)
			return;
		*open = begins;
	}
	put_event(t, e);
}

/* End what began and did not end. */
static void
put_ends(struct trace_text *t, double us)
{
	struct text_event e = { .us = us };

	for (uint32_t i = 0; i < t->threads; i++) {
		e.r.event = TRACE_WAKE;
		e.tid = t->thread[i].tid;
		if (t->thread[i].asleep)
			put_event(t, &e);
	}
	for (e.r.chan = 0; e.r.chan < TEXT_CHANS; e.r.chan++)
		for (e.r.event = 1; e.r.event < TRACE_EVENT_COUNT; e.r.event++)
			if (kinds[e.r.event].phase == 'e' &&
			    t->waits[e.r.chan][begin_of(e.r.event)])
				put_event(t, &e);
}

/* --- a process --- */

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : -1;
}

static bool
hex_record(struct trace_record *r, const char *text)
{
	uint8_t *p = (void *)r;

	for (size_t i = 0; i < sizeof(*r); i++) {
		int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i +
		    1]);

		if (hi < 0 || lo < 0)
			return false;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return r->event < TRACE_EVENT_COUNT && r->chan < TEXT_CHANS;
}

static bool
event_add(struct trace_text *t, const struct text_event *e)
{
	if (t->events == t->room) {
		size_t room = 2 * t->room + 1024;
		struct text_event *p = realloc(t->event, room * sizeof(*p));

		if (p == NULL)
			return false;
		t->event = p;
		t->room = room;
	}
	t->event[t->events++] = *e;
	return true;
}

struct text_clock { double ticks0, ns0, per_tick; };

static double
clock_us(const struct text_clock *c, uint64_t ticks)
{
	return (c->ns0 + ((double)ticks - c->ticks0) * c->per_tick) / 1000;
}

/* A thread's events join those of the others. */
static bool
thread_add(struct trace_text *t, const json_t *thread,
    const struct text_clock *c)
{
	const char *hex = json_string_value(json_object_get(thread,
	    "records"));
	size_t step = 2 * sizeof(struct trace_record);
	struct text_event e = { .tid = (int)json_integer_value(
	    json_object_get(thread, "tid")) };

	if (hex == NULL || strlen(hex) % step != 0)
		return false;
	for (; *hex != '\0'; hex += step) {
		if (!hex_record(&e.r, hex))
			return false;
		e.us = clock_us(c, e.r.ticks);
		if (!event_add(t, &e))
			return false;
	}
	return true;
}

static int
event_compare(const void *a, const void *b)
{
	const struct text_event *x = a, *y = b;

	return x->us < y->us ? -1 : x->us > y->us;
}

/* What a process and its threads are called. */
static void
put_names(struct trace_text *t, const json_t *threads)
{
	json_t *thread;
	size_t i;
	char name[64];

	if (t->lines)
		return;
	snprintf(name, sizeof(name), "hvnet %s", t->kind);
	put_object(t, json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "ph", "M",
	    "name", "process_name", "pid", (int)t->pid, "tid", 0, "args",
	    "name", name));
	json_array_foreach((json_t *)(uintptr_t)threads, i, thread)
		put_object(t, json_pack("{s:s, s:s, s:i, s:O, s:{s:O}}", "ph",
		    "M", "name", "thread_name", "pid", (int)t->pid, "tid",
		    json_object_get(thread, "tid"), "args", "name",
		    json_object_get(thread, "name")));
}

bool
trace_text_process(struct trace_text *t, const char *kind, long pid,
    const json_t *trace)
{
	const json_t *clock = json_object_get(trace, "clock");
	const json_t *threads = json_object_get(trace, "threads");
	json_int_t v[4];
	struct text_clock c;
	json_t *thread;
	size_t i;

	if (json_unpack((json_t *)(uintptr_t)clock, "{s:I,s:I,s:I,s:I}",
	    "ticks0", &v[0], "ns0", &v[1], "ticks1", &v[2], "ns1", &v[3]) < 0
	    || v[2] <= v[0])
		return false;
	c = (struct text_clock){ (double)v[0], (double)v[1],
		(double)(v[3] - v[1]) / (double)(v[2] - v[0]) };
	t->kind = kind;
	t->pid = pid;
	t->chans = json_object_get(trace, "chans");
	t->events = 0;
	memset(t->waits, 0, sizeof(t->waits));
	t->threads = 0;
	json_array_foreach((json_t *)(uintptr_t)threads, i, thread)
		if (!thread_add(t, thread, &c))
			return false;
	qsort(t->event, t->events, sizeof(*t->event), event_compare);
	put_names(t, threads);
	for (i = 0; i < t->events; i++)
		put_paired(t, &t->event[i]);
	put_ends(t, (double)v[3] / 1000);
	return true;
}
