/*
 * Frames towards the guest: what one queue keeps, and how the parts of
 * vsp_to_guest*.c call each other.  The functions that other files call are in
 * vsp.h and vsp_priv.h.
 *
 *	vsp_to_guest.c		reserve, submit, copy: one frame
 *	vsp_to_guest_head.c	filter, VLAN, checksums, per-packet info
 *	vsp_to_guest_gso.c	RSC fragments, software segments
 *	vsp_to_guest_send.c	lists, type 7 packets, acks, hand-over, control
 */
#ifndef CORE_VSP_VSP_TO_GUEST_H
#define CORE_VSP_VSP_TO_GUEST_H

#include "pkt/pkt_seg.h"
#include "vsp/vsp.h"
#include "vsp/vsp_handover.h"
#include "wire/rndis_pkt.h"

/* Policy: longest frame taken from a backend: 64 KiB of IP, L2 headers. */
#define VSP_FRAME_MAX		65600u
/* Policy: ranges in one type 7 packet, and so fragments of one RSC frame.
 * Guests take 375 (DPDK, Linux), 562 with RSC. */
#define VSP_PACKET_RANGES	128u
/* Pieces of a frame being cut: those of a struct vsp_room, and its headers. */
#define VSP_CUT_PIECES		81u

struct vsp_queue;

/* A frame on its way into sections. */
struct vsp_tg_frame {
	struct pkt_meta meta;	/* offsets as in the frame that is delivered */
	struct rndis_ppi_set ppi; /* without frag_* */
	uint32_t len;		/* as delivered, a PPI tag not counted */
	uint32_t hdr_len;	/* as delivered; 0 where it is not GSO */
	uint32_t raw_len, raw_hdr;	/* as the backend gave it */
	uint32_t target;	/* queue */
	uint32_t head_len;
	uint8_t *head;		/* into buf: first head_len bytes delivered */
	uint8_t buf[PKT_HEAD_MAX + 8];
};

/* A GSO frame that is cut by copying; it may have to wait for sections. */
struct vsp_tg_cut {
	bool held;		/* the rest waits in the bounce buffer */
	bool rsc;
	uint32_t n;
	struct vec v[VSP_CUT_PIECES];	/* v[0]: headers, f.head */
	struct pkt_seg seg;
	struct vsp_tg_frame f;
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
	uint64_t kick;		/* queues that were handed frames */
	uint16_t frag_id;
	/* the guess from which rooms are laid out */
	uint32_t guess_seg, guess_hdr;
	bool guess_rsc;
	struct vsp_tg_cut cut;
	struct vmpkt_xfer_range range[VSP_PACKET_RANGES];
	uint8_t ext[VMPKT_XFER_EXT_BYTES(VSP_PACKET_RANGES)];

	/* shared: frames from other queues' workers */
	struct vsp_handover in CACHE_ALIGNED;
};

#endif
