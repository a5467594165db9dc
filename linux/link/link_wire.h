/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition protocol: how a guest (a process, a DPDK program's stand-in,
 * a QEMU) hands a host what a hypervisor would.  Described in
 * docs/partition.md; this header is the whole of it that a guest needs, and
 * all that qemu/ may include.
 *
 * One SOCK_SEQPACKET UNIX connection a guest; one message a packet, in the
 * byte order of the machine (both ends share memory, so they share it).  File
 * descriptors travel as SCM_RIGHTS in the order that the message names.
 * Requests carry a sequence number and are answered, in order, by an ACK of
 * the same number; messages marked "no answer" are not.
 *
 * The fast paths never come here: a signal to the host, an interrupt to the
 * guest and an end-of-message are one eventfd write each.
 */
#ifndef LINUX_LINK_LINK_WIRE_H
#define LINUX_LINK_LINK_WIRE_H

#include <stdint.h>

#define LINK_MAGIC		0x54505648u	/* "HVPT" */
#define LINK_VERSION		1u

/* Limits; the host refuses what exceeds them (docs/partition.md). */
#define LINK_MAX_VPS		64u
#define LINK_MAX_REGIONS	128u		/* sealed ones */
#define LINK_MAX_FDS		2u		/* in one message */
#define LINK_MAX_MSG		512u		/* bytes of a message */
#define LINK_NAME_LEN		32u		/* with the NUL */

enum link_type {
	/* guest to host */
	LINK_HELLO = 1,		/* first message; answered by HELLO_ACK */
	LINK_MEM_ADD = 2,	/* fd: the memory */
	LINK_MEM_DEL = 3,
	LINK_VP_FDS = 4,	/* fds: interrupt eventfd, EOM eventfd */
	LINK_VP_REGS = 5,	/* fds: SIMP's, SIEFP's where flagged */
	LINK_POST = 6,		/* HvPostMessage; no answer */
	LINK_RESET = 7,		/* the machine resets; workers stop first */
	LINK_DETACH = 8,	/* orderly end */
	/* host to guest */
	LINK_HELLO_ACK = 65,
	LINK_ACK = 66,
	LINK_SIGNAL_ADD = 67,	/* fd: eventfd of a connection id; no answer */
	LINK_SIGNAL_DEL = 68,	/* no answer */
	LINK_MEM_WANT = 69,	/* please MEM_ADD what holds gpa; no answer */
	LINK_BYE = 70,		/* the host ends the connection: why */
};

/* Status of an ACK or BYE. */
enum link_status {
	LINK_OK = 0,
	LINK_E_PROTO = 1,	/* malformed or out of order */
	LINK_E_VERSION = 2,
	LINK_E_LIMIT = 3,	/* over a limit named in docs/partition.md */
	LINK_E_MEM = 4,		/* unusable memory: size, seals, overlap */
	LINK_E_NONIC = 5,	/* no free NIC for this guest */
	LINK_E_BUSY = 6,	/* too many guests */
	LINK_E_SHUTDOWN = 7,	/* the host stops */
	LINK_E_FAULT = 8,	/* the guest broke VMBus beyond repair */
	LINK_E_KIND = 9,	/* the host takes no guests of this kind */
};

struct link_hdr {
	uint32_t type;
	uint32_t seq;
};

/* What kind of guest; the host chooses defaults by it. */
enum link_kind {
	LINK_KIND_HVNET = 0,	/* our own driver */
	LINK_KIND_UIO = 1,	/* polls; cannot signal but by monitor page */
	LINK_KIND_VM = 2,	/* a virtual machine */
	LINK_KIND_POLL = 3,	/* our own driver, which polls its rings */
};

struct link_hello {
	struct link_hdr hdr;
	uint32_t magic;
	uint32_t version;	/* newest the guest speaks */
	uint32_t vps;
	uint32_t kind;
	uint32_t max_nics;	/* 0: all that are free */
	uint32_t pid;		/* of the program served, for messages */
	char name[LINK_NAME_LEN];	/* of the guest; may be empty */
	char nic[LINK_NAME_LEN];	/* the NIC wanted; may be empty */
};

struct link_hello_ack {
	struct link_hdr hdr;
	uint32_t status;
	uint32_t version;	/* spoken from now on */
	uint32_t connections;	/* message connection ids answered here */
	uint32_t connection[4];
	uint32_t post_max;	/* messages the guest may have under way */
};

/*
 * A region of guest memory: [gpa, gpa + bytes) is the file from offset on.
 * All three are multiples of 4096.  The file must be sealed against shrinking
 * (F_SEAL_SHRINK): the host maps it and must not meet SIGBUS.  Only
 * LINK_KIND_UIO may name files that are not sealed (hugetlbfs files cannot be):
 * a guest that takes such memory away while the host uses it is cut off.
 */
struct link_mem_add {
	struct link_hdr hdr;
	uint64_t gpa;
	uint64_t bytes;
	uint64_t offset;
};

struct link_mem_del {
	struct link_hdr hdr;
	uint64_t gpa;
};

struct link_vp_fds {
	struct link_hdr hdr;
	uint32_t vp;
	uint32_t pad;
};

#define LINK_VP_SCONTROL	0x01u	/* SynIC enabled */
#define LINK_VP_SINT_MASKED	0x02u	/* SINT2 masked */
#define LINK_VP_SIMP		0x04u	/* message page enabled */
#define LINK_VP_SIEFP		0x08u	/* event-flags page enabled */
#define LINK_VP_SIMP_FD		0x10u	/* simp: offset into the next fd */
#define LINK_VP_SIEFP_FD	0x20u	/* siefp: the same */

struct link_vp_regs {
	struct link_hdr hdr;
	uint32_t vp;
	uint32_t flags;
	uint64_t simp;		/* GPA, or offset into a file */
	uint64_t siefp;
};

struct link_post {
	struct link_hdr hdr;
	uint32_t connection;
	uint32_t len;		/* 0..240 */
	uint8_t payload[240];
};

struct link_simple {		/* RESET, DETACH */
	struct link_hdr hdr;
};

struct link_ack {		/* also BYE */
	struct link_hdr hdr;
	uint32_t status;
	uint32_t pad;
};

struct link_signal {		/* SIGNAL_ADD, SIGNAL_DEL */
	struct link_hdr hdr;
	uint32_t connection;
	uint32_t pad;
};

struct link_mem_want {
	struct link_hdr hdr;
	uint64_t gpa;
};

union link_msg {
	struct link_hdr hdr;
	struct link_hello hello;
	struct link_hello_ack hello_ack;
	struct link_mem_add mem_add;
	struct link_mem_del mem_del;
	struct link_vp_fds vp_fds;
	struct link_vp_regs vp_regs;
	struct link_post post;
	struct link_simple simple;
	struct link_ack ack;
	struct link_signal signal;
	struct link_mem_want mem_want;
};

_Static_assert(sizeof(struct link_hello) == 96, "link_hello");
_Static_assert(sizeof(struct link_hello_ack) == 40, "link_hello_ack");
_Static_assert(sizeof(struct link_mem_add) == 32, "link_mem_add");
_Static_assert(sizeof(struct link_vp_regs) == 32, "link_vp_regs");
_Static_assert(sizeof(struct link_post) == 256, "link_post");
_Static_assert(sizeof(union link_msg) <= LINK_MAX_MSG, "link_msg");

#endif
