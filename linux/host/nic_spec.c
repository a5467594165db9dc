/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parser of `key=value,...` texts.
 *
 * A list is applied to a copy, which replaces the original when all of it was
 * right: a `set` is all or nothing.
 */
#include "linux/host/nic_spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/host/nic_spec_key.h"
#include "linux/run/name.h"
#include "vsp/vsp.h"

void
nic_spec_default(struct nic_spec *s)
{
	*s = (struct nic_spec){ .backend = NIC_TAP, .mtu = 1500, .queues = 1,
		.vlan = NIC_VLAN_TRUNK, .tso = true, .rsc = true,
		.txcsum = true, .hash = true, .gro = true, .link_up = true,
		.speed_bps = 10000000000u, .tso_max = 65535, .gen_bytes = 64,
		.gen_flows = 64 };
}

static int
spec_key_unknown(const char *key, bool running, const struct spec_at *at)
{
	char column[NIC_SPEC_COLUMN];
	size_t n = (size_t)snprintf(at->err, at->cap, "'%s'%s is no key; "
	    "keys are", key, nic_spec_column(at, column));

	for (uint32_t i = 0; nic_spec_key(i) != NULL && n < at->cap; i++)
		if (!running || nic_spec_key_running(i))
			n += (size_t)snprintf(at->err + n, at->cap - n, " %s",
			    nic_spec_key(i));
	return -1;
}

/*
 * One key and its value; `at` knows where the key was, *given which keys were
 * there before.
 */
static int
spec_value_apply(struct nic_spec *s, const char *key, const char *value,
    bool running, uint64_t *given, struct spec_at *at)
{
	const struct spec_key *k = nic_spec_key_find(key);
	char column[NIC_SPEC_COLUMN];

	if (k == NULL)
		return spec_key_unknown(key, running, at);
	if (running && !k->running) {
		snprintf(at->err, at->cap, "%s%s cannot be changed while the "
		    "NIC exists; remove it and add it again", key,
		    nic_spec_column(at, column));
		return -1;
	}
	if ((*given & nic_spec_key_bit(k)) != 0) {
		snprintf(at->err, at->cap, "%s%s is given twice", key,
		    nic_spec_column(at, column));
		return -1;
	}
	*given |= nic_spec_key_bit(k);
	at->key = key;
	at->value = value;
	if (at->column > 0)
		at->column += strlen(key) + 1;
	return k->parse(k, s, at);
}

/* One `key=value` of a list, NUL-terminated in place. */
static int
spec_pair_apply(struct nic_spec *s, char *pair, bool running,
    uint64_t *given, struct spec_at *at)
{
	char *eq = strchr(pair, '=');

	if (eq == NULL) {
		snprintf(at->err, at->cap, "'%s' (column %zu): want "
		    "key=value", pair, at->column);
		return -1;
	}
	*eq = '\0';
	return spec_value_apply(s, pair, eq + 1, running, given, at);
}

/* Keys that mean something to only one backend. */
static const struct {
	const char *key;
	enum nic_backend backend;
} spec_only[] = {
	{ "ifname", NIC_TAP }, { "netns", NIC_TAP }, { "bridge", NIC_TAP },
	{ "persist", NIC_TAP }, { "file", NIC_PCAP },
	{ "replay", NIC_PCAP }, { "peer", NIC_PAIR }, { "size", NIC_GENERATOR },
	{ "rate", NIC_GENERATOR }, { "frames", NIC_GENERATOR },
	{ "flows", NIC_GENERATOR },
};

/* No key was given that the NIC's backend does not use. */
static int
spec_only_check(const struct nic_spec *s, uint64_t given, char *err,
    size_t cap)
{
	for (size_t i = 0; i < sizeof(spec_only) / sizeof(spec_only[0]); i++) {
		const struct spec_key *k = nic_spec_key_find(spec_only[i].key);

		if ((given & nic_spec_key_bit(k)) == 0 ||
		    s->backend == spec_only[i].backend)
			continue;
		snprintf(err, cap, "%s is for backend=%s, this NIC has "
		    "backend=%s", k->name,
		    nic_spec_backend_name(spec_only[i].backend),
		    nic_spec_backend_name(s->backend));
		return -1;
	}
	return 0;
}

/* nic_spec_apply(); *given: bits of the keys in the list. */
static int
spec_list_apply(struct nic_spec *spec, const char *list, bool running,
    uint64_t *given, char *err, size_t cap)
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
	uint64_t given = 0;
	int rc = spec_list_apply(&s, list, running, &given, err, cap);

	if (rc == 0)
		rc = spec_section_check(&s, err, cap);
	if (rc == 0)
		*spec = s;
	return rc;
}

/* What a NIC of its kind must have, or NULL: it is there. */
static const char *
spec_lack(const struct nic_spec *s)
{
	if (s->name[0] == '\0')
		return "name=NAME is missing";
	if (s->backend == NIC_PAIR && s->peer[0] == '\0')
		return "backend=pair needs peer=NIC";
	if (s->backend == NIC_PCAP && s->file[0] == '\0' &&
	    s->replay[0] == '\0')
		return "backend=pcap needs file=PATH or replay=PATH";
	if (s->backend == NIC_TAP && s->ifname[0] == '\0' &&
	    strlen(s->name) >= sizeof(s->ifname))
		return "a name over 15 characters needs ifname=NAME";
	if (s->backend == NIC_TAP && !name_ok_ifname(s->ifname[0] != '\0' ?
	    s->ifname : s->name))
		return "the interface's name (ifname, else name): want 1 to "
		    "15 " NAME_IFNAME_RULE;
	if (s->backend == NIC_PAIR && strcmp(s->peer, s->name) == 0)
		return "a NIC cannot be its own peer";
	return NULL;
}

void
nic_spec_begin(struct nic_spec_draft *d)
{
	nic_spec_default(&d->spec);
	d->given = 0;
}

int
nic_spec_put(struct nic_spec_draft *d, const char *key, const char *value,
    char *err, size_t cap)
{
	struct spec_at at = { .err = err, .cap = cap };

	if (strchr(value, ',') != NULL) {
		snprintf(err, cap, "%s=%s: want a value without a comma", key,
		    value);
		return -EINVAL;
	}
	return spec_value_apply(&d->spec, key, value, false, &d->given,
	    &at) < 0 ? -EINVAL : 0;
}

int
nic_spec_end(const struct nic_spec_draft *d, char *err, size_t cap)
{
	const char *lack;

	if (spec_only_check(&d->spec, d->given, err, cap) < 0 ||
	    spec_section_check(&d->spec, err, cap) < 0)
		return -EINVAL;
	lack = spec_lack(&d->spec);
	if (lack == NULL)
		return 0;
	snprintf(err, cap, "%s", lack);
	return -EINVAL;
}

int
nic_spec_parse(struct nic_spec *spec, const char *list, char *err, size_t cap)
{
	struct nic_spec_draft d;

	nic_spec_begin(&d);
	if (spec_list_apply(&d.spec, list, false, &d.given, err, cap) < 0 ||
	    nic_spec_end(&d, err, cap) < 0)
		return -EINVAL;
	*spec = d.spec;
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
