/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transcripts: every control message, decoded, a line each, as it passes.
 *
 *	1234.567890 hvhost0 guest 1 guest -> host VMBus INITIATE_CONTACT ...
 *
 * The time is CLOCK_MONOTONIC, as in captures and traces.  From "guest ->
 * host" on, the lines of both ends are alike.
 *
 * Context: any thread; lines are whole.
 */
#ifndef LINUX_SEE_TRANSCRIPT_H
#define LINUX_SEE_TRANSCRIPT_H

#include "linux/see/see.h"

struct transcript;

/* FILE[,only=vmbus+nvsp+rndis][,json][,time=wall][,gpadl=full] */
struct transcript_spec {
	char path[256];		/* "-": standard error; "": none is wanted */
	uint32_t layers;	/* 1 << enum transcript_layer; 0: all */
	bool json;
	bool wall;		/* date and time of day, UTC */
	bool bodies;		/* each GPADL_BODY on a line of its own */
};

enum transcript_layer {
	TRANSCRIPT_VMBUS, TRANSCRIPT_NVSP, TRANSCRIPT_RNDIS, TRANSCRIPT_NOTE,
};

/* 0, or -EINVAL with a sentence in err that ends in what would be right. */
int transcript_parse(struct transcript_spec *, const char *text, char *err,
    size_t cap);

/* What the file has already stays.  NULL with a sentence in err. */
struct transcript *transcript_open(const struct transcript_spec *, char *err,
    size_t err_cap);
void transcript_close(struct transcript *);
/* Begin the file again if somebody moved it away.  NULL: nothing happens. */
void transcript_reopen(struct transcript *);
/* A VMBus message.  t may be NULL: nothing is done. */
void transcript_message(struct transcript *t, const struct see_name *,
    bool to_guest, struct span msg);
/*
 * The control messages of a ring packet; the n pieces are what it refers to.
 * *oid belongs to the channel: the object that its last query named.
 */
void transcript_packet(struct transcript *t, const struct see_name *,
    bool to_guest, const struct vmpkt_in *, const struct vec *v, uint32_t n,
    uint32_t *oid);

/* A remark, such as a fault.  t may be NULL. */
void transcript_note(struct transcript *t, const struct see_name *,
    const char *text);

#endif
