/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counter tables and fault logs to JSON.  Any thread may read them.
 */
#include "linux/run/stat.h"

#include "bus/ring_chan.h"

json_t *
stat_counters(const void *counters, const struct counter_table *t)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < t->rows; i++)
		json_object_set_new(o, t->row[i].name,
		    json_integer((json_int_t)counter_read(counters,
		    &t->row[i])));
	return o;
}

void
stat_counters_add(void *sum, const void *b, const struct counter_table *t)
{
	for (uint32_t i = 0; i < t->rows; i++)
		counter_add((uint64_t *)(void *)((char *)sum +
		    t->row[i].offset), counter_read(b, &t->row[i]));
}

json_t *
stat_faults(const struct fault_log *f)
{
	json_t *reasons = json_object();

	for (unsigned int i = 0; i < FAULT_COUNT; i++) {
		uint64_t n = os_ld64(&f->count[i]);

		if (n > 0)
			json_object_set_new(reasons,
			    fault_name((enum fault)i),
			    json_integer((json_int_t)n));
	}
	return json_pack("{s:I, s:o, s:s, s:s, s:I}",
	    "total", (json_int_t)os_ld64(&f->total), "by_reason", reasons,
	    "last", fault_name(f->last), "last_text", fault_text(f->last),
	    "last_value", (json_int_t)os_ld64(&f->last_value));
}

json_t *
stat_chan(const struct chan *c, uint32_t vp)
{
	const struct ring_chan *rc = ring_chan_of_const(c);

	return json_pack("{s:i,s:i,s:o,s:o,s:o,s:o}",
	    "relid", (int)c->relid, "vp", (int)vp,
	    "signals", stat_counters(&rc->counters, &ring_chan_counters_table),
	    "ring_out", stat_counters(&rc->out.counters,
	    &ring_out_counters_table),
	    "ring_in", stat_counters(&rc->in.counters,
	    &ring_in_counters_table),
	    "faults", stat_faults(&c->faults));
}
