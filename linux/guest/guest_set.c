/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run-time settings of a guest, over its control socket.
 *
 * What was requested becomes a plan first, checked as a whole; then it is done
 * with every VP parked.  Most takes effect at once.  Buffers, rings, channels
 * and MTU are laid down when the NetVSC attaches: for those it detaches and
 * attaches again, as Linux's hv_netvsc does for `ethtool -L`, `-G` and `ip link
 * set mtu` (netvsc_drv.c, netvsc_detach), and the link is down meanwhile.
 *
 * Context: main thread, with VP 0 parked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "linux/guest/guest_priv.h"
#include "wire/vmbus_msg.h"

static const struct {
	const char *name;
	uint32_t bits;
} offload_names[] = {
	{ "tso", VSC_OFF_TSO4 | VSC_OFF_TSO6 },
	{ "txcsum", VSC_OFF_TXCSUM_IP4 | VSC_OFF_TXCSUM_TCP4 |
	    VSC_OFF_TXCSUM_UDP4 | VSC_OFF_TXCSUM_TCP6 | VSC_OFF_TXCSUM_UDP6 },
	{ "rxcsum", VSC_OFF_RXCSUM },
	{ "rsc", VSC_OFF_RSC4 | VSC_OFF_RSC6 },
	{ "vlan", VSC_OFF_VLAN },
	{ "hash", VSC_OFF_HASH },
};

const char *
guest_offload_name(uint32_t i)
{
	return i < ARRAY_LEN(offload_names) ? offload_names[i].name : NULL;
}

uint32_t
guest_offload_bits(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(offload_names); i++)
		if (strcmp(name, offload_names[i].name) == 0)
			return offload_names[i].bits;
	return 0;
}

struct set_plan {
	uint32_t offloads;
	struct vsc_tunables tune;
	uint32_t mtu;
	enum vmc_signal signal;
	bool adaptive;
	uint32_t vp[LINK_MAX_VPS];	/* wanted, of each queue */
};

/* A decimal number, all of the text. */
static bool
set_number(const char *text, uint32_t *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	*out = (uint32_t)n;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' &&
	    errno == 0 && n <= UINT32_MAX;
}

/* "channel.2.vp" -> 2; false: another key. */
static bool
set_channel_key(const char *key, uint32_t *queue)
{
	char number[12], *dot;

	if (strncmp(key, "channel.", 8) != 0)
		return false;
	snprintf(number, sizeof(number), "%s", key + 8);
	dot = strchr(number, '.');
	if (dot == NULL || strcmp(dot, ".vp") != 0)
		return false;
	*dot = '\0';
	return set_number(number, queue);
}

static json_t *
plan_channel(const struct guest *g, struct set_plan *p, const char *key,
    uint32_t queue, const char *value)
{
	uint32_t vp;

	if (queue >= g->tap.queues)
		return ctl_error("%s: %s has channels 0 to %u", key,
		    g->cfg.ifname, g->tap.queues - 1);
	if (!set_number(value, &vp) || vp >= g->cfg.vps)
		return ctl_error("%s=%s: want a virtual processor, 0 to %u",
		    key, value, g->cfg.vps - 1);
	if (queue == 0 && vp != 0)
		return ctl_error("%s=%s: channel 0 also carries control "
		    "messages and stays on virtual processor 0", key, value);
	if (g->wire.bus != NULL)
		return ctl_error("%s: of a NIC of uio_hv_generic the kernel "
		    "chooses the processor", key);
	if (g->state == GUEST_UP && vmc_version(g->vmc) < VMBUS_V4_1)
		return ctl_error("%s: a channel can move at VMBus 4.1 or "
		    "newer; this is %u.%u", key, vmc_version(g->vmc) >> 16,
		    vmc_version(g->vmc) & 0xffff);
	p->vp[queue] = vp;
	return NULL;
}

static json_t *
plan_signal(const struct guest *g, struct set_plan *p, const char *value)
{
	if (g->cfg.uio >= 0)
		return ctl_error("signal: a NIC of uio_hv_generic signals by "
		    "its files");
	if (strcmp(value, "edge") == 0)
		p->signal = VMC_SIGNAL_EDGE;
	else if (strcmp(value, "packet") == 0)
		p->signal = VMC_SIGNAL_PACKET;
	else
		return ctl_error("signal=%s: want edge or packet; the others "
		    "are chosen at start (--signal)", value);
	return NULL;
}

static json_t *
plan_poll(const struct guest *g, struct set_plan *p, const char *value)
{
	if (g->cfg.uio >= 0)
		return ctl_error("poll: a NIC of uio_hv_generic is polled, or "
		    "has an interrupt (--uio-interrupt)");
	p->adaptive = strcmp(value, "adaptive") == 0;
	if (!p->adaptive && strcmp(value, "off") != 0)
		return ctl_error("poll=%s: want adaptive or off", value);
	return NULL;
}

static json_t *
plan_offload(struct set_plan *p, const char *key, const char *value)
{
	uint32_t bits = guest_offload_bits(key);

	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return ctl_error("%s=%s: want on or off", key, value);
	if (value[1] == 'n')
		p->offloads |= bits;
	else
		p->offloads &= ~bits;
	return NULL;
}

static json_t *
plan_tunable(const struct guest *g, struct set_plan *p, const char *key,
    const char *value)
{
	uint32_t n = 0, min, max;
	int rc;

	if (!vsc_tunable_range(key, &min, &max))
		return ctl_error("%s=%s: a guest can set tso, txcsum, rxcsum, "
		    "rsc, vlan and hash to on or off, rss_key and rss_table, "
		    "signal, poll, mtu, channel.K.vp, and each tunable of "
		    "hvnet guest -o", key, value);
	rc = set_number(value, &n) ? vsc_tunable_set(&p->tune, key, n) :
	    E_STATE;
	if (rc < 0)
		return ctl_error("%s=%s: want a number from %u to %u", key,
		    value, min, max);
	if (p->tune.chan_cnt == 0 || p->tune.chan_cnt > g->tap.queues)
		return ctl_error("chan_cnt=%s: the interface was made with %u "
		    "queue%s (--vps, -o chan_cnt): 1 to %u", value,
		    g->tap.queues, g->tap.queues == 1 ? "" : "s",
		    g->tap.queues);
	return NULL;
}

/* NULL: *p is what shall be; else an answer that says what is wrong. */
static json_t *
plan_make(const struct guest *g, const json_t *set, struct set_plan *p)
{
	json_t *value, *bad = NULL;
	const char *key;
	uint32_t queue;

	*p = (struct set_plan){ .offloads = g->cfg.vsc.offloads,
		.tune = g->cfg.vsc.tune, .mtu = g->cfg.vsc.mtu,
		.signal = g->cfg.signal, .adaptive = g->cfg.adaptive };
	for (uint32_t k = 0; k < g->tap.queues; k++)
		p->vp[k] = g->queue[k].vp_wanted;
	json_object_foreach((json_t *)(uintptr_t)set, key, value) {
		const char *v = json_string_value(value);

		if (bad != NULL)
			break;
		if (v == NULL)
			bad = ctl_error("%s: its value is no text", key);
		else if (guest_offload_bits(key) != 0)
			bad = plan_offload(p, key, v);
		else if (set_channel_key(key, &queue))
			bad = plan_channel(g, p, key, queue, v);
		else if (strcmp(key, "signal") == 0)
			bad = plan_signal(g, p, v);
		else if (strcmp(key, "poll") == 0)
			bad = plan_poll(g, p, v);
		else if (strcmp(key, "mtu") != 0)
			bad = plan_tunable(g, p, key, v);
		else if (!set_number(v, &p->mtu) || p->mtu < 68 ||
		    p->mtu > VSC_MTU_MAX)
			bad = ctl_error("mtu=%s: want 68 to %u", v,
			    VSC_MTU_MAX);
	}
	return bad;
}

/* 80 hexadecimal digits to 40 bytes. */
static bool
set_rss_key(const char *text, uint8_t key[40])
{
	if (strlen(text) != 80 || strspn(text, "0123456789abcdefABCDEF") != 80)
		return false;
	for (size_t i = 0; i < 40; i++) {
		const char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };

		key[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

/* "0:1:1:0": queue numbers, repeated to fill the table's n entries. */
static bool
set_rss_table(const char *text, uint32_t *table, uint32_t n, uint32_t queues)
{
	uint32_t given = 0;
	char *end;

	do {
		unsigned long q = strtoul(text, &end, 10);

		if (end == text || q >= queues || given == n ||
		    (*end != ':' && *end != '\0'))
			return false;
		table[given++] = (uint32_t)q;
		text = end + 1;
	} while (*end == ':');
	for (uint32_t i = given; i < n; i++)
		table[i] = table[i % given];
	return true;
}

/* rss_key and rss_table, as FreeBSD's dev.hn.N.rss_key and rss_ind. */
static json_t *
guest_set_rss(struct guest *g, const char *key_text, const char *table_text)
{
	uint32_t table[128], n;
	uint8_t key[40];
	int rc;

	if (g->state != GUEST_UP)
		return ctl_error("%s is not attached", g->cfg.ifname);
	rc = vsc_get_rss(g->vsc, key, table, (uint32_t)ARRAY_LEN(table));
	if (rc <= 0)
		return ctl_error("%s has one queue, so no RSS",
		    g->cfg.ifname);
	n = (uint32_t)rc;
	if (key_text != NULL && !set_rss_key(key_text, key))
		return ctl_error("rss_key: 80 hexadecimal digits, not '%s'",
		    key_text);
	if (table_text != NULL && !set_rss_table(table_text, table, n,
	    g->queues))
		return ctl_error("rss_table: up to %u queue numbers below %u "
		    "with ':' between, not '%s'", n, g->queues, table_text);
	rc = vsc_set_rss(g->vsc, key, table, n);
	if (rc < 0)
		return ctl_error("%s: the device refused: %s", g->cfg.ifname,
		    hv_err_text(rc));
	guest_steer(g);
	return json_pack("{s:b}", "ok", 1);
}

/* Of a guest that is up: do what is planned.  An answer if it was refused. */
static json_t *
plan_do(struct guest *g, const struct set_plan *p)
{
	bool whole;
	int rc = 0;

	if (p->offloads != g->cfg.vsc.offloads)
		rc = vsc_set_offloads(g->vsc, p->offloads);
	if (rc < 0)
		return ctl_error("%s: the device refused: %s", g->cfg.ifname,
		    hv_err_text(rc));
	if (p->offloads != g->cfg.vsc.offloads)
		guest_offloads_apply(g, p->offloads);
	guest_vps_park(g);
	whole = vsc_tune(g->vsc, &p->tune) && p->mtu == g->cfg.vsc.mtu;
	if (p->signal != g->cfg.signal)
		vmc_signal_set(g->vmc, p->signal);
	guest_vps_unpark(g);
	if (!whole)
		g->renew = g->reset = true;
	return NULL;
}

json_t *
guest_set(struct guest *g, const json_t *set)
{
	const char *key = json_string_value(json_object_get(set, "rss_key"));
	const char *table = json_string_value(json_object_get(set,
	    "rss_table"));
	struct set_plan p;
	json_t *bad;

	if (!json_is_object(set))
		return ctl_error("nothing to set");
	if (key != NULL || table != NULL) {
		if (json_object_size(set) != (size_t)(key != NULL) +
		    (table != NULL))
			return ctl_error("rss_key and rss_table are set by "
			    "themselves");
		return guest_set_rss(g, key, table);
	}
	bad = plan_make(g, set, &p);
	if (bad == NULL && g->state == GUEST_UP)
		bad = plan_do(g, &p);
	if (bad != NULL)
		return bad;
	g->cfg.vsc.offloads = p.offloads;
	g->cfg.vsc.tune = p.tune;
	g->cfg.vsc.mtu = p.mtu;
	g->cfg.signal = p.signal;
	os_st32(&g->cfg.adaptive, p.adaptive);
	for (uint32_t k = 0; k < g->tap.queues; k++)
		g->queue[k].vp_wanted = p.vp[k];
	if (g->state != GUEST_UP)
		return json_pack("{s:b,s:s}", "ok", 1, "note",
		    "takes effect when the guest is attached");
	if (g->renew)
		return json_pack("{s:b,s:s}", "ok", 1, "note",
		    "the NIC is attached again for it");
	return json_pack("{s:b}", "ok", 1);
}
