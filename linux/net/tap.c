/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAP devices.
 *
 * All queues are opened at once and stay: the kernel renumbers queues when one
 * is detached, and channel counts change at run time.
 *
 * Context: control threads.
 */
#include "linux/net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/net/netns.h"
#include "linux/net/rtnl.h"
#include "linux/run/name.h"

/* Make of an open file a queue of the device.  0 or -errno. */
static int
tap_queue_attach(struct tap *t, int fd, uint32_t queues, bool first)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header = sizeof(struct virtio_net_hdr), rc;

	/* One that persists can be taken over with another number of them. */
	if (queues > 1 || t->persist)
		ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_MULTI_QUEUE);
	/* Make it, or fail: never join another program's device. */
	if (first && !t->persist)
		ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_TUN_EXCL);
	memcpy(ifr.ifr_name, t->name, sizeof(ifr.ifr_name));
	rc = ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
	if (rc == -EINVAL && t->persist && queues == 1) {
		/* Somebody made it for one queue. */
		ifr.ifr_flags = (short)(ifr.ifr_flags & ~IFF_MULTI_QUEUE);
		rc = ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
	}
	if (rc < 0)
		return rc;
	memcpy(t->name, ifr.ifr_name, sizeof(t->name));
	if (t->persist && (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 ||
	    ioctl(fd, TUNSETPERSIST, 1) < 0))
		return -errno;
	return 0;
}

static int
tap_queue_open(struct tap *t, uint32_t queues, bool first)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return -errno;
	rc = tap_queue_attach(t, fd, queues, first);
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* Query one property of an interface; its namespace is the thread's. */
static int
tap_ask(const char *name, unsigned long what, struct ifreq *ifr)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	memcpy(ifr->ifr_name, name, sizeof(ifr->ifr_name));
	rc = ioctl(fd, what, ifr) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int
tap_index(const char *name)
{
	struct ifreq ifr = { 0 };
	int rc = tap_ask(name, SIOCGIFINDEX, &ifr);

	return rc < 0 ? rc : ifr.ifr_ifindex;
}

int
tap_mtu(const struct tap *t)
{
	struct ifreq ifr = { 0 };
	int back, rc = netns_enter(t->netns, &back);

	if (rc < 0)
		return rc;
	rc = tap_ask(t->name, SIOCGIFMTU, &ifr);
	netns_leave(back);
	return rc < 0 ? rc : ifr.ifr_mtu;
}

/*
 * Nobody else has queues of a device that was taken over; the calling thread is
 * in the namespace.  The kernel itself lets nobody join one of a single queue.
 */
static int
tap_only_ours(const struct tap *t)
{
	int n = t->persist ? rtnl_tap_queues(tap_index(t->name)) : 0;

	return n > 1 ? -EBUSY : n < 0 ? n : 0;
}

/* The queues and the index; the calling thread is in the namespace. */
static int
tap_make(struct tap *t, uint32_t queues)
{
	int rc;

	for (t->queues = 0; t->queues < queues; t->queues++) {
		int fd = tap_queue_open(t, queues, t->queues == 0);

		if (fd < 0)
			return fd;
		t->fd[t->queues] = fd;
		rc = t->queues == 0 ? tap_only_ours(t) : 0;
		if (rc < 0) {
			t->queues = 1;
			return rc;
		}
	}
	t->index = tap_index(t->name);
	return t->index < 0 ? t->index : 0;
}

static const char *
tap_hint(const struct tap_config *cfg, int rc)
{
	if (rc == -EPERM)
		return " (needs root)";
	if (rc == -EBUSY)
		return cfg->persist ? " (another program uses it)" :
		    " (it exists already; persist=on takes it over)";
	if (rc == -EINVAL && cfg->persist)
		return cfg->queues > 1 ? " (an interface of this name is no "
		    "TAP, or one without multi_queue)" : " (an interface of "
		    "this name is no TAP)";
	return "";
}

/*
 * The index of a bridge, or -errno.  The kernel would find out too that it is
 * none, but only after it has taken the port from its bridge.
 */
static int
tap_bridge_index(const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { .ifr_data = (void *)&info };
	int index = tap_index(name);

	if (index < 0)
		return index;
	if (tap_ask(name, SIOCETHTOOL, &ifr) < 0 ||
	    strcmp(info.driver, "bridge") != 0)
		return -EOPNOTSUPP;
	return index;
}

int
tap_bridge(const struct tap *t, const char *bridge, char *err, size_t cap)
{
	struct rtnl_link link = { .bridge = RTNL_NO_BRIDGE };
	int back, rc = netns_enter(t->netns, &back);

	if (rc == 0 && bridge[0] != '\0')
		rc = link.bridge = tap_bridge_index(bridge);
	netns_leave(back);
	if (rc >= 0)
		rc = rtnl_link_set(t->netns, t->index, &link);
	if (rc < 0)
		snprintf(err, cap, "tap %s: bridge=%s: %s", t->name, bridge,
		    rc == -EOPNOTSUPP ? "it is no bridge" :
		    rc == -ENODEV ? "there is no such interface" :
		    strerror(-rc));
	return rc;
}

int
tap_open(struct tap *t, const struct tap_config *cfg, char *err, size_t cap)
{
	const struct rtnl_link link = { .mtu = cfg->mtu, .mac = cfg->mac,
		.gso_max = cfg->gso_max, .up = cfg->up };
	const char *netns = cfg->netns != NULL ? cfg->netns : "";
	int back, rc;

	memset(t, 0, sizeof(*t));
	if (!name_ok_ifname(cfg->name)) {
		snprintf(err, cap, "interface name '%s': want 1 to 15 %s",
		    cfg->name, NAME_IFNAME_RULE);
		return -EINVAL;
	}
	if (cfg->queues == 0 || cfg->queues > TAP_MAX_QUEUES ||
	    strlen(netns) >= sizeof(t->netns)) {
		snprintf(err, cap, "tap %s: 1 to %u queues, a namespace name "
		    "below 64 characters", cfg->name, TAP_MAX_QUEUES);
		return -EINVAL;
	}
	strcpy(t->name, cfg->name);
	strcpy(t->netns, netns);
	t->persist = cfg->persist;
	rc = netns_enter(netns, &back);
	if (rc < 0) {
		snprintf(err, cap, "network namespace '%s': %s", netns,
		    strerror(-rc));
		return rc;
	}
	rc = tap_make(t, cfg->queues);
	netns_leave(back);
	if (rc < 0) {
		snprintf(err, cap, "tap %s: %s%s", cfg->name, strerror(-rc),
		    tap_hint(cfg, rc));
		tap_close(t);
		return rc;
	}
	rc = rtnl_link_set(netns, t->index, &link);
	if (rc < 0) {
		snprintf(err, cap, "tap %s: setting address, MTU %u or state: "
		    "%s", cfg->name, cfg->mtu, strerror(-rc));
		tap_close(t);
	}
	return rc;
}

static bool
tap_queue_alive(int fd)
{
	struct ifreq ifr = { 0 };

	/* A file whose device was deleted: EBADFD. */
	return ioctl(fd, TUNGETIFF, &ifr) == 0;
}

bool
tap_alive(const struct tap *t)
{
	return tap_queue_alive(t->fd[0]);
}

int
tap_again(struct tap *t)
{
	int back, rc;

	/* What an earlier try has done stays. */
	for (uint32_t k = 0; k < t->queues; k++) {
		if (tap_queue_alive(t->fd[k]))
			continue;
		rc = tap_queue_attach(t, t->fd[k], t->queues, k == 0);
		if (rc < 0)
			return rc;
	}
	rc = netns_enter(t->netns, &back);
	if (rc < 0)
		return rc;
	rc = tap_index(t->name);
	netns_leave(back);
	if (rc < 0)
		return rc;
	t->index = rc;
	return 0;
}

void
tap_close(struct tap *t)
{
	for (uint32_t i = 0; i < t->queues; i++)
		close(t->fd[i]);
	t->queues = 0;
}

int
tap_offloads(struct tap *t, uint32_t off)
{
	unsigned long flags = 0;

	if ((off & (TAP_OFF_CSUM | TAP_OFF_TSO4 | TAP_OFF_TSO6)) != 0)
		flags |= TUN_F_CSUM;
	if ((off & TAP_OFF_TSO4) != 0)
		flags |= TUN_F_TSO4 | TUN_F_TSO_ECN;
	if ((off & TAP_OFF_TSO6) != 0)
		flags |= TUN_F_TSO6 | TUN_F_TSO_ECN;
	return ioctl(t->fd[0], TUNSETOFFLOAD, flags) < 0 ? -errno : 0;
}

int
tap_carrier(struct tap *t, bool on)
{
	int state = on;

	return ioctl(t->fd[0], TUNSETCARRIER, &state) < 0 ? -errno : 0;
}

int
tap_steering(struct tap *t, int prog_fd)
{
	return ioctl(t->fd[0], TUNSETSTEERINGEBPF, &prog_fd) < 0 ? -errno : 0;
}
