/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest side of the partition protocol, for a guest that is a process.
 *
 * It owns the guest's memory (one sealed memfd), the SynIC pages of each
 * virtual processor and the eventfds.  Context: the control context of the
 * guest, except link_guest_signal(), link_guest_eom() and the interrupt
 * descriptors, which belong to each virtual processor's thread.
 */
#ifndef LINUX_LINK_LINK_GUEST_H
#define LINUX_LINK_LINK_GUEST_H

#include "bus/chan.h"
#include "linux/link/link_wire.h"

struct link_guest;

struct link_guest_config {
	const char *path;	/* of the host's socket */
	const char *name;	/* of this guest, may be "" */
	const char *nic;	/* wanted, may be "" */
	uint32_t kind;		/* enum link_kind */
	uint32_t max_nics;
	uint32_t vps;
	uint64_t memory_bytes;	/* of address space; touched pages cost */
	uint64_t gpa_base;	/* of that memory; 0: above 4 GiB */
	uint32_t timeout_ms;	/* of link_guest_open(); 0: 5 s */
	/*
	 * Asked several times a second while an answer of the host is waited
	 * for, for the life of the link: false ends the wait.  May be NULL.
	 */
	bool (*go_on)(void *ctx);
	void *ctx;
};

/*
 * Connect, say HELLO, hand over memory, VPs and SynIC pages.  0, or -errno
 * with a sentence in err (-ECONNREFUSED, -ENOENT: no host there;
 * -ECONNABORTED: the host refused, the text says why; -ETIMEDOUT,
 * -ECANCELED: it did not answer until then).  Blocks, timeout_ms at most.
 */
int link_guest_open(const struct link_guest_config *, struct link_guest **,
    char *err, size_t err_cap);
/* Tell the host (unless it is gone) and free everything.  Blocks, 5 s at most
 * and while go_on() says so. */
void link_guest_close(struct link_guest *);

/* Readable: call link_guest_poll(). */
int link_guest_fd(const struct link_guest *);
/*
 * Take what the host sent.  0; -EPIPE: the host is gone; -ECONNABORTED: it sent
 * BYE; -EPROTO: it broke the protocol, or sends without end.
 */
int link_guest_poll(struct link_guest *);

/* Readable when VP vp has an interrupt.  Wait edge-triggered, never read. */
int link_guest_interrupt_fd(const struct link_guest *, uint32_t vp);
void *link_guest_simp(const struct link_guest *, uint32_t vp);
void *link_guest_siefp(const struct link_guest *, uint32_t vp);

/* Guest memory, zeroed, contiguous: 0 or E_NOMEM. */
int link_guest_mem_alloc(struct link_guest *, uint32_t bytes,
    struct chan_mem *out);
void link_guest_mem_free(struct link_guest *, struct chan_mem *);
/* Where [gpa, gpa + len) of it lies, or NULL.  Any thread. */
uint8_t *link_guest_mem_find(const struct link_guest *, uint64_t gpa,
    uint32_t len);
/* Bytes handed out now. */
uint64_t link_guest_mem_used(const struct link_guest *);

/*
 * Hand the host a region besides: `bytes` of a file from offset on.  0, a
 * link_status (see link_status_text()), or -errno.  Borrows fd.
 */
int link_guest_region_add(struct link_guest *, uint64_t gpa, uint64_t bytes,
    int fd, uint64_t offset);
/* Take back the region that starts at gpa; errors as above. */
int link_guest_region_del(struct link_guest *, uint64_t gpa);
/* Next address that the host requests and no region holds; false: none. */
bool link_guest_want(struct link_guest *, uint64_t *gpa);

/* HvPostMessage: 0, E_AGAIN, E_NOTSUP (no such connection), E_GONE. */
int link_guest_post(struct link_guest *, uint32_t connection, const void *msg,
    uint32_t len);
/* HvSignalEvent.  Any thread.  Unknown connections are ignored. */
void link_guest_signal(struct link_guest *, uint32_t connection);
void link_guest_eom(struct link_guest *, uint32_t vp);

#endif
