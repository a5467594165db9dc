/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces without a network: rings that overwrite, pairs that are closed, times
 * in order, and what an event costs (with an argument: nanoseconds, printed).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/see/hist_json.h"
#include "linux/see/see.h"
#include "linux/see/see_decide.h"
#include "linux/see/trace.h"
#include "linux/see/trace_text.h"

/* The trace as Chrome's JSON: the array of its events. */
static json_t *
events_of(json_t *trace)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct trace_text *t = trace_text_begin(f, false);
	json_error_t err;
	json_t *all, *events;

	assert_true(trace_text_process(t, "test", 7, trace));
	trace_text_end(t);
	fclose(f);
	all = json_loads(text, 0, &err);
	assert_non_null(all);
	events = json_incref(json_object_get(all, "traceEvents"));
	json_decref(all);
	json_decref(trace);
	free(text);
	return events;
}

static uint32_t
count_of(const json_t *events, const char *name, const char *phase)
{
	uint32_t n = 0;
	json_t *e;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)events, i, e)
		n += strcmp(json_string_value(json_object_get(e, "name")),
		    name) == 0 && strcmp(json_string_value(
		    json_object_get(e, "ph")), phase) == 0;
	return n;
}

static void
test_pairs(void **state)
{
	struct see_name name;
	json_t *events;
	uint32_t chan;
	double last = 0;
	json_t *e;
	size_t i;

	see_name_set(&name, SEE_END_HOST, "n0", 1);
	assert_false(trace_on());
	assert_int_equal(trace_start(), 0);
	assert_true(trace_on());
	chan = trace_chan(&name);
	/* An end without a beginning, a beginning without an end. */
	trace_put(TRACE_WAKE, TRACE_WHY_NONE, 0, 1);
	trace_put(TRACE_SHORT_END, TRACE_WHY_NONE, chan, 0);
	trace_put(TRACE_SIGNAL, TRACE_WHY_MASKED, chan, 3);
	trace_put(TRACE_ROOM_WAIT, TRACE_WHY_RING, chan, 64);
	trace_put(TRACE_ROOM_BACK, TRACE_WHY_NONE, chan, 0);
	trace_put(TRACE_SHORT, TRACE_WHY_LENT, chan, 0);
	trace_put(TRACE_SLEEP, TRACE_WHY_NONE, 0, 0);
	trace_stop();
	events = events_of(trace_json());
	assert_int_equal(count_of(events, "sleep", "B"), 1);
	assert_int_equal(count_of(events, "sleep", "E"), 1);
	assert_int_equal(count_of(events, "shortage", "b"), 1);
	assert_int_equal(count_of(events, "shortage", "e"), 1);
	assert_int_equal(count_of(events, "wait for room", "b"), 1);
	assert_int_equal(count_of(events, "wait for room", "e"), 1);
	json_array_foreach(events, i, e) {
		const json_t *args = json_object_get(e, "args");
		double ts = json_number_value(json_object_get(e, "ts"));

		assert_int_equal(json_integer_value(json_object_get(e,
		    "pid")), 7);
		assert_true(ts >= last || ts == 0);
		last = ts;
		if (strcmp(json_string_value(json_object_get(e, "name")),
		    "signal") != 0)
			continue;
		assert_string_equal(json_string_value(json_object_get(args,
		    "why")), "not sent: the peer masked signals");
		assert_string_equal(json_string_value(json_object_get(args,
		    "nic")), "n0");
		assert_int_equal(json_integer_value(json_object_get(args,
		    "packets")), 3);
	}
	json_decref(events);
}

/* The last events are kept, in order, and the number of the others told. */
static void
test_overwritten(void **state)
{
	json_t *trace, *events, *thread;

	assert_int_equal(trace_start(), 0);
	for (uint32_t i = 0; i < 100000; i++)
		trace_put(TRACE_BATCH_IN, TRACE_WHY_NONE, 0, i);
	trace_stop();
	trace = trace_json();
	thread = json_array_get(json_object_get(trace, "threads"), 0);
	assert_int_equal(json_integer_value(json_object_get(thread,
	    "overwritten")), 100000 - 32767);
	events = events_of(trace);
	/* And the names of process and thread. */
	assert_int_equal(json_array_size(events), 32767 + 2);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(
	    json_array_get(events, 2), "args"), "packets")), 100000 - 32767);
	json_decref(events);
}

static void *
put_main(void *arg)
{
	for (uint32_t i = 0; i < 5000; i++) {
		trace_put(TRACE_SLEEP, TRACE_WHY_NONE, 0, 0);
		trace_put(TRACE_WAKE, TRACE_WHY_NONE, 0, i);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t t[4];
	json_t *events;

	assert_int_equal(trace_start(), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, put_main, NULL),
		    0);
	for (uint32_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	trace_stop();
	events = events_of(trace_json());
	assert_int_equal(count_of(events, "sleep", "B"), 20000);
	assert_int_equal(count_of(events, "sleep", "E"), 20000);
	json_decref(events);
}

/* What is not a trace is no reason to fall. */
static void
test_not_a_trace(void **state)
{
	static const char *const texts[] = { "{}",
		"{\"clock\":{\"ticks0\":1,\"ns0\":1,\"ticks1\":1,\"ns1\":1}}",
		"{\"clock\":{\"ticks0\":1,\"ns0\":1,\"ticks1\":2,\"ns1\":2},"
		    "\"threads\":[{\"tid\":1,\"records\":\"0g\"}]}",
		"{\"clock\":{\"ticks0\":1,\"ns0\":1,\"ticks1\":2,\"ns1\":2},"
		    "\"threads\":[{\"tid\":1,\"records\":\"00000000000000000000"
		    "0000000000000000000000000000ffff\"}]}" };
	FILE *null = fopen("/dev/null", "w");
	struct trace_text *t = trace_text_begin(null, true);

	for (uint32_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *trace = json_loads(texts[i], 0, NULL);

		assert_non_null(trace);
		assert_false(trace_text_process(t, "x", 1, trace));
		json_decref(trace);
	}
	trace_text_end(t);
	fclose(null);
}

static void
test_hist_draw(void **state)
{
	struct see_hist h = { .batch_in[2] = 10, .signal_gap[20] = 1 };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	json_t *json = hist_json(&h);

	hist_draw(f, json);
	fclose(f);
	assert_non_null(strstr(text, "packets in a batch taken: 10\n"
	    "    <      4\t        10 ########"));
	assert_non_null(strstr(text, "    <  1.049 ms\t         1 ####"));
	json_decref(json);
	free(text);
}

/* Nanoseconds of processor time an event, the best of some rounds. */
static void
cost_print(void)
{
	const uint32_t each = 1000000;
	double best = 1e9;

	(void)!trace_start();
	for (uint32_t round = 0; round < 30; round++) {
		struct timespec a, b;
		double ns;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		for (uint32_t i = 0; i < each; i++)
			if (trace_on())
				trace_put(TRACE_SIGNAL, TRACE_WHY_SENT, 1, i);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 +
		    (double)(b.tv_nsec - a.tv_nsec)) / each;
		best = ns < best ? ns : best;
	}
	trace_stop();
	printf("%.1f ns an event\n", best);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_overwritten),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_not_a_trace),
		cmocka_unit_test(test_hist_draw),
	};

	if (argc > 1 && strcmp(argv[1], "cost") == 0) {
		cost_print();
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
