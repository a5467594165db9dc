/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One NIC: backend, workers and settings put together.
 *
 * The backend lives as long as the NIC.  A NetVSP is made for each offer to a
 * guest, and leaves the NIC when that is taken back (offer.c).  Control
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

#include "linux/host/backend_delay.h"
#include "linux/host/host_priv.h"
#include "linux/host/nic_bend.h"
#include "linux/host/nic_list.h"
#include "linux/host/nic_queue.h"
#include "linux/host/nic_see.h"
#include "linux/host/nic_trace.h"
#include "linux/host/nic_vsp.h"
#include "linux/host/offer.h"
#include "linux/see/capture.h"

#define X(name, text) COUNTER_ROW(backend_counters, name, text)
COUNTER_TABLE(backend_counters, BACKEND_COUNTERS(X));
#undef X

static const struct backend_ops *const nic_backends[] = {
	[NIC_TAP] = &backend_tap_ops,
	[NIC_NULL] = &backend_null_ops,
	[NIC_PCAP] = &backend_pcap_ops,
	[NIC_PAIR] = &backend_pair_ops,
	[NIC_GENERATOR] = &backend_generator_ops,
};

/* As given, or a stable locally administered one: prefix and hash (FNV-1a). */
static void
nic_mac_make(struct nic *nic)
{
	uint32_t h = 2166136261u;

	if (nic->spec.mac_set) {
		memcpy(nic->mac, nic->spec.mac, sizeof(nic->mac));
		return;
	}
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

/* What nic_create() made before it told workers. */
static void
nic_free(struct nic *nic)
{
	nic_bend_destroy(nic);
	nic_trace_end(nic);
	capture_destroy(nic->capture);
	nic_control_free(nic);
	nic_gate_put(nic->gate);
	free(nic->queue);
	free(nic->port.queue);
	free(nic->source);
	free(nic);
}

static int
nic_queues_make(struct nic *nic)
{
	uint32_t n = nic->spec.queues;

	nic->queue = aligned_alloc(OS_CACHELINE, n * sizeof(*nic->queue));
	nic->port.queue = aligned_alloc(OS_CACHELINE,
	    n * sizeof(*nic->port.queue));
	nic->source = calloc(n, sizeof(*nic->source));
	if (nic->queue == NULL || nic->port.queue == NULL ||
	    nic->source == NULL)
		return -ENOMEM;
	memset(nic->queue, 0, n * sizeof(*nic->queue));
	memset(nic->port.queue, 0, n * sizeof(*nic->port.queue));
	for (uint32_t k = 0; k < n; k++) {
		struct worker_pool *p = nic->pool;

		nic->source[k].src.fd = -1;
		nic->source[k].index = k;
		nic->port.queue[k].work = &nic->queue[k].work;
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
	backend_delay_quiet(&nic->port);
	work_remove(nic->pool, works, nic->spec.queues);
}

/* The backend's interface is gone, or new: carriers, MTU and offloads. */
static void
nic_cut_changed(struct backend_port *port)
{
	struct nic *nic = CONTAINER_OF(port, struct nic, port);
	const struct nic_spec same = nic->spec;
	char err[200];

	if (nic_set(nic, &same, err, sizeof(err)) < 0)
		host_log(nic->log, "%s", err);
}

static void
nic_port_init(struct nic *nic)
{
	nic->port.spec = &nic->spec;
	nic->port.mac = nic->mac;
	nic->port.base = nic->base;
	nic->port.pool = nic->pool;
	nic->port.log = nic->log;
	nic->port.ops = nic_backends[nic->spec.backend];
	nic->port.to_guest = &backend_port_to_guest;
	nic->port.cut_changed = nic_cut_changed;
}

/* NULL: the other NIC of the pair comes later, or there is none. */
static void
nic_join(struct nic *nic, struct nic *mate)
{
	if (mate == NULL)
		return;
	nic->port.mate = &mate->port;
	mate->port.mate = &nic->port;
}

static void
nic_part(struct nic *nic)
{
	if (nic->port.mate != NULL)
		nic->port.mate->mate = NULL;
	nic->port.mate = NULL;
}

int
nic_create(struct host *h, const struct nic_spec *spec, struct nic **out,
    char *err, size_t cap)
{
	struct nic *nic = calloc(1, sizeof(*nic));
	struct backend_delay *delay;
	struct nic *peer = spec->backend == NIC_PAIR ?
	    nic_list_find(h, spec->peer) : NULL;
	int rc;

	if (nic == NULL) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	nic->host = h;
	nic->pool = &h->pool;
	nic->base = h->base;
	nic->log = &h->log;
	nic->spec = *spec;
	nic_port_init(nic);
	nic->first_worker = peer != NULL ? peer->first_worker :
	    h->next_worker++;
	nic->gate = nic_gate_get(h, peer);
	if (nic->gate == NULL || nic_control_init(nic) < 0) {
		snprintf(err, cap, "out of memory");
		rc = -ENOMEM;
		goto free_nic;
	}
	nic_mac_make(nic);
	rc = nic_queues_make(nic);
	if (rc < 0) {
		snprintf(err, cap, "out of memory");
		goto free_nic;
	}
	/* Closed until all is in place: events of the first source may come. */
	nic_close(nic);
	rc = backend_delay_make(&nic->port, spec->delay_us, &delay);
	if (rc < 0) {
		snprintf(err, cap, "delay: %s", strerror(-rc));
		goto quiet;
	}
	backend_delay_use(&nic->port, spec->delay_us, delay);
	rc = nic_see_create(nic, err, cap);
	if (rc == 0)
		rc = nic_bend_create(nic, err, cap);
	if (rc < 0)
		goto quiet;
	rc = nic->port.ops->open(&nic->port, err, cap);
	if (rc < 0)
		goto quiet;
	rc = nic_sources_open(nic, err, cap);
	if (rc < 0) {
		nic->port.ops->close(&nic->port);
		goto quiet;
	}
	nic_carrier(nic);
	nic_join(nic, peer);
	nic_open(nic);
	*out = nic;
	return 0;

quiet:
	nic_works_remove(nic);
	backend_delay_free(&nic->port);
	nic_open(nic);
free_nic:
	nic_free(nic);
	return rc;
}

void
nic_destroy(struct nic *nic)
{
	nic_close(nic);
	nic_works_remove(nic);
	nic->port.ops->close(&nic->port);
	nic_part(nic);
	backend_delay_free(&nic->port);
	nic_open(nic);
	nic_free(nic);
}

/* --- at run time --- */

/* Tell the guest.  0, or -errno and it is as before. */
static int
nic_set_guest(struct nic *nic, const struct nic_spec *to, char *err,
    size_t cap)
{
	const struct nic_spec old = nic->spec;
	int rc = 0;

	nic->spec = *to;
	if (nic->vsp != NULL && to->mtu != old.mtu) {
		/*
		 * The guest learns MTU and receive-section size only at attach:
		 * the NIC is offered again when the guest has let go, which
		 * every guest can follow.
		 */
		offer_withdraw(nic);
	} else if (nic->vsp != NULL) {
		rc = nic_vsp_reconfigure(nic);
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
nic_set_backend(struct nic *nic, const struct nic_spec *to, char *err,
    size_t cap)
{
	const struct nic_spec old = nic->spec;
	int rc;

	if (nic->port.ops->configure == NULL)
		return 0;
	nic->spec = *to;
	rc = nic->port.ops->configure(&nic->port, nic->vsp, err, cap);
	nic->spec = old;
	return rc;
}

/* Other files for what its channels carry, and another script for it. */
struct nic_files {
	struct capture *capture;
	struct bend *bend;
};

static int
nic_files_open(struct nic *nic, const struct nic_spec *to,
    struct nic_files *f, char *err, size_t cap)
{
	int rc = nic_see_open(nic, to, &f->capture, err, cap);

	if (rc < 0)
		return rc;
	rc = nic_bend_open(nic, to, &f->bend, err, cap);
	if (rc < 0 && f->capture != nic->capture)
		capture_destroy(f->capture);
	return rc;
}

/* Gate closed.  *f is what was used before. */
static void
nic_files_use(struct nic *nic, const struct nic_spec *to, struct nic_files *f)
{
	/* They stand on each other, bends on top. */
	if (f->capture != nic->capture || f->bend != nic->bent.bend) {
		nic_bend_stop_all(nic);
		f->capture = nic_see_use(nic, to, f->capture);
		f->bend = nic_bend_use(nic, to, f->bend);
		nic_bend_start_all(nic);
	}
}

/* Those before, or, after an error, those that were not used. */
static void
nic_files_close(const struct nic *nic, const struct nic_files *f)
{
	if (f->capture != nic->capture)
		capture_destroy(f->capture);
	if (f->bend != nic->bent.bend)
		bend_free(f->bend);
}

/* All or nothing: what can fail comes first, and each step can be undone. */
int
nic_set(struct nic *nic, const struct nic_spec *to, char *err, size_t cap)
{
	const struct nic_spec old = nic->spec;
	struct nic_files files;
	struct backend_delay *delay;
	char undo[200];
	int rc = nic_files_open(nic, to, &files, err, cap);

	if (rc < 0)
		return rc;
	nic_close(nic);
	rc = backend_delay_make(&nic->port, to->delay_us, &delay);
	if (rc < 0) {
		snprintf(err, cap, "delay: %s", strerror(-rc));
		goto out;
	}
	rc = nic_set_backend(nic, to, err, cap);
	if (rc < 0) {
		backend_delay_forget(&nic->port, delay);
		goto out;
	}
	rc = nic_set_guest(nic, to, err, cap);
	if (rc < 0) {
		nic_set_backend(nic, &old, undo, sizeof(undo));
		backend_delay_forget(&nic->port, delay);
		goto out;
	}
	backend_delay_use(&nic->port, to->delay_us, delay);
	nic_files_use(nic, to, &files);
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		nic_queue_talk(&nic->queue[k]);
	nic_carrier(nic);
out:
	nic_open(nic);
	nic_files_close(nic, &files);
	return rc;
}
