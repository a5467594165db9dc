/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the partition of a guest behind a socket can do: interrupts, connection
 * ids with their eventfds, pages mapped side by side, requests for missing
 * memory.
 *
 * A connection's eventfd is on its way to the guest when connection_add()
 * returns, so before the offer that names it.
 *
 * Context: control thread.  Interrupts and misses come from any thread; the
 * former only write an eventfd.
 */
#include "linux/link/link_host_priv.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/link/link_fds.h"
#include "linux/link/link_guard.h"
#include "linux/link/link_mem.h"
#include "linux/link/link_msg.h"
#include "linux/run/clock.h"

/* Any thread: have control look at what happened (link_on_alarm()). */
static void
link_alarm(struct link_host *lh)
{
	const uint64_t one = 1;

	if (write(lh->owner.loose.alarm_fd, &one, sizeof(one)) < 0)
		return;		/* full: it rings already */
}

static void
link_interrupt(struct partition *p, uint32_t vp)
{
	struct link_host *lh = p->ctx;
	int fd = lh->vps[vp].interrupt_fd;

	if (fd >= 0 && link_guard_write(fd, &lh->held))
		link_alarm(lh);
}

uint32_t
link_fds_mine(const struct link_host *lh)
{
	/* Its socket and alarm; regions, processors, channels. */
	uint32_t n = 2 + link_mem_fds(&lh->part) + lh->conns_count;

	for (uint32_t i = 0; lh->vps != NULL && i < lh->part.vps; i++)
		n += lh->vps[i].interrupt_fd >= 0 ? 2 : 0;
	return n;
}

static int
link_connection_add(struct partition *p, uint32_t conn_id, struct chan *chan)
{
	struct link_host *lh = p->ctx;
	struct link_signal msg = { { LINK_SIGNAL_ADD, 0 }, conn_id, 0 };

	if (lh->conns_count == lh->conns_cap) {
		uint32_t cap = lh->conns_cap == 0 ? 16 : lh->conns_cap * 2;
		struct link_connection *grown = realloc(lh->conns,
		    cap * sizeof(*grown));

		if (grown == NULL)
			return E_NOMEM;
		lh->conns = grown;
		lh->conns_cap = cap;
	}
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0 || link_fd_kept(fd, link_fds_mine(lh))) {
		if (lh->ops->refused != NULL)
			lh->ops->refused(lh->ctx, "a channel",
			    link_fds_text());
		if (fd >= 0)
			close(fd);
		return E_NOMEM;
	}
	struct link_connection c = { conn_id, fd, chan, NULL };
	if (chan == NULL) {
		c.signal = link_source_add(lh, &lh->signals, fd, 0);
		if (c.signal == NULL) {
			close(fd);
			return E_NOMEM;
		}
	}
	if (link_msg_send(lh->sock, &msg, sizeof(msg), &fd, 1,
	    MSG_DONTWAIT) < 0) {
		link_source_del(c.signal);
		close(fd);
		return E_GONE;
	}
	lh->conns[lh->conns_count++] = c;
	return 0;
}

static void
link_connection_remove(struct partition *p, uint32_t conn_id)
{
	struct link_host *lh = p->ctx;
	struct link_signal msg = { { LINK_SIGNAL_DEL, 0 }, conn_id, 0 };

	for (uint32_t i = 0; i < lh->conns_count; i++) {
		if (lh->conns[i].id != conn_id)
			continue;
		link_source_del(lh->conns[i].signal);
		close(lh->conns[i].fd);
		lh->conns[i] = lh->conns[--lh->conns_count];
		link_msg_send(lh->sock, &msg, sizeof(msg), NULL, 0,
		    MSG_DONTWAIT);
		return;
	}
}

static int
link_map_pages(struct partition *p, const uint64_t *pfns, uint32_t count,
    struct part_map *out)
{
	struct link_host *lh = p->ctx;

	return link_pages_map(p, pfns, count, out, &lh->owner);
}

static void
link_unmap_pages(struct partition *p, struct part_map *map)
{
	struct link_host *lh = p->ctx;

	link_pages_unmap(map, &lh->owner);
}

static bool
link_miss(struct partition *p, uint64_t gpa)
{
	struct link_host *lh = p->ctx;
	struct link_mem_want msg = { { LINK_MEM_WANT, 0 }, gpa };

	if (!lh->loose)
		return false;
	switch (link_miss_add(&lh->misses, gpa, clock_now_ns())) {
	case LINK_MISS_ASK:
		link_alarm(lh);
		return link_msg_send(lh->sock, &msg, sizeof(msg), NULL, 0,
		    MSG_DONTWAIT) == 0;
	case LINK_MISS_WAIT:
		return true;
	case LINK_MISS_OVER:
		break;
	}
	return false;
}

const struct part_ops link_part_ops = {
	.interrupt = link_interrupt,
	.connection_add = link_connection_add,
	.connection_remove = link_connection_remove,
	.map_pages = link_map_pages,
	.unmap_pages = link_unmap_pages,
	.miss = link_miss,
};

int
link_host_signal_fd(const struct link_host *lh, const struct chan *chan)
{
	for (uint32_t i = 0; i < lh->conns_count; i++)
		if (lh->conns[i].chan == chan)
			return lh->conns[i].fd;
	return -1;
}
