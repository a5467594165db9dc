/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole NIC, both real ends: versions, offloads, MTUs, faults, failing
 * allocations, and a stop after every event.  Frames check themselves
 * (sim_frame.h).  A failure prints the command that repeats it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/sim_nic.h"
#include "wire/nvs_msg.h"

static void
run_ok(const struct sim_nic_config *c, const char *faults,
    struct sim_nic_result *r)
{
	char line[512];

	if (sim_nic_run(c, r))
		return;
	sim_nic_command(c, faults, line, sizeof(line));
	fail_msg("%s; repeat: %s", r->why, line);
}

/* And it attached and carried everything. */
static void
run_all(const struct sim_nic_config *c, const char *faults,
    struct sim_nic_result *r)
{
	run_ok(c, faults, r);
	assert_int_equal(r->err, 0);
	assert_true(r->from_guest >= c->flows);
	assert_true(r->to_guest >= c->flows);
}

static void
stop_everywhere(struct sim_nic_config *c, const char *faults, uint64_t stride)
{
	struct sim_nic_result r;
	uint64_t steps;

	c->bytes = 8000;
	c->stop_at = 0;
	run_all(c, faults, &r);
	steps = r.steps;
	assert_true(steps > 80);
	for (int how = 0; how < SIM_STOPS; how++) {
		c->stop = (enum sim_stop)how;
		for (c->stop_at = 1; c->stop_at < steps; c->stop_at += stride)
			run_ok(c, faults, &r);
	}
}

static void
test_nvsp_versions(void **state)
{
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	for (uint32_t i = 0; i < NVS_VERSIONS; i++) {
		c.vsp.max_nvsp = nvs_versions[i];
		run_all(&c, "none", &r);
		assert_int_equal(r.caps.nvsp_version, nvs_versions[i]);
		/* Sub-channels from 5, RSC from 6.1. */
		assert_int_equal(r.caps.queues,
		    nvs_versions[i] >= NVS_V5 ? 2 : 1);
		assert_int_equal(r.to_guest_gso != 0,
		    nvs_versions[i] >= NVS_V6_1);
		c.vsp.max_nvsp = 0;
		c.vsc.max_nvsp = nvs_versions[i];
		run_all(&c, "none", &r);
		assert_int_equal(r.caps.nvsp_version, nvs_versions[i]);
		c.vsc.max_nvsp = 0;
	}
}

static void
test_vmbus_versions(void **state)
{
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	for (uint32_t i = 0; i < VMBUS_VERSIONS; i++) {
		c.link.vms.max_version = vmbus_versions[i];
		run_all(&c, "none", &r);
		assert_int_equal(r.caps.vmbus_version, vmbus_versions[i]);
	}
}

/* Offloads of either end, backends, VLAN: all must come out right. */
static void
test_offloads(void **state)
{
	static const uint32_t guest[] = { VSC_OFF_ALL, 0, 0x3f, 0xff, 0x3c0,
		VSC_OFF_ALL & ~VSC_OFF_TSO4, VSC_OFF_ALL & ~VSC_OFF_TSO6,
		VSC_OFF_ALL & ~VSC_OFF_RSC6, VSC_OFF_ALL & ~VSC_OFF_VLAN };
	static const uint32_t host[] = { VSP_OFF_ALL, 0, 0x03, 0x07,
		VSP_OFF_ALL & ~VSP_OFF_TXCSUM, VSP_OFF_ALL & ~VSP_OFF_RSC };
	struct sim_nic_config c;
	struct sim_nic_result r;
	uint32_t n = 0;

	sim_nic_defaults(&c);
	c.bytes = 30000;
	for (uint32_t g = 0; g < ARRAY_LEN(guest); g++) {
		for (uint32_t h = 0; h < ARRAY_LEN(host); h++, n++) {
			c.seed = n;
			c.vsc.offloads = guest[g];
			c.vsp.offloads = host[h];
			c.vsp.backend_gso4 = n & 1;
			c.vsp.backend_gso6 = n & 2;
			c.vsp.backend_csum = n & 4;
			c.vlan = (guest[g] & VSC_OFF_VLAN) &&
			    (host[h] & VSP_OFF_VLAN);
			c.vsp.rxcsum_complete = n & 8;
			run_all(&c, "none", &r);
		}
	}
}

/* Our own guest: fragments of several segments, size told beside them. */
static void
test_rsc_sizes(void **state)
{
	static const uint32_t section[] = { 1792, 4096, 8192, 65536 };
	static const uint32_t frame[] = { 1449, 2896, 7000, 60000 };
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	c.vsp.rsc_large = c.vsp.rsc_sizes = true;
	for (uint32_t i = 0; i < 2 * ARRAY_LEN(section); i++) {
		for (uint32_t k = 0; k < ARRAY_LEN(frame); k++) {
			c.seed = 10 * i + k;
			c.vsp.section_bytes = section[i / 2];
			c.frame = frame[k];
			c.vlan = i & 1;
			c.vsp.rxcsum_complete = k & 1;
			run_all(&c, "none", &r);
			assert_true(r.to_guest_gso > 0);
		}
	}
}

static void
test_tso_and_rsc_keep_frames_whole(void **state)
{
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	run_all(&c, "none", &r);
	assert_true(r.from_guest_gso > 0);
	assert_true(r.to_guest_gso > 0);
	/* Without them the same bytes come in segments. */
	c.vsp.offloads &= ~(VSP_OFF_LSO | VSP_OFF_RSC);
	run_all(&c, "none", &r);
	assert_int_equal(r.from_guest_gso, 0);
	assert_int_equal(r.to_guest_gso, 0);
}

static void
test_mtu_and_sizes(void **state)
{
	static const uint32_t mtu[] = { 576, 1280, 1500, 4000, 9000 };
	static const uint32_t frame[] = { 100, 1500, 9000, 62000 };
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	for (uint32_t m = 0; m < ARRAY_LEN(mtu); m++) {
		for (uint32_t f = 0; f < ARRAY_LEN(frame); f++) {
			c.vsp.mtu = c.vsc.mtu = mtu[m];
			c.frame = frame[f];
			run_all(&c, "none", &r);
			assert_int_equal(r.caps.mtu, mtu[m]);
		}
	}
}

static void
test_rss_spreads(void **state)
{
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	c.link.vps = c.vsc.vps = 4;
	c.vsp.max_queues = 4;
	c.flows = 16;
	c.bytes = 20000;
	run_all(&c, "none", &r);
	assert_int_equal(r.caps.queues, 4);
	assert_int_equal(r.queues_used_host, 4);
	assert_true(r.queues_used_guest >= 3);
}

/* As many channels as the protocol has: each carries frames both ways. */
static void
test_64_channels(void **state)
{
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	c.link.vps = c.vsc.vps = SIM_MAX_VPS;
	c.link.mem_pages = 32768;
	c.vsc.tune.chan_cnt = c.vsp.max_queues = 64;
	c.vsc.tune.ring_pages = 2;
	c.vsc.tune.rxbuf_kb = 8192;
	c.flows = SIM_NIC_FLOWS;
	c.bytes = 6000;
	c.frame = 3000;
	run_all(&c, "none", &r);
	assert_int_equal(r.caps.queues, 64);
	assert_int_equal(r.queues_used_host, 64);
	assert_true(r.queues_used_guest >= 24);
}

/* Key and table change under way: no byte is lost, doubled or wrong. */
static void
test_rss_changes_while_traffic_runs(void **state)
{
	static const char *const class[] = { "none", "delay", "all" };
	struct sim_nic_config c;
	struct sim_nic_result r;
	uint32_t moves = 0;

	sim_nic_defaults(&c);
	c.link.vps = c.vsc.vps = 4;
	c.flows = 16;
	c.rekey_us = 150;
	for (uint32_t f = 0; f < ARRAY_LEN(class); f++) {
		assert_true(sim_faults_named(class[f], &c.link.faults));
		for (c.seed = 0; c.seed < 8; c.seed++) {
			run_all(&c, class[f], &r);
			assert_int_equal(r.caps.queues, 4);
			assert_true(r.rekeys > 0);
			moves += r.moves;
		}
	}
	assert_true(moves > 100);
}

/* There is no VF here: the guest notes the news, and traffic goes on. */
static void
test_news_of_a_vf(void **state)
{
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	c.vf = true;
	for (c.seed = 0; c.seed < 4; c.seed++) {
		run_all(&c, "none", &r);
		assert_true(r.vf_messages >= 4);
	}
}

/*
 * The stack holds packets: what it holds does not change, the host never lacks
 * so many sections that traffic stops, and detach waits for the stack.
 */
static void
test_held_packets(void **state)
{
	static const char *const class[] = { "none", "delay", "all" };
	struct sim_nic_config c;
	struct sim_nic_result r;
	uint32_t held = 0, not_held = 0;

	sim_nic_defaults(&c);
	c.vsc.rx_hold = true;
	c.no_alloc = true;
	c.vsp.section_bytes = 1792;
	for (uint32_t f = 0; f < ARRAY_LEN(class); f++) {
		assert_true(sim_faults_named(class[f], &c.link.faults));
		for (c.seed = 0; c.seed < 8; c.seed++) {
			/* A frame in one section, or in half of them. */
			bool small = c.seed % 2 == 0;

			c.frame = small ? 1000 : 20000;
			c.vsc.tune.rxbuf_kb = small ? 256 : 64;
			run_all(&c, class[f], &r);
			held += r.held;
			not_held += r.not_held;
		}
	}
	assert_true(held > 100);
	assert_true(not_held > 100);
	assert_true(sim_faults_named("none", &c.link.faults));
	c.seed = 1;
	c.no_alloc = false;
	stop_everywhere(&c, "none", 5);
}

/* Nothing in a data path allocates. */
static void
test_no_allocation_after_attach(void **state)
{
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	c.no_alloc = true;
	c.bytes = 400000;
	run_all(&c, "none", &r);
	c.vsp.offloads = 0;
	run_all(&c, "none", &r);
}

static void
test_fault_classes(void **state)
{
	static const char *const class[] = { "delay", "irq", "signal", "post",
		"all" };
	struct sim_nic_config c;
	struct sim_nic_result r;

	for (uint32_t f = 0; f < ARRAY_LEN(class); f++) {
		sim_nic_defaults(&c);
		assert_true(sim_faults_named(class[f], &c.link.faults));
		for (c.seed = 0; c.seed < 12; c.seed++) {
			c.vsc.tune.ring_pages = 2 + (uint32_t)c.seed % 4;
			run_all(&c, class[f], &r);
		}
	}
}

static void
test_stop_everywhere(void **state)
{
	struct sim_nic_config c;

	sim_nic_defaults(&c);
	stop_everywhere(&c, "none", 1);
}

static void
test_stop_everywhere_old(void **state)
{
	struct sim_nic_config c;

	sim_nic_defaults(&c);
	c.link.vms.max_version = VMBUS_V3_0;
	stop_everywhere(&c, "none", 3);
	c.link.vms.max_version = VMBUS_V1_1;
	stop_everywhere(&c, "none", 3);
}

static void
test_stop_under_faults(void **state)
{
	struct sim_nic_config c;

	sim_nic_defaults(&c);
	assert_true(sim_faults_named("all", &c.link.faults));
	for (c.seed = 0; c.seed < 3; c.seed++)
		stop_everywhere(&c, "all", 7);
}

static void
test_allocations_fail(void **state)
{
	struct sim_nic_config c;
	struct sim_nic_result r;

	sim_nic_defaults(&c);
	c.bytes = 4000;
	for (uint32_t n = 1; n < 90; n++) {
		c.guest_allocs = n;
		c.host_allocs = 0;
		run_ok(&c, "none", &r);
		c.guest_allocs = 0;
		c.host_allocs = n;
		run_ok(&c, "none", &r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nvsp_versions),
		cmocka_unit_test(test_vmbus_versions),
		cmocka_unit_test(test_offloads),
		cmocka_unit_test(test_rsc_sizes),
		cmocka_unit_test(test_tso_and_rsc_keep_frames_whole),
		cmocka_unit_test(test_mtu_and_sizes),
		cmocka_unit_test(test_rss_spreads),
		cmocka_unit_test(test_64_channels),
		cmocka_unit_test(test_rss_changes_while_traffic_runs),
		cmocka_unit_test(test_news_of_a_vf),
		cmocka_unit_test(test_held_packets),
		cmocka_unit_test(test_no_allocation_after_attach),
		cmocka_unit_test(test_fault_classes),
		cmocka_unit_test(test_stop_everywhere),
		cmocka_unit_test(test_stop_everywhere_old),
		cmocka_unit_test(test_stop_under_faults),
		cmocka_unit_test(test_allocations_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
