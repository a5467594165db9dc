/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several threads send on one queue of the NetVSC while its owner receives:
 * over our own rings, ordered by the transmit lock, and over a channel of many
 * writers.  A host in a thread of its own checks every byte, completes, and
 * sends frames too, of which the owner holds some; another thread looks at
 * those again later, and lets go.  The owner makes a pass only when it is
 * signalled, and a sender without room waits for its wake, so a lost one of
 * either hangs.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define RIG_PACKETS	256u
#include "vsc_rig.h"
#include "bus/ring_chan.h"

#ifndef THREADS_FRAMES
#define THREADS_FRAMES	10000u	/* of each sender */
#endif
#define SENDERS		3u
#define BUFS		16u	/* of a sender, by reference */
#define BUF_BYTES	4096u
#define REF_GPA		0x777000000000ull
#define FRAME		600u
#define RING		(5u * HV_PAGE_SIZE)
#define SECTION		2048u	/* of the receive buffer */
#define SECTIONS	16u
#define HELD		64u	/* on the way to the keeper */

static struct rig rig;
static struct {
	uint8_t ring[2][RING] __attribute__((aligned(4096)));
	struct ring_chan guest, host;
	bool writers;
	pthread_mutex_t send;	/* of a channel of many writers */
	pthread_mutex_t tx;	/* vsc_ops.tx_lock */
	atomic_bool stop, signal;
	atomic_uint wakes, done;
	/* host */
	uint32_t next[SENDERS], frames, refs;
	uint32_t lent;		/* receive sections, a bit each */
	uint32_t number;	/* of frames sent */
	/* owner */
	uint32_t received, refused;
	/* from the owner to the keeper, by held_in */
	struct {
		const uint8_t *at;
		uint32_t hold, number;
	} held[HELD];
	atomic_uint held_in, held_out;
	atomic_bool owned;		/* the owner has ended */
	/* keeper */
	uint32_t spoilt;
	/* sender k's */
	uint8_t buf[SENDERS][BUFS][BUF_BYTES];
	atomic_bool busy[SENDERS][BUFS];
} mt;

/* ---- the channel -------------------------------------------------------- */

static int
mt_send(struct chan *c, const struct vmpkt_out *p)
{
	int rc;

	if (!mt.writers)
		return ring_chan_send(&mt.guest.chan, p);
	pthread_mutex_lock(&mt.send);
	rc = ring_chan_send(&mt.guest.chan, p);
	ring_chan_commit(&mt.guest.chan);
	pthread_mutex_unlock(&mt.send);
	return rc;
}

static void
mt_commit(struct chan *c)
{
	if (!mt.writers)
		ring_chan_commit(&mt.guest.chan);
}

static bool
mt_want_space(struct chan *c, uint32_t bytes)
{
	bool room;

	if (!mt.writers)
		return ring_chan_want_space(&mt.guest.chan, bytes);
	pthread_mutex_lock(&mt.send);
	room = ring_chan_want_space(&mt.guest.chan, bytes);
	pthread_mutex_unlock(&mt.send);
	return room;
}

static int
mt_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	return ring_chan_recv(&mt.guest.chan, out, buf, cap);
}

static void
mt_recv_commit(struct chan *c)
{
	ring_chan_recv_commit(&mt.guest.chan);
}

static void
mt_mask(struct chan *c)
{
	ring_chan_irq_mask(&mt.guest.chan);
}

static bool
mt_unmask(struct chan *c)
{
	return ring_chan_irq_unmask(&mt.guest.chan);
}

#define MT_OPS .send = mt_send, .commit = mt_commit,			\
	.want_space = mt_want_space, .recv = mt_recv,			\
	.recv_commit = mt_recv_commit, .irq_mask = mt_mask,		\
	.irq_unmask = mt_unmask
static const struct chan_ops mt_ops = { .caps = CHAN_CAP_SPACE, MT_OPS };
static const struct chan_ops mt_ops_writers = {
	.caps = CHAN_CAP_SPACE | CHAN_CAP_WRITERS, MT_OPS };

static void
mt_signal_guest(struct ring_chan *rc)
{
	atomic_store(&mt.signal, true);
}

static void
mt_signal_host(struct ring_chan *rc)
{
}

/* ---- upcalls ------------------------------------------------------------ */

static void
mt_tx_lock(void *ctx, uint32_t queue)
{
	pthread_mutex_lock(&mt.tx);
}

static void
mt_tx_unlock(void *ctx, uint32_t queue)
{
	pthread_mutex_unlock(&mt.tx);
}

static void
mt_tx_wake(void *ctx, uint32_t queue)
{
	/* Would not end if it were called with the lock. */
	pthread_mutex_lock(&mt.tx);
	pthread_mutex_unlock(&mt.tx);
	atomic_fetch_add(&mt.wakes, 1);
}

/* The buffer is its sender's again, and is spoilt by the next frame. */
static void
mt_tx_done(void *ctx, uint32_t queue, uint64_t cookie, int err)
{
	uint32_t k = (uint32_t)(cookie >> 32), b = (uint32_t)cookie;

	assert_int_equal(err, 0);
	assert_true(atomic_exchange(&mt.busy[k][b], false));
	atomic_fetch_add(&mt.done, 1);
}

static void
mt_rx(void *ctx, uint32_t queue, const struct vsc_frame *f)
{
	const uint8_t *p = f->vec[0].p;
	uint32_t in = atomic_load(&mt.held_in);
	int hold;

	assert_int_equal(f->len, 100);
	assert_int_equal(p[99], 0x5a);
	if (mt.received++ % 3 != 0 ||
	    in - atomic_load(&mt.held_out) == HELD)
		return;
	hold = vsc_rx_hold(rig.v, queue, f->packet);
	if (hold < 0) {
		assert_int_equal(hold, E_AGAIN);
		mt.refused++;
		return;
	}
	mt.held[in % HELD].at = p;
	mt.held[in % HELD].hold = (uint32_t)hold;
	memcpy(&mt.held[in % HELD].number, p + 14, 4);
	atomic_store(&mt.held_in, in + 1);
}

/* A frame that is held is not the host's to write to. */
static void *
keeper(void *arg)
{
	uint32_t out = 0;

	while (!atomic_load(&mt.owned) || out != atomic_load(&mt.held_in)) {
		uint32_t number, i = out % HELD;

		if (out == atomic_load(&mt.held_in)) {
			sched_yield();
			continue;
		}
		if (out % 5 == 0)
			sched_yield();
		memcpy(&number, mt.held[i].at + 14, 4);
		mt.spoilt += number != mt.held[i].number;
		assert_int_equal(vsc_rx_unhold(rig.v, 0, mt.held[i].hold), 0);
		atomic_store(&mt.held_out, ++out);
	}
	return NULL;
}

static void
mt_queue_kick(void *ctx, uint32_t queue)
{
	atomic_store(&mt.signal, true);
}

static void
mt_rx_flush(void *ctx, uint32_t queue)
{
}

/* ---- senders ------------------------------------------------------------ */

static void
fill(uint8_t *p, uint32_t len, uint32_t k, uint32_t n)
{
	memset(p, (int)(k * 16 + n), len);
	memset(p, 0xff, 12);
	p[12] = 0x88;
	p[13] = 0xb5;
	memcpy(p + 14, &k, 4);
	memcpy(p + 18, &n, 4);
}

/* A frame by reference from a free buffer, or a copy of a short one. */
static int
send_one(uint32_t k, uint32_t n, uint32_t *b)
{
	const struct pkt_meta plain = { 0 };
	uint8_t copy[80];
	struct vec v = { copy, sizeof(copy) };
	struct vsc_piece piece;
	int rc;

	if (n % 3 == 0 || atomic_load(&mt.busy[k][*b])) {
		fill(copy, sizeof(copy), k, n);
		return vsc_tx_copy(rig.v, 0, &v, 1, &plain);
	}
	fill(mt.buf[k][*b], FRAME, k, n);
	atomic_store(&mt.busy[k][*b], true);
	piece = (struct vsc_piece){ REF_GPA + (k * BUFS + *b) * BUF_BYTES + 22,
		FRAME - 22, NULL };
	rc = vsc_tx_gather(rig.v, 0, (struct span){ mt.buf[k][*b], 22 },
	    &piece, 1, (uint64_t)k << 32 | *b, &plain);
	if (rc < 0)
		atomic_store(&mt.busy[k][*b], false);
	else
		*b = (*b + 1) % BUFS;
	return rc;
}

static void *
sender(void *arg)
{
	uint32_t k = (uint32_t)(uintptr_t)arg, b = 0;

	for (uint32_t n = 0; n < THREADS_FRAMES;) {
		unsigned int before = atomic_load(&mt.wakes);
		int rc = send_one(k, n, &b);

		if (rc == 0) {
			n++;
		} else {
			assert_int_equal(rc, E_AGAIN);
			while (atomic_load(&mt.wakes) == before)
				sched_yield();
		}
		if (n % 7 == 0)
			vsc_tx_flush(rig.v, 0);
	}
	vsc_tx_flush(rig.v, 0);
	return NULL;
}

static void *
owner(void *arg)
{
	while (!atomic_load(&mt.stop)) {
		if (!atomic_exchange(&mt.signal, false)) {
			sched_yield();
			continue;
		}
		while (rig.chan[0].events->ready(&rig.chan[0], 16))
			;
	}
	return NULL;
}

/* ---- host --------------------------------------------------------------- */

static const uint8_t *
host_va(uint64_t gpa, uint32_t len)
{
	uint64_t off = gpa - REF_GPA;

	if (gpa >= REF_GPA && range_ok(off, len, sizeof(mt.buf)))
		return &mt.buf[0][0][0] + off;
	return rig_va(gpa, len);
}

static void
host_frame(const uint8_t *p, uint32_t len)
{
	uint8_t want[FRAME];
	uint32_t k, n;

	assert_true(len == 80 || len == FRAME);
	memcpy(&k, p + 14, 4);
	memcpy(&n, p + 18, 4);
	assert_true(k < SENDERS && n == mt.next[k]);
	mt.next[k]++;
	fill(want, len, k, n);
	assert_memory_equal(p, want, len);
	mt.frames++;
	mt.refs += len == FRAME;
}

/* The packet's memory in a row, then its messages. */
static void
host_packet(const struct vmpkt_in *p)
{
	static uint8_t all[65536];
	struct rndis_packet_iter it;
	struct rndis_packet pkt;
	struct nvs_rndis nvs = { 0 };
	struct span msg;
	uint32_t len = 0;
	enum fault why;

	assert_true(nvs_rndis_get(&nvs, p->data));
	if (nvs.section != NVS_SECTION_NONE) {
		len = nvs.section_bytes;
		memcpy(all, (uint8_t *)rig.v->sendbuf.mem.va +
		    nvs.section * 6144, len);
	}
	if (p->type == VMPKT_GPA_DIRECT) {
		struct vmpkt_gpa_walk walk;
		struct gpa_piece g;
		struct vmpkt_gpa gpa;

		assert_int_equal(vmpkt_gpa_decode(&gpa, p->ext, &why), 0);
		vmpkt_gpa_walk_init(&walk, &gpa);
		while (vmpkt_gpa_walk_next(&walk, &g)) {
			memcpy(all + len, host_va(g.gpa, g.len), g.len);
			len += g.len;
		}
	}
	rndis_packet_iter_init(&it, (struct span){ all, len }, 8);
	while (rndis_packet_next(&it, &pkt, &msg, &why) == 1)
		host_frame(msg.p + pkt.data_off, pkt.data_len);
}

/* A frame to the guest in a free section; its number is the id. */
static void
host_sends(uint32_t s)
{
	const struct rndis_ppi_set none = { 0 };
	struct nvs_msg m = { .type = NVS_RNDIS };
	struct vmpkt_xfer_range r = { .bytes = 144, .offset = s * SECTION };
	struct vmpkt_out o = { .type = VMPKT_XFER_PAGES,
		.flags = VMPKT_F_COMPLETE, .xact = s };
	uint8_t ext[VMPKT_XFER_EXT_BYTES(1)], data[NVS_MSG_BYTES_MAX];
	uint8_t *at = rig_rxbuf(r.offset);

	os_peer_gave(at);
	rndis_packet_put(at, &none, 44, 100, 144);
	memset(at + 44, 0x5a, 100);
	memcpy(at + 44 + 14, &mt.number, 4);
	mt.number++;
	os_peer_takes(at);
	m.rndis.section = NVS_SECTION_NONE;
	o.ext = (struct span){ ext, vmpkt_xfer_ext_put(ext, NVS_RECV_BUF_ID,
	    &r, 1) };
	o.data = (struct span){ data, nvs_msg_encode(&m, NVS_MSG_BYTES_6_1,
	    data) };
	if (ring_chan_send(&mt.host.chan, &o) == 0)
		mt.lent |= 1u << s;
}

static void
host_completes(uint64_t xact)
{
	struct nvs_msg m = { .type = NVS_RNDIS_DONE };
	struct vmpkt_out o = { .type = VMPKT_COMPLETION, .xact = xact };
	uint8_t data[NVS_MSG_BYTES_MAX];

	m.rndis_status = NVS_STATUS_OK;
	o.data = (struct span){ data, nvs_msg_encode(&m, NVS_MSG_BYTES_6_1,
	    data) };
	while (ring_chan_send(&mt.host.chan, &o) == E_AGAIN) {
		ring_chan_commit(&mt.host.chan);
		sched_yield();
	}
}

static void *
host(void *arg)
{
	static uint8_t buf[16384] __attribute__((aligned(8)));
	struct vmpkt_in p;

	while (!atomic_load(&mt.stop)) {
		bool some = false;

		while (ring_chan_recv(&mt.host.chan, &p, buf,
		    sizeof(buf)) == 1) {
			some = true;
			if (p.type == VMPKT_COMPLETION) {
				assert_true((mt.lent >> p.xact & 1) != 0);
				mt.lent &= ~(1u << p.xact);
			} else {
				host_packet(&p);
				host_completes(p.xact);
			}
			if (mt.lent + 1 != 1u << SECTIONS)
				host_sends((uint32_t)__builtin_ctz(~mt.lent));
		}
		ring_chan_recv_commit(&mt.host.chan);
		ring_chan_commit(&mt.host.chan);
		if (!some)
			sched_yield();
	}
	return NULL;
}

/* ---- the test ----------------------------------------------------------- */

static void
rings_init(void)
{
	struct ring_chan_config g = { .out_mem = mt.ring[0],
		.in_mem = mt.ring[1], .out_bytes = RING, .in_bytes = RING,
		.signal = mt_signal_host }, h = { .out_mem = mt.ring[1],
		.in_mem = mt.ring[0], .out_bytes = RING, .in_bytes = RING,
		.signal = mt_signal_guest };
	enum fault why;

	assert_int_equal(ring_chan_init(&mt.guest, &g, &why), 0);
	assert_int_equal(ring_chan_init(&mt.host, &h, &why), 0);
}

static void
threads_run(void)
{
	pthread_t thread[SENDERS + 3];

	pthread_create(&thread[0], NULL, host, NULL);
	pthread_create(&thread[1], NULL, owner, NULL);
	pthread_create(&thread[SENDERS + 2], NULL, keeper, NULL);
	for (uint32_t k = 0; k < SENDERS; k++)
		pthread_create(&thread[2 + k], NULL, sender,
		    (void *)(uintptr_t)k);
	for (uint32_t k = 0; k < SENDERS; k++)
		pthread_join(thread[2 + k], NULL);
	while (vsc_tx_outstanding(rig.v->q[0]) != 0)
		sched_yield();
	atomic_store(&mt.stop, true);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	/* The owner may have held some since `stop`. */
	atomic_store(&mt.owned, true);
	pthread_join(thread[SENDERS + 2], NULL);
}

static void
play(bool writers, uint32_t ref_frames)
{
	struct vsc_ops ops = rig_ops;

	memset(&mt, 0, sizeof(mt));
	pthread_mutex_init(&mt.send, NULL);
	pthread_mutex_init(&mt.tx, NULL);
	mt.writers = writers;
	rings_init();
	rig_init(&rig, 0x50003);
	rig.cfg.by_ref = true;
	rig.cfg.ref_frames = ref_frames;
	rig.slot_bytes = SECTION;
	/* 8 of 64: half of what the host sends in. */
	rig.cfg.rx_hold = true;
	rig.cfg.tune.rx_hold = 13;
	ops.tx_lock = mt_tx_lock;
	ops.tx_unlock = mt_tx_unlock;
	ops.tx_wake = mt_tx_wake;
	ops.tx_done = mt_tx_done;
	ops.rx = mt_rx;
	ops.rx_flush = mt_rx_flush;
	ops.queue_kick = mt_queue_kick;
	rig.v = vsc_attach(&rig.cfg, &ops, &rig, &rig.chan[0]);
	assert_non_null(rig.v);
	rig_run(&rig);
	assert_int_equal(rig.attached, 1);
	rig.chan[0].ops = writers ? &mt_ops_writers : &mt_ops;
	threads_run();
	assert_int_equal(mt.frames, SENDERS * THREADS_FRAMES);
	assert_int_equal(mt.refs, atomic_load(&mt.done));
	assert_true(mt.refs > 0 && mt.received > 0);
	assert_int_equal(mt.spoilt, 0);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->held,
	    atomic_load(&mt.held_out));
	assert_true(atomic_load(&mt.held_out) > 0);
	assert_int_equal(rig.failed, 0);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->frames, mt.frames);
	rig.chan[0].ops = &rig_chan_ops;
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

static void
test_one_writer(void **state)
{
	play(false, 1);
	play(false, 4);
}

static void
test_many_writers(void **state)
{
	play(true, 1);
	play(true, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_writer),
		cmocka_unit_test(test_many_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
