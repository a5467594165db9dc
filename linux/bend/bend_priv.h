/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of linux/bend share.
 *
 *	bend.c		life, counters
 *	bend_script.c	lines become rules
 *	bend_kind.c	which message it is, and its text
 *	bend_fields.c	fields that `set` knows
 *	bend_judge.c	what the rules want of a message
 *	bend_chan.c	packets of a channel
 *	bend_held.c	what waits
 */
#ifndef LINUX_BEND_BEND_PRIV_H
#define LINUX_BEND_BEND_PRIV_H

#include <pthread.h>

#include "linux/bend/bend.h"

#define BEND_WORDS	6u	/* conditions of a message */
#define BEND_WORD	56u
#define BEND_SETS	8u
#define BEND_SAY	240u	/* bytes of a message that a script says */
#define BEND_TEXT	120u	/* of a line, for counters */
#define BEND_RULES	64u

enum bend_layer { BEND_VMBUS, BEND_NVSP, BEND_RNDIS, BEND_LAYERS };
extern const char *const bend_layers[BEND_LAYERS];

/* Which message: of a layer, a type, a sender. */
struct bend_kind {
	enum bend_layer layer;
	uint32_t type;
	bool to_guest;
};

/* A message as a script describes it. */
struct bend_what {
	struct bend_kind kind;
	uint32_t words;
	char word[BEND_WORDS][BEND_WORD];	/* "field=value" */
};

/* Where a field is. */
enum bend_place {
	BEND_BODY,	/* the message */
	BEND_EXT,	/* ranges of the packet */
	BEND_HEAD,	/* the packet's own: BEND_HEAD_* */
	BEND_DESC,	/* its descriptor in the ring, once written */
};
enum { BEND_HEAD_TYPE, BEND_HEAD_FLAGS, BEND_HEAD_XACT };

struct bend_field {
	enum bend_place place;
	uint32_t off, width;
};

struct bend_set {
	struct bend_field field;
	bool relative;			/* added to what is there */
	uint64_t value;
};

#define BEND_DOES_DROP		0x01u
#define BEND_DOES_TWICE		0x02u
#define BEND_DOES_SWAP		0x04u
#define BEND_DOES_WAIT		0x08u
#define BEND_DOES_UNTIL		0x10u
#define BEND_DOES_CUT		0x20u
#define BEND_DOES_INDEX		0x40u
#define BEND_DOES_SAY		0x80u
#define BEND_DOES_RESCIND	0x100u
/* It does not go out now. */
#define BEND_DOES_HOLD	(BEND_DOES_SWAP | BEND_DOES_WAIT | BEND_DOES_UNTIL)
/* Only what a host sends can be treated so. */
#define BEND_HOST_ONLY							\
	(BEND_DOES_TWICE | BEND_DOES_HOLD | BEND_DOES_CUT | BEND_DOES_INDEX)

struct bend_rule {
	/* const */
	uint32_t line;
	char text[BEND_TEXT];
	struct bend_what what;
	uint64_t first, last;		/* which of them, from 1 */
	uint32_t does;			/* BEND_DOES_* */
	struct bend_set set[BEND_SETS];
	uint32_t sets;
	uint64_t wait_ns;
	struct bend_what until;
	uint32_t cut;
	int64_t index;			/* added to the write index */
	uint8_t say[BEND_SAY];
	uint32_t say_len;
	/* lock */
	uint64_t seen, done;
};

/* A packet or message that waits. */
struct bend_held {
	struct bend_held *next;
	const struct bend_rule *rule;
	bool due;
	uint64_t at_ns;			/* 0: not by time */
	struct bend_chan *chan;		/* NULL: a VMBus message */
	uint32_t guest, vp;		/* of a VMBus message */
	struct vmpkt_out pkt;		/* of a channel; points into bytes */
	uint32_t len;			/* of a VMBus message */
	uint8_t bytes[];
};

struct bend {
	/* const */
	const struct bend_ops *ops;
	void *ctx;
	struct bend_rule rule[BEND_RULES];
	uint32_t rules;
	/* lock */
	pthread_mutex_t lock;
	struct bend_held *held;		/* in order */
	bool rescind;
};

/* --- bend_kind.c --- */

/* 0 and *type, or -1: a layer has no message of that name. */
int bend_type_find(enum bend_layer layer, const char *name, uint32_t *type);
/* Does the guest, or the host, send this? */
bool bend_kind_known(const struct bend_kind *);
/* The kind of a VMBus message or of a packet; false: none that we know. */
bool bend_kind_message(struct bend_kind *, struct span msg);
bool bend_kind_packet(struct bend_kind *, const struct vmpkt_in *,
    struct span rndis);
/* Its text, as in a transcript. */
void bend_kind_print(const struct bend_kind *, struct span msg, uint32_t oid,
    char *out, size_t cap);

bool bend_kind_equal(const struct bend_kind *, const struct bend_kind *);
/* Does it fit the description? */
bool bend_what_fits(const struct bend_what *, const struct bend_kind *,
    const char *text);

/* --- bend_fields.c --- */

/* Field of a message by name; false: there is none. */
bool bend_field_find(const struct bend_kind *, const char *name,
    struct bend_field *);
/* Their names, "a b c". */
void bend_fields_of(const struct bend_kind *, char *out, size_t cap);
/* Apply the sets of this place to len bytes at p. */
void bend_set_bytes(const struct bend_rule *, enum bend_place, uint8_t *p,
    uint32_t len);
/* ... to a number that is no bytes. */
uint64_t bend_set_number(const struct bend_set *, uint64_t old);

/* --- bend_script.c --- */

/* A line.  1: a rule, 0: blank, -1 with a sentence in err. */
int bend_line_parse(struct bend_rule *, char *line, char *err, size_t cap);

/* --- bend_judge.c --- */

/* The rules that want something of a message, in their order. */
struct bend_judgement {
	uint32_t does;
	uint32_t rules;
	struct bend_rule *rule[BEND_RULES];
	/* who holds it, cuts it, lies; or NULL */
	struct bend_rule *hold, *cut, *index;
};

/* True if a rule, or something that waits, is about this kind.  Any thread. */
bool bend_cares(const struct bend *, const struct bend_kind *);
/*
 * Counts it, and lets go of what waits for it.  sub: of a sub-channel, in which
 * a host says nothing by itself.  Lock held.
 */
void bend_judge(struct bend *, const struct bend_kind *, bool sub,
    const char *text, struct bend_judgement *);

/* --- bend_held.c; lock held, except bend_release() --- */

/* Keep a packet, or a message.  False: no memory, let it go. */
bool bend_hold_packet(struct bend *, const struct bend_rule *,
    struct bend_chan *, const struct vmpkt_out *);
bool bend_hold_message(struct bend *, const struct bend_rule *,
    uint32_t guest, uint32_t vp, struct span msg);
/* A message passed: what waits for it is due. */
void bend_held_event(struct bend *, const struct bend_kind *,
    const char *text);
/* Does a packet of this channel wait for the next one? */
bool bend_held_swapping(const struct bend_chan *);
/* Packets of this channel that wait for the next one are sent now. */
void bend_held_swapped(struct bend_chan *);
/* All of a channel are sent; what finds no room is lost. */
void bend_held_chan_end(struct bend_chan *);
/* As the channel itself does it.  Owner, or owner parked; lock or not. */
int bend_chan_send(struct bend_chan *, const struct vmpkt_out *);
void bend_chan_commit(struct bend_chan *);

#endif
