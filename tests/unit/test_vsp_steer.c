/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steering: the published Microsoft vectors through the guest's table, tables
 * that name closed queues, and what has no hash.
 */
#include "vsp_to_guest_rig.h"

/* "Verifying the RSS hash calculation", Microsoft: first IPv4 and IPv6 rows. */
#define HASH_TCP4	0x51ccc178u	/* 66.9.149.187:2794 to
					   161.142.100.80:1766 */
#define HASH_IP4	0x323e8fc2u
#define HASH_TCP6	0x40207d3du	/* 3ffe:2501:200:1fff::7:2794 to
					   3ffe:2501:200:3::1:1766 */
#define HASH_IP6	0x2cc18cd5u

static uint32_t
frame_v4(uint8_t *f, uint8_t proto)
{
	struct frame_spec s = { .version = 4, .proto = proto, .payload = 10,
	    .sport = 2794 };
	uint32_t len = frame_build(f, &s);

	put32(f + 26, 0x420995bb);
	put32(f + 30, 0xa18e6450);
	put16(f + 36, 1766);
	return len;
}

static uint32_t
frame_v6(uint8_t *f)
{
	static const uint8_t src[16] = { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00,
		0x1f, 0xff, [15] = 7 };
	static const uint8_t dst[16] = { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00,
		0x00, 0x03, [15] = 1 };
	struct frame_spec s = { .version = 6, .proto = 6, .payload = 10,
	    .sport = 2794 };
	uint32_t len = frame_build(f, &s);

	memcpy(f + 22, src, 16);
	memcpy(f + 38, dst, 16);
	put16(f + 56, 1766);
	return len;
}

static uint32_t
steer(struct rig *r, const uint8_t *f, uint32_t len, struct pkt_meta *m)
{
	memset(m, 0, sizeof(*m));
	m->flags = PKT_HASH;		/* a stale one */
	m->hash = m->hash_type = 77;
	return vsp_steer(r->vsp, (struct span){ f, len }, len, m);
}

static void
published_vectors(void **state)
{
	struct rig *r = rig_new(4, 64);
	uint32_t table[128];
	uint8_t f[200];
	struct pkt_meta m;
	uint32_t len = frame_v4(f, 6);

	for (uint32_t i = 0; i < 128; i++)
		table[i] = i % 3 + 1;
	vsp_steer_set(r->vsp, PKT_HASH_TCP4 | PKT_HASH_IPV4 | PKT_HASH_TCP6,
	    NULL, table, 128);
	assert_int_equal(steer(r, f, len, &m), table[HASH_TCP4 & 127]);
	assert_int_equal(m.hash, HASH_TCP4);
	assert_int_equal(m.hash_type, PKT_HASH_TCP4);
	assert_int_equal(m.flags, PKT_HASH);
	/* UDP is not enabled: only addresses. */
	len = frame_v4(f, 17);
	assert_int_equal(steer(r, f, len, &m), table[HASH_IP4 & 127]);
	assert_int_equal(m.hash, HASH_IP4);
	assert_int_equal(m.hash_type, PKT_HASH_IPV4);
	len = frame_v6(f);
	assert_int_equal(steer(r, f, len, &m), table[HASH_TCP6 & 127]);
	assert_int_equal(m.hash, HASH_TCP6);
	assert_int_equal(m.hash_type, PKT_HASH_TCP6);
	vsp_steer_set(r->vsp, PKT_HASH_IPV6, NULL, table, 16);
	assert_int_equal(steer(r, f, len, &m), table[HASH_IP6 & 15]);
	assert_int_equal(m.hash, HASH_IP6);
	rig_end(r);
}

static void
no_hash_is_queue_0(void **state)
{
	struct rig *r = rig_new(2, 64);
	uint32_t one = 1;
	uint8_t f[200];
	struct pkt_meta m;
	uint32_t len = frame_v4(f, 6);

	assert_int_equal(steer(r, f, len, &m), 0);	/* RSS off */
	assert_int_equal(m.flags, 0);
	assert_int_equal(m.hash_type, 0);
	vsp_steer_set(r->vsp, PKT_HASH_TCP4 | PKT_HASH_IPV4, NULL, &one, 1);
	assert_int_equal(steer(r, f, len, &m), 1);
	put16(f + 20, 0x2000);				/* a first fragment */
	assert_int_equal(steer(r, f, len, &m), 0);
	assert_int_equal(m.flags, 0);
	put16(f + 12, 0x0806);				/* ARP */
	assert_int_equal(steer(r, f, len, &m), 0);
	assert_int_equal(steer(r, f, 10, &m), 0);	/* a runt */
	len = frame_v6(f);				/* a type not enabled */
	assert_int_equal(steer(r, f, len, &m), 0);
	assert_int_equal(m.hash_type, 0);
	rig_end(r);
}

static void
closed_queues_fall_to_0(void **state)
{
	struct rig *r = rig_new(2, 64);
	const uint32_t asked[4] = { 1, 3, 3, 1 };
	uint8_t key[40], was[40];
	uint32_t table[128], entries, types;

	vsp_steer_set(r->vsp, PKT_HASH_TCP4, NULL, asked, 4);
	vsp_steering(r->vsp, was, table, &entries, &types);
	assert_int_equal(entries, 4);
	assert_int_equal(types, PKT_HASH_TCP4);
	assert_int_equal(table[0], 1);
	assert_int_equal(table[1], 0);
	assert_int_equal(was[0], 0x6d);
	assert_int_equal(was[39], 0xfa);

	uint32_t before = r->steerings;

	rig_queue_open(r, 3);
	assert_int_equal(r->steerings, before + 1);
	vsp_steering(r->vsp, key, table, &entries, &types);
	assert_int_equal(table[1], 3);
	rig_queue_close(r, 1);
	vsp_steering(r->vsp, key, table, &entries, &types);
	assert_int_equal(table[0], 0);
	assert_int_equal(table[2], 3);
	/* Only a new key; types 0 keep key and table. */
	memset(key, 0xa5, sizeof(key));
	vsp_steer_set(r->vsp, 0, key, NULL, 0);
	vsp_steering(r->vsp, was, table, &entries, &types);
	assert_int_equal(entries, 4);
	assert_int_equal(types, 0);
	assert_memory_equal(was, key, 40);
	rig_end(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(no_hash_is_queue_0),
		cmocka_unit_test(closed_queues_fall_to_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
