/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that is a process: our NetVSC on virtual processors that are
 * threads, with a TAP device as its network interface.
 */
#ifndef LINUX_GUEST_GUEST_H
#define LINUX_GUEST_GUEST_H

#include <event2/event.h>
#include <jansson.h>

#include "bus/vmc.h"
#include "linux/run/profile.h"
#include "linux/run/thread.h"
#include "vsc/vsc.h"

struct capture_spec;
struct guest;
struct transcript_spec;

#define GUEST_CPU_AUTO	UINT32_MAX

struct guest_config {
	const char *connect;	/* the host's socket; NULL with uio */
	int uio;		/* N of /dev/uioN, instead of a host; or -1 */
	bool uio_interrupt;	/* sleep on its interrupt, do not poll */
	bool no_huge;		/* uio: ordinary pages, virtual addresses */
	const char *name;	/* of the guest; "" */
	const char *nic;	/* wanted NIC; "": any */
	const char *ifname;
	const char *netns;	/* "" : ours */
	uint32_t vps;
	uint64_t memory_bytes;
	/* VP k is thread k; first_cpu GUEST_CPU_AUTO: behind other guests' */
	struct thread_place place;
	/* The VP of channel k is [k modulo channel_vps], of 0 it is VP 0, where
	 * control sends on its ring; 0: round robin. */
	uint32_t channel_vps;
	uint8_t channel_vp[64];
	bool once;		/* end when the host goes, do not wait for it */
	bool coalesce;		/* merge received segments before the TAP */
	enum vmc_signal signal;
	uint32_t adaptive;	/* look at empty rings while it pays; VPs
				 * read it by os_ld32() */
	uint32_t max_vmbus, min_vmbus;
	struct vsc_config vsc;
	const struct transcript_spec *transcript;	/* or NULL: none */
	const struct capture_spec *capture;	/* the same */
};

void guest_config_default(struct guest_config *);
/* Change what the profile is about; the rest stays. */
void guest_profile(struct guest_config *, enum profile);
/* VSC_OFF_* bits of "tso", "txcsum", "rxcsum", "rsc", "vlan", "hash"; 0: no
 * such name. */
uint32_t guest_offload_bits(const char *name);

/*
 * Make interface and threads and begin to attach; returns at once, the rest
 * goes on by itself until guest_stop().  Borrows the configuration for the
 * life of the guest.  NULL with a sentence in err.
 */
struct guest *guest_start(const struct guest_config *, struct event_base *,
    char *err, size_t err_cap);
/* Detach cleanly, end the threads, remove the interface, free. */
void guest_stop(struct guest *);

/* Attached; else `detail` says what is awaited; *told: the user heard it. */
bool guest_attached(struct guest *, char *detail, size_t cap, bool *told);
/* It ended by itself (cfg.once); guest_stop() remains to be called.  Any
 * thread. */
bool guest_stopped(const struct guest *);

#endif
