/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus server: a guest that posts nonsense.  Messages of every type with
 * fields from a small pool of likely and unlikely values, devices that come
 * and go, allocations that fail; at the end everything must be back.
 *
 * A failure prints its seed; `test_vms_random SEED` runs only that one.
 */
#include "bus/vms_priv.h"
#include "vms_rig.h"

#define SEEDS		60u
#define MESSAGES	1500u

static uint32_t only_seed;

static uint32_t
random_next(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static uint32_t
random_field(uint32_t *x)
{
	static const uint32_t pool[] = { 0, 1, 1, 1, 2, 2, 3, 4, 5, 8, 11, 12,
	    0x100, 0x101, 0xff, 0xffff, 0x1000, 0x31000, 0xffffffff,
	    0x80000000, 0x2001, VMBUS_V5_3, VMBUS_V0_13, VMBUS_V6_0 };
	uint32_t n = random_next(x);

	return n % 16 == 0 ? n : pool[n / 16 % ARRAY_LEN(pool)];
}

/* A message of any type; now and then one that makes sense. */
static void
random_message(struct rig *r, uint32_t *x)
{
	uint32_t words[VMBUS_MSG_MAX / 4];
	uint32_t len = random_next(x) % 8 == 0 ?
	    random_next(x) % (VMBUS_MSG_MAX + 1) : VMBUS_MSG_MAX;
	uint8_t *exact = malloc(len + 1);

	assert_non_null(exact);
	for (uint32_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = random_field(x);
	words[0] = random_next(x) % (VMBUS_MSG_TYPES + 1);
	/* contact and unload end everything: rarely */
	if ((words[0] == VMBUS_INITIATE_CONTACT || words[0] == VMBUS_UNLOAD) &&
	    random_next(x) % 32 != 0)
		words[0] = VMBUS_OPEN_CHANNEL;
	memcpy(exact, words, len);
	(void)vms_message(r->vms, random_field(x) % 5,
	    (struct span){ exact, len });
	free(exact);
}

static void
sensible_message(struct rig *r, uint32_t *x)
{
	uint32_t relid = 1 + random_next(x) % 6, kind = random_next(x) % 4;
	char text[96];

	if (r->vms->version == 0)
		kind = 3;
	if (kind == 0) {
		(void)rig_gpadl(r, relid, 10 + relid, 0x400 + relid * 8, 8);
	} else if (kind == 1) {
		snprintf(text, sizeof(text), "05000000 00000000 %02x000000 "
		    "77000000 %02x000000 01000000 04000000", relid, 10 + relid);
		(void)rig_post_on(r, 1, text, 148);
	} else if (kind == 2) {
		(void)vms_subchannels_offer(r->vms, &r->dev,
		    random_next(x) % 4);
	} else if (random_next(x) % 8 == 0) {
		(void)rig_post_on(r, 4,
		    "0e000000 00000000 03000500 00000000 0200", 40);
		(void)rig_post(r, "03000000 00000000");
	}
}

static void
step(struct rig *r, uint32_t *x)
{
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t what = random_next(x) % 64;

	if (what == 0 && r->dev.vms != NULL)
		vms_dev_rescind(r->vms, &r->dev);
	else if (what <= 3)
		(void)vms_dev_offer(r->vms, &r->dev);
	else if (what == 4)
		r->fail_alloc = 1 + (int)(random_next(x) % 4);
	else if (what == 5)
		r->fail_add = 1 + (int)(random_next(x) % 3);
	else if (what == 6 && r->open[0] != NULL && r->held == NULL)
		r->held = vms_gpadl_get(r->vms, 10 + random_next(x) % 8);
	else if (what < 32)
		sensible_message(r, x);
	else
		random_message(r, x);
	for (uint32_t vp = 0; vp < RIG_VPS; vp++)
		(void)rig_take(r, vp, buf);
	assert_true(vms_gpadl_count(r->vms) <= VMS_MAX_GPADLS);
	assert_true(vms_gpadl_pages(r->vms) <= VMS_MAX_GPADL_PAGES);
}

static void
nonsense_leaves_nothing_behind(void **state)
{
	const struct vms_config cfg = { .dedicated_interrupt = true,
	    .monitor = true };
	uint32_t opens = 0;

	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		uint32_t x = only_seed != 0 ? only_seed : seed;
		struct rig *r = rig_new(&cfg);

		printf("# seed %u\n", x);
		fflush(stdout);
		r->let_go = x % 2;
		for (uint32_t i = 0; i < MESSAGES; i++)
			step(r, &x);
		r->fail_alloc = r->fail_add = 0;
		opens += r->opens;
		rig_delete(r);
		if (only_seed != 0)
			return;
	}
	/* it does get somewhere */
	assert_true(opens > SEEDS);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonsense_leaves_nothing_behind),
	};

	if (argc > 1)
		only_seed = (uint32_t)strtoul(argv[1], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
