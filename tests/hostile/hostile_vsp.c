/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that lies to the NetVSP: each lie is one fault with its reason, the
 * NIC's other state stays as it was, and all is back in the end.  And bytes
 * that change while they are read: a second thread flips what the packet, the
 * RNDIS header and the frame's headers say, and whatever the backend gets must
 * still be of one piece.
 *
 * `hostile_vsp NAME` tells only one lie.
 */
#include <pthread.h>

#include "../unit/vsp_host_rig.h"
#include "ring/ring_in.h"

#define DATA	(RIG_GPA + RIG_DATA_OFF)

/* Guest memory that changes under plain reads is a race by design. */
#if defined(__SANITIZE_THREAD__)
#define TSAN	true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN	true
#endif
#endif
#ifndef TSAN
#define TSAN	false
#endif

static const char *only;

/* ---- lies --------------------------------------------------------------- */

static void
nvs(struct rig *r, uint32_t bytes, uint32_t type, uint32_t a, uint32_t b,
    uint32_t c)
{
	const uint32_t w[4] = { type, a, b, c };

	rig_nvs(r, bytes, 9, VMPKT_F_COMPLETE, w, 4);
}

static void lie_short(struct rig *r) { nvs(r, 0, 0, 0, 0, 0); }
static void lie_type(struct rig *r) { nvs(r, 40, 4711, 0, 0, 0); }
static void lie_host_type(struct rig *r) { nvs(r, 40, NVS_INIT_DONE, 0, 0, 0); }
static void lie_init(struct rig *r) { nvs(r, 40, NVS_INIT, NVS_V5, NVS_V5, 0); }
static void lie_section(struct rig *r) { nvs(r, 40, NVS_RNDIS, 0, 10, 64); }

static void
lie_section_far(struct rig *r)
{
	nvs(r, 40, NVS_RNDIS, 0, ~1u, 64);
}

static void
lie_section_long(struct rig *r)
{
	nvs(r, 40, NVS_RNDIS, 0, 0, 6145);
}

static void
gpa(struct rig *r, uint64_t addr, uint32_t len)
{
	struct rig_pkt *p = rig_push(r, 0, VMPKT_GPA_DIRECT, VMPKT_F_COMPLETE,
	    5);
	const struct gpa_piece g = { addr, len };
	const uint32_t w[4] = { NVS_RNDIS, 0, NVS_SECTION_NONE, 0 };

	p->ext_len = vmpkt_gpa_sg_put(p->ext, RIG_PKT, &g, 1);
	memcpy(p->data, w, sizeof(w));
	p->data_len = 40;
	rig_run(r);
}

static void lie_gpa_low(struct rig *r) { gpa(r, 0x1000, 100); }
static void lie_gpa_past(struct rig *r) { gpa(r, RIG_GPA + RIG_MEM, 128); }
static void lie_gpa_high(struct rig *r) { gpa(r, ~0xfffull, 128); }

static void
lie_ranges(struct rig *r)
{
	struct rig_pkt *p = rig_push(r, 0, VMPKT_GPA_DIRECT, VMPKT_F_COMPLETE,
	    5);
	const uint32_t w[4] = { NVS_RNDIS, 0, NVS_SECTION_NONE, 0 };
	const uint32_t ext[4] = { 0, 0xffffffff, 100, 0 };

	memcpy(p->ext, ext, sizeof(ext));
	p->ext_len = sizeof(ext);
	memcpy(p->data, w, sizeof(w));
	p->data_len = 40;
	rig_run(r);
}

static void
ack(struct rig *r, uint64_t xact)
{
	struct rig_pkt *p = rig_push(r, 0, VMPKT_COMPLETION, 0, xact);
	const uint32_t w[2] = { NVS_RNDIS_DONE, 1 };

	memcpy(p->data, w, sizeof(w));
	p->data_len = 8;
	rig_run(r);
}

static void lie_ack_free(struct rig *r) { ack(r, 3); }
static void lie_ack_far(struct rig *r) { ack(r, 64); }
static void lie_ack_huge(struct rig *r) { ack(r, ~0ull); }

struct lie {
	const char *name;
	void (*tell)(struct rig *);
	enum fault why;
};

static const struct lie lies[] = {
	{ "NVSP without type", lie_short, FAULT_NVS_SHORT },
	{ "NVSP of no type", lie_type, FAULT_NVS_TYPE },
	{ "NVSP of the host", lie_host_type, FAULT_NVS_TYPE },
	{ "INIT again", lie_init, FAULT_NVS_STATE },
	{ "section past the last", lie_section, FAULT_NVS_SECTION },
	{ "section far", lie_section_far, FAULT_NVS_SECTION },
	{ "section too long", lie_section_long, FAULT_NVS_SECTION },
	{ "address below memory", lie_gpa_low, FAULT_GPA_UNMAPPED },
	{ "address past memory", lie_gpa_past, FAULT_GPA_UNMAPPED },
	{ "address at the top", lie_gpa_high, FAULT_GPA_UNMAPPED },
	{ "ranges without number", lie_ranges, FAULT_PKT_RANGES },
	{ "acknowledgement of a free section", lie_ack_free, FAULT_XACT_ID },
	{ "acknowledgement past the last", lie_ack_far, FAULT_XACT_ID },
	{ "acknowledgement of anything", lie_ack_huge, FAULT_XACT_ID },
};

static struct rig *
up(void)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	rig_attach(r, NVS_V6_1);
	return r;
}

static void
a_lie_is_one_fault(void **state)
{
	for (uint32_t i = 0; i < ARRAY_LEN(lies); i++) {
		struct rig *r;
		const struct fault_log *f;

		if (only != NULL && strcmp(only, lies[i].name) != 0)
			continue;
		r = up();
		lies[i].tell(r);
		f = vsp_faults(r->vsp);
		if (f->total != 1 || f->last != lies[i].why)
			fail_msg("\"%s\": %llu faults, the last %s; expected "
			    "one, %s.  reproduce: hostile_vsp '%s'",
			    lies[i].name, (unsigned long long)f->total,
			    fault_name(f->last), fault_name(lies[i].why),
			    lies[i].name);
		assert_int_equal(r->frames, 0);
		rig_del(r);
	}
}

/* ---- bytes that change -------------------------------------------------- */

struct flip {
	uint8_t *p;
	uint32_t from, to;	/* bytes that are flipped */
	uint32_t stop;
};

static void *
flip_thread(void *arg)
{
	struct flip *f = arg;
	uint32_t x = 1;

	while (os_ld32(&f->stop) == 0) {
		uint32_t at = f->from + (x >> 8) % (f->to - f->from);
		uint8_t was = __atomic_load_n(&f->p[at], __ATOMIC_RELAXED);

		x = x * 1664525 + 1013904223;
		__atomic_store_n(&f->p[at], x & 0x10000 ? 0xff :
		    (uint8_t)(x >> 24), __ATOMIC_RELAXED);
		for (volatile int i = 0; i < 40; i++)
			;
		__atomic_store_n(&f->p[at], was, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* A TCP frame in an RNDIS message, with LSO. */
static uint32_t
message_put(uint8_t *at, uint32_t payload)
{
	const struct rndis_ppi_set ppi = { .present = RNDIS_HAS_LSO |
	    RNDIS_HAS_VLAN, .lso = rndis_lso_put(1000, 34, false),
	    .vlan = rndis_vlan_from_tci(5) };
	uint32_t len = 54 + payload, n;
	uint8_t *f;

	n = rndis_packet_put_header(at, 512, &ppi, len);
	f = at + n;
	memset(f, 0, 54);
	f[0] = 2;
	memcpy(f + 6, rig_mac, 6);
	memcpy(f + 12, "\x08\x00\x45", 3);
	f[16] = (uint8_t)((len - 14) >> 8);
	f[17] = (uint8_t)(len - 14);
	f[23] = PKT_IPPROTO_TCP;
	f[46] = 0x50;
	memset(f + 54, 0x5a, payload);
	return n + len;
}

/* What the backend gets must agree with itself. */
static void
frame_check(const struct rig_frame *f)
{
	struct pkt_meta m = f->meta;
	uint32_t hdr = m.hdr_len;

	assert_in_range(f->len, 14, 65535 + 18);
	if ((m.flags & PKT_GSO_ANY) == 0)
		return;
	assert_in_range(hdr, 54, PKT_HEAD_MAX);
	assert_true(m.gso_size > 0 && hdr < f->len);
	/* The host wrote the length itself, from what it got. */
	assert_int_equal(f->bytes[m.l3_off + 2] << 8 | f->bytes[m.l3_off + 3],
	    f->len - m.l3_off);
	assert_int_equal(m.csum_start, m.l4_off);
	assert_int_equal(f->bytes[m.l3_off + 9], PKT_IPPROTO_TCP);
	assert_int_equal(m.l4_off + (f->bytes[m.l4_off + 12] >> 4) * 4, hdr);
}

static void
skip_under_tsan(void)
{
	print_message("# skipped: another thread changes memory on purpose, "
	    "which TSan reports\n");
	skip();
}

static void
bytes_that_change_make_no_harm(void **state)
{
	uint32_t delivered = 0;
	uint64_t refused = 0;

	if (TSAN)
		skip_under_tsan();
	/* On a busy machine the other thread may sleep for many rounds. */
	for (uint32_t round = 0; round < 40 || (refused <= 4 && round < 4000);
	    round++) {
		struct rig *r = up();
		uint8_t *at = r->mem + RIG_DATA_OFF;
		uint32_t len = message_put(at, 3000);
		struct flip flip = { at, 0, 150, 0 };
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, flip_thread, &flip),
		    0);
		for (uint32_t i = 0; i < 400; i++) {
			uint32_t before = r->frames;

			r->chan[0].outs = 0;
			r->chan[0].room = RIG_LOG / 2;
			gpa(r, DATA, min_u32(len, 4096));
			if (r->frames != before)
				frame_check(&r->frame[(r->frames - 1) %
				    RIG_FRAMES]);
		}
		os_st32(&flip.stop, 1);
		pthread_join(t, NULL);
		delivered += r->frames;
		refused += vsp_faults(r->vsp)->total;
		r->chan[0].outs = 0;
		rig_del(r);
	}
	/* Both happened, or nothing was tried. */
	assert_true(delivered > 40);
	assert_true(refused > 4);
}

/* The descriptor in the ring changes under the reader. */
static void
a_descriptor_that_changes_is_read_once(void **state)
{
	static uint8_t ring[3 * HV_PAGE_SIZE] __attribute__((aligned(4096)));
	const struct ring_desc_wire d = { le16_put(VMPKT_INBAND), le16_put(2),
		le16_put(8), le16_put(0), le64_put(1) };
	struct ring_ctrl_wire *c = (void *)ring;
	struct flip flip = { ring + HV_PAGE_SIZE, 0, 8, 0 };
	uint8_t *buf = malloc(256);
	uint32_t good = 0;
	pthread_t t;

	assert_non_null(buf);
	if (TSAN) {
		free(buf);
		skip_under_tsan();
	}
	assert_int_equal(pthread_create(&t, NULL, flip_thread, &flip), 0);
	for (uint32_t i = 0; i < 60000; i++) {
		enum fault why = FAULT_NONE;
		struct vmpkt_in pkt;
		struct ring_in in;

		c->read_index = le32_put(0);
		c->write_index = le32_put(256);
		memcpy(ring + HV_PAGE_SIZE, &d, sizeof(d));
		assert_int_equal(ring_in_init(&in, ring, sizeof(ring), 0,
		    &why), 0);
		if (ring_in_get(&in, &pkt, buf, 256, &why) != 1)
			continue;
		good++;
		assert_true(pkt.ext.p == buf);
		assert_true(pkt.data.p == buf + pkt.ext.len);
		assert_true(pkt.ext.len + pkt.data.len <= 256 - 24);
		assert_true((pkt.flags & ~VMPKT_F_COMPLETE) == 0);
	}
	os_st32(&flip.stop, 1);
	pthread_join(t, NULL);
	free(buf);
	assert_true(good > 100);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lie_is_one_fault),
		cmocka_unit_test(bytes_that_change_make_no_harm),
		cmocka_unit_test(a_descriptor_that_changes_is_read_once),
	};

	only = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
