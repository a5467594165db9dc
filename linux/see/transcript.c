/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transcripts: the wire printers of the core, a time stamp, a name and a
 * direction.
 *
 * Theory of operation.  A GPADL of 16 MiB takes over a hundred GPADL_BODY
 * messages.  Those of one GPADL become one line, which is written when another
 * VMBus message comes, with the time of the last body.
 */
#include "linux/see/transcript.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "linux/run/clock.h"
#include "linux/run/outfile.h"
#include "linux/see/transcript_line.h"
#include "pkt/pkt_load.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/vmbus_msg.h"
#include "wire/wire_print.h"

/* Policy: RNDIS control messages are shorter; core/vsp takes no longer one. */
#define TRANSCRIPT_RNDIS_MAX	4096u

/* GPADL_BODY messages that were not written yet. */
struct transcript_bodies {
	uint32_t count;		/* 0: none */
	uint32_t gpadl, first, last, bytes;
	uint64_t time_ns;	/* of the last */
	struct see_name name;
};

struct transcript {
	struct outfile *out;
	struct transcript_spec spec;
	pthread_mutex_t lock;
	struct transcript_bodies bodies;
};

struct transcript *
transcript_open(const struct transcript_spec *spec, char *err, size_t cap)
{
	struct transcript *t = calloc(1, sizeof(*t));
	char why[400];

	if (t == NULL) {
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	t->spec = *spec;
	t->out = outfile_append(spec->path, why, sizeof(why));
	if (t->out == NULL) {
		snprintf(err, cap, "transcript %s", why);
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	if (strcmp(spec->path, "-") == 0)
		setvbuf(stderr, NULL, _IOLBF, 0);
	return t;
}

/* A line.  Lock held. */
static void
put_text(struct transcript *t, const struct see_name *name, bool to_guest,
    enum transcript_layer layer, uint64_t time_ns, const char *text)
{
	const struct transcript_line l = { .spec = &t->spec, .name = name,
		.to_guest = to_guest, .layer = layer, .time_ns = time_ns,
		.text = text };
	FILE *out;

	if (layer != TRANSCRIPT_NOTE && t->spec.layers != 0 &&
	    (t->spec.layers & 1u << layer) == 0)
		return;
	out = outfile_record(t->out);
	if (out == NULL)
		return;
	transcript_line_put(&l, out);
	outfile_flush(t->out);
}

static void
bodies_flush(struct transcript *t)
{
	struct transcript_bodies *b = &t->bodies;
	char text[160], last[16] = "";

	if (b->count == 0)
		return;
	if (b->count > 1)
		snprintf(last, sizeof(last), "..%u", b->last);
	snprintf(text, sizeof(text), "GPADL_BODY gpadl=0x%x number=%u%s "
	    "here=%u", b->gpadl, b->first, last, b->bytes);
	b->count = 0;
	put_text(t, &b->name, false, TRANSCRIPT_VMBUS, b->time_ns, text);
}

/* True if the message is a body and was kept for the line of all of them. */
static bool
bodies_take(struct transcript *t, const struct see_name *name,
    struct span msg, uint64_t now)
{
	struct transcript_bodies *b = &t->bodies;
	struct vmbus_msg m;
	enum fault why;

	if (t->spec.bodies || vmbus_msg_decode(&m, msg, &why) != 0 ||
	    m.type != VMBUS_GPADL_BODY)
		return false;
	if (b->count > 0 && (m.gpadl_body.gpadl != b->gpadl ||
	    m.gpadl_body.msg_number != b->last + 1 ||
	    name->guest != b->name.guest))
		bodies_flush(t);
	if (b->count == 0)
		*b = (struct transcript_bodies){ .gpadl = m.gpadl_body.gpadl,
			.first = m.gpadl_body.msg_number, .name = *name };
	b->count++;
	b->last = m.gpadl_body.msg_number;
	b->bytes += m.gpadl_body.part.len;
	b->time_ns = now;
	return true;
}

void
transcript_close(struct transcript *t)
{
	if (t == NULL)
		return;
	bodies_flush(t);
	outfile_close(t->out);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
transcript_reopen(struct transcript *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	(void)outfile_reopen(&t->out, outfile_append);
	pthread_mutex_unlock(&t->lock);
}

void
transcript_message(struct transcript *t, const struct see_name *name,
    bool to_guest, struct span msg)
{
	char text[WIRE_PRINT_MAX];
	uint64_t now = clock_now_ns();

	if (t == NULL)
		return;
	vmbus_msg_print(text, sizeof(text), msg);
	pthread_mutex_lock(&t->lock);
	if (to_guest || !bodies_take(t, name, msg, now)) {
		bodies_flush(t);
		put_text(t, name, to_guest, TRANSCRIPT_VMBUS, now, text);
	}
	pthread_mutex_unlock(&t->lock);
}

static void
put_line(struct transcript *t, const struct see_name *name, bool to_guest,
    enum transcript_layer layer, const char *text)
{
	uint64_t now = clock_now_ns();

	pthread_mutex_lock(&t->lock);
	put_text(t, name, to_guest, layer, now, text);
	pthread_mutex_unlock(&t->lock);
}

/* The OID that an RNDIS answer is about; queries are one at a time. */
static void
oid_note(struct span msg, uint32_t *last)
{
	uint32_t type, oid;

	if (msg.len < 16)
		return;
	memcpy(&type, msg.p, sizeof(type));
	memcpy(&oid, msg.p + 12, sizeof(oid));
	if (os_le32(type) == RNDIS_QUERY)
		*last = os_le32(oid);
}

/* An RNDIS message, without what may stand behind it in its range. */
static void
put_rndis(struct transcript *t, const struct see_name *name, bool to_guest,
    const struct vec *v, uint32_t n, uint32_t *oid)
{
	uint8_t buf[TRANSCRIPT_RNDIS_MAX];
	char text[WIRE_PRINT_MAX];
	struct rndis_hdr_wire h;
	struct span msg = { buf, 0 };

	msg.len = pkt_vec_gather(v, n, 0, buf, sizeof(buf));
	if (msg.len >= sizeof(h)) {
		memcpy(&h, buf, sizeof(h));
		msg.len = min_u32(msg.len, le32_get(h.len));
	}
	oid_note(msg, oid);
	rndis_msg_print(text, sizeof(text), msg, *oid);
	put_line(t, name, to_guest, TRANSCRIPT_RNDIS, text);
}

void
transcript_packet(struct transcript *t, const struct see_name *name,
    bool to_guest, const struct vmpkt_in *pkt, const struct vec *v, uint32_t n,
    uint32_t *oid)
{
	const bool done = pkt->type == VMPKT_COMPLETION;
	char text[WIRE_PRINT_MAX];
	struct nvs_hdr_wire h;
	struct nvs_rndis nvs;

	if (!done && nvs_rndis_get(&nvs, pkt->data)) {
		if (nvs.channel == NVS_CHANNEL_DATA)
			return;
		put_rndis(t, name, to_guest, v, n, oid);
		return;
	}
	/* Completions of RNDIS messages, and those that only acknowledge. */
	if (done && pkt->data.len >= sizeof(h)) {
		memcpy(&h, pkt->data.p, sizeof(h));
		if (le32_get(h.type) == NVS_RNDIS_DONE)
			return;
	} else if (done) {
		return;
	}
	nvs_msg_print(text, sizeof(text), pkt->data, NVS_V6_1, done);
	put_line(t, name, to_guest, TRANSCRIPT_NVSP, text);
}

void
transcript_note(struct transcript *t, const struct see_name *name,
    const char *text)
{
	if (t != NULL)
		put_line(t, name, false, TRANSCRIPT_NOTE, text);
}
