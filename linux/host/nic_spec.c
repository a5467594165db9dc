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

/*
 * One `key=value`, NUL-terminated in place; `at` knows where it was, *given
 * which keys were there before.
 */
static int
spec_pair_apply(struct nic_spec *s, char *pair, bool running,
    uint64_t *given, struct spec_at *at)
{
	char *eq = strchr(pair, '=');
	const struct spec_key *k;

	if (eq == NULL) {
		snprintf(at->err, at->cap, "'%s' (column %zu): want "
		    "key=value", pair, at->column);
		return -1;
	}
	*eq = '\0';
	k = nic_spec_key_find(pair);
	if (k == NULL) {
		size_t n = (size_t)snprintf(at->err, at->cap, "'%s' (column "
		    "%zu) is no key; keys are", pair, at->column);

		for (uint32_t i = 0; nic_spec_key(i) != NULL && n < at->cap;
		    i++)
			if (!running || nic_spec_key_running(i))
				n += (size_t)snprintf(at->err + n,
				    at->cap - n, " %s", nic_spec_key(i));
		return -1;
	}
	if (running && !k->running) {
		snprintf(at->err, at->cap, "%s (column %zu) cannot be changed "
		    "while the NIC exists; remove it and add it again", pair,
		    at->column);
		return -1;
	}
	if ((*given & nic_spec_key_bit(k)) != 0) {
		snprintf(at->err, at->cap, "%s (column %zu) is given twice",
		    pair, at->column);
		return -1;
	}
	*given |= nic_spec_key_bit(k);
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

int
nic_spec_parse(struct nic_spec *spec, const char *list, char *err, size_t cap)
{
	struct nic_spec s;
	const char *lack = NULL;
	uint64_t given = 0;

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
