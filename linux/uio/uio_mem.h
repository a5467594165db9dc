/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's own memory as guest memory: control messages and large packets
 * travel by its addresses, IOVA as VA or as PA.
 */
#ifndef LINUX_UIO_UIO_MEM_H
#define LINUX_UIO_UIO_MEM_H

#include <sys/types.h>

#include "linux/link/link_guest.h"

struct uio;
struct uio_mem;

enum uio_iova { UIO_IOVA_UNKNOWN, UIO_IOVA_VA, UIO_IOVA_PA };

/* The memory of a process that has the NIC; NULL: out of memory. */
struct uio_mem *uio_mem_create(struct uio *, pid_t);
/* Take back all that the host has of it, and free. */
void uio_mem_destroy(struct uio_mem *);
/*
 * Look at the process's memory map: hand over what is new, take back what went
 * or changed.  Nothing before the first want, which tells VA from PA.  If an
 * address that the host requested is not found until the host gives up,
 * uio_over() follows.  0, or -errno when the host is gone.
 */
int uio_mem_scan(struct uio_mem *);
/* The host requests an address: find out what kind it is, and scan. */
int uio_mem_want(struct uio_mem *, uint64_t gpa);
enum uio_iova uio_mem_iova(const struct uio_mem *);
uint32_t uio_mem_regions(const struct uio_mem *);

#endif
