/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz a whole NIC, both real ends joined by the simulation: each input makes a
 * real attach, with the versions, offloads and sizes that it names, and then
 * either end's memory lies.  So what lies behind an attach is reached at once:
 * rings that fill and wait, sub-channels, steering, offload objects, RSC both
 * ways, rescinds, timers, and channels that broke.
 *
 * The input is a list of operations, see step().  Nobody judges what arrives:
 * both ends must end, free every block, and touch nothing that is not theirs.
 */
#include "fuzz_frame.h"
#include "sim/sim_nic_priv.h"
#include "vsp/vsp_priv.h"
#include "wire/nvs_msg.h"
#include "wire/vmbus_msg.h"

#define STEPS_END	20000u
#define NS_END		400000000000ull

static struct sim sim;
static struct sim_nic_run run;
static struct sim_nic_config cfg;
static uint8_t frame[VSP_FRAME_MAX + 64];
static uint32_t stalled;	/* looks that find no room at the backend */

static bool
backend_stalled(void *ctx, uint32_t queue, bool full)
{
	if (stalled == 0)
		return false;
	stalled--;
	return true;
}

static void
configure(struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), c = fuzz_u8(f), d = fuzz_u8(f);

	sim_nic_defaults(&cfg);
	cfg.hold = true;
	cfg.seed = d;
	cfg.link.mem_pages = 1024;
	cfg.link.vps = 1 + (b & 1);
	cfg.link.vms.max_version = vmbus_versions[(b >> 1) % VMBUS_VERSIONS];
	cfg.link.vms.monitor = b & 16;
	cfg.vsp.max_nvsp = nvs_versions[NVS_VERSIONS - 1 -
	    ((b >> 5) % NVS_VERSIONS)];
	cfg.vsc.tune.ring_pages = 2 + (c & 3);
	cfg.vsc.tune.rxbuf_kb = 128;
	cfg.vsc.tune.sendbuf_kb = c & 4 ? 64 : 16;
	cfg.vsc.tune.ack_batch = 1 + (c >> 3 & 7);
	cfg.vsc.poll = c >= 240;
	cfg.vsp.rsc_large = cfg.vsp.rsc_sizes = d & 1;
	cfg.vsp.backend_gso4 = d & 2;
	cfg.vsp.backend_gso6 = cfg.vsp.backend_csum = d & 4;
	cfg.vsp.rxcsum_complete = d & 8;
	cfg.vsp.strict = d & 16;
	cfg.vlan = d & 32;
	cfg.vf = d & 64;
	cfg.rekey_us = d & 128 ? 100 : 0;
	cfg.flows = 4;
	cfg.bytes = 6000;
	cfg.frame = 5000;
	cfg.vsc.offloads = fuzz_u16(f) ^ VSC_OFF_ALL;
	cfg.vsp.offloads = (fuzz_u8(f) ^ VSP_OFF_ALL) & VSP_OFF_ALL;
}

static bool
never(void *ctx)
{
	(void)sim_nic_advance(ctx);
	return false;
}

static void
go(uint32_t steps, uint64_t ns)
{
	(void)sim_run(&sim, never, &run, steps, sim.now_ns + ns);
}

/* Memory that both ends see: a page in use, some bytes or one word of it. */
static void
scribble(struct fuzz_in *f)
{
	uint32_t nth = fuzz_u8(f), how = fuzz_u8(f), page, off;
	struct sim_mem *m = &run.link.mem;

	for (page = 0; page < m->pages; page++)
		if (m->used[page] == 1 && nth-- == 0)
			break;
	if (page == m->pages)
		return;
	if (how & 1) {
		/* Ring control: an index, the mask, what somebody waits for. */
		le32_t v = le32_put(fuzz_u32(f) & (how & 2 ? UINT32_MAX : ~7u));

		off = how >> 4 & 15;
		memcpy(m->guest + page * HV_PAGE_SIZE + off * 4, &v, 4);
		return;
	}
	off = fuzz_u16(f) % (HV_PAGE_SIZE - 64);
	fuzz_fill(f, m->guest + page * HV_PAGE_SIZE + off, how >> 2);
}

static void
host_settings(struct fuzz_in *f)
{
	struct vsp_config c = *vsp_config(run.vsp);
	uint32_t b = fuzz_u8(f);

	c.link_up = b & 1;
	c.mtu = b & 2 ? 68 + fuzz_u16(f) % 8933 : 1500;
	c.offloads = b & 4 ? fuzz_u8(f) & VSP_OFF_ALL : VSP_OFF_ALL;
	c.vlan = (enum vsp_vlan)((b >> 3 & 3) % 3);
	c.vlan_id = 5;
	c.mac_spoof = b & 32;
	c.loss_ppm = b & 64 ? 100000 : 0;
	c.rxcsum_complete = b & 128;
	(void)vsp_reconfigure(run.vsp, &c);
}

static void
guest_settings(struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), table[128];

	if (run.vsc == NULL || !run.attached || run.detach_due)
		return;
	for (uint32_t i = 0; i < ARRAY_LEN(table); i++)
		table[i] = i * b % 3;
	switch (b % 5) {
	case 0: (void)vsc_set_filter(run.vsc, fuzz_u8(f)); break;
	case 1:
		(void)vsc_set_offloads(run.vsc, fuzz_u16(f) & VSC_OFF_ALL);
		break;
	case 2:
		(void)vsc_set_rss(run.vsc, frame, table, 1u << (b >> 5));
		break;
	default:
		for (uint32_t q = 0; q < run.caps.queues; q++)
			vsc_queue_poll(run.vsc, q, 64);
		break;
	}
	sim_link_control(&run.link);
}

static void
from_guest(struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), q = b & 1, len;
	struct vec v = { frame, 0 };
	struct pkt_meta m;

	len = fuzz_frame(f, frame, b & 2 ? 62000 : 2000, cfg.vsp.mac);
	fuzz_meta(f, &m);
	v.len = len;
	if (run.vsc == NULL || !run.attached || run.detach_due ||
	    q >= run.caps.queues)
		return;
	for (uint32_t i = 0; i <= (b >> 2 & 15); i++)
		if (vsc_tx_copy(run.vsc, q, &v, 1, &m) < 0)
			break;
	vsc_tx_flush(run.vsc, q);
}

static void
to_guest(struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), len, q;
	struct vec v = { frame, 0 };
	struct vsp_room room;
	struct pkt_meta m;

	len = fuzz_frame(f, frame, b & 2 ? VSP_FRAME_MAX : 2000,
	    (const uint8_t *)"\2\0\0\0\0\2");
	fuzz_meta(f, &m);
	if (b & 1)
		memcpy(frame, cfg.vsp.mac, 6);
	v.len = len;
	q = vsp_steer(run.vsp, (struct span){ frame, min_u32(len, 200) }, len,
	    &m);
	for (uint32_t i = 0; i <= (b >> 3 & 15); i++) {
		if ((b & 4) == 0) {
			if (vsp_to_guest_copy(run.vsp, q, &v, 1, &m) < 0)
				break;
			continue;
		}
		if (vsp_to_guest_reserve(run.vsp, q, len, &room) != 0)
			break;
		(void)pkt_vec_scatter(room.vec, room.nvec, 0, frame, len);
		(void)vsp_to_guest_submit(run.vsp, q, &room, len, &m);
	}
	vsp_to_guest_flush(run.vsp, q);
	if (b & 128)
		vsp_to_guest_drain_handover(run.vsp, q);
}

/* A message of either end that nobody requested. */
static void
message(struct fuzz_in *f)
{
	uint8_t buf[VMBUS_MSG_MAX] = { 0 };
	uint32_t b = fuzz_u8(f), n = min_u32(8 + fuzz_u8(f), VMBUS_MSG_MAX);

	buf[0] = (uint8_t)((b >> 1) % (VMBUS_MSG_TYPES + 2));
	fuzz_fill(f, buf + 8, min_u32(n - 8, 32));
	if (b & 1)
		(void)vms_message(run.link.vms, VMBUS_CONN_MESSAGE,
		    (struct span){ buf, n });
	else
		(void)part_post_message(&run.link.part, 0, buf, n);
}

/* An NVSP or other packet on a ring, from its host end. */
static void
host_packet(struct fuzz_in *f)
{
	static const uint16_t types[] = { VMPKT_INBAND, VMPKT_COMPLETION,
	    VMPKT_XFER_PAGES, VMPKT_GPA_DIRECT };
	uint32_t b = fuzz_u8(f), k = b & 1;
	uint8_t data[64] = { 0 }, ext[32] = { 0 };
	struct vmpkt_out p = { .type = types[b >> 1 & 3],
		.flags = b & 8 ? VMPKT_F_COMPLETE : 0, .xact = fuzz_u32(f),
		.ext = { ext, (b >> 4 & 3) * 8 }, .data = { data, 40 } };

	data[0] = (uint8_t)fuzz_u8(f);
	fuzz_fill(f, data + 4, fuzz_u8(f) % 60);
	fuzz_fill(f, ext, p.ext.len);
	if (run.host_chan[k] == NULL)
		return;
	if (chan_send(run.host_chan[k], &p) == 0)
		chan_commit(run.host_chan[k]);
}

static void
control(struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f);

	switch (b & 7) {
	case 0:
		if (run.offered)
			vms_dev_rescind(run.link.vms, vsp_dev(run.vsp));
		else if (vms_dev_offer(run.link.vms, vsp_dev(run.vsp)) < 0)
			break;
		run.offered = !run.offered;
		break;
	case 1: run.link.host_allocs_left = b >> 3; break;
	case 2: run.link.mem.allocs_left = b >> 3; break;
	case 3:
		run.link.mem.allocs_left = UINT32_MAX;
		run.link.host_allocs_left = UINT32_MAX;
		break;
	case 4: stalled = b >> 3; break;
	case 5: (void)vsp_from_guest_poll(run.vsp, b >> 3 & 1, b >> 4); break;
	case 6: (void)part_flag_set(&run.link.part, 0, b >> 3); break;
	default:
		if (run.phase < DETACH && b >= 192)
			sim_nic_stop(&run, (enum sim_stop)((b >> 3) %
			    SIM_STOPS));
		break;
	}
}

static void
step(struct fuzz_in *f)
{
	switch (fuzz_u8(f) % 13) {
	case 0:
	case 1: scribble(f); break;
	case 2: host_settings(f); break;
	case 3: guest_settings(f); break;
	case 4: from_guest(f); break;
	case 5: to_guest(f); break;
	case 6: message(f); break;
	case 7: host_packet(f); break;
	case 8: control(f); break;
	case 9:
		if (run.phase == TRAFFIC)
			sim_nic_more(&run, 4000);
		break;
	case 10: go(2000, 1ull << (fuzz_u8(f) % 36)); break;
	default: go(fuzz_u8(f), NS_END); break;
	}
}

static void
end(void)
{
	stalled = 0;
	run.link.mem.allocs_left = run.link.host_allocs_left = UINT32_MAX;
	sim_nic_stop(&run, SIM_STOP_CUT);
	if (run.vsc != NULL)
		vsc_detach(run.vsc);
	sim_link_control(&run.link);
	for (uint32_t i = 0; i < 8 && run.vsc != NULL; i++) {
		go(STEPS_END, NS_END);
		sim.now_ns += 20000000000ull;
		sim_link_control(&run.link);
	}
	fuzz_require(run.vsc == NULL);
	sim_nic_end(&run);
	fuzz_require(run.link.guest_heap == 0 && run.link.host_heap == 0);
	sim_link_free(&run.link);
	sim_fini(&sim);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fuzz_in f = { p, n };

	configure(&f);
	stalled = 0;
	sim_init(&sim, cfg.seed);
	fuzz_require(sim_nic_begin(&run, &sim, &cfg) == 0);
	run.vsp->ops.from_guest_stalled = backend_stalled;
	for (uint32_t i = 0; i < 64 && run.phase == ATTACH && !run.failed; i++)
		go(64, NS_END);
	while (f.n > 0 && sim.steps < STEPS_END)
		step(&f);
	end();
	return 0;
}
