/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Histograms as JSON, and drawn.
 */
#include "linux/see/hist_json.h"

#include <string.h>

#include "linux/see/see_decide.h"

/* Policy: columns of the longest bar. */
#define DRAW_COLUMNS	40

static const struct { const char *name, *title; size_t off; bool ns; }
hists[] = {
	{ "batch_in", "packets in a batch taken",
	    offsetof(struct see_hist, batch_in), false },
	{ "batch_out", "packets in a batch put",
	    offsetof(struct see_hist, batch_out), false },
	{ "signal_gap", "time between signals sent",
	    offsetof(struct see_hist, signal_gap), true },
	{ "first_packet", "time from a signal to the first packet taken",
	    offsetof(struct see_hist, first_packet), true },
};

json_t *
hist_json(const struct see_hist *h)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < ARRAY_LEN(hists); i++) {
		const uint64_t *bucket = (const void *)((const char *)h +
		    hists[i].off);
		json_t *a = json_array();

		for (uint32_t k = 0; k < SEE_HIST_BUCKETS; k++)
			json_array_append_new(a, json_integer((json_int_t)
			    os_ld64(&bucket[k])));
		json_object_set_new(o, hists[i].name, a);
	}
	return o;
}

/* "below 16 us" of bucket k. */
static void
bound_print(FILE *out, uint32_t k, bool ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double v = (double)((uint64_t)1 << k);
	uint32_t u = 0;

	while (ns && v >= 1000 && u < 3) {
		v /= 1000;
		u++;
	}
	fprintf(out, "    < %6.4g%s%s", v, ns ? " " : "", ns ? units[u] : "");
}

static void
draw_one(FILE *out, const json_t *bucket, const char *title, bool ns)
{
	json_int_t most = 0, sum = 0;
	uint32_t first = SEE_HIST_BUCKETS, last = 0;

	for (uint32_t k = 0; k < SEE_HIST_BUCKETS; k++) {
		json_int_t n = json_integer_value(json_array_get(bucket, k));

		sum += n;
		most = n > most ? n : most;
		if (n > 0) {
			last = k;
			first = first < k ? first : k;
		}
	}
	fprintf(out, "  %s: %lld\n", title, (long long)sum);
	for (uint32_t k = first; k <= last && most > 0; k++) {
		json_int_t n = json_integer_value(json_array_get(bucket, k));
		int bar = (int)((n * DRAW_COLUMNS + most - 1) / most);

		bound_print(out, k, ns);
		fprintf(out, "\t%10lld ", (long long)n);
		for (int i = 0; i < bar; i++)
			fputc('#', out);
		fputc('\n', out);
	}
}

void
hist_draw(FILE *out, const json_t *hist)
{
	for (uint32_t i = 0; i < ARRAY_LEN(hists); i++)
		draw_one(out, json_object_get(hist, hists[i].name),
		    hists[i].title, hists[i].ns);
}
