/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGBUS on guest memory.
 *
 * The handler runs in the thread that touched the page, anywhere in the data
 * path, so it takes no lock and allocates nothing: it looks the address up in
 * a list of slots that only grows, maps zero pages over the whole region (a
 * huge page cannot be replaced in part), sets the owner's flag and rings
 * its alarm.  The data path then goes on with zeroes until the owner ends that
 * guest.
 *
 * A slot belongs to one region at a time.  Its start is published last and
 * taken back first, and read twice by the handler; the region that faults
 * cannot go away meanwhile, because its guest's workers are parked for that.
 * An address of no slot is a bug of ours: the default action ends us.
 */
#include "linux/link/link_loose.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/os.h"

#define LOOSE_CHUNK	256u

struct link_loose {
	uintptr_t start;	/* 0: free */
	size_t bytes;
	struct link_loose_owner *owner;
};

struct loose_chunk {
	struct loose_chunk *next;	/* const after it is published */
	struct link_loose slot[LOOSE_CHUNK];
};

static struct loose_chunk *loose_chunks;	/* newest first */

static bool
loose_hit(struct link_loose *s, uintptr_t at)
{
	uintptr_t start = __atomic_load_n(&s->start, __ATOMIC_ACQUIRE);
	size_t bytes = __atomic_load_n(&s->bytes, __ATOMIC_ACQUIRE);
	const uint64_t one = 1;

	if (start == 0 || at < start || at - start >= bytes ||
	    __atomic_load_n(&s->start, __ATOMIC_ACQUIRE) != start)
		return false;
	if (mmap((void *)start, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		return false;
	os_st32(&s->owner->condemned, 1);
	if (write(s->owner->alarm_fd, &one, sizeof(one)) < 0)
		return true;	/* full: it rings already */
	return true;
}

static void
loose_on_sigbus(int sig, siginfo_t *info, void *uc)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	int saved = errno;

	for (struct loose_chunk *c = __atomic_load_n(&loose_chunks,
	    __ATOMIC_ACQUIRE); c != NULL; c = c->next)
		for (uint32_t i = 0; i < LOOSE_CHUNK; i++)
			if (loose_hit(&c->slot[i], at)) {
				errno = saved;
				return;
			}
	signal(SIGBUS, SIG_DFL);
}

static struct loose_chunk *
loose_chunk_add(void)
{
	struct loose_chunk *c = calloc(1, sizeof(*c));
	struct sigaction sa = { .sa_sigaction = loose_on_sigbus,
		.sa_flags = SA_SIGINFO };

	if (c == NULL)
		return NULL;
	if (loose_chunks == NULL)
		sigaction(SIGBUS, &sa, NULL);
	c->next = loose_chunks;
	__atomic_store_n(&loose_chunks, c, __ATOMIC_RELEASE);
	return c;
}

static struct link_loose *
loose_slot_find(void)
{
	for (struct loose_chunk *c = loose_chunks; c != NULL; c = c->next)
		for (uint32_t i = 0; i < LOOSE_CHUNK; i++)
			if (c->slot[i].start == 0)
				return &c->slot[i];
	return NULL;
}

struct link_loose *
link_loose_add(void *va, size_t bytes, struct link_loose_owner *owner)
{
	struct link_loose *s = loose_slot_find();

	if (s == NULL) {
		struct loose_chunk *c = loose_chunk_add();

		if (c == NULL)
			return NULL;
		s = &c->slot[0];
	}
	s->owner = owner;
	__atomic_store_n(&s->bytes, bytes, __ATOMIC_RELEASE);
	__atomic_store_n(&s->start, (uintptr_t)va, __ATOMIC_RELEASE);
	return s;
}

void
link_loose_remove(struct link_loose *s)
{
	__atomic_store_n(&s->start, 0, __ATOMIC_RELEASE);
}
