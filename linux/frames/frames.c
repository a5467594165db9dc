/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames API: open and close.
 *
 * hvnet_open() drives VMBus client and NetVSC from the caller's thread until
 * the NetVSC is attached.  From then on queue 0's thread is the control
 * context: frames_control() every so many of its calls.
 */
#include <stdio.h>
#include <stdlib.h>

#include "linux/frames/frames_priv.h"
#include "linux/run/clock.h"
#include "wire/ndis_obj.h"

#define FRAMES_FILTER	(HVNET_FILTER_OWN | HVNET_FILTER_MULTI |	\
    HVNET_FILTER_BROAD)
#define FRAMES_OFF	(HVNET_OFF_ALL | HVNET_OFF_RSC)

_Static_assert(HVNET_CSUM_PARTIAL == PKT_CSUM_PARTIAL &&
    HVNET_IP_CSUM == PKT_IPCS && HVNET_IP_GOOD == PKT_CSUM_GOOD_IP &&
    HVNET_IP_BAD == PKT_CSUM_BAD_IP && HVNET_L4_GOOD == PKT_CSUM_GOOD_L4 &&
    HVNET_L4_BAD == PKT_CSUM_BAD_L4 && HVNET_VLAN == PKT_VLAN &&
    HVNET_HASH == PKT_HASH && HVNET_TSO4 == PKT_GSO_TCP4 &&
    HVNET_TSO6 == PKT_GSO_TCP6 && HVNET_JOINED == PKT_GSO_NORESEG,
    "frame flags");
_Static_assert(HVNET_HASH_IP4 == PKT_HASH_IPV4 &&
    HVNET_HASH_TCP4 == PKT_HASH_TCP4 && HVNET_HASH_IP6 == PKT_HASH_IPV6 &&
    HVNET_HASH_IP6_EX == PKT_HASH_IPV6_EX &&
    HVNET_HASH_TCP6 == PKT_HASH_TCP6 &&
    HVNET_HASH_TCP6_EX == PKT_HASH_TCP6_EX &&
    HVNET_HASH_UDP4 == PKT_HASH_UDP4 && HVNET_HASH_UDP6 == PKT_HASH_UDP6 &&
    HVNET_HASH_UDP6_EX == PKT_HASH_UDP6_EX, "hash types");
_Static_assert(HVNET_FILTER_OWN == NDIS_FILTER_DIRECTED &&
    HVNET_FILTER_SOME_MULTI == NDIS_FILTER_MULTICAST &&
    HVNET_FILTER_MULTI == NDIS_FILTER_ALLMULTI &&
    HVNET_FILTER_BROAD == NDIS_FILTER_BROADCAST &&
    HVNET_FILTER_ANY == NDIS_FILTER_PROMISC, "packet filter");
_Static_assert(HVNET_OFF_ALL == (VSC_OFF_ALL & ~(VSC_OFF_RSC4 |
    VSC_OFF_RSC6)) && HVNET_OFF_TSO == (VSC_OFF_TSO4 | VSC_OFF_TSO6) &&
    HVNET_OFF_VLAN == VSC_OFF_VLAN && HVNET_OFF_HASH == VSC_OFF_HASH &&
    HVNET_OFF_RSC == (VSC_OFF_RSC4 | VSC_OFF_RSC6) &&
    HVNET_OFF_RX_CSUM == VSC_OFF_RXCSUM, "offload masks");

#ifdef __LP64__
/*
 * What programs that are installed were built with: it stays as it is while
 * the library is libhvnet.so.0.  What is new takes words of reserved.
 */
_Static_assert(sizeof(struct hvnet_meta) == 32 &&
    sizeof(struct hvnet_frame) == 48 &&
    offsetof(struct hvnet_frame, meta) == 12 &&
    offsetof(struct hvnet_frame, own) == 44 &&
    sizeof(struct hvnet_room) == 48 && sizeof(struct hvnet_config) == 136 &&
    offsetof(struct hvnet_config, tunables) == 64 &&
    sizeof(struct hvnet_info) == 104 &&
    offsetof(struct hvnet_info, speed_bps) == 32 &&
    sizeof(struct hvnet_stats) == 168 &&
    offsetof(struct hvnet_stats, tx_invalid) == 96, "ABI of libhvnet.so.0");
#endif

/* --- open --- */

void
hvnet_config_default(struct hvnet_config *c)
{
	*c = (struct hvnet_config){ .connect = "", .name = "", .nic = "",
		.queues = 1, .offloads = HVNET_OFF_ALL, .timeout_ms = 10000,
		.memory_bytes = 256u << 20 };
}

/* A program for a later libhvnet has wishes that we do not know. */
static bool
frames_reserved_zero(const struct hvnet_config *c)
{
	for (uint32_t i = 0; i < ARRAY_LEN(c->reserved); i++)
		if (c->reserved[i] != 0)
			return false;
	return true;
}

/* The caller's wishes, with defaults where there is none.  False: unusable. */
static bool
frames_config(struct hvnet_config *out, const struct hvnet_config *in,
    char *err, size_t cap)
{
	struct hvnet_config def;

	hvnet_config_default(&def);
	*out = in != NULL ? *in : def;
	if (out->connect == NULL || out->connect[0] == '\0') {
		snprintf(err, cap, "connect: no socket of a host, nor uio:N");
		return false;
	}
	if (!frames_reserved_zero(out)) {
		snprintf(err, cap, "reserved: not zero; the program needs a "
		    "newer libhvnet than %s", hvnet_version());
		return false;
	}
	if (out->name == NULL)
		out->name = def.name;
	if (out->nic == NULL)
		out->nic = def.nic;
	if (out->queues == 0)
		out->queues = def.queues;
	if (out->timeout_ms == 0)
		out->timeout_ms = def.timeout_ms;
	if (out->memory_bytes == 0)
		out->memory_bytes = def.memory_bytes;
	if (out->queues > HVNET_MAX_QUEUES) {
		snprintf(err, cap, "queues: 1 to %u", HVNET_MAX_QUEUES);
		return false;
	}
	if (out->send_bytes > FRAMES_SEND_MAX) {
		snprintf(err, cap, "send_bytes: at most %llu",
		    FRAMES_SEND_MAX);
		return false;
	}
	out->send_bytes = (out->send_bytes + FRAMES_CHUNK - 1) / FRAMES_CHUNK *
	    FRAMES_CHUNK;
	return true;
}

static bool
frames_tunables(struct hvnet *h, char *err, size_t cap)
{
	struct vsc_config *c = &h->vsc_cfg;

	vsc_tunables_default(&c->tune);
	/* Policy: what polling gains by. */
	c->tune.ring_pages = 256;
	/* What is sent by reference is not copied sooner by waiting. */
	if (h->cfg.send_bytes != 0)
		c->tune.tx_inflight_kb = 0;
	c->tune.chan_cnt = h->cfg.queues;
	for (uint32_t i = 0; h->cfg.tunables != NULL &&
	    h->cfg.tunables[i] != NULL; i++) {
		const char *text = h->cfg.tunables[i];
		char name[32];
		unsigned int v;

		if (sscanf(text, "%31[^=]=%u", name, &v) != 2 ||
		    vsc_tunable_set(&c->tune, name, v) < 0) {
			snprintf(err, cap, "%s: no such tunable, or out of "
			    "range", text);
			return false;
		}
	}
	c->tune.chan_cnt = h->cfg.queues;
	c->vps = h->cfg.queues;
	c->offloads = h->cfg.offloads & FRAMES_OFF;
	c->filter = h->cfg.filter != 0 ? h->cfg.filter : FRAMES_FILTER;
	c->poll = true;
	c->by_ref = h->cfg.send_bytes != 0;
	c->ref_frames = h->cfg.send_frames;
	c->rx_complete = h->cfg.complete_csum;
	c->rx_hold = true;
	return true;
}

/* The link waits for the host: while open() and close() may. */
static bool
frames_go_on(void *ctx)
{
	const struct hvnet *h = ctx;

	return h->close_by == 0 || clock_now_ns() < h->close_by;
}

static bool
frames_connect(struct hvnet *h, char *err, size_t cap)
{
	const struct link_guest_config lc = { .path = h->cfg.connect,
		.name = h->cfg.name, .nic = h->cfg.nic,
		/* A guest that polls: the host polls it as well. */
		.kind = LINK_KIND_POLL, .max_nics = 1,
		.vps = h->cfg.queues,
		.memory_bytes = h->cfg.memory_bytes + h->cfg.send_bytes,
		.timeout_ms = h->cfg.timeout_ms, .go_on = frames_go_on,
		.ctx = h };
	struct vmc_config vc = { .vps = h->cfg.queues,
		.signal = VMC_SIGNAL_EDGE };

	if (link_guest_open(&lc, &h->wire.link, err, cap) < 0)
		return false;
	for (uint32_t i = 0; i < h->cfg.queues; i++) {
		vc.simp[i] = link_guest_simp(h->wire.link, i);
		vc.siefp[i] = link_guest_siefp(h->wire.link, i);
	}
	h->vmc = vmc_create(&vc, &frames_vmc_ops, h);
	if (h->vmc == NULL || vmc_start(h->vmc) < 0) {
		snprintf(err, cap, "out of memory");
		return false;
	}
	return true;
}

/* Link, VMBus and NetVSC, until frames can be sent.  False: why in err. */
static bool
frames_bring_up(struct hvnet *h, char *err, size_t cap)
{
	const uint64_t end = clock_now_ns() + h->cfg.timeout_ms * 1000000ull;
	const char *nic = h->cfg.nic;
	uint64_t now;

	if (!frames_tunables(h, err, cap) ||
	    (frames_uio_wanted(h->cfg.connect) ?
	    frames_uio_connect(h, err, cap) < 0 :
	    !frames_connect(h, err, cap)) || !frames_ref_alloc(h, err, cap) ||
	    !frames_wake_open(h, err, cap))
		return false;
	now = clock_now_ns();
	if (frames_until(h, &h->attached, now < end ? end - now : 0))
		return true;
	if (h->gone != 0)
		snprintf(err, cap, "%s", h->why);
	else
		snprintf(err, cap, "NIC%s%s: %s in time",
		    nic[0] != '\0' ? " " : "", nic, h->vsc != NULL ?
		    "it did not attach" : "the host did not offer it");
	return false;
}

struct hvnet *
hvnet_open(const struct hvnet_config *cfg, char *err, size_t cap)
{
	struct hvnet *h;
	char none[1];

	if (err == NULL) {
		err = none;
		cap = sizeof(none);
	}
	snprintf(err, cap, "out of memory");
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	if (!frames_config(&h->cfg, cfg, err, cap)) {
		free(h);
		return NULL;
	}
	h->queue = aligned_alloc(OS_CACHELINE, h->cfg.queues *
	    sizeof(h->queue[0]));
	if (h->queue != NULL)
		memset(h->queue, 0, h->cfg.queues * sizeof(h->queue[0]));
	if (h->queue == NULL) {
		free(h);
		return NULL;
	}
	frames_wake_init(h);
	if (!frames_bring_up(h, err, cap)) {
		hvnet_close(h);
		return NULL;
	}
	/* The caller's strings are its own again. */
	h->cfg.connect = h->cfg.name = h->cfg.nic = "";
	h->cfg.tunables = NULL;
	return h;
}

/* --- close --- */

static uint64_t
frames_close_ns(const struct hvnet *h)
{
	uint64_t now = clock_now_ns();

	return now < h->close_by ? h->close_by - now : 0;
}

static void
frames_detach(struct hvnet *h)
{
	h->closing = true;
	h->attached = false;
	if (link_guest_poll(h->wire.link) < 0) {
		frames_break(h, "the host is gone");
		vmc_lost(h->vmc);
	}
	if (h->vsc != NULL) {
		frames_flush(h);
		vsc_rx_unhold_all(h->vsc);
		vsc_detach(h->vsc);
		if (!frames_until(h, &h->vsc_down, frames_close_ns(h))) {
			vmc_lost(h->vmc);
			(void)frames_until(h, &h->vsc_down, 100000000u);
		}
	}
	if (h->vsc == NULL || h->vsc_down) {
		if (h->vsc != NULL)
			vsc_free(h->vsc);
		h->vsc = NULL;
		vmc_unload(h->vmc);
		(void)frames_until(h, &h->unloaded, frames_close_ns(h));
	}
	vmc_lost(h->vmc);
	vmc_destroy(h->vmc);
}

void
hvnet_close(struct hvnet *h)
{
	if (h == NULL)
		return;
	h->close_by = clock_now_ns() + FRAMES_CLOSE_NS;
	if (h->wire.bus != NULL)
		frames_uio_close(h);
	if (h->vmc != NULL)
		frames_detach(h);
	if (h->wire.link != NULL)
		link_guest_close(h->wire.link);
	frames_ref_free(h);
	frames_wake_close(h);
	for (uint32_t k = 0; k < h->cfg.queues; k++) {
		free(h->queue[k].kept);
		frames_join_free(&h->queue[k]);
	}
	free(h->queue);
	free(h);
}

/* --- what it is --- */

const char *
hvnet_version(void)
{
	return FRAMES_VERSION;
}

void
hvnet_info(const struct hvnet *h, struct hvnet_info *out)
{
	const struct vsc_caps *c = vsc_caps(h->vsc);

	*out = (struct hvnet_info){ .link_up = c->link_up, .mtu = c->mtu,
		.queues = h->queues, .offloads = c->offloads & FRAMES_OFF,
		.tso_maxlen = c->tso_maxlen,
		.vmbus_version = c->vmbus_version,
		.nvsp_version = c->nvsp_version, .speed_bps = c->speed_bps };
	memcpy(out->mac, c->mac, sizeof(out->mac));
}

uint32_t
hvnet_queues(const struct hvnet *h)
{
	return os_ld32(&h->queues);
}

const char *
hvnet_why(const struct hvnet *h)
{
	return os_ld32_acq(&h->gone) != 0 ? h->why : "";
}

int
hvnet_stats(const struct hvnet *h, uint32_t queue, struct hvnet_stats *out)
{
	const struct frames_queue *q = &h->queue[queue];
	const struct vsc_tx_counters *tx;
	const struct vsc_rx_counters *rx;

	if (queue >= h->queues)
		return HVNET_INVALID;
	tx = vsc_tx_stats(h->vsc, queue);
	rx = vsc_rx_stats(h->vsc, queue);
	*out = (struct hvnet_stats){ .rx_frames = os_ld64(&rx->frames),
		.rx_bytes = os_ld64(&rx->bytes),
		.rx_packets = os_ld64(&rx->packets),
		.rx_dropped = os_ld64(&rx->dropped) + os_ld64(&q->dropped),
		.rx_polls = os_ld64(&q->polls), .rx_idle = os_ld64(&q->idle),
		.tx_frames = os_ld64(&tx->frames),
		.tx_bytes = os_ld64(&tx->bytes),
		.tx_packets = os_ld64(&tx->packets),
		.tx_completed = os_ld64(&tx->completions),
		.tx_errors = os_ld64(&tx->errors),
		.tx_full = os_ld64(&q->full),
		.tx_invalid = os_ld64(&q->invalid) };
	return 0;
}
