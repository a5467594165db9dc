/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a capture: what a record becomes there, and when the next file
 * begins.
 *
 * Context: the thread that writes.
 */
#ifndef LINUX_SEE_CAPTURE_FILE_H
#define LINUX_SEE_CAPTURE_FILE_H

#include "linux/see/capture.h"
#include "linux/see/capture_frames.h"
#include "linux/see/capture_ring.h"

struct outfile;

#define CAPTURE_NICS		64u

struct capture_file {
	struct capture_spec spec;
	struct outfile *out;
	uint64_t wall_ns;	/* CLOCK_REALTIME minus CLOCK_MONOTONIC */
	uint64_t bytes;		/* in this file */
	uint64_t files;
	uint64_t packets, lost;	/* records of interface 0, all files */
	/* interfaces of this file behind 0, the messages: frames of a NIC */
	char nic[CAPTURE_NICS][SEE_NIC_BYTES];
	uint32_t nics;
	struct capture_frames frames;
};

/* Begin the first file.  0, or -1 with a sentence in err. */
int capture_file_open(struct capture_file *, const struct capture_spec *,
    char *err, size_t cap);
void capture_file_close(struct capture_file *);
/* Begin again if somebody moved the file away. */
void capture_file_reopen(struct capture_file *);
/* A record, and the frames in it; then the next file, if this one is long. */
void capture_file_put(struct capture_file *, const struct capture_record *);
/* To the disk. */
void capture_file_flush(struct capture_file *);

#endif
