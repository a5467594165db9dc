/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus, both real ends: every version pair, every class of fault, every way
 * to stop after every event.  A failure prints the command that repeats it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/sim_vmbus.h"

static void
run_ok(const struct sim_vmbus_config *c, const char *faults,
    struct sim_vmbus_result *r)
{
	char line[512];

	if (sim_vmbus_run(c, r))
		return;
	sim_vmbus_command(c, faults, line, sizeof(line));
	fail_msg("%s; repeat: %s", r->why, line);
}

/* Packets of a whole run: rounds times channels times goal. */
static uint64_t
echoes(const struct sim_vmbus_config *c, uint32_t version)
{
	uint64_t chans = version >= VMBUS_V2_4 ? 1 + c->subs : 1;
	uint64_t rounds = 4;	/* first, moved or not, again, re-offered */

	return rounds * chans * c->goal;
}

static void
test_version_pairs(void **state)
{
	struct sim_vmbus_config c;
	struct sim_vmbus_result r;

	sim_vmbus_defaults(&c);
	for (uint32_t g = 0; g < VMBUS_VERSIONS; g++) {
		for (uint32_t h = 0; h < VMBUS_VERSIONS; h++) {
			uint32_t gv = vmbus_versions[g];
			uint32_t hv = vmbus_versions[h];
			uint32_t low = gv < hv ? gv : hv;

			c.seed = g * VMBUS_VERSIONS + h;
			c.link.vmc.max_version = gv;
			c.link.vms.max_version = hv;
			run_ok(&c, "none", &r);
			assert_int_equal(r.version, low);
			assert_int_equal(r.echoed, echoes(&c, low));
		}
	}
}

static void
test_no_common_version(void **state)
{
	struct sim_vmbus_config c;
	struct sim_vmbus_result r;

	sim_vmbus_defaults(&c);
	c.link.vmc.min_version = VMBUS_V5_0;
	c.link.vms.max_version = VMBUS_V4_1;
	run_ok(&c, "none", &r);
	assert_int_equal(r.version, E_NOTSUP);
	assert_int_equal(r.echoed, 0);
}

static void
test_fault_classes(void **state)
{
	static const char *const class[] = { "none", "delay", "irq", "signal",
		"post", "all" };
	static const uint32_t version[] = { 0, VMBUS_V4_1, VMBUS_V2_4,
		VMBUS_V1_1, VMBUS_V0_13 };
	struct sim_vmbus_config c;
	struct sim_vmbus_result r;

	for (uint32_t f = 0; f < ARRAY_LEN(class); f++) {
		for (uint32_t v = 0; v < ARRAY_LEN(version); v++) {
			sim_vmbus_defaults(&c);
			assert_true(sim_faults_named(class[f],
			    &c.link.faults));
			c.link.vmc.max_version = version[v];
			for (c.seed = 0; c.seed < 15; c.seed++) {
				c.ring_pages = 2 + (uint32_t)c.seed % 3;
				c.link.vps = 1 + (uint32_t)c.seed % 4;
				run_ok(&c, class[f], &r);
				assert_int_equal(r.echoed,
				    echoes(&c, (uint32_t)r.version));
			}
		}
	}
}

static void
test_signals(void **state)
{
	static const enum vmc_signal how[] = { VMC_SIGNAL_AUTO,
		VMC_SIGNAL_EDGE, VMC_SIGNAL_PACKET, VMC_SIGNAL_MONITOR };
	uint64_t signals[ARRAY_LEN(how)];
	struct sim_vmbus_config c;
	struct sim_vmbus_result r;

	sim_vmbus_defaults(&c);
	c.link.vms.monitor = true;
	c.goal = 100;
	for (uint32_t i = 0; i < ARRAY_LEN(how); i++) {
		c.link.vmc.signal = how[i];
		run_ok(&c, "none", &r);
		signals[i] = r.signals;
	}
	/* With monitor ids there is no hypercall; each packet costs most. */
	assert_int_equal(signals[0], 0);
	assert_int_equal(signals[3], 0);
	assert_true(signals[1] > 0);
	assert_true(signals[2] > signals[1]);
}

static void
stop_everywhere(uint32_t version, uint64_t stride)
{
	struct sim_vmbus_config c;
	struct sim_vmbus_result r;
	uint64_t steps;

	sim_vmbus_defaults(&c);
	c.link.vmc.max_version = version;
	c.goal = 2;
	c.subs = 2;
	c.link.mem_pages = 256;
	run_ok(&c, "none", &r);
	steps = r.steps;
	assert_true(steps > 60);
	for (int how = 0; how < SIM_STOPS; how++) {
		c.stop = (enum sim_stop)how;
		for (c.stop_at = 1; c.stop_at < steps; c.stop_at += stride)
			run_ok(&c, "none", &r);
	}
}

static void
test_stop_everywhere(void **state)
{
	stop_everywhere(0, 1);
}

static void
test_stop_everywhere_old(void **state)
{
	stop_everywhere(VMBUS_V2_4, 3);
	stop_everywhere(VMBUS_V1_1, 3);
	stop_everywhere(VMBUS_V0_13, 3);
}

static void
test_stop_under_faults(void **state)
{
	struct sim_vmbus_config c;
	struct sim_vmbus_result r;

	sim_vmbus_defaults(&c);
	assert_true(sim_faults_named("all", &c.link.faults));
	c.goal = 4;
	c.link.mem_pages = 256;
	for (c.seed = 0; c.seed < 300; c.seed++) {
		c.stop = (enum sim_stop)(c.seed % SIM_STOPS);
		c.stop_at = 1 + c.seed * 7 % 260;
		run_ok(&c, "all", &r);
	}
}

static void
test_allocations_fail(void **state)
{
	struct sim_vmbus_config c;
	struct sim_vmbus_result r;

	sim_vmbus_defaults(&c);
	c.goal = 2;
	c.link.mem_pages = 256;
	for (uint32_t n = 1; n < 40; n++) {
		c.guest_allocs = n;
		c.host_allocs = 0;
		run_ok(&c, "none", &r);
		c.guest_allocs = 0;
		c.host_allocs = n;
		run_ok(&c, "none", &r);
	}
	c.host_allocs = 0;
	assert_true(sim_faults_named("alloc", &c.link.faults));
	for (c.seed = 0; c.seed < 100; c.seed++)
		run_ok(&c, "alloc", &r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_pairs),
		cmocka_unit_test(test_no_common_version),
		cmocka_unit_test(test_fault_classes),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_stop_everywhere),
		cmocka_unit_test(test_stop_everywhere_old),
		cmocka_unit_test(test_stop_under_faults),
		cmocka_unit_test(test_allocations_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
