/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which files of a program are memory that DPDK sends from.
 *
 * Context: any thread.
 */
#ifndef LINUX_UIO_UIO_MEM_FILE_H
#define LINUX_UIO_UIO_MEM_FILE_H

#include <stdbool.h>

/*
 * By its name in /proc/<pid>/maps, " (deleted)" or not: a huge page file of
 * DPDK, a memory file of DPDK, or one of ours.
 */
bool uio_mem_file_named(const char *path);
/* One of the latter two. */
bool uio_mem_file_memfd(const char *path);
/* The file itself: of hugetlbfs, or a memory file where it was named as one. */
bool uio_mem_file_is(int fd, bool memfd);

#endif
