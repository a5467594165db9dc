/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of operations of a watched channel.
 */
#include <stdio.h>

#include "linux/see/capture.h"
#include "linux/see/see.h"
#include "linux/see/transcript.h"
#include "wire/nvs_msg.h"

void
see_name_set(struct see_name *n, uint32_t end, const char *nic,
    uint32_t guest)
{
	memset(n, 0, sizeof(*n));
	snprintf(n->nic, sizeof(n->nic), "%s", nic);
	n->end = end;
	n->guest = guest;
}

static struct see_watch *
watch_of(struct chan *c)
{
	return (struct see_watch *)(uintptr_t)c->ops;
}

/* Control is of interest whole, data up to the limit of the capture. */
static bool
watch_is_data(const struct vmpkt_in *pkt)
{
	struct nvs_rndis n;

	return pkt->type == VMPKT_COMPLETION ||
	    (nvs_rndis_get(&n, pkt->data) && n.channel == NVS_CHANNEL_DATA);
}

static void
watch_packet(struct see_watch *w, bool sent, const struct vmpkt_in *pkt)
{
	bool to_guest = sent == (w->name.end == SEE_END_HOST);
	bool data = watch_is_data(pkt);
	struct vec v[SEE_PIECES];
	uint32_t n;

	if (data && w->capture == NULL && pkt->type != VMPKT_COMPLETION)
		return;
	n = pkt->type == VMPKT_COMPLETION ? 0 : see_gather(w, pkt, v);
	if (w->capture != NULL)
		capture_packet(w->capture, &w->name, to_guest, pkt, v, n,
		    data);
	if (w->transcript != NULL)
		transcript_packet(w->transcript, &w->name, to_guest, pkt, v,
		    n, &w->oid);
}

static int
watch_send(struct chan *c, const struct vmpkt_out *p)
{
	struct see_watch *w = watch_of(c);
	const struct vmpkt_in pkt = { p->type, p->flags, p->xact, p->ext,
		p->data };
	int rc;

	rc = w->inner->send(c, p);
	/* It is not published before commit(), so nothing of it is gone. */
	if (rc == 0)
		watch_packet(w, true, &pkt);
	return rc;
}

static void
watch_fault(struct see_watch *w, int rc)
{
	if (rc == E_PEER)
		capture_note(w->capture, &w->name, "the peer broke the ring: "
		    "%s, value 0x%llx", fault_text(w->chan->faults.last),
		    (unsigned long long)w->chan->faults.last_value);
}

static int
watch_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct see_watch *w = watch_of(c);
	int rc = w->inner->recv(c, out, buf, cap);

	if (rc > 0)
		watch_packet(w, false, out);
	else if (rc < 0)
		watch_fault(w, rc);
	return rc;
}

void
see_watch_start(struct see_watch *w, struct chan *c,
    const struct see_name *name, const struct see_watch_ops *need, void *ctx,
    const struct see_watchers *who)
{
	if (w->inner != NULL && c->ops == &w->ops)
		see_watch_stop(w);
	*w = (struct see_watch){ .ops = *c->ops, .inner = c->ops, .chan = c,
		.need = need, .ctx = ctx, .name = *name,
		.capture = who->capture, .transcript = who->transcript };
	w->ops.send = watch_send;
	w->ops.recv = watch_recv;
	c->ops = &w->ops;
}

void
see_watch_stop(struct see_watch *w)
{
	if (w->inner != NULL && w->chan->ops == &w->ops)
		w->chan->ops = w->inner;
	w->inner = NULL;
}
