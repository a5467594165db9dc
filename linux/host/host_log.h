/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host says on standard error about guests: each thing once, however
 * often a guest repeats it.
 *
 * Context: control thread.
 */
#ifndef LINUX_HOST_HOST_LOG_H
#define LINUX_HOST_HOST_LOG_H

#include <stdint.h>

#define HOST_LOG_KNOWN		32u	/* texts remembered */
#define HOST_LOG_AGAIN_NS	60000000000ull	/* Policy: then once more */
#define HOST_LOG_BURST		128u	/* Policy: lines at once, */
#define HOST_LOG_LINE_NS	250000000ull	/* and one each so long */

struct host_log {
	struct {
		uint64_t hash;
		uint64_t at_ns;		/* 0: free */
	} known[HOST_LOG_KNOWN];
	uint32_t next;			/* known[] entry to forget */
	uint32_t spent;			/* lines of the burst used */
	uint64_t spent_at_ns;
	uint64_t left_out;		/* lines not printed since the last */
};

/*
 * "hvnet host: TEXT", as printf.  A guest that comes and goes without end
 * cannot fill a disk with these: beyond HOST_LOG_BURST lines there are four a
 * second, and the next one says how many were left out.
 */
void host_log(struct host_log *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, but a text that was printed in the last minute is left out. */
void host_log_once(struct host_log *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
