/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of a host's NICs, and which ones a guest has.
 *
 * Context: control.
 */
#include "linux/host/nic_list.h"

#include <string.h>

#include "linux/host/host_guest_priv.h"
#include "linux/host/nic.h"

struct nic *
nic_list_find(const struct host *h, const char *name)
{
	struct nic *n = h->nics;

	while (n != NULL && strcmp(n->spec.name, name) != 0)
		n = n->next;
	return n;
}

void
nic_list_add(struct host *h, struct nic *nic)
{
	struct nic **last = &h->nics;

	while (*last != NULL)
		last = &(*last)->next;
	*last = nic;
	h->nic_count++;
}

void
nic_list_remove(struct host *h, struct nic *nic)
{
	struct nic **p = &h->nics;

	while (*p != nic)
		p = &(*p)->next;
	*p = nic->next;
	h->nic_count--;
}

void
nic_list_park(struct host_guest *g)
{
	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->user.guest == g)
			nic_close(n);
}

void
nic_list_unpark(struct host_guest *g)
{
	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->user.guest == g)
			nic_open(n);
}

struct host_log_peer
nic_list_log_peer(const struct host_guest *g)
{
	for (const struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->user.guest == g)
			return host_log_nic(n->spec.name);
	return host_log_user(g->link != NULL ? link_host_peer(g->link)->uid :
	    0);
}
