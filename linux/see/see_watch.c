/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of operations of a watched channel.
 */
#include <stdarg.h>
#include <stdio.h>

#include "linux/run/clock.h"
#include "linux/see/capture.h"
#include "linux/see/see_decide.h"
#include "linux/see/trace.h"
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

/*
 * Bytes of a packet's section: it may hold several frames, of which none is to
 * be lost, so it is kept whole.
 */
static uint32_t
watch_section(const struct vmpkt_in *pkt)
{
	struct nvs_rndis n;

	return pkt->type != VMPKT_XFER_PAGES &&
	    nvs_rndis_get(&n, pkt->data) && n.section != NVS_SECTION_NONE ?
	    min_u32(n.section_bytes, SEE_SECTION_MAX) : 0;
}

static void
watch_packet(struct see_watch *w, bool sent, const struct vmpkt_in *pkt)
{
	bool to_guest = sent == (w->name.end == SEE_END_HOST);
	bool data = watch_is_data(pkt);
	struct vec v[SEE_PIECES];
	uint32_t n;

	if (w->capture == NULL && (w->transcript == NULL ||
	    (data && pkt->type != VMPKT_COMPLETION)))
		return;
	n = pkt->type == VMPKT_COMPLETION ? 0 : see_gather(w, pkt, v);
	if (w->capture != NULL)
		capture_packet(w->capture, &w->name, to_guest, pkt, v, n,
		    data ? watch_section(pkt) : CAPTURE_WHOLE);
	if (w->transcript != NULL)
		transcript_packet(w->transcript, &w->name, to_guest, pkt, v,
		    n, &w->oid);
}

/* Frames dropped since the last look; tell: note them. */
static void
watch_drops(struct see_watch *w, bool tell)
{
	const char *text[SEE_DROPS];
	uint64_t now[SEE_DROPS];
	uint32_t n;

	if (w->capture == NULL || w->need->drops == NULL)
		return;
	n = w->need->drops(w->ctx, w->name.queue, now, text);
	for (uint32_t i = 0; i < n; i++) {
		if (tell && now[i] != w->drops[i])
			capture_note(w->capture, &w->name, "%llu frame%s %s",
			    (unsigned long long)(now[i] - w->drops[i]),
			    now[i] - w->drops[i] == 1 ? "" : "s", text[i]);
		w->drops[i] = now[i];
	}
}

/* Faults and dropped frames since the last look. */
static void
watch_look(struct see_watch *w)
{
	const struct fault_log *f = &w->chan->faults;

	if (f->total != w->faults) {
		w->faults = f->total;
		see_decide_fault(w);
		see_watch_note(w, "fault %s: %s, value 0x%llx",
		    fault_name(f->last), fault_text(f->last),
		    (unsigned long long)f->last_value);
	}
	watch_drops(w, true);
}

static int
watch_send(struct chan *c, const struct vmpkt_out *p)
{
	struct see_watch *w = watch_of(c);
	const struct vmpkt_in pkt = { p->type, p->flags, p->xact, p->ext,
		p->data };
	struct see_before b;
	bool decides = see_decide_before(w, &b);
	int rc;

	rc = w->inner->send(c, p);
	if (rc != 0)
		return rc;
	/* It is not published before commit(), so nothing of it is gone. */
	watch_packet(w, true, &pkt);
	if (decides) {
		see_decide_packet(w, true);
		see_decide_out(w, &b);
	}
	return 0;
}

static void
watch_commit(struct chan *c)
{
	struct see_watch *w = watch_of(c);
	struct see_before b;
	bool decides = see_decide_before(w, &b);

	w->inner->commit(c);
	if (decides)
		see_decide_out(w, &b);
	watch_look(w);
}

static bool
watch_want_space(struct chan *c, uint32_t bytes)
{
	struct see_watch *w = watch_of(c);
	struct see_before b;
	bool decides = see_decide_before(w, &b);
	bool there = w->inner->want_space(c, bytes);

	if (decides) {
		see_decide_out(w, &b);
		see_decide_room(w, bytes, there);
	}
	return there;
}

static int
watch_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct see_watch *w = watch_of(c);
	int rc = w->inner->recv(c, out, buf, cap);

	if (rc > 0) {
		watch_packet(w, false, out);
		see_decide_packet(w, false);
	} else if (rc < 0) {
		watch_look(w);
	}
	return rc;
}

static void
watch_recv_commit(struct chan *c)
{
	struct see_watch *w = watch_of(c);
	struct see_before b;
	bool decides = see_decide_before(w, &b);

	w->inner->recv_commit(c);
	if (decides)
		see_decide_in(w, &b);
}

static void
watch_irq_mask(struct chan *c)
{
	struct see_watch *w = watch_of(c);

	w->inner->irq_mask(c);
	see_decide_mask(w);
}

static bool
watch_irq_unmask(struct chan *c)
{
	struct see_watch *w = watch_of(c);
	struct see_before b;
	bool decides = see_decide_before(w, &b);
	bool there = w->inner->irq_unmask(c);

	if (decides) {
		see_decide_in(w, &b);
		see_decide_unmask(w, there);
	}
	return there;
}

void
see_watch_note(const struct see_watch *w, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	capture_note(w->capture, &w->name, "%s", text);
	transcript_note(w->transcript, &w->name, text);
}

void
see_watch_signalled(struct see_watch *w)
{
	if (w->inner != NULL)
		see_decide_signalled(w);
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
		.capture = who->capture, .transcript = who->transcript,
		.hist = who->hist, .faults = c->faults.total };
	if (name->end == SEE_END_GUEST)
		w->wake_ns = clock_now_ns();	/* earlier ones do not count */
	if (who->trace)
		w->trace = trace_chan(name);
	watch_drops(w, false);
	w->ops.send = watch_send;
	w->ops.commit = watch_commit;
	w->ops.want_space = watch_want_space;
	w->ops.recv = watch_recv;
	w->ops.recv_commit = watch_recv_commit;
	w->ops.irq_mask = watch_irq_mask;
	w->ops.irq_unmask = watch_irq_unmask;
	c->ops = &w->ops;
}

void
see_watch_stop(struct see_watch *w)
{
	if (w->inner != NULL && w->chan->ops == &w->ops)
		w->chan->ops = w->inner;
	w->inner = NULL;
}
