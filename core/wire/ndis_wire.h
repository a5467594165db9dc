/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NDIS objects that travel in RNDIS QUERY and SET (Windows ntddndis.h as
 * transcribed in FreeBSD sys/net/rndis.h and ndis.h, OpenVMM rndisprot.rs).
 */
#ifndef CORE_WIRE_NDIS_WIRE_H
#define CORE_WIRE_NDIS_WIRE_H

#include "wire/wire.h"

struct ndis_obj_wire { uint8_t type, rev; le16_t size; };
WIRE_STRUCT(ndis_obj_wire, 4);

struct ndis_csum_caps_wire {
	le32_t v4_tx_enc, v4_tx, v4_rx_enc, v4_rx;
	le32_t v6_tx_enc, v6_tx, v6_rx_enc, v6_rx;
};
WIRE_STRUCT(ndis_csum_caps_wire, 32);

struct ndis_lsov2_caps_wire {
	le32_t v4_enc, v4_max, v4_min_segs;
	le32_t v6_enc, v6_max, v6_min_segs, v6_opts;
};
WIRE_STRUCT(ndis_lsov2_caps_wire, 28);

/* NDIS_OFFLOAD; revisions end at 112, 144 and 156. */
struct ndis_offload_wire {
	struct ndis_obj_wire hdr;
	struct ndis_csum_caps_wire csum;
	le32_t lsov1[4];
	le32_t ipsecv1[7];
	struct ndis_lsov2_caps_wire lsov2;
	le32_t flags;
	uint8_t ipsecv2[32];		/* rev 2 */
	uint8_t rsc_v4, rsc_v6;		/* rev 3 */
	uint8_t rsvd[2];
	le32_t nvgre[2];
};
WIRE_STRUCT(ndis_offload_wire, 156);

/* NDIS_OFFLOAD_PARAMETERS; revisions end at 20, 22 and 28 (26 used). */
struct ndis_offload_params_wire {
	struct ndis_obj_wire hdr;
	uint8_t ip4_csum, tcp4_csum, udp4_csum, tcp6_csum, udp6_csum;
	uint8_t lsov1, ipsecv1, lsov2_v4, lsov2_v6, tcp_conn_v4, tcp_conn_v6;
	uint8_t pad0;
	le32_t flags;
	uint8_t ipsecv2, ipsecv2_v4;	/* rev 2 */
	uint8_t rsc_v4, rsc_v6;		/* rev 3 */
	uint8_t encap, encap_types;
	uint8_t pad1[2];
};
WIRE_STRUCT(ndis_offload_params_wire, 28);

/* NDIS_RECEIVE_SCALE_CAPABILITIES; revisions end at 16 and 18. */
struct ndis_rss_caps_wire {
	struct ndis_obj_wire hdr;
	le32_t caps;
	le32_t interrupts;
	le32_t queues;
	le16_t entries;			/* rev 2 */
	le16_t pad;
};
WIRE_STRUCT(ndis_rss_caps_wire, 20);

/* NDIS_RECEIVE_SCALE_PARAMETERS; revisions end at 28, 40 and 44. */
struct ndis_rss_params_wire {
	struct ndis_obj_wire hdr;
	le16_t flags;
	le16_t base_cpu;
	le32_t hash_info;
	le16_t table_bytes;
	le16_t pad0;
	le32_t table_off;
	le16_t key_bytes;
	le16_t pad1;
	le32_t key_off;
	le32_t cpu_mask_off, cpu_mask_n, cpu_mask_size;	/* rev 2 */
	le32_t default_cpu;				/* rev 3 */
};
WIRE_STRUCT(ndis_rss_params_wire, 44);

/* RNDIS_CONFIG_PARAMETER_INFO; offsets from its first byte; UTF-16. */
struct ndis_config_wire {
	le32_t name_off, name_len, type, value_off, value_len;
};
WIRE_STRUCT(ndis_config_wire, 20);

#endif
