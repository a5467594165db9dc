/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame comes from the TAP in one readv(): the virtio-net header, then its
 * bytes.  If a frame is longer than the room, the kernel gives the first part
 * and returns the room's size, as for a frame that just fits.  One byte of room
 * more than any frame needs tells these two apart.
 *
 * A frame goes to the TAP in one writev(): the virtio-net header, then its
 * pieces.  A VLAN tag that travelled beside the frame goes back behind the
 * addresses, for which the first piece is cut in two; nothing is copied.
 */
#include "linux/net/tap_frame.h"

#include <sys/uio.h>

#include "base/err.h"
#include "linux/net/vnet.h"

#define ETH_ADDRS_LEN	12u

int
tap_frame_read(int fd, const struct vec *vec, uint32_t nvec,
    struct pkt_meta *meta)
{
	struct virtio_net_hdr vnet;
	struct iovec iov[TAP_FRAME_PIECES + 1] = { { &vnet, sizeof(vnet) } };
	ssize_t room = sizeof(vnet), got;

	for (uint32_t i = 0; i < nvec; i++) {
		iov[1 + i] = (struct iovec){ vec[i].p, vec[i].len };
		room += vec[i].len;
	}
	got = readv(fd, iov, (int)(1 + nvec));
	if (got <= (ssize_t)sizeof(vnet))
		return 0;
	if (got >= room)
		return E_STATE;
	vnet_to_meta(&vnet, meta);
	return (int)got - (int)sizeof(vnet);
}

bool
tap_frame_write(int fd, const struct vec *vec, uint32_t nvec,
    const struct pkt_meta *meta)
{
	struct iovec iov[TAP_FRAME_PIECES + 3];
	struct virtio_net_hdr vnet;
	uint8_t tag[4] = { 0x81, 0x00, (uint8_t)(meta->vlan_tci >> 8),
		(uint8_t)meta->vlan_tci };
	uint32_t n = 0, i = 0;

	vnet_from_meta(meta, &vnet);
	iov[n++] = (struct iovec){ &vnet, sizeof(vnet) };
	if ((meta->flags & PKT_VLAN) != 0 && nvec > 0 &&
	    vec[0].len >= ETH_ADDRS_LEN) {
		uint8_t *p = vec[0].p;

		iov[n++] = (struct iovec){ p, ETH_ADDRS_LEN };
		iov[n++] = (struct iovec){ tag, sizeof(tag) };
		iov[n++] = (struct iovec){ p + ETH_ADDRS_LEN,
			vec[0].len - ETH_ADDRS_LEN };
		i = 1;
		vnet_shift(&vnet, sizeof(tag));
	}
	for (; i < nvec && n < ARRAY_LEN(iov); i++)
		iov[n++] = (struct iovec){ vec[i].p, vec[i].len };
	return i == nvec && writev(fd, iov, (int)n) >= 0;
}
