/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus server: the host end of VMBus for one partition.
 *
 * Pure state machine over messages; see vms.c for the states.  Everything is
 * called from the guest's control context, and never blocks.  Devices (the
 * NetVSP) offer themselves and get channels; a channel's rings are validated
 * and mapped before the device sees it, and stay so until close() returned.
 */
#ifndef CORE_BUS_VMS_H
#define CORE_BUS_VMS_H

#include "bus/chan.h"
#include "bus/partition.h"
#include "bus/ring_chan.h"
#include "wire/vmbus_msg.h"

#define VMS_MAX_CHANNELS	256u	/* Policy; relids 1..255, 0: legacy */
#define VMS_MAX_GPADLS		512u	/* Policy, a connection */
#define VMS_MAX_GPADL_PAGES	(192u << 8)	/* Policy: also 192 MiB */

/*
 * The message connection that guests of 5.0 and later are told to use.  It is
 * the one they ask on, so the links answer two connections in all: this and
 * VMBUS_CONN_MESSAGE.
 */
#define VMS_MSG_CONN	VMBUS_CONN_MESSAGE_5_0

/* Connection id of a channel's signals: relid, and the SINT from bit 12 on. */
#define VMS_EVENT_CONN(relid)	(VMBUS_SINT << 12 | (relid))

struct vms;
struct vms_dev;

struct vms_config {
	uint32_t max_version;	/* newest VMBus version spoken; 0: all */
	bool dedicated_interrupt; /* offers say so; default true for >= 1.1 */
	/* Offer a monitor id (guests that cannot signal). */
	bool monitor;
	enum ring_chan_policy policy; /* host to guest; default: on the edge */
};

/* A GPADL of the guest, mapped; every range of it is whole pages. */
struct vms_gpadl {
	uint32_t id;
	uint32_t relid;
	uint32_t pages;
	const uint64_t *pfns;
	struct part_map map;
	uint32_t users;		/* opens and buffers that use it */
};

struct vms_dev_ops {
	/*
	 * The guest opened a channel (subindex 0: the primary).  The device
	 * sets c->events and c->user and starts serving it.  A negative return
	 * becomes a failing OPEN_RESULT.
	 */
	int (*open)(struct vms_dev *, struct chan *c);
	/*
	 * The guest closed it, or the connection ended.  On return nothing of
	 * the device touches the channel, its rings or GPADLs of it again.
	 * Sub-channels are closed before their primary, and when that is
	 * closed the device has put every GPADL that it got.
	 */
	void (*close)(struct vms_dev *, struct chan *c);
	/*
	 * A GPADL that the device uses is torn down by the guest: true if the
	 * device has let go of it (put it), false to refuse while it is in
	 * use; the guest then gets its answer from the last put.
	 */
	bool (*gpadl_gone)(struct vms_dev *, uint32_t gpadl);
	/*
	 * The guest has let go of a rescinded device: the server does not know
	 * it any more, and its instance may be offered again.  May be NULL.
	 */
	void (*gone)(struct vms_dev *);
};

/* A device; embed it.  Offered to one vms at a time. */
struct vms_dev {
	const struct vms_dev_ops *ops;
	struct hv_guid type;
	struct hv_guid instance;
	uint8_t user_data[120];
	/* the server's own */
	struct vms *vms;
	uint32_t relid;
	bool rescinded;
	struct vms_dev *next;
};

/*
 * What the VMBus server needs of its user.  A call is NULL only where its
 * comment has it.
 */
struct vms_ops {
	/* Zeroed, at a multiple of OS_CACHELINE; NULL: there is none. */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);
	/*
	 * A message of ours on its way to a processor, *len bytes that it may
	 * change: how many times it goes.  NULL: once.
	 */
	uint32_t (*filter)(void *ctx, uint32_t vp, uint8_t *msg,
	    uint32_t *len);
	/* Each control message, for transcripts; to_guest: ours.  Or NULL. */
	void (*trace)(void *ctx, bool to_guest, struct span msg);
};

/* NULL: out of memory.  Borrows all pointers until vms_destroy(). */
struct vms *vms_create(struct partition *, const struct vms_config *,
    const struct vms_ops *, void *ctx);
/* Closes every channel first. */
void vms_destroy(struct vms *);
/* The guest vanished, reset or unloaded: close all, forget all, offers stay. */
void vms_reset(struct vms *);

/*
 * A message by HvPostMessage on a message connection (1 or 4, or the one we
 * named).  0; E_PEER: ignored, noted in the partition's faults; E_NOTSUP: no
 * such connection (the hypercall's status 0x12).
 */
int vms_message(struct vms *, uint32_t conn_id, struct span msg);

/* A message that filter() kept goes on its way; it is not filtered again. */
void vms_post_bytes(struct vms *, uint32_t vp, struct span msg);

/*
 * The connections that vms_message() takes now: what a link must know to give
 * a hypercall its status at once.
 */
bool vms_message_conn(const struct vms *, uint32_t conn_id);

/*
 * Offer a device now (if a guest is connected) and to each later guest.
 * E_STATE: offered already; E_NOMEM: no relid or memory left; E_AGAIN: the
 * guest knows a device of this instance and has not let go of it.
 */
int vms_dev_offer(struct vms *, struct vms_dev *);
/*
 * Take the offer back.  False: no guest knew of it, and the server does not
 * know it any more.  True: the guest must let go of it first.  Channels that
 * are open stay open and are to be served until it closes them, its primary's
 * RELID_RELEASED, or the end of the connection; then gone() is called.
 */
bool vms_dev_rescind(struct vms *, struct vms_dev *);
/*
 * Offer `count` more sub-channels of a device whose primary is open; they go
 * when the primary closes.  The number offered (maybe fewer), or E_NOMEM;
 * E_STATE: primary not open; E_NOTSUP: guest older than 2.4.
 */
int vms_subchannels_offer(struct vms *, struct vms_dev *, uint32_t count);

/*
 * The guest's GPADL, counted as used, or NULL if it has none of that id.  The
 * guest may have made it for any channel: compare relid where that matters.
 */
struct vms_gpadl *vms_gpadl_get(struct vms *, uint32_t gpadl);
void vms_gpadl_put(struct vms *, struct vms_gpadl *);

/* Map a signalled connection to its channel, or NULL.  Control context. */
struct chan *vms_connection_chan(struct vms *, uint32_t conn_id);
/*
 * Guest-to-host monitor page: call often while armed; calls `signal` for each
 * channel whose pending bit was set.  Ids come from our own table.
 */
void vms_monitor_poll(struct vms *, void (*signal)(void *, struct chan *),
    void *ctx);
/* The same of the legacy interrupt page's guest-to-host bits (before 2.4). */
void vms_intpage_poll(struct vms *, void (*signal)(void *, struct chan *),
    void *ctx);

/* The partition that this server serves; a device needs its memory. */
struct partition *vms_partition(const struct vms *);
/*
 * True if a GPADL, the monitor or the interrupt page lies in this memory: a
 * link refuses to remove such a region, or resets first.
 */
bool vms_memory_used(const struct vms *, uint64_t gpa, uint64_t bytes);

/* The virtual processor that takes a channel's signals; any thread. */
uint32_t vms_chan_vp(const struct chan *);
/* Relids in use: of offers, and those that the guest has not released yet. */
uint32_t vms_relid_count(const struct vms *);
/* GPADLs that exist, complete or not, and the pages charged for them. */
uint32_t vms_gpadl_count(const struct vms *);
uint32_t vms_gpadl_pages(const struct vms *);

/* Negotiated version, 0 while not connected. */
uint32_t vms_version(const struct vms *);

#endif
