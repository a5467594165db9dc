/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trivial device and its driver, to exercise only VMBus: the host answers
 * each packet with its own bytes, the guest checks them.
 */
#ifndef SIM_SIM_ECHO_H
#define SIM_SIM_ECHO_H

#include "sim/sim_link.h"

#define SIM_ECHO_CHANNELS	16u	/* primary and sub-channels */
#define SIM_ECHO_MAX		2048u	/* payload bytes */

/* --- host --- */

struct sim_echo_dev {
	struct vms_dev dev;
	struct sim_link *link;
	uint32_t subs;		/* sub-channels to offer once open */
	uint32_t open;		/* channels open now */
	uint64_t echoed;
	bool offered;
};

void sim_echo_dev_init(struct sim_echo_dev *, struct sim_link *, uint32_t subs);

/* --- guest --- */

enum sim_echo_ring { ECHO_CLOSED, ECHO_OPENING, ECHO_OPEN, ECHO_CLOSING };
enum sim_echo_buf { ECHO_NONE, ECHO_CREATING, ECHO_LIVE, ECHO_TEARDOWN };

struct sim_echo_chan {
	struct sim_echo *echo;
	struct chan *chan;
	struct chan_mem ring, buf;
	enum sim_echo_ring ring_state;
	enum sim_echo_buf buf_state;
	uint32_t gpadl;
	bool down;		/* being taken down */
	uint64_t sent, received, goal;
	uint8_t packet[SIM_ECHO_MAX + 64] __attribute__((aligned(8)));
};

struct sim_echo {
	struct sim_link *link;
	uint32_t ring_pages;	/* a direction */
	uint32_t buf_pages;	/* of a GPADL besides the ring's */
	uint64_t goal;		/* packets a channel */
	struct sim_echo_chan ch[SIM_ECHO_CHANNELS];
	uint32_t chans;		/* offered and not gone */
	uint32_t opened, closed;
	uint32_t failed;	/* opens and GPADLs refused */
	uint64_t bad;		/* packets that came back wrong */
	bool detaching;
};

void sim_echo_init(struct sim_echo *, struct sim_link *, uint32_t ring_pages,
    uint32_t buf_pages, uint64_t goal);
/* For sim_link_ops. */
void sim_echo_offer(struct sim_echo *, struct chan *);
void sim_echo_gone(struct sim_echo *, struct chan *);
/* Send `more` packets on every open channel. */
void sim_echo_more(struct sim_echo *, uint64_t more);
/* Every open channel has all its echoes, and there are `chans` of them. */
bool sim_echo_idle(const struct sim_echo *, uint32_t chans);
/* Close everything; sim_echo_detached() when done. */
void sim_echo_detach(struct sim_echo *);
bool sim_echo_detached(const struct sim_echo *);

#endif
