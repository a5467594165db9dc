/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host takes over what its configuration file says now.
 *
 * Theory of operation.  First NICs go, so that what they had (an interface's
 * name, a file) is free; then NICs change, then NICs come.  Each step is noted
 * and can be undone, so a step that fails leaves the NICs as they were; only
 * one that had gone and came back was away for a moment.
 */
#include "linux/host/host_reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/host/host_priv.h"
#include "linux/host/nic.h"
#include "linux/host/nic_list.h"

enum step_kind { STEP_REMOVED, STEP_CHANGED, STEP_ADDED };

struct step {
	enum step_kind kind;
	struct nic_spec before;		/* of STEP_ADDED: only its name */
};

struct reload {
	struct host *h;
	struct step *step;
	uint32_t steps;
	char *err;
	size_t cap;
};

enum difference { DIFFER_NOT, DIFFER_RUNNING, DIFFER_NEW };

/* What it takes to make of a NIC another. */
static enum difference
spec_differ(const struct nic_spec *a, const struct nic_spec *b)
{
	enum difference d = DIFFER_NOT;
	char x[NIC_PATH_LEN], y[NIC_PATH_LEN];
	const char *key;

	for (uint32_t i = 0; (key = nic_spec_key(i)) != NULL; i++) {
		nic_spec_get(a, key, x, sizeof(x));
		nic_spec_get(b, key, y, sizeof(y));
		if (strcmp(x, y) == 0)
			continue;
		if (!nic_spec_key_running(i))
			return DIFFER_NEW;
		d = DIFFER_RUNNING;
	}
	return d;
}

/* One of this name was removed by this reload. */
static bool
reload_has_removed(const struct reload *r, const char *name)
{
	for (uint32_t i = 0; i < r->steps; i++)
		if (r->step[i].kind == STEP_REMOVED &&
		    strcmp(r->step[i].before.name, name) == 0)
			return true;
	return false;
}

static void
reload_note(struct reload *r, enum step_kind kind, const struct nic_spec *s)
{
	r->step[r->steps++] = (struct step){ kind, *s };
}

static void
reload_remove(struct reload *r, struct nic *nic)
{
	reload_note(r, STEP_REMOVED, &nic->spec);
	host_nic_drop(r->h, nic);
}

static int
reload_change(struct reload *r, struct nic *nic, const struct nic_spec *to)
{
	const struct nic_spec before = nic->spec;
	int rc = nic_set(nic, to, r->err, r->cap);

	if (rc == 0)
		reload_note(r, STEP_CHANGED, &before);
	return rc;
}

static int
reload_add(struct reload *r, const struct nic_spec *s)
{
	int rc = host_nic_add(r->h, s, r->err, r->cap);

	if (rc == 0)
		reload_note(r, STEP_ADDED, s);
	return rc;
}

static void
reload_undo(struct reload *r)
{
	char err[400] = "";

	while (r->steps > 0) {
		const struct step *s = &r->step[--r->steps];
		struct nic *nic = nic_list_find(r->h, s->before.name);
		int rc = 0;

		if (s->kind == STEP_REMOVED)
			rc = host_nic_add(r->h, &s->before, err, sizeof(err));
		else if (s->kind == STEP_ADDED)
			host_nic_drop(r->h, nic);
		else
			rc = nic_set(nic, &s->before, err, sizeof(err));
		if (rc < 0)
			host_log(&r->h->log, "NIC %s did not come back: %s",
			    s->before.name, err);
	}
}

/* The NICs that go, for good or to be made again. */
static void
reload_removals(struct reload *r, const struct host_conf *was,
    const struct host_conf *now, struct host_reload *n)
{
	for (uint32_t i = 0; i < was->nics; i++) {
		const char *name = was->nic[i].draft.spec.name;
		struct nic *nic = nic_list_find(r->h, name);

		if (nic == NULL || host_conf_find(now, name) != NULL)
			continue;
		reload_remove(r, nic);
		n->withdrawn++;
	}
	for (uint32_t i = 0; i < now->nics; i++) {
		const struct nic_spec *s = &now->nic[i].draft.spec;
		struct nic *nic = nic_list_find(r->h, s->name);

		if (nic == NULL || spec_differ(&nic->spec, s) != DIFFER_NEW)
			continue;
		reload_remove(r, nic);
		n->changed++;
	}
}

/* The NICs that change, then those that come.  0 or -errno. */
static int
reload_arrivals(struct reload *r, const struct host_conf *now,
    struct host_reload *n, uint32_t *line)
{
	int rc = 0;

	for (uint32_t i = 0; i < now->nics && rc == 0; i++) {
		const struct nic_spec *s = &now->nic[i].draft.spec;
		struct nic *nic = nic_list_find(r->h, s->name);

		*line = now->nic[i].line;
		if (nic == NULL || spec_differ(&nic->spec, s) == DIFFER_NOT)
			continue;
		rc = reload_change(r, nic, s);
		n->changed++;
	}
	for (uint32_t i = 0; i < now->nics && rc == 0; i++) {
		const struct nic_spec *s = &now->nic[i].draft.spec;

		*line = now->nic[i].line;
		if (nic_list_find(r->h, s->name) != NULL)
			continue;
		rc = reload_add(r, s);
		n->added += !reload_has_removed(r, s->name);
	}
	return rc;
}

int
host_reload(struct host *h, const struct host_conf *was,
    const struct host_conf *now, struct host_reload *n, char *err, size_t cap)
{
	char why[1200] = "";
	struct reload r = { .h = h, .err = why, .cap = sizeof(why) };
	uint32_t line = 0;
	int rc;

	*n = (struct host_reload){ 0 };
	/* Each NIC of either goes, changes and comes at most once. */
	r.step = calloc(was->nics + 2 * (size_t)now->nics + 1,
	    sizeof(*r.step));
	if (r.step == NULL) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	reload_removals(&r, was, now, n);
	rc = reload_arrivals(&r, now, n, &line);
	if (rc < 0) {
		snprintf(err, cap, "%s:%u: %s", now->path, line, why);
		reload_undo(&r);
		*n = (struct host_reload){ 0 };
	}
	free(r.step);
	return rc;
}
