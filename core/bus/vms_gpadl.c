/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's GPADLs.
 *
 * A GPADL is FILLING from its header until its last body, then checked, mapped
 * and LIVE.  Each reader or writer of its memory holds a use count.  Teardown
 * of one in use is the guest's fault; it asks the device to let go, and if it
 * is still in use the GPADL is DYING: it is not found any more, and the last
 * put sends the answer.  So GPADL_TORNDOWN always means that the memory is the
 * guest's again.
 *
 * Ids are unique in the connection, for a body names nothing else.  Memory is
 * bounded by the number of GPADLs and by their pages; the pages are charged
 * from the header's byte count before a byte is allocated.  A refused GPADL is
 * answered at its header; its bodies, already under way, pass in silence, so
 * that one mistake is one fault.
 *
 * A GPADL may name a channel that was just rescinded: it succeeds, and goes
 * when the guest tears it down or releases the relid (OpenVMM #3959).
 *
 * Context: control.
 */
#include "bus/vms_priv.h"

#define VMS_GPADL_MIN_BYTES	16u	/* a range header and one page number */

static void
vms_gpadl_answer(struct vms *s, uint32_t relid, uint32_t gpadl,
    uint32_t status)
{
	struct vmbus_msg m = { .type = VMBUS_GPADL_CREATED };

	m.gpadl = (struct vmbus_gpadl_result){ .relid = relid, .gpadl = gpadl,
	    .status = status };
	vms_post(s, &m);
}

static void
vms_gpadl_torndown(struct vms *s, uint32_t gpadl)
{
	struct vmbus_msg m = { .type = VMBUS_GPADL_TORNDOWN };

	memset(&m.gpadl, 0, sizeof(m.gpadl));
	m.gpadl.gpadl = gpadl;
	vms_post(s, &m);
}

void
vms_gpadl_refuse(struct vms *s, uint32_t relid, uint32_t gpadl)
{
	vms_gpadl_answer(s, relid, gpadl, VMBUS_STATUS_FAILED);
}

static struct vms_gpadl_slot *
vms_gpadl_find(struct vms *s, uint32_t id)
{
	for (uint32_t i = 0; i < VMS_MAX_GPADLS; i++)
		if (s->gpadl[i] != NULL && s->gpadl[i]->gpadl.id == id)
			return s->gpadl[i];
	return NULL;
}

static void
vms_gpadl_buf_free(struct vms *s, struct vms_gpadl_slot *g)
{
	if (g->as.buf != NULL)
		s->ops->free(s->ctx, g->as.buf, g->as.bytes);
	g->as.buf = NULL;
}

static void
vms_gpadl_drop(struct vms *s, struct vms_gpadl_slot *g)
{
	OS_ASSERT(g->gpadl.users == 0);
	for (uint32_t i = 0; i < VMS_MAX_GPADLS; i++)
		if (s->gpadl[i] == g)
			s->gpadl[i] = NULL;
	s->gpadls--;
	s->gpadl_pages -= g->charge;
	part_unmap_pages(s->part, &g->gpadl.map);
	vms_gpadl_buf_free(s, g);
	if (g->pfns != NULL)
		s->ops->free(s->ctx, g->pfns,
		    (size_t)g->gpadl.pages * sizeof(*g->pfns));
	s->ops->free(s->ctx, g, sizeof(*g));
}

/* An empty place in the table, or NULL. */
static struct vms_gpadl_slot **
vms_gpadl_place(struct vms *s)
{
	for (uint32_t i = 0; i < VMS_MAX_GPADLS; i++)
		if (s->gpadl[i] == NULL)
			return &s->gpadl[i];
	return NULL;
}

/* Check what a header requests; FAULT_NONE if all is well. */
static enum fault
vms_gpadl_header_fault(struct vms *s, const struct vmbus_gpadl_header *m)
{
	if (vms_chan_find(s, m->relid) == NULL)
		return FAULT_VMBUS_RELID;
	if (m->gpadl == 0 || vms_gpadl_find(s, m->gpadl) != NULL)
		return FAULT_GPADL_ID;
	if (m->range_count == 0 || m->range_bytes < VMS_GPADL_MIN_BYTES)
		return FAULT_GPADL_RANGE;
	if (s->gpadls == VMS_MAX_GPADLS ||
	    m->range_bytes / 8u > VMS_MAX_GPADL_PAGES - s->gpadl_pages)
		return FAULT_GPADL_LIMIT;
	return FAULT_NONE;
}

static struct vms_gpadl_slot *
vms_gpadl_new(struct vms *s, const struct vmbus_gpadl_header *m)
{
	struct vms_gpadl_slot **place = vms_gpadl_place(s);
	struct vms_gpadl_slot *g;
	uint8_t *buf;

	if (place == NULL)
		return NULL;
	g = s->ops->alloc(s->ctx, sizeof(*g));
	if (g == NULL)
		return NULL;
	buf = s->ops->alloc(s->ctx, m->range_bytes);
	if (buf == NULL) {
		s->ops->free(s->ctx, g, sizeof(*g));
		return NULL;
	}
	gpadl_asm_init(&g->as, buf, m->range_bytes, m->range_count);
	g->state = VMS_GPADL_FILLING;
	g->gpadl.id = m->gpadl;
	g->gpadl.relid = m->relid;
	g->charge = m->range_bytes / 8u;
	*place = g;
	s->gpadls++;
	s->gpadl_pages += g->charge;
	return g;
}

/* Take page numbers from the complete range buffer, and map them. */
static int
vms_gpadl_map(struct vms *s, struct vms_gpadl_slot *g)
{
	enum fault why = FAULT_NONE;
	int pages = gpadl_asm_check(&g->as, &why);

	if (pages < 0)
		return vms_fault(s, why, g->gpadl.id);
	g->pfns = s->ops->alloc(s->ctx, (size_t)pages * sizeof(*g->pfns));
	if (g->pfns == NULL)
		return E_NOMEM;
	g->gpadl.pages = (uint32_t)pages;
	g->gpadl.pfns = g->pfns;
	gpadl_asm_pfns(&g->as, g->pfns);
	return part_map_pages(s->part, g->pfns, g->gpadl.pages, &g->gpadl.map);
}

/* The last byte is there. */
static int
vms_gpadl_complete(struct vms *s, struct vms_gpadl_slot *g)
{
	uint32_t relid = g->gpadl.relid, id = g->gpadl.id;
	int err = vms_gpadl_map(s, g);

	vms_gpadl_buf_free(s, g);
	if (err < 0) {
		vms_gpadl_drop(s, g);
		vms_gpadl_refuse(s, relid, id);
		return err == E_PEER ? err : 0;
	}
	g->state = VMS_GPADL_LIVE;
	vms_gpadl_answer(s, relid, id, VMBUS_STATUS_OK);
	return 0;
}

/* Answer a failing header, and let the bodies that follow it pass. */
static void
vms_gpadl_header_refuse(struct vms *s, const struct vmbus_gpadl_header *m)
{
	s->refused_gpadl = m->gpadl;
	s->refused_bytes = m->range_bytes > m->part.len ?
	    m->range_bytes - m->part.len : 0;
	vms_gpadl_refuse(s, m->relid, m->gpadl);
}

int
vms_gpadl_header(struct vms *s, const struct vmbus_gpadl_header *m)
{
	enum fault why = vms_gpadl_header_fault(s, m);
	struct vms_gpadl_slot *g;

	if (why != FAULT_NONE) {
		vms_gpadl_header_refuse(s, m);
		return vms_fault(s, why, m->gpadl);
	}
	g = vms_gpadl_new(s, m);
	if (g == NULL) {
		vms_gpadl_header_refuse(s, m);
		return 0;
	}
	if (gpadl_asm_add(&g->as, m->part))
		return vms_gpadl_complete(s, g);
	return 0;
}

/* True for a body of the GPADL that was refused last. */
static bool
vms_gpadl_body_refused(struct vms *s, const struct vmbus_gpadl_body *m)
{
	if (s->refused_bytes == 0 || m->gpadl != s->refused_gpadl)
		return false;
	s->refused_bytes -= min_u32(s->refused_bytes,
	    max_u32(m->part.len, 1));
	return true;
}

int
vms_gpadl_body(struct vms *s, const struct vmbus_gpadl_body *m)
{
	struct vms_gpadl_slot *g;

	if (vms_gpadl_body_refused(s, m))
		return 0;
	g = vms_gpadl_find(s, m->gpadl);
	if (g == NULL || g->state != VMS_GPADL_FILLING)
		return vms_fault(s, FAULT_GPADL_ID, m->gpadl);
	if (gpadl_asm_add(&g->as, m->part))
		return vms_gpadl_complete(s, g);
	return 0;
}

/* The device of a GPADL's channel, or NULL. */
static struct vms_dev *
vms_gpadl_dev(struct vms *s, const struct vms_gpadl_slot *g)
{
	struct vms_chan *vc = vms_chan_find(s, g->gpadl.relid);

	return vc != NULL ? vc->dev : NULL;
}

int
vms_gpadl_teardown(struct vms *s, uint32_t relid, uint32_t gpadl)
{
	struct vms_gpadl_slot *g = vms_gpadl_find(s, gpadl);
	struct vms_dev *dev;

	if (g == NULL || g->gpadl.relid != relid)
		return vms_fault(s, FAULT_GPADL_ID, gpadl);
	if (g->state == VMS_GPADL_DYING)
		return vms_fault(s, FAULT_GPADL_BUSY, gpadl);
	dev = vms_gpadl_dev(s, g);
	if (g->gpadl.users > (g->ring ? 1u : 0u) && dev != NULL)
		(void)dev->ops->gpadl_gone(dev, gpadl);
	if (g->gpadl.users > 0) {
		g->state = VMS_GPADL_DYING;
		return vms_fault(s, FAULT_GPADL_BUSY, gpadl);
	}
	vms_gpadl_drop(s, g);
	vms_gpadl_torndown(s, gpadl);
	return 0;
}

struct vms_gpadl *
vms_gpadl_get(struct vms *s, uint32_t gpadl)
{
	struct vms_gpadl_slot *g = vms_gpadl_find(s, gpadl);

	if (gpadl == 0 || g == NULL || g->state != VMS_GPADL_LIVE)
		return NULL;
	g->gpadl.users++;
	return &g->gpadl;
}

void
vms_gpadl_put(struct vms *s, struct vms_gpadl *gpadl)
{
	struct vms_gpadl_slot *g = CONTAINER_OF(gpadl, struct vms_gpadl_slot,
	    gpadl);
	uint32_t id = gpadl->id;

	OS_ASSERT(gpadl->users > 0);
	gpadl->users--;
	if (gpadl->users != 0 || g->state != VMS_GPADL_DYING)
		return;
	vms_gpadl_drop(s, g);
	vms_gpadl_torndown(s, id);
}

struct vms_gpadl_slot *
vms_gpadl_ring_get(struct vms *s, uint32_t relid, uint32_t gpadl)
{
	struct vms_gpadl_slot *g = vms_gpadl_find(s, gpadl);

	/* A ring is one channel's and nothing else's. */
	if (g == NULL || g->state != VMS_GPADL_LIVE ||
	    g->gpadl.relid != relid || g->gpadl.users != 0)
		return NULL;
	g->gpadl.users = 1;
	g->ring = true;
	return g;
}

void
vms_gpadl_ring_put(struct vms *s, struct vms_gpadl_slot *g)
{
	g->ring = false;
	vms_gpadl_put(s, &g->gpadl);
}

void
vms_gpadls_forget(struct vms *s)
{
	for (uint32_t i = 0; s->gpadls > 0; i++)
		if (s->gpadl[i] != NULL)
			vms_gpadl_drop(s, s->gpadl[i]);
	s->refused_bytes = 0;
}

void
vms_gpadls_forget_relid(struct vms *s, uint32_t relid)
{
	for (uint32_t i = 0; i < VMS_MAX_GPADLS; i++) {
		struct vms_gpadl_slot *g = s->gpadl[i];

		if (g == NULL || g->gpadl.relid != relid)
			continue;
		if (g->gpadl.users == 0) {
			vms_gpadl_drop(s, g);
			continue;
		}
		/* A guest gave one device's memory to another. */
		g->state = VMS_GPADL_DYING;
		vms_fault(s, FAULT_GPADL_BUSY, g->gpadl.id);
	}
}

uint32_t
vms_gpadl_count(const struct vms *s)
{
	return s->gpadls;
}

uint32_t
vms_gpadl_pages(const struct vms *s)
{
	return s->gpadl_pages;
}
