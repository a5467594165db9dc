/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces: what threads decided, and why: signals, interrupts, batches, sleeps,
 * waits.  `hvnet trace` switches them on for a while and fetches them.
 *
 * Each thread has a ring of its last events; nothing is allocated or waited for
 * when an event comes.  While no trace is on, a place that could make an event
 * costs one predicted branch; those of channels cost nothing, since only a
 * watched channel has them (see.h).
 *
 * Context: trace_put() by any thread; the others by one thread at a time.
 */
#ifndef LINUX_SEE_TRACE_H
#define LINUX_SEE_TRACE_H

#include <jansson.h>

#include "base/os.h"

struct see_name;

/* X(id, name, phase, what the value is) */
#define TRACE_EVENTS(X)							\
	X(SLEEP,	"sleep",		'B', "")		\
	X(WAKE,		"sleep",		'E', "events")		\
	X(SIGNALLED,	"signalled",		'i', "")		\
	X(SIGNAL,	"signal",		'i', "packets")		\
	X(SIGNAL_ROOM,	"signal for room",	'i', "packets")		\
	X(INTERRUPT,	"interrupt",		'i', "vp")		\
	X(BATCH_IN,	"batch in",		'i', "packets")		\
	X(BATCH_OUT,	"batch out",		'i', "packets")		\
	X(MASK,		"mask",			'i', "")		\
	X(UNMASK,	"unmask",		'i', "")		\
	X(ROOM_WAIT,	"wait for room",	'b', "bytes")		\
	X(ROOM_BACK,	"wait for room",	'e', "")		\
	X(SHORT,	"shortage",		'b', "")		\
	X(SHORT_END,	"shortage",		'e', "")		\
	X(HANDOVER,	"handover",		'i', "to queue")	\
	X(FAULT,	"fault",		'i', "value")

enum trace_event {
#define X(id, name, phase, value) TRACE_##id,
	TRACE_EVENTS(X)
#undef X
	TRACE_EVENT_COUNT
};

/* Why, or with what outcome. */
#define TRACE_WHYS(X)							\
	X(NONE,		"")						\
	X(SENT,		"sent")						\
	X(MASKED,	"not sent: the peer masked signals")		\
	X(BUSY,		"not sent: the ring was not empty")		\
	X(POLLS,	"not sent: the peer polls")			\
	X(BAD,		"not sent: the peer's index is invalid")	\
	X(FEW,		"not sent: still too little room for the peer")	\
	X(ROOMY,	"not sent: the peer had room before")		\
	X(RAISED,	"raised")					\
	X(SAVED,	"saved: one was pending, or signals are polled") \
	X(ASLEEP,	"nothing there: the reader sleeps")		\
	X(AWAKE,	"packets there: the reader goes on")		\
	X(SECTION,	"no section free")				\
	X(LENT,		"too many sections lent to other queues")	\
	X(SLOT,		"no slot free")					\
	X(LIMIT,	"enough is under way (tx_inflight_kb)")		\
	X(RING,		"the ring is full")				\
	X(OTHER,	"another reason")

enum trace_why {
#define X(id, text) TRACE_WHY_##id,
	TRACE_WHYS(X)
#undef X
	TRACE_WHY_COUNT
};

/* Not 0: a trace is on. */
extern uint32_t trace_is_on;

static inline bool
trace_on(void)
{
	return __builtin_expect(os_ld32(&trace_is_on) != 0, 0);
}

/*
 * An event of a channel (0: of the thread).  For FAULT, why is enum fault.
 * Call it only if trace_on().
 */
void trace_put(enum trace_event, uint32_t why, uint32_t chan, uint64_t value);
/* Interrupts raised by the calling thread while traces were on. */
extern __thread uint32_t trace_interrupts;

/* Forget what there is and begin: 0, or -ENOMEM. */
int trace_start(void);
void trace_stop(void);
/* A number for a channel, from 1; 0: there are too many. */
uint32_t trace_chan(const struct see_name *);
/*
 * What was traced, as {"clock": {...}, "threads": [...], "chans": [...]}; a new
 * reference.  trace_text.h makes texts of it.  After trace_stop().
 */
json_t *trace_json(void);

/* One event as it lies in a ring, and, in hexadecimal, in trace_json(). */
struct trace_record {
	uint64_t ticks;		/* of trace_ticks() */
	uint64_t value;
	uint32_t chan;
	uint16_t event, why;
};
_Static_assert(sizeof(struct trace_record) == 24, "size of trace_record");

#endif
