/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a channel decided: read off its counters before and after an operation,
 * for traces and histograms.
 *
 * Context: the owner of the channel.
 */
#ifndef LINUX_SEE_SEE_DECIDE_H
#define LINUX_SEE_SEE_DECIDE_H

#include "bus/ring_chan.h"
#include "linux/see/see.h"

/* Histograms of one channel: bucket k counts values below 2^k. */
#define SEE_HIST_BUCKETS	40u
struct see_hist {
	uint64_t batch_in[SEE_HIST_BUCKETS];	/* packets */
	uint64_t batch_out[SEE_HIST_BUCKETS];
	uint64_t signal_gap[SEE_HIST_BUCKETS];	/* ns between signals sent */
	/* ns from a signal (a guest: its VP's interrupt) to the first packet */
	uint64_t first_packet[SEE_HIST_BUCKETS];
};

/* Counters of a channel and its rings, before an operation. */
struct see_before {
	struct ring_chan_counters chan;
	struct ring_out_counters out;
	struct ring_in_counters in;
	uint32_t interrupts;		/* trace_interrupts */
};

/* True if somebody wants decisions; then *b is what they were before. */
bool see_decide_before(const struct see_watch *w, struct see_before *b);
/* After an operation that may publish a batch. */
void see_decide_out(struct see_watch *w, const struct see_before *b);
/* After one that may give room back. */
void see_decide_in(struct see_watch *w, const struct see_before *b);
/* After want_space(), which returned `there`. */
void see_decide_room(struct see_watch *w, uint32_t bytes, bool there);
/* A packet was put, or taken. */
void see_decide_packet(struct see_watch *w, bool sent);
void see_decide_mask(const struct see_watch *w);
void see_decide_unmask(const struct see_watch *w, bool there);
/*
 * Frames have to wait: counters of why, in the order SECTION, LENT or LIMIT,
 * SLOT, RING; the one that has grown since the last call is the reason.
 */
void see_decide_short(struct see_watch *w, const uint64_t now[SEE_SHORTS]);
void see_decide_short_end(struct see_watch *w);
void see_decide_signalled(struct see_watch *w);
/* A guest's histograms begin or end.  Any thread. */
void see_decide_interrupts(bool on);
/* This thread is a VP and was interrupted. */
void see_decide_interrupted(void);
void see_decide_fault(const struct see_watch *w);

#endif
