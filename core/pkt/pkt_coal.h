/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software coalescing: consecutive TCP segments of one flow become one GSO
 * frame over the original buffers.  pkt_seg.h gives the same frames back.
 */
#ifndef CORE_PKT_PKT_COAL_H
#define CORE_PKT_PKT_COAL_H

#include "base/counter.h"
#include "pkt/pkt_load.h"
#include "pkt/pkt_meta.h"
#include "pkt/pkt_parse.h"

#define PKT_COAL_FLOWS		8u
#define PKT_COAL_PIECES		64u	/* header copy included */
/* Policy: longest header we copy: Ethernet, 2 tags, IPv6, TCP with options. */
#define PKT_COAL_HDR_MAX	128u

/* A frame as it leaves: one that came in, or several merged. */
struct pkt_super {
	struct pkt_meta meta;	/* merged: GSO_TCPx, PARTIAL, gso_size, segs */
	const struct vec *v;
	uint32_t n;
	uint32_t frame_len;
	const uint64_t *cookie;	/* of each frame in it, in order of arrival */
	uint32_t frames;
};

/*
 * Called for each frame or super-frame that leaves.  s, its list and the
 * header in v[0] live until the callback returns; with that the buffers of
 * all its frames (by cookie) are the callee's to release.  The callee must not
 * call pkt_coal_*() on the same table.
 */
typedef void pkt_coal_emit_fn(void *arg, const struct pkt_super *s);

#define PKT_COAL_COUNTERS(X)						\
	X(held,		"frames held for merging")			\
	X(merged,	"frames merged into an earlier one")		\
	X(passed,	"frames not fit for merging")			\
	X(supers,	"merged frames handed on")			\
	X(singles,	"held frames handed on unmerged")
COUNTER_STRUCT(pkt_coal_counters, PKT_COAL_COUNTERS);

/* One flow; private to pkt_coal.c. */
struct pkt_coal_flow {
	bool used;
	bool closed;		/* takes no more: short last segment, or PSH */
	uint8_t last_flags;	/* TCP flags of the last frame */
	uint32_t key;		/* quick reject: mix of addresses and ports */
	uint32_t age;		/* serial number of the first frame */
	uint32_t hdr_len;
	uint32_t l3_off, l4_off;
	uint32_t next_seq;
	uint32_t mss;
	uint32_t frame_len;
	uint32_t frames;
	uint32_t pieces;	/* in v, slot 0 (the header) included */
	uint16_t last_id;	/* IPv4 id of the newest frame */
	uint16_t id_step;	/* 0 or 1, from the second frame on */
	uint8_t ip_version;
	struct pkt_meta meta;	/* of the first frame */
	struct vec first;	/* first piece of the first frame */
	uint64_t cookie[PKT_COAL_PIECES];
	struct vec v[PKT_COAL_PIECES];
	uint8_t hdr[PKT_COAL_HDR_MAX];
};

/* One table, for one queue.  Fields are private except count. */
struct pkt_coal {
	/* const after init */
	uint32_t limit_bytes;
	pkt_coal_emit_fn *emit;
	void *arg;
	/* owner: queue */
	uint32_t serial;
	uint32_t used;
	struct pkt_coal_counters count;
	struct pkt_coal_flow flow[PKT_COAL_FLOWS];
};

enum pkt_coal_verdict {
	PKT_COAL_PASS = 0,	/* not taken: deliver it yourself, now */
	PKT_COAL_HELD = 1,	/* borrowed until its emit callback, which
				   does not come from the same call */
};

/*
 * Ready an empty table.  limit_bytes bounds a merged frame, headers included
 * (62780 for RSC to a guest, 65535 for a TAP; more than 65535 is cut to that).
 * Context: attach; never fails, allocates nothing.
 */
void pkt_coal_init(struct pkt_coal *c, uint32_t limit_bytes,
    pkt_coal_emit_fn *emit, void *arg);

/*
 * Offer a frame.  v[0] must hold the headers for the frame to be merged; the
 * list itself is copied, its memory stays the caller's and must not change.
 * info is pkt_parse()'s of it.  Frames that must precede this one (same flow)
 * are emitted before the call returns, so the order within a flow holds if the
 * caller delivers a PASSed frame at once.  Merges TCP over IPv4 without
 * options and IPv6 without extension headers: known good or partial checksum
 * (PKT_CSUM_GOOD_L4, PKT_CSUM_PARTIAL), same Ethernet header, VLAN, TOS, TTL,
 * DF, ack, window and TCP options, sequence number consecutive, IPv4 id too (or
 * unchanging under DF), no flags but ACK and PSH.  Context: queue owner.
 * Returns enum pkt_coal_verdict.
 */
enum pkt_coal_verdict pkt_coal_add(struct pkt_coal *c, const struct vec *v,
    uint32_t n, const struct pkt_info *info, const struct pkt_meta *m,
    uint64_t cookie);

/*
 * A frame goes out by another way (it is GSO already, or cannot be held): emit
 * what must precede it, so that it overtakes nothing of its flow.  head is as
 * much of it as pkt_parse() wants.  Context: queue owner.
 */
void pkt_coal_pass(struct pkt_coal *c, struct span head, uint32_t frame_len);

/*
 * Emit everything held, oldest flow first: at the end of a batch.  Context:
 * queue owner.  Returns the frames and super-frames emitted.
 */
uint32_t pkt_coal_flush(struct pkt_coal *c);

/*
 * Forget everything held without emitting it: teardown.  drop is called as
 * emit would be, once a held frame or super-frame, so that buffers go home.
 */
void pkt_coal_drop(struct pkt_coal *c, pkt_coal_emit_fn *drop, void *arg);

#endif
