/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures and transcripts of NICs and of the whole host.
 *
 * Theory of operation.  What a NIC's channels carry goes to the NIC's own file
 * (capture=FILE), else to the host's (--capture); control messages also go to
 * the transcript; where neither is wanted, nobody looks.  VMBus messages are
 * host_see.c's.
 */
#include "linux/host/nic_see.h"

#include <errno.h>

#include "linux/host/host_guest_priv.h"
#include "linux/see/capture.h"
#include "linux/see/see_decide.h"

static void
see_memory(void *ctx, struct see_memory *out)
{
	const struct vsp *vsp = ctx;
	struct vsp_buffers b;

	vsp_buffers(vsp, &b);
	*out = (struct see_memory){ .recv = b.recv,
		.recv_bytes = b.recv_bytes, .send = b.send,
		.send_sections = b.send_sections,
		.section_bytes = b.send_section_bytes };
}

static uint8_t *
see_gpa(void *ctx, uint64_t gpa, uint32_t len)
{
	struct vsp *vsp = ctx;

	return guestmem_ptr(&vms_partition(vsp_dev(vsp)->vms)->mem, gpa, len);
}

/* Add the counters of a table whose names begin with "drop_". */
static uint32_t
drops_add(const void *counters, const struct counter_table *t, uint32_t n,
    uint64_t count[SEE_DROPS], const char *text[SEE_DROPS])
{
	for (uint32_t i = 0; i < t->rows && n < SEE_DROPS; i++) {
		if (strncmp(t->row[i].name, "drop_", 5) != 0)
			continue;
		count[n] = counter_read(counters, &t->row[i]);
		text[n++] = t->row[i].text;
	}
	return n;
}

static uint32_t
see_drops(void *ctx, uint32_t queue, uint64_t count[SEE_DROPS],
    const char *text[SEE_DROPS])
{
	const struct vsp *vsp = ctx;
	uint32_t n = drops_add(vsp_from_guest_stats(vsp, queue),
	    &vsp_from_guest_counters_table, 0, count, text);

	return drops_add(vsp_to_guest_stats(vsp, queue),
	    &vsp_to_guest_counters_table, n, count, text);
}

const struct see_watch_ops nic_see_need = {
	.memory = see_memory,
	.gpa = see_gpa,
	.drops = see_drops,
};

static void
see_start(struct see_watch *w, const struct see_watchers *who,
    struct vsp *vsp, const char *nic, const struct nic_user *u,
    struct chan *c)
{
	struct see_name name;

	if (who->capture == NULL && who->transcript == NULL &&
	    who->hist == NULL && !who->trace)
		return;
	see_name_set(&name, SEE_END_HOST, nic, u->number);
	name.relid = c->relid;
	name.queue = c->subindex;
	name.vp = vms_chan_vp(c);
	see_watch_start(w, c, &name, &nic_see_need, vsp, who);
}

void
nic_see_start(struct nic_queue *q)
{
	const struct nic *nic = q->nic;
	const struct see_watchers who = {
		.capture = nic->capture != NULL ? nic->capture :
		    nic->host->capture,
		.transcript = nic->host->transcript,
		.hist = nic->hist != NULL ? &nic->hist[q->index] : NULL,
		.trace = nic->tracing };

	see_start(&q->watch, &who, nic->vsp, nic->spec.name, &nic->user,
	    q->chan);
}

void
nic_see_stop(struct nic_queue *q)
{
	see_watch_stop(&q->watch);
}

void
nic_see_leaving(struct see_watch *w, const struct host *h, struct vsp *vsp,
    const char *nic, const struct nic_user *u, struct chan *c)
{
	const struct see_watchers who = { .capture = h->capture,
		.transcript = h->transcript };

	see_start(w, &who, vsp, nic, u, c);
}

int
nic_see_open(const struct nic *nic, const struct nic_spec *to,
    struct capture **out, char *err, size_t cap)
{
	struct capture_spec spec;

	*out = nic->capture;
	if (strcmp(to->capture, nic->capture_path) == 0)
		return 0;
	*out = NULL;
	if (to->capture[0] == '\0')
		return 0;
	if (capture_parse(&spec, to->capture, err, cap) < 0)
		return -EINVAL;
	*out = capture_create(&spec, err, cap);
	return *out == NULL ? -EINVAL : 0;
}

struct capture *
nic_see_use(struct nic *nic, const struct nic_spec *to, struct capture *c)
{
	struct capture *old = nic->capture;

	if (c == old)
		return NULL;
	nic->capture = c;
	memcpy(nic->capture_path, to->capture, sizeof(nic->capture_path));
	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		nic_see_stop(&nic->queue[k]);
		if (nic->queue[k].chan != NULL)
			nic_see_start(&nic->queue[k]);
	}
	return old;
}

int
nic_see_create(struct nic *nic, char *err, size_t cap)
{
	struct capture *c;
	int rc = nic_see_open(nic, &nic->spec, &c, err, cap);

	if (rc == 0)
		(void)!nic_see_use(nic, &nic->spec, c);
	return rc;
}
