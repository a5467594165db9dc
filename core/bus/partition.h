/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A partition: what a hypervisor gives the host end for one guest.
 *
 * Memory by guest physical address, a SynIC message page and an event-flags
 * page for each virtual processor, an interrupt, and (from the guest) posted
 * messages and signalled connections.  The link (in-process, socket, uio,
 * qemu) owns the structure and fills it; the VMBus server and NetVSP see only
 * this header, so they serve every kind of guest.
 *
 * Context: part_flag_set() may be called by any thread.  Everything else is
 * called from the control context of the guest.  Changes of SIMP, SIEFP, SINT
 * and memory happen with the guest's workers parked.
 */
#ifndef CORE_BUS_PARTITION_H
#define CORE_BUS_PARTITION_H

#include "base/counter.h"
#include "base/fault.h"
#include "bus/guestmem.h"
#include "wire/synic_wire.h"

#define PART_MAX_VPS		64u	/* Policy */
#define PART_MSG_QUEUE		256u	/* Policy: host messages queued, a VP */

#define PART_COUNTERS(X)						\
	X(messages_in,	"messages the guest posted")			\
	X(messages_out,	"messages delivered to the guest")		\
	X(messages_busy, "deliveries that found the slot taken and waited") \
	X(messages_lost, "messages dropped because the queue was full")	\
	X(interrupts,	"interrupts raised to the guest")		\
	X(interrupts_saved, "event flags set while an interrupt was pending")
COUNTER_STRUCT(part_counters, PART_COUNTERS);

struct partition;
struct chan;

/* A host mapping of pages that need not be contiguous in guest memory. */
struct part_map {
	uint8_t *va;
	uint32_t bytes;
	bool direct;		/* va points into a region, nothing to undo */
	void *port;
};

struct part_ops {
	/* Raise SINT2's interrupt on a virtual processor.  Any thread. */
	void (*interrupt)(struct partition *, uint32_t vp);
	/*
	 * A connection id now exists (before its offer is delivered) or exists
	 * no longer: the link hands over, or takes back, its signal eventfd.
	 * `chan` is NULL for ids without a channel.
	 */
	int (*connection_add)(struct partition *, uint32_t conn_id,
	    struct chan *chan);
	void (*connection_remove)(struct partition *, uint32_t conn_id);
	/*
	 * Map pages that are not one run of one region: E_NOMEM, or E_PEER
	 * where a page is not guest memory.
	 */
	int (*map_pages)(struct partition *, const uint64_t *pfns,
	    uint32_t count, struct part_map *out);
	void (*unmap_pages)(struct partition *, struct part_map *);
	/*
	 * May be NULL.  A channel met an address that is in no region.  True:
	 * the link requested it from the guest.  Leave the packet where it is;
	 * the link retries the channel when the memory is there, or after a
	 * deadline.  False: no memory will come.  Any thread.
	 */
	bool (*miss)(struct partition *, uint64_t gpa);
};

/* The registers of one virtual processor, as the link reports them. */
struct part_vp_regs {
	bool scontrol;		/* SynIC enabled */
	bool sint_masked;	/* SINT2 */
	void *simp;		/* host address of the page; NULL: disabled */
	void *siefp;
};

struct part_msg {
	uint8_t len;
	uint8_t payload[240];
};

struct part_vp {
	struct part_vp_regs regs;
	/* host messages for SINT2 that wait for the slot; owner: control */
	uint32_t head, count;
	struct part_msg *queue;	/* PART_MSG_QUEUE of them */
	/* flags of SINT2 that were set while SIEFP was disabled; any thread */
	uint32_t missed[SYNIC_FLAG_WORDS];
};

struct partition {
	const struct part_ops *ops;
	void *ctx;
	uint32_t vps;
	struct part_vp vp[PART_MAX_VPS];
	struct guestmem mem;
	struct part_counters counters;
	struct fault_log faults;
};

/*
 * Prepare *p with `vps` processors, all disabled; queue_mem holds vps *
 * PART_MSG_QUEUE messages and outlives the partition.
 */
void part_init(struct partition *p, const struct part_ops *ops, void *ctx,
    uint32_t vps, struct part_msg *queue_mem);
/* Forget registers and waiting messages, as on reset or detach. */
void part_reset(struct partition *p);

/*
 * New registers of a VP.  Delivers the messages that waited, and the event
 * flags that were set while no interrupt could be raised (a flag set under a
 * masked SINT would otherwise be lost).
 */
void part_vp_set_regs(struct partition *p, uint32_t vp,
    const struct part_vp_regs *regs);

/*
 * Queue a VMBus message for SINT2 of a VP and deliver it as soon as the slot
 * is free.  E_NOMEM: queue full (counted); E_STATE: no such VP.
 */
int part_post_message(struct partition *p, uint32_t vp, const void *msg,
    uint32_t len);
/* Drop the messages of all VPs that no slot has taken yet. */
void part_messages_drop(struct partition *p);
/* The guest wrote EOM: the slot may be free now. */
void part_eom(struct partition *p, uint32_t vp);

/*
 * Set an event flag of SINT2 on a VP and raise the interrupt if it was clear.
 * True if an interrupt was raised.  Any thread.
 */
bool part_flag_set(struct partition *p, uint32_t vp, uint32_t flag);

/*
 * Map the pages of a GPADL: directly where they are one run of one region,
 * else by ops->map_pages.  E_PEER with GPA_UNMAPPED noted in p->faults where a
 * page is not guest memory.
 */
int part_map_pages(struct partition *p, const uint64_t *pfns, uint32_t count,
    struct part_map *out);
void part_unmap_pages(struct partition *p, struct part_map *map);

/* As part_ops.miss; false where there is none. */
static inline bool
part_miss(struct partition *p, uint64_t gpa)
{
	return p->ops != NULL && p->ops->miss != NULL && p->ops->miss(p, gpa);
}

#endif
