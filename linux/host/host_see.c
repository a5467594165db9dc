/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus messages for captures and transcripts.
 *
 * Theory of operation.  A message belongs to a guest and not to a NIC: it goes
 * to the host's files and to the captures of all NICs that the guest has.  Its
 * name has the NIC that its relid belongs to, or the guest's only one.
 */
#include "linux/host/host_see.h"

#include <stdio.h>

#include "linux/host/host_guest_priv.h"
#include "linux/host/nic.h"
#include "linux/host/nic_leaving.h"
#include "linux/see/capture.h"
#include "wire/vmbus_msg.h"

/* The relid that a message is about; 0: none. */
static uint32_t
message_relid(struct span msg)
{
	struct vmbus_msg m;
	enum fault why;

	if (vmbus_msg_decode(&m, msg, &why) != 0)
		return 0;
	switch (m.type) {
	case VMBUS_OFFER_CHANNEL:
		return m.offer.relid;
	case VMBUS_OPEN_CHANNEL:
		return m.open.relid;
	case VMBUS_OPEN_RESULT:
		return m.open_result.relid;
	case VMBUS_GPADL_HEADER:
		return m.gpadl_header.relid;
	case VMBUS_GPADL_CREATED:
	case VMBUS_GPADL_TEARDOWN:
		return m.gpadl.relid;
	case VMBUS_RESCIND_OFFER:
	case VMBUS_CLOSE_CHANNEL:
	case VMBUS_RELID_RELEASED:
		return m.relid;
	case VMBUS_MODIFY_CHANNEL:
		return m.modify.relid;
	case VMBUS_MODIFY_CHANNEL_RESPONSE:
		return m.modify_result.relid;
	default:
		return 0;
	}
}

static bool
nic_has_relid(const struct nic *nic, uint32_t relid)
{
	if (nic->vsp != NULL && vsp_dev(nic->vsp)->relid == relid)
		return true;
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		if (nic->queue[k].chan != NULL &&
		    nic->queue[k].chan->relid == relid)
			return true;
	return false;
}

/* That of the message's channel, or the guest's only one. */
struct nic *
host_see_about(const struct host_guest *g, struct span msg)
{
	uint32_t relid = message_relid(msg);
	struct nic *only = NULL;

	for (struct nic *n = g->host->nics; n != NULL; n = n->next) {
		if (n->user.guest != g)
			continue;
		if (relid != 0 && nic_has_relid(n, relid))
			return n;
		only = g->nics == 1 ? n : NULL;
	}
	return only;
}

/* The name of a message: its NIC's, or that of one that leaves. */
static void
message_name(const struct host_guest *g, struct span msg,
    struct see_name *name)
{
	const struct nic *nic = host_see_about(g, msg);
	uint32_t relid = message_relid(msg);

	see_name_set(name, SEE_END_HOST, nic != NULL ? nic->spec.name :
	    nic_leaving_name(g->host, g, relid), g->number);
	name->relid = relid;
}

void
host_see_message(struct host_guest *g, bool to_guest, struct span msg)
{
	struct host *h = g->host;
	struct see_name name;
	bool any = h->capture != NULL || h->transcript != NULL;

	for (const struct nic *n = h->nics; n != NULL && !any; n = n->next)
		any = n->user.guest == g && n->capture != NULL;
	if (!any)
		return;
	message_name(g, msg, &name);
	capture_message(h->capture, &name, to_guest, msg);
	transcript_message(h->transcript, &name, to_guest, msg);
	for (const struct nic *n = h->nics; n != NULL; n = n->next)
		if (n->user.guest == g)
			capture_message(n->capture, &name, to_guest, msg);
}

void
host_see_fault(struct host_guest *g, struct span msg)
{
	const struct fault_log *f = &link_host_partition(g->link)->faults;
	struct see_name name;
	char text[200];

	message_name(g, msg, &name);
	snprintf(text, sizeof(text), "fault %s: %s, value 0x%llx",
	    fault_name(f->last), fault_text(f->last),
	    (unsigned long long)f->last_value);
	capture_note(g->host->capture, &name, "%s", text);
	transcript_note(g->host->transcript, &name, text);
	for (const struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->user.guest == g)
			capture_note(n->capture, &name, "%s", text);
}
