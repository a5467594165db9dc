/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of the driver's tests: its own sources on a stand-in for its kernel
 * (hvn_kernel.h), a thread for each processor, and the real host end in a
 * thread of its own (tests/pair/threads_host.h).
 *
 *	world_defaults(); settings; world_begin(): the device is up
 *	world_end(): it is detached, and nothing is left
 */
#ifndef TESTS_FREEBSD_HVN_WORLD_H
#define TESTS_FREEBSD_HVN_WORLD_H

#include "../pair/threads_host.h"

#include "standin.h"

#include "freebsd/hvn.h"

#define POOL	3000u		/* mbufs */

static struct world the_world;
static struct device the_device;
static if_t the_if;
static struct thread world_vp[VPS], world_host;

/* ---- the guest's bus ---------------------------------------------------- */

static void
on_offer(void *ctx, struct chan *c)
{
	struct world *w = ctx;

	the_device.chan = standin_offer(c);
	os_st32_rel(&w->attached, 1);
}

static void
on_gone(void *ctx, struct chan *c)
{
	standin_gone(c);
}

static void
on_unloaded(void *ctx)
{
	os_xchg32(&((struct world *)ctx)->unloaded, 1);
}

static void
guest_park(void *ctx, uint32_t vp)
{
	if (vp != 0)
		pthread_mutex_lock(&((struct world *)ctx)->vp[vp]);
}

static void
guest_unpark(void *ctx, uint32_t vp)
{
	if (vp != 0)
		pthread_mutex_unlock(&((struct world *)ctx)->vp[vp]);
}

static void
guest_kick(void *ctx, uint32_t vp)
{
	os_xchg32(&((struct world *)ctx)->irq[vp], 1);
}

static const struct vmc_ops vmc_ops = {
	.post_message = guest_post, .signal_event = guest_signal,
	.eom = guest_eom, .alloc = mem_new, .free = mem_del,
	.mem_alloc = guest_mem_alloc, .mem_free = guest_mem_free,
	.connected = on_connected, .offer = on_offer, .gone = on_gone,
	.unloaded = on_unloaded, .vp_park = guest_park,
	.vp_unpark = guest_unpark, .vp_kick = guest_kick,
};

static void *
vp_main(void *arg)
{
	struct thread *t = arg;
	struct world *w = t->w;
	bool more = false;

	curcpu = (int)t->index;
	while (os_ld32(&w->stop) == 0) {
		if (t->index == 0)
			pthread_mutex_lock(&w->bus);
		pthread_mutex_lock(&w->vp[t->index]);
		if (os_xchg32(&w->irq[t->index], 0) != 0 || more)
			more = vmc_vp_dispatch(w->vmc, t->index, 64);
		pthread_mutex_unlock(&w->vp[t->index]);
		if (t->index == 0) {
			(void)vmc_timer(w->vmc, now_ns());
			pthread_mutex_unlock(&w->bus);
		}
		if (!more)
			usleep(IDLE_US);
	}
	return NULL;
}

/* ---- the device --------------------------------------------------------- */

static int
device_call(const char *id)
{
	for (device_method_t *m = standin_driver->methods; m->name != NULL; m++)
		if (strcmp(m->name, id) == 0)
			return m->fn(&the_device);
	return ENXIO;
}

static void
if_flags_set(int flags)
{
	struct ifreq r = { 0 };

	if_setflags(the_if, flags);
	assert_int_equal(the_if->ioctl(the_if, SIOCSIFFLAGS, (caddr_t)&r), 0);
}

static int
if_mtu(int mtu)
{
	struct ifreq r = { .ifr_mtu = mtu };

	return the_if->ioctl(the_if, SIOCSIFMTU, (caddr_t)&r);
}

/* ---- the world ---------------------------------------------------------- */

/* Settings of the host, and tunables; world_begin() takes them. */
static void
world_defaults(struct world *w)
{
	memset(w, 0, sizeof(*w));
	sim_init(&w->sim, 1);
	sim_nic_defaults(&w->cfg);
	w->cfg.vsp.max_queues = VPS;
	w->cfg.vsp.mtu = 9000;
	w->cfg.link.mem_pages += POOL;
	hvn_core_tunables = w->cfg.vsc.tune;
	hvn_port_tunables.retry_ms = 5;
}

static void
world_create(struct world *w, const struct vsp_ops *ops)
{
	pthread_mutex_init(&w->bus, NULL);
	pthread_mutex_init(&w->ring, NULL);
	pthread_mutex_init(&w->post, NULL);
	pthread_mutex_init(&w->memory, NULL);
	for (uint32_t i = 0; i < SENDERS; i++)
		pthread_mutex_init(&w->sending[i], NULL);
	sim_mem_init(&w->mem, &w->sim, w->cfg.link.mem_pages, 1);
	standin_memory(&w->mem, &w->memory, POOL);
	part_init(&w->part, &part_ops, w, VPS, w->msgs);
	sim_mem_regions(&w->mem, &w->part.mem);
	w->cfg.link.vmc.vps = VPS;
	for (uint32_t i = 0; i < VPS; i++) {
		struct part_vp_regs regs = { .scontrol = true };

		pthread_mutex_init(&w->vp[i], NULL);
		assert_int_equal(guest_mem_alloc(w, HV_PAGE_SIZE,
		    &w->simp[i]), 0);
		assert_int_equal(guest_mem_alloc(w, HV_PAGE_SIZE,
		    &w->siefp[i]), 0);
		regs.simp = guestmem_ptr(&w->part.mem, w->simp[i].gpa,
		    HV_PAGE_SIZE);
		regs.siefp = guestmem_ptr(&w->part.mem, w->siefp[i].gpa,
		    HV_PAGE_SIZE);
		part_vp_set_regs(&w->part, i, &regs);
		w->cfg.link.vmc.simp[i] = w->simp[i].va;
		w->cfg.link.vmc.siefp[i] = w->siefp[i].va;
	}
	standin_bus(&(struct standin_locks){ &w->bus, w->vp, &w->ring }, VPS);
	w->vms = vms_create(&w->part, &w->cfg.link.vms, &vms_ops, w);
	w->vsp = vsp_create(&w->cfg.vsp, ops, w);
	w->vmc = vmc_create(&w->cfg.link.vmc, &vmc_ops, w);
	assert_true(w->vms != NULL && w->vsp != NULL && w->vmc != NULL);
	assert_int_equal(vms_dev_offer(w->vms, vsp_dev(w->vsp)), 0);
	assert_int_equal(vmc_start(w->vmc), 0);
}

static void
until(const uint32_t *what, uint32_t n)
{
	for (time_t end = time(NULL) + SECONDS; os_ld32_acq(what) != n;) {
		assert_true(time(NULL) < end);
		usleep(1000);
	}
}

static void
device_begin(struct world *w, int flags)
{
	static struct malloc_type softc[1];

	until(&w->attached, 1);
	assert_true(device_call("device_probe") <= 0);
	the_device.softc = malloc(standin_driver->size, softc, M_ZERO);
	assert_int_equal(device_call("device_attach"), 0);
	the_if = ((struct hvn_softc *)the_device.softc)->ifp;
	if_flags_set(if_getflags(the_if) | IFF_UP | flags);
}

/* The stack sends nothing any more; then the device goes. */
static void
device_end(struct world *w)
{
	static struct malloc_type softc[1];

	os_st32(&w->traffic, 0);
	for (uint32_t i = 0; i < SENDERS; i++) {
		pthread_mutex_lock(&w->sending[i]);
		pthread_mutex_unlock(&w->sending[i]);
	}
	assert_int_equal(device_call("device_detach"), 0);
	free(the_device.softc, softc);
	assert_int_equal(M_HVN->blocks, 0);
	standin_sysctl_end();
}

static void
world_destroy(struct world *w, bool rescind)
{
	standin_bus_end();
	vmc_destroy(w->vmc);
	if (!rescind)
		(void)vms_dev_rescind(w->vms, vsp_dev(w->vsp));
	vsp_destroy(w->vsp);
	vms_destroy(w->vms);
	for (uint32_t i = 0; i < VPS; i++) {
		guest_mem_free(w, &w->simp[i]);
		guest_mem_free(w, &w->siefp[i]);
	}
	assert_int_equal(standin_memory_end(), 0);
	assert_int_equal(w->mem.pages_live, 0);
	sim_mem_fini(&w->mem);
	sim_fini(&w->sim);
}

/* The device is up, with these flags of its interface besides IFF_UP. */
static void
world_begin(struct world *w, const struct vsp_ops *ops,
    void (*input)(struct mbuf *), int flags)
{
	standin_input = input;
	world_create(w, ops);
	pthread_create(&world_host.id, NULL, host_main, w);
	for (uint32_t i = 0; i < VPS; i++) {
		world_vp[i] = (struct thread){ .w = w, .index = i };
		pthread_create(&world_vp[i].id, NULL, vp_main, &world_vp[i]);
	}
	device_begin(w, flags);
}

/* Detach; then all threads stop: those of senders are the test's to join. */
static void
world_end(struct world *w)
{
	device_end(w);
	pthread_mutex_lock(&w->bus);
	vmc_unload(w->vmc);
	pthread_mutex_unlock(&w->bus);
	until(&w->unloaded, 1);
	os_st32(&w->stop, 1);
	for (uint32_t i = 0; i < VPS; i++)
		pthread_join(world_vp[i].id, NULL);
	os_st32(&w->stop, 2);
	pthread_join(world_host.id, NULL);
	assert_int_equal(w->failed, 0);
	assert_int_equal(vmc_faults(w->vmc)->total, 0);
	assert_int_equal(vsp_faults(w->vsp)->total, 0);
}

/* Of both queues. */
static uint64_t
counter(const char *side, const char *name)
{
	char path[48];
	uint64_t sum = 0;

	for (uint32_t q = 0; q < VPS; q++) {
		snprintf(path, sizeof(path), "%s.%u.%s", side, q, name);
		sum += standin_sysctl(path);
	}
	return sum;
}

#endif
