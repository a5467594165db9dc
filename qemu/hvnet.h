/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hvnet device: Hyper-V's interface for a TCG guest, with the partition
 * protocol behind it.  Private to hw/hvnet in QEMU's tree.
 *
 * Everything here is under QEMU's big lock (BQL) but what says otherwise.
 */
#ifndef HW_HVNET_HVNET_H
#define HW_HVNET_HVNET_H

#include "hw/hyperv/vmbus-bridge.h"
#include "qemu/timer.h"

#include "link_wire.h"

#if QEMU_VERSION_MAJOR < 9
#define bql_lock	qemu_mutex_lock_iothread
#define bql_unlock	qemu_mutex_unlock_iothread
#define bql_locked	qemu_mutex_iothread_locked
#endif

#define HVNET_SINTS		16
#define HVNET_SINT_VMBUS	2

/* Status of a hypercall (Hyper-V TLFS, appendix B). */
#define HV_OK			0x0000
#define HV_INVALID_CODE		0x0002
#define HV_INVALID_INPUT	0x0003
#define HV_INVALID_CONNECTION	0x0012
#define HV_NO_BUFFERS		0x0013

struct hvnet_dev;

/* One virtual processor's SynIC. */
struct hvnet_vp {
	struct hvnet_dev *dev;
	uint32_t index;
	uint32_t apic_id;
	int irq_fd;		/* host writes, the main loop reads */
	int eom_fd;		/* the vCPU writes, host waits */
	uint64_t scontrol;
	uint64_t simp;
	uint64_t siefp;
	uint64_t sint[HVNET_SINTS];	/* read without BQL by the APIC */
	uint64_t assist;
	struct link_vp_regs sent;	/* what the host last heard */
	/* guard.c; owner: the vCPU, but write_seen */
	pthread_t write_thread;
	uint32_t write_turn;	/* odd: writes to an eventfd */
	uint32_t write_seen;	/* owner: the guard */
};

/* A run of guest memory, as MEM_ADD names it. */
struct hvnet_region {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t offset;
	int fd;			/* ours, of the file with these two numbers */
	dev_t dev;
	ino_t ino;
	bool told;		/* the host has it */
	bool want;		/* the machine has it */
};

struct hvnet_dev {
	VMBusBridge parent_obj;

	/* properties */
	char *path;
	char *name;
	char *nic;
	uint32_t nics;
	bool aeoi;

	/* tcg.c */
	uint32_t vps;
	struct hvnet_vp *vp;
	uint64_t guest_os_id;
	uint64_t hypercall;
	QemuThread guard;

	/* device.c */
	MemoryListener listener;
	struct hvnet_region region[LINK_MAX_REGIONS];
	uint32_t regions;
	Notifier exit;

	/* link.c */
	int sock;		/* -1: no host */
	uint32_t seq;
	uint32_t connections;
	uint32_t connection[4];
	QemuMutex signals_lock;	/* inner to the BQL */
	GHashTable *signals;	/* connection id -> hvnet_signal; NULL: no
				 * host */
	uint64_t signals_sent;	/* under signals_lock */
	uint64_t interrupts;
	QEMUTimer *retry;
	bool used;		/* the guest did something since the reset */
	bool complained;
};

#define TYPE_HVNET "hvnet"
DECLARE_INSTANCE_CHECKER(struct hvnet_dev, HVNET, TYPE_HVNET)

/* --- tcg.c: CPUID, MSRs, hypercalls --- */

/* Makes the machine a Hyper-V one; dev->vps virtual processors.  Once. */
void
hvnet_tcg_start(struct hvnet_dev *dev);

/* Every register as after power-on.  Context: machine stopped. */
void
hvnet_tcg_reset(struct hvnet_dev *dev);

/* New eventfds, for a new host.  False: there are none to be had. */
bool
hvnet_tcg_eventfds(struct hvnet_vp *vp);

/* --- guard.c: eventfds that the host shares --- */

/* Starts the thread that hvnet_eventfd_add() relies on.  Once. */
void
hvnet_guard_start(struct hvnet_dev *dev);

/*
 * Adds 1; a full counter is as good.  False: the host had made it wait, for
 * 0.4 s at most.  Context: vp's thread, no BQL, no lock.
 */
bool
hvnet_eventfd_add(struct hvnet_vp *vp, int fd);

/* Takes all there is.  False: there is nothing.  Never waits. */
bool
hvnet_eventfd_take(int fd);

/* True if fd is an eventfd; it then is made non-blocking. */
bool
hvnet_eventfd_ok(int fd);

/* --- device.c --- */

/* Brings the host's idea of memory up to date.  False: the host refused. */
bool
hvnet_memory_tell(struct hvnet_dev *dev);

/* --- link.c: the partition protocol --- */

/* Connects and hands everything over.  False with *errp set: not connected. */
bool
hvnet_link_open(struct hvnet_dev *dev, Error **errp);

/* As hvnet_link_open, later, again and again until a host is there. */
void
hvnet_link_retry(struct hvnet_dev *dev);

/* Ends the connection; orderly: DETACH first. */
void
hvnet_link_close(struct hvnet_dev *dev, bool orderly);

/* One request and its ACK's status, or -1: no host (any more). */
int
hvnet_link_call(struct hvnet_dev *dev, void *msg, size_t len, const int *fds,
    unsigned nfds);

/* VP_REGS, if anything changed since the last.  The vCPU waits. */
void
hvnet_link_regs(struct hvnet_vp *vp);

/* HvPostMessage: a hypercall status. */
uint16_t
hvnet_link_post(struct hvnet_dev *dev, uint32_t connection,
    const uint8_t *payload, uint32_t len);

/*
 * HvSignalEvent: a hypercall status.  Context: vCPU thread, no BQL, which is
 * taken where the id is not known yet.
 */
uint16_t
hvnet_link_signal(struct hvnet_vp *vp, uint32_t connection);

/* hvnet_eventfd_add() was false: the host is let go. */
void
hvnet_link_held(struct hvnet_dev *dev);

#endif
