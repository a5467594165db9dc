/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Brings the host's control messages from the owner of the primary to control.
 *
 * Theory of operation.  The owner copies each message, once, into a ring of
 * bytes and goes on; control takes it from there when it runs.  One producer,
 * one consumer: each has an index of its own that only grows, and publishes it
 * with release.  A record never wraps, for behind the ring's end is room for
 * the longest one.
 *
 * An exchange of ours has one answer and the host has little to say by itself,
 * so a full mailbox is a flood: a fault, and the device is reset.  So neither
 * side ever waits for the other.
 */
#include "vsc/vsc_priv.h"

#define MAIL_HEAD	(uint32_t)sizeof(struct vsc_mail)
/* The fixed part of any RNDIS message, so that it is judged by its type. */
#define MAIL_RNDIS_MIN	64u

/* ---- owner of the primary ----------------------------------------------- */

/* Where the next record goes; NULL: full, a fault. */
static struct vsc_mail *
mail_room(struct vsc_queue *q)
{
	struct vsc_mailbox *b = &q->vsc->mail;

	if (b->head - os_ld32_acq(&b->tail) + MAIL_HEAD + VSC_CTL_BYTES >
	    VSC_MAIL_BYTES) {
		(void)vsc_fault(q, FAULT_NVS_FLOOD, b->head, "control");
		return NULL;
	}
	return (struct vsc_mail *)(void *)&b->bytes[b->head % VSC_MAIL_BYTES];
}

static void
mail_post(struct vsc_queue *q, struct vsc_mail *m, enum vsc_mail_kind kind,
    uint64_t xact, uint32_t len)
{
	struct vsc_mailbox *b = &q->vsc->mail;

	m->kind = kind;
	m->len = len;
	m->xact = xact;
	os_st32_rel(&b->head, b->head + align_up(MAIL_HEAD + len, 8));
}

int
vsc_mail_nvs(struct vsc_queue *q, enum vsc_mail_kind kind,
    const struct vmpkt_in *p)
{
	uint32_t len = min_u32(p->data.len, VSC_CTL_BYTES);
	struct vsc_mail *m;

	if (q->index != 0)
		return vsc_fault(q, kind == VSC_MAIL_COMPLETION ?
		    FAULT_XACT_ID : FAULT_NVS_STATE, p->xact, "message");
	m = mail_room(q);
	if (m == NULL)
		return E_PEER;
	if (len != 0)
		memcpy(m->bytes, p->data.p, len);
	mail_post(q, m, kind, p->xact, len);
	return 0;
}

int
vsc_mail_rndis(struct vsc_queue *q, const uint8_t *shared, uint32_t bytes)
{
	uint32_t len = min_u32(bytes, VSC_CTL_BYTES);
	struct rndis_hdr_wire h;
	struct vsc_mail *m;

	if (q->index != 0)
		return vsc_fault(q, FAULT_NVS_STATE, 0, "RNDIS");
	m = mail_room(q);
	if (m == NULL)
		return E_PEER;
	copy_once(m->bytes, shared, len);
	/* Hosts name a whole section: the rest of it is not the message's. */
	if (len > MAIL_RNDIS_MIN) {
		memcpy(&h, m->bytes, sizeof(h));
		len = min_u32(len, max_u32(le32_get(h.len), MAIL_RNDIS_MIN));
	}
	mail_post(q, m, VSC_MAIL_RNDIS, 0, len);
	return 0;
}

/* ---- control ------------------------------------------------------------ */

const struct vsc_mail *
vsc_mail_first(const struct vsc *v)
{
	const struct vsc_mailbox *b = &v->mail;

	if (os_ld32_acq(&b->head) == b->tail)
		return NULL;
	return (const void *)&b->bytes[b->tail % VSC_MAIL_BYTES];
}

void
vsc_mail_drop(struct vsc *v)
{
	struct vsc_mailbox *b = &v->mail;
	const struct vsc_mail *m =
	    (const void *)&b->bytes[b->tail % VSC_MAIL_BYTES];

	os_st32_rel(&b->tail, b->tail + align_up(MAIL_HEAD + m->len, 8));
}
