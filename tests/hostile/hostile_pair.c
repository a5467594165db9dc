/*
 * A hostile guest beside a good one, and a hostile host, in virtual time.
 *
 * Two machines with both real ends of VMBus run under one scheduler.  When all
 * channels of both are open, one end of the first tells a lie: in a ring, or
 * by message.  Then: the lie is one counted fault with its reason; the second
 * machine gets N packets echoed within a bounded number of steps; and when the
 * first is cut off, every block, page and mapping of it is back.
 *
 * `hostile_pair NAME` tells one lie alone, with every VMBus message shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bus/vmc_priv.h"
#include "sim/sim_echo.h"

#define RING_PAGES	3u
#define RING_SIZE	((RING_PAGES - 1) * HV_PAGE_SIZE)
#define PACKETS		400u	/* of the good machine, a channel */
#define STEPS		400000u	/* policy of this test: no run takes more */

struct side {
	struct sim_link link;
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
	assert_int_equal(vmc_start(s->link.vmc, sim->now_ns), 0);
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

/* ---- lies of a guest, in a ring ----------------------------------------- */

static struct ring_ctrl_wire *
ring_out_ctrl(struct side *s)
{
	return s->echo.ch[0].ring.va;
}

static struct ring_ctrl_wire *
ring_in_ctrl(struct side *s)
{
	return (void *)((uint8_t *)s->echo.ch[0].ring.va +
	    RING_PAGES * HV_PAGE_SIZE);
}

static struct chan *
host_chan(struct side *s)
{
	return vms_connection_chan(s->link.vms,
	    VMS_EVENT_CONN(s->echo.ch[0].chan->relid));
}

/* The host looks at the ring, again and again if it likes. */
static void
poke(struct side *s)
{
	for (uint32_t i = 0; i < 16; i++)
		sim_link_host_ready(&s->link, host_chan(s));
}

static void
ring_write_index(struct side *s, uint32_t value)
{
	ring_out_ctrl(s)->write_index = le32_put(value);
	poke(s);
}

/* Publish `bytes` that begin with this descriptor. */
static void
ring_publish(struct side *s, const struct ring_desc_wire *d, uint32_t bytes)
{
	struct ring_ctrl_wire *c = ring_out_ctrl(s);
	uint8_t *data = (uint8_t *)c + HV_PAGE_SIZE;
	uint32_t at = le32_get(c->write_index);

	for (uint32_t i = 0; i < bytes; i++)
		data[(at + i) % RING_SIZE] = i < sizeof(*d) ?
		    ((const uint8_t *)d)[i] : 0;
	ring_write_index(s, (at + bytes) % RING_SIZE);
}

static void
ring_packet(struct side *s, uint16_t type, uint16_t off8, uint16_t len8,
    uint16_t flags)
{
	const struct ring_desc_wire d = { le16_put(type), le16_put(off8),
		le16_put(len8), le16_put(flags), le64_put(1) };

	ring_publish(s, &d, 64);
}

static void lie_index_range(struct side *s) { ring_write_index(s, RING_SIZE); }
static void lie_index_huge(struct side *s) { ring_write_index(s, ~7u); }
static void lie_index_unaligned(struct side *s) { ring_write_index(s, 13); }
static void lie_desc_empty(struct side *s) { ring_packet(s, 6, 2, 0, 0); }
static void lie_desc_short(struct side *s) { ring_packet(s, 6, 2, 1, 0); }
static void lie_desc_off(struct side *s) { ring_packet(s, 6, 1, 4, 0); }
static void lie_desc_off_far(struct side *s) { ring_packet(s, 6, 5, 4, 0); }
static void lie_desc_long(struct side *s) { ring_packet(s, 6, 2, 0xffff, 0); }
static void lie_desc_over(struct side *s) { ring_packet(s, 6, 2, 9, 0); }
static void lie_desc_type(struct side *s) { ring_packet(s, 77, 2, 4, 0); }

/* Of the ring that the host fills, once it wants to know how far we are. */
static void
lie_read_index(struct side *s)
{
	const struct ring_desc_wire d = { le16_put(VMPKT_INBAND), le16_put(2),
		le16_put(257), le16_put(0), le64_put(1) };

	ring_in_ctrl(s)->read_index = le32_put(RING_SIZE + 8);
	for (uint32_t sent = 0; sent < RING_SIZE; sent += 2064)
		ring_publish(s, &d, 2064);
}

/* ---- lies of a guest, by message ---------------------------------------- */

static int
post(struct side *s, const void *msg, uint32_t len)
{
	uint8_t *exact = malloc(len);

	assert_non_null(exact);
	memcpy(exact, msg, len);
	int err = vms_message(s->link.vms, VMBUS_CONN_MESSAGE,
	    (struct span){ exact, len });
	free(exact);
	return err;
}

static void
post_words(struct side *s, uint32_t len, uint32_t type, uint32_t a, uint32_t b,
    uint32_t c, uint32_t d, uint32_t e)
{
	const uint32_t w[60] = { type, 0, a, b, c, d, e };

	(void)post(s, w, len);
}

/* One range of `bytes` at a page, announced with this id. */
static void
post_gpadl(struct side *s, uint32_t id, uint32_t bytes, uint32_t offset,
    uint64_t pfn)
{
	const struct vmbus_gpadl_src src = { .bytes = 4096, .first_pfn = pfn };
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t n = vmbus_gpadl_message(&src, 1, 1, id, 0, buf);
	le32_t v = le32_put(bytes);

	memcpy(buf + 20, &v, 4);
	v = le32_put(offset);
	memcpy(buf + 24, &v, 4);
	(void)post(s, buf, n);
}

#define PFN		(SIM_MEM_GPA >> HV_PAGE_SHIFT)
#define LIE_WORDS(name, ...)						\
static void								\
name(struct side *s)							\
{									\
	post_words(s, __VA_ARGS__);					\
}
LIE_WORDS(lie_short, 7, 5, 0, 0, 0, 0, 0)
LIE_WORDS(lie_type, 40, 99, 1, 0, 0, 0, 0)
LIE_WORDS(lie_host_type, 40, 6, 1, 0, 0, 0, 0)
LIE_WORDS(lie_open_cut, 40, 5, 1, 1, 1, 0, 1)
LIE_WORDS(lie_relid, 148, 5, 200, 1, 1, 0, 1)
LIE_WORDS(lie_reopen, 148, 5, 1, 1, 1, 0, 1)
LIE_WORDS(lie_close, 12, 7, 77, 0, 0, 0, 0)
LIE_WORDS(lie_body, 40, 9, 1, 4711, 1, 2, 3)
LIE_WORDS(lie_torn, 16, 11, 1, 4711, 0, 0, 0)
LIE_WORDS(lie_move, 16, 22, 1, 99, 0, 0, 0)
static void lie_gpadl_zero(struct side *s) { post_gpadl(s, 0, 4096, 0, PFN); }
static void lie_gpadl_far(struct side *s) { post_gpadl(s, 9, 4096, 0, 1); }
static void lie_gpadl_huge(struct side *s) { post_gpadl(s, 9, 4096, 0, ~0ull); }
static void lie_gpadl_off(struct side *s) { post_gpadl(s, 9, 4096, 4096, PFN); }
static void lie_gpadl_none(struct side *s) { post_gpadl(s, 9, 0, 0, PFN); }
static void lie_gpadl_long(struct side *s) { post_gpadl(s, 9, ~0u, 0, PFN); }

static void
lie_gpadl_twice(struct side *s)
{
	post_gpadl(s, 9, 4096, 0, PFN);
	post_gpadl(s, 9, 4096, 0, PFN);
}

/* The GPADL of an open ring. */
static void
lie_gpadl_busy(struct side *s)
{
	struct vmc_chan *vc = vmc_chan_of(s->echo.ch[0].chan);

	post_words(s, 16, 11, 1, vc->ring_gpadl->id, 0, 0, 0);
}

struct lie {
	const char *name;
	void (*tell)(struct side *);
	enum fault why;
};

static const struct lie ring_lies[] = {
	{ "write index out of range", lie_index_range, FAULT_RING_INDEX },
	{ "write index huge", lie_index_huge, FAULT_RING_INDEX },
	{ "write index unaligned", lie_index_unaligned, FAULT_RING_INDEX },
	{ "read index out of range", lie_read_index, FAULT_RING_INDEX },
	{ "descriptor without length", lie_desc_empty, FAULT_RING_DESC },
	{ "descriptor too short", lie_desc_short, FAULT_RING_DESC },
	{ "data offset inside descriptor", lie_desc_off, FAULT_RING_DESC },
	{ "data offset past the end", lie_desc_off_far, FAULT_RING_DESC },
	{ "packet longer than the ring", lie_desc_long, FAULT_RING_OVERRUN },
	{ "packet longer than published", lie_desc_over, FAULT_RING_OVERRUN },
	{ "packet type unknown", lie_desc_type, FAULT_RING_TYPE },
};

static const struct lie message_lies[] = {
	{ "message without header", lie_short, FAULT_VMBUS_SHORT },
	{ "message of no type", lie_type, FAULT_VMBUS_TYPE },
	{ "message of the host", lie_host_type, FAULT_VMBUS_TYPE },
	{ "open cut short", lie_open_cut, FAULT_VMBUS_SHORT },
	{ "open of no channel", lie_relid, FAULT_VMBUS_RELID },
	{ "open twice", lie_reopen, FAULT_VMBUS_STATE },
	{ "close of no channel", lie_close, FAULT_VMBUS_RELID },
	{ "move to no processor", lie_move, FAULT_VMBUS_VP },
	{ "GPADL 0", lie_gpadl_zero, FAULT_GPADL_ID },
	{ "GPADL twice", lie_gpadl_twice, FAULT_GPADL_ID },
	{ "GPADL outside memory", lie_gpadl_far, FAULT_GPA_UNMAPPED },
	{ "GPADL at the last page", lie_gpadl_huge, FAULT_GPA_UNMAPPED },
	{ "GPADL offset of a page", lie_gpadl_off, FAULT_GPADL_RANGE },
	{ "GPADL empty", lie_gpadl_none, FAULT_GPADL_RANGE },
	{ "GPADL past its pages", lie_gpadl_long, FAULT_GPADL_RANGE },
	{ "GPADL body alone", lie_body, FAULT_GPADL_ID },
	{ "GPADL teardown of none", lie_torn, FAULT_GPADL_ID },
	{ "GPADL teardown in use", lie_gpadl_busy, FAULT_GPADL_BUSY },
};

/* ---- lies of a host, by message ----------------------------------------- */

static void
host_says(struct side *s, uint32_t len, uint32_t type, uint32_t a, uint32_t b)
{
	const uint32_t w[60] = { type, 0, a, b };

	assert_int_equal(part_post_message(&s->link.part, 0, w, len), 0);
}

static void say_short(struct side *s) { host_says(s, 7, 1, 0, 0); }
static void say_type(struct side *s) { host_says(s, 40, 99, 0, 0); }
static void say_guest(struct side *s) { host_says(s, 40, 14, 0, 0); }
static void say_offer_cut(struct side *s) { host_says(s, 100, 1, 0, 0); }
static void say_offer_zero(struct side *s) { host_says(s, 196, 1, 0, 0); }
static void say_rescind(struct side *s) { host_says(s, 12, 2, 99, 0); }
static void say_all(struct side *s) { host_says(s, 8, 4, 0, 0); }
static void say_opened(struct side *s) { host_says(s, 20, 6, 99, 0); }
static void say_opened_2(struct side *s) { host_says(s, 20, 6, 1, 7777); }
static void say_created(struct side *s) { host_says(s, 20, 10, 1, 0xfff000); }
static void say_torn(struct side *s) { host_says(s, 12, 12, 0xfff000, 0); }
static void say_version(struct side *s) { host_says(s, 16, 15, 1, 0); }

static const struct lie host_lies[] = {
	{ "host: message without header", say_short, FAULT_VMBUS_SHORT },
	{ "host: message of no type", say_type, FAULT_VMBUS_TYPE },
	{ "host: message of a guest", say_guest, FAULT_VMBUS_TYPE },
	{ "host: offer cut short", say_offer_cut, FAULT_VMBUS_SHORT },
	{ "host: offer of channel 0", say_offer_zero, FAULT_VMBUS_RELID },
	{ "host: rescind of none", say_rescind, FAULT_VMBUS_RELID },
	{ "host: all offers twice", say_all, FAULT_VMBUS_STATE },
	{ "host: open result of none", say_opened, FAULT_VMBUS_RELID },
	{ "host: open result twice", say_opened_2, FAULT_VMBUS_STATE },
	{ "host: GPADL never asked for", say_created, FAULT_GPADL_ID },
	{ "host: teardown never asked for", say_torn, FAULT_GPADL_ID },
	{ "host: version again", say_version, FAULT_VMBUS_STATE },
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
	return &host_chan(s)->faults;
}

static const struct fault_log *
log_part(struct side *s)
{
	return &s->link.part.faults;
}

static const struct fault_log *
log_guest(struct side *s)
{
	return vmc_faults(s->link.vmc);
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
		lies[i].tell(&w->bad);
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
}

static void
a_lie_by_message_is_one_fault(void **state)
{
	tell_all(message_lies, ARRAY_LEN(message_lies), log_part);
}

static void
a_lie_of_the_host_is_one_fault(void **state)
{
	tell_all(host_lies, ARRAY_LEN(host_lies), log_guest);
}

/* GPADLs up to the limit, and then no more; all are back in the end. */
static void
a_flood_of_gpadls_ends_at_the_limit(void **state)
{
	struct world *w = world_new(7);
	const struct fault_log *f = log_part(&w->bad);
	uint32_t had = vms_gpadl_count(w->bad.link.vms);

	for (uint32_t i = 0; i < 2 * VMS_MAX_GPADLS; i++)
		post_gpadl(&w->bad, 0x10000 + i, 4096, 0, PFN + i % 64);
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
	struct ring_ctrl_wire *c = ring_out_ctrl(bad);

	if (s->left-- == 0)
		return;
	lie_type(bad);
	if (value == 1) {
		c->write_index = le32_put((uint32_t)sim_below(&s->w->sim,
		    RING_SIZE / 8) * 8);
		c->pending_send = le32_put(8);
	}
	sim_link_host_ready(&bad->link, host_chan(bad));
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
		cmocka_unit_test(a_lie_of_the_host_is_one_fault),
		cmocka_unit_test(a_flood_of_gpadls_ends_at_the_limit),
		cmocka_unit_test(a_storm_starves_nobody),
	};

	only = argc > 1 ? argv[1] : NULL;
	trace = only != NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
