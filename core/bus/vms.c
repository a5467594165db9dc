/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMBus server, connection and dispatch.
 *
 * A connection is either there (version != 0) or not.  INITIATE_CONTACT ends
 * whatever was there and begins a new one, at any time, so that a boot loader
 * or a crashed kernel need not unload; UNLOAD, and the link's vms_reset(), end
 * it.  Ending means: every channel closed (the device sees close()), every
 * GPADL unmapped, sub-channels and revoked channels freed, messages that no
 * slot has taken dropped.  The primaries of offered devices stay, relid and
 * all, for the next guest; those of rescinded ones do not.
 *
 *	none  --INITIATE_CONTACT, version accepted-->  connected
 *	connected  --REQUEST_OFFERS-->  offers go out, later ones at once
 *	connected  --INITIATE_CONTACT, UNLOAD, vms_reset()-->  none
 *
 * Each message is decoded once, by vmbus_msg_decode(), and handled to its end
 * before the call returns; the handlers are split by subject (vms_offer.c,
 * vms_gpadl.c, vms_chan.c).  Each of them calls only vms_post.c and those named
 * before it, never this file.  Each fault of a guest goes to the partition's
 * fault log.  Where the protocol has an answer, the guest gets a failure: it
 * never waits for a reply that does not come.
 *
 * Context: control, one thread at a time.  Only vms_chan_signal() (vms_chan.c)
 * runs on a channel's owner.
 */
#include "bus/vms_priv.h"

static uint32_t
vms_max_version(const struct vms *s)
{
	return s->cfg.max_version != 0 ? s->cfg.max_version : VMBUS_V6_0;
}

struct vms *
vms_create(struct partition *part, const struct vms_config *cfg,
    const struct vms_ops *ops, void *ctx)
{
	struct vms *s = ops->alloc(ctx, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->part = part;
	s->cfg = *cfg;
	s->ops = ops;
	s->ctx = ctx;
	return s;
}

void
vms_destroy(struct vms *s)
{
	vms_reset(s);
	while (s->devs != NULL)
		vms_dev_rescind(s, s->devs);
	s->ops->free(s->ctx, s, sizeof(*s));
}

void
vms_reset(struct vms *s)
{
	/* First, so that closing posts nothing to a guest that is gone. */
	s->version = 0;
	vms_chans_close(s);
	vms_gpadls_forget(s);
	vms_chans_forget(s);
	if (s->shared_conn)
		s->part->ops->connection_remove(s->part, VMBUS_CONN_EVENT);
	s->shared_conn = false;
	s->offers_sent = false;
	s->msg_vp = 0;
	s->intpage = NULL;
	s->monitor = NULL;
	s->intpage_gpa = 0;
	memset(s->monitor_gpa, 0, sizeof(s->monitor_gpa));
	memset(s->monitor_relid, 0, sizeof(s->monitor_relid));
	part_messages_drop(s->part);
}

struct partition *
vms_partition(const struct vms *s)
{
	return s->part;
}

uint32_t
vms_version(const struct vms *s)
{
	return s->version;
}

/* A whole page of guest memory by its address, or NULL. */
static void *
vms_page(struct vms *s, uint64_t gpa)
{
	if (gpa % HV_PAGE_SIZE != 0)
		return NULL;
	return guestmem_ptr(&s->part->mem, gpa, HV_PAGE_SIZE);
}

static int
vms_contact_pages(struct vms *s, const struct vmbus_contact *m)
{
	bool guest = m->monitor_to_guest != 0, host = m->monitor_to_host != 0;

	if (guest != host)
		return vms_fault(s, FAULT_VMBUS_MONITOR, 0);
	if (host) {
		if (vms_page(s, m->monitor_to_guest) == NULL)
			return vms_fault(s, FAULT_VMBUS_MONITOR,
			    m->monitor_to_guest);
		s->monitor = vms_page(s, m->monitor_to_host);
		if (s->monitor == NULL)
			return vms_fault(s, FAULT_VMBUS_MONITOR,
			    m->monitor_to_host);
		s->monitor_gpa[0] = m->monitor_to_guest;
		s->monitor_gpa[1] = m->monitor_to_host;
	}
	if (m->version < VMBUS_V2_4) {
		s->intpage = vms_page(s, m->interrupt_gpa);
		if (s->intpage == NULL)
			return vms_fault(s, FAULT_GPA_UNMAPPED,
			    m->interrupt_gpa);
		s->intpage_gpa = m->interrupt_gpa;
	}
	return 0;
}

/* Everything but the version, which is no fault to get wrong. */
static int
vms_contact_accept(struct vms *s, const struct vmbus_contact *m)
{
	int err;

	if (m->target_vp >= s->part->vps)
		return vms_fault(s, FAULT_VMBUS_VP, m->target_vp);
	s->msg_vp = m->target_vp;
	if (m->version >= VMBUS_V5_0 && (m->sint != VMBUS_SINT || m->vtl != 0))
		return vms_fault(s, FAULT_VMBUS_STATE, m->sint);
	err = vms_contact_pages(s, m);
	if (err < 0)
		return err;
	if (m->version < VMBUS_V2_4) {
		err = s->part->ops->connection_add(s->part, VMBUS_CONN_EVENT,
		    NULL);
		if (err < 0)
			return err;
		s->shared_conn = true;
	}
	return 0;
}

static int
vms_contact(struct vms *s, const struct vmbus_contact *m)
{
	struct vmbus_msg r = { .type = VMBUS_VERSION_RESPONSE };
	uint32_t vp = m->target_vp < s->part->vps ? m->target_vp : 0;
	int err = 0;

	vms_reset(s);
	memset(&r.version, 0, sizeof(r.version));
	if (vmbus_version_known(m->version) &&
	    m->version <= vms_max_version(s)) {
		err = vms_contact_accept(s, m);
		if (err < 0) {
			vms_reset(s);
			r.version.state = err == E_NOMEM ?
			    VMBUS_CONN_LOW_RESOURCES : VMBUS_CONN_FAILED;
		} else {
			s->version = m->version;
			r.version.supported = true;
			r.version.selected = m->version >= VMBUS_V5_0 ?
			    VMS_MSG_CONN : m->version;
			/* No feature flag is granted: features stays 0. */
			r.version.has_features = m->version >= VMBUS_V6_0;
		}
	}
	vms_post_vp(s, vp, &r);
	return err == E_PEER ? err : 0;
}

/*
 * Ends the connection; a guest without one that asks gets its answer too.
 * UNLOAD_COMPLETE exists from 1.1 on.  Under 0.13 drivers of later days send
 * UNLOAD all the same, and it can mean but one thing.
 */
static int
vms_unload(struct vms *s)
{
	const struct vmbus_msg r = { .type = VMBUS_UNLOAD_COMPLETE };
	uint32_t version = s->version, vp = s->msg_vp;

	vms_reset(s);
	if (version == 0 || version >= VMBUS_V1_1)
		vms_post_vp(s, vp, &r);
	return 0;
}

/* Hyper-V sockets: none here. */
static int
vms_tl_connect(struct vms *s, const struct vmbus_tl_connect *m)
{
	struct vmbus_msg r = { .type = VMBUS_TL_CONNECT_RESULT };

	r.tl_result = (struct vmbus_tl_result){ .endpoint = m->endpoint,
	    .service = m->service, .status = VMBUS_STATUS_REFUSED };
	if (s->version >= VMBUS_V4_1)
		vms_post(s, &r);
	return 0;
}

/* No channel is reserved here, but who closes one waits for an answer. */
static int
vms_close_reserved(struct vms *s, const struct vmbus_reserved *m)
{
	struct vmbus_msg r = { .type = VMBUS_CLOSE_RESERVED_RESPONSE };

	r.relid = m->relid;
	if (m->sint == VMBUS_SINT && m->target_vp < s->part->vps)
		vms_post_vp(s, m->target_vp, &r);
	return vms_fault(s, FAULT_VMBUS_RELID, m->relid);
}

static int
vms_modify_connection(struct vms *s)
{
	struct vmbus_msg r = { .type = VMBUS_MODIFY_CONNECTION_RESPONSE };

	r.conn_state = VMBUS_CONN_FAILED;
	if (s->version >= VMBUS_V6_0)
		vms_post(s, &r);
	return vms_fault(s, FAULT_VMBUS_STATE, VMBUS_MODIFY_CONNECTION);
}

/* What may come without a connection. */
static int
vms_dispatch_any(struct vms *s, const struct vmbus_msg *m)
{
	switch (m->type) {
	case VMBUS_INITIATE_CONTACT:
		return vms_contact(s, &m->contact);
	case VMBUS_UNLOAD:
		return vms_unload(s);
	case VMBUS_CLOSE_RESERVED:
		return vms_close_reserved(s, &m->reserved);
	default:
		/* Host-to-guest types; 6.0's without their feature flag. */
		return vms_fault(s, s->version == 0 || m->type >= VMBUS_PAUSE ?
		    FAULT_VMBUS_STATE : FAULT_VMBUS_TYPE, m->type);
	}
}

static int
vms_dispatch(struct vms *s, const struct vmbus_msg *m)
{
	if (s->version == 0)
		return vms_dispatch_any(s, m);
	switch (m->type) {
	case VMBUS_REQUEST_OFFERS:
		return vms_request_offers(s);
	case VMBUS_OPEN_CHANNEL:
		return vms_open(s, &m->open);
	case VMBUS_CLOSE_CHANNEL:
		return vms_close(s, m->relid);
	case VMBUS_GPADL_HEADER:
		return vms_gpadl_header(s, &m->gpadl_header);
	case VMBUS_GPADL_BODY:
		return vms_gpadl_body(s, &m->gpadl_body);
	case VMBUS_GPADL_TEARDOWN:
		return vms_gpadl_teardown(s, m->gpadl.relid, m->gpadl.gpadl);
	case VMBUS_RELID_RELEASED:
		return vms_relid_released(s, m->relid);
	case VMBUS_OPEN_RESERVED:
		return vms_fault(s, FAULT_VMBUS_RELID, m->reserved.relid);
	case VMBUS_TL_CONNECT:
		return vms_tl_connect(s, &m->tl_connect);
	case VMBUS_MODIFY_CHANNEL:
		return vms_modify(s, &m->modify);
	case VMBUS_MODIFY_CONNECTION:
		return vms_modify_connection(s);
	default:
		return vms_dispatch_any(s, m);
	}
}

/*
 * A message that did not decode.  A GPADL header that was cut short after its
 * ids is answered, so that the guest does not wait.
 */
static int
vms_undecodable(struct vms *s, struct span raw, enum fault why)
{
	struct vmbus_gpadl_header_wire w;

	memset(&w, 0, sizeof(w));
	memcpy(&w, raw.p, min_u32(raw.len, sizeof(w)));
	if (s->version != 0 &&
	    raw.len >= offsetof(struct vmbus_gpadl_header_wire, range_bytes) &&
	    le32_get(w.hdr.type) == VMBUS_GPADL_HEADER)
		vms_gpadl_refuse(s, le32_get(w.relid), le32_get(w.gpadl));
	return vms_fault(s, why, le32_get(w.hdr.type));
}

bool
vms_message_conn(const struct vms *s, uint32_t conn_id)
{
	return conn_id == VMBUS_CONN_MESSAGE || (conn_id == VMS_MSG_CONN &&
	    vms_max_version(s) >= VMBUS_V5_0);
}

int
vms_message(struct vms *s, uint32_t conn_id, struct span msg)
{
	enum fault why = FAULT_NONE;
	struct vmbus_msg m;

	if (!vms_message_conn(s, conn_id))
		return E_NOTSUP;
	counter_add(&s->part->counters.messages_in, 1);
	if (s->ops->trace != NULL)
		s->ops->trace(s->ctx, false, msg);
	if (vmbus_msg_decode(&m, msg, &why) < 0)
		return vms_undecodable(s, msg, why);
	return vms_dispatch(s, &m);
}
