/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet capture backend: what the guest sends, and what it is given, goes to
 * a file; what another file holds is given to the guest, once, as fast as it
 * takes it.
 *
 * The backend takes no offloads, so the NetVSP cuts and completes everything:
 * the file holds frames as they would be on a wire.  One lock serves all
 * queues; this is a backend to look with, not to measure with.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "linux/host/nic.h"
#include "linux/host/nic_delay.h"
#include "pkt/pkt_load.h"
#include "pkt/pkt_parse.h"

#define PCAP_SNAP	65535
#define ETH_ADDRS_LEN	12u
#define TAG_LEN		4u

struct backend_pcap {
	pcap_t *dead;
	pcap_dumper_t *out;	/* lock; NULL: no file */
	pthread_mutex_t lock;
	uint8_t buf[PCAP_SNAP + TAG_LEN];	/* lock */
	pcap_t *in;		/* worker of source 0; NULL: no or no more */
	const u_char *held;	/* likewise: read, not yet given */
	struct pcap_pkthdr held_hdr;
};

static void
pcap_out(struct backend_pcap *p, const struct vec *v, uint32_t n, uint32_t len,
    const struct pkt_meta *m)
{
	struct pcap_pkthdr h = { 0 };
	uint32_t at = 0;

	if (p->out == NULL)
		return;
	if (len > PCAP_SNAP)
		len = PCAP_SNAP;
	gettimeofday(&h.ts, NULL);
	pthread_mutex_lock(&p->lock);
	if ((m->flags & PKT_VLAN) != 0 && len >= ETH_ADDRS_LEN) {
		uint8_t *tag = p->buf + ETH_ADDRS_LEN;

		pkt_vec_gather(v, n, 0, p->buf, ETH_ADDRS_LEN);
		pkt_be16_store(tag, PKT_TYPE_VLAN);
		pkt_be16_store(tag + 2, m->vlan_tci);
		at = ETH_ADDRS_LEN;
		pkt_vec_gather(v, n, at, tag + TAG_LEN, len - at);
		len += TAG_LEN;
	} else {
		pkt_vec_gather(v, n, 0, p->buf, len);
	}
	h.caplen = h.len = len;
	pcap_dump((u_char *)p->out, &h, p->buf);
	pthread_mutex_unlock(&p->lock);
}

static void
pcap_from_guest(struct nic *nic, uint32_t queue, const struct vsp_frame *f)
{
	struct backend_counters *c = &nic->queue[queue].counters;

	pcap_out(nic->backend, f->vec, f->nvec, f->len, &f->meta);
	counter_add(&c->written, 1);
	counter_add(&c->written_bytes, f->len);
}

static void
pcap_flush(struct nic *nic, uint32_t queue)
{
	struct backend_pcap *p = nic->backend;

	pthread_mutex_lock(&p->lock);
	if (p->out != NULL)
		pcap_dump_flush(p->out);
	pthread_mutex_unlock(&p->lock);
}

/* The next frame of the replay file, or false at its end. */
static bool
pcap_next_held(struct backend_pcap *p)
{
	struct pcap_pkthdr *h;

	if (p->held != NULL)
		return true;
	if (p->in == NULL || pcap_next_ex(p->in, &h, &p->held) != 1) {
		p->held = NULL;
		return false;
	}
	p->held_hdr = *h;
	return true;
}

static enum backend_pull
pcap_pull(struct nic *nic, uint32_t k, uint32_t queue)
{
	struct backend_pcap *p = nic->backend;
	struct backend_counters *c = &nic->queue[queue].counters;
	const struct pkt_meta meta = { 0 };
	enum backend_pull end = BACKEND_MORE;
	uint32_t n;

	if (k != 0)
		return BACKEND_DRY;
	for (n = 0; n < BACKEND_BURST_FRAMES && end == BACKEND_MORE; n++) {
		if (!pcap_next_held(p)) {
			end = BACKEND_DRY;
			break;
		}
		struct vec v = { (void *)(uintptr_t)p->held,
			p->held_hdr.caplen };
		int rc = nic_to_guest_copy(nic, queue, &v, 1, &meta);

		/* E_GONE: not up yet; nic_state() comes. */
		if (rc == E_AGAIN || rc == E_GONE) {
			end = rc == E_AGAIN ? BACKEND_BLOCKED : BACKEND_DRY;
			break;
		}
		if (rc == 0)
			pcap_out(p, &v, 1, v.len, &meta);
		counter_add(&c->read, 1);
		counter_add(&c->read_bytes, v.len);
		p->held = NULL;
	}
	if (n > 0) {
		vsp_to_guest_flush(nic->vsp, queue);
		pcap_flush(nic, queue);
		counter_add(&c->bursts, 1);
	}
	return end;
}

static void
pcap_backend_close(struct nic *nic)
{
	struct backend_pcap *p = nic->backend;

	if (p->out != NULL)
		pcap_dump_close(p->out);
	if (p->dead != NULL)
		pcap_close(p->dead);
	if (p->in != NULL)
		pcap_close(p->in);
	pthread_mutex_destroy(&p->lock);
	free(p);
	nic->backend = NULL;
}

static int
pcap_backend_open(struct nic *nic, char *err, size_t cap)
{
	struct backend_pcap *p = calloc(1, sizeof(*p));
	char why[PCAP_ERRBUF_SIZE] = "";

	if (p == NULL) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	nic->backend = p;
	pthread_mutex_init(&p->lock, NULL);
	if (nic->spec.file[0] != '\0') {
		p->dead = pcap_open_dead(DLT_EN10MB, PCAP_SNAP + TAG_LEN);
		if (p->dead != NULL)
			p->out = pcap_dump_open(p->dead, nic->spec.file);
		if (p->out == NULL) {
			snprintf(err, cap, "file=%s: %s", nic->spec.file,
			    p->dead != NULL ? pcap_geterr(p->dead) :
			    "out of memory");
			goto fail;
		}
	}
	if (nic->spec.replay[0] == '\0')
		return 0;
	p->in = pcap_open_offline(nic->spec.replay, why);
	if (p->in == NULL || pcap_datalink(p->in) != DLT_EN10MB) {
		snprintf(err, cap, "replay=%s: %s", nic->spec.replay,
		    p->in == NULL ? why : "does not hold Ethernet frames");
		goto fail;
	}
	return 0;

fail:
	pcap_backend_close(nic);
	return -EINVAL;
}

const struct backend_ops backend_pcap_ops = {
	.open = pcap_backend_open,
	.close = pcap_backend_close,
	.pull = pcap_pull,
	.from_guest = pcap_from_guest,
	.from_guest_flush = pcap_flush,
};
