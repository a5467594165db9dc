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
 * We request unfinished frames (checksums, GSO) from the kernel only if they
 * are useful: with both tso=off and rsc=off nothing is offloaded either way.
 * But every frame is read whole, even a GSO frame that waited from before, or
 * one that is longer than the NIC's MTU because the interface has a larger one;
 * the port then cuts or drops it, and counts.
 *
 * While the interface is deleted the guest's link is down; it is made again.
 *
 * Frames go to NIC queues by a BPF program that computes the guest's own RSS;
 * without BPF there is one queue.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/host/backend_coal.h"
#include "linux/host/host_log.h"
#include "linux/net/rtnl.h"
#include "linux/net/steer.h"
#include "linux/net/tap_frame.h"
#include "linux/net/tapwatch.h"
#include "pkt/pkt_parse.h"

struct tap_queue {
	int fd;
	struct backend_counters *counters;
	struct backend_coal *coal;	/* NULL: there is none */
};

struct backend_tap {
	struct tap tap;
	struct tapwatch *watch;		/* control */
	struct steer *steer;		/* NULL: one queue */
	uint32_t frame_usual;		/* bytes; longer ones: exceptions */
	uint32_t mtu;			/* that we gave the interface last */
	char bridge[16];		/* the same */
	struct tap_queue queue[TAP_MAX_QUEUES];
};

/* --- to the guest --- */

static void
tap_discard(struct backend_port *port, uint32_t k)
{
	struct backend_tap *t = port->backend;
	char frame[64];

	while (read(t->tap.fd[k], frame, sizeof(frame)) > 0)
		counter_add(&port->queue[k].counters.no_guest, 1);
}

/*
 * A frame to the guest: its bytes, 0 when the TAP is dry, E_AGAIN or E_GONE as
 * vsp_to_guest_reserve(), E_STATE if it was dropped and counted.
 */
static inline int
tap_pull_frame(struct backend_port *port, int fd, uint32_t queue)
{
	struct backend_tap *t = port->backend;
	struct vsp_room room;
	struct pkt_meta meta;
	int len;

	len = port->to_guest->reserve(port, queue, t->frame_usual, &room);
	if (len < 0)
		return len;
	len = tap_frame_read(fd, room.vec, room.nvec, &meta);
	if (len > 0)
		/* A frame that it drops is counted there. */
		(void)port->to_guest->submit(port, queue, &room, (uint32_t)len,
		    &meta);
	else if (len < 0)
		counter_add(&port->queue[queue].counters.read_cut, 1);
	return len;
}

static enum backend_pull
tap_pull(struct backend_port *port, uint32_t k, uint32_t queue)
{
	struct backend_tap *t = port->backend;
	struct backend_counters *c = &port->queue[queue].counters;
	enum backend_pull end = BACKEND_MORE;
	uint32_t frames = 0, bytes = 0;

	while (frames < BACKEND_BURST_FRAMES && bytes < BACKEND_BURST_BYTES) {
		int len = tap_pull_frame(port, t->tap.fd[k], queue);

		if (len == E_GONE) {
			tap_discard(port, k);
			return BACKEND_DRY;
		}
		if (len == 0 || len == E_AGAIN) {
			end = len == 0 ? BACKEND_DRY : BACKEND_BLOCKED;
			break;
		}
		frames++;
		if (len < 0)
			continue;
		backend_count_read(c, (uint32_t)len);
		bytes += (uint32_t)len;
	}
	if (frames > 0) {
		port->to_guest->flush(port, queue);
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
	backend_count_written(q->counters, len);
}

static void
tap_from_guest(struct backend_port *port, uint32_t queue,
    const struct vsp_frame *f)
{
	struct backend_tap *t = port->backend;
	struct tap_queue *q = &t->queue[queue];

	if (!port->spec->gro || !backend_coal_add(q->coal, f))
		tap_write(q, f->vec, f->nvec, f->len, &f->meta);
}

static void
tap_from_guest_flush(struct backend_port *port, uint32_t queue)
{
	struct backend_tap *t = port->backend;

	backend_coal_flush(t->queue[queue].coal);
}

/* --- control --- */

static int
tap_source_fd(struct backend_port *port, uint32_t k)
{
	const struct backend_tap *t = port->backend;

	return t->tap.fd[k];
}

static void
tap_carrier_set(struct backend_port *port, bool on)
{
	struct backend_tap *t = port->backend;

	(void)tap_carrier(&t->tap, on);
}

/* Be in this bridge, if it is another one.  0, or -errno with err. */
static int
tap_bridge_use(struct backend_tap *t, const char *bridge, char *err,
    size_t cap)
{
	int rc = strcmp(bridge, t->bridge) == 0 ? 0 :
	    tap_bridge(&t->tap, bridge, err, cap);

	if (rc == 0)
		strcpy(t->bridge, bridge);
	return rc;
}

static int
tap_configure(struct backend_port *port, const struct vsp *vsp, char *err,
    size_t cap)
{
	struct backend_tap *t = port->backend;
	const struct nic_spec *s = port->spec;
	/* What an administrator set stays until the NIC gets another. */
	const struct rtnl_link link = { .mtu = s->mtu };
	char bridge[sizeof(t->bridge)];
	uint32_t off = 0;
	int rc;

	if (s->tso || s->rsc)
		off = TAP_OFF_CSUM | TAP_OFF_TSO4 | TAP_OFF_TSO6;
	else if (s->rxcsum != NIC_RXCSUM_OFF)
		off = TAP_OFF_CSUM;
	/* Deleted: all of it is set when it is made again. */
	if (port->cut)
		return 0;
	/* First what may want for descriptors or memory. */
	strcpy(bridge, t->bridge);
	rc = tap_bridge_use(t, s->bridge, err, cap);
	if (rc < 0)
		return rc;
	if (s->mtu != t->mtu)
		rc = rtnl_link_set(t->tap.netns, t->tap.index, &link);
	if (rc == 0)
		rc = tap_offloads(&t->tap, off);
	if (rc < 0) {
		(void)tap_bridge_use(t, bridge, err, cap);
		snprintf(err, cap, "tap %s: setting offloads and MTU: %s",
		    t->tap.name, strerror(-rc));
		return rc;
	}
	t->mtu = s->mtu;
	t->frame_usual = (off & TAP_OFF_TSO4) != 0 ? VSP_FRAME_MAX :
	    pkt_frame_max(s->mtu, 1);
	return 0;
}

static void
tap_steer(struct backend_port *port, const struct vsp *vsp)
{
	struct backend_tap *t = port->backend;
	struct steer_config sc = { .queues = port->queues_open };

	if (t->steer == NULL)
		return;
	vsp_steering(vsp, sc.key, sc.table, &sc.entries, &sc.hash_types);
	if (sc.entries > 0)
		steer_set(t->steer, &sc);
}

static void
tap_say(void *ctx, const char *text)
{
	const struct backend_port *port = ctx;
	const struct backend_tap *t = port->backend;

	host_log(port->log, "%s: tap %s: %s", port->spec->name,
	    t->tap.name, text);
}

/* It was deleted, moved, or came back. */
static void
tap_state(void *ctx, enum tapwatch_state before)
{
	struct backend_port *port = ctx;
	struct backend_tap *t = port->backend;
	const enum tapwatch_state now = tapwatch_state(t->watch);
	const struct rtnl_link up = { .up = true };
	char err[200];
	int rc;

	port->interface = tapwatch_state_name(now);
	if (before != TAPWATCH_DELETED && now != TAPWATCH_DELETED)
		return;
	port->cut = now == TAPWATCH_DELETED;
	t->mtu = 0;
	if (!port->cut && t->steer != NULL)
		tap_steering(&t->tap, steer_prog_fd(t->steer));
	t->bridge[0] = '\0';
	if (!port->cut && tap_bridge_use(t, port->spec->bridge, err,
	    sizeof(err)) < 0)
		host_log(port->log, "%s: %s", port->spec->name, err);
	strcpy(t->bridge, port->spec->bridge);
	port->cut_changed(port);
	if (port->cut)
		return;
	rc = rtnl_link_set(t->tap.netns, t->tap.index, &up);
	if (rc < 0)
		host_log(port->log, "%s: tap %s: bringing it up: %s",
		    port->spec->name, t->tap.name, strerror(-rc));
}

static const struct tapwatch_ops tap_watch_ops = {
	.state = tap_state,
	.say = tap_say,
};

static void
tap_backend_close(struct backend_port *port)
{
	struct backend_tap *t = port->backend;

	tapwatch_destroy(t->watch);
	for (uint32_t k = 0; k < port->spec->queues; k++)
		backend_coal_free(t->queue[k].coal);
	tap_close(&t->tap);
	steer_destroy(t->steer);
	free(t);
	port->backend = NULL;
}

static int
tap_queues_ready(struct backend_port *port)
{
	struct backend_tap *t = port->backend;

	for (uint32_t k = 0; k < port->spec->queues; k++) {
		struct tap_queue *q = &t->queue[k];

		q->fd = t->tap.fd[k];
		q->counters = &port->queue[k].counters;
		q->coal = backend_coal_make(65535, tap_write, q,
		    q->counters);
		if (q->coal == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
tap_backend_open(struct backend_port *port, char *err, size_t cap)
{
	const struct nic_spec *s = port->spec;
	struct backend_tap *t = calloc(1, sizeof(*t));
	const struct tap_config tc = {
		.name = s->ifname[0] != '\0' ? s->ifname : s->name,
		.netns = s->netns, .queues = s->queues, .mtu = s->mtu,
		.up = true, .persist = s->persist };
	int rc;

	if (t == NULL) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	port->backend = t;
	t->mtu = s->mtu;
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
	/* One that was taken over may have that of the program before. */
	tap_steering(&t->tap, t->steer != NULL ? steer_prog_fd(t->steer) : -1);
	rc = tap_queues_ready(port);
	if (rc < 0) {
		snprintf(err, cap, "out of memory");
		tap_backend_close(port);
		return rc;
	}
	rc = tap_configure(port, NULL, err, cap);
	if (rc < 0) {
		tap_backend_close(port);
		return rc;
	}
	t->watch = tapwatch_create(port->base, &t->tap, &tap_watch_ops,
	    port, err, cap);
	if (t->watch == NULL) {
		tap_backend_close(port);
		return -ENOMEM;
	}
	port->interface = tapwatch_state_name(TAPWATCH_THERE);
	return 0;
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
