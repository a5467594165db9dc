/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rig for tests of the VMBus server: a partition whose link is this file.
 *
 * Guest memory is a memfd of RIG_PAGES pages from GPA 0, so that scattered
 * pages can be mapped a second time and both views agree.  Messages are given
 * and expected as golden bytes in hexadecimal; blanks are ignored.
 */
#ifndef TESTS_UNIT_VMS_RIG_H
#define TESTS_UNIT_VMS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/partition.h"
#include "bus/vms.h"
#include "os_block.h"
#include "wire/vmbus_gpadl.h"
#include "wire/vmbus_msg.h"

#define RIG_VPS		4u
#ifndef RIG_PAGES
#define RIG_PAGES	8192u
#endif
#define RIG_SIMP(vp)	(0x10u + (vp))	/* page numbers */
#define RIG_SIEFP(vp)	(0x20u + (vp))
#define RIG_LOG		1024u

struct rig {
	struct partition part;
	struct vms *vms;
	uint8_t *mem;
	int fd;
	uint64_t interrupts[RIG_VPS];
	uint32_t conns[RIG_LOG];	/* declared now */
	uint32_t conn_count;
	uint32_t posted_at_add;	/* messages posted when the last was added */
	uint64_t out_posted;
	int fail_add;		/* fail connection_add when it counts to 0 */
	int fail_alloc;		/* fail alloc when it counts to 0 */
	size_t allocated;
	int mapped;
	/* the device */
	struct vms_dev dev;
	struct chan *open[VMS_MAX_CHANNELS];	/* by subindex */
	uint32_t opens, closes;
	int open_result;
	bool let_go;
	struct vms_gpadl *held;
	char order[64];		/* 'o' and 'c' with the subindex */
	uint32_t gone;
	/* last: none is read before it was written */
	struct part_msg queue[RIG_VPS * PART_MSG_QUEUE];
};

static inline struct rig *
rig_of(struct partition *p)
{
	return p->ctx;
}

static inline void
rig_interrupt(struct partition *p, uint32_t vp)
{
	__atomic_add_fetch(&rig_of(p)->interrupts[vp], 1, __ATOMIC_RELAXED);
}

static inline int
rig_connection_add(struct partition *p, uint32_t conn_id, struct chan *chan)
{
	struct rig *r = rig_of(p);

	if (r->fail_add > 0 && --r->fail_add == 0)
		return E_NOMEM;
	assert_true(r->conn_count < RIG_LOG);
	r->conns[r->conn_count++] = conn_id;
	r->posted_at_add = (uint32_t)r->out_posted;
	return 0;
}

static inline void
rig_connection_remove(struct partition *p, uint32_t conn_id)
{
	struct rig *r = rig_of(p);

	for (uint32_t i = 0; i < r->conn_count; i++) {
		if (r->conns[i] != conn_id)
			continue;
		r->conns[i] = r->conns[--r->conn_count];
		return;
	}
	fail_msg("connection %#x was not declared", conn_id);
}

static inline bool
rig_conn_declared(const struct rig *r, uint32_t conn_id)
{
	for (uint32_t i = 0; i < r->conn_count; i++)
		if (r->conns[i] == conn_id)
			return true;
	return false;
}

static inline int
rig_map_pages(struct partition *p, const uint64_t *pfns, uint32_t count,
    struct part_map *out)
{
	struct rig *r = rig_of(p);
	uint8_t *va = mmap(NULL, (size_t)count << 12, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(va, MAP_FAILED);
	for (uint32_t i = 0; i < count; i++)
		assert_ptr_not_equal(mmap(va + ((size_t)i << 12), 4096,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r->fd,
		    (off_t)(pfns[i] << 12)), MAP_FAILED);
	out->va = va;
	out->bytes = count << 12;
	r->mapped++;
	return 0;
}

static inline void
rig_unmap_pages(struct partition *p, struct part_map *map)
{
	assert_int_equal(munmap(map->va, map->bytes), 0);
	rig_of(p)->mapped--;
}

static const struct part_ops rig_part_ops = {
	.interrupt = rig_interrupt,
	.connection_add = rig_connection_add,
	.connection_remove = rig_connection_remove,
	.map_pages = rig_map_pages,
	.unmap_pages = rig_unmap_pages,
};

static inline void *
rig_alloc(void *ctx, size_t bytes)
{
	struct rig *r = ctx;

	if (r->fail_alloc > 0 && --r->fail_alloc == 0)
		return NULL;
	r->allocated += bytes;
	return os_block_zeroed(bytes);
}

static inline void
rig_free(void *ctx, void *p, size_t bytes)
{
	((struct rig *)ctx)->allocated -= bytes;
	free(p);
}

static inline void
rig_trace(void *ctx, bool to_guest, struct span msg)
{
	if (to_guest)
		((struct rig *)ctx)->out_posted++;
}

static const struct vms_ops rig_vms_ops = {
	.alloc = rig_alloc, .free = rig_free, .trace = rig_trace,
};

static inline struct rig *
rig_of_dev(struct vms_dev *d)
{
	return CONTAINER_OF(d, struct rig, dev);
}

static inline void
rig_order(struct rig *r, char what, uint32_t subindex)
{
	size_t n = strlen(r->order);

	if (n + 3 > sizeof(r->order))
		return;
	r->order[n] = what;
	r->order[n + 1] = (char)('0' + subindex);
}

static inline int
rig_dev_open(struct vms_dev *d, struct chan *c)
{
	struct rig *r = rig_of_dev(d);

	if (r->open_result < 0)
		return r->open_result;
	r->open[c->subindex] = c;
	r->opens++;
	rig_order(r, 'o', c->subindex);
	return 0;
}

static inline void
rig_dev_close(struct vms_dev *d, struct chan *c)
{
	struct rig *r = rig_of_dev(d);

	assert_ptr_equal(r->open[c->subindex], c);
	r->open[c->subindex] = NULL;
	r->closes++;
	rig_order(r, 'c', c->subindex);
	if (c->subindex == 0 && r->held != NULL) {
		vms_gpadl_put(r->vms, r->held);
		r->held = NULL;
	}
}

static inline bool
rig_dev_gpadl_gone(struct vms_dev *d, uint32_t gpadl)
{
	struct rig *r = rig_of_dev(d);

	if (!r->let_go || r->held == NULL || r->held->id != gpadl)
		return false;
	vms_gpadl_put(r->vms, r->held);
	r->held = NULL;
	return true;
}

static inline void
rig_dev_gone(struct vms_dev *d)
{
	assert_null(d->vms);
	if (d->instance.b[0] == 0xa1)
		rig_of_dev(d)->gone++;
}

static const struct vms_dev_ops rig_dev_ops = {
	.open = rig_dev_open, .close = rig_dev_close,
	.gpadl_gone = rig_dev_gpadl_gone, .gone = rig_dev_gone,
};

static inline void *
rig_page(struct rig *r, uint64_t pfn)
{
	assert_true(pfn < RIG_PAGES);
	return r->mem + (pfn << 12);
}

static inline void
rig_regs(struct rig *r, uint32_t vp)
{
	struct part_vp_regs regs = { .scontrol = true,
	    .simp = rig_page(r, RIG_SIMP(vp)),
	    .siefp = rig_page(r, RIG_SIEFP(vp)) };

	part_vp_set_regs(&r->part, vp, &regs);
}

/* A device that is "NIC" in type and counts up in its instance. */
static inline void
rig_dev_init(struct vms_dev *d, uint8_t instance)
{
	memset(d, 0, sizeof(*d));
	d->ops = &rig_dev_ops;
	memcpy(d->type.b, "\x63\x51\x61\xf8\x3e\xdf\xc5\x46"
	    "\x91\x3f\xf2\xd2\xf9\x65\xed\x0e", 16);
	memset(d->instance.b, instance, 16);
	d->user_data[0] = 0x75;
}

/*
 * A rig and its guest memory, all zero; a fuzz target keeps both from one rig
 * to the next (RIG_KEEPS_MEMORY).
 */
static inline struct rig *
rig_zeroed(void)
{
#ifdef RIG_KEEPS_MEMORY
	static struct rig rig;

	return memset(&rig, 0, offsetof(struct rig, queue));
#else
	return calloc(1, sizeof(struct rig));
#endif
}

static inline void
rig_memory(struct rig *r)
{
#ifdef RIG_KEEPS_MEMORY
	static int fd = -1;
	static uint8_t *mem;

	if (fd >= 0) {
		r->fd = fd;
		r->mem = memset(mem, 0, RIG_PAGES << 12);
		return;
	}
#endif
	r->fd = memfd_create("rig", 0);
	assert_true(r->fd >= 0);
	assert_int_equal(ftruncate(r->fd, RIG_PAGES << 12), 0);
	r->mem = mmap(NULL, RIG_PAGES << 12, PROT_READ | PROT_WRITE,
	    MAP_SHARED, r->fd, 0);
	assert_ptr_not_equal(r->mem, MAP_FAILED);
#ifdef RIG_KEEPS_MEMORY
	fd = r->fd;
	mem = r->mem;
#endif
}

static inline struct rig *
rig_new(const struct vms_config *cfg)
{
	struct rig *r = rig_zeroed();
	struct gpa_region all = { .gpa = 0, .bytes = RIG_PAGES << 12 };

	assert_non_null(r);
	rig_memory(r);
	part_init(&r->part, &rig_part_ops, r, RIG_VPS, r->queue);
	all.va = r->mem;
	assert_int_equal(guestmem_add(&r->part.mem, &all), 0);
	for (uint32_t vp = 0; vp < RIG_VPS; vp++)
		rig_regs(r, vp);
	r->vms = vms_create(&r->part, cfg, &rig_vms_ops, r);
	assert_non_null(r->vms);
	rig_dev_init(&r->dev, 0xa1);
	return r;
}

/* Everything must be back: memory, connections, mappings. */
static inline void
rig_delete(struct rig *r)
{
	vms_destroy(r->vms);
	assert_int_equal(r->allocated, 0);
	assert_int_equal(r->conn_count, 0);
	assert_int_equal(r->mapped, 0);
	assert_int_equal(r->opens, r->closes);
#ifndef RIG_KEEPS_MEMORY
	munmap(r->mem, RIG_PAGES << 12);
	close(r->fd);
	free(r);
#endif
}

static inline uint32_t
rig_hex(const char *text, uint8_t *buf)
{
	uint32_t n = 0;

	while (*text != '\0') {
		char two[3] = { text[0], text[1], '\0' };

		if (*text == ' ') {
			text++;
			continue;
		}
		assert_true(n < VMBUS_MSG_MAX);
		buf[n++] = (uint8_t)strtoul(two, NULL, 16);
		text += 2;
	}
	return n;
}

/* Post a message of the guest, padded with zeros to len (0: as it is). */
static inline int
rig_post_on(struct rig *r, uint32_t conn, const char *hex, uint32_t len)
{
	uint8_t buf[VMBUS_MSG_MAX] = { 0 };
	uint32_t n = rig_hex(hex, buf);

	/* An exact allocation, so that a sanitizer sees any overrun. */
	n = max_u32(n, len);
	uint8_t *exact = malloc(n);
	assert_non_null(exact);
	memcpy(exact, buf, n);
	int err = vms_message(r->vms, conn, (struct span){ exact, n });
	free(exact);
	return err;
}

static inline int
rig_post(struct rig *r, const char *hex)
{
	return rig_post_on(r, 1, hex, 0);
}

/* Take the message in the slot of a VP as a guest does; 0: none. */
static inline uint32_t
rig_take(struct rig *r, uint32_t vp, uint8_t buf[VMBUS_MSG_MAX])
{
	struct synic_simp_wire *page = rig_page(r, RIG_SIMP(vp));
	struct synic_slot_wire *slot = &page->slot[2];
	uint32_t len;

	if (os_ld32_acq(&slot->type.raw) == 0)
		return 0;
	assert_int_equal(le32_get(slot->type), 1);
	len = slot->payload_len;
	memcpy(buf, slot->payload, len);
	os_st32_rel(&slot->type.raw, 0);
	os_mb();
	if (slot->flags & 1)
		part_eom(&r->part, vp);
	return len;
}

/* The next message of a VP is exactly this, zeros behind up to len. */
#define rig_expect_on(r, vp, hex, len) do {				\
	uint8_t got_[VMBUS_MSG_MAX], want_[VMBUS_MSG_MAX] = { 0 };	\
	uint32_t want_len_ = max_u32(rig_hex(hex, want_), len);		\
	assert_int_equal(rig_take(r, vp, got_), want_len_);		\
	assert_memory_equal(got_, want_, want_len_);			\
} while (0)
#define rig_expect(r, hex)	rig_expect_on(r, 0, hex, 0)
#define rig_expect_none(r) do {						\
	uint8_t none_[VMBUS_MSG_MAX];					\
	for (uint32_t vp_ = 0; vp_ < RIG_VPS; vp_++)			\
		assert_int_equal(rig_take(r, vp_, none_), 0);		\
} while (0)

/* The fault was noted once since the last call, and no other. */
#define rig_expect_fault(r, why) do {					\
	assert_int_equal((r)->part.faults.total, 1);			\
	assert_string_equal(fault_name((r)->part.faults.last),		\
	    fault_name(why));						\
	memset(&(r)->part.faults, 0, sizeof((r)->part.faults));		\
} while (0)
#define rig_expect_no_fault(r)						\
	assert_int_equal((r)->part.faults.total, 0)

/* Connect with 5.3 on message connection 4, and take the offers. */
static inline void
rig_connect(struct rig *r)
{
	uint8_t buf[VMBUS_MSG_MAX];

	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 03000500 00000000 0200", 40), 0);
	rig_expect(r, "0f000000 00000000 0100 0000 04000000");
	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	while (rig_take(r, 0, buf) == 196)
		;
	assert_int_equal(buf[0], VMBUS_ALL_OFFERS_DELIVERED);
}

/*
 * A guest of some version: its pages are 0x30 (interrupts), 0x31 and 0x32
 * (monitor).  Offers are taken.
 */
static inline void
rig_connect_version(struct rig *r, uint32_t version)
{
	struct vmbus_msg m = { .type = VMBUS_INITIATE_CONTACT };
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t n;

	memset(&m.contact, 0, sizeof(m.contact));
	m.contact.version = version;
	m.contact.sint = 2;
	if (version < VMBUS_V5_0)
		m.contact.interrupt_gpa = 0x30000;
	m.contact.monitor_to_guest = 0x31000;
	m.contact.monitor_to_host = 0x32000;
	n = vmbus_msg_encode(&m, buf);
	assert_int_equal(vms_message(r->vms, version >= VMBUS_V5_0 ? 4 : 1,
	    (struct span){ buf, n }), 0);
	assert_true(rig_take(r, 0, buf) >= 16);
	assert_int_equal(buf[0], VMBUS_VERSION_RESPONSE);
	assert_int_equal(buf[8], 1);
	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	while (rig_take(r, 0, buf) == 196)
		;
	assert_int_equal(buf[0], VMBUS_ALL_OFFERS_DELIVERED);
}

/*
 * A GPADL of `pages` contiguous pages from pfn, in as many messages as it
 * takes; the reply is not taken.
 */
static inline int
rig_gpadl(struct rig *r, uint32_t relid, uint32_t gpadl, uint64_t pfn,
    uint32_t pages)
{
	struct vmbus_gpadl_src src = { .bytes = pages << 12, .first_pfn = pfn };
	uint8_t buf[VMBUS_MSG_MAX];
	int err = 0;

	for (uint32_t i = 0; err == 0; i++) {
		uint32_t n = vmbus_gpadl_message(&src, 1, relid, gpadl, i, buf);

		if (n == 0)
			break;
		err = vms_message(r->vms, 1, (struct span){ buf, n });
	}
	return err;
}

#endif
