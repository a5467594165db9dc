/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGBUS on guest memory.
 *
 * The handler runs in the thread that touched the page, anywhere in the data
 * path, so it takes no lock and allocates nothing: it looks the address up in
 * a list of slots that only grows, maps zero pages over the whole mapping (a
 * huge page cannot be replaced in part), sets the owner's flag and rings its
 * alarm.  The data path then goes on with zeroes until the owner ends that
 * guest.
 *
 * Zero pages of a whole region are memory that could be written, and where the
 * system does not overcommit, or we have a limit on data (RLIMIT_DATA), there
 * may be none to promise.  Then it maps pages that exist already, a file of our
 * own, over LOOSE_SPARE bytes around the address, and again for the next one.
 * That cuts a mapping in three, for which link_budget.h leaves room.  (Guests
 * that lost their memory at the same moment may then see each other's last
 * bytes in what they send; they are ended all the same.)
 *
 * A slot belongs to one mapping at a time.  Its start is published last and
 * taken back first, and read twice by the handler; the mapping that faults
 * cannot go away meanwhile, because its guest's workers are parked for that.
 * An address of no slot is a bug of ours: the default action ends us.
 */
#include "linux/link/link_loose.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/os.h"

#define LOOSE_CHUNK	256u
#define LOOSE_SPARE	(2u << 20)	/* a huge page of x86-64 and arm64 */

struct link_loose {
	uintptr_t start;	/* 0: free */
	size_t bytes;
	struct link_loose_owner *owner;
	struct link_loose *next;	/* while it is free; control */
};

struct loose_chunk {
	struct loose_chunk *next;	/* const after it is published */
	struct link_loose slot[LOOSE_CHUNK];
};

static struct loose_chunk *loose_chunks;	/* newest first */
static struct link_loose *loose_free;		/* control */
static int loose_spare = -1;			/* const after the first slot */

/* All of it becomes zero pages. */
static bool
loose_replace(uintptr_t start, size_t bytes)
{
	return mmap((void *)start, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

/* What lies around the address becomes pages that we have. */
static bool
loose_replace_part(uintptr_t start, size_t bytes, uintptr_t at)
{
	uintptr_t end = start + bytes, from = at & ~(uintptr_t)(LOOSE_SPARE -
	    1), to = from + LOOSE_SPARE;

	if (from < start)
		from = start;
	if (to > end)
		to = end;
	return loose_spare >= 0 && mmap((void *)from, to - from, PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_FIXED, loose_spare, 0) != MAP_FAILED;
}

static bool
loose_hit(struct link_loose *s, uintptr_t at)
{
	uintptr_t start = __atomic_load_n(&s->start, __ATOMIC_ACQUIRE);
	size_t bytes = __atomic_load_n(&s->bytes, __ATOMIC_ACQUIRE);
	const uint64_t one = 1;

	if (start == 0 || at < start || at - start >= bytes ||
	    __atomic_load_n(&s->start, __ATOMIC_ACQUIRE) != start)
		return false;
	if (!loose_replace(start, bytes) &&
	    !loose_replace_part(start, bytes, at))
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

/* Once: the handler, and the pages that it may need.  False: no memory. */
static bool
loose_start(void)
{
	struct sigaction sa = { .sa_sigaction = loose_on_sigbus,
		.sa_flags = SA_SIGINFO };
	int fd = memfd_create("hvnet-spare", MFD_CLOEXEC);

	if (fd < 0)
		return false;
	if (fallocate(fd, 0, 0, LOOSE_SPARE) < 0) {
		close(fd);
		return false;
	}
	loose_spare = fd;
	return sigaction(SIGBUS, &sa, NULL) == 0;
}

static bool
loose_chunk_add(void)
{
	struct loose_chunk *c = calloc(1, sizeof(*c));

	if (c == NULL || (loose_spare < 0 && !loose_start())) {
		free(c);
		return false;
	}
	for (uint32_t i = LOOSE_CHUNK; i-- > 0;) {
		c->slot[i].next = loose_free;
		loose_free = &c->slot[i];
	}
	c->next = loose_chunks;
	__atomic_store_n(&loose_chunks, c, __ATOMIC_RELEASE);
	return true;
}

struct link_loose *
link_loose_add(void *va, size_t bytes, struct link_loose_owner *owner)
{
	struct link_loose *s;

	if (loose_free == NULL && !loose_chunk_add())
		return NULL;
	s = loose_free;
	loose_free = s->next;
	s->owner = owner;
	__atomic_store_n(&s->bytes, bytes, __ATOMIC_RELEASE);
	__atomic_store_n(&s->start, (uintptr_t)va, __ATOMIC_RELEASE);
	return s;
}

void
link_loose_remove(struct link_loose *s)
{
	__atomic_store_n(&s->start, 0, __ATOMIC_RELEASE);
	s->next = loose_free;
	loose_free = s;
}
