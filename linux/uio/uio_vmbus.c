/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMBus end of the stand-in: a client without a NetVSC.
 *
 * Receive and send buffer are announced once (their GPADL numbers stand in the
 * names of the maps, which a program reads before it opens the device) and live
 * as long as the process.  Sub-channels are opened when the host offers them,
 * which it does when the program requests them in the ring, and only then shown
 * to the program.
 *
 * Nobody here touches a ring after it was opened: the program does.  As
 * uio_hv_generic does, its interrupt mask is set; the program polls.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "linux/uio/uio_priv.h"
#include "os_block.h"

/* --- what vmc needs --- */

static void *
uio_alloc(void *ctx, size_t bytes)
{
	return os_block_zeroed(bytes);
}

static void
uio_free(void *ctx, void *p, size_t bytes)
{
	free(p);
}

/* Called once, for the three pages. */
static int
uio_mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	struct uio *u = ctx;

	if (bytes != u->pages.bytes)
		return E_NOMEM;
	*out = u->pages;
	return 0;
}

static void
uio_mem_free(void *ctx, struct chan_mem *m)
{
	*m = (struct chan_mem){ 0 };
}

static int
uio_post(void *ctx, uint32_t conn_id, const void *msg, uint32_t len)
{
	struct uio *u = ctx;

	return link_guest_post(u->link, conn_id, msg, len);
}

static void
uio_hypercall(void *ctx, uint32_t conn_id)
{
	struct uio *u = ctx;

	link_guest_signal(u->link, conn_id);
}

static void
uio_eom(void *ctx, uint32_t vp)
{
	struct uio *u = ctx;

	link_guest_eom(u->link, vp);
}

static void
uio_trace(void *ctx, bool to_host, struct span msg)
{
	struct uio *u = ctx;

	struct see_name name;

	see_name_set(&name, SEE_END_UIO, u->cfg.nic, 0);
	transcript_message(u->transcript, &name, !to_host, msg);
	capture_message(u->capture, &name, !to_host, msg);
}

/* --- sub-channels --- */

static bool
chan_ready(struct chan *c, uint32_t budget)
{
	return false;	/* the program's, who polls */
}

static void
sub_opened(struct chan *c, int err)
{
	struct uio *u = c->user;
	int rc = err;

	if (err == 0) {
		chan_irq_mask(c);
		rc = uio_tree_sub_add(u, c->subindex);
	}
	if (rc < 0)
		fprintf(stderr, "hvnet uio: sub-channel %u: %s\n", c->subindex,
		    err < 0 ? hv_err_text(err) : strerror(-rc));
}

static void
sub_closed(struct chan *c, int err)
{
}

static void
sub_rescinded(struct chan *c)
{
	struct uio *u = c->user;

	uio_tree_sub_remove(u, c->subindex);
	(void)c->ops->close(c);
}

static const struct chan_events sub_events = {
	.ready = chan_ready,
	.opened = sub_opened,
	.closed = sub_closed,
	.rescinded = sub_rescinded,
};

static void
primary_subchannel(struct chan *primary, struct chan *c)
{
	struct uio *u = primary->user;
	struct uio_sub *s;
	int rc = 0;

	if (c->subindex == 0 || c->subindex >= UIO_MAX_QUEUES)
		return;
	s = &u->sub[c->subindex];
	c->events = &sub_events;
	c->user = u;
	s->chan = c;
	if (s->ring.fd < 0)
		rc = uio_file_make(u, &s->ring, "hvnet-ring", 0,
		    2 * u->cfg.ring_bytes);
	if (rc == 0)
		rc = uio_chan_begin(c, &s->ring);
	if (rc < 0)
		fprintf(stderr, "hvnet uio: sub-channel %u cannot be opened\n",
		    c->subindex);
}

/* --- the primary --- */

static void
primary_opened(struct chan *c, int err)
{
	struct uio *u = c->user;

	if (err == 0)
		chan_irq_mask(c);
	u->state = err == 0 ? UIO_OPEN : UIO_READY;
	uio_on_opened(u, err);
}

static void
primary_closed(struct chan *c, int err)
{
	struct uio *u = c->user;

	u->state = UIO_READY;
	uio_on_closed(u);
}

static int
buffer_announce(struct uio *u, enum uio_map map)
{
	return u->primary->ops->gpadl_create(u->primary, &u->map[map].mem,
	    &u->gpadl[map]);
}

/* VMBus is ready: make the files, start the program. */
static void
bring_up(struct uio *u)
{
	int rc;

	u->state = UIO_READY;
	event_del(u->deadline);
	rc = uio_tree_make(u);
	if (rc == 0)
		rc = uio_opens_start(u);
	if (rc < 0) {
		uio_over(u, UIO_FAILED, "making the files of the NIC: %s",
		    strerror(-rc));
		return;
	}
	rc = uio_child_start(u);
	if (rc < 0)
		uio_over(u, UIO_FAILED, "%s: %s", u->cfg.argv[0],
		    strerror(-rc));
}

static void
primary_gpadl_created(struct chan *c, uint32_t gpadl, int err)
{
	struct uio *u = c->user;

	if (err < 0)
		uio_over(u, UIO_REFUSED, "the host did not take the %s buffer: "
		    "%s", gpadl == u->gpadl[UIO_MAP_RECV] ? "receive" : "send",
		    hv_err_text(err));
	else if (gpadl == u->gpadl[UIO_MAP_RECV])
		(void)buffer_announce(u, UIO_MAP_SEND);
	else
		bring_up(u);
}

static void
primary_gpadl_torndown(struct chan *c, uint32_t gpadl, int err)
{
}

static void
primary_rescinded(struct chan *c)
{
	struct uio *u = c->user;

	(void)c->ops->close(c);
	uio_over(u, UIO_LOST, "the host took the NIC back");
}

static const struct chan_events primary_events = {
	.ready = chan_ready,
	.opened = primary_opened,
	.closed = primary_closed,
	.gpadl_created = primary_gpadl_created,
	.gpadl_torndown = primary_gpadl_torndown,
	.subchannel = primary_subchannel,
	.rescinded = primary_rescinded,
};

static void
uio_on_offer(void *ctx, struct chan *c)
{
	struct uio *u = ctx;

	if (!hv_guid_equal(&c->type, &hv_guid_nic) || u->primary != NULL)
		return;
	if (vmc_chan_monitor(c) < 0) {
		uio_over(u, UIO_REFUSED, "the host gave the NIC no monitor id, "
		    "and DPDK's driver needs one to signal");
		return;
	}
	c->events = &primary_events;
	c->user = u;
	u->primary = c;
	if (buffer_announce(u, UIO_MAP_RECV) < 0)
		uio_over(u, UIO_REFUSED, "the receive buffer cannot be "
		    "announced");
}

static void
uio_on_gone(void *ctx, struct chan *c)
{
	struct uio *u = ctx;

	if (u->primary == c)
		u->primary = NULL;
	for (uint32_t i = 1; i < UIO_MAX_QUEUES; i++)
		if (u->sub[i].chan == c)
			u->sub[i].chan = NULL;
}

static void
uio_on_connected(void *ctx, int version_or_err)
{
	struct uio *u = ctx;

	if (version_or_err < 0)
		uio_over(u, UIO_REFUSED, "the host accepted none of our VMBus "
		    "versions (%s)", hv_err_text(version_or_err));
	else if (u->primary == NULL)
		uio_over(u, UIO_REFUSED, "the host has no free NIC%s%s",
		    u->cfg.nic[0] != '\0' ? " of the name " : "", u->cfg.nic);
}

static void
uio_on_unloaded(void *ctx)
{
}

const struct vmc_ops uio_vmc_ops = {
	.post_message = uio_post,
	.signal_event = uio_hypercall,
	.eom = uio_eom,
	.alloc = uio_alloc,
	.free = uio_free,
	.mem_alloc = uio_mem_alloc,
	.mem_free = uio_mem_free,
	.connected = uio_on_connected,
	.offer = uio_on_offer,
	.gone = uio_on_gone,
	.unloaded = uio_on_unloaded,
	.trace = uio_trace,
};
