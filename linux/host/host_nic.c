/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NICs of a host come, change and go.
 *
 * Context: control.
 */
#include <errno.h>
#include <stdio.h>

#include "linux/host/host_priv.h"
#include "linux/host/nic.h"
#include "linux/host/nic_list.h"
#include "linux/host/nic_vsp.h"
#include "linux/host/offer.h"

int
host_nic_add(struct host *h, const struct nic_spec *spec, char *err,
    size_t cap)
{
	struct nic *nic;
	int rc;

	if (nic_list_find(h, spec->name) != NULL) {
		snprintf(err, cap, "there is a NIC '%s' already", spec->name);
		return -EEXIST;
	}
	if (h->nic_count == HOST_MAX_NICS) {
		snprintf(err, cap, "there are %u NICs already, the most",
		    HOST_MAX_NICS);
		return -ENOSPC;
	}
	for (nic = h->nics; nic != NULL; nic = nic->next) {
		rc = nic_spec_peer_check(&nic->spec, spec, err, cap);
		if (rc < 0)
			return rc;
	}
	rc = nic_create(h, spec, &nic, err, cap);
	if (rc < 0)
		return rc;
	nic_list_add(h, nic);
	offer_new(h, nic);
	if (nic_mate(nic) != NULL)
		nic_link_changed(nic_mate(nic));
	return 0;
}

void
host_nic_drop(struct host *h, struct nic *nic)
{
	struct nic *mate = nic_mate(nic);

	if (nic->user.guest != NULL)
		offer_withdraw(nic);
	nic_list_remove(h, nic);
	nic_destroy(nic);
	if (mate != NULL)
		nic_link_changed(mate);
}

bool
host_nic_waits(const struct host *h, const char *name, char *text, size_t cap)
{
	const struct nic *nic = nic_list_find(h, name);

	if (nic == NULL || !nic_waits(nic))
		return false;
	snprintf(text, cap, "NIC %s: its link is down until its peer comes: "
	    "hvnet set --add backend=pair,name=%s,peer=%s", name,
	    nic->spec.peer, name);
	return true;
}

static struct nic *
host_nic_named(struct host *h, const char *name, char *err, size_t cap)
{
	struct nic *nic = nic_list_find(h, name);

	if (nic == NULL)
		snprintf(err, cap, "there is no NIC '%s'", name);
	return nic;
}

int
host_nic_remove(struct host *h, const char *name, char *err, size_t cap)
{
	struct nic *nic = host_nic_named(h, name, err, cap);

	struct nic *mate;
	char text[200];

	if (nic == NULL)
		return -ENOENT;
	mate = nic_mate(nic);
	host_nic_drop(h, nic);
	if (mate != NULL &&
	    host_nic_waits(h, mate->spec.name, text, sizeof(text)))
		host_log_once(&h->log, "%s", text);
	return 0;
}

int
host_nic_set(struct host *h, const char *name, const char *list, char *err,
    size_t cap)
{
	struct nic *nic = host_nic_named(h, name, err, cap);
	struct nic_spec spec;
	int rc;

	if (nic == NULL)
		return -ENOENT;
	spec = nic->spec;
	rc = nic_spec_apply(&spec, list, true, err, cap);
	return rc < 0 ? rc : nic_set(nic, &spec, err, cap);
}

uint32_t
host_nic_count(const struct host *h)
{
	return h->nic_count;
}
