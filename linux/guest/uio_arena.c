/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One shared mapping of a memory file, cut from its beginning.
 *
 * No piece crosses a 2 MiB boundary of the mapping, so that each is contiguous
 * in physical memory too when the chunks are huge pages.  The mapping is whole
 * from the start, and its name and kind are what `hvnet uio` accepts as a
 * program's own memory.
 */
#include "linux/guest/uio_arena.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

#define ARENA_HUGE_2MB	(21u << 26)	/* as MFD_HUGE_2MB of Linux */

struct uio_arena {
	uint8_t *va;
	size_t bytes;
	size_t used;
	bool huge;
	uint64_t *physical;	/* of each chunk, if huge */
};

static int
arena_physical(struct uio_arena *a, uint32_t chunks)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : 0;

	for (uint32_t i = 0; rc == 0 && i < chunks; i++) {
		uintptr_t at = (uintptr_t)a->va + (size_t)i * UIO_ARENA_CHUNK;
		uint64_t e;

		if (pread(fd, &e, sizeof(e), (off_t)(at / HV_PAGE_SIZE *
		    sizeof(e))) != (ssize_t)sizeof(e))
			rc = -EIO;
		else if (e >> 63 == 0 || (e & ((1ull << 55) - 1)) == 0)
			rc = -EPERM;	/* hidden: needs CAP_SYS_ADMIN */
		else
			a->physical[i] = (e & ((1ull << 55) - 1)) *
			    HV_PAGE_SIZE;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int
arena_map(struct uio_arena *a, int fd)
{
	void *va = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE, MAP_SHARED |
	    (a->huge ? MAP_POPULATE : 0), fd, 0);

	if (va == MAP_FAILED)
		return -errno;
	a->va = va;
	return 0;
}

struct uio_arena *
uio_arena_create(uint32_t chunks, bool huge, char *err, size_t cap)
{
	struct uio_arena *a = calloc(1, sizeof(*a));
	int fd = -1, rc = -ENOMEM;

	if (a != NULL)
		a->physical = calloc(chunks, sizeof(*a->physical));
	if (a != NULL && a->physical != NULL) {
		a->huge = huge;
		a->bytes = (size_t)chunks * UIO_ARENA_CHUNK;
		fd = memfd_create("hvnet-arena", MFD_CLOEXEC |
		    MFD_ALLOW_SEALING |
		    (huge ? MFD_HUGETLB | ARENA_HUGE_2MB : 0));
		rc = fd < 0 || ftruncate(fd, (off_t)a->bytes) < 0 ||
		    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0 ?
		    -errno : arena_map(a, fd);
	}
	if (fd >= 0)
		close(fd);
	if (rc == 0 && huge)
		rc = arena_physical(a, chunks);
	if (rc == 0)
		return a;
	snprintf(err, cap, huge ? "%u huge pages of 2 MiB for frames, and "
	    "their addresses: %s (sysctl vm.nr_hugepages; root)" :
	    "%u times 2 MiB for frames: %s", chunks, strerror(-rc));
	if (a != NULL)
		uio_arena_destroy(a);
	return NULL;
}

void
uio_arena_destroy(struct uio_arena *a)
{
	if (a->va != NULL)
		munmap(a->va, a->bytes);
	free(a->physical);
	free(a);
}

int
uio_arena_alloc(struct uio_arena *a, uint32_t bytes, struct chan_mem *out)
{
	size_t at = a->used;

	if (bytes == 0 || bytes > UIO_ARENA_CHUNK ||
	    bytes % HV_PAGE_SIZE != 0)
		return E_NOMEM;
	if (at % UIO_ARENA_CHUNK + bytes > UIO_ARENA_CHUNK)
		at = (at / UIO_ARENA_CHUNK + 1) * UIO_ARENA_CHUNK;
	if (at > a->bytes || bytes > a->bytes - at)
		return E_NOMEM;
	a->used = at + bytes;
	*out = (struct chan_mem){ .va = a->va + at, .bytes = bytes,
		.gpa = (uintptr_t)a->va + at };
	if (a->huge)
		out->gpa = a->physical[at / UIO_ARENA_CHUNK] +
		    at % UIO_ARENA_CHUNK;
	return 0;
}

uint8_t *
uio_arena_find(const struct uio_arena *a, uint64_t addr, uint32_t len)
{
	uint32_t chunks = (uint32_t)(a->used / UIO_ARENA_CHUNK) + 1;

	if (!a->huge)
		return addr >= (uintptr_t)a->va &&
		    range_ok(addr - (uintptr_t)a->va, len, a->used) ?
		    a->va + (addr - (uintptr_t)a->va) : NULL;
	for (uint32_t i = 0; i < chunks && (size_t)i * UIO_ARENA_CHUNK <
	    a->bytes; i++)
		if (addr >= a->physical[i] && range_ok(addr - a->physical[i],
		    len, UIO_ARENA_CHUNK))
			return a->va + (size_t)i * UIO_ARENA_CHUNK +
			    (addr - a->physical[i]);
	return NULL;
}
