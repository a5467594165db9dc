/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Echoes in a world: the host's side asks with UDP frames of many flows, the
 * guest sends each back.
 */
#include "world.h"

#include <stdlib.h>

#include "pkt/pkt_csum.h"

#define HEADS	(14u + 20u + 8u)	/* Ethernet, IPv4, UDP */
#define PORT_ECHO	7u
#define PORT_CLOSED	9u
#define FRAME_MAX (HEADS + 4u + 65000u)

static void
fifo_put(struct world_fifo *f, struct world_frame *x)
{
	x->next = NULL;
	*f->tail = x;
	f->tail = &x->next;
}

static void
fifo_drop(struct world_fifo *f)
{
	struct world_frame *x = f->head;

	f->head = x->next;
	if (f->head == NULL)
		f->tail = &f->head;
	free(x);
}

static struct world_frame *
frame_new(uint32_t len)
{
	struct world_frame *x = calloc(1, sizeof(*x) + len);

	OS_ASSERT(x != NULL);
	x->len = len;
	return x;
}

void
world_echo_init(struct world *w)
{
	w->to_guest.tail = &w->to_guest.head;
	w->from_guest.tail = &w->from_guest.head;
}

/* --- the host's side --- */

static void
be16_store(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
heads_put(const struct world *w, uint8_t *p, uint32_t seq, uint32_t len)
{
	static const uint8_t peer[6] = { 2, 0, 0, 0, 0, 9 };
	static const uint8_t ip[20] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0,
		0, 10, 9, 0, 0, 10, 8, 0, 1 };

	memcpy(p, w->cfg.vsp.mac, 6);
	memcpy(p + 6, peer, 6);
	be16_store(p + 12, 0x0800);
	memcpy(p + 14, ip, sizeof(ip));
	be16_store(p + 16, len - 14);
	be16_store(p + 28, seq % 251 + 1);	/* many flows */
	pkt_sum_store(p + 24, (uint16_t)~pkt_sum_fold(pkt_sum_bytes(0, p + 14,
	    20)));
	be16_store(p + 34, PORT_ECHO);
	be16_store(p + 36, PORT_ECHO);
	be16_store(p + 38, len - 34);
}

void
world_knock(struct world *w, uint8_t protocol)
{
	uint32_t len = 14 + 20 + (protocol == PKT_IPPROTO_TCP ? 20 : 11);
	struct world_frame *x = frame_new(len);
	uint8_t *l4 = x->bytes + 34;

	heads_put(w, x->bytes, 0, len);
	x->bytes[23] = protocol;
	be16_store(x->bytes + 24, 0);
	pkt_csum_ip4_store(x->bytes + 14, 20);
	be16_store(l4, PORT_CLOSED);
	be16_store(l4 + 2, PORT_CLOSED);
	if (protocol == PKT_IPPROTO_TCP)
		l4[12] = 0x50;		/* no options */
	fifo_put(&w->to_guest, x);
	world_host_pump(w);
}

/* An answer to a knock: is its checksum right? */
static void
refusal_check(struct world *w, const uint8_t *p, uint32_t len)
{
	uint32_t l4 = len - 34;
	uint64_t sum = pkt_sum_bytes(pkt_sum_be16(p[23]), p + 26, 8);

	sum = pkt_sum_merge(sum, pkt_sum_be16(l4));
	if (pkt_sum_fold(pkt_sum_bytes(sum, p + 34, l4)) == 0xffff)
		w->refusals++;
	else
		w->wrong++;
}

void
world_frame(struct world *w, const uint8_t *bytes, uint32_t len)
{
	struct world_frame *x = frame_new(len);

	memcpy(x->bytes, bytes, len);
	fifo_put(&w->to_guest, x);
	world_host_pump(w);
}

uint32_t
world_ask(struct world *w, uint32_t bytes)
{
	struct world_frame *x = frame_new(HEADS + 4 + bytes);
	struct world_frame *kept = frame_new(x->len);
	uint32_t seq = w->next_seq++, at = seq % WORLD_OPEN;

	OS_ASSERT(w->open[at] == NULL);
	heads_put(w, x->bytes, seq, x->len);
	memcpy(x->bytes + HEADS, &seq, sizeof(seq));
	for (uint32_t i = 0; i < bytes; i++)
		x->bytes[HEADS + 4 + i] = (uint8_t)(seq + i * 7);
	memcpy(kept->bytes, x->bytes, x->len);
	x->vlan = kept->vlan = w->vlan;
	w->open[at] = kept;
	w->waiting++;
	fifo_put(&w->to_guest, x);
	world_host_pump(w);
	return seq;
}

bool
world_forget(struct world *w, uint32_t seq)
{
	bool lost = w->open[seq % WORLD_OPEN] != NULL;

	w->waiting -= lost;
	free(w->open[seq % WORLD_OPEN]);
	w->open[seq % WORLD_OPEN] = NULL;
	return lost;
}

static void
vlan_set(const struct world_frame *x, struct pkt_meta *m)
{
	if (x->vlan == 0)
		return;
	m->flags |= PKT_VLAN;
	m->vlan_tci = x->vlan;
}

void
world_host_pump(struct world *w)
{
	struct vsp *vsp = w->run.vsp;
	uint64_t used = 0;

	while (w->to_guest.head != NULL) {
		struct world_frame *x = w->to_guest.head;
		struct vec v = { x->bytes, x->len };
		struct pkt_meta m = { .flags = PKT_CSUM_GOOD_IP |
		    PKT_CSUM_GOOD_L4 };
		uint32_t q;

		vlan_set(x, &m);
		if (vsp != NULL) {
			q = vsp_steer(vsp, (struct span){ x->bytes, x->len },
			    x->len, &m);
			if (vsp_to_guest_copy(vsp, q, &v, 1, &m) == E_AGAIN)
				break;
			used |= 1ull << q;
		}
		fifo_drop(&w->to_guest);
	}
	for (uint32_t q = 0; used != 0; q++, used >>= 1)
		if (used & 1)
			vsp_to_guest_flush(vsp, q);
}

/* A packet whose checksum is wrong, as inprocess.py makes it. */
static bool
is_wrong(const uint8_t *p, uint32_t len)
{
	return len > 18 && memcmp(p + 12, "\x86\xdd" "csum\1", 7) == 0;
}

void
world_from_guest(void *run, uint32_t queue, const struct vsp_frame *f)
{
	static uint8_t buf[FRAME_MAX];
	struct world *w = world_of(run);
	uint32_t len = pkt_vec_gather(f->vec, f->nvec, 0, buf, sizeof(buf));
	struct world_frame *x;
	uint32_t seq;

	world_poll(w);
	if (world_stream_frame(w, false, queue, f->vec, f->nvec, &f->meta))
		return;
	if (is_wrong(buf, len)) {
		w->wrong++;
		return;
	}
	if (len < HEADS) {
		w->stray++;
		return;
	}
	if (buf[35] == PORT_CLOSED) {
		refusal_check(w, buf, len);
		return;
	}
	memcpy(&seq, buf + HEADS, sizeof(seq));
	x = w->open[seq % WORLD_OPEN];
	if (seq < w->first_seq)
		return;		/* too late */
	if (x == NULL || len != x->len ||
	    x->vlan != ((f->meta.flags & PKT_VLAN) != 0 ? f->meta.vlan_tci :
	    0) || memcmp(buf + HEADS, x->bytes + HEADS, len - HEADS) != 0)
		w->stray++;
	else
		(void)world_forget(w, seq);
}

/* --- the guest's --- */

static void
swap(uint8_t *a, uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t x = a[i];

		a[i] = b[i];
		b[i] = x;
	}
}

static void
pump_event(void *arg, uint64_t value)
{
	world_guest_pump(world_of(arg));
}

void
world_rx(void *run, uint32_t queue, const struct vsc_frame *f)
{
	struct world *w = world_of(run);
	struct world_frame *x;

	if (!w->carrier || f->len < HEADS || world_stream_frame(w, true,
	    queue, f->vec, f->nvec, &f->meta))
		return;
	x = frame_new(f->len);
	x->vlan = (f->meta.flags & PKT_VLAN) != 0 ? f->meta.vlan_tci : 0;
	(void)pkt_vec_gather(f->vec, f->nvec, 0, x->bytes, f->len);
	/* A stack believes the driver, else it finds out by itself. */
	if (is_wrong(x->bytes, x->len) &&
	    (f->meta.flags & PKT_CSUM_GOOD_L4) != 0) {
		swap(x->bytes, x->bytes + 6, 6);
		fifo_put(&w->from_guest, x);
		sim_after(&w->sim, 0, pump_event, run, 0);
		return;
	}
	if (x->bytes[12] != 0x08 || x->bytes[13] != 0 ||
	    (x->bytes[37] != PORT_ECHO && x->bytes[37] != PORT_CLOSED)) {
		free(x);
		return;
	}
	swap(x->bytes, x->bytes + 6, 6);
	swap(x->bytes + 26, x->bytes + 30, 4);
	fifo_put(&w->from_guest, x);
	sim_after(&w->sim, 0, pump_event, run, 0);
}

/* The checksum is left to whoever sends it on. */
static void
csum_leave(struct world_frame *x, struct pkt_meta *m)
{
	struct pkt_info info;
	int rc;

	pkt_parse(&info, (struct span){ x->bytes, x->len }, x->len);
	rc = pkt_csum_partial_set(x->bytes, &info, m);
	OS_ASSERT(rc == 0);	/* headers of our own */
}

void
world_guest_pump(struct world *w)
{
	struct sim_nic_run *r = &w->run;
	uint64_t used = 0;

	while (w->from_guest.head != NULL) {
		struct world_frame *x = w->from_guest.head;
		struct pkt_meta m = { 0 };
		struct vec v = { x->bytes, x->len };
		uint32_t q;

		vlan_set(x, &m);
		if (r->attached && !r->detach_due && w->carrier) {
			q = vsc_tx_select(r->vsc, x->bytes[33]);
			if (x->bytes[37] == PORT_CLOSED)
				csum_leave(x, &m);
			if ((w->blocked & 1ull << q) != 0)
				break;
			if (vsc_tx_copy(r->vsc, q, &v, 1, &m) == E_AGAIN) {
				w->blocked |= 1ull << q;
				break;
			}
			used |= 1ull << q;
		}
		fifo_drop(&w->from_guest);
	}
	for (uint32_t q = 0; used != 0; q++, used >>= 1)
		if (used & 1)
			vsc_tx_flush(r->vsc, q);
}
