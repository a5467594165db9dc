/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses that a channel met and no region holds, and that were requested
 * from the guest (MEM_WANT).
 */
#ifndef LINUX_LINK_LINK_MISS_H
#define LINUX_LINK_LINK_MISS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Policy: a channel waits for one address; queues of a NIC, and some. */
#define LINK_MISSES		80u
/* Policy: how long a channel waits for the guest's MEM_ADD. */
#define LINK_MISS_NS		2000000000ull

struct link_miss_table {
	pthread_mutex_t lock;
	uint32_t count;
	struct {
		uint64_t gpa;
		uint64_t deadline_ns;
	} entry[LINK_MISSES];
	uint64_t asked, refused;
};

void link_miss_init(struct link_miss_table *);

enum link_miss_answer {
	LINK_MISS_ASK,		/* new: send MEM_WANT; it is noted as sent */
	LINK_MISS_WAIT,		/* requested, deadline not reached */
	LINK_MISS_OVER,		/* deadline reached, or too many: give up */
};

/* A channel lacks this address.  Any thread. */
enum link_miss_answer link_miss_add(struct link_miss_table *, uint64_t gpa,
    uint64_t now_ns);
/* Memory came: forget what lies in it.  True if anything did. */
bool link_miss_met(struct link_miss_table *, uint64_t gpa, uint64_t bytes);
/*
 * Is a channel to be tried again because its deadline is over?  An address that
 * no channel requests for as long again is forgotten.
 */
bool link_miss_due(struct link_miss_table *, uint64_t now_ns);
/* Is any address requested? */
bool link_miss_any(struct link_miss_table *);

#endif
