/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest beside a good one, in virtual time.
 *
 * Two machines with both real ends of VMBus run under one scheduler.  When all
 * channels of both are open, the guest of the first tells a lie: in a ring, or
 * by message.  Then: the lie is one counted fault with its reason; the second
 * machine gets N packets echoed within a bounded number of steps; and when the
 * first is cut off, every block, page and mapping of it is back.
 *
 * `hostile_pair NAME` tells only one lie, with every VMBus message shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/sim_echo.h"

#include "lies.h"

#define RING_PAGES	3u
#define RING_SIZE	((RING_PAGES - 1) * HV_PAGE_SIZE)
#define PACKETS		400u	/* of the good machine, a channel */
#define STEPS		400000u	/* policy of this test: no run takes more */

struct side {
	struct sim_link link;
	struct liar liar;	/* tells of the first channel */
	struct sim_echo_dev dev;
	struct sim_echo echo;
	int connected;
};

struct world {
	struct sim sim;
	struct side bad, good;
};

static bool trace;

/* ---- two machines ------------------------------------------------------- */

static void
on_connected(void *ctx, int version_or_err)
{
	((struct side *)ctx)->connected = version_or_err;
}

static void
on_offer(void *ctx, struct chan *c)
{
	sim_echo_offer(&((struct side *)ctx)->echo, c);
}

static void
on_gone(void *ctx, struct chan *c)
{
	sim_echo_gone(&((struct side *)ctx)->echo, c);
}

static void
on_unloaded(void *ctx)
{
}

static const struct sim_link_ops side_ops = {
	.connected = on_connected, .offer = on_offer, .gone = on_gone,
	.unloaded = on_unloaded,
};

static void
side_up(struct side *s, struct sim *sim, bool shown)
{
	struct sim_link_config cfg = { .vps = 2, .mem_pages = 1024,
		.mem_regions = 16 };

	cfg.vms.dedicated_interrupt = true;
	cfg.trace = shown;
	assert_int_equal(sim_link_init(&s->link, sim, &cfg, &side_ops, s), 0);
	sim_echo_dev_init(&s->dev, &s->link, 2);
	sim_echo_init(&s->echo, &s->link, RING_PAGES, 20, 10);
	s->dev.offered = vms_dev_offer(s->link.vms, &s->dev.dev) == 0;
	assert_true(s->dev.offered);
	assert_int_equal(vmc_start(s->link.vmc), 0);
	sim_link_control(&s->link);
}

static bool
both_idle(void *ctx)
{
	struct world *w = ctx;

	return sim_echo_idle(&w->bad.echo, 3) &&
	    sim_echo_idle(&w->good.echo, 3);
}

static bool
good_idle(void *ctx)
{
	return sim_echo_idle(&((struct world *)ctx)->good.echo, 3);
}

static struct world *
world_new(uint64_t seed)
{
	static struct world world;	/* large */
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	sim_init(&w->sim, seed);
	side_up(&w->bad, &w->sim, trace);
	side_up(&w->good, &w->sim, false);
	assert_true(sim_run(&w->sim, both_idle, w, STEPS, UINT64_MAX));
	w->bad.liar = (struct liar){ &w->bad.link,
		w->bad.echo.ch[0].chan->relid };
	return w;
}

static void
side_down(struct side *s)
{
	char what[256] = "";

	sim_link_cut(&s->link);
	sim_link_control(&s->link);
	sim_link_fini(&s->link);
	if (sim_link_leaks(&s->link, true, what, sizeof(what)))
		fail_msg("live after the end:%s", what);
	sim_link_free(&s->link);
}

static void
world_del(struct world *w)
{
	side_down(&w->bad);
	side_down(&w->good);
	sim_fini(&w->sim);
}

/* Steps until the good machine has its packets. */
static uint64_t
good_steps(struct world *w)
{
	uint64_t before = w->sim.steps;

	sim_echo_more(&w->good.echo, PACKETS);
	sim_link_control(&w->good.link);
	if (!sim_run(&w->sim, good_idle, w, STEPS, UINT64_MAX))
		fail_msg("the good guest starves: %llu steps were not enough",
		    (unsigned long long)STEPS);
	assert_int_equal(w->good.echo.bad, 0);
	assert_int_equal(w->good.link.part.faults.total, 0);
	assert_int_equal(vmc_faults(w->good.link.vmc)->total, 0);
	return w->sim.steps - before;
}

/* The host's echoes make it look at how far the guest has read. */
static void
lie_read_index(struct liar *l)
{
	const struct ring_desc_wire d = { le16_put(VMPKT_INBAND), le16_put(2),
		le16_put(257), le16_put(0), le64_put(1) };

	liar_read_index(l);
	for (uint32_t sent = 0; sent < RING_SIZE; sent += 2064)
		ring_publish(l, &d, 2064);
}

static const struct lie echo_lies[] = {
	{ "read index out of range", lie_read_index, FAULT_RING_INDEX },
};

/* ---- tests -------------------------------------------------------------- */

static const char *only;

static void
expect_one(const struct fault_log *f, const struct lie *lie)
{
	if (f->total == 1 && f->last == lie->why)
		return;
	fail_msg("\"%s\": %llu faults, the last %s; expected one, %s.  "
	    "reproduce: hostile_pair '%s'", lie->name,
	    (unsigned long long)f->total, fault_name(f->last),
	    fault_name(lie->why), lie->name);
}

/* The log in which this lie must show up. */
typedef const struct fault_log *log_of(struct side *s);

static const struct fault_log *
log_chan(struct side *s)
{
	return &liar_chan(&s->liar)->faults;
}

static const struct fault_log *
log_part(struct side *s)
{
	return &s->link.part.faults;
}

static void
tell_all(const struct lie *lies, uint32_t n, log_of *log)
{
	uint64_t alone;
	struct world *w = world_new(1);

	alone = good_steps(w);
	world_del(w);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t steps;

		if (only != NULL && strcmp(only, lies[i].name) != 0)
			continue;
		w = world_new(i);
		lies[i].tell(&w->bad.liar);
		steps = good_steps(w);
		if (steps > 2 * alone)
			fail_msg("\"%s\": %llu steps instead of %llu",
			    lies[i].name, (unsigned long long)steps,
			    (unsigned long long)alone);
		expect_one(log(&w->bad), &lies[i]);
		world_del(w);
	}
}

static void
a_lie_in_a_ring_is_one_fault(void **state)
{
	tell_all(ring_lies, ARRAY_LEN(ring_lies), log_chan);
	tell_all(echo_lies, ARRAY_LEN(echo_lies), log_chan);
}

static void
a_lie_by_message_is_one_fault(void **state)
{
	tell_all(message_lies, ARRAY_LEN(message_lies), log_part);
}

/* GPADLs up to the limit, and then no more; all are back in the end. */
static void
a_flood_of_gpadls_ends_at_the_limit(void **state)
{
	struct world *w = world_new(7);
	const struct fault_log *f = log_part(&w->bad);
	uint32_t had = vms_gpadl_count(w->bad.link.vms);

	for (uint32_t i = 0; i < 2 * VMS_MAX_GPADLS; i++)
		post_gpadl(&w->bad.liar, 0x10000 + i, 4096, 0, PFN + i % 64);
	assert_int_equal(vms_gpadl_count(w->bad.link.vms), VMS_MAX_GPADLS);
	assert_int_equal(f->count[FAULT_GPADL_LIMIT], VMS_MAX_GPADLS + had);
	/* It did not take the answers either. */
	assert_int_equal(f->total, f->count[FAULT_GPADL_LIMIT] +
	    f->count[FAULT_MSG_RATE]);
	(void)good_steps(w);
	world_del(w);
}

struct storm {
	struct world *w;
	uint64_t left;
};

/* Junk by message, signals without end, and a ring that is never empty. */
static void
storm_event(void *arg, uint64_t value)
{
	struct storm *s = arg;
	struct side *bad = &s->w->bad;
	struct ring_ctrl_wire *c = bad->echo.ch[0].ring.va;

	if (s->left-- == 0)
		return;
	lie_type(&bad->liar);
	if (value == 1) {
		c->write_index = le32_put((uint32_t)sim_below(&s->w->sim,
		    RING_SIZE / 8) * 8);
		c->pending_send = le32_put(8);
	}
	sim_link_host_ready(&bad->link, liar_chan(&bad->liar));
	sim_after(&s->w->sim, 500, storm_event, s, value);
}

static void
a_storm_starves_nobody(void **state)
{
	for (uint64_t kind = 0; kind < 2; kind++) {
		struct world *w = world_new(3);
		struct storm s = { w, 1000000 };
		uint64_t alone = good_steps(w);

		sim_after(&w->sim, 1, storm_event, &s, kind);
		/* Half a step of the storm for each of the good guest's. */
		assert_true(good_steps(w) < 20 * alone);
		assert_true(log_part(&w->bad)->count[FAULT_VMBUS_TYPE] > 100);
		sim_forget(&w->sim, &s);
		world_del(w);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lie_in_a_ring_is_one_fault),
		cmocka_unit_test(a_lie_by_message_is_one_fault),
		cmocka_unit_test(a_flood_of_gpadls_ends_at_the_limit),
		cmocka_unit_test(a_storm_starves_nobody),
	};

	only = argc > 1 ? argv[1] : NULL;
	trace = only != NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
