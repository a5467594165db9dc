/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far a guest comes is read from its server and its NetVSPs as they change,
 * for when it ends they have forgotten it.
 *
 * Only of processes of ours is "up" that they want frames, which they do last:
 * a machine's interface may well stay down.
 */
#include "linux/host/host_tries.h"

#include <string.h>

#include "linux/host/host_guest_priv.h"
#include "linux/host/nic_list.h"
#include "linux/run/clock.h"
#include "vsp/vsp.h"

static const char *const tries_texts[] = {
	[HOST_TRIES_NOTHING] = "no version of VMBus suits both; right is one "
	    "from its --min-vmbus up to our --max-vmbus",
	[HOST_TRIES_VMBUS] = "it opened no channel of its NIC",
	[HOST_TRIES_CHANNEL] = "no version of NVSP suits both; right is one "
	    "up to our --max-nvsp",
	[HOST_TRIES_NVSP] = "it gave no receive buffer that we take; right is "
	    "one for four of the NIC's sections at least (its -o rxbuf_kb, "
	    "our section= and mtu=)",
	[HOST_TRIES_BUFFER] = "it gave up before all its channels were open; "
	    "right is memory for them (its --memory)",
};

static bool
tries_same(const struct host_tries *t, uint32_t i, const struct link_peer *p)
{
	return t->peer[i].until_ns != 0 && t->peer[i].uid == p->uid &&
	    t->peer[i].pid == p->pid;
}

bool
host_tries_known(const struct host_guest *g)
{
	const struct host_tries *t = &g->host->tries;
	uint64_t now = clock_now_ns();

	for (uint32_t i = 0; i < HOST_TRIES_PEERS; i++)
		if (tries_same(t, i, link_host_peer(g->link)))
			return now < t->peer[i].until_ns;
	return false;
}

static void
tries_remember(const struct host_guest *g)
{
	const struct link_peer *p = link_host_peer(g->link);
	struct host_tries *t = &g->host->tries;
	uint32_t i = 0;

	while (i < HOST_TRIES_PEERS && !tries_same(t, i, p))
		i++;
	if (i == HOST_TRIES_PEERS) {
		i = t->next;
		t->next = (t->next + 1) % HOST_TRIES_PEERS;
	}
	t->peer[i].uid = p->uid;
	t->peer[i].pid = p->pid;
	t->peer[i].until_ns = clock_now_ns() + HOST_LOG_AGAIN_NS;
}

void
host_tries_look(struct host_guest *g, const struct vsp *vsp)
{
	enum host_tries_step step = vms_version(g->vms) != 0 ?
	    HOST_TRIES_VMBUS : HOST_TRIES_NOTHING;
	struct vsp_guest_state s;

	if (g->step == HOST_TRIES_UP)
		return;
	if (vsp != NULL) {
		vsp_guest_state(vsp, &s);
		step = s.queues == 0 ? step : s.filter != 0 ? HOST_TRIES_UP :
		    s.rx_sections != 0 ? HOST_TRIES_BUFFER :
		    s.nvsp_version != 0 ? HOST_TRIES_NVSP :
		    HOST_TRIES_CHANNEL;
	}
	if (step <= g->step)
		return;
	g->step = step;
	if (step == HOST_TRIES_UP && g->quiet)
		host_log_of(&g->host->log, nic_list_log_peer(g),
		    HOST_LOG_COME, "guest %u (%s%spid %u) came up after all",
		    g->number, g->hello.name,
		    g->hello.name[0] != '\0' ? ", " : "", g->hello.pid);
}

bool
host_tries_ended(struct host_guest *g)
{
	const struct link_hello *h = &g->hello;

	/* Who was cut off has its reason. */
	if (g->step == HOST_TRIES_UP || g->nics == 0 ||
	    strcmp(g->why, LINK_HOST_DETACHED) != 0 ||
	    (h->kind != LINK_KIND_HVNET && h->kind != LINK_KIND_POLL))
		return false;
	if (g->quiet)
		return true;
	host_log_of(&g->host->log, nic_list_log_peer(g), HOST_LOG_GO,
	    "guest %u (%s%spid %u) did not come up: %s", g->number, h->name,
	    h->name[0] != '\0' ? ", " : "", h->pid, tries_texts[g->step]);
	tries_remember(g);
	return true;
}
