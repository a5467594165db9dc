/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The in-process link.  See sim_link.h.
 *
 * Theory of operation.  Nothing that one end does runs code of the other at
 * once: a posted message, a signal, an interrupt, an end-of-message each
 * become an event, with a delay from the seed, so every interleaving that the
 * real machine has can come up.  Messages keep their order, the rest does not.
 * The guest's timers run after every event in its control context, as the
 * contracts of vmc and vsc ask.
 *
 * Host channels are found by connection id at the time of the event, so an
 * event that outlives its channel does nothing.
 */
#include "sim/sim_link.h"

#include "wire/wire_print.h"

#include <stdio.h>
#include <stdlib.h>

#define STEP_NS		200u	/* shortest way between the ends */
#define MONITOR_NS	100000u	/* the host looks at the monitor page */

static uint64_t
delay(struct sim_link *l)
{
	return STEP_NS + sim_below(l->sim, 1000) +
	    sim_below(l->sim, l->cfg.faults.delay_ns);
}

/* --- guest control: dispatch and timers --- */

static void
timer_event(void *arg, uint64_t value)
{
	struct sim_link *l = arg;

	if (l->vmc == NULL || l->sim->now_ns < l->timer_at)
		return;
	l->timer_at = UINT64_MAX;
	sim_link_control(l);
}

void
sim_link_control(struct sim_link *l)
{
	uint64_t now = l->sim->now_ns, next, other;

	next = vmc_timer(l->vmc, now);
	if (l->ops->timer != NULL) {
		other = l->ops->timer(l->ctx, now);
		next = other < next ? other : next;
		/* What the user did may have armed a clock of the bus. */
		other = vmc_timer(l->vmc, now);
		next = other < next ? other : next;
	}
	if (next == UINT64_MAX || next >= l->timer_at)
		return;
	l->timer_at = next > now ? next : now + 1;
	sim_after(l->sim, l->timer_at - now, timer_event, l, 0);
}

static void
dispatch_event(void *arg, uint64_t vp)
{
	struct sim_link *l = arg;
	uint32_t budget = l->cfg.budget;

	if (l->vmc == NULL)
		return;
	if (budget == 0)
		budget = 1 + sim_below(l->sim, 64);
	if (vmc_vp_dispatch(l->vmc, (uint32_t)vp, budget))
		sim_after(l->sim, STEP_NS, dispatch_event, l, vp);
	sim_link_control(l);
}

static void
eom_event(void *arg, uint64_t vp)
{
	struct sim_link *l = arg;

	part_eom(&l->part, (uint32_t)vp);
}

/* --- host: messages and signals --- */

static void
host_message(void *arg, uint64_t value)
{
	struct sim_link *l = arg;
	struct sim_post p;

	if (l->post_count == 0 || l->vms == NULL)
		return;
	p = l->post[l->post_head];
	l->post_head = (l->post_head + 1) % SIM_POST_QUEUE;
	l->post_count--;
	if (l->ops->filter != NULL &&
	    l->ops->filter(l->ctx, false, 0, p.bytes, &p.len) == 0)
		return;
	(void)vms_message(l->vms, p.conn_id, (struct span){ p.bytes, p.len });
}

static void host_signal(void *arg, uint64_t conn_id);

static void
host_ready(void *arg, struct chan *c)
{
	struct sim_link *l = arg;
	uint32_t budget = l->cfg.budget;

	if (budget == 0)
		budget = 1 + sim_below(l->sim, 64);
	if (c->events == NULL)
		return;
	if (c->vmbus_version >= VMBUS_V1_1) {
		if (c->events->ready(c, budget))
			sim_after(l->sim, STEP_NS, host_signal, l,
			    VMS_EVENT_CONN(c->relid));
		return;
	}
	/* 0.13 has no id for one channel: to the end, then. */
	while (c->events != NULL && c->events->ready(c, budget))
		;
}

void
sim_link_host_ready(struct sim_link *l, struct chan *c)
{
	host_ready(l, c);
}

static void
host_signal(void *arg, uint64_t conn_id)
{
	struct sim_link *l = arg;
	struct chan *c;

	if (l->vms == NULL)
		return;
	if (conn_id == VMBUS_CONN_EVENT) {
		vms_intpage_poll(l->vms, host_ready, l);
		return;
	}
	c = vms_connection_chan(l->vms, (uint32_t)conn_id);
	if (c != NULL)
		host_ready(l, c);
}

static void
monitor_event(void *arg, uint64_t value)
{
	struct sim_link *l = arg;

	if (l->vms == NULL)
		return;
	vms_monitor_poll(l->vms, host_ready, l);
	sim_after(l->sim, MONITOR_NS, monitor_event, l, 0);
}

/* --- vmc_ops --- */

static bool
conn_known(const struct sim_link *l, uint32_t conn_id)
{
	for (uint32_t i = 0; i < l->conns; i++)
		if (l->conn[i] == conn_id)
			return true;
	return false;
}

static int
guest_post(void *ctx, uint32_t conn_id, const void *msg, uint32_t len)
{
	struct sim_link *l = ctx;
	struct sim_post *p;

	if (!vms_message_conn(l->vms, conn_id))
		return E_NOTSUP;
	if (l->post_count == SIM_POST_QUEUE ||
	    sim_chance(l->sim, l->cfg.faults.post_again))
		return E_AGAIN;
	OS_ASSERT(len <= VMBUS_MSG_MAX);
	p = &l->post[(l->post_head + l->post_count) % SIM_POST_QUEUE];
	p->conn_id = conn_id;
	p->len = len;
	memcpy(p->bytes, msg, len);
	l->post_count++;
	sim_after(l->sim, delay(l), host_message, l, 0);
	return 0;
}

static void
guest_signal(void *ctx, uint32_t conn_id)
{
	struct sim_link *l = ctx;
	const struct sim_faults *f = &l->cfg.faults;

	l->signals++;
	if (!conn_known(l, conn_id) && conn_id != VMBUS_CONN_EVENT)
		return;
	sim_after(l->sim, sim_chance(l->sim, f->sig_late) ? SIM_LATE_NS :
	    delay(l), host_signal, l, conn_id);
	if (sim_chance(l->sim, f->sig_twice))
		sim_after(l->sim, delay(l), host_signal, l, conn_id);
}

static void
guest_eom(void *ctx, uint32_t vp)
{
	struct sim_link *l = ctx;

	sim_after(l->sim, delay(l), eom_event, l, vp);
}

static void
guest_connected(void *ctx, int version_or_err)
{
	struct sim_link *l = ctx;

	l->ops->connected(l->ctx, version_or_err);
}

static void
guest_offer(void *ctx, struct chan *c)
{
	struct sim_link *l = ctx;

	l->ops->offer(l->ctx, c);
}

static void
guest_gone(void *ctx, struct chan *c)
{
	struct sim_link *l = ctx;

	l->ops->gone(l->ctx, c);
}

static void
guest_unloaded(void *ctx)
{
	struct sim_link *l = ctx;

	l->ops->unloaded(l->ctx);
}

static void
guest_kick(void *ctx, uint32_t vp)
{
	struct sim_link *l = ctx;

	sim_after(l->sim, STEP_NS, dispatch_event, l, vp);
}

static void
trace(struct sim_link *l, const char *who, struct span msg)
{
	char line[512];

	if (!l->cfg.trace)
		return;
	(void)vmbus_msg_print(line, sizeof(line), msg);
	printf("%12.6f %s %s\n", (double)l->sim->now_ns / 1e9, who, line);
}

static void
guest_trace(void *ctx, bool to_host, struct span msg)
{
	struct sim_link *l = ctx;

	trace(l, to_host ? "guest ->" : "guest <-", msg);
	if (l->ops->message != NULL)
		l->ops->message(l->ctx, !to_host, msg);
}

static const struct vmc_ops guest_ops = {
	.post_message = guest_post,
	.signal_event = guest_signal,
	.eom = guest_eom,
	.alloc = sim_guest_alloc,
	.free = sim_guest_free,
	.mem_alloc = sim_guest_mem_alloc,
	.mem_free = sim_guest_mem_free,
	.connected = guest_connected,
	.offer = guest_offer,
	.gone = guest_gone,
	.unloaded = guest_unloaded,
	.vp_kick = guest_kick,
	.trace = guest_trace,
};

/* --- part_ops, vms_ops --- */

static void
part_irq(struct partition *p, uint32_t vp)
{
	struct sim_link *l = p->ctx;
	const struct sim_faults *f = &l->cfg.faults;

	sim_after(l->sim, sim_chance(l->sim, f->irq_late) ? SIM_LATE_NS :
	    delay(l), dispatch_event, l, vp);
	if (sim_chance(l->sim, f->irq_twice))
		sim_after(l->sim, delay(l), dispatch_event, l, vp);
}

static int
part_conn_add(struct partition *p, uint32_t conn_id, struct chan *c)
{
	struct sim_link *l = p->ctx;

	OS_ASSERT(!conn_known(l, conn_id));
	if (l->conns == SIM_CONNS || sim_host_refuses(l))
		return E_NOMEM;
	l->conn[l->conns++] = conn_id;
	return 0;
}

static void
part_conn_remove(struct partition *p, uint32_t conn_id)
{
	struct sim_link *l = p->ctx;
	uint32_t i = 0;

	while (i < l->conns && l->conn[i] != conn_id)
		i++;
	OS_ASSERT(i < l->conns);
	l->conn[i] = l->conn[--l->conns];
}

static int
part_map(struct partition *p, const uint64_t *pfns, uint32_t count,
    struct part_map *out)
{
	struct sim_link *l = p->ctx;

	return sim_host_refuses(l) ? E_NOMEM :
	    sim_mem_map(&l->mem, pfns, count, out);
}

static void
part_unmap(struct partition *p, struct part_map *map)
{
	struct sim_link *l = p->ctx;

	sim_mem_unmap(&l->mem, map);
}

static const struct part_ops host_part_ops = {
	.interrupt = part_irq,
	.connection_add = part_conn_add,
	.connection_remove = part_conn_remove,
	.map_pages = part_map,
	.unmap_pages = part_unmap,
};

static uint32_t
host_filter(void *ctx, uint32_t vp, uint8_t *msg, uint32_t *len)
{
	struct sim_link *l = ctx;

	return l->ops->filter == NULL ? 1 :
	    l->ops->filter(l->ctx, true, vp, msg, len);
}

static const struct vms_ops host_ops = {
	.alloc = sim_host_alloc,
	.free = sim_host_free,
	.filter = host_filter,
};

/* --- life --- */

static void
regs_set(struct sim_link *l)
{
	for (uint32_t i = 0; i < l->cfg.vps; i++) {
		struct part_vp_regs r = {
			.scontrol = true,
			.simp = guestmem_ptr(&l->part.mem, l->simp[i].gpa,
			    HV_PAGE_SIZE),
			.siefp = guestmem_ptr(&l->part.mem, l->siefp[i].gpa,
			    HV_PAGE_SIZE),
		};

		part_vp_set_regs(&l->part, i, &r);
	}
}

static void
pages_alloc(struct sim_link *l)
{
	for (uint32_t i = 0; i < l->cfg.vps; i++) {
		if (sim_mem_alloc(&l->mem, HV_PAGE_SIZE, &l->simp[i]) < 0 ||
		    sim_mem_alloc(&l->mem, HV_PAGE_SIZE, &l->siefp[i]) < 0) {
			fprintf(stderr, "sim: arena too small\n");
			exit(2);
		}
		l->cfg.vmc.simp[i] = l->simp[i].va;
		l->cfg.vmc.siefp[i] = l->siefp[i].va;
	}
}

int
sim_link_init(struct sim_link *l, struct sim *sim,
    const struct sim_link_config *cfg, const struct sim_link_ops *ops,
    void *ctx)
{
	memset(l, 0, sizeof(*l));
	l->sim = sim;
	l->cfg = *cfg;
	l->ops = ops;
	l->ctx = ctx;
	l->timer_at = UINT64_MAX;
	l->host_allocs_left = UINT32_MAX;
	sim_mem_init(&l->mem, sim, cfg->mem_pages, cfg->mem_regions);
	pages_alloc(l);
	l->msgs = calloc((size_t)cfg->vps * PART_MSG_QUEUE, sizeof(*l->msgs));
	OS_ASSERT(l->msgs != NULL);
	part_init(&l->part, &host_part_ops, l, cfg->vps, l->msgs);
	sim_mem_regions(&l->mem, &l->part.mem);
	regs_set(l);
	l->cfg.vmc.vps = cfg->vps;
	l->vms = vms_create(&l->part, &l->cfg.vms, &host_ops, l);
	l->vmc = vmc_create(&l->cfg.vmc, &guest_ops, l);
	if (l->vms == NULL || l->vmc == NULL) {
		sim_link_fini(l);
		return E_NOMEM;
	}
	if (l->cfg.vms.monitor)
		sim_after(sim, MONITOR_NS, monitor_event, l, 0);
	return 0;
}

void
sim_link_fini(struct sim_link *l)
{
	if (l->vmc != NULL)
		vmc_destroy(l->vmc);
	if (l->vms != NULL)
		vms_destroy(l->vms);
	l->vmc = NULL;
	l->vms = NULL;
	for (uint32_t i = 0; i < l->cfg.vps; i++) {
		sim_mem_free(&l->mem, &l->simp[i]);
		sim_mem_free(&l->mem, &l->siefp[i]);
	}
	sim_forget(l->sim, l);
}

void
sim_link_free(struct sim_link *l)
{
	sim_mem_fini(&l->mem);
	free(l->msgs);
}

void
sim_link_cut(struct sim_link *l)
{
	l->post_count = 0;
	vms_reset(l->vms);
	part_reset(&l->part);
	vmc_lost(l->vmc);
	regs_set(l);
	sim_link_control(l);
}

int
sim_link_again(struct sim_link *l)
{
	vmc_destroy(l->vmc);
	l->post_count = 0;
	vms_reset(l->vms);
	part_reset(&l->part);
	regs_set(l);
	l->vmc = vmc_create(&l->cfg.vmc, &guest_ops, l);
	return l->vmc == NULL ? E_NOMEM : vmc_start(l->vmc);
}
