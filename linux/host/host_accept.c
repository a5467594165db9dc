/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places for guests: who gets one, and who makes room.
 *
 * A connection has a place from accept() on, so that nobody can pile up silent
 * connections.  Each has LINK_HELLO_SECONDS to send HELLO; if every place is
 * taken, the oldest silent one loses its place at once, so that silence never
 * keeps a guest out.  Guests that sent HELLO stay.  A peer that held one of our
 * threads stays out for a while (host_holdoff.h).
 *
 * Context: control thread.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/host/host_guest_priv.h"
#include "linux/link/link_fds.h"
#include "linux/run/clock.h"

/* The oldest connection that sent no HELLO yet, or NULL. */
static struct host_guest *
guest_silent_oldest(const struct host *h)
{
	struct host_guest *g = h->guests;

	while (g != NULL && !link_host_silent(g->link))
		g = g->next;
	return g;
}

/* True if there is a place for one more. */
static bool
guest_place_find(struct host *h)
{
	struct host_guest *silent;

	if (h->guest_count < h->cfg.max_guests)
		return true;
	silent = guest_silent_oldest(h);
	if (silent == NULL)
		return false;
	h->evicted++;
	host_log_once(&h->log, "all %u places are taken: connections "
	    "without HELLO make room", h->cfg.max_guests);
	host_guest_end(silent, LINK_E_BUSY);
	return true;
}

/* Say so (sock consumed; -1: it is closed already) and count it. */
static void
guest_turn_away(struct host *h, int sock, uint32_t status, const char *why)
{
	const struct link_ack bye = { { LINK_BYE, 0 }, status, 0 };

	h->turned_away++;
	host_log_once(&h->log, "a guest was turned away: %s", why);
	if (sock < 0)
		return;
	if (send(sock, &bye, sizeof(bye), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* It learns from the end of file. */
	}
	close(sock);
}

/* True if it was turned away for what it did before. */
static bool
guest_held_off(struct host *h, int sock)
{
	struct link_peer p = link_peer_get(sock);
	char why[160];

	if (host_holdoff_ns(&h->holdoff, &p, clock_now_ns()) == 0)
		return false;
	snprintf(why, sizeof(why), "pid %u of user %u, or another process of "
	    "this user, had an interrupt block us; it stays out for a while",
	    p.pid, p.uid);
	guest_turn_away(h, sock, LINK_E_LIMIT, why);
	return true;
}

void
host_guest_accept(struct host *h, int sock)
{
	if (link_fd_kept(sock, 0))
		guest_turn_away(h, sock, LINK_E_LIMIT, link_fds_text());
	else if (guest_held_off(h, sock))
		return;
	else if (!guest_place_find(h))
		guest_turn_away(h, sock, LINK_E_BUSY, "as many are attached "
		    "as --max-guests allows");
	else if (!host_guest_create(h, sock))
		guest_turn_away(h, -1, LINK_E_LIMIT, "out of memory");
}
