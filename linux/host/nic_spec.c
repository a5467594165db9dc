/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parser of `key=value,...` texts: in one table each key names its parser, its
 * printer and whether a running NIC takes it.
 *
 * A list is applied to a copy, which replaces the original when all of it was
 * right: a `set` is all or nothing.
 */
#include "linux/host/nic_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/run/name.h"
#include "vsp/vsp.h"
#include "wire/nvs_msg.h"

/* Where a value is and where a complaint goes. */
struct spec_at {
	const char *list;
	const char *key;	/* NUL-terminated copies */
	const char *value;
	size_t column;		/* of the value, from 1 */
	char *err;
	size_t cap;
};

struct spec_key {
	const char *name;
	bool running;		/* may change while the NIC exists */
	int (*parse)(const struct spec_key *, struct nic_spec *,
	    const struct spec_at *);
	void (*print)(const struct spec_key *, const struct nic_spec *,
	    char *out, size_t cap);
	size_t off;		/* of the field */
	uint64_t min, max;	/* numbers, sizes of texts */
};

static int
spec_bad(const struct spec_at *at, const char *want)
{
	snprintf(at->err, at->cap, "%s=%s (column %zu): want %s", at->key,
	    at->value, at->column, want);
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
#define NAME(field, min_) false, parse_name, print_text,		\
	offsetof(struct nic_spec, field), min_,				\
	sizeof(((struct nic_spec *)0)->field)
#define NUMBER(field, run, min_, max_) run, parse_u32, print_u32,	\
	offsetof(struct nic_spec, field), min_, max_
#define SWITCH(field) true, parse_bool, print_bool,			\
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
	{ "size", NUMBER(gen_bytes, false, 46, 9014) },
	{ "rate", NUMBER(gen_rate, true, 0, 100000000) },
	{ "frames", NUMBER(gen_frames, false, 0, UINT32_MAX) },
	{ "flows", NUMBER(gen_flows, false, 1, 1024) },
	{ "capture", FILE_OR_OFF(capture) },
	{ "bend", FILE_OR_OFF(bend) },
};

#define SPEC_KEYS (sizeof(spec_keys) / sizeof(spec_keys[0]))
_Static_assert(SPEC_KEYS <= 32, "keys given are bits of 32");

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

static const struct spec_key *
spec_key_find(const char *name)
{
	for (size_t i = 0; i < SPEC_KEYS; i++)
		if (strcmp(spec_keys[i].name, name) == 0)
			return &spec_keys[i];
	return NULL;
}

bool
nic_spec_get(const struct nic_spec *spec, const char *key, char *out,
    size_t cap)
{
	const struct spec_key *k = spec_key_find(key);

	if (k == NULL)
		return false;
	k->print(k, spec, out, cap);
	return true;
}

void
nic_spec_default(struct nic_spec *s)
{
	*s = (struct nic_spec){ .backend = NIC_TAP, .mtu = 1500, .queues = 1,
		.vlan = NIC_VLAN_TRUNK, .tso = true, .rsc = true,
		.txcsum = true, .hash = true, .gro = true, .link_up = true,
		.speed_bps = 10000000000u, .tso_max = 65535, .gen_bytes = 64,
		.gen_flows = 64 };
}

/*
 * One `key=value`, NUL-terminated in place; `at` knows where it was, *given
 * which keys were there before.
 */
static int
spec_pair_apply(struct nic_spec *s, char *pair, bool running,
    uint32_t *given, struct spec_at *at)
{
	char *eq = strchr(pair, '=');
	const struct spec_key *k;

	if (eq == NULL) {
		snprintf(at->err, at->cap, "'%s' (column %zu): want "
		    "key=value", pair, at->column);
		return -1;
	}
	*eq = '\0';
	k = spec_key_find(pair);
	if (k == NULL) {
		size_t n = (size_t)snprintf(at->err, at->cap, "'%s' (column "
		    "%zu) is no key; keys are", pair, at->column);

		for (size_t i = 0; i < SPEC_KEYS && n < at->cap; i++)
			if (!running || spec_keys[i].running)
				n += (size_t)snprintf(at->err + n,
				    at->cap - n, " %s", spec_keys[i].name);
		return -1;
	}
	if (running && !k->running) {
		snprintf(at->err, at->cap, "%s (column %zu) cannot be changed "
		    "while the NIC exists; remove it and add it again", pair,
		    at->column);
		return -1;
	}
	if ((*given & 1u << (k - spec_keys)) != 0) {
		snprintf(at->err, at->cap, "%s (column %zu) is given twice",
		    pair, at->column);
		return -1;
	}
	*given |= 1u << (k - spec_keys);
	at->key = pair;
	at->value = eq + 1;
	at->column += (size_t)(eq + 1 - pair);
	return k->parse(k, s, at);
}

/* Keys that mean something to only one backend. */
static const struct {
	const char *key;
	enum nic_backend backend;
} spec_only[] = {
	{ "ifname", NIC_TAP }, { "netns", NIC_TAP }, { "file", NIC_PCAP },
	{ "replay", NIC_PCAP }, { "peer", NIC_PAIR }, { "size", NIC_GENERATOR },
	{ "rate", NIC_GENERATOR }, { "frames", NIC_GENERATOR },
	{ "flows", NIC_GENERATOR },
};

/* No key was given that the NIC's backend does not use. */
static int
spec_only_check(const struct nic_spec *s, uint32_t given, char *err,
    size_t cap)
{
	for (size_t i = 0; i < sizeof(spec_only) / sizeof(spec_only[0]); i++) {
		const struct spec_key *k = spec_key_find(spec_only[i].key);

		if ((given & 1u << (k - spec_keys)) == 0 ||
		    s->backend == spec_only[i].backend)
			continue;
		snprintf(err, cap, "%s is for backend=%s, this NIC has "
		    "backend=%s", k->name,
		    spec_backends[spec_only[i].backend],
		    spec_backends[s->backend]);
		return -1;
	}
	return 0;
}

/* nic_spec_apply(); *given: bits of the keys in the list. */
static int
spec_list_apply(struct nic_spec *spec, const char *list, bool running,
    uint32_t *given, char *err, size_t cap)
{
	struct nic_spec s = *spec;
	char *copy = strdup(list);
	int rc = copy != NULL ? 0 : -1;
	char *pair = copy;

	if (copy == NULL)
		snprintf(err, cap, "out of memory");
	while (rc == 0 && pair != NULL && *pair != '\0') {
		struct spec_at at = { .list = list, .err = err, .cap = cap,
			.column = (size_t)(pair - copy) + 1 };
		char *comma = strchr(pair, ',');

		if (comma != NULL)
			*comma++ = '\0';
		rc = spec_pair_apply(&s, pair, running, given, &at);
		pair = comma;
	}
	free(copy);
	if (rc == 0 && running)
		rc = spec_only_check(&s, *given, err, cap);
	if (rc == 0)
		*spec = s;
	return rc == 0 ? 0 : -EINVAL;
}

/* A guest could never attach: its receive sections hold no frame. */
static int
spec_section_check(const struct nic_spec *s, char *err, size_t cap)
{
	if (s->section_bytes == 0 ||
	    s->section_bytes >= vsp_section_min(s->mtu))
		return 0;
	snprintf(err, cap, "section=%u: mtu=%u needs %u or more, or 0 for the "
	    "usual", s->section_bytes, s->mtu, vsp_section_min(s->mtu));
	return -EINVAL;
}

int
nic_spec_apply(struct nic_spec *spec, const char *list, bool running,
    char *err, size_t cap)
{
	struct nic_spec s = *spec;
	uint32_t given = 0;
	int rc = spec_list_apply(&s, list, running, &given, err, cap);

	if (rc == 0)
		rc = spec_section_check(&s, err, cap);
	if (rc == 0)
		*spec = s;
	return rc;
}

int
nic_spec_parse(struct nic_spec *spec, const char *list, char *err, size_t cap)
{
	struct nic_spec s;
	const char *lack = NULL;
	uint32_t given = 0;

	nic_spec_default(&s);
	if (spec_list_apply(&s, list, false, &given, err, cap) < 0 ||
	    spec_only_check(&s, given, err, cap) < 0 ||
	    spec_section_check(&s, err, cap) < 0)
		return -EINVAL;
	if (s.name[0] == '\0')
		lack = "name=NAME is missing";
	else if (s.backend == NIC_PAIR && s.peer[0] == '\0')
		lack = "backend=pair needs peer=NIC";
	else if (s.backend == NIC_PCAP && s.file[0] == '\0' &&
	    s.replay[0] == '\0')
		lack = "backend=pcap needs file=PATH or replay=PATH";
	else if (s.backend == NIC_TAP && s.ifname[0] == '\0' &&
	    strlen(s.name) >= sizeof(s.ifname))
		lack = "a name over 15 characters needs ifname=NAME";
	else if (s.backend == NIC_TAP && !name_ok_ifname(s.ifname[0] != '\0' ?
	    s.ifname : s.name))
		lack = "the interface's name (ifname, else name): want 1 to "
		    "15 " NAME_IFNAME_RULE;
	else if (s.backend == NIC_PAIR && strcmp(s.peer, s.name) == 0)
		lack = "a NIC cannot be its own peer";
	if (lack != NULL) {
		snprintf(err, cap, "%s", lack);
		return -EINVAL;
	}
	*spec = s;
	return 0;
}

static bool
spec_wants(const struct nic_spec *a, const struct nic_spec *b)
{
	return a->backend == NIC_PAIR && strcmp(a->peer, b->name) == 0;
}

int
nic_spec_peer_check(const struct nic_spec *a, const struct nic_spec *b,
    char *err, size_t cap)
{
	const struct nic_spec *one = spec_wants(a, b) ? a : b;
	const struct nic_spec *other = one == a ? b : a;

	if (spec_wants(a, b) == spec_wants(b, a))
		return 0;
	snprintf(err, cap, "NIC '%s' has peer=%s, so '%s' must be of "
	    "backend=pair with peer=%s", one->name, other->name, other->name,
	    one->name);
	return -EINVAL;
}
