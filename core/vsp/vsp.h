/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NetVSP: the host's network device for one NIC of one guest, and the switch
 * port that it is.
 *
 * Files, each calling only later ones: vsp_attach.c (device, control pass),
 * vsp_nvs.c (NVSP control), vsp_oid*.c (RNDIS control and OIDs),
 * vsp_from_guest*.c, vsp_aside.c and vsp_completion.c, vsp_to_guest*.c (their
 * order: vsp_to_guest.h), vsp_rxbuf.c and vsp_handover.c (receive-buffer
 * sections), vsp_steer.c (Toeplitz and tables), vsp_port.c (filters, VLAN,
 * policy, drops), vsp_queue.c (what all the others call).
 *
 * Context.  "Worker": the one thread that owns a queue (channel).  "Control":
 * the guest's control context, entered with every worker of this NIC parked.
 * A worker that meets a control message stops reading that channel and calls
 * ->control_wanted(); the port then parks the workers and calls
 * vsp_control_run().  So control code needs no lock against the data path, and
 * the data path none at all.
 */
#ifndef CORE_VSP_VSP_H
#define CORE_VSP_VSP_H

#include "base/counter.h"
#include "base/fault.h"
#include "pkt/pkt_meta.h"
#include "pkt/pkt_parse.h"

#define VSP_MAX_QUEUES	64u
/*
 * Policy: private bytes at the start of a frame: Ethernet, two tags, IPv6 with
 * some options and TCP.
 */
#define VSP_HEAD_BYTES	192u
/*
 * Policy: room for a frame of a backend.  Longer than any frame may be (64 KiB
 * of IP, L2 headers), so one that fills it was cut short.
 */
#define VSP_FRAME_MAX	65600u
#define VSP_COMPLETIONS	256u	/* Policy: that may wait, a queue */

struct chan;
struct vms_dev;
struct vsp;

/* Offloads the NIC offers; the guest then enables some. */
#define VSP_OFF_TXCSUM	0x01u	/* guest may leave checksums to us */
#define VSP_OFF_RXCSUM	0x02u	/* we tell the guest of verified checksums */
#define VSP_OFF_LSO	0x04u
#define VSP_OFF_RSC	0x08u
#define VSP_OFF_VLAN	0x10u
#define VSP_OFF_HASH	0x20u
#define VSP_OFF_ALL	0x3fu

enum vsp_vlan { VSP_VLAN_TRUNK, VSP_VLAN_ACCESS, VSP_VLAN_NONE };

struct vsp_config {
	uint8_t mac[6];
	uint32_t mtu;		/* 1500; 68..9000 */
	uint32_t max_queues;	/* 1..64 */
	uint32_t max_nvsp;	/* newest NVSP version accepted; 0: all */
	uint32_t offloads;	/* VSP_OFF_* */
	bool strict;		/* refuse what Windows refuses */
	bool rxcsum_complete;	/* never hand a partial checksum to the guest */
	/*
	 * RSC fragments of as many segments as a section takes.  The guest
	 * must not read the segment size off them: our own, which is told it,
	 * and Linux and FreeBSD, which have no use for it.
	 */
	bool rsc_large;
	/*
	 * The guest is our own: RSC frames carry their segment size (LSO info
	 * on the first fragment).
	 */
	bool rsc_sizes;
	uint64_t speed_bps;
	bool link_up;
	enum vsp_vlan vlan;
	uint16_t vlan_id;	/* of an access port */
	bool mac_spoof;		/* source addresses other than ours allowed */
	uint32_t lso_max;	/* bytes of an LSO frame; 0: 62780 */
	uint32_t section_bytes;	/* receive section; 0: 256 + MTU + 36 */
	/* instead of that, in a buffer that holds enough of them; 0: never */
	uint32_t rsc_section_bytes;
	uint32_t send_section_bytes; /* 0: 6144 */
	/* where the backend takes frames whole */
	bool backend_gso4, backend_gso6, backend_csum;
	uint32_t loss_ppm;	/* impairment, both ways */
	/*
	 * Completions of the guest's packets that are published together; 0:
	 * all of a pass.  1 is the legacy way: each by itself, behind its
	 * packet.  At most VSP_COMPLETIONS.
	 */
	uint32_t completion_batch;
};

/* A frame from the guest, valid during the call.  vec[0] starts with all
 * headers (L2 to L4), in private memory; the rest may be guest memory.  meta
 * has the layout (PKT_LAYOUT) only if it requests a checksum or LSO. */
struct vsp_frame {
	const struct vec *vec;
	uint32_t nvec;
	uint32_t len;
	struct pkt_meta meta;
};

/*
 * What the NetVSP needs of its user.  A call is NULL only where its
 * comment has it.
 */
struct vsp_ops {
	/*
	 * Not 0: somebody waits for the workers, so a pass over a ring ends
	 * within a few packets.  Set by any thread; NULL: never.
	 */
	const uint32_t *stop;

	/* Zeroed, at a multiple of OS_CACHELINE; NULL: there is none. */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);

	/* Worker: a frame of the guest goes out.  Drops are the callee's to
	 * count.  Borrowed for the call. */
	void (*from_guest)(void *ctx, uint32_t queue, const struct vsp_frame *);
	/* Worker: end of a pass over the ring; write what was batched. */
	void (*from_guest_flush)(void *ctx, uint32_t queue);
	/*
	 * Worker: true: the backend has no room for frames from the guest; the
	 * port runs ready() of that queue when it has.  Until then data packets
	 * are queued up to a limit (set aside); then `full` is true and the
	 * ring is left unread.  NULL: never stalls.
	 */
	bool (*from_guest_stalled)(void *ctx, uint32_t queue, bool full);
	/* Worker: sections or ring room are back after E_AGAIN.  Or NULL. */
	void (*to_guest_wake)(void *ctx, uint32_t queue);
	/* Worker: see above. */
	void (*control_wanted)(void *ctx);
	/*
	 * True if one worker owns both queues; NULL: never.  Then a hand-over
	 * between them needs no kick.  Context: owner of qa.
	 */
	bool (*same_owner)(void *ctx, uint32_t qa, uint32_t qb);
	/*
	 * Make the owner of `queue`, another thread, call
	 * vsp_to_guest_drain_handover().  NULL: it does so regularly anyway.
	 * Any worker.
	 */
	void (*handover_kick)(void *ctx, uint32_t queue);

	/* Control. */
	/* A queue has a channel now, or loses it.  On return from stop no
	 * worker uses it. */
	void (*queue_start)(void *ctx, uint32_t queue, struct chan *);
	void (*queue_stop)(void *ctx, uint32_t queue);
	/*
	 * Key, table, types or queue count changed: program the backend.  May
	 * be NULL.
	 */
	void (*steering)(void *ctx);
	/*
	 * Filter became none or not none; MTU or offloads of the guest.  May be
	 * NULL.
	 */
	void (*state)(void *ctx);
	/*
	 * A rescinded device is not the guest's any more: vsp_destroy() may
	 * follow, but not from inside this call.  May be NULL.
	 */
	void (*gone)(void *ctx);
};

#define VSP_FROM_GUEST_COUNTERS(X)					\
	X(frames,	"frames from the guest")			\
	X(bytes,	"bytes of frames from the guest")		\
	X(packets,	"VMBus packets with frames from the guest")	\
	X(lso_frames,	"frames with LSO")				\
	X(by_section,	"RNDIS messages in send-buffer sections")	\
	X(by_gpa,	"RNDIS messages by guest physical address")	\
	X(by_both,	"RNDIS messages in section and addresses")	\
	X(sw_segments,	"segments cut in software for the backend")	\
	X(sw_csum,	"checksums completed in software for the backend") \
	X(completions,	"completions sent")				\
	X(set_aside,	"packets kept because the backend had no room")	\
	X(memory_waits,							\
	  "times a packet waited for memory the guest had to add")	\
	X(completion_waits, "times completions waited for ring room")	\
	X(control_no_buffer,						\
	  "RNDIS control messages without a receive buffer for the answer") \
	X(drop_malformed, "dropped: malformed packet or RNDIS message")	\
	X(drop_state,	"dropped: NIC not initialised")			\
	X(drop_source,	"dropped: source address not allowed")		\
	X(drop_vlan,	"dropped: VLAN tag not allowed")		\
	X(drop_long,	"dropped: longer than the MTU allows")		\
	X(drop_link,	"dropped: link is down")			\
	X(drop_loss,	"dropped: configured loss")
COUNTER_STRUCT(vsp_from_guest_counters, VSP_FROM_GUEST_COUNTERS);

#define VSP_TO_GUEST_COUNTERS(X)					\
	X(frames,	"frames to the guest")				\
	X(bytes,	"bytes of frames to the guest")			\
	X(packets,	"VMBus packets with frames to the guest")	\
	X(rsc_frames,	"frames sent as RSC fragments")			\
	X(rsc_fragments, "RSC fragments sent")				\
	X(sw_segments,	"MTU frames cut in software from GSO frames")	\
	X(sw_csum,	"checksums completed in software for the guest") \
	X(recut,							\
	  "GSO frames moved because their layout was guessed wrong")	\
	X(acks,		"receive completions from the guest")		\
	X(no_section,	"times no receive section was free")		\
	X(lent_out,	"times no section was free: too many lent out")	\
	X(ring_full,	"times the ring had no room")			\
	X(handed_over,	"frames that belonged to another channel")	\
	X(drop_filter,	"dropped: packet filter")			\
	X(drop_vlan,	"dropped: VLAN not of this port")		\
	X(drop_long,	"dropped: longer than the guest's MTU")		\
	X(drop_short,	"dropped: shorter than an Ethernet header")	\
	X(drop_state,	"dropped: guest has no receive buffer or is not up") \
	X(drop_link,	"dropped: link is down")			\
	X(drop_loss,	"dropped: configured loss")
COUNTER_STRUCT(vsp_to_guest_counters, VSP_TO_GUEST_COUNTERS);

/* Room for one frame towards the guest, inside its receive buffer. */
struct vsp_room {
	struct vec vec[80];
	uint32_t nvec;
	/* vsp_to_guest's own: what the cuts were guessed from */
	uint32_t sections, first_bytes, seg_bytes, hdr_bytes;
};

/* NULL: out of memory.  Offer it with vms_dev_offer(vms, vsp_dev(vsp)). */
struct vsp *vsp_create(const struct vsp_config *, const struct vsp_ops *,
    void *ctx);
/*
 * Control: the guest is about to lose this NIC, and may take its time to let go
 * of it.  No frame passes from now on, the link is down, and what waits for the
 * guest is dropped; but packets are completed and control is answered until the
 * channels close.  Each open queue is stopped by the old ops and started by
 * `ops` with ctx, which serve the device from then on; alloc and free are the
 * old ones or equal.  vms_dev_rescind() comes next, now or later.
 */
void vsp_leave(struct vsp *, const struct vsp_ops *ops, void *ctx);
/* No vms knows it: after gone(), vms_dev_rescind() or vms_destroy(). */
void vsp_destroy(struct vsp *);
struct vms_dev *vsp_dev(struct vsp *);

/* Control: handle the control messages that wait; returns true if some were
 * left for another round (budget).  Then the port runs ready() of queue 0 once:
 * a data packet behind the control messages brings no new signal. */
bool vsp_control_run(struct vsp *);
/*
 * Control: memory that packets waited for (part_ops.miss) may be there, or the
 * wait for it is over.  The port then gives every queue a turn.
 */
void vsp_memory_changed(struct vsp *);
/* Control: change the running configuration (link, mtu, offloads, loss, ...);
 * sends the indications that the change needs.  E_STATE: invalid. */
int vsp_reconfigure(struct vsp *, const struct vsp_config *);
const struct vsp_config *vsp_config(const struct vsp *);
/*
 * Control: indicate once more whether the link is up.  Guests drop the change
 * while they attach (Linux, before its interface is registered).
 */
void vsp_link_repeat(struct vsp *);

/* What the guest has set up; control, or any thread for a glimpse. */
/* Policy: room in front of a frame for its RNDIS header: a tag and six PPIs
 * (44 + 6 x 16 + 4), and more, so that frames start on a cache line. */
#define VSP_SECTION_HEAD	192u
/* Bytes of a receive section that a frame of this MTU fits. */
static inline uint32_t
vsp_section_min(uint32_t mtu)
{
	return align_up(VSP_SECTION_HEAD + pkt_frame_max(mtu, 1), 8);
}

struct vsp_guest_state {
	uint32_t vmbus_version, nvsp_version, ndis_version;
	uint32_t filter;
	uint32_t guest_mtu;
	uint32_t queues;		/* channels open */
	/* some are, but RNDIS is not up or a sub-channel is missing */
	bool attaching;
	/* Checksums, bits in this order: IPv4, TCP4, UDP4, TCP6, UDP6. */
	uint32_t offloads_tx, offloads_rx;
	bool rsc4, rsc6, lso4, lso6;
	uint32_t hash_types;		/* 0: RSS off */
	uint32_t table_entries;
	uint32_t rx_sections, rx_sections_free;
	uint32_t send_sections;
};
void vsp_guest_state(const struct vsp *, struct vsp_guest_state *);
/* The guest's buffers, while it has them: what packets refer to. */
struct vsp_buffers {
	uint8_t *recv;			/* NULL: none */
	uint32_t recv_bytes;
	uint8_t *send;			/* NULL: none */
	uint32_t send_sections, send_section_bytes;
};
/* Control, or the owner of a queue: they go with all workers parked. */
void vsp_buffers(const struct vsp *, struct vsp_buffers *);
/* Key and RX indirection table in force (queue numbers). */
void vsp_steering(const struct vsp *, uint8_t key[40], uint32_t table[128],
    uint32_t *entries, uint32_t *hash_types);

/* --- worker, from guest: by chan_events.ready() of each channel, or --- */

enum vsp_poll {
	VSP_POLL_EMPTY,		/* nothing was there */
	VSP_POLL_WORK,		/* something was; there may be more */
	VSP_POLL_WAIT,		/* something waits for an event; ready() then */
};
/*
 * As ready(), for a guest that polls and does not signal: a pass that requests
 * no signal.  To stop polling call ready(), which requests one.  Owner of the
 * queue.
 */
enum vsp_poll vsp_from_guest_poll(struct vsp *, uint32_t queue,
    uint32_t budget);
/*
 * After VSP_POLL_EMPTY: have the guest signal what comes next.  False: that is
 * there already, poll again.  Owner of the queue.
 */
bool vsp_from_guest_arm(struct vsp *, uint32_t queue);

/* --- worker, to guest --- */

/*
 * Room for one frame of any length, VSP_FRAME_MAX bytes, read in one readv().
 * Frames of up to `usual` bytes then lie where they shall be; longer ones may
 * have to be moved or cut.  E_AGAIN: no sections or no ring room;
 * ->to_guest_wake() comes.  E_GONE: the guest takes nothing now (drop it).  Not
 * yet taken: reserving again without a submit gives the same room.
 */
int vsp_to_guest_reserve(struct vsp *, uint32_t queue, uint32_t usual,
    struct vsp_room *);
/*
 * Queue the frame of `len` bytes that was read into the room: filter, VLAN,
 * checksum completion, RSC fragments or MTU segments, per-packet info.  0, or
 * E_STATE when it was dropped (counted).  Visible after vsp_to_guest_flush().
 */
int vsp_to_guest_submit(struct vsp *, uint32_t queue, struct vsp_room *,
    uint32_t len, const struct pkt_meta *);
/*
 * Reserve, copy in and submit, for backends that hold the frame elsewhere.
 * v[0] is private memory (not another guest's), and has VSP_HEAD_BYTES of the
 * frame or all of it; if it has less, they are gathered.
 */
int vsp_to_guest_copy(struct vsp *, uint32_t queue, const struct vec *,
    uint32_t n, const struct pkt_meta *);
/* Publish, one signal at most. */
void vsp_to_guest_flush(struct vsp *, uint32_t queue);
/*
 * After a handover_kick(): send the frames that other workers have left for
 * this queue and take back its sections; publishes.  Owner of the queue.
 */
void vsp_to_guest_drain_handover(struct vsp *, uint32_t queue);
/* The queue that this frame belongs to by the guest's key and table. */
uint32_t vsp_steer(const struct vsp *, struct span head, uint32_t len,
    struct pkt_meta *);

const struct vsp_from_guest_counters *vsp_from_guest_stats(const struct vsp *,
    uint32_t queue);
const struct vsp_to_guest_counters *vsp_to_guest_stats(const struct vsp *,
    uint32_t queue);
/*
 * This queue is not served any more until its channel is opened again, because
 * of what the guest did: the last fault of its channel.  Owner of the queue.
 */
bool vsp_queue_stopped(const struct vsp *, uint32_t queue);
/* Faults of all channels so far; control.  Valid until the next call. */
const struct fault_log *vsp_faults(struct vsp *);

#endif
