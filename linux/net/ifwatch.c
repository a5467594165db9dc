/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries an interface, by a timer and after each message of its namespace.
 *
 * Two sockets, both of the interface's namespace: one for questions, whose
 * answers the kernel gives before sendto() returns; one that is subscribed to
 * messages, which are only taken as a reason to ask.  Multicast groups are read
 * from dev_mcast: netlink has no such list for all protocols.
 */
#include "linux/net/ifwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/net/netns.h"

/* Policy: how late a change without a message may be seen. */
#define IFWATCH_MS		200
#define IFWATCH_BUF_BYTES	16384

struct ifwatch {
	int index;
	ifwatch_changed *changed;
	void *ctx;
	struct mnl_socket *ask, *hear;
	bool there_only;
	int groups_fd;		/* dev_mcast; -1: none */
	struct event *timer, *message;
	uint32_t seq;
	bool told;
	struct ifwatch_state now;
};

static int
ifwatch_attr(const struct nlattr *a, void *data)
{
	struct ifwatch_state *s = data;

	switch (mnl_attr_get_type(a)) {
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(s->mac))
			memcpy(s->mac, mnl_attr_get_payload(a),
			    sizeof(s->mac));
		break;
	case IFLA_PROMISCUITY:
		if (mnl_attr_get_u32(a) != 0)
			s->promisc = true;
		break;
	case IFLA_ALLMULTI:
		if (mnl_attr_get_u32(a) != 0)
			s->multicast = true;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int
ifwatch_link(const struct nlmsghdr *h, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct ifwatch_state *s = data;

	s->promisc = (ifi->ifi_flags & IFF_PROMISC) != 0;
	s->multicast = (ifi->ifi_flags & IFF_ALLMULTI) != 0;
	return mnl_attr_parse(h, sizeof(*ifi), ifwatch_attr, s);
}

/* Query the interface; 0 or -errno, -ENODEV if there is none. */
static int
ifwatch_ask(struct ifwatch *w, struct ifwatch_state *s)
{
	char buf[IFWATCH_BUF_BYTES];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	ssize_t n;

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = ++w->seq;
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = w->index;
	mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (mnl_socket_sendto(w->ask, h, h->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(w->ask, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	return mnl_cb_run(buf, (size_t)n, w->seq,
	    mnl_socket_get_portid(w->ask), ifwatch_link, s) < 0 ? -errno : 0;
}

/* A line of dev_mcast begins with the index of its interface. */
static bool
ifwatch_has_group(const struct ifwatch *w)
{
	int fd = w->groups_fd < 0 ? -1 : dup(w->groups_fd);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[128];
	bool found = false;

	/* Rather too much than a group that is missed. */
	if (f == NULL) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	rewind(f);
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = atoi(line) == w->index;
	fclose(f);
	return found;
}

void
ifwatch_now(struct ifwatch *w, struct ifwatch_state *out)
{
	struct ifwatch_state s = w->now;
	int rc = ifwatch_ask(w, &s);

	if (rc == 0) {
		s.gone = false;
		if (!w->there_only && !s.multicast)
			s.multicast = ifwatch_has_group(w);
		w->now = s;
	} else if (rc == -ENODEV) {
		w->now.gone = true;
	}
	/* Anything else is out of memory: asked again soon. */
	*out = w->now;
}

static void
ifwatch_look(struct ifwatch *w)
{
	struct ifwatch_state before = w->now, s;

	ifwatch_now(w, &s);
	if (w->told && s.gone == before.gone && s.promisc == before.promisc &&
	    s.multicast == before.multicast &&
	    memcmp(s.mac, before.mac, sizeof(s.mac)) == 0)
		return;
	w->told = true;
	w->changed(w->ctx);
}

static void
ifwatch_on_timer(evutil_socket_t fd, short what, void *arg)
{
	ifwatch_look(arg);
}

static void
ifwatch_on_message(evutil_socket_t fd, short what, void *arg)
{
	struct ifwatch *w = arg;
	char buf[IFWATCH_BUF_BYTES];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	ifwatch_look(w);
}

/* Inside the namespace. */
static int
ifwatch_open(struct ifwatch *w)
{
	w->ask = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	w->hear = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (w->ask == NULL || w->hear == NULL ||
	    mnl_socket_bind(w->ask, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_bind(w->hear, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	if (!w->there_only)
		w->groups_fd = open("/proc/thread-self/net/dev_mcast",
		    O_RDONLY | O_CLOEXEC);
	return 0;
}

static int
ifwatch_events(struct ifwatch *w, struct event_base *base)
{
	const struct timeval every = { 0, IFWATCH_MS * 1000 };

	w->timer = event_new(base, -1, EV_PERSIST, ifwatch_on_timer, w);
	w->message = event_new(base, mnl_socket_get_fd(w->hear),
	    EV_READ | EV_PERSIST, ifwatch_on_message, w);
	if (w->timer == NULL || w->message == NULL ||
	    (!w->there_only && event_add(w->timer, &every) < 0) ||
	    event_add(w->message, NULL) < 0)
		return -ENOMEM;
	/* The first look, at once. */
	event_active(w->timer, EV_TIMEOUT, 0);
	return 0;
}

struct ifwatch *
ifwatch_create(struct event_base *base, const char *netns, int index,
    bool there_only, ifwatch_changed *changed, void *ctx, char *err,
    size_t cap)
{
	struct ifwatch *w = calloc(1, sizeof(*w));
	int back, rc = -ENOMEM;

	if (w != NULL) {
		*w = (struct ifwatch){ .index = index, .changed = changed,
			.ctx = ctx, .there_only = there_only,
			.groups_fd = -1 };
		rc = netns_enter(netns, &back);
		if (rc == 0) {
			rc = ifwatch_open(w);
			netns_leave(back);
		}
		if (rc == 0)
			rc = ifwatch_events(w, base);
	}
	if (rc == 0)
		return w;
	snprintf(err, cap, "watching interface %d: %s", index, strerror(-rc));
	ifwatch_destroy(w);
	return NULL;
}

void
ifwatch_follow(struct ifwatch *w, int index)
{
	w->index = index;
	w->told = false;
	event_active(w->timer, EV_TIMEOUT, 0);
}

void
ifwatch_destroy(struct ifwatch *w)
{
	if (w == NULL)
		return;
	if (w->timer != NULL)
		event_free(w->timer);
	if (w->message != NULL)
		event_free(w->message);
	if (w->ask != NULL)
		mnl_socket_close(w->ask);
	if (w->hear != NULL)
		mnl_socket_close(w->hear);
	if (w->groups_fd >= 0)
		close(w->groups_fd);
	free(w);
}
