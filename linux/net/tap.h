/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A multi-queue TAP device with a virtio-net header: the network interface of
 * a guest, and the tap backend of a host.
 */
#ifndef LINUX_NET_TAP_H
#define LINUX_NET_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAP_MAX_QUEUES	64u

struct tap_config {
	const char *name;
	const char *netns;	/* "" or NULL: the caller's */
	uint32_t queues;
	uint32_t mtu;
	const uint8_t *mac;	/* NULL: the kernel's choice */
	uint32_t gso_max;	/* largest GSO frame from the kernel; 0: any */
	bool up;
	/*
	 * It stays at tap_close(), and one that is there, with no program at
	 * its other end, is taken over as it is.
	 */
	bool persist;
};

struct tap {
	uint32_t queues;
	int fd[TAP_MAX_QUEUES];	/* non-blocking, one a queue */
	int index;		/* of the interface in its namespace */
	char name[16];
	char netns[64];
	bool persist;
};

/* What we take from the kernel unfinished (TUNSETOFFLOAD). */
#define TAP_OFF_CSUM	0x1u
#define TAP_OFF_TSO4	0x2u
#define TAP_OFF_TSO6	0x4u

/*
 * Make the device with all its queues, set what cfg says and bring it up.  It
 * vanishes with tap_close() unless it is to persist.  0, or -errno with a
 * sentence in err.
 */
int tap_open(struct tap *, const struct tap_config *cfg, char *err,
    size_t err_cap);
void tap_close(struct tap *);
/* False once somebody deleted the device; one that was moved lives. */
bool tap_alive(const struct tap *);
/*
 * Make a deleted device again, of the same name and with the same descriptors,
 * down and with nothing set.  Nobody looks at `index` meanwhile.  0 or -errno:
 * -EBUSY if the name is taken; what is left to do the next call does.
 */
int tap_again(struct tap *);
int tap_offloads(struct tap *, uint32_t off);
/*
 * Make it a port of the bridge of this name in its namespace; "": of none.  0,
 * or -errno with a sentence in err.
 */
int tap_bridge(const struct tap *, const char *bridge, char *err,
    size_t cap);
/* The MTU that the interface has now, or -errno. */
int tap_mtu(const struct tap *);
/* No carrier: the interface stays, with its addresses, and routes around. */
int tap_carrier(struct tap *, bool on);
/* Attach a loaded BPF_PROG_TYPE_SOCKET_FILTER as queue selector; -1: none. */
int tap_steering(struct tap *, int prog_fd);

#endif
