/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net headers of a TAP <-> the core's offload metadata.
 *
 * Context: any; pure functions on the data path.
 */
#ifndef LINUX_NET_VNET_H
#define LINUX_NET_VNET_H

#include <linux/virtio_net.h>

#include "pkt/pkt_meta.h"

/* What the kernel says of a frame that it gave us.  It is trusted. */
static inline void
vnet_to_meta(const struct virtio_net_hdr *h, struct pkt_meta *m)
{
	*m = (struct pkt_meta){ 0 };
	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
		m->flags |= PKT_CSUM_PARTIAL;
		m->csum_start = h->csum_start;
		m->csum_offset = h->csum_offset;
	} else if ((h->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0) {
		m->flags |= PKT_CSUM_GOOD_L4;
	}
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		m->flags |= PKT_GSO_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		m->flags |= PKT_GSO_TCP6;
		break;
	default:
		return;
	}
	if ((h->gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0)
		m->flags |= PKT_GSO_ECN;
	m->gso_size = h->gso_size;
	m->hdr_len = h->hdr_len;
}

/* What we say of a frame that we give the kernel. */
static inline void
vnet_from_meta(const struct pkt_meta *m, struct virtio_net_hdr *h)
{
	*h = (struct virtio_net_hdr){ 0 };
	if ((m->flags & PKT_CSUM_PARTIAL) != 0) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = m->csum_start;
		h->csum_offset = m->csum_offset;
	} else if ((m->flags & PKT_CSUM_GOOD_L4) != 0) {
		h->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if ((m->flags & PKT_GSO_ANY) == 0 || m->gso_size == 0)
		return;
	h->gso_type = (m->flags & PKT_GSO_TCP4) != 0 ?
	    VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	if ((m->flags & PKT_GSO_ECN) != 0)
		h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	h->gso_size = m->gso_size;
	h->hdr_len = m->hdr_len;
}

/* The frame got `n` bytes longer before its L3 header (a VLAN tag). */
static inline void
vnet_shift(struct virtio_net_hdr *h, uint16_t n)
{
	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		h->csum_start = (uint16_t)(h->csum_start + n);
	if (h->hdr_len != 0)
		h->hdr_len = (uint16_t)(h->hdr_len + n);
}

#endif
