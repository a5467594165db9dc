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

#define VMS_MAX_CHANNELS	256u	/* Policy; relids 1..255 (bit 0 legacy) */
#define VMS_MAX_GPADLS		512u	/* Policy, a connection */
#define VMS_MAX_GPADL_PAGES	(192u << 8)	/* Policy: 192 MiB, a connection */

struct vms;
struct vms_dev;

struct vms_config {
	uint32_t max_version;	/* newest VMBus version spoken; 0: all */
	bool dedicated_interrupt; /* offers say so; default true for >= 1.1 */
	bool monitor;		/* offer a monitor id (guests that cannot signal) */
};

/* A GPADL of the guest, mapped. */
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
	 */
	void (*close)(struct vms_dev *, struct chan *c);
	/*
	 * A GPADL that the device uses is torn down by the guest: true if the
	 * device has let go of it, false to refuse while it is in use.
	 */
	bool (*gpadl_gone)(struct vms_dev *, uint32_t gpadl);
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
};

struct vms_ops {
	void *(*alloc)(void *ctx, size_t bytes);	/* zeroed, or NULL */
	void (*free)(void *ctx, void *p, size_t bytes);
	/* Every control message, for transcripts; to_guest: ours. May be NULL. */
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

/* Offer a device now (if a guest is connected) and to each later guest. */
int vms_dev_offer(struct vms *, struct vms_dev *);
/* Rescind it; its channels are closed before this returns. */
void vms_dev_rescind(struct vms *, struct vms_dev *);
/*
 * Offer `count` more sub-channels of a device whose primary is open; they go
 * when the primary closes.  The number offered, or E_NOMEM.
 */
int vms_subchannels_offer(struct vms *, struct vms_dev *, uint32_t count);

/* The guest's GPADL, counted as used, or NULL if it has none of that id. */
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
/* The legacy interrupt page's guest-to-host bits, likewise (before 2.4). */
void vms_intpage_poll(struct vms *, void (*signal)(void *, struct chan *),
    void *ctx);

/* The partition that this server serves; a device needs its memory. */
struct partition *vms_partition(const struct vms *);
/* Negotiated version, 0 while not connected. */
uint32_t vms_version(const struct vms *);

#endif
