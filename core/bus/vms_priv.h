/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus server: what its files share.  Inside core/bus/vms*.c and tests only.
 *
 * Context of every function: control, unless it says otherwise.
 */
#ifndef CORE_BUS_VMS_PRIV_H
#define CORE_BUS_VMS_PRIV_H

#include "bus/gpadl_asm.h"
#include "bus/ring_chan.h"
#include "bus/vms.h"

/*
 *	IDLE	 the guest has not been told; offer
 *	OFFERED	 open, GPADLs, revoke
 *	OPEN	 data, modify, GPADLs, close, revoke
 *	LEAVING	 open and rescinded; data, modify, GPADLs, close, relid release
 *	REVOKED	 rescinded; GPADLs and their teardown, relid release
 */
enum vms_chan_state {
	VMS_CHAN_IDLE, VMS_CHAN_OFFERED, VMS_CHAN_OPEN, VMS_CHAN_LEAVING,
	VMS_CHAN_REVOKED
};

struct vms_gpadl_slot;

struct vms_chan {
	struct ring_chan rc;		/* rc.chan is what the device has */

	/* const after the offer */
	struct vms *vms;
	/* NULL once the device has nothing to do with it any more */
	struct vms_dev *dev;
	uint32_t relid;
	uint32_t conn_id;
	bool declared;			/* to the link, by connection_add */
	bool monitored;
	uint8_t monitor_id;

	enum vms_chan_state state;
	struct vms_gpadl_slot *ring;	/* while open */
	/* written by control, read by the owner: os_ld32, os_st32 */
	uint32_t target_vp;
};

/*
 *	FILLING	 bodies are missing; teardown drops it
 *	LIVE	 get, put, teardown
 *	DYING	 torn down while in use; the last put answers
 */
enum vms_gpadl_state { VMS_GPADL_FILLING, VMS_GPADL_LIVE, VMS_GPADL_DYING };

struct vms_gpadl_slot {
	struct vms_gpadl gpadl;
	enum vms_gpadl_state state;
	struct gpadl_asm as;		/* while filling */
	uint64_t *pfns;			/* gpadl.pfns, ours to free */
	uint32_t charge;		/* pages, see VMS_MAX_GPADL_PAGES */
	bool ring;			/* an open channel's ring */
};

struct vms {
	/* const after create */
	struct partition *part;
	struct vms_config cfg;
	const struct vms_ops *ops;
	void *ctx;

	struct vms_dev *devs;
	struct vms_chan *chan[VMS_MAX_CHANNELS];	/* by relid */

	/* the connection; all zero while there is none */
	uint32_t version;
	uint32_t msg_vp;
	bool offers_sent;
	bool shared_conn;		/* VMBUS_CONN_EVENT was declared */
	uint64_t intpage_gpa;
	uint64_t monitor_gpa[2];	/* to guest, to host */
	struct synic_intpage_wire *intpage;	/* before 2.4 */
	struct synic_monitor_wire *monitor;	/* to host */
	uint16_t monitor_relid[SYNIC_MONITOR_IDS];	/* 0: free */

	struct vms_gpadl_slot *gpadl[VMS_MAX_GPADLS];
	uint32_t gpadls;
	uint32_t gpadl_pages;		/* charged */
	/* the bodies of a refused GPADL still come: let them pass in silence */
	uint32_t refused_gpadl;
	uint32_t refused_bytes;
};

/* vms_post.c */
/* Encode, trace and post to a virtual processor; needs no connection. */
void vms_post_vp(struct vms *s, uint32_t vp, const struct vmbus_msg *m);
/* Encode, trace and post to the connection's message VP; none: no effect. */
void vms_post(struct vms *s, const struct vmbus_msg *m);
/* Note a fault of the connection; E_PEER. */
int vms_fault(struct vms *s, enum fault why, uint64_t value);

/* vms_offer.c */
/* Channel of a relid that the guest knows of, or NULL. */
struct vms_chan *vms_chan_find(struct vms *s, uint32_t relid);
/* Does the device have it, with its rings in place? */
static inline bool
vms_chan_is_open(const struct vms_chan *vc)
{
	return vc->state == VMS_CHAN_OPEN || vc->state == VMS_CHAN_LEAVING;
}
/*
 * Take back: RESCIND_OFFER, the relid stays until released.  An open channel
 * stays open; another one has no device after this, or is freed.
 */
void vms_chan_revoke(struct vms *s, struct vms_chan *vc);
/* A channel that was rescinded while it was open has been closed. */
void vms_chan_left(struct vms *s, struct vms_chan *vc);
int vms_request_offers(struct vms *s);
/*
 * The guest has released the relid: frees the channel, and if it was the
 * primary of a rescinded device tells that it is gone.
 */
void vms_chan_released(struct vms *s, struct vms_chan *vc);
/*
 * Back to IDLE or, for what only lived with the connection, freed; rescinded
 * devices are told that they are gone.
 */
void vms_chans_forget(struct vms *s);

/* vms_chan.c */
int vms_open(struct vms *s, const struct vmbus_open *m);
int vms_close(struct vms *s, uint32_t relid);
int vms_modify(struct vms *s, const struct vmbus_modify *m);
/*
 * Close whatever is open of a channel; a primary's sub-channels are closed
 * before it and revoked after it.
 */
void vms_chan_close(struct vms *s, struct vms_chan *vc);
void vms_chans_close(struct vms *s);
/* RELID_RELEASED; closes a channel that is still open. */
int vms_relid_released(struct vms *s, uint32_t relid);

/* vms_gpadl.c */
int vms_gpadl_header(struct vms *s, const struct vmbus_gpadl_header *m);
int vms_gpadl_body(struct vms *s, const struct vmbus_gpadl_body *m);
int vms_gpadl_teardown(struct vms *s, uint32_t relid, uint32_t gpadl);
/* Answer a header that could not even be decoded. */
void vms_gpadl_refuse(struct vms *s, uint32_t relid, uint32_t gpadl);
/* A channel's ring: its live GPADL, counted as used, or NULL. */
struct vms_gpadl_slot *vms_gpadl_ring_get(struct vms *s, uint32_t relid,
    uint32_t gpadl);
void vms_gpadl_ring_put(struct vms *s, struct vms_gpadl_slot *g);
/* Drop all; none is in use, for every channel is closed. */
void vms_gpadls_forget(struct vms *s);
/* Drop those of a released relid; one that is in use goes with the last put. */
void vms_gpadls_forget_relid(struct vms *s, uint32_t relid);

#endif
