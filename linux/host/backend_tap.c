/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAP backend: a multi-queue interface with virtio-net headers, GSO both ways.
 *
 * To the guest, a frame is read straight into sections of the guest's receive
 * buffer: one copy, the kernel's own.  From the guest, it is written straight
 * from guest memory.  MTU frames of one flow are merged before the TAP, so that
 * the host's stack sees what it would see behind a NIC with GRO; a merged frame
 * still lies in guest memory, only the first bytes of each segment are copied
 * (vec[0] lives for the call only).
 *
 * What the kernel gives unfinished (checksums, GSO) is asked for as far as it
 * is any use: with both tso=off and rsc=off nothing is offloaded either way.
 *
 * Frames go to NIC queues by a BPF program that computes the guest's own RSS;
 * without BPF there is one queue.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "linux/host/backend_coal.h"
#include "linux/host/nic.h"
#include "linux/host/nic_delay.h"
#include "linux/host/nic_queue.h"
#include "linux/net/rtnl.h"
#include "linux/net/steer.h"
#include "linux/net/tap.h"
#include "linux/net/tap_frame.h"
#include "linux/net/vnet.h"

/* Ethernet header, a tag, and a byte that shows that a frame was cut short. */
#define TAP_L2_ROOM		19u
#define TAP_GSO_BYTES		(65536u + 18u)

struct tap_queue {
	int fd;
	struct backend_counters *counters;
	struct backend_coal *coal;	/* NULL: there is none */
};

struct backend_tap {
	struct tap tap;
	struct steer *steer;		/* NULL: one queue */
	uint32_t frame_max;
	struct tap_queue queue[TAP_MAX_QUEUES];
};

/* --- to the guest --- */

static void
tap_discard(struct nic *nic, uint32_t k)
{
	struct backend_tap *t = nic->backend;
	char frame[64];

	while (read(t->tap.fd[k], frame, sizeof(frame)) > 0)
		counter_add(&nic->queue[k].counters.no_guest, 1);
}

/* One frame into pieces; its length, or 0 when the TAP is dry. */
static uint32_t
tap_read(int fd, const struct vec *v, uint32_t n, struct pkt_meta *meta)
{
	struct virtio_net_hdr vnet;
	struct iovec iov[1 + ARRAY_LEN(((struct vsp_room *)0)->vec)] = {
		{ &vnet, sizeof(vnet) },
	};
	ssize_t got;

	for (uint32_t i = 0; i < n; i++)
		iov[1 + i] = (struct iovec){ v[i].p, v[i].len };
	got = readv(fd, iov, (int)(1 + n));
	if (got <= (ssize_t)sizeof(vnet))
		return 0;
	vnet_to_meta(&vnet, meta);
	return (uint32_t)got - (uint32_t)sizeof(vnet);
}

/* A frame into the delay line: its length, or 0 when the TAP is dry. */
static uint32_t
tap_pull_delayed(struct nic *nic, int fd, uint32_t queue)
{
	struct backend_tap *t = nic->backend;
	uint8_t spill[256];
	struct pkt_meta meta;
	uint8_t *p = nic_delay_room(nic, queue, t->frame_max);
	struct vec v = { p, t->frame_max };
	uint32_t len;

	if (p == NULL)
		v = (struct vec){ spill, sizeof(spill) };
	len = tap_read(fd, &v, 1, &meta);
	if (len > 0 && p != NULL)
		nic_delay_to_guest(nic, queue, len, &meta);
	else if (len > 0)
		counter_add(&nic->queue[queue].counters.delay_full, 1);
	return len;
}

static enum backend_pull
tap_pull(struct nic *nic, uint32_t k, uint32_t queue)
{
	struct backend_tap *t = nic->backend;
	struct backend_counters *c = &nic->queue[queue].counters;
	enum backend_pull end = BACKEND_MORE;
	uint32_t frames = 0, bytes = 0;
	struct vsp_room room;
	struct pkt_meta meta;

	while (frames < BACKEND_BURST_FRAMES && bytes < BACKEND_BURST_BYTES) {
		uint32_t len;
		int rc;

		if (nic->delay != NULL) {
			len = tap_pull_delayed(nic, t->tap.fd[k], queue);
		} else {
			rc = vsp_to_guest_reserve(nic->vsp, queue,
			    t->frame_max, &room);
			if (rc == E_GONE) {
				tap_discard(nic, k);
				return BACKEND_DRY;
			}
			if (rc < 0) {
				end = BACKEND_BLOCKED;
				break;
			}
			len = tap_read(t->tap.fd[k], room.vec, room.nvec,
			    &meta);
			/* A frame that it drops is counted there. */
			if (len > 0)
				(void)vsp_to_guest_submit(nic->vsp, queue,
				    &room, len, &meta);
		}
		if (len == 0) {
			end = BACKEND_DRY;
			break;
		}
		counter_add(&c->read, 1);
		counter_add(&c->read_bytes, len);
		frames++;
		bytes += len;
	}
	if (frames > 0) {
		vsp_to_guest_flush(nic->vsp, queue);
		counter_add(&c->bursts, 1);
	}
	return end;
}

/* --- from the guest --- */

static void
tap_write(void *arg, const struct vec *vec, uint32_t nvec, uint32_t len,
    const struct pkt_meta *meta)
{
	struct tap_queue *q = arg;

	if (!tap_frame_write(q->fd, vec, nvec, meta)) {
		counter_add(&q->counters->write_errors, 1);
		return;
	}
	counter_add(&q->counters->written, 1);
	counter_add(&q->counters->written_bytes, len);
}

static void
tap_from_guest(struct nic *nic, uint32_t queue, const struct vsp_frame *f)
{
	struct backend_tap *t = nic->backend;
	struct tap_queue *q = &t->queue[queue];

	if (!nic->spec.gro || !backend_coal_add(q->coal, f))
		tap_write(q, f->vec, f->nvec, f->len, &f->meta);
}

static void
tap_from_guest_flush(struct nic *nic, uint32_t queue)
{
	struct backend_tap *t = nic->backend;

	backend_coal_flush(t->queue[queue].coal);
}

/* --- control --- */

static int
tap_source_fd(struct nic *nic, uint32_t k)
{
	const struct backend_tap *t = nic->backend;

	return t->tap.fd[k];
}

static void
tap_carrier_set(struct nic *nic, bool on)
{
	struct backend_tap *t = nic->backend;

	(void)tap_carrier(&t->tap, on);
}

static int
tap_configure(struct nic *nic)
{
	struct backend_tap *t = nic->backend;
	const struct nic_spec *s = &nic->spec;
	const struct rtnl_link link = { .mtu = s->mtu };
	uint32_t off = 0;
	int rc;

	if (s->tso || s->rsc)
		off = TAP_OFF_CSUM | TAP_OFF_TSO4 | TAP_OFF_TSO6;
	else if (s->rxcsum != NIC_RXCSUM_OFF)
		off = TAP_OFF_CSUM;
	/* First what may want for descriptors or memory. */
	rc = rtnl_link_set(t->tap.netns, t->tap.index, &link);
	if (rc == 0)
		rc = tap_offloads(&t->tap, off);
	if (rc == 0)
		t->frame_max = (off & TAP_OFF_TSO4) != 0 ? TAP_GSO_BYTES :
		    s->mtu + TAP_L2_ROOM;
	return rc;
}

static void
tap_steer(struct nic *nic)
{
	struct backend_tap *t = nic->backend;
	struct steer_config sc = { .queues = nic->queues_open };

	if (t->steer == NULL)
		return;
	vsp_steering(nic->vsp, sc.key, sc.table, &sc.entries, &sc.hash_types);
	if (sc.entries > 0)
		steer_set(t->steer, &sc);
}

static void
tap_backend_close(struct nic *nic)
{
	struct backend_tap *t = nic->backend;

	for (uint32_t k = 0; k < nic->spec.queues; k++)
		backend_coal_free(t->queue[k].coal);
	tap_close(&t->tap);
	steer_destroy(t->steer);
	free(t);
	nic->backend = NULL;
}

static int
tap_queues_ready(struct nic *nic)
{
	struct backend_tap *t = nic->backend;

	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		struct tap_queue *q = &t->queue[k];

		q->fd = t->tap.fd[k];
		q->counters = &nic->queue[k].counters;
		q->coal = backend_coal_make(65535, tap_write, q,
		    q->counters);
		if (q->coal == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
tap_backend_open(struct nic *nic, char *err, size_t cap)
{
	const struct nic_spec *s = &nic->spec;
	struct backend_tap *t = calloc(1, sizeof(*t));
	const struct tap_config tc = {
		.name = s->ifname[0] != '\0' ? s->ifname : s->name,
		.netns = s->netns, .queues = s->queues, .mtu = s->mtu,
		.up = true };
	int rc;

	if (t == NULL) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	nic->backend = t;
	if (s->queues > 1) {
		t->steer = steer_create(err, cap);
		if (t->steer == NULL) {
			free(t);
			return -EPERM;
		}
	}
	rc = tap_open(&t->tap, &tc, err, cap);
	if (rc < 0) {
		steer_destroy(t->steer);
		free(t);
		return rc;
	}
	if (t->steer != NULL)
		tap_steering(&t->tap, steer_prog_fd(t->steer));
	rc = tap_queues_ready(nic);
	if (rc < 0) {
		snprintf(err, cap, "out of memory");
		tap_backend_close(nic);
		return rc;
	}
	rc = tap_configure(nic);
	if (rc < 0) {
		snprintf(err, cap, "tap %s: setting offloads and MTU: %s",
		    t->tap.name, strerror(-rc));
		tap_backend_close(nic);
	}
	return rc;
}

const struct backend_ops backend_tap_ops = {
	.caps = BACKEND_GSO4 | BACKEND_GSO6 | BACKEND_CSUM,
	.open = tap_backend_open,
	.close = tap_backend_close,
	.source_fd = tap_source_fd,
	.pull = tap_pull,
	.discard = tap_discard,
	.from_guest = tap_from_guest,
	.from_guest_flush = tap_from_guest_flush,
	.carrier = tap_carrier_set,
	.configure = tap_configure,
	.steering = tap_steer,
};
