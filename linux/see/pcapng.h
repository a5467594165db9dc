/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), in the machine's byte
 * order, with times in nanoseconds.
 *
 * Context: one thread at a time for a file.  Each function writes one whole
 * block, a record of the outfile, and returns its length; a file that is full
 * takes none (outfile.h), the length is the same then.
 */
#ifndef LINUX_SEE_PCAPNG_H
#define LINUX_SEE_PCAPNG_H

#include <stdint.h>

#include "base/span.h"

struct outfile;

#define PCAPNG_ETHERNET	1u	/* LINKTYPE_ETHERNET */
#define PCAPNG_USER0	147u	/* LINKTYPE_USER0 */

/* What a file begins with. */
uint32_t pcapng_section(struct outfile *, const char *comment);
/* Interfaces count from 0 in the order in which they come. */
uint32_t pcapng_interface(struct outfile *, uint32_t link_type, uint32_t snap,
    const char *name, const char *description);

enum pcapng_direction { PCAPNG_NO_DIRECTION, PCAPNG_IN, PCAPNG_OUT };

struct pcapng_packet {
	uint32_t interface;
	uint64_t time_ns;		/* since 1970 */
	uint32_t orig;			/* bytes before it was cut */
	enum pcapng_direction direction;
	uint64_t lost;			/* since the packet before */
	struct span comment;		/* len 0: none */
};

/* The n pieces are the captured bytes. */
uint32_t pcapng_packet(struct outfile *, const struct pcapng_packet *,
    const struct span *v, uint32_t n);
/* How many an interface captured, and lost, until then. */
uint32_t pcapng_statistics(struct outfile *, uint32_t interface,
    uint64_t time_ns, uint64_t captured, uint64_t lost);

#endif
