/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One device of the kernel's uio_hv_generic: its files in sysfs and its maps.
 *
 * Context: one thread, but where a function says otherwise.
 */
#ifndef LINUX_GUEST_UIO_DEV_H
#define LINUX_GUEST_UIO_DEV_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/guid.h"

/* The maps of uio_hv_generic, in its order. */
enum uio_dev_map {
	UIO_DEV_RINGS, UIO_DEV_INT, UIO_DEV_MONITOR, UIO_DEV_RECV,
	UIO_DEV_SEND, UIO_DEV_MAPS
};

struct uio_dev {
	char dir[192];		/* of the device in sysfs */
	uint32_t number;	/* of /dev/uioN */
	int fd;			/* the open that holds the device; -1: none */
	struct {
		void *va;	/* NULL: not mapped */
		uint32_t bytes;
		uint32_t gpadl;	/* of RECV and SEND */
	} map[UIO_DEV_MAPS];
	struct hv_guid type, instance;
	uint32_t relid;
	int monitor;		/* 0 to 127, or -1: none */
};

/* A sub-channel's directory. */
struct uio_dev_sub {
	uint32_t relid, subindex;
	int monitor;		/* as above */
	bool ring;		/* the kernel has opened it */
};

/*
 * Find the device of /dev/uio<number>, which is not touched yet.  0, or -1 with
 * a sentence.
 */
int uio_dev_find(struct uio_dev *, uint32_t number, char *err, size_t cap);
/*
 * Take the one that was found (the kernel opens its channel) and map all.  0,
 * or -1 with a sentence, and then nothing is held.
 */
int uio_dev_take(struct uio_dev *, char *err, size_t cap);
/* Unmap, and let the device go: the kernel closes its channels. */
void uio_dev_close(struct uio_dev *);
/*
 * The device's directory is still there.  It may outlive the NIC: see
 * uio_dev_event().
 */
bool uio_dev_present(const struct uio_dev *);
/*
 * Take the interrupts counted so far.  False: the host has taken the NIC back;
 * the kernel removes the device at once, or once it is closed (Linux
 * uio_hv_generic.c).  Does not block.
 */
bool uio_dev_event(const struct uio_dev *);

/* Sub-channels that are there now, without the primary: how many. */
uint32_t uio_dev_subs(const struct uio_dev *, struct uio_dev_sub *out,
    uint32_t cap);
/* Map a sub-channel's rings: both, ours first.  NULL: not there (yet). */
void *uio_dev_ring_map(const struct uio_dev *, uint32_t relid,
    uint32_t *bytes);

#endif
