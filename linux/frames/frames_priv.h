/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames API from inside.
 *
 *	frames.c	 open and close
 *	frames_uio.c	 the same for a NIC of uio_hv_generic
 *	frames_events.c	 calls that vmc and vsc make
 *	frames_wait.c	 sleeping until a queue has something
 *	frames_ref.c	 sending from the caller's memory
 *	frames_queue.c	 the other data calls
 *	frames_join.c	 received frames of several pieces
 *	frames_control.c control work, the mark of a broken connection
 *	frames_wake.c	 the descriptors that wake a queue's thread
 *
 * Each calls only those below it.
 */
#ifndef LINUX_FRAMES_FRAMES_PRIV_H
#define LINUX_FRAMES_FRAMES_PRIV_H

#include "bus/vmc.h"
#include "include/hvnet.h"
#include "linux/guest/guest_wire.h"
#include "vsc/vsc.h"

/* Policy: frames kept while the caller only sends, at least. */
#define FRAMES_KEEP		1024u
/*
 * Policy: and at most, whatever number of sections the host names: a frame in
 * each 248 bytes of the largest receive buffer (31 MiB), where the smallest
 * sections known are 360 bytes, our host's at an MTU of 68.  6.4 MB a queue,
 * used as frames come.  Beyond it a sender waits until it receives.
 */
#define FRAMES_KEEP_MAX		131072u
/* One packet more may come on top: the ranges of the largest. */
#define FRAMES_KEEP_MORE	1024u
/* Policy: packets of one pass. */
#define FRAMES_BUDGET		256u
/* Policy: calls on queue 0 between looks at messages and timers. */
#define FRAMES_CONTROL_CALLS	64u
/* Policy: between looks at the socket. */
#define FRAMES_SOCKET_NS	2000000u
/* Policy: how long hvnet_close() waits for the host. */
#define FRAMES_CLOSE_NS		5000000000ull

/* Memory to send from is contiguous for the host in pieces of this size. */
#define FRAMES_CHUNK		(2u << 20)
#define FRAMES_SEND_MAX		(1024ull << 20)
/* Policy: cookies of a queue that are out, or not yet collected. */
#define FRAMES_COOKIES		8192u
/* Policy: frames up to this length are copied, also registered ones. */
#define FRAMES_COPY		256u

/* Policy: blocks of copies, enough for the largest receive buffer. */
#define FRAMES_JOIN_BLOCKS	128u

/* Copies of frames that came in several pieces; frames_join.c. */
struct frames_joined {
	uint8_t *block[FRAMES_JOIN_BLOCKS];
	uint32_t blocks;
	uint32_t at, used;	/* where the next copy goes */
};

struct frames_queue {
	/* owner: the queue's thread */
	struct hvnet_frame *out;	/* the caller's array in hvnet_rx() */
	uint32_t out_n, out_cap;
	uint32_t kept_first, kept_n;
	uint32_t calls;		/* any queue may set it to 0: control is due */
	uint64_t polls, idle, dropped, full, invalid;
	/* const from attach on */
	struct hvnet_frame *kept;
	uint32_t keep;			/* and FRAMES_KEEP_MORE */
	uint64_t *cookie;		/* FRAMES_COOKIES, to be collected */
	/* owner: the queue's thread */
	uint32_t cookie_first, cookie_n;
	uint32_t cookies_out;		/* with the host, or in cookie[] */
	struct frames_joined joined;
	bool room;			/* a send that found none may go on */
	uint64_t timer_at;		/* of timer_fd; 0: never set */
	/* const from open on */
	int wait_fd;			/* epoll of what wakes the queue */
	int timer_fd;			/* -1: the queue needs none */
	int kick_fd;			/* another thread wakes the queue */
	/* any thread takes it away and wakes */
	uint32_t sleeps;
} __attribute__((aligned(OS_CACHELINE)));

struct hvnet {
	struct guest_wire wire;		/* first; control */
	struct hvnet_config cfg;
	struct vsc_config vsc_cfg;
	/* control: the thread of queue 0, or of open and close */
	struct vmc *vmc;		/* NULL with "uio:" */
	struct vsc *vsc;
	uint64_t socket_at;
	uint64_t close_by;		/* deadline of hvnet_close(); 0: open */
	bool closing;
	bool attached, vsc_down, unloaded;
	/* control writes, all read */
	uint32_t queues;
	uint32_t gone;
	char why[160];
	struct frames_queue *queue;	/* cfg.queues of them */
	/* const from open on */
	uint8_t *send_va;
	uint64_t send_bytes;
	uint64_t *send_gpa;		/* of each FRAMES_CHUNK */
	int gone_fd;			/* readable: broken; wakes all queues */
	int control_fd;			/* wakes queue 0 */
};

_Static_assert(offsetof(struct hvnet, wire) == 0, "ctx of guest_wire_*");

/* --- frames_wake.c --- */

/* What an event of a queue's wait_fd is of. */
enum frames_wake { FRAMES_WAKE_OTHER, FRAMES_WAKE_SOCKET };

/* No descriptors yet; queue[] is there. */
void frames_wake_init(struct hvnet *h);
/* Connected: make them; false with a sentence. */
bool frames_wake_open(struct hvnet *h, char *err, size_t cap);
void frames_wake_close(struct hvnet *h);
/* Wake the thread of queue 0 for control work. */
void frames_wake_control(struct hvnet *h);
/* Wake all, now and for good. */
void frames_wake_all(struct hvnet *h);
void frames_wake_queue(struct hvnet *h, uint32_t queue);

/* --- frames_control.c --- */

/* Break the connection, once; the first reason stays. */
void frames_break(struct hvnet *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Messages, timers and, when due, the socket.  Returns when to call again where
 * nothing happens before, absolute ns, or UINT64_MAX.  Context: control.
 */
uint64_t frames_control(struct hvnet *h);

/* Send what was submitted and not flushed. */
void frames_flush(struct hvnet *h);
/* All queues and control, until *done; false: broken, or the time is over. */
bool frames_until(struct hvnet *h, const bool *done, uint64_t ns);

/* --- frames_uio.c; context: control --- */

/* "uio:..." is requested. */
bool frames_uio_wanted(const char *connect);
/* Take the device and begin to attach.  0, or -1 with a sentence. */
int frames_uio_connect(struct hvnet *h, char *err, size_t cap);
/* Detach, free the NetVSC, give the device back. */
void frames_uio_close(struct hvnet *h);

/* --- frames_events.c --- */

/* The NIC is there: bring the NetVSC up. */
void frames_attach(struct hvnet *h, struct chan *c);
extern const struct vmc_ops frames_vmc_ops;

/* --- frames_join.c --- */

/* The frame in one piece, until frames_give_back(); NULL: no memory. */
uint8_t *frames_join(struct frames_queue *q, const struct vsc_frame *f);
void frames_join_free(struct frames_queue *q);

/* --- frames_ref.c --- */

/* The memory of cfg.send_bytes, when connected; false with a sentence. */
bool frames_ref_alloc(struct hvnet *h, char *err, size_t cap);
void frames_ref_free(struct hvnet *h);
/* vsc_ops.tx_done */
void frames_tx_done(void *ctx, uint32_t queue, uint64_t cookie, int err);

/* --- frames_queue.c --- */

/* Nothing is kept: all frames that the caller had go back to the host. */
void frames_give_back(struct hvnet *h, uint32_t queue);
/* Each data call: control, when it is due. */
void frames_call(struct hvnet *h, uint32_t queue);
/* No room: take completions in; true if it is worth another try. */
bool frames_make_room(struct hvnet *h, uint32_t queue);
/* The connection is broken. */
static inline bool
frames_gone(const struct hvnet *h)
{
	return os_ld32_acq(&h->gone) != 0;
}

/*
 * Room to keep a frame of each section that the host named, in each queue that
 * has none; false: out of memory.  Context: control, inside hvnet_open().
 */
bool frames_keep_alloc(struct hvnet *h, uint32_t sections);
/* vsc_ops.rx: to the caller's array, else kept. */
void frames_rx(void *ctx, uint32_t queue, const struct vsc_frame *f);

#endif
