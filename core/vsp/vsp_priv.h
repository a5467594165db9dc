/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of core/vsp share.  Contexts as in vsp.h: "control" runs with
 * every worker of the NIC parked, "worker" is the owner of one queue.
 *
 * Everything in struct vsp that control writes may be read by workers without
 * a lock; a worker writes its own struct vsp_queue and the counters of its
 * queue, nothing else.
 */
#ifndef CORE_VSP_VSP_PRIV_H
#define CORE_VSP_VSP_PRIV_H

#include "bus/vms.h"
#include "pkt/pkt_parse.h"
#include "vsp/vsp.h"
#include "vsp/vsp_rxbuf.h"
#include "vsp/vsp_steer.h"
#include "vsp/vsp_to_guest.h"
#include "wire/nvs_wire.h"

/* Policy: longest packet taken from a ring: 480 PFNs and an NVSP message. */
#define VSP_PACKET_BYTES	4096u
/* Pieces of such a packet and its section, before they are merged. */
#define VSP_PIECES		((VSP_PACKET_BYTES / 8u) + 2u)
/* Policy: longest RNDIS packet header with its per-packet info. */
#define VSP_RNDIS_HEAD_BYTES	512u
/* Policy: longest RNDIS control message taken, and answered. */
#define VSP_CONTROL_BYTES	4096u
#define VSP_REPLY_BYTES		512u
/* Policy: RNDIS replies that may wait for a receive section. */
#define VSP_REPLIES		16u
#define VSP_MCAST_MAX		32u	/* Policy */

/* --- from guest: one queue ------------------------------------------- */

struct vsp_completion {
	uint64_t xact;
	uint32_t status;
};

struct vsp_from_guest {
	/* received, not yet handled: control will take it or has left it */
	bool held;
	struct vmpkt_in pkt;
	/* ring of completions that wait */
	struct vsp_completion done[VSP_COMPLETIONS];
	uint32_t done_head, done_count;
	uint32_t done_batch;	/* so many are published at once */
	bool waits;		/* for ring room, since the last E_AGAIN */
	bool masked;		/* the guest was told not to signal */
	uint32_t taken;		/* packets, since the poll began */
	/* in this pass: frames, segments cut, 4 KiB of memory: one each */
	uint32_t spent;
	bool acked;		/* this pass took a completion of the guest */
	bool unflushed;		/* the backend has frames of this pass */
	/* frame being handled */
	struct vec msg[VSP_PIECES];	/* guest memory of the NVSP message */
	struct vmpkt_gpa_ends ends;	/* of section and ranges in it */
	struct vec out[VSP_PIECES + 1];	/* as handed to the backend */
	struct vec seg[VSP_PIECES + 1];	/* and a segment of it */
	uint8_t rndis[VSP_RNDIS_HEAD_BYTES];	/* start of its message */
	uint32_t rndis_bytes;
	uint8_t head[PKT_HEAD_MAX];
	uint8_t seg_head[PKT_HEAD_MAX];
	uint8_t buf[VSP_PACKET_BYTES] __attribute__((aligned(8)));
};

/* Data packets that wait for the backend: vsp_aside.c. */
struct vsp_aside {
	uint8_t *buf;		/* NULL: the backend always has room */
	uint32_t first, end;	/* equal: empty */
};
#define VSP_ASIDE_BYTES		(256u << 10)	/* Policy */

struct vsp_queue {
	/* const while open */
	struct vsp *vsp;
	struct chan *chan;
	uint32_t index;			/* == chan->subindex */
	/* owner: queue */
	bool dead;			/* fault: not served any more */
	uint32_t random;		/* state of the loss impairment */
	struct vsp_from_guest from;
	struct vsp_aside aside;
	struct vsp_to_guest to CACHE_ALIGNED;
};

/* --- the NIC ----------------------------------------------------------- */

enum vsp_nvs_state {
	VSP_NVS_CLOSED,		/* no primary channel: nothing allowed */
	VSP_NVS_INIT,		/* only INIT */
	VSP_NVS_UP,		/* version agreed: everything else */
};

/* Checksum kinds in vsp_guest_state.offloads_*, in the order of the object. */
#define VSP_CS_IP4	0x01u
#define VSP_CS_TCP4	0x02u
#define VSP_CS_UDP4	0x04u
#define VSP_CS_TCP6	0x08u
#define VSP_CS_UDP6	0x10u

/* What the guest requested; written by control. */
struct vsp_guest {
	enum vsp_nvs_state state;
	uint32_t nvsp_version;
	uint32_t ndis_major, ndis_minor;
	uint32_t mtu;			/* 0: it named none; see vsp.mtu */
	bool vlan_cap, rsc_cap;		/* NDIS_CONFIG */
	bool rndis_up;			/* RNDIS INIT done, no HALT since */
	uint32_t filter;
	uint8_t mac[6];			/* permanent, or NetworkAddress */
	uint8_t mcast[VSP_MCAST_MAX][6];
	uint32_t mcasts;
	uint32_t csum_tx, csum_rx;	/* VSP_CS_* */
	bool lso4, lso6, rsc4, rsc6;
	uint32_t subchannels;		/* offered since the primary opened */
	bool send_table_due;		/* 134 goes when these are open */
};

/* Send-buffer of the guest. */
struct vsp_send_buf {
	struct vms_gpadl *gpadl;	/* NULL: none */
	uint8_t *base;
	uint32_t sections;
	uint32_t section_bytes;
};

/* What the control messages of ours wait for. */
enum vsp_block {
	VSP_BLOCK_NONE, VSP_BLOCK_RING, VSP_BLOCK_SECTION,
	VSP_BLOCK_MEMORY	/* a held packet's, till vsp_memory_changed() */
};

/* Ring room for any packet of control: 134 with its table is the longest. */
#define VSP_CONTROL_RING_BYTES	(16u + NVS_MSG_BYTES_MAX + 8u)

/* A packet of ours that found no ring room: at most one, then control waits. */
struct vsp_nvs_answer {
	bool waits;
	uint16_t type;
	uint64_t xact;
	uint32_t bytes;
	uint8_t msg[NVS_MSG_BYTES_MAX];
};

struct vsp_reply {
	uint32_t bytes;
	uint8_t msg[VSP_REPLY_BYTES];
};

struct vsp_counts {
	struct vsp_from_guest_counters from CACHE_ALIGNED;
	struct vsp_to_guest_counters to CACHE_ALIGNED;
};

struct vsp {
	struct vms_dev dev;
	/* const after create */
	struct vsp_ops ops;
	void *ctx;
	const uint32_t *stop;		/* ops.stop, or never_stop */
	uint32_t never_stop;		/* 0 */
	/* control; workers read */
	struct vsp_config cfg;
	struct vsp_guest guest;
	uint32_t mtu;	/* that counts, both ways: the smaller of both ends' */
	struct vsp_send_buf send;
	struct vms_gpadl *rx_gpadl;	/* NULL: no receive buffer */
	struct vsp_rxbuf rxbuf;
	struct vsp_steer_cfg steer;
	uint32_t queues;		/* open channels */
	struct vsp_queue *queue[VSP_MAX_QUEUES];	/* NULL: not open */
	/* control */
	enum vsp_block block;		/* only control writes it */
	struct vsp_nvs_answer answer;
	struct vsp_reply reply[VSP_REPLIES];
	uint32_t reply_head, reply_count;
	uint8_t control_msg[VSP_CONTROL_BYTES] __attribute__((aligned(8)));
	struct fault_log faults_closed;	/* of channels that are gone */
	struct fault_log faults_sum;	/* and of open ones: vsp_faults() */
	/* one owner a row: the worker of that queue */
	struct vsp_counts counts[VSP_MAX_QUEUES];
};

/* --- vsp_queue.c ------------------------------------------------------- */

/* Take what cfg says about the queue.  Control. */
static inline void
vsp_queue_config(struct vsp_queue *q)
{
	uint32_t batch = q->vsp->cfg.completion_batch;

	q->from.done_batch = batch != 0 ? batch : VSP_COMPLETIONS;
}

/*
 * Stop serving a queue because of what the guest did: notes the fault on its
 * channel.  The channel stays as it is until the guest closes it.  Returns
 * E_PEER.  Context: its worker, or control.
 */
int vsp_queue_fail(struct vsp_queue *q, enum fault why, uint64_t value);
/*
 * Request an event when `bytes` of room are in the ring, for completions or
 * packets (the larger request may win; both are tried again).  True if there is
 * room already.  Context: worker, or control.
 */
bool vsp_queue_want_space(struct vsp_queue *q, uint32_t bytes);
/* cfg.mtu or guest.mtu is another.  Control. */
static inline void
vsp_mtu_set(struct vsp *vsp)
{
	uint32_t mtu = vsp->guest.mtu;

	vsp->mtu = mtu != 0 && mtu < vsp->cfg.mtu ? mtu : vsp->cfg.mtu;
}
/* True once data may flow: both buffers and RNDIS are set up. */
static inline bool
vsp_data_up(const struct vsp *vsp)
{
	return vsp->guest.rndis_up && vsp->rx_gpadl != NULL;
}

/* The queue of that number, or NULL.  Context: its worker, or control. */
static inline struct vsp_queue *
vsp_queue_at(const struct vsp *vsp, uint32_t queue)
{
	return queue < VSP_MAX_QUEUES ? vsp->queue[queue] : NULL;
}

/* --- the header of a frame to the guest -------------------------------- */

#define VSP_HASH_TOEPLITZ	1u	/* NDIS_HASH_FUNCTION_TOEPLITZ */

/* Tell of it, where the guest is told of hashes.  Context: any worker. */
static inline void
vsp_to_guest_ppi_hash(const struct vsp *vsp, uint32_t hash, uint32_t type,
    struct rndis_ppi_set *ppi)
{
	if ((vsp->cfg.offloads & VSP_OFF_HASH) == 0)
		return;
	ppi->present |= RNDIS_HAS_HASH_VALUE | RNDIS_HAS_HASH_INFO;
	ppi->hash_value = hash;
	ppi->hash_info = type | VSP_HASH_TOEPLITZ;
}

/* What a guest with several queues is told of most frames. */
#define VSP_PPI_STEERED \
	(RNDIS_HAS_CSUM | RNDIS_HAS_HASH_VALUE | RNDIS_HAS_HASH_INFO)

/*
 * Write the RNDIS header of section s around the data at [start, start + len)
 * of it, and the length of its range.  Context: owner of the section.
 */
static inline void
vsp_to_guest_section_finish(struct vsp *vsp, uint32_t s, uint32_t start,
    uint32_t len, const struct rndis_ppi_set *ppi)
{
	uint8_t *p = vsp_rxbuf_ptr(&vsp->rxbuf, s);
	uint32_t end = start + len;
	uint32_t bytes = align_up(end, 1u << RNDIS_ALIGN_SHIFT);

	OS_ASSERT(bytes <= vsp->rxbuf.section_bytes);
	/* What most frames have: straight lines. */
	if (ppi->present == RNDIS_HAS_CSUM)
		rndis_packet_put_set(p, RNDIS_HAS_CSUM, ppi, start, len, bytes);
	else if (ppi->present == VSP_PPI_STEERED)
		rndis_packet_put_set(p, VSP_PPI_STEERED, ppi, start, len,
		    bytes);
	else
		rndis_packet_put(p, ppi, start, len, bytes);
	if (bytes > end)
		memset(p + end, 0, bytes - end);
	vsp->rxbuf.section[s].bytes = bytes;
}

/* --- vsp_nvs.c: control ------------------------------------------------ */

/* Back to the state of a channel just opened; drops both buffers. */
void vsp_nvs_reset(struct vsp *vsp);
/*
 * Handle one control packet of the primary channel: an NVSP message, or one
 * that carries an RNDIS control message.  Returns 0, E_AGAIN (it waits for
 * memory and is to be held), or E_PEER when the queue was failed.  The answer
 * goes into vsp->answer (nvs) or the replies (rndis), of which one must be
 * free.
 */
int vsp_nvs_message(struct vsp *vsp, const struct vmpkt_in *pkt);
/* Try to send vsp->answer (not committed); true if none waits any more. */
bool vsp_nvs_answer_flush(struct vsp *vsp);
/* Drop the receive or send buffer and its GPADL, if there is one. */
void vsp_nvs_recv_buf_drop(struct vsp *vsp);
void vsp_nvs_send_buf_drop(struct vsp *vsp);
/* Send 134 with the table over the open queues if it is due. */
void vsp_nvs_send_table(struct vsp *vsp);

/* --- vsp_oid.c, vsp_oid_objects.c: control ----------------------------- */

void vsp_rndis_reset(struct vsp *vsp);
/* Handle one RNDIS control message, a private copy; its reply is queued. */
int vsp_rndis_message(struct vsp *vsp, struct span msg, enum fault *why);
/* Send the replies that wait, as far as sections and ring room go. */
void vsp_rndis_replies_flush(struct vsp *vsp);
/* Queue INDICATE_STATUS with an optional buffer.  Nothing before INIT. */
void vsp_rndis_indicate(struct vsp *vsp, uint32_t status, struct span buf);

/*
 * OIDs.  Both return an RNDIS status.  A query writes at most cap bytes and
 * sets *len; BUFFER too small is a status.
 */
uint32_t vsp_oid_query(struct vsp *vsp, uint32_t oid, struct span in,
    uint8_t *out, uint32_t cap, uint32_t *len);
uint32_t vsp_oid_set(struct vsp *vsp, uint32_t oid, struct span in);
/* Link speed in 100 bit/s, as its OID and its indication carry it. */
uint32_t vsp_oid_link_speed(const struct vsp *vsp);
/* Objects: vsp_oid_objects.c.  `in` names the revision that the guest knows. */
uint32_t vsp_obj_offload_caps(const struct vsp *vsp, struct span in,
    uint8_t *out, uint32_t cap, uint32_t *len);
uint32_t vsp_obj_offload_current(const struct vsp *vsp, uint8_t *out,
    uint32_t cap, uint32_t *len);
uint32_t vsp_obj_offload_set(struct vsp *vsp, struct span in);
/* After a change of cfg.offloads: switch off what is not offered any more. */
void vsp_obj_offload_limit(struct vsp *vsp);
uint32_t vsp_obj_rss_caps(const struct vsp *vsp, struct span in,
    uint8_t *out, uint32_t cap, uint32_t *len);
uint32_t vsp_obj_rss_set(struct vsp *vsp, struct span in);
uint32_t vsp_obj_config_set(struct vsp *vsp, struct span in);

/* --- vsp_completion.c -------------------------------------------------- */

/*
 * Queue a completion {108, status} for a packet.  E_AGAIN: VSP_COMPLETIONS
 * wait already.  Context: worker, or control.
 */
static inline int
vsp_completion_add(struct vsp_queue *q, uint64_t xact, uint32_t status)
{
	struct vsp_from_guest *f = &q->from;

	if (f->done_count == VSP_COMPLETIONS)
		return E_AGAIN;
	f->done[(f->done_head + f->done_count) % VSP_COMPLETIONS] =
	    (struct vsp_completion){ xact, status };
	f->done_count++;
	return 0;
}

/*
 * Put waiting completions into the ring (not committed).  False: some still
 * wait, and a space event will come.
 */
bool vsp_completions_send(struct vsp_queue *q);

/* --- vsp_from_guest.c -------------------------------------------------- */

/* chan_events of every queue. */
extern const struct chan_events vsp_queue_events;
/*
 * Next packet of the queue into from.pkt, unless one is held.  1, 0, or E_PEER
 * when the queue was failed.  Context: worker, or control.
 */
int vsp_packet_next(struct vsp_queue *q);
/* True if the packet is for control, not the data path. */
bool vsp_packet_is_control(const struct vmpkt_in *pkt);

/* --- vsp_aside.c: worker, open and close control ----------------------- */

/* 0 or E_NOMEM. */
int vsp_aside_open(struct vsp_queue *q);
void vsp_aside_close(struct vsp_queue *q);
/* Keep a copy of the packet; false: no room. */
bool vsp_aside_put(struct vsp_aside *a, const struct vmpkt_in *pkt);
/* The oldest packet, of which there is one; good until put or drop. */
void vsp_aside_oldest(const struct vsp_aside *a, struct vmpkt_in *out);
void vsp_aside_drop(struct vsp_aside *a);

static inline bool
vsp_aside_empty(const struct vsp_aside *a)
{
	return a->first == a->end;
}

/* --- vsp_from_guest_frame.c -------------------------------------------- */

/*
 * The guest memory of a 107 packet: its send-buffer section and then its
 * ranges, in from.msg; where those end, in from.ends, as long as *pkt is there.
 * *total: bytes in all.  Returns the pieces, E_PEER with *why, or E_AGAIN:
 * memory was requested from the guest, keep the packet held; the port gives the
 * queue a turn when there is news.  Context: worker, or control.
 */
int vsp_packet_pieces(struct vsp_queue *q, const struct vmpkt_in *pkt,
    uint32_t *total, enum fault *why);
/*
 * Handle a 107 packet with data: its frames go to the backend.  0 with *status
 * for the completion, E_PEER when the queue was failed, or E_AGAIN as
 * vsp_packet_pieces().  Context: worker.
 */
int vsp_from_guest_packet(struct vsp_queue *q, const struct vmpkt_in *pkt,
    uint32_t *status);

/* --- vsp_from_guest_fast.c -------------------------------------------- */

/*
 * The RNDIS message at p, guest memory of `left` bytes in one piece: if nothing
 * is to be done to its frame but to hand it to the backend, that is done, and
 * the message's length returned.  0: nothing was done.  Context: worker.
 */
uint32_t vsp_from_guest_fast(struct vsp_queue *q, uint8_t *p, uint32_t left);

/* A place in the pieces of a packet: a byte of piece i. */
struct vsp_place {
	uint32_t i, at;
};

/* `by` bytes on; the caller knows that they are there. */
static inline void
vsp_place_move(const struct vec *v, struct vsp_place *p, uint32_t by)
{
	p->at += by;
	while (by != 0 && p->at >= v[p->i].len)
		p->at -= v[p->i++].len;
}

/*
 * The same for a message at a place of from.msg, of at most `left` bytes; its
 * header must be in the next `here`.
 */
uint32_t vsp_from_guest_fast_pieces(struct vsp_queue *q, struct vsp_place at,
    uint32_t here, uint32_t left);

/* --- vsp_port.c: the switch port's policy ------------------------------ */

enum vsp_drop {
	VSP_PASS,
	VSP_DROP_FILTER, VSP_DROP_SOURCE, VSP_DROP_VLAN, VSP_DROP_LONG,
	VSP_DROP_LINK, VSP_DROP_LOSS, VSP_DROP_STATE,
};

/*
 * What a frame from the guest may do.  Changes *m for VLAN: the tag of an
 * access port is added, a priority tag (id 0) taken off.  `info` is of the
 * frame as it lies; in-frame tags count.  Counts the drop.  Context: worker.
 */
enum vsp_drop vsp_port_from_guest(struct vsp_queue *q, struct span head,
    const struct pkt_info *info, struct pkt_meta *m);
/*
 * The same towards the guest: link, filter, VLAN, length, loss.  A tag that
 * the guest must see stays in (or moves to) *m; *untag says that the outer tag
 * in the frame has been put into *m, or belongs to the access port, and the
 * caller takes those 4 bytes out.  frame_len is without a PPI tag.
 */
enum vsp_drop vsp_port_to_guest(struct vsp_queue *q, struct span head,
    const struct pkt_info *info, struct pkt_meta *m, bool *untag);
/* Only the packet filter: does the guest want this destination address? */
bool vsp_port_filter(const struct vsp *vsp, const uint8_t dst[6]);

/* --- vsp_rxbuf.c: control ---------------------------------------------- */

/*
 * Lay sections over the mapped receive buffer, which the guest calls `id`, and
 * share them out over the open queues and control.  They are of section_bytes
 * of the configuration; where that is 0, of rsc_section_bytes if the buffer
 * holds many of them, else of 256 + MTU + 36.  0, E_NOMEM (allocation), or
 * E_STATE (too small, or NVSP 1 and 2 over their limit).  Afterwards
 * rxbuf.section_bytes and rxbuf.sections say what to answer.
 */
int vsp_rxbuf_attach(struct vsp *vsp, uint16_t id, uint8_t *base,
    uint32_t bytes);
/*
 * Forget it; sections that the guest still owns are simply gone.  Call
 * vsp_to_guest_forget() first.
 */
void vsp_rxbuf_detach(struct vsp *vsp);
/* Free sections, a glimpse. */
uint32_t vsp_rxbuf_free(const struct vsp *vsp);

/* --- vsp_to_guest_send.c ----------------------------------------------- */

/* A queue opens (0 or E_NOMEM) and closes.  Control. */
int vsp_to_guest_open(struct vsp_queue *q);
void vsp_to_guest_close(struct vsp_queue *q);
/*
 * A completion packet from the guest: its sections are free.  0, or E_PEER
 * with *why (XACT_ID) for the caller to fail the queue.  Context: worker, and
 * control on the primary queue.
 */
int vsp_to_guest_ack(struct vsp_queue *q, uint64_t xact, struct span data,
    enum fault *why);
/*
 * Send one RNDIS control message (channel 1) on the primary channel by a
 * section reserved for control; commits.  0, E_AGAIN (no section or no room,
 * an event will come: ack or space), E_GONE (no receive buffer).  Control.
 */
int vsp_to_guest_control(struct vsp *vsp, struct span rndis_msg);
/* Forget what every queue has for the guest: its buffer goes.  Control. */
void vsp_to_guest_forget(struct vsp *vsp);

/* --- vsp_to_guest_flush.c ---------------------------------------------- */

/*
 * End of a pass over the ring of q: sections or room may be back, so
 * ->to_guest_wake() if the backend was told E_AGAIN.  Context: worker.
 */
void vsp_to_guest_resume(struct vsp_queue *q);

/* --- vsp_steer.c: control ---------------------------------------------- */

/* RSS off, default key, one-entry table. */
void vsp_steer_reset(struct vsp *vsp);
/*
 * New parameters, already checked (entries < max_queues, n a power of two
 * 1..128).  key NULL or table NULL: keep.  hash_types 0: RSS off.  Calls
 * ->steering().
 */
void vsp_steer_set(struct vsp *vsp, uint32_t hash_types, const uint8_t *key40,
    const uint32_t *table, uint32_t n);
/* A queue opened or closed: entries that have no channel fall to queue 0. */
void vsp_steer_queues_changed(struct vsp *vsp);

#endif
