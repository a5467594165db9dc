/*
 * Each wire structure's size and each field's offset against what protocol.md
 * says, transcribed here by hand: the table below is the document's offsets,
 * never computed from a structure.  A last test reads the *_wire.h files and
 * fails if one of their structures is missing from the table.
 */
#include <unistd.h>

#include "wire_test.h"
#include "wire/guid.h"
#include "wire/ndis_wire.h"
#include "wire/nvs_wire.h"
#include "wire/ring_wire.h"
#include "wire/rndis_wire.h"
#include "wire/synic_wire.h"
#include "wire/vmbus_wire.h"

struct row {
	const char *type;
	const char *field;	/* NULL: the size of the structure */
	size_t is;
	size_t want;
};

#define S(t, size)	{ #t, NULL, sizeof(struct t), size },
#define F(t, f, off)	{ #t, #f, offsetof(struct t, f), off },

static const struct row rows[] = {
	/* 1.2 SIMP */
	S(synic_slot_wire, 256)
	F(synic_slot_wire, type, 0)
	F(synic_slot_wire, payload_len, 4)
	F(synic_slot_wire, flags, 5)
	F(synic_slot_wire, rsvd, 6)
	F(synic_slot_wire, origin, 8)
	F(synic_slot_wire, payload, 16)
	S(synic_simp_wire, 4096)
	F(synic_simp_wire, slot, 0)
	F(synic_simp_wire, slot[2], 512)
	/* 1.3 SIEFP, interrupt page */
	S(synic_flags_wire, 256)
	F(synic_flags_wire, word, 0)
	F(synic_flags_wire, word[63], 252)
	S(synic_siefp_wire, 4096)
	F(synic_siefp_wire, sint, 0)
	F(synic_siefp_wire, sint[2], 512)
	S(synic_intpage_wire, 4096)
	F(synic_intpage_wire, to_guest, 0)
	F(synic_intpage_wire, to_host, 2048)
	/* 1.4 hypercalls */
	S(hvcall_post_wire, 256)
	F(hvcall_post_wire, conn_id, 0)
	F(hvcall_post_wire, rsvd, 4)
	F(hvcall_post_wire, msg_type, 8)
	F(hvcall_post_wire, payload_len, 12)
	F(hvcall_post_wire, payload, 16)
	S(hvcall_signal_wire, 8)
	F(hvcall_signal_wire, conn_id, 0)
	F(hvcall_signal_wire, flag, 4)
	F(hvcall_signal_wire, rsvd, 6)
	/* 1.5 monitor page */
	S(synic_monitor_wire, 4096)
	F(synic_monitor_wire, trigger_state, 0)
	F(synic_monitor_wire, rsvd0, 4)
	F(synic_monitor_wire, group, 8)
	F(synic_monitor_wire, group[1], 16)
	F(synic_monitor_wire, rsvd1, 40)
	F(synic_monitor_wire, next_check, 64)
	F(synic_monitor_wire, latency, 576)
	F(synic_monitor_wire, rsvd2, 832)
	F(synic_monitor_wire, param, 1088)
	F(synic_monitor_wire, rsvd3, 2112)
	S(synic_monitor_trigger_wire, 8)
	F(synic_monitor_trigger_wire, pending, 0)
	F(synic_monitor_trigger_wire, armed, 4)
	S(synic_monitor_param_wire, 8)
	F(synic_monitor_param_wire, conn_id, 0)
	F(synic_monitor_param_wire, flag, 4)
	F(synic_monitor_param_wire, rsvd, 6)
	/* 2 VMBus messages */
	S(vmbus_hdr_wire, 8)
	F(vmbus_hdr_wire, type, 0)
	F(vmbus_hdr_wire, pad, 4)
	S(vmbus_offer_wire, 196)
	F(vmbus_offer_wire, hdr, 0)
	F(vmbus_offer_wire, if_type, 8)
	F(vmbus_offer_wire, instance, 24)
	F(vmbus_offer_wire, rsvd, 40)
	F(vmbus_offer_wire, flags, 56)
	F(vmbus_offer_wire, mmio_mb, 58)
	F(vmbus_offer_wire, user, 60)
	F(vmbus_offer_wire, subchan, 180)
	F(vmbus_offer_wire, mmio_optional_mb, 182)
	F(vmbus_offer_wire, relid, 184)
	F(vmbus_offer_wire, monitor_id, 188)
	F(vmbus_offer_wire, monitor_allocated, 189)
	F(vmbus_offer_wire, dedicated_interrupt, 190)
	F(vmbus_offer_wire, conn_id, 192)
	S(vmbus_relid_wire, 12)
	F(vmbus_relid_wire, hdr, 0)
	F(vmbus_relid_wire, relid, 8)
	S(vmbus_open_wire, 148)
	F(vmbus_open_wire, hdr, 0)
	F(vmbus_open_wire, relid, 8)
	F(vmbus_open_wire, open_id, 12)
	F(vmbus_open_wire, ring_gpadl, 16)
	F(vmbus_open_wire, target_vp, 20)
	F(vmbus_open_wire, downstream_pages, 24)
	F(vmbus_open_wire, user, 28)
	S(vmbus_open2_wire, 156)
	F(vmbus_open2_wire, open, 0)
	F(vmbus_open2_wire, conn_id, 148)
	F(vmbus_open2_wire, event_flag, 152)
	F(vmbus_open2_wire, flags, 154)
	S(vmbus_open_result_wire, 20)
	F(vmbus_open_result_wire, hdr, 0)
	F(vmbus_open_result_wire, relid, 8)
	F(vmbus_open_result_wire, open_id, 12)
	F(vmbus_open_result_wire, status, 16)
	S(vmbus_gpadl_header_wire, 20)
	F(vmbus_gpadl_header_wire, hdr, 0)
	F(vmbus_gpadl_header_wire, relid, 8)
	F(vmbus_gpadl_header_wire, gpadl, 12)
	F(vmbus_gpadl_header_wire, range_bytes, 16)
	F(vmbus_gpadl_header_wire, range_count, 18)
	S(vmbus_gpadl_body_wire, 16)
	F(vmbus_gpadl_body_wire, hdr, 0)
	F(vmbus_gpadl_body_wire, msg_number, 8)
	F(vmbus_gpadl_body_wire, gpadl, 12)
	S(vmbus_gpa_range_wire, 8)
	F(vmbus_gpa_range_wire, bytes, 0)
	F(vmbus_gpa_range_wire, offset, 4)
	S(vmbus_gpadl_created_wire, 20)
	F(vmbus_gpadl_created_wire, hdr, 0)
	F(vmbus_gpadl_created_wire, relid, 8)
	F(vmbus_gpadl_created_wire, gpadl, 12)
	F(vmbus_gpadl_created_wire, status, 16)
	S(vmbus_gpadl_teardown_wire, 16)
	F(vmbus_gpadl_teardown_wire, hdr, 0)
	F(vmbus_gpadl_teardown_wire, relid, 8)
	F(vmbus_gpadl_teardown_wire, gpadl, 12)
	S(vmbus_gpadl_torndown_wire, 12)
	F(vmbus_gpadl_torndown_wire, hdr, 0)
	F(vmbus_gpadl_torndown_wire, gpadl, 8)
	S(vmbus_contact_wire, 40)
	F(vmbus_contact_wire, hdr, 0)
	F(vmbus_contact_wire, version, 8)
	F(vmbus_contact_wire, target_vp, 12)
	F(vmbus_contact_wire, interrupt_or_target, 16)
	F(vmbus_contact_wire, monitor_to_guest, 24)
	F(vmbus_contact_wire, monitor_to_host, 32)
	S(vmbus_contact_target_wire, 8)
	F(vmbus_contact_target_wire, sint, 0)
	F(vmbus_contact_target_wire, vtl, 1)
	F(vmbus_contact_target_wire, rsvd, 2)
	F(vmbus_contact_target_wire, features, 4)
	S(vmbus_contact2_wire, 56)
	F(vmbus_contact2_wire, contact, 0)
	F(vmbus_contact2_wire, client_id, 40)
	S(vmbus_version_wire, 16)
	F(vmbus_version_wire, hdr, 0)
	F(vmbus_version_wire, supported, 8)
	F(vmbus_version_wire, state, 9)
	F(vmbus_version_wire, pad, 10)
	F(vmbus_version_wire, selected, 12)
	S(vmbus_version2_wire, 20)
	F(vmbus_version2_wire, version, 0)
	F(vmbus_version2_wire, features, 16)
	S(vmbus_version3_wire, 40)
	F(vmbus_version3_wire, version, 0)
	F(vmbus_version3_wire, pad, 20)
	F(vmbus_version3_wire, monitor_to_guest, 24)
	F(vmbus_version3_wire, monitor_to_host, 32)
	S(vmbus_open_reserved_wire, 28)
	F(vmbus_open_reserved_wire, hdr, 0)
	F(vmbus_open_reserved_wire, relid, 8)
	F(vmbus_open_reserved_wire, target_vp, 12)
	F(vmbus_open_reserved_wire, sint, 16)
	F(vmbus_open_reserved_wire, ring_gpadl, 20)
	F(vmbus_open_reserved_wire, downstream_pages, 24)
	S(vmbus_close_reserved_wire, 20)
	F(vmbus_close_reserved_wire, hdr, 0)
	F(vmbus_close_reserved_wire, relid, 8)
	F(vmbus_close_reserved_wire, target_vp, 12)
	F(vmbus_close_reserved_wire, sint, 16)
	S(vmbus_tl_connect_wire, 40)
	F(vmbus_tl_connect_wire, hdr, 0)
	F(vmbus_tl_connect_wire, endpoint, 8)
	F(vmbus_tl_connect_wire, service, 24)
	S(vmbus_tl_connect2_wire, 56)
	F(vmbus_tl_connect2_wire, connect, 0)
	F(vmbus_tl_connect2_wire, silo, 40)
	S(vmbus_tl_result_wire, 44)
	F(vmbus_tl_result_wire, hdr, 0)
	F(vmbus_tl_result_wire, endpoint, 8)
	F(vmbus_tl_result_wire, service, 24)
	F(vmbus_tl_result_wire, status, 40)
	S(vmbus_modify_channel_wire, 16)
	F(vmbus_modify_channel_wire, hdr, 0)
	F(vmbus_modify_channel_wire, relid, 8)
	F(vmbus_modify_channel_wire, target_vp, 12)
	S(vmbus_modify_channel_result_wire, 16)
	F(vmbus_modify_channel_result_wire, hdr, 0)
	F(vmbus_modify_channel_result_wire, relid, 8)
	F(vmbus_modify_channel_result_wire, status, 12)
	S(vmbus_modify_connection_wire, 24)
	F(vmbus_modify_connection_wire, hdr, 0)
	F(vmbus_modify_connection_wire, monitor_to_guest, 8)
	F(vmbus_modify_connection_wire, monitor_to_host, 16)
	F(vmbus_modify_connection_result_wire, hdr, 0)
	F(vmbus_modify_connection_result_wire, state, 8)
	/* 3 ring */
	S(ring_ctrl_wire, 4096)
	F(ring_ctrl_wire, write_index, 0)
	F(ring_ctrl_wire, read_index, 4)
	F(ring_ctrl_wire, interrupt_mask, 8)
	F(ring_ctrl_wire, pending_send, 12)
	F(ring_ctrl_wire, rsvd0, 16)
	F(ring_ctrl_wire, feature, 64)
	F(ring_ctrl_wire, rsvd1, 68)
	F(ring_ctrl_wire, guest_interrupts, 4088)
	S(ring_desc_wire, 16)
	F(ring_desc_wire, type, 0)
	F(ring_desc_wire, data_off8, 2)
	F(ring_desc_wire, len8, 4)
	F(ring_desc_wire, flags, 6)
	F(ring_desc_wire, xact, 8)
	/* offsets in the packet less the descriptor's 16 */
	S(ring_xfer_wire, 24 - 16)
	F(ring_xfer_wire, pageset, 16 - 16)
	F(ring_xfer_wire, sender_owns, 18 - 16)
	F(ring_xfer_wire, rsvd, 19 - 16)
	F(ring_xfer_wire, range_count, 20 - 16)
	S(ring_xfer_range_wire, 8)
	F(ring_xfer_range_wire, bytes, 0)
	F(ring_xfer_range_wire, offset, 4)
	S(ring_gpa_wire, 24 - 16)
	F(ring_gpa_wire, rsvd, 16 - 16)
	F(ring_gpa_wire, range_count, 20 - 16)
	S(ring_gpa_range_wire, 8)
	F(ring_gpa_range_wire, bytes, 0)
	F(ring_gpa_range_wire, offset, 4)
	/* 4 NVSP */
	S(nvs_hdr_wire, 4)
	F(nvs_hdr_wire, type, 0)
	S(nvs_init_wire, 12)
	F(nvs_init_wire, type, 0)
	F(nvs_init_wire, version_lo, 4)
	F(nvs_init_wire, version_hi, 8)
	S(nvs_init_done_wire, 16)
	F(nvs_init_done_wire, type, 0)
	F(nvs_init_done_wire, version, 4)
	F(nvs_init_done_wire, max_mdl, 8)
	F(nvs_init_done_wire, status, 12)
	S(nvs_ndis_version_wire, 12)
	F(nvs_ndis_version_wire, type, 0)
	F(nvs_ndis_version_wire, major, 4)
	F(nvs_ndis_version_wire, minor, 8)
	S(nvs_buf_wire, 12)
	F(nvs_buf_wire, type, 0)
	F(nvs_buf_wire, gpadl, 4)
	F(nvs_buf_wire, id, 8)
	F(nvs_buf_wire, pad, 10)
	S(nvs_section_wire, 16)
	F(nvs_section_wire, offset, 0)
	F(nvs_section_wire, slot_bytes, 4)
	F(nvs_section_wire, slots, 8)
	F(nvs_section_wire, end, 12)
	S(nvs_recv_buf_done_wire, 28)
	F(nvs_recv_buf_done_wire, type, 0)
	F(nvs_recv_buf_done_wire, status, 4)
	F(nvs_recv_buf_done_wire, sections, 8)
	F(nvs_recv_buf_done_wire, section, 12)
	S(nvs_revoke_wire, 8)
	F(nvs_revoke_wire, type, 0)
	F(nvs_revoke_wire, id, 4)
	F(nvs_revoke_wire, pad, 6)
	S(nvs_send_buf_done_wire, 12)
	F(nvs_send_buf_done_wire, type, 0)
	F(nvs_send_buf_done_wire, status, 4)
	F(nvs_send_buf_done_wire, section_bytes, 8)
	S(nvs_rndis_wire, 16)
	F(nvs_rndis_wire, type, 0)
	F(nvs_rndis_wire, channel, 4)
	F(nvs_rndis_wire, section, 8)
	F(nvs_rndis_wire, section_bytes, 12)
	S(nvs_rndis_done_wire, 8)
	F(nvs_rndis_done_wire, type, 0)
	F(nvs_rndis_done_wire, status, 4)
	S(nvs_ndis_config_wire, 20)
	F(nvs_ndis_config_wire, type, 0)
	F(nvs_ndis_config_wire, mtu, 4)
	F(nvs_ndis_config_wire, rsvd, 8)
	F(nvs_ndis_config_wire, caps_lo, 12)
	F(nvs_ndis_config_wire, caps_hi, 16)
	S(nvs_vf_wire, 12)
	F(nvs_vf_wire, type, 0)
	F(nvs_vf_wire, allocated, 4)
	F(nvs_vf_wire, serial, 8)
	S(nvs_datapath_wire, 8)
	F(nvs_datapath_wire, type, 0)
	F(nvs_datapath_wire, active, 4)
	S(nvs_oid_query_wire, 12)
	F(nvs_oid_query_wire, type, 0)
	F(nvs_oid_query_wire, ndis_hdr, 4)
	F(nvs_oid_query_wire, oid, 8)
	S(nvs_oid_query_done_wire, 12)
	F(nvs_oid_query_done_wire, type, 0)
	F(nvs_oid_query_done_wire, status, 4)
	F(nvs_oid_query_done_wire, bytes, 8)
	S(nvs_subchan_wire, 12)
	F(nvs_subchan_wire, type, 0)
	F(nvs_subchan_wire, op_or_status, 4)
	F(nvs_subchan_wire, count, 8)
	S(nvs_send_table_wire, 12)
	F(nvs_send_table_wire, type, 0)
	F(nvs_send_table_wire, count, 4)
	F(nvs_send_table_wire, table_off, 8)
	/* 5 RNDIS */
	S(rndis_hdr_wire, 8)
	F(rndis_hdr_wire, type, 0)
	F(rndis_hdr_wire, len, 4)
	S(rndis_init_wire, 24)
	F(rndis_init_wire, type, 0)
	F(rndis_init_wire, len, 4)
	F(rndis_init_wire, req_id, 8)
	F(rndis_init_wire, major, 12)
	F(rndis_init_wire, minor, 16)
	F(rndis_init_wire, max_xfer, 20)
	S(rndis_init_done_wire, 52)
	F(rndis_init_done_wire, type, 0)
	F(rndis_init_done_wire, len, 4)
	F(rndis_init_done_wire, req_id, 8)
	F(rndis_init_done_wire, status, 12)
	F(rndis_init_done_wire, major, 16)
	F(rndis_init_done_wire, minor, 20)
	F(rndis_init_done_wire, dev_flags, 24)
	F(rndis_init_done_wire, medium, 28)
	F(rndis_init_done_wire, max_packets, 32)
	F(rndis_init_done_wire, max_xfer, 36)
	F(rndis_init_done_wire, align_shift, 40)
	F(rndis_init_done_wire, af_offset, 44)
	F(rndis_init_done_wire, af_len, 48)
	S(rndis_req_wire, 12)
	F(rndis_req_wire, type, 0)
	F(rndis_req_wire, len, 4)
	F(rndis_req_wire, req_id, 8)
	S(rndis_query_wire, 28)
	F(rndis_query_wire, type, 0)
	F(rndis_query_wire, len, 4)
	F(rndis_query_wire, req_id, 8)
	F(rndis_query_wire, oid, 12)
	F(rndis_query_wire, info_len, 16)
	F(rndis_query_wire, info_off, 20)
	F(rndis_query_wire, vc, 24)
	S(rndis_query_done_wire, 24)
	F(rndis_query_done_wire, type, 0)
	F(rndis_query_done_wire, len, 4)
	F(rndis_query_done_wire, req_id, 8)
	F(rndis_query_done_wire, status, 12)
	F(rndis_query_done_wire, info_len, 16)
	F(rndis_query_done_wire, info_off, 20)
	S(rndis_done_wire, 16)
	F(rndis_done_wire, type, 0)
	F(rndis_done_wire, len, 4)
	F(rndis_done_wire, req_id, 8)
	F(rndis_done_wire, status, 12)
	S(rndis_reset_wire, 12)
	F(rndis_reset_wire, type, 0)
	F(rndis_reset_wire, len, 4)
	F(rndis_reset_wire, rsvd, 8)
	S(rndis_reset_done_wire, 16)
	F(rndis_reset_done_wire, type, 0)
	F(rndis_reset_done_wire, len, 4)
	F(rndis_reset_done_wire, status, 8)
	F(rndis_reset_done_wire, addressing, 12)
	S(rndis_status_wire, 20)
	F(rndis_status_wire, type, 0)
	F(rndis_status_wire, len, 4)
	F(rndis_status_wire, status, 8)
	F(rndis_status_wire, info_len, 12)
	F(rndis_status_wire, info_off, 16)
	S(rndis_packet_wire, 44)
	F(rndis_packet_wire, type, 0)
	F(rndis_packet_wire, len, 4)
	F(rndis_packet_wire, data_off, 8)
	F(rndis_packet_wire, data_len, 12)
	F(rndis_packet_wire, oob_off, 16)
	F(rndis_packet_wire, oob_len, 20)
	F(rndis_packet_wire, oob_count, 24)
	F(rndis_packet_wire, ppi_off, 28)
	F(rndis_packet_wire, ppi_len, 32)
	F(rndis_packet_wire, vc, 36)
	F(rndis_packet_wire, rsvd, 40)
	S(rndis_ppi_wire, 12)
	F(rndis_ppi_wire, size, 0)
	F(rndis_ppi_wire, type, 4)
	F(rndis_ppi_wire, data_off, 8)
	S(rndis_pktinfo_id_wire, 4)
	F(rndis_pktinfo_id_wire, version, 0)
	F(rndis_pktinfo_id_wire, flags, 1)
	F(rndis_pktinfo_id_wire, id, 2)
	/* 6 NDIS objects */
	S(ndis_obj_wire, 4)
	F(ndis_obj_wire, type, 0)
	F(ndis_obj_wire, rev, 1)
	F(ndis_obj_wire, size, 2)
	S(ndis_csum_caps_wire, 32)
	F(ndis_csum_caps_wire, v4_tx_enc, 0)
	F(ndis_csum_caps_wire, v4_tx, 4)
	F(ndis_csum_caps_wire, v4_rx_enc, 8)
	F(ndis_csum_caps_wire, v4_rx, 12)
	F(ndis_csum_caps_wire, v6_tx_enc, 16)
	F(ndis_csum_caps_wire, v6_tx, 20)
	F(ndis_csum_caps_wire, v6_rx_enc, 24)
	F(ndis_csum_caps_wire, v6_rx, 28)
	S(ndis_lsov2_caps_wire, 28)
	F(ndis_lsov2_caps_wire, v4_enc, 0)
	F(ndis_lsov2_caps_wire, v4_max, 4)
	F(ndis_lsov2_caps_wire, v4_min_segs, 8)
	F(ndis_lsov2_caps_wire, v6_enc, 12)
	F(ndis_lsov2_caps_wire, v6_max, 16)
	F(ndis_lsov2_caps_wire, v6_min_segs, 20)
	F(ndis_lsov2_caps_wire, v6_opts, 24)
	S(ndis_offload_wire, 156)
	F(ndis_offload_wire, hdr, 0)
	F(ndis_offload_wire, csum, 4)
	F(ndis_offload_wire, lsov1, 36)
	F(ndis_offload_wire, ipsecv1, 52)
	F(ndis_offload_wire, lsov2, 80)
	F(ndis_offload_wire, flags, 108)
	F(ndis_offload_wire, ipsecv2, 112)
	F(ndis_offload_wire, rsc_v4, 144)
	F(ndis_offload_wire, rsc_v6, 145)
	F(ndis_offload_wire, rsvd, 146)
	F(ndis_offload_wire, nvgre, 148)
	S(ndis_offload_params_wire, 28)
	F(ndis_offload_params_wire, hdr, 0)
	F(ndis_offload_params_wire, ip4_csum, 4)
	F(ndis_offload_params_wire, tcp4_csum, 5)
	F(ndis_offload_params_wire, udp4_csum, 6)
	F(ndis_offload_params_wire, tcp6_csum, 7)
	F(ndis_offload_params_wire, udp6_csum, 8)
	F(ndis_offload_params_wire, lsov1, 9)
	F(ndis_offload_params_wire, ipsecv1, 10)
	F(ndis_offload_params_wire, lsov2_v4, 11)
	F(ndis_offload_params_wire, lsov2_v6, 12)
	F(ndis_offload_params_wire, tcp_conn_v4, 13)
	F(ndis_offload_params_wire, tcp_conn_v6, 14)
	F(ndis_offload_params_wire, pad0, 15)
	F(ndis_offload_params_wire, flags, 16)
	F(ndis_offload_params_wire, ipsecv2, 20)
	F(ndis_offload_params_wire, ipsecv2_v4, 21)
	F(ndis_offload_params_wire, rsc_v4, 22)
	F(ndis_offload_params_wire, rsc_v6, 23)
	F(ndis_offload_params_wire, encap, 24)
	F(ndis_offload_params_wire, encap_types, 25)
	F(ndis_offload_params_wire, pad1, 26)
	S(ndis_rss_caps_wire, 20)
	F(ndis_rss_caps_wire, hdr, 0)
	F(ndis_rss_caps_wire, caps, 4)
	F(ndis_rss_caps_wire, interrupts, 8)
	F(ndis_rss_caps_wire, queues, 12)
	F(ndis_rss_caps_wire, entries, 16)
	F(ndis_rss_caps_wire, pad, 18)
	S(ndis_rss_params_wire, 44)
	F(ndis_rss_params_wire, hdr, 0)
	F(ndis_rss_params_wire, flags, 4)
	F(ndis_rss_params_wire, base_cpu, 6)
	F(ndis_rss_params_wire, hash_info, 8)
	F(ndis_rss_params_wire, table_bytes, 12)
	F(ndis_rss_params_wire, pad0, 14)
	F(ndis_rss_params_wire, table_off, 16)
	F(ndis_rss_params_wire, key_bytes, 20)
	F(ndis_rss_params_wire, pad1, 22)
	F(ndis_rss_params_wire, key_off, 24)
	F(ndis_rss_params_wire, cpu_mask_off, 28)
	F(ndis_rss_params_wire, cpu_mask_n, 32)
	F(ndis_rss_params_wire, cpu_mask_size, 36)
	F(ndis_rss_params_wire, default_cpu, 40)
	S(ndis_config_wire, 20)
	F(ndis_config_wire, name_off, 0)
	F(ndis_config_wire, name_len, 4)
	F(ndis_config_wire, type, 8)
	F(ndis_config_wire, value_off, 12)
	F(ndis_config_wire, value_len, 16)
};

static void
test_offsets(void **state)
{
	int bad = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (r->is == r->want)
			continue;
		print_error("%s %s is %zu, protocol says %zu\n", r->type,
		    r->field != NULL ? r->field : "(size)", r->is, r->want);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static bool
has_size(const char *type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].field == NULL && strcmp(rows[i].type, type) == 0)
			return true;
	return false;
}

static bool
has_field(const char *type, const char *field)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].field != NULL &&
		    strcmp(rows[i].type, type) == 0 &&
		    strcmp(rows[i].field, field) == 0)
			return true;
	return false;
}

/*
 * Check one declaration ("le32_t a, b[4];") of a structure: each declared
 * name has a row.
 */
static int
check_declaration(const char *type, char *line)
{
	char *p = strpbrk(line, " \t"), *save = NULL;
	int bad = 0;

	if (p == NULL)
		return 0;
	if (strncmp(line, "struct", 6) == 0)
		p = strpbrk(p + 1, " \t");
	for (p = strtok_r(p, ",; \t", &save); p != NULL;
	    p = strtok_r(NULL, ",; \t", &save)) {
		p[strcspn(p, "[")] = '\0';
		if (has_field(type, p))
			continue;
		print_error("%s.%s is not in the table\n", type, p);
		bad++;
	}
	return bad;
}

static int
check_header(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	char *at = text;
	int bad = 0;

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (char *c = text; (c = strstr(c, "/*")) != NULL;) {
		char *end = strstr(c, "*/");

		assert_non_null(end);
		memset(c, ' ', (size_t)(end + 2 - c));
	}
	while ((at = strstr(at, "\nstruct ")) != NULL) {
		char type[64], body[8192], *open, *close, *save = NULL;

		at += strlen("\nstruct ");
		assert_int_equal(sscanf(at, "%63[a-z0-9_]", type), 1);
		open = strchr(at, '{');
		close = strchr(at, '}');
		assert_true(open != NULL && close != NULL && open < close);
		assert_true((size_t)(close - open) < sizeof(body));
		memcpy(body, open + 1, (size_t)(close - open - 1));
		body[close - open - 1] = '\0';
		/* its size is open: only the first byte is promised */
		if (!has_size(type) && strcmp(type,
		    "vmbus_modify_connection_result_wire") != 0) {
			print_error("%s is not in the table\n", type);
			bad++;
		}
		for (char *d = strtok_r(body, ";", &save); d != NULL;
		    d = strtok_r(NULL, ";", &save)) {
			d += strspn(d, " \t\n");
			bad += check_declaration(type, d);
		}
		at = close;
	}
	return bad;
}

static void
test_table_is_complete(void **state)
{
	static const char *const names[] = {
		"ndis_wire.h", "nvs_wire.h", "ring_wire.h", "rndis_wire.h",
		"synic_wire.h", "vmbus_wire.h",
	};
	const char *slash = strrchr(__FILE__, '/');
	int dir = slash != NULL ? (int)(slash + 1 - __FILE__) : 0;
	char path[512];
	int bad = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* __FILE__ counts from the build folder, where tests run */
		snprintf(path, sizeof(path), "%.*s../../core/wire/%s", dir,
		    __FILE__, names[i]);
		if (access(path, R_OK) != 0)
			skip();
		bad += check_header(path);
	}
	assert_int_equal(bad, 0);
}

static void
test_guid(void **state)
{
	static const char text[] = "f8615163-df3e-46c5-913f-f2d2f965ed0e";
	static const char *const wrong[] = {
		"", "f8615163", "f8615163-df3e-46c5-913f-f2d2f965ed0",
		"f8615163-df3e-46c5-913f-f2d2f965ed0ee",
		"f8615163+df3e-46c5-913f-f2d2f965ed0e",
		"g8615163-df3e-46c5-913f-f2d2f965ed0e",
		"{f8615163-df3e-46c5-913f-f2d2f965ed0e",
		"f8615163-df3e-46c5-913f-f2d2f965ed0e}",
	};
	static const uint8_t bytes[16] = {
		0x63, 0x51, 0x61, 0xf8, 0x3e, 0xdf, 0xc5, 0x46,
		0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e,
	};
	char back[HV_GUID_TEXT_LEN + 1];
	struct hv_guid g;

	assert_true(hv_guid_parse(&g, text));
	assert_memory_equal(g.b, bytes, 16);
	assert_true(hv_guid_equal(&g, &hv_guid_nic));
	assert_true(hv_guid_parse(&g,
	    "{F8615163-DF3E-46C5-913F-F2D2F965ED0E}"));
	assert_true(hv_guid_equal(&g, &hv_guid_nic));
	hv_guid_format(&g, back);
	assert_string_equal(back, text);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *heap = (char *)exact_copy(wrong[i],
		    (uint32_t)strlen(wrong[i]) + 1);

		assert_false(hv_guid_parse(&g, heap));
		free(heap);
	}
	assert_true(hv_guid_equal(&g, &hv_guid_nic));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_table_is_complete),
		cmocka_unit_test(test_guid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
