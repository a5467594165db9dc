/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest beside a good one, both with a whole NIC, in virtual time.
 *
 * Two guests with NetVSC, two NetVSPs and a backend for each run under one
 * scheduler and exchange frames that check themselves.  In the middle of it
 * the first tells a lie: in a ring, by VMBus message, in NVSP or in RNDIS; or
 * its host told one of host_lies.list by VMBus message, during attach.  Then:
 * the lie is one counted fault with its reason; the good guest has its frames,
 * all of them and right, within a bounded number of steps; and when both are
 * gone every block, page and mapping is back.
 *
 * `hostile_nic LIST NAME` tells only one lie, with every VMBus message shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "host_lies.h"
#include "lies.h"
#include "sim/sim_nic_priv.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/rndis_pkt.h"

#define BYTES	60000u		/* of each flow of each guest, each way */
#define FRAMES	200u		/* that this is at least, at the good guest */
#define STEPS	400000u		/* policy of this test: no run takes more */

struct world {
	struct sim sim;
	struct sim_nic_config cfg[2];
	struct sim_nic_run bad, good;
	struct liar liar;
	struct chan_mem page;	/* for the liar's RNDIS messages */
	struct bend *bend;	/* of the bad guest's host, or NULL */
	struct sim_link_ops link_ops;
};

static struct world world;	/* large */
static const char *only, *list;

/* ---- a host that lies --------------------------------------------------- */

static uint32_t
bent_filter(void *ctx, bool to_guest, uint32_t vp, uint8_t *msg, uint32_t *len)
{
	struct world *w = CONTAINER_OF((struct sim_nic_run *)ctx, struct world,
	    bad);
	enum bend_verdict v = bend_message(w->bend, to_guest, 1, vp, msg, len);

	return v == BEND_TAKE ? 0 : v == BEND_TWICE ? 2 : 1;
}

static void
release_event(void *arg, uint64_t value)
{
	(void)bend_release(((struct world *)arg)->bend);
}

static void
bent_ask(void *ctx)
{
	struct world *w = ctx;

	sim_after(&w->sim, 500, release_event, w, 0);
}

static void
bent_post(void *ctx, uint32_t guest, uint32_t vp, struct span msg)
{
	vms_post_bytes(((struct world *)ctx)->bad.link.vms, vp, msg);
}

static uint64_t
bent_now(void *ctx)
{
	return ((struct world *)ctx)->sim.now_ns;
}

/* From its first message on. */
static void
host_bend(struct world *w, const struct host_lie *lie)
{
	static const struct bend_ops ops = { .ask = bent_ask,
		.post = bent_post, .now = bent_now };

	w->bend = host_lie_bend(lie, &ops, w);
	w->link_ops = *w->bad.link.ops;
	w->link_ops.filter = bent_filter;
	w->bad.link.ops = &w->link_ops;
}

/* ---- two guests --------------------------------------------------------- */

static bool
both_have_all(void *ctx)
{
	struct world *w = ctx;

	(void)sim_nic_advance(&w->bad);
	(void)sim_nic_advance(&w->good);
	return w->bad.phase == TRAFFIC && w->good.phase == TRAFFIC &&
	    sim_flows_done(w->bad.up, w->cfg[0].flows) &&
	    sim_flows_done(w->bad.down, w->cfg[0].flows) &&
	    sim_flows_done(w->good.up, w->cfg[1].flows) &&
	    sim_flows_done(w->good.down, w->cfg[1].flows);
}

static bool
good_has_all(void *ctx)
{
	struct world *w = ctx;

	(void)sim_nic_advance(&w->bad);
	(void)sim_nic_advance(&w->good);
	return sim_flows_done(w->good.up, w->cfg[1].flows) &&
	    sim_flows_done(w->good.down, w->cfg[1].flows);
}

static bool
both_are_gone(void *ctx)
{
	struct world *w = ctx;
	bool bad = sim_nic_advance(&w->bad), good = sim_nic_advance(&w->good);

	return bad && good;
}

static struct world *
world_new(uint64_t seed, bool small_ring, const struct host_lie *lie)
{
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	sim_init(&w->sim, seed);
	for (int i = 0; i < 2; i++) {
		sim_nic_defaults(&w->cfg[i]);
		w->cfg[i].hold = true;
		w->cfg[i].bytes = 3000;
		w->cfg[i].frame = 4000;
		w->cfg[i].seed = seed;
	}
	w->cfg[0].link.trace = only != NULL;
	if (small_ring) {
		w->cfg[0].vsc.tune.ring_pages = 2;
		w->cfg[0].vsc.tune.rxbuf_kb = 2048;
	}
	assert_int_equal(sim_nic_begin(&w->bad, &w->sim, &w->cfg[0]), 0);
	if (lie != NULL)
		host_bend(w, lie);
	assert_int_equal(sim_nic_begin(&w->good, &w->sim, &w->cfg[1]), 0);
	if (!sim_run(&w->sim, both_have_all, w, STEPS, UINT64_MAX))
		fail_msg("the guests did not come up");
	w->liar = (struct liar){ &w->bad.link, w->bad.host_chan[0]->relid };
	assert_int_equal(sim_guest_mem_alloc(&w->bad.link, HV_PAGE_SIZE,
	    &w->page), 0);
	return w;
}

static uint32_t
frames_of(const struct sim_nic_run *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->cfg->flows; i++)
		n += r->up[i].frames + r->down[i].frames;
	return n;
}

/*
 * The good guest, and the bad one unless it is to be quiet, send and receive
 * BYTES more of every flow, as far as they can.  Steps until the good one has
 * all of it.
 */
static uint64_t
good_steps(struct world *w, bool quiet)
{
	uint64_t before = w->sim.steps;
	uint32_t frames = frames_of(&w->good);

	if (!quiet)
		sim_nic_more(&w->bad, BYTES);
	sim_nic_more(&w->good, BYTES);
	if (!sim_run(&w->sim, good_has_all, w, STEPS, UINT64_MAX))
		fail_msg("the good guest starves: %u steps were not enough",
		    STEPS);
	assert_true(frames_of(&w->good) >= frames + FRAMES);
	assert_null(sim_flows_bad(w->good.up, w->cfg[1].flows));
	assert_null(sim_flows_bad(w->good.down, w->cfg[1].flows));
	assert_int_equal(w->good.strays, 0);
	assert_int_equal(w->good.link.part.faults.total, 0);
	assert_int_equal(vsp_faults(w->good.vsp)->total, 0);
	assert_int_equal(vmc_faults(w->good.link.vmc)->total, 0);
	return w->sim.steps - before;
}

static void
nic_del(struct sim_nic_run *r)
{
	char what[256] = "";

	sim_nic_end(r);
	if (sim_link_leaks(&r->link, true, what, sizeof(what)))
		fail_msg("live after the end:%s", what);
	sim_link_free(&r->link);
}

/* The bad guest is cut off, the good one detaches. */
static void
world_del(struct world *w)
{
	sim_guest_mem_free(&w->bad.link, &w->page);
	sim_nic_stop(&w->bad, SIM_STOP_CUT);
	sim_nic_stop(&w->good, SIM_STOP_DETACH);
	if (!sim_run(&w->sim, both_are_gone, w, STEPS, UINT64_MAX))
		fail_msg("the end does not come: phases %d and %d",
		    w->bad.phase, w->good.phase);
	nic_del(&w->bad);
	nic_del(&w->good);
	sim_fini(&w->sim);
	bend_free(w->bend);
}

/* ---- lies in NVSP and RNDIS --------------------------------------------- */

/* A packet that the ring takes: extension, then data of data_len bytes. */
static void
packet(struct liar *l, uint16_t type, uint64_t xact, const void *ext,
    uint32_t ext_len, const void *data, uint32_t data_len)
{
	struct ring_in *ring = liar_ring(l);
	uint8_t *at = (uint8_t *)ring->ctrl + HV_PAGE_SIZE, buf[512] = { 0 };
	uint32_t len = (16 + ext_len + data_len + 7) & ~7u;
	const struct ring_desc_wire d = { le16_put(type),
		le16_put((uint16_t)((16 + ext_len) / 8)),
		le16_put((uint16_t)(len / 8)),
		le16_put(0),	/* no answer: our guest did not ask */
		le64_put(xact) };
	uint32_t write = le32_get(ring->ctrl->write_index);

	assert_true(len + 8 <= sizeof(buf));
	memcpy(buf, &d, sizeof(d));
	memcpy(buf + 16, ext, ext_len);
	memcpy(buf + 16 + ext_len, data, data_len);
	for (uint32_t i = 0; i < len + 8; i++)
		at[(write + i) % ring->size] = buf[i];
	ring_write_index(l, (write + len + 8) % ring->size);
}

static void
nvs(struct liar *l, uint32_t type, uint32_t a, uint32_t b, uint32_t c)
{
	const uint32_t w[10] = { type, a, b, c };

	packet(l, VMPKT_INBAND, 9, "", 0, w, sizeof(w));
}

static void say_nvs_type(struct liar *l) { nvs(l, 4711, 0, 0, 0); }
static void say_nvs_host(struct liar *l) { nvs(l, NVS_INIT_DONE, 0, 0, 0); }
static void say_section(struct liar *l) { nvs(l, NVS_RNDIS, 0, 99999, 64); }
static void say_section_top(struct liar *l) { nvs(l, NVS_RNDIS, 0, ~1u, 64); }
static void say_section_long(struct liar *l) { nvs(l, NVS_RNDIS, 0, 0, ~0u); }

static void
say_nvs_init(struct liar *l)
{
	nvs(l, NVS_INIT, NVS_V5, NVS_V5, 0);
}

static void
gpa(struct liar *l, uint64_t addr, uint32_t len)
{
	const struct gpa_piece piece = { addr, len };
	const uint32_t w[10] = { NVS_RNDIS, 0, NVS_SECTION_NONE, 0 };
	uint8_t ext[VMPKT_SG_EXT_BYTES(1)];
	uint32_t n = vmpkt_gpa_sg_put(ext, sizeof(ext), &piece, 1);

	packet(l, VMPKT_GPA_DIRECT, 5, ext, n, w, sizeof(w));
}

static void say_gpa_low(struct liar *l) { gpa(l, 0x1000, 100); }
static void say_gpa_past(struct liar *l) { gpa(l, 1ull << 45, 100); }
static void say_gpa_top(struct liar *l) { gpa(l, ~0xfffull, 100); }

static void
say_ranges(struct liar *l)
{
	const uint32_t ext[4] = { 0, 0xffffffff, 100, 0 };
	const uint32_t w[10] = { NVS_RNDIS, 0, NVS_SECTION_NONE, 0 };

	packet(l, VMPKT_GPA_DIRECT, 5, ext, sizeof(ext), w, sizeof(w));
}

static void
ack(struct liar *l, uint64_t xact)
{
	const uint32_t w[2] = { NVS_RNDIS_DONE, 1 };

	packet(l, VMPKT_COMPLETION, xact, "", 0, w, sizeof(w));
}

static void say_ack_free(struct liar *l) { ack(l, 3); }
static void say_ack_top(struct liar *l) { ack(l, ~0ull); }

/* A frame of 60 bytes in an RNDIS message, with one word of it a lie. */
static void
rndis(struct liar *l, uint32_t word, uint32_t value)
{
	const struct rndis_ppi_set ppi = { .present = RNDIS_HAS_VLAN,
		.vlan = rndis_vlan_from_tci(5) };
	uint8_t *at = world.page.va;
	uint32_t n = rndis_packet_put_header(at, 512, &ppi, 60);
	le32_t v = le32_put(value);

	memset(at + n, 0x5a, 60);
	memcpy(at + 4 * word, &v, sizeof(v));
	gpa(l, world.page.gpa, n + 60);
}

static void say_rndis_type(struct liar *l) { rndis(l, 0, 0x777); }
static void say_rndis_long(struct liar *l) { rndis(l, 1, 5000); }
static void say_rndis_short(struct liar *l) { rndis(l, 1, 8); }
static void say_data_far(struct liar *l) { rndis(l, 2, 4000); }
static void say_data_wraps(struct liar *l) { rndis(l, 2, ~3u); }
static void say_data_long(struct liar *l) { rndis(l, 3, ~0u); }
static void say_oob(struct liar *l) { rndis(l, 6, 3); }
static void say_ppi_far(struct liar *l) { rndis(l, 7, 4000); }
static void say_ppi_still(struct liar *l) { rndis(l, 11, 0); }

static const struct lie nic_lies[] = {
	{ "NVSP of no type", say_nvs_type, FAULT_NVS_TYPE },
	{ "NVSP of the host", say_nvs_host, FAULT_NVS_TYPE },
	{ "INIT again", say_nvs_init, FAULT_NVS_STATE },
	{ "section past the last", say_section, FAULT_NVS_SECTION },
	{ "section at the top", say_section_top, FAULT_NVS_SECTION },
	{ "section too long", say_section_long, FAULT_NVS_SECTION },
	{ "address below memory", say_gpa_low, FAULT_GPA_UNMAPPED },
	{ "address past memory", say_gpa_past, FAULT_GPA_UNMAPPED },
	{ "address at the top", say_gpa_top, FAULT_GPA_UNMAPPED },
	{ "ranges without number", say_ranges, FAULT_PKT_RANGES },
	{ "acknowledgement of a free section", say_ack_free, FAULT_XACT_ID },
	{ "acknowledgement of anything", say_ack_top, FAULT_XACT_ID },
	{ "RNDIS of no type", say_rndis_type, FAULT_RNDIS_TYPE },
	{ "RNDIS longer than its range", say_rndis_long, FAULT_RNDIS_LEN },
	{ "RNDIS shorter than itself", say_rndis_short, FAULT_RNDIS_LEN },
	{ "frame outside its message", say_data_far, FAULT_RNDIS_DATA },
	{ "frame at a wrapping offset", say_data_wraps, FAULT_RNDIS_DATA },
	{ "frame longer than its message", say_data_long, FAULT_RNDIS_DATA },
	{ "out-of-band data", say_oob, FAULT_RNDIS_OOB },
	{ "packet info outside its message", say_ppi_far, FAULT_RNDIS_PPI },
	{ "packet info that does not advance", say_ppi_still, FAULT_RNDIS_PPI },
};

/*
 * Frames for the liar until its ring is full: the host looks at how far it has
 * read.  The guest does not run meanwhile, or it would say the truth.
 */
static void
lie_read_index(struct liar *l)
{
	liar_read_index(l);
	for (uint32_t i = 0; i < world.cfg[0].flows; i++)
		world.bad.down[i].goal += 10 * BYTES;
	for (uint32_t i = 0; i < 200; i++)
		sim_nic_host_pump(&world.bad, 0);
	sim_forget(&world.sim, &world.bad);
}

static const struct lie read_lies[] = {
	{ "read index out of range", lie_read_index, FAULT_RING_INDEX },
};

/* ---- tests -------------------------------------------------------------- */

/* Faults that the host has against the liar, and how many are `why`. */
static uint64_t
blamed(const struct world *w, enum fault why, uint64_t *of_this)
{
	const struct fault_log *log[2] = { vsp_faults(w->bad.vsp),
		&w->bad.link.part.faults };
	uint64_t total = 0;

	*of_this = 0;
	for (size_t i = 0; i < 2; i++) {
		total += log[i]->total;
		*of_this += log[i]->count[why];
	}
	return total;
}

/* A list of lies, and in what world they are told. */
struct script {
	const struct lie *lie;
	uint32_t lies;
	/*
	 * Told into the ring behind the guest's back: what it would send on
	 * would be a second lie.
	 */
	bool quiet;
	bool small_ring;
};

static void
one_fault(const char *name, enum fault why, uint64_t total, uint64_t right,
    uint64_t steps, uint64_t alone)
{
	if (steps > 2 * alone || total != 1 || right != 1)
		fail_msg("\"%s\": %llu steps (%llu without it), %llu faults, "
		    "%llu of them %s; expected one.  reproduce: "
		    "hostile_nic %s '%s'", name, (unsigned long long)steps,
		    (unsigned long long)alone, (unsigned long long)total,
		    (unsigned long long)right, fault_name(why), list, name);
}

static void
tell(const struct script *s, uint32_t i, uint64_t alone)
{
	const struct lie *lie = &s->lie[i];
	struct world *w = world_new(i, s->small_ring, NULL);
	uint64_t steps, total, right;

	lie->tell(&w->liar);
	steps = good_steps(w, s->quiet);
	total = blamed(w, lie->why, &right);
	one_fault(lie->name, lie->why, total, right, steps, alone);
	world_del(w);
}

static void
tell_all(const struct script *s)
{
	uint64_t alone, none;
	struct world *w = world_new(1, s->small_ring, NULL);

	alone = good_steps(w, s->quiet);
	assert_int_equal(blamed(w, FAULT_NONE, &none), 0);
	world_del(w);
	for (uint32_t i = 0; i < s->lies; i++)
		if (only == NULL || strcmp(only, s->lie[i].name) == 0)
			tell(s, i, alone);
}

#define SCRIPT(list, ...)						\
	(&(const struct script){ list, ARRAY_LEN(list), __VA_ARGS__ })

static void
a_lie_in_a_ring(void **state)
{
	tell_all(SCRIPT(ring_lies, .quiet = true));
	tell_all(SCRIPT(read_lies, .quiet = true, .small_ring = true));
}

static void
a_lie_in_nvsp_or_rndis(void **state)
{
	tell_all(SCRIPT(nic_lies, .quiet = true));
}

/* The bad guest's own traffic goes on. */
static void
a_lie_by_message(void **state)
{
	tell_all(SCRIPT(message_lies, .quiet = false));
}

/* While its guest attaches.  Those in a ring: tests/conform/lies.py. */
static void
a_lie_of_the_host(void **state)
{
	static struct host_lie lies[HOST_LIES_MAX];
	uint32_t n = host_lies_read(list, "VMBUS", lies);
	struct world *w = world_new(1, false, NULL);
	uint64_t alone = good_steps(w, false), steps;

	world_del(w);
	for (uint32_t i = 0; i < n; i++) {
		const struct fault_log *f;

		if (only != NULL && strcmp(only, lies[i].name) != 0)
			continue;
		w = world_new(i, false, &lies[i]);
		steps = good_steps(w, false);
		f = vmc_faults(w->bad.link.vmc);
		one_fault(lies[i].name, lies[i].why, f->total,
		    f->count[lies[i].why], steps, alone);
		world_del(w);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lie_in_a_ring),
		cmocka_unit_test(a_lie_by_message),
		cmocka_unit_test(a_lie_in_nvsp_or_rndis),
		cmocka_unit_test(a_lie_of_the_host),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: hostile_nic host_lies.list [NAME]\n");
		return 2;
	}
	list = argv[1];
	only = argc > 2 ? argv[2] : NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
