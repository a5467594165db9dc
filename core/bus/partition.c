/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SynIC of one guest, as far as a host end needs it.
 *
 * Messages.  Each virtual processor has one slot for SINT2 and a queue of
 * ours behind it.  A slot belongs to us while its type is 0 and to the guest
 * otherwise.  If it is taken we set the pending bit, so that the guest tells
 * us (EOM) when it has emptied it, and then look at the type again behind a
 * full barrier: the guest may have emptied the slot and read its flags just
 * before our bit arrived, and would then never tell (protocol.md 1.2).
 *
 * Event flags.  A flag is one atomic OR into the guest's page; the guest takes
 * whole words by exchange.  The interrupt is raised on each flag's own change
 * from 0 to 1, not on the word's: a guest may test and clear bit by bit, and
 * would have passed a low bit while a high one is still set.  A flag that is
 * set while the SINT is masked stays in the page in silence; one that is set
 * while there is no page is kept in `missed`.  Both are made up for when
 * registers change, which happens with the guest's workers parked.
 *
 * Context: part_flag_set() any thread, all else control.
 */
#include "bus/partition.h"
#include "wire/vmbus_msg.h"

#define X(name, text) COUNTER_ROW(part_counters, name, text)
COUNTER_TABLE(part_counters, PART_COUNTERS(X));
#undef X

/* A host mapping is described in 32 bits. */
#define PART_MAP_MAX_PAGES	(0x80000000u >> HV_PAGE_SHIFT)
/* No page number past 2^52 bytes; see guestmem.c. */
#define PART_PFN_LIMIT		(1ull << (52 - HV_PAGE_SHIFT))

void
part_init(struct partition *p, const struct part_ops *ops, void *ctx,
    uint32_t vps, struct part_msg *queue_mem)
{
	OS_ASSERT(vps >= 1 && vps <= PART_MAX_VPS);
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	p->ctx = ctx;
	p->vps = vps;
	for (uint32_t i = 0; i < vps; i++)
		p->vp[i].queue = queue_mem + (size_t)i * PART_MSG_QUEUE;
}

void
part_reset(struct partition *p)
{
	for (uint32_t i = 0; i < p->vps; i++) {
		struct part_vp *v = &p->vp[i];

		memset(&v->regs, 0, sizeof(v->regs));
		memset(v->missed, 0, sizeof(v->missed));
		v->head = v->count = 0;
	}
}

static void
part_interrupt(struct partition *p, uint32_t vp)
{
	const struct part_vp_regs *r = &p->vp[vp].regs;

	if (!r->scontrol || r->sint_masked)
		return;
	os_add64(&p->counters.interrupts, 1);
	p->ops->interrupt(p, vp);
}

static struct synic_slot_wire *
part_slot(const struct part_vp *v)
{
	struct synic_simp_wire *page = v->regs.simp;

	if (!v->regs.scontrol || page == NULL)
		return NULL;
	return &page->slot[VMBUS_SINT];
}

static bool
part_slot_taken(struct synic_slot_wire *slot)
{
	return os_ld32_acq(&slot->type.raw) != os_le32(SYNIC_MSG_NONE);
}

/*
 * payload_len, flags and rsvd as the one aligned word that they are: the guest
 * reads its flags after it has given the slot back, while we may fill it.
 */
static uint32_t *
part_slot_head(struct synic_slot_wire *slot)
{
	return (uint32_t *)(void *)&slot->payload_len;
}

static uint32_t
part_slot_head_put(uint8_t len, uint8_t flags)
{
	return os_le32((uint32_t)flags << 8 | len);
}

/* Request an EOM; true if the slot is still taken after that. */
static bool
part_slot_wait(struct synic_slot_wire *slot)
{
	os_or32(part_slot_head(slot),
	    part_slot_head_put(0, SYNIC_MSG_F_PENDING));
	os_mb();
	return part_slot_taken(slot);
}

static void
part_slot_write(struct synic_slot_wire *slot, const struct part_msg *m,
    bool more)
{
	os_st32(part_slot_head(slot),
	    part_slot_head_put(m->len, more ? SYNIC_MSG_F_PENDING : 0));
	slot->origin = le64_put(0);
	memcpy(slot->payload, m->payload, m->len);
	os_st32_rel(&slot->type.raw, os_le32(SYNIC_MSG_CHANNEL));
}

/* Move queued messages into the slot as long as it is free. */
static void
part_deliver(struct partition *p, uint32_t vp)
{
	struct part_vp *v = &p->vp[vp];
	struct synic_slot_wire *slot = part_slot(v);

	while (slot != NULL && v->count > 0) {
		if (part_slot_taken(slot) && part_slot_wait(slot)) {
			counter_add(&p->counters.messages_busy, 1);
			return;
		}
		part_slot_write(slot, &v->queue[v->head], v->count > 1);
		v->head = (v->head + 1) % PART_MSG_QUEUE;
		v->count--;
		counter_add(&p->counters.messages_out, 1);
		part_interrupt(p, vp);
	}
}

int
part_post_message(struct partition *p, uint32_t vp, const void *msg,
    uint32_t len)
{
	struct part_vp *v;
	struct part_msg *m;

	OS_ASSERT(len <= VMBUS_MSG_MAX);
	if (vp >= p->vps)
		return E_STATE;
	v = &p->vp[vp];
	if (v->count == PART_MSG_QUEUE) {
		counter_add(&p->counters.messages_lost, 1);
		return E_NOMEM;
	}
	m = &v->queue[(v->head + v->count) % PART_MSG_QUEUE];
	m->len = (uint8_t)len;
	memcpy(m->payload, msg, len);
	v->count++;
	part_deliver(p, vp);
	return 0;
}

void
part_messages_drop(struct partition *p)
{
	for (uint32_t i = 0; i < p->vps; i++)
		p->vp[i].head = p->vp[i].count = 0;
}

void
part_eom(struct partition *p, uint32_t vp)
{
	if (vp < p->vps)
		part_deliver(p, vp);
}

static uint32_t *
part_flag_word(const struct part_vp *v, uint32_t word)
{
	struct synic_siefp_wire *page = v->regs.siefp;

	return &page->sint[VMBUS_SINT].word[word].raw;
}

bool
part_flag_set(struct partition *p, uint32_t vp, uint32_t flag)
{
	uint32_t word = flag / 32, bit = os_le32(1u << flag % 32);
	struct part_vp *v;

	OS_ASSERT(vp < p->vps && flag < SYNIC_FLAGS);
	v = &p->vp[vp];
	if (v->regs.siefp == NULL) {
		os_or32(&v->missed[word], bit);
		return false;
	}
	if (os_or32(part_flag_word(v, word), bit) & bit) {
		os_add64(&p->counters.interrupts_saved, 1);
		return false;
	}
	if (!v->regs.scontrol || v->regs.sint_masked)
		return false;
	part_interrupt(p, vp);
	return true;
}

/* Put missed flags where they belong; true if any flag is set now. */
static bool
part_flags_scan(struct part_vp *v)
{
	uint32_t any = 0;

	if (v->regs.siefp == NULL)
		return false;
	for (uint32_t i = 0; i < SYNIC_FLAG_WORDS; i++) {
		uint32_t *word = part_flag_word(v, i);

		if (os_ld32(&v->missed[i]) != 0)
			os_or32(word, os_xchg32(&v->missed[i], 0));
		any |= os_ld32(word);
	}
	return any != 0;
}

void
part_vp_set_regs(struct partition *p, uint32_t vp,
    const struct part_vp_regs *regs)
{
	struct part_vp *v;
	struct synic_slot_wire *slot;

	OS_ASSERT(vp < p->vps);
	v = &p->vp[vp];
	v->regs = *regs;
	slot = part_slot(v);
	if (part_flags_scan(v) || (slot != NULL && part_slot_taken(slot)))
		part_interrupt(p, vp);
	part_deliver(p, vp);
}

/* Consecutive page numbers: a candidate for one run. */
static bool
part_pfns_run(const uint64_t *pfns, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		if (pfns[i] != pfns[0] + i)
			return false;
	return true;
}

int
part_map_pages(struct partition *p, const uint64_t *pfns, uint32_t count,
    struct part_map *out)
{
	memset(out, 0, sizeof(*out));
	if (count == 0 || count > PART_MAP_MAX_PAGES)
		return E_NOMEM;
	for (uint32_t i = 0; i < count; i++)
		if (pfns[i] >= PART_PFN_LIMIT ||
		    guestmem_find(&p->mem, pfns[i] << HV_PAGE_SHIFT) == NULL)
			return fault_note(&p->faults, FAULT_GPA_UNMAPPED,
			    pfns[i]);
	if (part_pfns_run(pfns, count)) {
		uint32_t bytes = count << HV_PAGE_SHIFT;

		out->va = guestmem_ptr(&p->mem, pfns[0] << HV_PAGE_SHIFT,
		    bytes);
		if (out->va != NULL) {
			out->bytes = bytes;
			out->direct = true;
			return 0;
		}
	}
	if (p->ops->map_pages == NULL)
		return E_NOMEM;
	return p->ops->map_pages(p, pfns, count, out);
}

void
part_unmap_pages(struct partition *p, struct part_map *map)
{
	if (map->va != NULL && !map->direct)
		p->ops->unmap_pages(p, map);
	memset(map, 0, sizeof(*map));
}
