/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings of events.
 *
 * Theory of operation.  A thread writes into the ring of its number, and
 * counts; old events are overwritten.  Times are ticks of the processor's
 * counter, which all processors share, where there is one: a system's clock
 * would take longer than all the rest.  At start and stop both counter and
 * CLOCK_MONOTONIC are read, so the reader can convert.
 *
 * A thread that saw the trace on may still write one event after trace_stop():
 * the place that it would take is left out by the reader.
 */
#include "linux/see/trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "linux/run/clock.h"
#include "linux/see/see.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/* Policy: threads, events of each, channels. */
#define TRACE_THREADS	80u
#define TRACE_RECORDS	32768u
#define TRACE_CHANS	512u

struct trace_ring {
	struct trace_record *record;	/* TRACE_RECORDS of them */
	uint64_t count;			/* owner writes; all so far */
	int tid;
	char name[16];
} CACHE_ALIGNED;

uint32_t trace_is_on;
__thread uint32_t trace_interrupts;

static struct trace_ring rings[TRACE_THREADS];
static struct see_name chans[TRACE_CHANS];
static uint32_t chan_count;
static struct { uint64_t ticks, ns; } begin, end;

static inline uint64_t
trace_ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return clock_now_ns();
#endif
}

/* The first event of this thread since the start. */
static void
ring_name(struct trace_ring *r)
{
	r->tid = (int)syscall(SYS_gettid);
	if (pthread_getname_np(pthread_self(), r->name, sizeof(r->name)) != 0)
		r->name[0] = '\0';
}

void
trace_put(enum trace_event event, uint32_t why, uint32_t chan, uint64_t value)
{
	uint32_t k = see_thread();
	struct trace_ring *r = &rings[k - 1];
	uint64_t n;

	if (k > TRACE_THREADS)
		return;
	n = r->count;
	if (__builtin_expect(n == 0, 0))
		ring_name(r);
	r->record[n % TRACE_RECORDS] = (struct trace_record){
		.ticks = trace_ticks(), .value = value, .chan = chan,
		.event = (uint16_t)event, .why = (uint16_t)why };
	__atomic_store_n(&r->count, n + 1, __ATOMIC_RELEASE);
	if (event == TRACE_INTERRUPT && why == TRACE_WHY_RAISED)
		trace_interrupts++;
}

int
trace_start(void)
{
	const size_t each = TRACE_RECORDS * sizeof(struct trace_record);
	uint8_t *mem;

	if (rings[0].record == NULL) {
		/* Kept: a thread may be late. */
		mem = mmap(NULL, TRACE_THREADS * each, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (mem == MAP_FAILED)
			return -ENOMEM;
		for (uint32_t i = 0; i < TRACE_THREADS; i++)
			rings[i].record = (void *)(mem + i * each);
	}
	for (uint32_t i = 0; i < TRACE_THREADS; i++)
		os_st64(&rings[i].count, 0);
	chan_count = 0;
	begin.ns = clock_now_ns();
	begin.ticks = trace_ticks();
	os_mb();
	os_st32(&trace_is_on, 1);
	return 0;
}

void
trace_stop(void)
{
	os_st32(&trace_is_on, 0);
	os_mb();
	end.ns = clock_now_ns();
	end.ticks = trace_ticks();
}

uint32_t
trace_chan(const struct see_name *name)
{
	if (chan_count == TRACE_CHANS)
		return 0;
	chans[chan_count++] = *name;
	return chan_count;
}

/* --- what was traced --- */

static json_t *
hex_json(const struct trace_record *r, uint64_t from, uint64_t count)
{
	static const char digits[] = "0123456789abcdef";
	size_t bytes = sizeof(*r) * (size_t)count, at = 0;
	char *text = malloc(2 * bytes + 1);
	json_t *out;

	if (text == NULL)
		return NULL;
	for (uint64_t i = from; i < from + count; i++) {
		const uint8_t *p = (const void *)&r[i % TRACE_RECORDS];

		for (size_t b = 0; b < sizeof(*r); b++) {
			text[at++] = digits[p[b] >> 4];
			text[at++] = digits[p[b] & 15];
		}
	}
	text[at] = '\0';
	out = json_string_nocheck(text);
	free(text);
	return out;
}

static json_t *
ring_json(const struct trace_ring *r)
{
	uint64_t n = __atomic_load_n(&r->count, __ATOMIC_ACQUIRE);
	/* Without the place that a late event may take. */
	uint64_t kept = n < TRACE_RECORDS ? n : TRACE_RECORDS - 1;
	json_t *hex = hex_json(r->record, n - kept, kept);

	if (hex == NULL)
		return NULL;
	return json_pack("{s:i, s:s, s:I, s:o}", "tid", r->tid, "name",
	    r->name, "overwritten", (json_int_t)(n - kept), "records", hex);
}

static json_t *
chans_json(void)
{
	json_t *a = json_array();

	for (uint32_t i = 0; i < chan_count; i++)
		json_array_append_new(a, json_pack("{s:s, s:i, s:i, s:i, s:i}",
		    "nic", chans[i].nic, "guest", (int)chans[i].guest,
		    "relid", (int)chans[i].relid, "queue",
		    (int)chans[i].queue, "vp", (int)chans[i].vp));
	return a;
}

json_t *
trace_json(void)
{
	json_t *threads = json_array();

	for (uint32_t i = 0; i < TRACE_THREADS && rings[0].record != NULL; i++)
		if (os_ld64(&rings[i].count) > 0)
			json_array_append_new(threads, ring_json(&rings[i]));
	return json_pack("{s:{s:I, s:I, s:I, s:I}, s:o, s:o}", "clock",
	    "ticks0", (json_int_t)begin.ticks, "ns0", (json_int_t)begin.ns,
	    "ticks1", (json_int_t)end.ticks, "ns1", (json_int_t)end.ns,
	    "threads", threads, "chans", chans_json());
}
