/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest process from inside.
 *
 * guest.c: life cycle and re-attach; guest_events.c: what vmc and vsc request
 * and report; guest_iface.c: what the kernel wants from the interface; vp.c:
 * threads, and vp_loop.c: what they do; netif.c: the TAP in both directions;
 * guest_see.c: captures and transcripts;
 * guest_ctl.c: statistics; guest_set.c: run-time settings; guest_moves.c:
 * channels that change their virtual processor; guest_wire.c: memory and
 * messages, from the link or from uio; guest_uio.c: a NIC of uio_hv_generic
 * instead of the link, with uio_bus.c (channels), uio_dev.c (files) and
 * uio_arena.c (memory).
 */
#ifndef LINUX_GUEST_GUEST_PRIV_H
#define LINUX_GUEST_GUEST_PRIV_H

#include "linux/guest/guest.h"
#include "linux/guest/guest_see.h"
#include "linux/guest/guest_wire.h"
#include "linux/guest/netif.h"
#include "linux/guest/vp.h"
#include "linux/net/steer.h"
#include "linux/net/tapwatch.h"
#include "linux/run/ctl.h"

enum guest_state {
	GUEST_WAIT_HOST,	/* no connection; tried again at retry_at */
	GUEST_CONNECTING,	/* VMBus: versions and offers */
	GUEST_ATTACHING,	/* NetVSC is being brought up */
	GUEST_UP,
	GUEST_DETACHING,	/* NetVSC is being torn down */
	GUEST_UNLOADING,	/* VMBus says good-bye */
	GUEST_STOPPED,
};

struct guest {
	struct guest_wire wire;	/* first; link with vmc, bus with cfg.uio */
	struct guest_config cfg;
	struct event_base *base;
	struct tapwatch *watch;
	struct ctl_server *ctl;
	struct guest_see *see;	/* captures, transcripts, traces */

	/* owner: VP 0, the control context */
	uint32_t state;		/* enum guest_state; control writes, VPs read */
	struct vmc *vmc;
	struct vsc *vsc;
	struct chan *offered;	/* the NIC we serve */
	struct chan *next_offer; /* came while that one was being let go */
	bool lost;		/* the host went; clean up in guest_control() */
	bool reset;		/* the device broke; detach and try again */
	bool rescinded;		/* ... because the host took the NIC back */
	bool renew;		/* ... to attach with other settings */
	bool dropped;		/* lost: vmc and vsc know */
	bool vsc_down;		/* vsc says detached */
	bool vps_running;
	uint64_t retry_at;	/* ns */
	uint64_t timer_at;
	uint32_t attaches;	/* times attached so far */
	uint64_t leaked_bytes;
	char reason[200];	/* why it is not up */
	char told[200];		/* ... as the user heard it last */
	uint32_t fails;		/* in a row, since it was up */
	bool uio_said;		/* the user was told so, of a uio */

	uint64_t stop_at;	/* ns; before `stopping` */
	uint32_t stopping;	/* any thread sets it, once */
	uint32_t stopped;
	uint32_t control_due;	/* any thread sets it: run the timers now */

	uint8_t nic_mac[6];	/* as the host gave it */
	uint8_t mac[6];		/* of the interface, as far as we know */
	bool mac_changed;	/* ... because the user wants another one */

	struct tap tap;
	int tap_mtu;		/* that we gave it last, or it had at first */
	/* Of the interface; written by the main thread with VP 0 parked. */
	enum tapwatch_state iface;
	struct steer *steer;	/* or NULL: one queue */
	uint32_t queues;	/* in use now; owner: control, others parked */
	struct netif_queue *queue;	/* tap.queues of them */
	struct vp vp[LINK_MAX_VPS];
};

_Static_assert(offsetof(struct guest, wire) == 0, "ctx of guest_wire_*");

/* guest.c; VP 0 except where noted */
void guest_control(struct guest *);
int guest_timeout_ms(const struct guest *);
void guest_socket_event(struct guest *);
bool guest_dispatch(struct guest *, uint32_t vp);	/* that VP */
/* To and from GUEST_UP with all VPs parked; between the others they may run. */
static inline void
guest_state_set(struct guest *g, enum guest_state state)
{
	os_st32(&g->state, state);
}

/* guest_events.c; NetVSC is attached from its offer() */
void guest_attach(struct guest *, struct chan *offer);
extern const struct vmc_ops guest_vmc_ops;

/* guest_iface.c */
/* TAP and steering program.  Main thread, before the others.  0, or -1. */
int guest_iface_make(struct guest *, char *err, size_t cap);
/* Watch the interface from now on.  Main thread.  0, or -1. */
int guest_iface_watch(struct guest *, char *err, size_t cap);
/* Attached: address, MTU and GSO size of the interface.  VP 0. */
void guest_iface_attached(struct guest *, const struct vsc_caps *);
/* What the NIC cuts changed. */
void guest_iface_gso(struct guest *, const struct vsc_caps *);
/* vsc_ops.  VP 0. */
void guest_iface_mac(void *guest, bool taken, const struct vsc_caps *);

/* Let the kernel leave to us what the device takes: a VSC_OFF_* mask. */
void guest_offloads_apply(struct guest *, uint32_t off);

/*
 * The TAP's queue of each frame that leaves, after a change of queues, RSS key
 * or the host's send table: the channel that vsc_tx_select() names.
 */
void guest_steer(struct guest *);

/* guest_uio.c; VP 0 except where noted */
int guest_uio_connect(struct guest *);
void guest_uio_disconnect(struct guest *);
/* That VP. */
bool guest_uio_dispatch(struct guest *, uint32_t vp);
/* VPs look by themselves: nothing wakes them when the host has sent. */
static inline bool
guest_polls(const struct guest *g)
{
	return g->cfg.uio >= 0 && !g->cfg.uio_interrupt;
}

/* vp.c */
/* All VPs but 0; idempotent. */
void guest_vps_park(struct guest *);
void guest_vps_unpark(struct guest *);

/* guest_moves.c */
/* Which VP each queue has at first, and shall have.  Main thread. */
void guest_vps_share(struct guest *);
/* Attached: the TAP's queues go where the channels are.  VP 0, all parked. */
void guest_vps_follow(struct guest *);
/* Move the channels that are not where they are wanted.  VP 0. */
void guest_moves(struct guest *);

/* guest_set.c */
/* The i-th offload that can be set by name; NULL: no more. */
const char *guest_offload_name(uint32_t i);
/* Main thread, VP 0 parked. */
json_t *guest_set(struct guest *, const json_t *set);

/* guest_ctl.c */
const char *guest_state_name(enum guest_state);
/* Main thread, parks VP 0. */
json_t *guest_ctl(void *guest, const json_t *request);

#endif
