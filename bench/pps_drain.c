/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The yardstick of `hvnet bench pps` for the host end: a host that, once
 * frames come, only drains the ring.  It looks at the type of each packet,
 * answers those of data, and gives the room back; no byte of a frame, no RNDIS
 * header, no section number is looked at, nothing is checked or counted.
 *
 *	pps_drain --listen PATH --workers N --pin=CPU --nic SPEC
 *
 * It is `hvnet host` up to the guest's first frame, and from there on the
 * channel's ready() is ours, which never says that it is done, so its worker
 * does nothing else.  A packet that is no data (the guest says good-bye) gives
 * the channel back.
 *
 * Context: worker, except main().
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/ring_chan.h"
#include "linux/host/host.h"
#include "linux/host/nic.h"
#include "linux/host/nic_list.h"
#include "wire/nvs_wire.h"

#define DRAIN_QUEUES	64u
#define NVS_RNDIS	107u
#define NVS_RNDIS_DONE	108u
/* Policy: packets between looks at whether to go on; indexes are published. */
#define DRAIN_BATCH	64u
#define DRAIN_ROUNDS	4096u

struct drained {
	struct chan_events events;
	const struct chan_events *real;
	struct chan *chan;
};

struct answer {
	struct ring_desc_wire desc;
	struct nvs_rndis_done_wire done;
	le64_t trailer;
};

static struct drained drained[DRAIN_QUEUES];

static uint32_t
word(const struct ring_in *in, uint32_t at)
{
	uint32_t v;

	if (at >= in->size)
		at -= in->size;
	memcpy(&v, in->data + at, sizeof(v));
	return v;
}

/* Answer one packet; false: no room. */
static bool
answer(struct ring_out *out, const struct ring_desc_wire *d)
{
	struct answer a = { .desc = { .type = le16_put(VMPKT_COMPLETION),
		.data_off8 = le16_put(2), .len8 = le16_put(3),
		.xact = d->xact },
		.done = { le32_put(NVS_RNDIS_DONE), le32_put(1) },
		.trailer = le64_put((uint64_t)out->write << 32) };
	uint32_t left = out->size - out->write, n = sizeof(a);

	if (ring_free(out->write, out->read, out->size) < n) {
		out->read = ring_ld_acq(&out->ctrl->read_index);
		if (ring_free(out->write, out->read, out->size) < n)
			return false;
	}
	memcpy(out->data + out->write, &a, min_u32(n, left));
	if (left < n)
		memcpy(out->data, (uint8_t *)&a + left, n - left);
	out->write = ring_advance(out->write, n, out->size);
	return true;
}

enum drain { DRAIN_EMPTY, DRAIN_MORE, DRAIN_OTHER };

static enum drain
drain_batch(struct ring_in *in, struct ring_out *out)
{
	enum drain end = DRAIN_MORE;
	uint32_t n;

	in->write = ring_ld_acq(&in->ctrl->write_index);
	for (n = 0; n < DRAIN_BATCH && end == DRAIN_MORE; n++) {
		struct ring_desc_wire d;
		uint32_t body;

		if (in->next == in->write) {
			end = DRAIN_EMPTY;
			break;
		}
		/* 8-byte units: the halves of the descriptor may be apart. */
		memcpy(&d, in->data + in->next, 8);
		memcpy(&d.xact, in->data + (in->next + 8 < in->size ?
		    in->next + 8 : 0), 8);
		body = in->next + le16_get(d.data_off8) * 8u;
		if ((le16_get(d.flags) & VMPKT_F_COMPLETE) != 0 &&
		    (word(in, body) != NVS_RNDIS || word(in, body + 4) != 0))
			end = DRAIN_OTHER;
		else if ((le16_get(d.flags) & VMPKT_F_COMPLETE) != 0 &&
		    !answer(out, &d))
			end = DRAIN_EMPTY;
		else
			in->next = ring_advance(in->next, le16_get(d.len8) *
			    8u + RING_TRAILER_BYTES, in->size);
	}
	if (n > 0) {
		out->committed = out->write;
		ring_st_rel(&out->ctrl->write_index, out->write);
		in->committed = in->next;
		ring_st_rel(&in->ctrl->read_index, in->next);
	}
	return end;
}

static bool
drain_ready(struct chan *c, uint32_t budget)
{
	struct ring_chan *rc = ring_chan_of(c);
	const struct drained *d = CONTAINER_OF(c->events, struct drained,
	    events);
	enum drain end = DRAIN_MORE;

	ring_in_mask(&rc->in);
	for (uint32_t i = 0; i < DRAIN_ROUNDS && end != DRAIN_OTHER; i++) {
		end = drain_batch(&rc->in, &rc->out);
		if (end == DRAIN_EMPTY)
			os_relax();
	}
	if (end != DRAIN_OTHER)
		return true;
	c->events = d->real;
	return c->events->ready(c, budget);
}

/* --- the backend: takes the channel at its first frame --- */

static int
drain_open(struct backend_port *port, char *err, size_t cap)
{
	return 0;
}

static void
drain_close(struct backend_port *port)
{
}

static enum backend_pull
drain_pull(struct backend_port *port, uint32_t k, uint32_t queue)
{
	return BACKEND_DRY;
}

static void
drain_from_guest(struct backend_port *port, uint32_t queue,
    const struct vsp_frame *f)
{
	const struct nic *nic = CONTAINER_OF(port, struct nic, port);
	struct drained *d = &drained[queue % DRAIN_QUEUES];
	struct chan *c = nic->queue[queue].chan;

	if (d->chan == c)
		return;
	d->chan = c;
	d->real = c->events;
	d->events = *c->events;
	d->events.ready = drain_ready;
	c->events = &d->events;
}

static void
drain_flush(struct backend_port *port, uint32_t queue)
{
}

static const struct backend_ops drain_ops = {
	.caps = BACKEND_GSO4 | BACKEND_GSO6 | BACKEND_CSUM,
	.open = drain_open,
	.close = drain_close,
	.pull = drain_pull,
	.from_guest = drain_from_guest,
	.from_guest_flush = drain_flush,
};

static void
on_signal(evutil_socket_t number, short what, void *base)
{
	event_base_loopbreak(base);
}

static int
drain_serve(const struct host_config *c, const char *nic,
    struct event_base *base)
{
	struct event *on_int = evsignal_new(base, SIGINT, on_signal, base);
	struct event *on_term = evsignal_new(base, SIGTERM, on_signal, base);
	struct nic_spec spec;
	char err[400] = "";
	struct host *h;

	event_add(on_int, NULL);
	event_add(on_term, NULL);
	h = host_start(c, base, err, sizeof(err));
	nic_spec_default(&spec);
	if (h == NULL || nic_spec_parse(&spec, nic, err, sizeof(err)) < 0 ||
	    host_nic_add(h, &spec, err, sizeof(err)) < 0) {
		fprintf(stderr, "pps_drain: %s\n", err);
		return 1;
	}
	/* No guest is there yet. */
	nic_list_find(h, spec.name)->port.ops = &drain_ops;
	printf("listening on %s\n", c->listen);
	fflush(stdout);
	event_base_dispatch(base);
	host_stop(h);
	event_free(on_int);
	event_free(on_term);
	return 0;
}

int
main(int argc, char **argv)
{
	struct host_config c;
	const char *nic = NULL;
	struct event_base *base = event_base_new();
	int rc;

	host_config_default(&c);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc)
			c.listen = argv[++i];
		else if (strcmp(argv[i], "--workers") == 0 && i + 1 < argc)
			c.workers = (uint32_t)atoi(argv[++i]);
		else if (strncmp(argv[i], "--pin=", 6) == 0)
			c.place.first_cpu = (uint32_t)atoi(argv[i] + 6);
		else if (strcmp(argv[i], "--nic") == 0 && i + 1 < argc)
			nic = argv[++i];
	}
	if (c.listen == NULL || nic == NULL || base == NULL) {
		fprintf(stderr, "pps_drain: --listen PATH --nic SPEC\n");
		return 2;
	}
	c.place.pin = true;
	c.poll = HOST_POLL_OFF;	/* or ready() would not be called */
	rc = drain_serve(&c, nic, base);
	event_base_free(base);
	return rc;
}
