/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generator backend: makes frames for the guest, and counts what it sends.
 *
 * Frames are UDP of `size` bytes in `flows` flows, whose addresses and ports
 * differ; their payload is a sequence number and then bytes that follow from
 * number and place (payload byte i is 7 * number + i), so that a receiver can
 * check each by itself.  Source k makes the flows that the guest's key and
 * table steer to queue k, so no frame is ever handed from worker to worker.
 *
 * Unpaced, it gives the guest what it takes and drops nothing: the ring and
 * the receive sections hold it back.  Paced (`rate`, frames a second, all
 * queues together), frames that were due while the guest had no room for longer
 * than GEN_LATE_NS are not made, and counted as `behind`.
 *
 * A timer of each source starts it again: what is due now, or, unpaced, in case
 * the guest was not up when it was asked last.  It ticks on only after it was
 * read, so a source that has made all its frames costs nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "linux/host/backend.h"
#include "linux/run/clock.h"
#include "pkt/pkt_csum.h"
#include "pkt/pkt_load.h"
#include "pkt/pkt_parse.h"
#include "wire/wire.h"

#define GEN_MAX_FLOWS		1024u
#define GEN_HEAD_BYTES		46u	/* Ethernet, IPv4, UDP, number */
#define GEN_MAX_BYTES		9014u
#define GEN_TICK_NS		100000	/* Policy: of a paced source */
#define GEN_IDLE_NS		2000000	/* Policy: of one that is not */
#define GEN_LATE_NS		10000000ull	/* Policy */
#define GEN_BATCH		16u	/* Policy: frames made in one go */

struct gen_frame {
	uint8_t head[VSP_HEAD_BYTES];
	uint8_t *ramp;		/* where its payload goes on after the number */
};

struct gen_source {
	int fd;			/* timer */
	/* control, gate closed */
	uint32_t flows;
	uint16_t flow[GEN_MAX_FLOWS];
	/* its worker */
	uint32_t next;		/* in flow[] */
	uint64_t made;		/* since the guest came */
	uint64_t paced_from_ns;
	uint64_t paced;		/* made or given up since then */
};

struct backend_gen {
	/* const */
	uint32_t bytes;		/* of a frame */
	uint32_t queues;
	uint8_t head[GEN_MAX_FLOWS][GEN_HEAD_BYTES];
	uint8_t ramp[GEN_MAX_BYTES + 256];
	/* control, gate closed */
	uint32_t active;	/* sources with flows */
	bool wanted;		/* the guest's packet filter lets frames in */
	struct gen_source source[];
};

static uint64_t
gen_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- frames --- */

static void
gen_head_make(const struct backend_port *port, uint32_t flow, uint8_t *p)
{
	static const uint8_t from[6] = { 0x02, 0x15, 0x5d, 0xff, 0xff, 0x01 };
	uint32_t size = port->spec->gen_bytes;
	uint8_t *ip = p + 14, *udp = ip + 20;

	memset(p, 0, GEN_HEAD_BYTES);
	memcpy(p, port->mac, 6);
	memcpy(p + 6, from, 6);
	pkt_be16_store(p + 12, 0x0800);
	ip[0] = 0x45;
	pkt_be16_store(ip + 2, (uint16_t)(size - 14));
	ip[8] = 64;
	ip[9] = PKT_IPPROTO_UDP;
	/* 10.10.0.1 and up, to 10.9.0.1 */
	ip[12] = ip[16] = 10;
	ip[13] = 10;
	pkt_be16_store(ip + 14, (uint16_t)(flow + 1));
	ip[17] = 9;
	ip[19] = 1;
	pkt_csum_ip4_store(ip, 20);
	pkt_be16_store(udp, (uint16_t)(5000 + flow));
	pkt_be16_store(udp + 2, 6000);
	/* No checksum: 0 is allowed over IPv4. */
	pkt_be16_store(udp + 4, (uint16_t)(size - 34));
}

/* The first VSP_HEAD_BYTES of a frame, or more than it has; then comes ramp. */
static void
gen_frame_make(struct backend_gen *g, uint32_t k, uint32_t flow, uint64_t made,
    struct gen_frame *f)
{
	uint32_t seq = (uint32_t)(made * g->queues + k);

	f->ramp = g->ramp + ((seq * 7 + 4) & 255);
	memcpy(f->head, g->head[flow], GEN_HEAD_BYTES - 4);
	le32_store(f->head + GEN_HEAD_BYTES - 4, seq);
	memcpy(f->head + GEN_HEAD_BYTES, f->ramp,
	    VSP_HEAD_BYTES - GEN_HEAD_BYTES);
}

static int
gen_frame_send(struct backend_port *port, uint32_t queue, uint32_t bytes,
    struct gen_frame *f)
{
	/* Its sum is of our own making, see gen_head_make(). */
	static const struct pkt_meta meta = { .flags = PKT_CSUM_GOOD_IP };
	uint32_t first = min_u32(bytes, VSP_HEAD_BYTES);
	struct vec v[2] = { { f->head, first },
		{ f->ramp + first - GEN_HEAD_BYTES, bytes - first } };

	return port->to_guest->copy(port, queue, v, bytes > first ? 2 : 1,
	    &meta);
}

/*
 * Up to n frames; *rc says why there are fewer.  A batch is made and only then
 * copied: bytes just stored are not read back at once, which would wait for the
 * stores to the guest's lines before them (see le32_store()).
 */
static uint32_t
gen_frames(struct backend_port *port, uint32_t k, uint32_t queue, uint32_t n,
    int *rc)
{
	struct backend_gen *g = port->backend;
	struct gen_source *s = &g->source[k];
	struct gen_frame batch[GEN_BATCH];
	uint32_t sent = 0;

	while (sent < n) {
		uint32_t most = min_u32(n - sent, GEN_BATCH);

		for (uint32_t i = 0, next = s->next; i < most; i++) {
			gen_frame_make(g, k, s->flow[next], s->made + i,
			    &batch[i]);
			next = next + 1 < s->flows ? next + 1 : 0;
		}
		for (uint32_t i = 0; i < most; i++) {
			*rc = gen_frame_send(port, queue, g->bytes, &batch[i]);
			if (*rc == E_AGAIN || *rc == E_GONE)
				return sent;
			s->next = s->next + 1 < s->flows ? s->next + 1 : 0;
			s->made++;
			s->paced++;
			sent++;
		}
	}
	return sent;
}

/* --- how many now --- */

/* This source's share of a number for all sources. */
static uint64_t
gen_share(const struct backend_port *port, uint64_t total)
{
	const struct backend_gen *g = port->backend;

	return g->active == 0 ? 0 : (total + g->active - 1) / g->active;
}

/* Frames that may be made now. */
static uint64_t
gen_due(struct backend_port *port, struct gen_source *s,
    struct backend_counters *c)
{
	uint64_t rate = gen_share(port, port->spec->gen_rate);
	uint64_t limit = gen_share(port, port->spec->gen_frames), due, most;
	uint64_t now;

	due = limit == 0 ? UINT64_MAX : limit - gen_least(s->made, limit);
	if (rate == 0 || due == 0)
		return due;
	now = clock_now_ns();
	if (s->paced_from_ns == 0) {
		s->paced_from_ns = now;
		s->paced = 0;
	}
	most = (uint64_t)((double)(now - s->paced_from_ns) * (double)rate /
	    1e9);
	most -= gen_least(s->paced, most);
	if (most > rate * GEN_LATE_NS / 1000000000u + BACKEND_BURST_FRAMES) {
		uint64_t keep = rate * GEN_LATE_NS / 1000000000u;

		counter_add(&c->behind, most - keep);
		s->paced += most - keep;
		most = keep;
	}
	return gen_least(due, most);
}

/* Nothing more now: go on at the next tick, unless all is done. */
static enum backend_pull
gen_rest(const struct backend_port *port, struct gen_source *s)
{
	uint64_t limit = gen_share(port, port->spec->gen_frames), ticks;

	if ((limit == 0 || s->made < limit) &&
	    read(s->fd, &ticks, sizeof(ticks)) < 0)
		return BACKEND_DRY;	/* it has not ticked, and will */
	return BACKEND_DRY;
}

static enum backend_pull
gen_pull(struct backend_port *port, uint32_t k, uint32_t queue)
{
	struct backend_gen *g = port->backend;
	struct gen_source *s = &g->source[k];
	struct backend_counters *c = &port->queue[queue].counters;
	uint64_t due = g->wanted && k == queue && s->flows > 0 ?
	    gen_due(port, s, c) : 0;
	uint32_t most = (uint32_t)gen_least(due, BACKEND_BURST_FRAMES);
	uint32_t n;
	int rc = 0;

	n = gen_frames(port, k, queue, most, &rc);
	if (n > 0) {
		counter_add(&c->read, n);
		counter_add(&c->read_bytes, (uint64_t)n *
		    port->spec->gen_bytes);
		counter_add(&c->bursts, 1);
		port->to_guest->flush(port, queue);
	}
	if (rc == E_AGAIN)
		return BACKEND_BLOCKED;
	return rc == E_GONE || n == due ? gen_rest(port, s) : BACKEND_MORE;
}

static void
gen_from_guest(struct backend_port *port, uint32_t queue,
    const struct vsp_frame *f)
{
	struct backend_counters *c = &port->queue[queue].counters;

	backend_count_written(c, f->len);
}

static void
gen_flush(struct backend_port *port, uint32_t queue)
{
}

/* --- control --- */

static int
gen_source_fd(struct backend_port *port, uint32_t k)
{
	const struct backend_gen *g = port->backend;

	return g->source[k].fd;
}

/* Deal the flows out to the queues that the guest's table names. */
static void
gen_steering(struct backend_port *port, const struct vsp *vsp)
{
	struct backend_gen *g = port->backend;

	for (uint32_t k = 0; k < port->spec->queues; k++)
		g->source[k].flows = g->source[k].next = 0;
	g->active = 0;
	for (uint32_t f = 0; f < port->spec->gen_flows; f++) {
		const struct span head = { g->head[f], GEN_HEAD_BYTES };
		struct pkt_meta m = { 0 };
		uint32_t k = vsp_steer(vsp, head, port->spec->gen_bytes,
		    &m);
		struct gen_source *s = &g->source[k];

		g->active += s->flows == 0;
		s->flow[s->flows++] = (uint16_t)f;
	}
	for (uint32_t k = 0; k < port->spec->queues; k++)
		g->source[k].paced_from_ns = 0;
}

static int
gen_configure(struct backend_port *port, const struct vsp *vsp, char *err,
    size_t cap)
{
	struct backend_gen *g = port->backend;
	struct vsp_guest_state st = { 0 };

	if (vsp != NULL)
		vsp_guest_state(vsp, &st);
	g->wanted = st.filter != 0;
	for (uint32_t k = 0; k < port->spec->queues; k++)
		g->source[k].paced_from_ns = 0;
	return 0;
}

/* The guest's first channel opened, the last one closed, or the link. */
static void
gen_carrier(struct backend_port *port, bool on)
{
	struct backend_gen *g = port->backend;
	long ns = !on ? 0 : port->spec->gen_rate > 0 ? GEN_TICK_NS :
	    GEN_IDLE_NS;
	const struct itimerspec it = { { 0, ns }, { 0, ns } };

	for (uint32_t k = 0; k < port->spec->queues; k++) {
		struct gen_source *s = &g->source[k];

		if (!on && port->queues_open == 0)
			s->made = 0;
		s->paced_from_ns = 0;
		timerfd_settime(s->fd, 0, &it, NULL);
	}
}

static void
gen_close(struct backend_port *port)
{
	struct backend_gen *g = port->backend;

	for (uint32_t k = 0; k < port->spec->queues; k++)
		if (g->source[k].fd >= 0)
			close(g->source[k].fd);
	free(g);
	port->backend = NULL;
}

static int
gen_open(struct backend_port *port, char *err, size_t cap)
{
	const struct nic_spec *s = port->spec;
	struct backend_gen *g = calloc(1, sizeof(*g) + s->queues *
	    sizeof(g->source[0]));
	bool ok = true;

	if (s->gen_bytes > pkt_frame_max(s->mtu, 0)) {
		snprintf(err, cap, "size=%u is more than %u, the longest "
		    "frame of mtu=%u", s->gen_bytes, pkt_frame_max(s->mtu, 0),
		    s->mtu);
		free(g);
		return -EINVAL;
	}
	snprintf(err, cap, "out of memory or descriptors");
	if (g == NULL)
		return -ENOMEM;
	port->backend = g;
	g->bytes = s->gen_bytes;
	g->queues = s->queues;
	for (uint32_t k = 0; k < s->queues; k++) {
		g->source[k].fd = timerfd_create(CLOCK_MONOTONIC,
		    TFD_CLOEXEC | TFD_NONBLOCK);
		ok = ok && g->source[k].fd >= 0;
	}
	if (!ok) {
		gen_close(port);
		return -EMFILE;
	}
	for (uint32_t f = 0; f < s->gen_flows; f++)
		gen_head_make(port, f, g->head[f]);
	for (uint32_t i = 0; i < sizeof(g->ramp); i++)
		g->ramp[i] = (uint8_t)i;
	return 0;
}

const struct backend_ops backend_generator_ops = {
	.caps = BACKEND_GSO4 | BACKEND_GSO6 | BACKEND_CSUM,
	.open = gen_open,
	.close = gen_close,
	.source_fd = gen_source_fd,
	.pull = gen_pull,
	.from_guest = gen_from_guest,
	.from_guest_flush = gen_flush,
	.carrier = gen_carrier,
	.configure = gen_configure,
	.steering = gen_steering,
};
