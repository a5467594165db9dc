/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of a scenario in one process, under virtual time: a host that
 * bends, as `hvnet host` does, a guest of our driver, as `hvnet guest`, and
 * somebody outside who requests echoes.
 *
 *	world.c		the host: its NIC, offers, bends
 *	world_guest.c	the guest: attach, detach, try again
 *	world_shell.c	what its shell is asked
 *	world_echo.c	frames out and back
 *	world_stream.c	many bytes by TCP
 *	world_main.c	commands of a story, answers as JSON
 *
 * Context: one thread, inside simulation events or between them.
 */
#ifndef TESTS_CONFORM_WORLD_H
#define TESTS_CONFORM_WORLD_H

#include <jansson.h>

#include "bug.h"
#include "linux/bend/bend.h"
#include "linux/see/transcript.h"
#include "sim/sim_nic_priv.h"

#define WORLD_OPEN	16384u	/* echo requests under way */

struct world_frame {
	struct world_frame *next;
	uint32_t len;
	uint16_t vlan;			/* TCI of its tag; 0: none */
	uint8_t bytes[];
};

struct world_fifo {
	struct world_frame *head, **tail;
};

struct world {
	struct sim sim;
	struct sim_nic_config cfg;
	struct sim_nic_run run;
	/* host */
	struct bend *bend;
	struct bend_chan bent[VSP_MAX_QUEUES];
	struct see_watch watch[VSP_MAX_QUEUES];
	struct transcript *transcript;
	struct vsp *leaving;		/* the guest has not let go of it */
	struct chan *leaving_chan;	/* its primary, while open */
	bool leaving_due, leaving_gone;
	uint64_t release_at;		/* of what the bend holds */
	bool removed;			/* never offered again */
	bool poll;			/* rings are polled, by turns */
	bool polling;
	/* guest */
	bool started, carrier;
	struct chan *next_offer, *offered;
	bool renew;			/* attach again with cfg.vsc */
	uint32_t fails;
	struct fault_log blames;	/* of what is gone, and of NICs */
	uint64_t blocked;		/* queues that wait for tx_wake() */
	/* echoes */
	struct world_fifo to_guest, from_guest;
	struct world_frame *open[WORLD_OPEN];
	uint32_t next_seq, first_seq, waiting, stray;
	uint32_t refusals, wrong;	/* of knocks; with a wrong checksum */
	uint16_t vlan;			/* of what is asked now */
	/* a stream */
	struct sim_flow flow;
	bool streaming, to_guest_stream;
};

static inline struct world *
world_of(void *run)
{
	return CONTAINER_OF((struct sim_nic_run *)run, struct world, run);
}

/* --- world.c --- */

/* As in cfg; script: its bends, or NULL.  0, or -1 with a sentence in err. */
int world_host(struct world *, const char *script, char *err, size_t cap);
/* From now on another script; "off": none. */
int world_bend(struct world *, const char *script, char *err, size_t cap);
/* The guest says something: the host polls for a while, if it does. */
void world_poll(struct world *);
/* cfg.vsp is another; again: the guest learns it from an offer. */
void world_changed(struct world *, bool again);
/* Take the NIC back; unless it was removed it is offered again. */
void world_rescind(struct world *);
/* A NIC that was removed is there again, as in cfg. */
void world_add(struct world *);
json_t *world_stat(struct world *);

/* --- world_guest.c --- */

extern const struct sim_link_ops world_link_ops;
void world_guest_config(struct world *);
void world_guest(struct world *);
/* Detach, and attach again to the same NIC. */
void world_renew(struct world *);
/* All that the guest noted against its host. */
struct fault_log world_blames(const struct world *);

/* --- world_shell.c --- */

/* NULL: done; else why not. */
const char *world_shell(struct world *, char *words);

/* --- world_stream.c --- */

/* From now on, until world_streamed(). */
void world_stream(struct world *, bool to_guest, uint32_t bytes);
bool world_streamed(void *world);
/* All of it came, and well; there is no stream any more. */
bool world_stream_end(struct world *);
/* A frame of the stream came to one end: it is looked at, and done with. */
bool world_stream_frame(struct world *, bool to_guest, uint32_t queue,
    const struct vec *, uint32_t nvec, const struct pkt_meta *);

/* --- world_echo.c --- */

void world_echo_init(struct world *);
/* An echo request with so many bytes is on its way; its number. */
uint32_t world_ask(struct world *, uint32_t bytes);
/* A frame that nobody needs to answer goes to the guest. */
void world_frame(struct world *, const uint8_t *bytes, uint32_t len);
/* TCP or UDP goes to a port of the guest that nobody has. */
void world_knock(struct world *, uint8_t protocol);
/* It is not waited for any more; true: nobody answered it. */
bool world_forget(struct world *, uint32_t seq);
/* Room or a carrier may be there: go on. */
void world_host_pump(struct world *);
void world_guest_pump(struct world *);
void world_from_guest(void *run, uint32_t queue, const struct vsp_frame *);
void world_rx(void *run, uint32_t queue, const struct vsc_frame *);

#endif
