/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of a NIC's keys: in one table each key names its parser, its printer
 * and whether a running NIC takes it.
 */
#include "linux/host/nic_spec_key.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/run/name.h"
#include "vsp/vsp.h"
#include "wire/nvs_msg.h"

const char *
nic_spec_column(const struct spec_at *at, char out[NIC_SPEC_COLUMN])
{
	out[0] = '\0';
	if (at->column > 0)
		snprintf(out, NIC_SPEC_COLUMN, " (column %zu)", at->column);
	return out;
}

static int
spec_bad(const struct spec_at *at, const char *want)
{
	char column[NIC_SPEC_COLUMN];

	snprintf(at->err, at->cap, "%s=%s%s: want %s", at->key, at->value,
	    nic_spec_column(at, column), want);
	return -1;
}

#define FIELD(spec, key, type)						\
	((type *)(void *)((char *)(uintptr_t)(spec) + (key)->off))

/* --- kinds of values --- */

static int
parse_bool(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	if (strcmp(at->value, "on") != 0 && strcmp(at->value, "off") != 0)
		return spec_bad(at, "on or off");
	*FIELD(s, k, bool) = strcmp(at->value, "on") == 0;
	return 0;
}

static void
print_bool(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%s", *FIELD(s, k, bool) ? "on" : "off");
}

static int
parse_u32(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	char want[64], *end;
	unsigned long long n = strtoull(at->value, &end, 10);

	if (!isdigit((unsigned char)at->value[0]) || *end != '\0' ||
	    n < k->min || n > k->max) {
		snprintf(want, sizeof(want), "a number from %llu to %llu",
		    (unsigned long long)k->min, (unsigned long long)k->max);
		return spec_bad(at, want);
	}
	*FIELD(s, k, uint32_t) = (uint32_t)n;
	return 0;
}

static void
print_u32(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%u", *FIELD(s, k, uint32_t));
}

static int
parse_text(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	char want[64];

	if (strlen(at->value) >= k->max || strlen(at->value) < k->min) {
		snprintf(want, sizeof(want), "%llu to %llu characters",
		    (unsigned long long)k->min,
		    (unsigned long long)k->max - 1);
		return spec_bad(at, want);
	}
	strcpy(FIELD(s, k, char), at->value);
	return 0;
}

/* parse_text() of a name, which min 0 allows to be empty. */
static int
parse_name(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	char want[96];

	if (!name_ok(at->value, k->max) &&
	    (k->min > 0 || at->value[0] != '\0')) {
		snprintf(want, sizeof(want), "1 to %llu " NAME_RULE,
		    (unsigned long long)k->max - 1);
		return spec_bad(at, want);
	}
	strcpy(FIELD(s, k, char), at->value);
	return 0;
}

static void
print_text(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%s", FIELD(s, k, char));
}

/* --- single keys --- */

static const char *const spec_backends[] = { "tap", "null", "pcap", "pair",
	"generator" };

static int
parse_backend(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	for (unsigned int i = 0; i < sizeof(spec_backends) /
	    sizeof(spec_backends[0]); i++)
		if (strcmp(at->value, spec_backends[i]) == 0) {
			s->backend = (enum nic_backend)i;
			return 0;
		}
	return spec_bad(at, "tap, null, pcap, pair or generator");
}

static void
print_backend(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%s", spec_backends[s->backend]);
}

static int
parse_mac(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	unsigned int b[6];
	int used = 0;

	/* sscanf() would also take blanks and signs. */
	if (strspn(at->value, "0123456789abcdefABCDEF:") !=
	    strlen(at->value) ||
	    sscanf(at->value, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1],
	    &b[2], &b[3], &b[4], &b[5], &used) != 6 || used != 17 ||
	    at->value[used] != '\0' || (b[0] & 1) != 0 ||
	    (b[0] | b[1] | b[2] | b[3] | b[4] | b[5]) == 0)
		return spec_bad(at, "a unicast address, not all zeros, "
		    "such as 02:15:5d:00:00:01");
	for (int i = 0; i < 6; i++)
		s->mac[i] = (uint8_t)b[i];
	s->mac_set = true;
	return 0;
}

static void
print_mac(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%02x:%02x:%02x:%02x:%02x:%02x", s->mac[0],
	    s->mac[1], s->mac[2], s->mac[3], s->mac[4], s->mac[5]);
}

static int
parse_vlan(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	const char *want = "trunk, none or access:ID with ID from 1 to 4094";
	unsigned int id;
	int used = 0;

	if (strcmp(at->value, "trunk") == 0) {
		s->vlan = NIC_VLAN_TRUNK;
	} else if (strcmp(at->value, "none") == 0) {
		s->vlan = NIC_VLAN_NONE;
	} else if (strncmp(at->value, "access:", 7) == 0 &&
	    isdigit((unsigned char)at->value[7]) &&
	    sscanf(at->value, "access:%4u%n", &id, &used) == 1 &&
	    at->value[used] == '\0' && id >= 1 && id <= 4094) {
		s->vlan = NIC_VLAN_ACCESS;
		s->vlan_id = (uint16_t)id;
	} else {
		return spec_bad(at, want);
	}
	return 0;
}

static void
print_vlan(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	if (s->vlan == NIC_VLAN_ACCESS)
		snprintf(out, cap, "access:%u", s->vlan_id);
	else
		snprintf(out, cap, "%s", s->vlan == NIC_VLAN_TRUNK ? "trunk" :
		    "none");
}

static int
parse_rxcsum(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	if (strcmp(at->value, "on") == 0)
		s->rxcsum = NIC_RXCSUM_AUTO;
	else if (strcmp(at->value, "complete") == 0)
		s->rxcsum = NIC_RXCSUM_COMPLETE;
	else if (strcmp(at->value, "off") == 0)
		s->rxcsum = NIC_RXCSUM_OFF;
	else
		return spec_bad(at, "on, complete or off");
	return 0;
}

static void
print_rxcsum(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	static const char *const names[] = { "on", "complete", "off" };

	snprintf(out, cap, "%s", names[s->rxcsum]);
}

/* Index of a word, or -1. */
static int
word_find(const char *word, const char *const *words, int n)
{
	int i = 0;

	while (i < n && strcmp(word, words[i]) != 0)
		i++;
	return i < n ? i : -1;
}

static const char *const signal_words[] = { "host", "edge", "packet" };

static int
parse_signal(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	int i = word_find(at->value, signal_words, 3);

	if (i < 0)
		return spec_bad(at, "host, edge or packet");
	s->signal = (enum nic_signal)i;
	return 0;
}

static void
print_signal(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%s", signal_words[s->signal]);
}

static const char *const poll_words[] = { "host", "off", "all", "adaptive" };

static int
parse_poll(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	int i = word_find(at->value, poll_words, 4);

	if (i < 0)
		return spec_bad(at, "host, off, all or adaptive");
	s->poll = (enum nic_poll)i;
	return 0;
}

static void
print_poll(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%s", poll_words[s->poll]);
}

static int
parse_link(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	if (strcmp(at->value, "up") != 0 && strcmp(at->value, "down") != 0)
		return spec_bad(at, "up or down");
	s->link_up = strcmp(at->value, "up") == 0;
	return 0;
}

static void
print_link(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%s", s->link_up ? "up" : "down");
}

/*
 * strtod() of digits and a point: no sign, blank, exponent, hexadecimal or
 * infinity.  The rest of the text, or NULL.
 */
static const char *
decimal(const char *text, double *d)
{
	const char *rest = text + strspn(text, "0123456789.");
	char *end;

	*d = strtod(text, &end);
	return end == rest && end != text ? end : NULL;
}

static int
parse_loss(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	double d;
	const char *end = decimal(at->value, &d);

	if (end == NULL || (strcmp(end, "%") != 0 && *end != '\0') ||
	    !(d >= 0 && d <= 100))
		return spec_bad(at, "a share of frames such as 0.1%, "
		    "0 to 100");
	s->loss_ppm = (uint32_t)(d * 10000 + 0.5);
	return 0;
}

static void
print_loss(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%g%%", s->loss_ppm / 10000.0);
}

static int
parse_delay(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	double d;
	const char *end = decimal(at->value, &d);
	double unit = end == NULL ? -1 : strcmp(end, "us") == 0 ? 1 :
	    strcmp(end, "ms") == 0 ? 1e3 : strcmp(end, "s") == 0 ? 1e6 :
	    *end == '\0' && d == 0 ? 1 : -1;

	if (unit < 0 || !(d * unit >= 0 &&
	    d * unit <= 10e6))
		return spec_bad(at, "a time such as 1ms or 50us, at most 10s");
	s->delay_us = (uint32_t)(d * unit + 0.5);
	return 0;
}

static void
print_delay(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	if (s->delay_us == 0)
		snprintf(out, cap, "0");
	else if (s->delay_us % 1000 == 0)
		snprintf(out, cap, "%ums", s->delay_us / 1000);
	else
		snprintf(out, cap, "%uus", s->delay_us);
}

static int
parse_speed(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	double d;
	const char *end = decimal(at->value, &d);
	double unit = end == NULL ? -1 : strcmp(end, "G") == 0 ? 1e9 :
	    strcmp(end, "M") == 0 ? 1e6 : -1;

	if (unit < 0 || !(d * unit >= 1e6 &&
	    d * unit <= 400e9))
		return spec_bad(at, "a speed such as 10G or 100M, 1M to 400G");
	s->speed_bps = (uint64_t)(d * unit);
	return 0;
}

static void
print_speed(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	if (s->speed_bps % 1000000000u == 0)
		snprintf(out, cap, "%lluG",
		    (unsigned long long)(s->speed_bps / 1000000000u));
	else
		snprintf(out, cap, "%lluM",
		    (unsigned long long)(s->speed_bps / 1000000u));
}

static int
parse_nvsp(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	s->max_nvsp = 0;
	if (strcmp(at->value, "all") == 0)
		return 0;
	for (uint32_t i = 0; i < NVS_VERSIONS; i++)
		if (strcmp(at->value, nvs_version_name(nvs_versions[i])) ==
		    0) {
			s->max_nvsp = nvs_versions[i];
			return 0;
		}
	return spec_bad(at, "all, 1, 2, 4, 5, 6 or 6.1");
}

static void
print_nvsp(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	snprintf(out, cap, "%s", s->max_nvsp == 0 ? "all" :
	    nvs_version_name(s->max_nvsp));
}

/* A file, or off. */
static int
parse_file(const struct spec_key *k, struct nic_spec *s,
    const struct spec_at *at)
{
	if (at->value[0] == '\0' || strlen(at->value) >= k->max)
		return spec_bad(at, "the path of a file, or off");
	strcpy(FIELD(s, k, char), strcmp(at->value, "off") == 0 ? "" :
	    at->value);
	return 0;
}

static void
print_file(const struct spec_key *k, const struct nic_spec *s, char *out,
    size_t cap)
{
	const char *path = FIELD(s, k, char);

	snprintf(out, cap, "%s", path[0] == '\0' ? "off" : path);
}

#define TEXT(field, run, min_) run, parse_text, print_text,		\
	offsetof(struct nic_spec, field), min_,				\
	sizeof(((struct nic_spec *)0)->field)
#define NAME(field, min_) false, NAME_FIELD(field, min_)
#define NAME_FIELD(field, min_) parse_name, print_text,		\
	offsetof(struct nic_spec, field), min_,				\
	sizeof(((struct nic_spec *)0)->field)
#define NUMBER(field, run, min_, max_) run, parse_u32, print_u32,	\
	offsetof(struct nic_spec, field), min_, max_
#define SWITCH(field) true, parse_bool, print_bool,			\
	offsetof(struct nic_spec, field), 0, 0
#define FIXED_SWITCH(field) false, parse_bool, print_bool,		\
	offsetof(struct nic_spec, field), 0, 0
#define FILE_OR_OFF(field) true, parse_file, print_file,		\
	offsetof(struct nic_spec, field), 1,				\
	sizeof(((struct nic_spec *)0)->field)
#define OWN(name, run) run, parse_##name, print_##name, 0, 0, 0

static const struct spec_key spec_keys[] = {
	{ "backend", OWN(backend, false) },
	{ "name", NAME(name, 1) },
	{ "ifname", NAME(ifname, 0) },
	{ "netns", NAME(netns, 0) },
	{ "bridge", true, NAME_FIELD(bridge, 0) },
	{ "persist", FIXED_SWITCH(persist) },
	{ "guest", NAME(guest, 0) },
	{ "file", TEXT(file, false, 0) },
	{ "replay", TEXT(replay, false, 0) },
	{ "peer", NAME(peer, 0) },
	{ "mac", OWN(mac, false) },
	{ "mtu", NUMBER(mtu, true, 68, 9000) },
	{ "queues", NUMBER(queues, false, 1, 64) },
	{ "nvsp", OWN(nvsp, false) },
	{ "vlan", OWN(vlan, true) },
	{ "tso", SWITCH(tso) },
	{ "rsc", SWITCH(rsc) },
	{ "txcsum", SWITCH(txcsum) },
	{ "rxcsum", OWN(rxcsum, true) },
	{ "hash", SWITCH(hash) },
	{ "gro", SWITCH(gro) },
	{ "link", OWN(link, true) },
	{ "spoof", SWITCH(spoof) },
	{ "loss", OWN(loss, true) },
	{ "delay", OWN(delay, true) },
	{ "speed", OWN(speed, true) },
	{ "tso_max", NUMBER(tso_max, false, 1514, 65535) },
	{ "section", NUMBER(section_bytes, false, 0, 1u << 20) },
	{ "signal", OWN(signal, true) },
	{ "poll", OWN(poll, true) },
	{ "completion_batch", NUMBER(completion_batch, true, 0,
	    VSP_COMPLETIONS) },
	{ "size", NUMBER(gen_bytes, false, 46, 9014) },
	{ "rate", NUMBER(gen_rate, true, 0, 100000000) },
	{ "frames", NUMBER(gen_frames, false, 0, UINT32_MAX) },
	{ "flows", NUMBER(gen_flows, false, 1, 1024) },
	{ "capture", FILE_OR_OFF(capture) },
	{ "bend", FILE_OR_OFF(bend) },
};

#define SPEC_KEYS (sizeof(spec_keys) / sizeof(spec_keys[0]))
_Static_assert(SPEC_KEYS <= 64, "keys given are bits of 64");

const char *
nic_spec_key(uint32_t i)
{
	return i < SPEC_KEYS ? spec_keys[i].name : NULL;
}

bool
nic_spec_key_running(uint32_t i)
{
	return i < SPEC_KEYS && spec_keys[i].running;
}

const struct spec_key *
nic_spec_key_find(const char *name)
{
	for (size_t i = 0; i < SPEC_KEYS; i++)
		if (strcmp(spec_keys[i].name, name) == 0)
			return &spec_keys[i];
	return NULL;
}

uint64_t
nic_spec_key_bit(const struct spec_key *k)
{
	return 1ull << (k - spec_keys);
}

const char *
nic_spec_backend_name(enum nic_backend b)
{
	return spec_backends[b];
}

bool
nic_spec_get(const struct nic_spec *spec, const char *key, char *out,
    size_t cap)
{
	const struct spec_key *k = nic_spec_key_find(key);

	if (k == NULL)
		return false;
	k->print(k, spec, out, cap);
	return true;
}
