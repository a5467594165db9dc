/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One NIC: NetVSP, backend and workers put together.
 *
 * The backend lives as long as the NIC.  A NetVSP is made for each offer to a
 * guest, and leaves the NIC when that is taken back (nic_leaving.c).  Control
 * enters the NetVSP with the NIC's gate closed, whichever way it comes: VMBus
 * messages (host_guest.c), control packets that a worker met (nic_control()),
 * settings.
 *
 * Queue k belongs to worker first_worker + k.  Source k of the backend is
 * served by queue k, or by queue 0 while queue k has no channel.
 */
#include "linux/host/nic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/host/nic_delay.h"
#include "linux/host/nic_leaving.h"
#include "linux/host/nic_queue.h"

#define X(name, text) COUNTER_ROW(backend_counters, name, text)
COUNTER_TABLE(backend_counters, BACKEND_COUNTERS(X));
#undef X

/*
 * Policy: bytes of a receive section of a guest that takes large fragments: a
 * 64 KiB frame in two, as long as each queue still has some 50 sections.
 */
#define NIC_RSC_SECTION		34816u
/* A machine's guest may leave RSC off: then each segment takes a section. */
#define NIC_RSC_SECTION_VM	16384u
#define NIC_RSC_SECTION_QUEUES	8u
#define NIC_RSC_SECTION_SMALL	8192u

static const struct backend_ops *const nic_backends[] = {
	[NIC_TAP] = &backend_tap_ops,
	[NIC_NULL] = &backend_null_ops,
	[NIC_PCAP] = &backend_pcap_ops,
	[NIC_PAIR] = &backend_pair_ops,
	[NIC_GENERATOR] = &backend_generator_ops,
};

static void
nic_close(struct nic *nic)
{
	gate_close(&nic->host->pool, nic->gate);
}

static void
nic_open(struct nic *nic)
{
	gate_open(&nic->host->pool, nic->gate);
}

/* --- NetVSP's needs --- */

void *
nic_vsp_alloc(void *ctx, size_t bytes)
{
	void *p = aligned_alloc(OS_CACHELINE,
	    (bytes + OS_CACHELINE - 1) & ~(size_t)(OS_CACHELINE - 1));

	if (p != NULL)
		memset(p, 0, bytes);
	return p;
}

void
nic_vsp_free(void *ctx, void *p, size_t bytes)
{
	free(p);
}

static void
nic_from_guest(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	struct nic *nic = ctx;

	if (nic->delay != NULL && nic_delay_from_guest(nic, queue, f))
		return;
	nic->ops->from_guest(nic, queue, f);
}

static void
nic_from_guest_flush(void *ctx, uint32_t queue)
{
	struct nic *nic = ctx;

	nic->ops->from_guest_flush(nic, queue);
}

static bool
nic_from_guest_stalled(void *ctx, uint32_t queue, bool full)
{
	struct nic *nic = ctx;

	return nic->ops->stalled(nic, queue, full);
}

static void
nic_to_guest_wake(void *ctx, uint32_t queue)
{
	struct nic *nic = ctx;

	nic->queue[queue].blocked = false;
	/* It may come from another queue's turn, at the same worker. */
	work_ready(&nic->queue[queue].work);
}

static void
nic_control_wanted(void *ctx)
{
	nic_control_ask(ctx);
}

static bool
nic_same_owner(void *ctx, uint32_t qa, uint32_t qb)
{
	const struct nic *nic = ctx;

	return nic->queue[qa].work.worker == nic->queue[qb].work.worker;
}

static void
nic_handover_kick(void *ctx, uint32_t queue)
{
	struct nic *nic = ctx;

	(void)os_xchg32(&nic->queue[queue].handover, 1);
	work_post(&nic->queue[queue].work);
}

static void
nic_queue_start_op(void *ctx, uint32_t queue, struct chan *c)
{
	struct nic *nic = ctx;

	nic_queue_start(&nic->queue[queue], c,
	    link_host_signal_fd(host_guest_link(nic->guest), c));
	nic->queues_open++;
	host_monitor_wake(nic->host);
	if (nic->queues_open == 1 && nic->ops->carrier != NULL)
		nic->ops->carrier(nic, nic->spec.link_up);
}

static void
nic_queue_stop_op(void *ctx, uint32_t queue)
{
	struct nic *nic = ctx;

	nic->queues_open--;
	if (nic->queues_open == 0 && nic->ops->carrier != NULL)
		nic->ops->carrier(nic, false);
	nic_queue_stop(&nic->queue[queue]);
}

static void
nic_steering(void *ctx)
{
	struct nic *nic = ctx;

	if (nic->vsp != NULL && nic->ops->steering != NULL)
		nic->ops->steering(nic);
}

static void
nic_state(void *ctx)
{
	struct nic *nic = ctx;

	int rc = 0;

	if (nic->vsp == NULL)
		return;
	if (nic->ops->configure != NULL)
		rc = nic->ops->configure(nic);
	if (rc < 0)
		host_log_once(&nic->host->log, "%s: setting offloads and MTU: "
		    "%s", nic->spec.name, strerror(-rc));
	/* What nobody took so far may be wanted now. */
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		nic_source_post(nic, k);
}

static void
nic_trace(void *ctx, bool to_guest, bool rndis, struct span msg)
{
	struct nic *nic = ctx;

	transcript_line(nic->host->transcript, nic->spec.name, to_guest,
	    rndis ? TRANSCRIPT_RNDIS : TRANSCRIPT_NVSP, msg);
}

static const struct vsp_ops nic_vsp_ops = {
	.alloc = nic_vsp_alloc,
	.free = nic_vsp_free,
	.from_guest = nic_from_guest,
	.from_guest_flush = nic_from_guest_flush,
	.from_guest_stalled = nic_from_guest_stalled,
	.to_guest_wake = nic_to_guest_wake,
	.control_wanted = nic_control_wanted,
	.same_owner = nic_same_owner,
	.handover_kick = nic_handover_kick,
	.queue_start = nic_queue_start_op,
	.queue_stop = nic_queue_stop_op,
	.steering = nic_steering,
	.state = nic_state,
	.trace = nic_trace,
};

/* --- configuration --- */

/* Large sections for large fragments; 0: frames of that MTU need their own. */
static uint32_t
nic_rsc_section(const struct nic_spec *s, uint32_t kind)
{
	uint32_t n = s->queues > NIC_RSC_SECTION_QUEUES ?
	    NIC_RSC_SECTION_SMALL : kind == LINK_KIND_VM ?
	    NIC_RSC_SECTION_VM : NIC_RSC_SECTION;

	return s->mtu < n / 2 ? n : 0;
}

static void
nic_vsp_config(const struct nic *nic, uint32_t kind, struct vsp_config *c)
{
	const struct nic_spec *s = &nic->spec;

	*c = (struct vsp_config){ .mtu = s->mtu, .max_queues = s->queues,
		.max_nvsp = s->max_nvsp != 0 ? s->max_nvsp :
		    nic->host->cfg.max_nvsp,
		.strict = !nic->host->cfg.lenient,
		.rxcsum_complete = s->rxcsum != NIC_RXCSUM_AUTO ||
		    kind != LINK_KIND_HVNET,
		.speed_bps = s->speed_bps, .link_up = s->link_up,
		.vlan = s->vlan == NIC_VLAN_TRUNK ? VSP_VLAN_TRUNK :
		    s->vlan == NIC_VLAN_ACCESS ? VSP_VLAN_ACCESS :
		    VSP_VLAN_NONE,
		.vlan_id = s->vlan_id, .mac_spoof = s->spoof,
		.lso_max = s->tso_max, .section_bytes = s->section_bytes,
		.rsc_large = kind == LINK_KIND_HVNET || kind == LINK_KIND_VM,
		.rsc_sizes = kind == LINK_KIND_HVNET,
		.backend_gso4 = (nic->ops->caps & BACKEND_GSO4) != 0,
		.backend_gso6 = (nic->ops->caps & BACKEND_GSO6) != 0,
		.backend_csum = (nic->ops->caps & BACKEND_CSUM) != 0,
		.loss_ppm = s->loss_ppm };
	if (c->rsc_large && s->rsc)
		c->rsc_section_bytes = nic_rsc_section(s, kind);
	memcpy(c->mac, nic->mac, sizeof(c->mac));
	c->offloads = (s->txcsum ? VSP_OFF_TXCSUM : 0) |
	    (s->rxcsum != NIC_RXCSUM_OFF ? VSP_OFF_RXCSUM : 0) |
	    (s->tso ? VSP_OFF_LSO : 0) | (s->rsc ? VSP_OFF_RSC : 0) |
	    (s->vlan != NIC_VLAN_NONE ? VSP_OFF_VLAN : 0) |
	    (s->hash ? VSP_OFF_HASH : 0);
}

/* A stable locally administered address: our prefix and a hash (FNV-1a). */
static void
nic_mac_make(struct nic *nic)
{
	uint32_t h = 2166136261u;

	for (const char *p = nic->spec.name; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	for (const char *p = nic->host->cfg.listen; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	nic->mac[0] = 0x02;
	nic->mac[1] = 0x15;
	nic->mac[2] = 0x5d;
	nic->mac[3] = (uint8_t)(h >> 16);
	nic->mac[4] = (uint8_t)(h >> 8);
	nic->mac[5] = (uint8_t)h;
}

/* --- life --- */

/* A gate of its own, or that of the other NIC of a pair. */
static struct gate *
nic_gate_get(struct host *h, const struct nic *peer)
{
	struct gate *g = peer != NULL ? peer->gate : calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	if (peer == NULL)
		g->id = ++h->next_gate;
	g->users++;
	return g;
}

static void
nic_gate_put(struct gate *g)
{
	if (g != NULL && --g->users == 0)
		free(g);
}

static int
nic_queues_make(struct nic *nic)
{
	uint32_t n = nic->spec.queues;

	nic->queue = aligned_alloc(OS_CACHELINE, n * sizeof(*nic->queue));
	nic->source = calloc(n, sizeof(*nic->source));
	if (nic->queue == NULL || nic->source == NULL)
		return -ENOMEM;
	memset(nic->queue, 0, n * sizeof(*nic->queue));
	for (uint32_t k = 0; k < n; k++) {
		struct worker_pool *p = &nic->host->pool;

		nic->source[k].src.fd = -1;
		nic->source[k].index = k;
		nic_queue_init(&nic->queue[k], nic, k,
		    &p->worker[(nic->first_worker + k) % p->count]);
	}
	return 0;
}

static int
nic_sources_open(struct nic *nic, char *err, size_t cap)
{
	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		int rc = nic_source_open(nic, k);

		if (rc < 0) {
			snprintf(err, cap, "watching the backend: %s",
			    strerror(-rc));
			return rc;
		}
	}
	return 0;
}

/* On return workers know nothing of the NIC. */
static void
nic_works_remove(struct nic *nic)
{
	struct work *works[VSP_MAX_QUEUES];

	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		works[k] = &nic->queue[k].work;
		nic_source_close(nic, k);
	}
	nic_delay_quiet(nic);
	work_remove(&nic->host->pool, works, nic->spec.queues);
}

int
nic_create(struct host *h, const struct nic_spec *spec, struct nic **out,
    char *err, size_t cap)
{
	struct nic *nic = calloc(1, sizeof(*nic));
	struct nic_delay *delay;
	struct nic *peer = spec->backend == NIC_PAIR ?
	    host_nic_find(h, spec->peer) : NULL;
	int rc;

	if (nic == NULL) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	nic->host = h;
	nic->spec = *spec;
	nic->ops = nic_backends[spec->backend];
	nic->first_worker = peer != NULL ? peer->first_worker :
	    h->next_worker++;
	nic->gate = nic_gate_get(h, peer);
	if (nic->gate == NULL || nic_control_init(nic) < 0) {
		snprintf(err, cap, "out of memory");
		rc = -ENOMEM;
		goto free_nic;
	}
	if (spec->mac_set)
		memcpy(nic->mac, spec->mac, sizeof(nic->mac));
	else
		nic_mac_make(nic);
	rc = nic_queues_make(nic);
	if (rc < 0) {
		snprintf(err, cap, "out of memory");
		goto free_nic;
	}
	/* Closed until all is in place: events of the first source may come. */
	nic_close(nic);
	rc = nic_delay_make(nic, spec->delay_us, &delay);
	if (rc < 0) {
		snprintf(err, cap, "delay: %s", strerror(-rc));
		goto quiet;
	}
	nic_delay_use(nic, spec->delay_us, delay);
	rc = nic->ops->open(nic, err, cap);
	if (rc < 0)
		goto quiet;
	rc = nic_sources_open(nic, err, cap);
	if (rc < 0) {
		nic->ops->close(nic);
		goto quiet;
	}
	if (nic->ops->carrier != NULL)
		nic->ops->carrier(nic, false);
	nic_open(nic);
	*out = nic;
	return 0;

quiet:
	nic_works_remove(nic);
	nic_delay_free(nic);
	nic_open(nic);
free_nic:
	nic_control_free(nic);
	nic_gate_put(nic->gate);
	free(nic->queue);
	free(nic->source);
	free(nic);
	return rc;
}

void
nic_destroy(struct nic *nic)
{
	nic_close(nic);
	nic_works_remove(nic);
	nic->ops->close(nic);
	nic_delay_free(nic);
	nic_open(nic);
	nic_control_free(nic);
	nic_gate_put(nic->gate);
	free(nic->queue);
	free(nic->source);
	free(nic);
}

int
nic_offer(struct nic *nic, struct host_guest *g, struct vms *vms)
{
	struct vsp_ops ops = nic_vsp_ops;
	struct vsp_config c;
	int rc;

	nic_vsp_config(nic, host_guest_kind(g), &c);
	ops.stop = &nic->gate->closed;
	if (nic->ops->stalled == NULL)
		ops.from_guest_stalled = NULL;
	nic->leaving = nic_leaving_create(nic->host, g);
	if (nic->leaving == NULL)
		return E_NOMEM;
	nic->vsp = vsp_create(&c, &ops, nic);
	nic->guest = g;
	rc = nic->vsp == NULL ? E_NOMEM :
	    vms_dev_offer(vms, vsp_dev(nic->vsp));
	if (rc < 0)
		nic_release(nic);
	return rc;
}

void
nic_withdraw(struct nic *nic)
{
	struct nic_leaving *l = nic->leaving;

	nic_close(nic);
	nic_leaving_begin(l, nic->spec.name, nic->mac, nic->vsp);
	nic->vsp = NULL;
	nic->leaving = NULL;
	host_guest_nic_gone(nic->guest);
	nic_release(nic);
	nic_open(nic);
}

void
nic_release(struct nic *nic)
{
	nic_close(nic);
	vsp_destroy(nic->vsp);
	nic_leaving_free(nic->leaving);
	nic->vsp = NULL;
	nic->leaving = NULL;
	nic->guest = NULL;
	nic_delay_clear(nic);
	nic_open(nic);
}

/* --- at run time --- */

/* Tell the guest.  0, or -errno and it is as before. */
static int
nic_set_guest(struct nic *nic, const struct nic_spec *to, char *err,
    size_t cap)
{
	const struct nic_spec old = nic->spec;
	struct vsp_config c;
	int rc = 0;

	nic->spec = *to;
	if (nic->vsp != NULL && to->mtu != old.mtu) {
		/*
		 * The guest learns MTU and receive-section size at attach
		 * alone: it is offered again when the guest has let go, which
		 * every guest knows how to follow.
		 */
		nic_withdraw(nic);
	} else if (nic->vsp != NULL) {
		nic_vsp_config(nic, host_guest_kind(nic->guest), &c);
		rc = vsp_reconfigure(nic->vsp, &c);
		if (rc < 0) {
			snprintf(err, cap, "%s: the NIC does not take these "
			    "values together", nic->spec.name);
			rc = -EINVAL;
		}
	}
	if (rc < 0)
		nic->spec = old;
	return rc;
}

/* Tell the backend.  0, or -errno and it is as before. */
static int
nic_set_backend(struct nic *nic, const struct nic_spec *to)
{
	const struct nic_spec old = nic->spec;
	int rc;

	if (nic->ops->configure == NULL)
		return 0;
	nic->spec = *to;
	rc = nic->ops->configure(nic);
	nic->spec = old;
	return rc;
}

/* All or nothing: what can fail comes first, and each step can be undone. */
int
nic_set(struct nic *nic, const struct nic_spec *to, char *err, size_t cap)
{
	const struct nic_spec old = nic->spec;
	struct nic_delay *delay;
	int rc;

	nic_close(nic);
	rc = nic_delay_make(nic, to->delay_us, &delay);
	if (rc < 0) {
		snprintf(err, cap, "delay: %s", strerror(-rc));
		goto out;
	}
	rc = nic_set_backend(nic, to);
	if (rc < 0) {
		snprintf(err, cap, "%s: setting offloads and MTU: %s",
		    nic->spec.name, strerror(-rc));
		nic_delay_forget(nic, delay);
		goto out;
	}
	rc = nic_set_guest(nic, to, err, cap);
	if (rc < 0) {
		nic_set_backend(nic, &old);
		nic_delay_forget(nic, delay);
		goto out;
	}
	nic_delay_use(nic, to->delay_us, delay);
	if (nic->ops->carrier != NULL)
		nic->ops->carrier(nic, nic->spec.link_up &&
		    nic->queues_open > 0);
out:
	nic_open(nic);
	return rc;
}

void
nic_memory_changed(struct nic *nic)
{
	nic_close(nic);
	vsp_memory_changed(nic->vsp);
	nic_open(nic);
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		nic_queue_poke(&nic->queue[k]);
}

bool
nic_chan_poke(struct nic *nic, const struct chan *c)
{
	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		if (nic->queue[k].chan != c)
			continue;
		nic_queue_poke(&nic->queue[k]);
		return true;
	}
	return false;
}
