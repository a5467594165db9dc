/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames towards the guest: what one queue keeps, and how the parts of
 * vsp_to_guest*.c call each other.  The functions that other files call are in
 * vsp.h and vsp_priv.h.
 *
 *	vsp_to_guest.c		reserve, submit, copy: one frame
 *	vsp_to_guest_fast.c	copy, where nothing is to be done to the frame
 *	vsp_to_guest_flush.c	end of a batch or pass: publish, kick, wake
 *	vsp_to_guest_gso.c	RSC fragments, software segments
 *	vsp_to_guest_head.c	filter, VLAN, checksums, per-packet info
 *	vsp_to_guest_send.c	lists, type 7 packets, acks, hand-over, control
 *
 * Each calls only those below it.
 */
#ifndef CORE_VSP_VSP_TO_GUEST_H
#define CORE_VSP_VSP_TO_GUEST_H

#include "pkt/pkt_seg.h"
#include "vsp/vsp.h"
#include "vsp/vsp_handover.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_pkt.h"
#include "wire/vmpkt.h"

/* Policy: ranges in one type 7 packet, and so fragments of one RSC frame.
 * Guests take 375 (DPDK, Linux), 562 with RSC. */
#define VSP_PACKET_RANGES	128u
/* Pieces of a frame being cut: those of a struct vsp_room, and its headers. */
#define VSP_CUT_PIECES		81u

struct vsp_queue;

/* A frame on its way into sections. */
struct vsp_to_guest_frame {
	struct pkt_meta meta;	/* offsets as in the frame that is delivered */
	struct rndis_ppi_set ppi; /* without frag_* */
	uint32_t len;		/* as delivered, a PPI tag not counted */
	uint32_t hdr_len;	/* as delivered; 0 where it is not GSO */
	uint32_t raw_len, raw_hdr;	/* as the backend gave it */
	uint32_t piece;		/* payload of a fragment or segment of it */
	uint32_t target;	/* queue */
	bool edited;		/* the first 16 bytes are not the raw ones */
	uint32_t head_len;
	uint8_t *head;		/* private: first head_len bytes delivered */
	uint8_t buf[PKT_HEAD_MAX + 8];
};

/* A GSO frame that is cut by copying; it may have to wait for sections. */
struct vsp_to_guest_cut {
	bool held;		/* the rest waits in the bounce buffer */
	bool rsc;
	uint32_t left;		/* segments or fragments to come */
	uint32_t n;
	struct vec v[VSP_CUT_PIECES];	/* v[0]: headers, f.head */
	struct pkt_seg seg;
	struct vsp_to_guest_frame f;
};

struct vsp_to_guest {
	/* const while open */
	uint8_t *bounce;	/* VSP_FRAME_MAX */

	/* owner: queue */
	/* finished frames that wait for their packet, linked by .link */
	uint32_t first, last;
	uint32_t ranges;
	bool ring_full;		/* a send failed; the ring will tell */
	bool uncommitted;	/* packets sent, not committed */
	bool wake;		/* the backend was told E_AGAIN */
	uint32_t wake_free;	/* sections that it waits for */
	uint64_t kick;		/* queues that were handed frames */
	uint16_t frag_id;
	/* the guess from which rooms are laid out */
	uint32_t guess_seg, guess_hdr;
	bool guess_v6;
	bool room_rsc;		/* the room reserved last is for fragments */
	struct vsp_to_guest_cut cut;
	uint8_t nvs[NVS_MSG_BYTES_6_1];	/* 107, data */
	uint8_t ext[VMPKT_XFER_EXT_BYTES(VSP_PACKET_RANGES)];

	/* shared: frames from other queues' workers */
	struct vsp_handover in CACHE_ALIGNED;
};

/* --- vsp_to_guest_head.c ----------------------------------------------- */

/*
 * Look at a frame of len bytes: may it pass, to which queue, which tag, which
 * per-packet info, GSO or not.  Fills *f; f->ppi lacks the checksums.  stable:
 * v[0] is private memory with all headers; a head that is neither edited nor
 * cut is then used where it is.  0, or E_STATE when it was dropped (counted).
 * Context: worker of q.
 */
int vsp_to_guest_prepare(struct vsp_queue *q, const struct vec *v, uint32_t n,
    uint32_t len, const struct pkt_meta *m, bool stable,
    struct vsp_to_guest_frame *f);
/*
 * Complete the checksums that the guest must not get partial, over the frame
 * as delivered, and set the checksum PPI.  Context: worker of q.
 */
void vsp_to_guest_csum(struct vsp_queue *q, struct vsp_to_guest_frame *f,
    const struct vec *v, uint32_t n);
/* The same for TCP segments that pkt_seg.h makes: how to, and the PPI. */
enum pkt_seg_csum vsp_to_guest_csum_seg(struct vsp_queue *q,
    struct vsp_to_guest_frame *f);
/* True if the guest takes RSC fragments of that IP version. */
bool vsp_to_guest_rsc(const struct vsp *vsp, bool v6);
/*
 * Payload of one fragment or segment of a GSO frame with headers of hdr bytes
 * and segments of seg bytes: one segment, or for an RSC guest that is told the
 * segment size as many whole ones as a section takes.
 */
uint32_t vsp_to_guest_piece(const struct vsp *vsp, uint32_t hdr, uint32_t seg,
    bool rsc);
/* The number of frames. */
static inline uint32_t
vsp_to_guest_pieces(const struct vsp_to_guest_frame *f)
{
	return (f->len - f->hdr_len + f->piece - 1) / f->piece;
}

/* --- vsp_to_guest_fast.c ---------------------------------------------- */

/*
 * Copy a frame of len bytes and send it on, if it is one that nothing is to be
 * done to: counted, and true.  Else false, and nothing has changed.  v[0] is
 * private memory.  Context: worker of q.
 */
bool vsp_to_guest_fast(struct vsp_queue *q, const struct vec *v, uint32_t n,
    uint32_t len, const struct pkt_meta *m);

/* --- vsp_to_guest_gso.c ------------------------------------------------ */

/*
 * The frame lies in the top sections of q's stack exactly as it must: finish
 * them.  0, or E_STATE (dropped).
 */
int vsp_to_guest_cut_inplace(struct vsp_queue *q, struct vsp_to_guest_frame *f);
/*
 * Begin to cut t->cut, whose f and v are set, by copying.  0, or E_STATE
 * (dropped); the rest may be held: then v must stay, see
 * vsp_to_guest_cut_run().
 */
int vsp_to_guest_cut_start(struct vsp_queue *q);
/* Go on as far as sections go.  Clears ->held when done. */
void vsp_to_guest_cut_run(struct vsp_queue *q);

/* --- vsp_to_guest_send.c ----------------------------------------------- */

/*
 * A finished frame, sections linked by .next from first, goes to the ring of
 * queue `target`, here or by hand-over.  Consumes the sections.
 */
void vsp_to_guest_emit(struct vsp_queue *q, uint32_t target, uint32_t first,
    uint32_t count);
/* Send what is finished, as far as the ring has room; not committed. */
void vsp_to_guest_send(struct vsp_queue *q);
/*
 * True if `want` sections are free now and not too many with other queues;
 * else the owner is kicked when one comes home.
 */
bool vsp_to_guest_sections_back(struct vsp_queue *q, uint32_t want);
/* Take the frames that other workers have left for q into its list. */
void vsp_to_guest_handed_over(struct vsp_queue *q);
/* Forget every list and held frame; sections are marked free.  Control. */
void vsp_to_guest_reset(struct vsp_queue *q);

/* --- vsp_to_guest_flush.c ---------------------------------------------- */

/* Send what is finished and commit; kicks nobody. */
void vsp_to_guest_publish(struct vsp_queue *q);

#endif
