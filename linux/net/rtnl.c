/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTM_NEWLINK requests, one socket a request.
 *
 * Context: control threads; blocks until the kernel has answered.
 */
#include "linux/net/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "linux/net/netns.h"

/* MNL_SOCKET_BUFFER_SIZE asks the system for its page size; 8 KiB is enough. */
#define RTNL_BUF_BYTES	8192

static int
rtnl_talk(struct mnl_socket *nl, struct nlmsghdr *req)
{
	char buf[RTNL_BUF_BYTES];
	ssize_t n;

	if (mnl_socket_sendto(nl, req, req->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	/* mnl_cb_run() turns a negative acknowledgement into -1 and errno. */
	return mnl_cb_run(buf, (size_t)n, req->nlmsg_seq,
	    mnl_socket_get_portid(nl), NULL, NULL) < 0 ? -errno : 0;
}

/* Attributes of a link, on the way to the queues of a TAP. */
static int
rtnl_on_data(const struct nlattr *a, void *queues)
{
	if (mnl_attr_get_type(a) == IFLA_TUN_NUM_QUEUES)
		*(int *)queues = (int)mnl_attr_get_u32(a);
	return MNL_CB_OK;
}

static int
rtnl_on_info(const struct nlattr *a, void *queues)
{
	return mnl_attr_get_type(a) != IFLA_INFO_DATA ? MNL_CB_OK :
	    mnl_attr_parse_nested(a, rtnl_on_data, queues);
}

static int
rtnl_on_attr(const struct nlattr *a, void *queues)
{
	return mnl_attr_get_type(a) != IFLA_LINKINFO ? MNL_CB_OK :
	    mnl_attr_parse_nested(a, rtnl_on_info, queues);
}

static int
rtnl_on_tap(const struct nlmsghdr *h, void *queues)
{
	return mnl_attr_parse(h, sizeof(struct ifinfomsg), rtnl_on_attr,
	    queues);
}

int
rtnl_tap_queues(int index)
{
	char buf[RTNL_BUF_BYTES];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	struct ifinfomsg *ifi;
	int queues = 0, rc = -1;
	ssize_t n;

	if (nl == NULL)
		return -errno;
	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = 1;
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(nl, h, h->nlmsg_len) >= 0 &&
	    (n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) >= 0)
		rc = mnl_cb_run(buf, (size_t)n, 1,
		    mnl_socket_get_portid(nl), rtnl_on_tap, &queues);
	rc = rc < 0 ? -errno : queues;
	mnl_socket_close(nl);
	return rc;
}

int
rtnl_link_set(const char *netns, int index, const struct rtnl_link *l)
{
	char buf[RTNL_BUF_BYTES];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct mnl_socket *nl;
	int back, rc;

	h->nlmsg_type = RTM_NEWLINK;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = 1;
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	if (l->up || l->down) {
		ifi->ifi_change = IFF_UP;
		ifi->ifi_flags = l->up ? IFF_UP : 0;
	}
	if (l->mtu != 0)
		mnl_attr_put_u32(h, IFLA_MTU, l->mtu);
	if (l->mac != NULL)
		mnl_attr_put(h, IFLA_ADDRESS, 6, l->mac);
	if (l->gso_max != 0)
		mnl_attr_put_u32(h, IFLA_GSO_MAX_SIZE, l->gso_max);
	if (l->bridge != 0)
		mnl_attr_put_u32(h, IFLA_MASTER, l->bridge == RTNL_NO_BRIDGE ?
		    0 : (uint32_t)l->bridge);

	rc = netns_enter(netns, &back);
	if (rc < 0)
		return rc;
	nl = mnl_socket_open(NETLINK_ROUTE);
	rc = nl == NULL ? -errno : 0;
	netns_leave(back);
	if (rc < 0)
		return rc;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	else
		rc = rtnl_talk(nl, h);
	mnl_socket_close(nl);
	return rc;
}
