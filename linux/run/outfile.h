/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that a process writes while it runs: captures and transcripts.
 *
 * A full disk does not end the process.  The file ends with its last whole
 * record then, one sentence says why, what comes later is counted, and the
 * process ends with another exit code than 0 (outfile_failed()).
 *
 * Context: any thread, one at a time for a file.
 */
#ifndef LINUX_RUN_OUTFILE_H
#define LINUX_RUN_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct outfile;

/*
 * Make the file again, "-" being standard error.  One that somebody else writes
 * or replays is refused and left as it is.  NULL with a sentence in err.
 */
struct outfile *outfile_open(const char *path, char *err, size_t err_cap);
/* The same, but what the file has already stays before what comes. */
struct outfile *outfile_append(const char *path, char *err, size_t err_cap);
/*
 * True if the path is another file now, or none: somebody moved ours away, to
 * begin a new one.
 */
bool outfile_moved(const struct outfile *);
/*
 * If it was moved: open the path as `open` does, one of the two above, close
 * the old file and replace *o.  True then; false: *o stays, and if the new one
 * could not be opened a line says so.
 */
bool outfile_reopen(struct outfile **o, struct outfile *(*open)(const char *,
    char *, size_t));
/* NULL: nothing happens. */
void outfile_close(struct outfile *);
/* Where the next record goes; NULL: it cannot be written, and is counted. */
FILE *outfile_record(struct outfile *);
/* A part of the record that outfile_record() has begun. */
void outfile_put(struct outfile *, const void *, size_t bytes);
/* The records so far are whole: to the disk with them. */
void outfile_flush(struct outfile *);
/* Records that did not get into the file. */
uint64_t outfile_lost(const struct outfile *);
/* True if a file of this process has lost a record, or a part of one. */
bool outfile_failed(void);

/*
 * Open a file to read it to its end, if nobody writes it: NULL with a sentence
 * in err.
 */
FILE *outfile_read(const char *path, char *err, size_t err_cap);

#endif
