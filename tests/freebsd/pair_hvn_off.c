/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FreeBSD driver on a stand-in for its kernel: one frame at a time, with
 * all that the stack and the host say about it.  TSO, checksums and VLAN tags
 * out; checksums, tags and coalesced frames in, also where the guest forwards;
 * steering by sysctl.
 */
#include "hvn_world.h"

#include "pkt/pkt_csum.h"
#include "pkt/pkt_parse.h"
#include "wire/ndis_obj.h"

#define FRAME	20000u		/* longest here */
#define SIZE	1400u		/* payload of a segment */
#define FLOWS	64u

struct one {
	uint8_t bytes[FRAME];
	uint32_t len;
	struct pkt_meta meta;		/* at the host */
	struct pkthdr hdr;		/* in the guest */
	int flags;
};

/* What the host's thread does and sees; due, got, sent, look hand it over. */
static struct {
	uint32_t due, got, sent, look;
	struct one in, out;
	uint8_t key[40];
	uint32_t table[128], entries;
	uint32_t filter;
} host;

/* Frames that the stack got. */
static struct {
	pthread_mutex_t lock;
	uint32_t n;			/* atomic to read */
	struct one f[FLOWS + 1];
} stack = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- frames ------------------------------------------------------------- */

/* A TCP or UDP frame with right checksums, from the guest or to it. */
static void
frame_make(struct one *o, bool v6, bool tcp, uint32_t payload, uint32_t flow)
{
	static const uint8_t mac[12] = "\0\x15\x5d\1\2\3\0\x15\x5d\1\2\3";
	uint8_t *ip = &o->bytes[14], *l4 = ip + (v6 ? 40 : 20);
	uint32_t hlen = tcp ? 20 : 8;
	struct pkt_info info;
	struct vec v;

	memset(o, 0, sizeof(*o));
	memcpy(o->bytes, mac, 12);
	pkt_be16_store(&o->bytes[12], v6 ? PKT_TYPE_IPV6 : PKT_TYPE_IPV4);
	if (v6) {
		ip[0] = 0x60;
		pkt_be16_store(ip + 4, (uint16_t)(hlen + payload));
		ip[6] = tcp ? PKT_IPPROTO_TCP : PKT_IPPROTO_UDP;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[39] = 1;
	} else {
		ip[0] = 0x45;
		pkt_be16_store(ip + 2, (uint16_t)(20 + hlen + payload));
		ip[8] = 64;
		ip[9] = tcp ? PKT_IPPROTO_TCP : PKT_IPPROTO_UDP;
		ip[12] = ip[16] = 10;
		ip[19] = 1;
	}
	pkt_be16_store(l4, (uint16_t)(1000 + flow));
	pkt_be16_store(l4 + 2, 7);
	if (tcp) {
		l4[12] = 0x50;
		l4[13] = PKT_TCP_ACK;
	} else {
		pkt_be16_store(l4 + 4, (uint16_t)(8 + payload));
	}
	for (uint32_t i = 0; i < payload; i++)
		l4[hlen + i] = (uint8_t)(i * 7 + i / 251);
	o->len = (uint32_t)(l4 + hlen - o->bytes) + payload;
	pkt_parse(&info, (struct span){ o->bytes, PKT_HEAD_MAX }, o->len);
	pkt_meta_info_set(&o->meta, &info);
	assert_int_equal(pkt_csum_partial_set(o->bytes, &info, &o->meta), 0);
	o->meta.flags |= v6 ? 0 : PKT_IPCS;
	v = (struct vec){ o->bytes, o->len };
	assert_int_equal(pkt_csum_complete(&v, 1, &o->meta), 0);
	o->meta = (struct pkt_meta){ 0 };
}

/* Are all checksums of a frame right? */
static bool
frame_sound(const struct one *o)
{
	struct vec v = { (void *)(uintptr_t)o->bytes, o->len };
	struct pkt_info info;

	pkt_parse(&info, (struct span){ o->bytes,
	    min_u32(o->len, PKT_HEAD_MAX) }, o->len);
	return pkt_csum_verify(&v, 1, &info) == (info.ip_version == 4 ?
	    PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4 : PKT_CSUM_GOOD_L4);
}

/* Take out what whoever offloads them leaves open. */
static void
frame_open(struct one *o, bool v6, bool tcp)
{
	pkt_be16_store(&o->bytes[(v6 ? 54 : 34) + (tcp ? PKT_TCP_CSUM_OFF :
	    PKT_UDP_CSUM_OFF)], 0xdead);
	if (!v6)
		pkt_be16_store(&o->bytes[24], 0xdead);
}

/* ---- both ends ---------------------------------------------------------- */

static void
on_frame(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	struct one *o = &host.out;

	/* guest_sends() has been called: nobody reads the last one any more. */
	(void)os_ld32_acq(&host.sent);
	o->len = pkt_vec_gather(f->vec, f->nvec, 0, o->bytes, FRAME);
	o->meta = f->meta;
	os_st32_rel(&host.got, host.got + 1);
}

static void
on_turn(struct world *w)
{
	struct one *o = &host.in;
	struct vsp_guest_state g;
	struct pkt_meta meta;
	struct vec v;
	uint32_t q, types;

	if (os_ld32_acq(&host.look) != 0) {
		vsp_guest_state(w->vsp, &g);
		host.filter = g.filter;
		vsp_steering(w->vsp, host.key, host.table, &host.entries,
		    &types);
		os_st32_rel(&host.look, 0);
	}
	if (os_ld32_acq(&host.due) == 0)
		return;
	v = (struct vec){ o->bytes, o->len };
	meta = o->meta;
	q = vsp_steer(w->vsp, (struct span){ o->bytes, PKT_HEAD_MAX }, o->len,
	    &meta);
	if (vsp_to_guest_copy(w->vsp, q, &v, 1, &meta) == E_AGAIN)
		return;
	vsp_to_guest_flush(w->vsp, q);
	os_st32_rel(&host.due, 0);
}

static void
on_input(struct mbuf *m)
{
	struct one *o;

	pthread_mutex_lock(&stack.lock);
	assert_true(stack.n < ARRAY_LEN(stack.f));
	o = &stack.f[stack.n];
	o->len = (uint32_t)m->m_pkthdr.len;
	m_copydata(m, 0, m->m_pkthdr.len, (caddr_t)o->bytes);
	o->hdr = m->m_pkthdr;
	o->flags = m->m_flags;
	os_st32_rel(&stack.n, stack.n + 1);
	pthread_mutex_unlock(&stack.lock);
	m_freem(m);
}

/* The stack sends a frame; what the host gets of it. */
static const struct one *
guest_sends(const struct one *o)
{
	struct mbuf *first = standin_mbuf(), *m = first;
	uint32_t got = os_ld32(&host.got);

	for (uint32_t off = 0;;) {
		uint32_t n = min_u32(o->len - off, HV_PAGE_SIZE);

		memcpy(m->m_data, o->bytes + off, n);
		m->m_len = (int)n;
		off += n;
		if (off == o->len)
			break;
		m->m_next = standin_mbuf();
		m = m->m_next;
		m->m_flags = 0;
	}
	first->m_pkthdr = o->hdr;
	first->m_pkthdr.len = (int)o->len;
	first->m_flags |= o->flags;
	os_st32_rel(&host.sent, got + 1);
	assert_int_equal(the_if->transmit(the_if, first), 0);
	until(&host.got, got + 1);
	return &host.out;
}

/* The host sends the frame host.in; the stack gets n, the first is returned. */
static const struct one *
host_sends(uint32_t n)
{
	os_st32_rel(&stack.n, 0);
	os_st32_rel(&host.due, 1);
	until(&host.due, 0);
	until(&stack.n, n);
	return &stack.f[0];
}

static void
host_look(void)
{
	os_st32_rel(&host.look, 1);
	until(&host.look, 0);
}

static void
until_filter(uint32_t filter)
{
	for (time_t end = time(NULL) + SECONDS;; usleep(1000)) {
		host_look();
		if (host.filter == filter)
			break;
		assert_true(time(NULL) < end);
	}
	assert_int_equal(standin_sysctl("rxfilter"), filter);
}

/* A setting that control passes to the host: until it has an effect. */
static void
until_sysctl(const char *path, uint64_t mask, uint64_t want)
{
	for (time_t end = time(NULL) + SECONDS;
	    (standin_sysctl(path) & mask) != want;) {
		assert_true(time(NULL) < end);
		usleep(1000);
	}
}

static void
begin_flags(int flags)
{
	static struct vsp_ops ops;
	struct world *w = &the_world;

	world_defaults(w);
	hvn_core_tunables.tx_chimney_size = 200;
	w->host_turn = on_turn;
	memset(&host, 0, sizeof(host));
	ops = vsp_ops;
	ops.from_guest = on_frame;
	world_begin(w, &ops, on_input, flags);
}

static void
begin(void)
{
	begin_flags(IFF_ALLMULTI);
	until_filter(NDIS_FILTER_DIRECTED | NDIS_FILTER_BROADCAST |
	    NDIS_FILTER_ALLMULTI);
}

static void
end(void)
{
	world_end(&the_world);
	world_destroy(&the_world, false);
}

/* ---- out ---------------------------------------------------------------- */

static void
tso_out(void **state)
{
	const struct one *got;
	struct one o;

	begin();
	for (uint32_t v6 = 0; v6 < 2; v6++) {
		uint32_t head = v6 != 0 ? 74 : 54;

		frame_make(&o, v6 != 0, true, FRAME - head, 0);
		frame_open(&o, v6 != 0, true);
		o.hdr.csum_flags = v6 != 0 ? CSUM_IP6_TSO | CSUM_IP6_TCP :
		    CSUM_IP_TSO | CSUM_IP_TCP | CSUM_IP;
		o.hdr.tso_segsz = SIZE;
		assert_true((if_gethwassist(the_if) & (v6 != 0 ? CSUM_IP6_TSO :
		    CSUM_IP_TSO)) != 0);
		got = guest_sends(&o);
		assert_int_equal(got->len, FRAME);
		assert_int_equal(got->meta.flags & PKT_GSO_ANY, v6 != 0 ?
		    PKT_GSO_TCP6 : PKT_GSO_TCP4);
		assert_int_equal(got->meta.gso_size, SIZE);
		assert_memory_equal(got->bytes + head, o.bytes + head,
		    FRAME - head);
	}
	assert_int_equal(counter("tx", "tso_frames"), 2);
	end();
}

static void
checksums_out(void **state)
{
	static const uint32_t wish[2][2] = {
		{ CSUM_IP | CSUM_IP_UDP, CSUM_IP | CSUM_IP_TCP },
		{ CSUM_IP6_UDP, CSUM_IP6_TCP },
	};

	begin();
	for (uint32_t i = 0; i < 8; i++) {
		bool v6 = (i & 1) != 0, tcp = (i & 2) != 0;
		const struct one *got;
		struct one o, done;
		struct vec v;

		/* Copied, and by reference. */
		frame_make(&o, v6, tcp, i < 4 ? 99 : SIZE, i);
		assert_true(frame_sound(&o));
		frame_open(&o, v6, tcp);
		assert_false(frame_sound(&o));
		o.hdr.csum_flags = wish[v6][tcp];
		got = guest_sends(&o);
		done = *got;
		v = (struct vec){ done.bytes, done.len };
		assert_int_equal(pkt_csum_complete(&v, 1, &done.meta), 0);
		assert_int_equal(done.len, o.len);
		assert_true(frame_sound(&done));
	}
	assert_int_equal(counter("tx", "by_ref"), 4);
	end();
}

static void
tags_out(void **state)
{
	const struct one *got;
	struct one o;

	begin();
	frame_make(&o, false, false, 99, 0);
	o.flags = M_VLANTAG;
	o.hdr.ether_vtag = 0x6123;
	got = guest_sends(&o);
	assert_true((got->meta.flags & PKT_VLAN) != 0);
	assert_int_equal(got->meta.vlan_tci, 0x6123);
	assert_memory_equal(got->bytes, o.bytes, o.len);
	o.flags = 0;
	got = guest_sends(&o);
	assert_true((got->meta.flags & PKT_VLAN) == 0);
	end();
}

/* ---- in ----------------------------------------------------------------- */

#define CSUM_GOOD	(CSUM_IP_CHECKED | CSUM_IP_VALID | CSUM_DATA_VALID | \
	CSUM_PSEUDO_HDR)

/* The host has verified, has found bad, or has left open. */
static void
checksums_in(void **state)
{
	struct ifreq off = { .ifr_reqcap = 0 };
	struct pkt_info info;
	const struct one *got;

	begin();
	frame_make(&host.in, false, true, 99, 0);
	host.in.meta.flags = PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4;
	got = host_sends(1);
	assert_int_equal(got->hdr.csum_flags, CSUM_GOOD);
	assert_int_equal(got->hdr.csum_data, 0xffff);
	host.in.meta.flags = PKT_CSUM_GOOD_IP | PKT_CSUM_BAD_L4;
	assert_int_equal(host_sends(1)->hdr.csum_flags,
	    CSUM_IP_CHECKED | CSUM_IP_VALID);
	/* Left open: good for our stack, completed where frames go on. */
	for (int onward = 0; onward < 2; onward++) {
		V_ipforwarding = onward;
		frame_make(&host.in, false, true, 99, 0);
		pkt_parse(&info, (struct span){ host.in.bytes, PKT_HEAD_MAX },
		    host.in.len);
		(void)pkt_csum_partial_set(host.in.bytes, &info,
		    &host.in.meta);
		host.in.meta.flags |= PKT_CSUM_GOOD_L4;
		got = host_sends(1);
		assert_int_equal(got->hdr.csum_flags & CSUM_DATA_VALID,
		    CSUM_DATA_VALID);
		assert_int_equal(frame_sound(got), onward != 0);
	}
	V_ipforwarding = 0;
	/* Switched off: the stack looks itself. */
	off.ifr_reqcap = if_getcapenable(the_if) & ~IFCAP_RXCSUM;
	(void)the_if->ioctl(the_if, SIOCSIFCAP, (caddr_t)&off);
	frame_make(&host.in, false, true, 99, 0);
	host.in.meta.flags = PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4;
	assert_int_equal(host_sends(1)->hdr.csum_flags, 0);
	end();
}

static void
tags_in(void **state)
{
	const struct one *got;

	begin();
	frame_make(&host.in, false, false, 99, 0);
	host.in.meta.flags = PKT_VLAN;
	host.in.meta.vlan_tci = 0x6123;
	got = host_sends(1);
	assert_int_equal(got->flags & M_VLANTAG, M_VLANTAG);
	assert_int_equal(got->hdr.ether_vtag, 0x6123);
	assert_int_equal(got->len, host.in.len);
	assert_memory_equal(got->bytes, host.in.bytes, got->len);
	host.in.meta.flags = 0;
	assert_int_equal(host_sends(1)->flags & M_VLANTAG, 0);
	end();
}

/* A frame of seven segments and a bit. */
static void
coalesced_make(bool v6)
{
	struct pkt_info info;

	frame_make(&host.in, v6, true, 7 * SIZE + 100, 0);
	pkt_parse(&info, (struct span){ host.in.bytes, PKT_HEAD_MAX },
	    host.in.len);
	pkt_meta_info_set(&host.in.meta, &info);
	(void)pkt_csum_partial_set(host.in.bytes, &info, &host.in.meta);
	host.in.meta.flags |= v6 ? PKT_GSO_TCP6 : PKT_GSO_TCP4;
	host.in.meta.gso_size = SIZE;
}

/* Whole for our own stack; cut again where frames go on. */
static void
coalesced_in(void **state)
{
	static const int none;
	const struct one *got;

	begin();
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t head = v6 != 0 ? 74 : 54, off = head;

		coalesced_make(v6 != 0);
		got = host_sends(1);
		assert_int_equal(got->len, host.in.len);
		assert_int_equal(got->hdr.lro_nsegs, 8);
		assert_memory_equal(got->bytes + head, host.in.bytes + head,
		    got->len - head);
		V_ipforwarding = 1;
		got = host_sends(8);
		for (uint32_t i = 0; i < 8; i++, got++) {
			assert_int_equal(got->len, head + (i < 7 ? SIZE : 100));
			assert_true(frame_sound(got));
			assert_memory_equal(got->bytes + head,
			    host.in.bytes + off, got->len - head);
			off += got->len - head;
		}
		V_ipforwarding = 0;
	}
	assert_int_equal(counter("tx", "rx_cut"), 2);
	/* A bridge has us promiscuous. */
	if_flags_set(if_getflags(the_if) | IFF_PROMISC);
	until_filter(NDIS_FILTER_PROMISC);
	(void)host_sends(8);
	assert_int_equal(counter("tx", "rx_cut"), 3);
	if_flags_set(if_getflags(the_if) & ~IFF_PROMISC);
	/* The host does not coalesce any more. */
	assert_int_equal(standin_sysctl_set("rsc_switch", &none), 0);
	until_sysctl("offloads", VSC_OFF_RSC4 | VSC_OFF_RSC6, 0);
	(void)host_sends(8);
	assert_int_equal(counter("rx", "rsc_frames"), 5);
	end();
}

/* ---- steering ----------------------------------------------------------- */

/* The host has this table and key. */
static void
until_steering(const uint32_t *table, const uint8_t *key)
{
	for (time_t end = time(NULL) + SECONDS;; usleep(1000)) {
		host_look();
		if (host.entries == 128 &&
		    memcmp(host.table, table, sizeof(host.table)) == 0 &&
		    memcmp(host.key, key, sizeof(host.key)) == 0)
			break;
		assert_true(time(NULL) < end);
	}
}

static void
steering(void **state)
{
	uint32_t table[128];
	uint8_t key[40];

	begin();
	for (uint32_t i = 0; i < 128; i++)
		table[i] = 1;
	for (uint32_t i = 0; i < 40; i++)
		key[i] = (uint8_t)(i + 1);
	assert_int_equal(standin_sysctl_set("rss_key", key), 0);
	assert_int_equal(standin_sysctl_set("rss_ind", table), 0);
	until_steering(table, key);
	for (uint32_t i = 0; i < FLOWS; i++) {
		frame_make(&host.in, false, false, 99, i);
		assert_int_equal(host_sends(1)->hdr.rsstype,
		    M_HASHTYPE_RSS_UDP_IPV4);
	}
	assert_int_equal(standin_sysctl("rx.0.frames"), 0);
	assert_int_equal(standin_sysctl("rx.1.frames"), FLOWS);
	/* There is no queue 2. */
	table[5] = 2;
	assert_int_equal(standin_sysctl_set("rss_ind", table), EINVAL);
	table[5] = 0;
	assert_int_equal(standin_sysctl_set("rss_ind", table), 0);
	/* It is there again after a restart. */
	assert_int_equal(if_mtu(9000), 0);
	until_steering(table, key);
	end();
}

/* ---- groups ------------------------------------------------------------- */

static void
groups_join(uint32_t n)
{
	struct ifreq r = { 0 };

	standin_groups(the_if, n);
	assert_int_equal(the_if->ioctl(the_if, SIOCADDMULTI, (caddr_t)&r), 0);
}

/* Of two groups only one was joined. */
static void
group_comes(uint8_t no, uint8_t yes)
{
	static const uint8_t group[5] = { 1, 0, 0x5e, 0, 0 };

	frame_make(&host.in, false, false, 99, 0);
	memcpy(host.in.bytes, group, sizeof(group));
	host.in.bytes[5] = no;
	(void)host_sends(0);
	host.in.bytes[5] = yes;
	os_st32_rel(&host.due, 1);
	until(&host.due, 0);
	until(&stack.n, 1);
	assert_int_equal(stack.f[0].bytes[5], yes);
}

static void
groups(void **state)
{
	const uint32_t base = NDIS_FILTER_DIRECTED | NDIS_FILTER_BROADCAST;

	begin_flags(0);
	until_filter(base);
	groups_join(2);
	until_filter(base | NDIS_FILTER_MULTICAST);
	group_comes(2, 1);
	groups_join(3);
	if_flags_set(if_getflags(the_if) | IFF_ALLMULTI);
	until_filter(base | NDIS_FILTER_ALLMULTI);
	if_flags_set(if_getflags(the_if) & ~IFF_ALLMULTI);
	until_filter(base | NDIS_FILTER_MULTICAST);
	group_comes(3, 2);
	/* Again after a restart. */
	assert_int_equal(if_mtu(9000), 0);
	until_filter(base | NDIS_FILTER_MULTICAST);
	group_comes(3, 2);
	groups_join(VSC_MCAST_MAX + 1);
	until_filter(base | NDIS_FILTER_ALLMULTI);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tso_out),
		cmocka_unit_test(checksums_out),
		cmocka_unit_test(tags_out),
		cmocka_unit_test(checksums_in),
		cmocka_unit_test(tags_in),
		cmocka_unit_test(coalesced_in),
		cmocka_unit_test(steering),
		cmocka_unit_test(groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
