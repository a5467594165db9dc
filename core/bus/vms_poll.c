/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the guest's signals find a channel, and what the
 * host needs to know about the pages it watches.
 *
 * A signal arrives in one of three ways: by connection id (the link maps it
 * with vms_connection_chan(), once, when it is declared); as a bit in the
 * guest-to-host monitor page; or, before 2.4, as a bit in the interrupt page.
 * Bits are taken by an atomic exchange of their word, and are looked up in our
 * own tables: the pages hold nothing that we believe.  A bit without an open
 * channel is dropped; a guest may leave some behind when it closes.
 *
 * Context: control.
 */
#include "bus/vms_priv.h"

struct chan *
vms_connection_chan(struct vms *s, uint32_t conn_id)
{
	struct vms_chan *vc;

	if (conn_id < VMS_EVENT_CONN(0))
		return NULL;
	vc = vms_chan_find(s, conn_id - VMS_EVENT_CONN(0));
	return vc != NULL && vc->declared ? &vc->rc.chan : NULL;
}

/* Take the bits of a word; the plain look keeps an idle page shared. */
static uint32_t
vms_bits_take(le32_t *word)
{
	if (os_ld32(&word->raw) == 0)
		return 0;
	return os_le32(os_xchg32(&word->raw, 0));
}

/* Signal the open channel of a relid. */
static void
vms_poll_hit(struct vms *s, uint32_t relid,
    void (*signal)(void *, struct chan *), void *ctx)
{
	struct vms_chan *vc = vms_chan_find(s, relid);

	if (vc != NULL && vms_chan_is_open(vc))
		signal(ctx, &vc->rc.chan);
}

void
vms_monitor_poll(struct vms *s, void (*signal)(void *, struct chan *),
    void *ctx)
{
	if (s->monitor == NULL)
		return;
	for (uint32_t group = 0; group < SYNIC_MONITOR_GROUPS; group++) {
		uint32_t bits =
		    vms_bits_take(&s->monitor->group[group].pending);

		for (uint32_t i = 0; bits != 0; i++, bits >>= 1)
			if (bits & 1)
				vms_poll_hit(s,
				    s->monitor_relid[group * 32 + i], signal,
				    ctx);
	}
}

void
vms_intpage_poll(struct vms *s, void (*signal)(void *, struct chan *),
    void *ctx)
{
	if (s->intpage == NULL)
		return;
	for (uint32_t word = 0; word < VMS_MAX_CHANNELS / 32; word++) {
		uint32_t bits = vms_bits_take(&s->intpage->to_host[word]);

		for (uint32_t i = 0; bits != 0; i++, bits >>= 1)
			if (bits & 1)
				vms_poll_hit(s, word * 32 + i, signal, ctx);
	}
}

static bool
vms_page_inside(uint64_t page_gpa, uint64_t gpa, uint64_t bytes)
{
	return page_gpa >= gpa && page_gpa - gpa < bytes;
}

static bool
vms_gpadl_inside(const struct vms_gpadl_slot *g, uint64_t gpa, uint64_t bytes)
{
	if (g->state == VMS_GPADL_FILLING)
		return false;
	for (uint32_t i = 0; i < g->gpadl.pages; i++)
		if (vms_page_inside(g->pfns[i] << HV_PAGE_SHIFT, gpa, bytes))
			return true;
	return false;
}

bool
vms_memory_used(const struct vms *s, uint64_t gpa, uint64_t bytes)
{
	if (s->intpage != NULL && vms_page_inside(s->intpage_gpa, gpa, bytes))
		return true;
	if (s->monitor != NULL &&
	    (vms_page_inside(s->monitor_gpa[0], gpa, bytes) ||
	    vms_page_inside(s->monitor_gpa[1], gpa, bytes)))
		return true;
	for (uint32_t i = 0; i < VMS_MAX_GPADLS; i++)
		if (s->gpadl[i] != NULL &&
		    vms_gpadl_inside(s->gpadl[i], gpa, bytes))
			return true;
	return false;
}
