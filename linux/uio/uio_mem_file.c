/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of DPDK's memory (EAL of 22.11; the same since 18.05):
 *
 *	PREFIXmap_N		a file of hugetlbfs, --huge-unlink removes it
 *	/memfd:seg_N[-M]	--in-memory
 *	/memfd:nohuge		--no-huge
 *
 * and of `hvnet guest --uio`: /memfd:hvnet-...  A file of any other file system
 * may also have such a name; it is not handed over.
 */
#include "linux/uio/uio_mem_file.h"

#include <ctype.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define MEMFD	"/memfd:"
#define DELETED	" (deleted)"

/* Digits at *p, and past them. */
static bool
number_skip(const char **p)
{
	const char *from = *p;

	while (isdigit((unsigned char)**p))
		(*p)++;
	return *p > from;
}

static bool
at_end(const char *p)
{
	return *p == '\0' || strcmp(p, "\n") == 0 || strncmp(p, DELETED,
	    strlen(DELETED)) == 0;
}

static bool
huge_named(const char *path)
{
	const char *slash = strrchr(path, '/'), *p = slash, *map = NULL;

	while (p != NULL && (p = strstr(p, "map_")) != NULL)
		map = p += strlen("map_");
	return map != NULL && number_skip(&map) && at_end(map);
}

static bool
memfd_named(const char *name)
{
	if (strncmp(name, "hvnet-", 6) == 0)
		return true;
	if (strncmp(name, "nohuge", 6) == 0)
		return at_end(name + 6);
	if (strncmp(name, "seg_", 4) != 0)
		return false;
	name += 4;
	if (!number_skip(&name))
		return false;
	if (*name == '-') {
		name++;
		if (!number_skip(&name))
			return false;
	}
	return at_end(name);
}

bool
uio_mem_file_memfd(const char *path)
{
	return strncmp(path, MEMFD, strlen(MEMFD)) == 0;
}

bool
uio_mem_file_named(const char *path)
{
	return uio_mem_file_memfd(path) ?
	    memfd_named(path + strlen(MEMFD)) : huge_named(path);
}

bool
uio_mem_file_is(int fd, bool memfd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == HUGETLBFS_MAGIC ||
	    (memfd && fs.f_type == TMPFS_MAGIC));
}
