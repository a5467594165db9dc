/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steering in the kernel, the loading side.
 *
 * Theory of operation.  steer.bpf.c is compiled into this file as a skeleton.
 * A setting is written whole into the one of two maps that no frame looks at;
 * then a one-slot array of maps is made to name it.  The kernel's update of an
 * array of maps ends with a grace period, so when it returns no frame uses the
 * other map any more and the next setting may go there: every frame sees one
 * setting, and never half of each.
 *
 * Context: control threads, one at a time for one steer; steer_set() blocks
 * for that grace period (some milliseconds).
 */
#include "linux/net/steer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/net/steer_map.h"
#include "pkt/pkt_toeplitz.h"

/* bpftool's code, not held to our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "steer.skel.h"
#pragma GCC diagnostic pop

_Static_assert(STEER_INPUT_MAX == TOEPLITZ_INPUT_MAX, "same tables");

struct steer {
	struct steer_bpf *skel;
	uint32_t active;	/* half in force: 0 a, 1 b */
	struct steer_half half;	/* to be written */
	struct toeplitz_key key;
};

static int
steer_quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

struct steer *
steer_create(char *err, size_t cap)
{
	libbpf_print_fn_t old;
	struct steer *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	old = libbpf_set_print(steer_quiet);
	s->skel = steer_bpf__open_and_load();
	libbpf_set_print(old);
	if (s->skel == NULL) {
		int e = errno;

		snprintf(err, cap, "BPF steering program: %s%s", strerror(e),
		    e == EPERM || e == EACCES ? " (needs CAP_BPF, CAP_PERFMON "
		    "and CAP_NET_ADMIN)" : "");
		free(s);
		return NULL;
	}
	return s;
}

void
steer_destroy(struct steer *s)
{
	if (s == NULL)
		return;
	steer_bpf__destroy(s->skel);
	free(s);
}

int
steer_prog_fd(const struct steer *s)
{
	return bpf_program__fd(s->skel->progs.steer);
}

int
steer_set(struct steer *s, const struct steer_config *cfg)
{
	const uint32_t zero = 0, other = 1 - s->active, n = cfg->entries;
	struct steer_half *h = &s->half;
	int half, rc;

	if (n == 0 || n > STEER_ENTRIES || (n & (n - 1)) != 0)
		return -EINVAL;
	toeplitz_key_set(&s->key, cfg->key);
	memcpy(h->table, s->key.table, sizeof(h->table));
	for (uint32_t i = 0; i < n; i++)
		h->queue[i] = cfg->table[i] < cfg->queues ? cfg->table[i] : 0;
	h->mask = n - 1;
	h->hash_types = cfg->hash_types;
	h->reverse = cfg->reverse;

	half = bpf_map__fd(other == 0 ? s->skel->maps.half_a :
	    s->skel->maps.half_b);
	rc = bpf_map_update_elem(half, &zero, h, BPF_ANY);
	if (rc == 0)
		rc = bpf_map_update_elem(bpf_map__fd(s->skel->maps.setting),
		    &zero, &half, BPF_ANY);
	if (rc == 0)
		s->active = other;
	return rc;
}
