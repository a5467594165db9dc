/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that check themselves: each belongs to a flow, and its bytes follow
 * from the flow and the offset in it, so that a receiver can tell whether they
 * are right, complete and in order, however they were cut.
 */
#ifndef SIM_SIM_FRAME_H
#define SIM_SIM_FRAME_H

#include "base/span.h"
#include "pkt/pkt_meta.h"

#define SIM_FRAME_MAX	65536u

/* Bytes of a flow that may move, at most. */
#define SIM_FLOW_BYTES	65536u

enum sim_flow_kind { FLOW_TCP4, FLOW_TCP6, FLOW_UDP4, FLOW_UDP6, FLOW_RAW };

struct sim_flow {
	/* const after init */
	enum sim_flow_kind kind;
	uint16_t id;
	uint16_t vlan_tci;	/* 0: no tag */
	uint32_t max_payload;	/* of one frame */
	uint32_t mss;		/* TCP: payload of a segment; 0: no GSO */
	bool partial;		/* checksums are left to the other end */
	bool moves;		/* to other queues, so frames may overtake */
	uint8_t src[6], dst[6];
	/* sender */
	uint32_t sent;		/* bytes of the stream */
	uint32_t goal;
	/* receiver */
	uint32_t got;
	uint32_t frames, gso_frames;
	uint32_t queue;		/* where the last came; all, unless it moves */
	uint32_t moved;		/* times that it was another than before */
	uint8_t seen[SIM_FLOW_BYTES / 8];	/* moves: a frame began here */
	const char *bad;	/* what was wrong first */
};

/*
 * The next frame of the flow, in buf (SIM_FRAME_MAX bytes), and its metadata.
 * The same until sim_frame_sent().  Returns its length; 0: goal reached.
 */
uint32_t sim_frame_make(const struct sim_flow *, uint8_t *buf,
    struct pkt_meta *, uint32_t *payload);
void sim_frame_sent(struct sim_flow *, uint32_t payload);

/* Check a frame that came on a queue against the flows; false: no flow's. */
bool sim_frame_check(struct sim_flow *flows, uint32_t n, uint32_t queue,
    const struct vec *, uint32_t nvec, const struct pkt_meta *);
/* All bytes came, and well. */
bool sim_flows_done(const struct sim_flow *, uint32_t n);
const char *sim_flows_bad(const struct sim_flow *, uint32_t n);

#endif
