/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet capture backend: what the guest sends, and what it is given, goes to
 * a file; what another file holds is given to the guest, once, as fast as it
 * takes it.
 *
 * The backend takes no offloads, so the NetVSP cuts and completes everything:
 * the file holds frames as they would be on a wire.  One lock serves all
 * queues; this is a backend to look with, not to measure with.
 *
 * Traffic does not wait for a file: frames that the file could not take are
 * counted (outfile.h).  Only whole frames of a replay file go to the guest: a
 * frame that was captured in part (snap length) is counted, and the end of the
 * file is logged, proper or not.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "linux/host/backend.h"
#include "linux/run/outfile.h"
#include "linux/run/text.h"
#include "pkt/pkt_load.h"
#include "pkt/pkt_parse.h"

#define PCAP_SNAP	65535
#define ETH_ADDRS_LEN	12u
#define TAG_LEN		4u

/* pcap-savefile(5): both in the byte order of the machine. */
struct pcap_file_head {
	uint32_t magic;		/* 0xa1b2c3d4: microseconds */
	uint16_t major, minor;
	uint32_t zone, accuracy;
	uint32_t snap, link_type;
};
struct pcap_record_head { uint32_t sec, usec, caplen, len; };

struct backend_pcap {
	struct outfile *out;	/* lock; NULL: no file */
	pthread_mutex_t lock;
	uint8_t buf[PCAP_SNAP + TAG_LEN];	/* lock */
	pcap_t *in;		/* worker of source 0; NULL: none, ended */
	const u_char *held;	/* same worker: read, not yet given */
	struct pcap_pkthdr held_hdr;
	uint64_t in_frames, in_snapped;	/* same worker */
};

/* A frame and its tag, which are p->buf then; its length there. */
static uint32_t
pcap_gather(struct backend_pcap *p, const struct vec *v, uint32_t n,
    uint32_t len, const struct pkt_meta *m)
{
	uint8_t *tag = p->buf + ETH_ADDRS_LEN;

	if ((m->flags & PKT_VLAN) == 0 || len < ETH_ADDRS_LEN)
		return pkt_vec_gather(v, n, 0, p->buf, len);
	pkt_vec_gather(v, n, 0, p->buf, ETH_ADDRS_LEN);
	pkt_be16_store(tag, PKT_TYPE_VLAN);
	pkt_be16_store(tag + 2, m->vlan_tci);
	pkt_vec_gather(v, n, ETH_ADDRS_LEN, tag + TAG_LEN,
	    len - ETH_ADDRS_LEN);
	return len + TAG_LEN;
}

/* A frame into the file, or the end of a burst (v NULL). */
static void
pcap_out(struct backend_port *port, uint32_t queue, const struct vec *v,
    uint32_t n, uint32_t len, const struct pkt_meta *m)
{
	struct backend_pcap *p = port->backend;
	struct pcap_record_head h;
	struct timeval now;
	uint64_t lost;

	if (p->out == NULL)
		return;
	gettimeofday(&now, NULL);
	pthread_mutex_lock(&p->lock);
	lost = outfile_lost(p->out);
	if (v == NULL) {
		outfile_flush(p->out);
	} else if (outfile_record(p->out) != NULL) {
		h = (struct pcap_record_head){ (uint32_t)now.tv_sec,
			(uint32_t)now.tv_usec, 0, len };
		h.caplen = pcap_gather(p, v, n, min_u32(len, PCAP_SNAP), m);
		h.len += h.caplen - min_u32(len, PCAP_SNAP);
		outfile_put(p->out, &h, sizeof(h));
		outfile_put(p->out, p->buf, h.caplen);
	}
	lost = outfile_lost(p->out) - lost;
	pthread_mutex_unlock(&p->lock);
	if (lost != 0)
		counter_add(&port->queue[queue].counters.file_lost, lost);
}

static void
pcap_from_guest(struct backend_port *port, uint32_t queue,
    const struct vsp_frame *f)
{
	struct backend_counters *c = &port->queue[queue].counters;

	pcap_out(port, queue, f->vec, f->nvec, f->len, &f->meta);
	backend_count_written(c, f->len);
}

static void
pcap_flush(struct backend_port *port, uint32_t queue)
{
	pcap_out(port, queue, NULL, 0, 0, NULL);
}

/* The replay file has ended: log that, and why. */
static void
pcap_in_end(struct backend_port *port, uint32_t queue, const char *why)
{
	struct backend_pcap *p = port->backend;
	char shown[NIC_PATH_LEN], snapped[80] = "";

	if (p->in_snapped > 0)
		snprintf(snapped, sizeof(snapped), " and %llu that are not "
		    "whole, dropped", (unsigned long long)p->in_snapped);
	fprintf(stderr, "hvnet host: %s: replay=%s %s %llu frames%s%s%s\n",
	    port->spec->name,
	    text_show(shown, sizeof(shown), port->spec->replay),
	    why == NULL ? "ended after" : "is broken after",
	    (unsigned long long)p->in_frames, snapped,
	    why == NULL ? "" : ": ", why == NULL ? "" : why);
	if (why != NULL)
		counter_add(&port->queue[queue].counters.replay_broken, 1);
	pcap_close(p->in);
	p->in = NULL;
}

/* The next frame of the replay file, or false at its end. */
static bool
pcap_next_held(struct backend_port *port, uint32_t queue)
{
	struct backend_pcap *p = port->backend;
	struct pcap_pkthdr *h;
	int rc;

	while (p->held == NULL && p->in != NULL) {
		rc = pcap_next_ex(p->in, &h, &p->held);
		if (rc != 1) {
			p->held = NULL;
			pcap_in_end(port, queue, rc == PCAP_ERROR_BREAK ? NULL :
			    pcap_geterr(p->in));
		} else if (h->caplen < h->len) {
			p->held = NULL;
			p->in_snapped++;
			counter_add(&port->queue[queue].counters.replay_snapped,
			    1);
		} else {
			p->held_hdr = *h;
			p->in_frames++;
		}
	}
	return p->held != NULL;
}

static enum backend_pull
pcap_pull(struct backend_port *port, uint32_t k, uint32_t queue)
{
	struct backend_pcap *p = port->backend;
	struct backend_counters *c = &port->queue[queue].counters;
	const struct pkt_meta meta = { 0 };
	enum backend_pull end = BACKEND_MORE;
	uint32_t n;

	if (k != 0)
		return BACKEND_DRY;
	for (n = 0; n < BACKEND_BURST_FRAMES && end == BACKEND_MORE; n++) {
		if (!pcap_next_held(port, queue)) {
			end = BACKEND_DRY;
			break;
		}
		struct vec v = { (void *)(uintptr_t)p->held,
			p->held_hdr.caplen };
		int rc = port->to_guest->copy(port, queue, &v, 1, &meta);

		/* E_GONE: not up yet; nic_state() comes. */
		if (rc == E_AGAIN || rc == E_GONE) {
			end = rc == E_AGAIN ? BACKEND_BLOCKED : BACKEND_DRY;
			break;
		}
		if (rc == 0)
			pcap_out(port, queue, &v, 1, v.len, &meta);
		backend_count_read(c, v.len);
		p->held = NULL;
	}
	if (n > 0) {
		port->to_guest->flush(port, queue);
		pcap_flush(port, queue);
		counter_add(&c->bursts, 1);
	}
	return end;
}

static void
pcap_backend_close(struct backend_port *port)
{
	struct backend_pcap *p = port->backend;

	outfile_close(p->out);
	if (p->in != NULL)
		pcap_close(p->in);
	pthread_mutex_destroy(&p->lock);
	free(p);
	port->backend = NULL;
}

/* 0, or a sentence. */
static int
pcap_in_open(struct backend_pcap *p, const char *path, char *err, size_t cap)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *f = outfile_read(path, why, sizeof(why));

	if (f == NULL) {
		snprintf(err, cap, "replay=%s", why);
		return -EINVAL;
	}
	p->in = pcap_fopen_offline(f, why);
	if (p->in == NULL)
		fclose(f);
	if (p->in != NULL && pcap_datalink(p->in) == DLT_EN10MB)
		return 0;
	snprintf(err, cap, "replay=%s: %s", path, p->in == NULL ? why :
	    "does not hold Ethernet frames");
	return -EINVAL;
}

static void
pcap_out_begin(struct backend_pcap *p)
{
	const struct pcap_file_head h = { 0xa1b2c3d4, 2, 4, 0, 0,
		PCAP_SNAP + TAG_LEN, DLT_EN10MB };

	if (outfile_record(p->out) != NULL)
		outfile_put(p->out, &h, sizeof(h));
}

static void
pcap_reopen(struct backend_port *port)
{
	struct backend_pcap *p = port->backend;

	if (p->out == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	if (outfile_reopen(&p->out, outfile_open)) {
		pcap_out_begin(p);
		outfile_flush(p->out);
	}
	pthread_mutex_unlock(&p->lock);
}

/* The same. */
static int
pcap_out_open(struct backend_pcap *p, const char *path, char *err, size_t cap)
{
	char why[400];

	p->out = outfile_open(path, why, sizeof(why));
	if (p->out == NULL) {
		snprintf(err, cap, "file=%s", why);
		return -EINVAL;
	}
	pcap_out_begin(p);
	return 0;
}

static int
pcap_backend_open(struct backend_port *port, char *err, size_t cap)
{
	struct backend_pcap *p = calloc(1, sizeof(*p));
	int rc = 0;

	if (p == NULL) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	port->backend = p;
	pthread_mutex_init(&p->lock, NULL);
	/* First what is read: as the file to be written it would be emptied. */
	if (port->spec->replay[0] != '\0')
		rc = pcap_in_open(p, port->spec->replay, err, cap);
	if (rc == 0 && port->spec->file[0] != '\0')
		rc = pcap_out_open(p, port->spec->file, err, cap);
	if (rc < 0)
		pcap_backend_close(port);
	return rc;
}

const struct backend_ops backend_pcap_ops = {
	.open = pcap_backend_open,
	.close = pcap_backend_close,
	.pull = pcap_pull,
	.from_guest = pcap_from_guest,
	.from_guest_flush = pcap_flush,
	.reopen = pcap_reopen,
};
