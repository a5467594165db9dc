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
