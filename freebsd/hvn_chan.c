/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel of vmbus(4) as struct chan_ops.
 *
 * Theory of operation.  vmbus(4) writes to the host and signals it; any thread
 * may send.  Received packets are read from the ring's memory, which is ours,
 * by core/ring: it checks every length, where vmbus(4)'s own function panics or
 * returns what lies behind the ring.  recv_commit() gives room back by one
 * vmbus_chan_recv_idxadv(), which also signals a host that waits for it.
 *
 * vmbus(4) calls the channel's callback until the ring is empty, on a thread
 * that other devices share.  So a callback that may not read, because the
 * channel closes or its ring makes no sense, throws away what is there.
 *
 * Control operations sleep and have ended when they return; their events come
 * from inside.  vmbus(4) reports no sub-channel: a task waits until as many as
 * the host granted are there.
 *
 * What vmbus(4) itself reads of the ring that we write, the host can change
 * (its write index among it).  That is not ours to check.
 */
#include "hvn.h"

static struct hvn_chan *
hvn_chan_of(struct chan *c)
{
	return CONTAINER_OF(c, struct hvn_chan, chan);
}

/* ---- data --------------------------------------------------------------- */

static int
chan_op_send(struct chan *c, const struct vmpkt_out *p)
{
	struct hvn_chan *hc = hvn_chan_of(c);
	void *data = (void *)(uintptr_t)p->data.p;
	void *range;
	uint32_t n;
	int error;

	if (p->ext.len == 0) {
		error = vmbus_chan_send(hc->vc, p->type, p->flags, data,
		    (int)p->data.len, p->xact);
	} else {
		/* Reserved word, count; then ranges: length, offset, pages. */
		range = (void *)(uintptr_t)(p->ext.p + 8);
		memcpy(&n, p->ext.p + 4, sizeof(n));
		n = os_le32(n);
		if (n == 1 && p->ext.len > VMPKT_PRP_EXT_BYTES(1))
			error = vmbus_chan_send_prplist(hc->vc, range,
			    (int)((p->ext.len - VMPKT_PRP_EXT_BYTES(0)) / 8),
			    data, (int)p->data.len, p->xact);
		else
			error = vmbus_chan_send_sglist(hc->vc, range, (int)n,
			    data, (int)p->data.len, p->xact);
	}
	if (error == 0)
		return 0;
	return vmbus_chan_is_revoked(hc->vc) ? E_GONE : E_AGAIN;
}

static void
chan_op_nothing(struct chan *c)
{
}

/*
 * A look; and the host is told to signal when there is room, which some do:
 * the callback runs then.
 */
static bool
chan_op_want_space(struct chan *c, uint32_t bytes)
{
	struct hvn_chan *hc = hvn_chan_of(c);
	uint32_t write, read;

	HVN_PENDING_SEND(hc->vc, bytes);
	os_mb();
	write = ring_ld(&hc->out->write_index);
	read = ring_ld_acq(&hc->out->read_index);
	if (!ring_index_ok(write, hc->out_size) ||
	    !ring_index_ok(read, hc->out_size))
		return false;
	return ring_free(write, read, hc->out_size) >= bytes;
}

static int
chan_op_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct hvn_chan *hc = hvn_chan_of(c);
	enum fault why;
	int rc;

	if (hc->dead || os_ld32_acq(&hc->run) == 0)
		return 0;
	rc = ring_in_get(&hc->in, out, buf, cap, &why);
	if (rc == E_PEER) {
		hc->dead = true;
		return fault_note(&c->faults, why, hc->in.next);
	}
	return rc;
}

static void
chan_op_recv_commit(struct chan *c)
{
	struct hvn_chan *hc = hvn_chan_of(c);
	struct ring_in *in = &hc->in;
	uint32_t bytes = ring_used(in->next, in->committed, in->size);

	if (hc->dead || bytes == 0)
		return;
#if HVN_HAVE_IDXADV
	/* It adds the trailer of a packet. */
	if (vmbus_chan_recv_idxadv(hc->vc, bytes - RING_TRAILER_BYTES) == 0)
		in->committed = in->next;
	else
		hc->dead = true;
#else
	/* Nobody signals a host that waits for room in this release. */
	(void)ring_in_commit(in);
#endif
}

static bool
chan_op_irq_unmask(struct chan *c)
{
	return false;
}

/* Nothing in the ring is for us. */
static void
chan_discard(struct hvn_chan *hc)
{
	struct ring_ctrl_wire *ctrl = hc->in.ctrl;

	ring_st_rel(&ctrl->read_index, ring_ld_acq(&ctrl->write_index));
}

static void
chan_pass(struct hvn_chan *hc)
{
	struct hvn_queue *q = &hc->sc->queue[hc->chan.subindex];
	HVN_EPOCH(et);

	HVN_EPOCH_ENTER(et);
	/* If there is more, vmbus(4) comes again: the ring is not empty. */
	(void)hc->chan.events->ready(&hc->chan, HVN_BUDGET);
	hvn_rx_passed(q);
	hvn_tx_passed(q);
	HVN_EPOCH_EXIT(et);
}

static void
chan_callback(struct vmbus_channel *vc, void *arg)
{
	struct hvn_chan *hc = arg;

	if (os_ld32_acq(&hc->run) != 0 && !hc->dead)
		chan_pass(hc);
	if (os_ld32(&hc->run) == 0 || hc->dead)
		chan_discard(hc);
}

void
hvn_chan_kicked(void *arg, int pending)
{
	struct hvn_queue *q = arg;
	struct hvn_chan *hc = &q->sc->chan[q->index];

	if (os_ld32_acq(&hc->run) != 0 && !hc->dead)
		chan_pass(hc);
}

void
hvn_chan_kick(struct hvn_softc *sc, uint32_t queue)
{
	struct hvn_chan *hc = &sc->chan[queue];

	if (hc->open)
		taskqueue_enqueue(hc->event_tq, &sc->queue[queue].kick);
}

void
hvn_chan_poll(struct hvn_softc *sc, uint32_t passes)
{
	for (uint32_t i = 0; i < sc->max_queues; i++) {
		if (!sc->chan[i].open)
			continue;
		if (passes != 0)
			vmbus_chan_poll_enable(sc->chan[i].vc, passes);
		else
			vmbus_chan_poll_disable(sc->chan[i].vc);
	}
}

/* ---- control ------------------------------------------------------------ */

static int
chan_error(const struct hvn_chan *hc, int error)
{
	if (error == EISCONN)
		return E_TIMEOUT;
	return vmbus_chan_is_revoked(hc->vc) ? E_GONE : E_NOTSUP;
}

static int
chan_op_gpadl_create(struct chan *c, const struct chan_mem *m,
    uint32_t *gpadl)
{
	struct hvn_chan *hc = hvn_chan_of(c);
	uint32_t id = 0;
	int error;

	error = vmbus_chan_gpadl_connect(hc->vc, m->gpa, (int)m->bytes, &id);
	*gpadl = id;
	c->events->gpadl_created(c, id,
	    error == 0 ? 0 : chan_error(hc, error));
	return 0;
}

static int
chan_op_gpadl_teardown(struct chan *c, uint32_t gpadl)
{
	struct hvn_chan *hc = hvn_chan_of(c);
	int error = vmbus_chan_gpadl_disconnect(hc->vc, gpadl);

	c->events->gpadl_torndown(c, gpadl, error == 0 ? 0 : E_TIMEOUT);
	return 0;
}

/* The CPU that vmbus(4) will use for a channel. */
static int
chan_cpu(const struct chan *c, uint32_t vp)
{
	/* Before Windows 8 all channels are CPU 0's, whatever one sets. */
	if (c->vmbus_version < VMBUS_VERSION_WIN8)
		return 0;
	return (int)(vp % (uint32_t)mp_ncpus);
}

static int
chan_op_open(struct chan *c, const struct chan_open *o)
{
	struct hvn_chan *hc = hvn_chan_of(c);
	struct hvn_softc *sc = hc->sc;
	uint8_t *in = (uint8_t *)o->ring.va + o->to_host_bytes;
	struct vmbus_chan_br br = {
		.cbr = o->ring.va,
		.cbr_paddr = o->ring.gpa,
		.cbr_txsz = (int)o->to_host_bytes,
		.cbr_rxsz = (int)(o->ring.bytes - o->to_host_bytes),
	};
	int cpu = chan_cpu(c, o->vp);
	enum fault why;
	int error;

	ring_ctrl_reset(o->ring.va);
	ring_ctrl_reset(in);
	if (ring_in_init(&hc->in, in, (uint32_t)br.cbr_rxsz, 0, &why) < 0)
		return E_STATE;
	hc->out = o->ring.va;
	hc->out_size = o->to_host_bytes - HV_PAGE_SIZE;
	hc->dead = false;
	hc->event_tq = VMBUS_GET_EVENT_TASKQ(device_get_parent(sc->dev),
	    sc->dev, cpu);
	hc->open = true;
	os_st32_rel(&hc->run, 1);
	vmbus_chan_cpu_set(hc->vc, cpu);
	error = vmbus_chan_open_br(hc->vc, &br, o->user_data.p,
	    (int)o->user_data.len, chan_callback, hc);
	if (error != 0) {
		hc->open = false;
		os_st32_rel(&hc->run, 0);
	}
	c->events->opened(c, error == 0 ? 0 : chan_error(hc, error));
	return 0;
}

static int
chan_op_close(struct chan *c)
{
	struct hvn_chan *hc = hvn_chan_of(c);
	int error;

	if (!hc->open) {
		/* One that was never opened is given back all the same. */
		if (!vmbus_chan_is_primary(hc->vc))
			(void)vmbus_chan_close_direct(hc->vc);
		return E_STATE;
	}
	hc->open = false;
	os_st32_rel(&hc->run, 0);
	error = vmbus_chan_close_direct(hc->vc);
	taskqueue_drain(hc->event_tq, &hc->sc->queue[c->subindex].kick);
	c->events->closed(c, error == EISCONN ? E_TIMEOUT : 0);
	return 0;
}

/* ---- sub-channels ------------------------------------------------------- */

static void
chan_op_subs_expect(struct chan *c, uint32_t n)
{
	struct hvn_softc *sc = hvn_chan_of(c)->sc;

	mtx_lock(&sc->mtx);
	sc->subs_n = n;
	sc->subs_busy = true;
	mtx_unlock(&sc->mtx);
	taskqueue_enqueue(sc->subs_tq, &sc->subs_task);
}

void
hvn_chan_subs_wait(void *arg, int pending)
{
	struct hvn_softc *sc = arg;
	struct vmbus_channel **subs;
	uint32_t n;

	mtx_lock(&sc->mtx);
	n = sc->subs_n;
	mtx_unlock(&sc->mtx);
	/* Sleeps until there are so many; there is no time-out. */
	subs = vmbus_subchan_get(sc->primary, (int)n);
	mtx_lock(&sc->mtx);
	sc->subs = subs;
	sc->subs_busy = false;
	mtx_unlock(&sc->mtx);
	hvn_ctl_due(sc, HVN_DUE_SUBS);
}

void
hvn_chan_subs(struct hvn_softc *sc)
{
	struct chan *primary = &sc->chan[0].chan;
	struct vmbus_channel **subs;
	uint32_t n;

	mtx_lock(&sc->mtx);
	subs = sc->subs;
	n = sc->subs_n;
	sc->subs = NULL;
	mtx_unlock(&sc->mtx);
	if (subs == NULL)
		return;
	sc->subs_taken = true;
	for (uint32_t i = 0; i < n; i++) {
		struct chan *c = hvn_chan_take(sc, subs[i]);

		if (c != NULL && sc->vsc != NULL)
			primary->events->subchannel(primary, c);
		/* Whoever got it closes it. */
		if (c == NULL || c->events == NULL)
			(void)vmbus_chan_close_direct(subs[i]);
	}
	vmbus_subchan_rel(subs, (int)n);
}

static const struct chan_ops hvn_chan_ops = {
	.caps = CHAN_CAP_WRITERS,
	.send = chan_op_send, .commit = chan_op_nothing,
	.want_space = chan_op_want_space,
	.recv = chan_op_recv, .recv_commit = chan_op_recv_commit,
	.irq_mask = chan_op_nothing, .irq_unmask = chan_op_irq_unmask,
	.gpadl_create = chan_op_gpadl_create,
	.gpadl_teardown = chan_op_gpadl_teardown,
	.open = chan_op_open, .close = chan_op_close,
	.subs_expect = chan_op_subs_expect,
};

struct chan *
hvn_chan_take(struct hvn_softc *sc, struct vmbus_channel *vc)
{
	uint32_t k = vmbus_chan_subidx(vc);
	struct hvn_chan *hc;

	if (k >= sc->max_queues || sc->chan[k].open)
		return NULL;
	hc = &sc->chan[k];
	memset(hc, 0, sizeof(*hc));
	hc->sc = sc;
	hc->vc = vc;
	hc->chan.ops = &hvn_chan_ops;
	hc->chan.subindex = (uint16_t)k;
	hc->chan.relid = vmbus_chan_id(vc);
	hc->chan.vmbus_version = VMBUS_GET_VERSION(device_get_parent(sc->dev),
	    sc->dev);
	hc->chan.type = hv_guid_nic;
	memcpy(&hc->chan.instance, vmbus_chan_guid_inst(vc),
	    sizeof(hc->chan.instance));
	return &hc->chan;
}
