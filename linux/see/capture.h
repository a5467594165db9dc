/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures: VMBus messages, ring packets and the frames in them, to a pcapng
 * file that Wireshark reads (share/wireshark/hvnet.lua decodes it).
 *
 * Threads that capture copy into a ring of their own each and never wait; what
 * a full ring does not take is counted, and the file says how much is missing
 * and where.  One thread writes.
 *
 * Context: create and destroy by the control thread; the other functions by
 * any thread in between.
 */
#ifndef LINUX_SEE_CAPTURE_H
#define LINUX_SEE_CAPTURE_H

#include "linux/see/see.h"

struct capture;

/* What --capture takes: FILE[,snap=BYTES][,size=MiB][,files=N][,gso=HOW]. */
struct capture_spec {
	char path[256];
	uint32_t snap;		/* of a frame or section; 0: whole */
	uint32_t size_mib;	/* of a file, then the next one begins */
	uint32_t files;		/* kept: FILE, FILE.1, ... */
	bool gso_cut;		/* GSO frames become segments */
};

/* 0, or -EINVAL with a sentence in err that ends in what would be right. */
int capture_parse(struct capture_spec *, const char *text, char *err,
    size_t cap);

/* NULL with a sentence in err. */
struct capture *capture_create(const struct capture_spec *, char *err,
    size_t cap);
/* Everything captured is written first.  NULL: nothing happens. */
void capture_destroy(struct capture *);
/*
 * Begin the file again soon, if somebody moved it away.  NULL: nothing happens.
 * Control thread.
 */
void capture_reopen(struct capture *);

/* A VMBus message.  c may be NULL. */
void capture_message(struct capture *c, const struct see_name *name,
    bool to_guest, struct span msg);
/*
 * A ring packet and the n pieces that it refers to.  At most the capture's
 * limit is kept of each range, or of all pieces of another packet behind the
 * first `whole` bytes; CAPTURE_WHOLE: nothing is cut.
 */
#define CAPTURE_WHOLE	UINT32_MAX
void capture_packet(struct capture *c, const struct see_name *name,
    bool to_guest, const struct vmpkt_in *pkt, const struct vec *v,
    uint32_t n, uint32_t whole);
/* A remark: a record that is a comment.  c may be NULL. */
void capture_note(struct capture *c, const struct see_name *name,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

struct capture_counts {
	uint64_t records;	/* captured */
	uint64_t lost;		/* not: a ring was full */
	uint64_t files;		/* begun */
};
void capture_counts(const struct capture *, struct capture_counts *);

#endif
