/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who gets which NIC, and how it is given and taken.
 *
 * A guest gets its NICs at HELLO: those that name it (guest=NAME) first, then
 * free ones that name nobody, or just the one that it names; and later those
 * that are added.  A NIC belongs to one guest at a time and is free again when
 * the guest is gone, or has let go of it (nic_leaving.c).
 *
 * Each offer makes a NetVSP, which leaves the NIC when the offer is taken back.
 *
 * Context: control.
 */
#include "linux/host/offer.h"

#include <stdio.h>
#include <string.h>

#include "linux/host/host_guest_priv.h"
#include "linux/host/nic_leaving.h"
#include "linux/host/nic_list.h"
#include "linux/host/nic_vsp.h"

/* --- one NIC, one guest --- */

void
offer_release(struct nic *nic)
{
	nic_close(nic);
	vsp_destroy(nic->vsp);
	nic_leaving_free(nic->leaving);
	nic->vsp = NULL;
	nic->leaving = NULL;
	nic->user = (struct nic_user){ NULL };
	if (nic->port.ops->guest_gone != NULL)
		nic->port.ops->guest_gone(&nic->port);
	nic_open(nic);
}

/* Makes its NetVSP.  0 or E_*. */
static int
offer_make(struct nic *nic, struct host_guest *g)
{
	const struct nic_user user = { .guest = g, .kind = g->hello.kind,
		.number = g->number, .pid = g->hello.pid,
		.name = g->hello.name, .link = g->link, .vms = g->vms };
	int rc;

	nic->leaving = nic_leaving_create(nic->host, &user);
	if (nic->leaving == NULL)
		return E_NOMEM;
	nic->user = user;
	nic->vsp = nic_vsp_create(nic);
	rc = nic->vsp == NULL ? E_NOMEM :
	    vms_dev_offer(g->vms, vsp_dev(nic->vsp));
	if (rc < 0)
		offer_release(nic);
	return rc;
}

void
offer_withdraw(struct nic *nic)
{
	struct nic_leaving *l = nic->leaving;

	nic_close(nic);
	nic_leaving_begin(l, nic);
	nic->vsp = NULL;
	nic->leaving = NULL;
	nic->user.guest->nics--;
	offer_release(nic);
	nic_open(nic);
}

/* --- who gets which --- */

static bool
offer_allowed(const struct host_guest *g, const struct nic *nic)
{
	if (nic->user.guest != NULL ||
	    nic_leaving_holder(g->host, nic->mac, g) != NULL)
		return false;
	if (g->hello.nic[0] != '\0' &&
	    strcmp(g->hello.nic, nic->spec.name) != 0)
		return false;
	return nic->spec.guest[0] == '\0' ||
	    strcmp(nic->spec.guest, g->hello.name) == 0;
}

static bool
offer_full(const struct host_guest *g)
{
	return g->hello.max_nics != 0 && g->nics >= g->hello.max_nics;
}

static void
offer_nic(struct host_guest *g, struct nic *nic)
{
	int rc = offer_make(nic, g);

	if (rc == 0)
		g->nics++;
	else
		host_log_of(&g->host->log, host_log_nic(nic->spec.name),
		    HOST_LOG_REFUSED, "%s: offering it to guest %u: %s",
		    nic->spec.name, g->number, hv_err_text(rc));
}

void
offer_new(struct host *h, struct nic *nic)
{
	for (int by_name = 1; by_name >= 0; by_name--)
		for (struct host_guest *g = h->guests; g != NULL; g = g->next)
			if (g->vms != NULL && nic->user.guest == NULL &&
			    !offer_full(g) && offer_allowed(g, nic) &&
			    (nic->spec.guest[0] != '\0') == by_name)
				offer_nic(g, nic);
}

void
offer_again(struct host *h, struct host_guest *first)
{
	for (struct nic *n = h->nics; n != NULL; n = n->next) {
		if (first != NULL && !offer_full(first) &&
		    offer_allowed(first, n))
			offer_nic(first, n);
		offer_new(h, n);
	}
}

static void
offer_pass(struct host_guest *g, bool by_name)
{
	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (!offer_full(g) && offer_allowed(g, n) &&
		    (n->spec.guest[0] != '\0') == by_name)
			offer_nic(g, n);
}

void
offer_all(struct host_guest *g)
{
	offer_pass(g, true);
	offer_pass(g, false);
}

void
offer_why_none(const struct host_guest *g, char *why, size_t cap)
{
	const struct nic *n = nic_list_find(g->host, g->hello.nic);
	const struct host_guest *holder = n == NULL ? NULL :
	    nic_leaving_holder(g->host, n->mac, g);

	if (n == NULL)
		snprintf(why, cap, "every one is taken or kept for another");
	else if (n->user.guest != NULL)
		snprintf(why, cap, "%s is guest %u's", n->spec.name,
		    n->user.guest->number);
	else if (holder != NULL)
		snprintf(why, cap, "guest %u has not let go of %s yet",
		    holder->number, n->spec.name);
	else
		snprintf(why, cap, "%s is kept for a guest named '%s'",
		    n->spec.name, n->spec.guest);
}
