-- SPDX-License-Identifier: BSD-2-Clause
--
-- Wireshark's dissector for captures of hvnet (interface "vmbus", link type
-- USER0): SynIC messages, VMBus, ring packets, NVSP, RNDIS and NDIS objects.
--
--   wireshark -X lua_script:hvnet.lua FILE.pcapng
--   tshark -X lua_script:hvnet.lua -r FILE.pcapng -Y 'hvnet.nvsp.type == 101'
--
-- Without the option where `make install' has put it (docs/debugging.md).
-- Names of fields are those of the structures in core/wire, the layer before
-- them: hvnet.vmbus.relid, hvnet.rndis.oid.

-- BEGIN of the tables: scripts/wire_tables.py --write
local STRUCTS = {
  vmbus_hdr_wire = {
    size = 8, { "type", 0, 4, "u" },
  },
  vmbus_offer_wire = {
    size = 196, { "type", 0, 4, "u" }, { "if_type", 8, 16, "b" },
    { "instance", 24, 16, "b" }, { "flags", 56, 2, "u" },
    { "mmio_mb", 58, 2, "u" }, { "user", 60, 120, "b" },
    { "subchan", 180, 2, "u" }, { "mmio_optional_mb", 182, 2, "u" },
    { "relid", 184, 4, "u" }, { "monitor_id", 188, 1, "u" },
    { "monitor_allocated", 189, 1, "u" },
    { "dedicated_interrupt", 190, 2, "u" }, { "conn_id", 192, 4, "u" },
  },
  vmbus_relid_wire = {
    size = 12, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
  },
  vmbus_open_wire = {
    size = 148, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "open_id", 12, 4, "u" }, { "ring_gpadl", 16, 4, "u" },
    { "target_vp", 20, 4, "u" }, { "downstream_pages", 24, 4, "u" },
    { "user", 28, 120, "b" },
  },
  vmbus_open2_wire = {
    size = 156, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "open_id", 12, 4, "u" }, { "ring_gpadl", 16, 4, "u" },
    { "target_vp", 20, 4, "u" }, { "downstream_pages", 24, 4, "u" },
    { "user", 28, 120, "b" }, { "conn_id", 148, 4, "u" },
    { "event_flag", 152, 2, "u" }, { "flags", 154, 2, "u" },
  },
  vmbus_open_result_wire = {
    size = 20, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "open_id", 12, 4, "u" }, { "status", 16, 4, "u" },
  },
  vmbus_gpadl_header_wire = {
    size = 20, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "gpadl", 12, 4, "u" }, { "range_bytes", 16, 2, "u" },
    { "range_count", 18, 2, "u" },
  },
  vmbus_gpadl_body_wire = {
    size = 16, { "type", 0, 4, "u" }, { "msg_number", 8, 4, "u" },
    { "gpadl", 12, 4, "u" },
  },
  vmbus_gpa_range_wire = {
    size = 8, { "bytes", 0, 4, "u" }, { "offset", 4, 4, "u" },
  },
  vmbus_gpadl_created_wire = {
    size = 20, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "gpadl", 12, 4, "u" }, { "status", 16, 4, "u" },
  },
  vmbus_gpadl_teardown_wire = {
    size = 16, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "gpadl", 12, 4, "u" },
  },
  vmbus_gpadl_torndown_wire = {
    size = 12, { "type", 0, 4, "u" }, { "gpadl", 8, 4, "u" },
  },
  vmbus_contact_wire = {
    size = 40, { "type", 0, 4, "u" }, { "version", 8, 4, "u" },
    { "target_vp", 12, 4, "u" }, { "interrupt_or_target", 16, 8, "u" },
    { "monitor_to_guest", 24, 8, "u" }, { "monitor_to_host", 32, 8, "u" },
  },
  vmbus_contact_target_wire = {
    size = 8, { "sint", 0, 1, "u" }, { "vtl", 1, 1, "u" },
    { "features", 4, 4, "u" },
  },
  vmbus_contact2_wire = {
    size = 56, { "type", 0, 4, "u" }, { "version", 8, 4, "u" },
    { "target_vp", 12, 4, "u" }, { "interrupt_or_target", 16, 8, "u" },
    { "monitor_to_guest", 24, 8, "u" }, { "monitor_to_host", 32, 8, "u" },
    { "client_id", 40, 16, "b" },
  },
  vmbus_version_wire = {
    size = 16, { "type", 0, 4, "u" }, { "supported", 8, 1, "u" },
    { "state", 9, 1, "u" }, { "selected", 12, 4, "u" },
  },
  vmbus_version2_wire = {
    size = 20, { "type", 0, 4, "u" }, { "supported", 8, 1, "u" },
    { "state", 9, 1, "u" }, { "selected", 12, 4, "u" },
    { "features", 16, 4, "u" },
  },
  vmbus_version3_wire = {
    size = 40, { "type", 0, 4, "u" }, { "supported", 8, 1, "u" },
    { "state", 9, 1, "u" }, { "selected", 12, 4, "u" },
    { "features", 16, 4, "u" }, { "monitor_to_guest", 24, 8, "u" },
    { "monitor_to_host", 32, 8, "u" },
  },
  vmbus_open_reserved_wire = {
    size = 28, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "target_vp", 12, 4, "u" }, { "sint", 16, 4, "u" },
    { "ring_gpadl", 20, 4, "u" }, { "downstream_pages", 24, 4, "u" },
  },
  vmbus_close_reserved_wire = {
    size = 20, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "target_vp", 12, 4, "u" }, { "sint", 16, 4, "u" },
  },
  vmbus_tl_connect_wire = {
    size = 40, { "type", 0, 4, "u" }, { "endpoint", 8, 16, "b" },
    { "service", 24, 16, "b" },
  },
  vmbus_tl_connect2_wire = {
    size = 56, { "type", 0, 4, "u" }, { "endpoint", 8, 16, "b" },
    { "service", 24, 16, "b" }, { "silo", 40, 16, "b" },
  },
  vmbus_tl_result_wire = {
    size = 44, { "type", 0, 4, "u" }, { "endpoint", 8, 16, "b" },
    { "service", 24, 16, "b" }, { "status", 40, 4, "u" },
  },
  vmbus_modify_channel_wire = {
    size = 16, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "target_vp", 12, 4, "u" },
  },
  vmbus_modify_channel_result_wire = {
    size = 16, { "type", 0, 4, "u" }, { "relid", 8, 4, "u" },
    { "status", 12, 4, "u" },
  },
  vmbus_modify_connection_wire = {
    size = 24, { "type", 0, 4, "u" }, { "monitor_to_guest", 8, 8, "u" },
    { "monitor_to_host", 16, 8, "u" },
  },
  vmbus_modify_connection_result_wire = {
    size = 12, { "type", 0, 4, "u" }, { "state", 8, 1, "u" },
  },
  nvs_hdr_wire = {
    size = 4, { "type", 0, 4, "u" },
  },
  nvs_init_wire = {
    size = 12, { "type", 0, 4, "u" }, { "version_lo", 4, 4, "u" },
    { "version_hi", 8, 4, "u" },
  },
  nvs_init_done_wire = {
    size = 16, { "type", 0, 4, "u" }, { "version", 4, 4, "u" },
    { "max_mdl", 8, 4, "u" }, { "status", 12, 4, "u" },
  },
  nvs_ndis_version_wire = {
    size = 12, { "type", 0, 4, "u" }, { "major", 4, 4, "u" },
    { "minor", 8, 4, "u" },
  },
  nvs_buf_wire = {
    size = 12, { "type", 0, 4, "u" }, { "gpadl", 4, 4, "u" },
    { "id", 8, 2, "u" },
  },
  nvs_section_wire = {
    size = 16, { "offset", 0, 4, "u" }, { "slot_bytes", 4, 4, "u" },
    { "slots", 8, 4, "u" }, { "end", 12, 4, "u" },
  },
  nvs_recv_buf_done_wire = {
    size = 28, { "type", 0, 4, "u" }, { "status", 4, 4, "u" },
    { "sections", 8, 4, "u" }, { "offset", 12, 4, "u" },
    { "slot_bytes", 16, 4, "u" }, { "slots", 20, 4, "u" },
    { "end", 24, 4, "u" },
  },
  nvs_revoke_wire = {
    size = 8, { "type", 0, 4, "u" }, { "id", 4, 2, "u" },
  },
  nvs_send_buf_done_wire = {
    size = 12, { "type", 0, 4, "u" }, { "status", 4, 4, "u" },
    { "section_bytes", 8, 4, "u" },
  },
  nvs_rndis_wire = {
    size = 16, { "type", 0, 4, "u" }, { "channel", 4, 4, "u" },
    { "section", 8, 4, "u" }, { "section_bytes", 12, 4, "u" },
  },
  nvs_rndis_done_wire = {
    size = 8, { "type", 0, 4, "u" }, { "status", 4, 4, "u" },
  },
  nvs_ndis_config_wire = {
    size = 20, { "type", 0, 4, "u" }, { "mtu", 4, 4, "u" },
    { "caps_lo", 12, 4, "u" }, { "caps_hi", 16, 4, "u" },
  },
  nvs_vf_wire = {
    size = 12, { "type", 0, 4, "u" }, { "allocated", 4, 4, "u" },
    { "serial", 8, 4, "u" },
  },
  nvs_datapath_wire = {
    size = 8, { "type", 0, 4, "u" }, { "active", 4, 4, "u" },
  },
  nvs_oid_query_wire = {
    size = 12, { "type", 0, 4, "u" }, { "ndis_hdr", 4, 4, "u" },
    { "oid", 8, 4, "u" },
  },
  nvs_oid_query_done_wire = {
    size = 12, { "type", 0, 4, "u" }, { "status", 4, 4, "u" },
    { "bytes", 8, 4, "u" },
  },
  nvs_subchan_wire = {
    size = 12, { "type", 0, 4, "u" }, { "op_or_status", 4, 4, "u" },
    { "count", 8, 4, "u" },
  },
  nvs_send_table_wire = {
    size = 12, { "type", 0, 4, "u" }, { "count", 4, 4, "u" },
    { "table_off", 8, 4, "u" },
  },
  rndis_hdr_wire = {
    size = 8, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
  },
  rndis_init_wire = {
    size = 24, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "req_id", 8, 4, "u" }, { "major", 12, 4, "u" }, { "minor", 16, 4, "u" },
    { "max_xfer", 20, 4, "u" },
  },
  rndis_init_done_wire = {
    size = 52, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "req_id", 8, 4, "u" }, { "status", 12, 4, "u" },
    { "major", 16, 4, "u" }, { "minor", 20, 4, "u" },
    { "dev_flags", 24, 4, "u" }, { "medium", 28, 4, "u" },
    { "max_packets", 32, 4, "u" }, { "max_xfer", 36, 4, "u" },
    { "align_shift", 40, 4, "u" }, { "af_offset", 44, 4, "u" },
    { "af_len", 48, 4, "u" },
  },
  rndis_req_wire = {
    size = 12, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "req_id", 8, 4, "u" },
  },
  rndis_query_wire = {
    size = 28, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "req_id", 8, 4, "u" }, { "oid", 12, 4, "u" },
    { "info_len", 16, 4, "u" }, { "info_off", 20, 4, "u" },
    { "vc", 24, 4, "u" },
  },
  rndis_query_done_wire = {
    size = 24, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "req_id", 8, 4, "u" }, { "status", 12, 4, "u" },
    { "info_len", 16, 4, "u" }, { "info_off", 20, 4, "u" },
  },
  rndis_done_wire = {
    size = 16, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "req_id", 8, 4, "u" }, { "status", 12, 4, "u" },
  },
  rndis_reset_wire = {
    size = 12, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
  },
  rndis_reset_done_wire = {
    size = 16, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "status", 8, 4, "u" }, { "addressing", 12, 4, "u" },
  },
  rndis_status_wire = {
    size = 20, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "status", 8, 4, "u" }, { "info_len", 12, 4, "u" },
    { "info_off", 16, 4, "u" },
  },
  rndis_packet_wire = {
    size = 44, { "type", 0, 4, "u" }, { "len", 4, 4, "u" },
    { "data_off", 8, 4, "u" }, { "data_len", 12, 4, "u" },
    { "oob_off", 16, 4, "u" }, { "oob_len", 20, 4, "u" },
    { "oob_count", 24, 4, "u" }, { "ppi_off", 28, 4, "u" },
    { "ppi_len", 32, 4, "u" }, { "vc", 36, 4, "u" },
  },
  rndis_ppi_wire = {
    size = 12, { "size", 0, 4, "u" }, { "type", 4, 4, "u" },
    { "data_off", 8, 4, "u" },
  },
  rndis_pktinfo_id_wire = {
    size = 4, { "version", 0, 1, "u" }, { "flags", 1, 1, "u" },
    { "id", 2, 2, "u" },
  },
  ndis_obj_wire = {
    size = 4, { "type", 0, 1, "u" }, { "rev", 1, 1, "u" },
    { "size", 2, 2, "u" },
  },
  ndis_csum_caps_wire = {
    size = 32, { "v4_tx_enc", 0, 4, "u" }, { "v4_tx", 4, 4, "u" },
    { "v4_rx_enc", 8, 4, "u" }, { "v4_rx", 12, 4, "u" },
    { "v6_tx_enc", 16, 4, "u" }, { "v6_tx", 20, 4, "u" },
    { "v6_rx_enc", 24, 4, "u" }, { "v6_rx", 28, 4, "u" },
  },
  ndis_lsov2_caps_wire = {
    size = 28, { "v4_enc", 0, 4, "u" }, { "v4_max", 4, 4, "u" },
    { "v4_min_segs", 8, 4, "u" }, { "v6_enc", 12, 4, "u" },
    { "v6_max", 16, 4, "u" }, { "v6_min_segs", 20, 4, "u" },
    { "v6_opts", 24, 4, "u" },
  },
  ndis_offload_wire = {
    size = 156, { "type", 0, 1, "u" }, { "rev", 1, 1, "u" },
    { "size", 2, 2, "u" }, { "v4_tx_enc", 4, 4, "u" }, { "v4_tx", 8, 4, "u" },
    { "v4_rx_enc", 12, 4, "u" }, { "v4_rx", 16, 4, "u" },
    { "v6_tx_enc", 20, 4, "u" }, { "v6_tx", 24, 4, "u" },
    { "v6_rx_enc", 28, 4, "u" }, { "v6_rx", 32, 4, "u" },
    { "lsov1", 36, 16, "b" }, { "ipsecv1", 52, 28, "b" },
    { "v4_enc", 80, 4, "u" }, { "v4_max", 84, 4, "u" },
    { "v4_min_segs", 88, 4, "u" }, { "v6_enc", 92, 4, "u" },
    { "v6_max", 96, 4, "u" }, { "v6_min_segs", 100, 4, "u" },
    { "v6_opts", 104, 4, "u" }, { "flags", 108, 4, "u" },
    { "ipsecv2", 112, 32, "b" }, { "rsc_v4", 144, 1, "u" },
    { "rsc_v6", 145, 1, "u" }, { "nvgre", 148, 8, "b" },
  },
  ndis_offload_params_wire = {
    size = 28, { "type", 0, 1, "u" }, { "rev", 1, 1, "u" },
    { "size", 2, 2, "u" }, { "ip4_csum", 4, 1, "u" },
    { "tcp4_csum", 5, 1, "u" }, { "udp4_csum", 6, 1, "u" },
    { "tcp6_csum", 7, 1, "u" }, { "udp6_csum", 8, 1, "u" },
    { "lsov1", 9, 1, "u" }, { "ipsecv1", 10, 1, "u" },
    { "lsov2_v4", 11, 1, "u" }, { "lsov2_v6", 12, 1, "u" },
    { "tcp_conn_v4", 13, 1, "u" }, { "tcp_conn_v6", 14, 1, "u" },
    { "flags", 16, 4, "u" }, { "ipsecv2", 20, 1, "u" },
    { "ipsecv2_v4", 21, 1, "u" }, { "rsc_v4", 22, 1, "u" },
    { "rsc_v6", 23, 1, "u" }, { "encap", 24, 1, "u" },
    { "encap_types", 25, 1, "u" },
  },
  ndis_rss_caps_wire = {
    size = 20, { "type", 0, 1, "u" }, { "rev", 1, 1, "u" },
    { "size", 2, 2, "u" }, { "caps", 4, 4, "u" }, { "interrupts", 8, 4, "u" },
    { "queues", 12, 4, "u" }, { "entries", 16, 2, "u" },
  },
  ndis_rss_params_wire = {
    size = 44, { "type", 0, 1, "u" }, { "rev", 1, 1, "u" },
    { "size", 2, 2, "u" }, { "flags", 4, 2, "u" }, { "base_cpu", 6, 2, "u" },
    { "hash_info", 8, 4, "u" }, { "table_bytes", 12, 2, "u" },
    { "table_off", 16, 4, "u" }, { "key_bytes", 20, 2, "u" },
    { "key_off", 24, 4, "u" }, { "cpu_mask_off", 28, 4, "u" },
    { "cpu_mask_n", 32, 4, "u" }, { "cpu_mask_size", 36, 4, "u" },
    { "default_cpu", 40, 4, "u" },
  },
  ndis_config_wire = {
    size = 20, { "name_off", 0, 4, "u" }, { "name_len", 4, 4, "u" },
    { "type", 8, 4, "u" }, { "value_off", 12, 4, "u" },
    { "value_len", 16, 4, "u" },
  },
  ring_desc_wire = {
    size = 16, { "type", 0, 2, "u" }, { "data_off8", 2, 2, "u" },
    { "len8", 4, 2, "u" }, { "flags", 6, 2, "u" }, { "xact", 8, 8, "u" },
  },
  ring_xfer_wire = {
    size = 8, { "pageset", 0, 2, "u" }, { "sender_owns", 2, 1, "u" },
    { "range_count", 4, 4, "u" },
  },
  ring_xfer_range_wire = {
    size = 8, { "bytes", 0, 4, "u" }, { "offset", 4, 4, "u" },
  },
  ring_gpa_wire = {
    size = 8, { "range_count", 4, 4, "u" },
  },
  ring_gpa_range_wire = {
    size = 8, { "bytes", 0, 4, "u" }, { "offset", 4, 4, "u" },
  },
  synic_slot_wire = {
    size = 256, { "type", 0, 4, "u" }, { "payload_len", 4, 1, "u" },
    { "flags", 5, 1, "u" }, { "origin", 8, 8, "u" },
    { "payload", 16, 240, "b" },
  },
  synic_flags_wire = {
    size = 256, { "word", 0, 256, "b" },
  },
  synic_monitor_trigger_wire = {
    size = 8, { "pending", 0, 4, "u" }, { "armed", 4, 4, "u" },
  },
  synic_monitor_param_wire = {
    size = 8, { "conn_id", 0, 4, "u" }, { "flag", 4, 2, "u" },
  },
  hvcall_post_wire = {
    size = 256, { "conn_id", 0, 4, "u" }, { "msg_type", 8, 4, "u" },
    { "payload_len", 12, 4, "u" }, { "payload", 16, 240, "b" },
  },
  hvcall_signal_wire = {
    size = 8, { "conn_id", 0, 4, "u" }, { "flag", 4, 2, "u" },
  },
  see_record_wire = {
    size = 88, { "version", 0, 1, "u" }, { "kind", 1, 1, "u" },
    { "end", 2, 1, "u" }, { "to_guest", 3, 1, "u" }, { "guest", 4, 4, "u" },
    { "relid", 8, 4, "u" }, { "queue", 12, 4, "u" }, { "vp", 16, 4, "u" },
    { "type", 20, 2, "u" }, { "flags", 22, 2, "u" }, { "xact", 24, 8, "u" },
    { "time_ns", 32, 8, "u" }, { "ext_bytes", 40, 4, "u" },
    { "data_bytes", 44, 4, "u" }, { "payload_bytes", 48, 4, "u" },
    { "piece_max", 52, 4, "u" }, { "nic", 56, 32, "b" },
  },
}
local MESSAGES = {
  vmbus = {
    [1] = { "OFFER_CHANNEL", "vmbus_offer_wire" },
    [2] = { "RESCIND_OFFER", "vmbus_relid_wire" },
    [3] = { "REQUEST_OFFERS", "vmbus_hdr_wire" },
    [4] = { "ALL_OFFERS_DELIVERED", "vmbus_hdr_wire" },
    [5] = { "OPEN_CHANNEL", "vmbus_open_wire" },
    [6] = { "OPEN_RESULT", "vmbus_open_result_wire" },
    [7] = { "CLOSE_CHANNEL", "vmbus_relid_wire" },
    [8] = { "GPADL_HEADER", "vmbus_gpadl_header_wire" },
    [9] = { "GPADL_BODY", "vmbus_gpadl_body_wire" },
    [10] = { "GPADL_CREATED", "vmbus_gpadl_created_wire" },
    [11] = { "GPADL_TEARDOWN", "vmbus_gpadl_teardown_wire" },
    [12] = { "GPADL_TORNDOWN", "vmbus_gpadl_torndown_wire" },
    [13] = { "RELID_RELEASED", "vmbus_relid_wire" },
    [14] = { "INITIATE_CONTACT", "vmbus_contact_wire" },
    [15] = { "VERSION_RESPONSE", "vmbus_version_wire" },
    [16] = { "UNLOAD", "vmbus_hdr_wire" },
    [17] = { "UNLOAD_COMPLETE", "vmbus_hdr_wire" },
    [18] = { "OPEN_RESERVED", "vmbus_open_reserved_wire" },
    [19] = { "CLOSE_RESERVED", "vmbus_close_reserved_wire" },
    [20] = { "CLOSE_RESERVED_RESPONSE", "vmbus_relid_wire" },
    [21] = { "TL_CONNECT", "vmbus_tl_connect_wire" },
    [22] = { "MODIFY_CHANNEL", "vmbus_modify_channel_wire" },
    [23] = { "TL_CONNECT_RESULT", "vmbus_tl_result_wire" },
    [24] = { "MODIFY_CHANNEL_RESPONSE", "vmbus_modify_channel_result_wire" },
    [25] = { "MODIFY_CONNECTION", "vmbus_modify_connection_wire" },
    [26] = { "MODIFY_CONNECTION_RESPONSE", "vmbus_modify_connection_result_wire" },
    [27] = { "PAUSE", "vmbus_hdr_wire" },
    [28] = { "PAUSE_RESPONSE", "vmbus_hdr_wire" },
    [29] = { "RESUME", "vmbus_hdr_wire" },
  },
  nvsp = {
    [1] = { "INIT", "nvs_init_wire" },
    [2] = { "INIT_DONE", "nvs_init_done_wire" },
    [100] = { "NDIS_VERSION", "nvs_ndis_version_wire" },
    [101] = { "RECV_BUF", "nvs_buf_wire" },
    [102] = { "RECV_BUF_DONE", "nvs_recv_buf_done_wire" },
    [103] = { "RECV_BUF_REVOKE", "nvs_revoke_wire" },
    [104] = { "SEND_BUF", "nvs_buf_wire" },
    [105] = { "SEND_BUF_DONE", "nvs_send_buf_done_wire" },
    [106] = { "SEND_BUF_REVOKE", "nvs_revoke_wire" },
    [107] = { "RNDIS", "nvs_rndis_wire" },
    [108] = { "RNDIS_DONE", "nvs_rndis_done_wire" },
    [125] = { "NDIS_CONFIG", "nvs_ndis_config_wire" },
    [128] = { "VF_ASSOCIATION", "nvs_vf_wire" },
    [129] = { "DATAPATH", "nvs_datapath_wire" },
    [131] = { "OID_QUERY", "nvs_oid_query_wire" },
    [132] = { "OID_QUERY_DONE", "nvs_oid_query_done_wire" },
    [133] = { "SUBCHAN", "nvs_subchan_wire" },
    [134] = { "SEND_TABLE", "nvs_send_table_wire" },
  },
  rndis = {
    [1] = { "PACKET", "rndis_packet_wire" },
    [2] = { "INIT", "rndis_init_wire" }, [3] = { "HALT", "rndis_req_wire" },
    [4] = { "QUERY", "rndis_query_wire" },
    [5] = { "SET", "rndis_query_wire" },
    [6] = { "RESET", "rndis_reset_wire" },
    [7] = { "INDICATE_STATUS", "rndis_status_wire" },
    [8] = { "KEEPALIVE", "rndis_req_wire" },
    [0x80000002] = { "INIT_DONE", "rndis_init_done_wire" },
    [0x80000004] = { "QUERY_DONE", "rndis_query_done_wire" },
    [0x80000005] = { "SET_DONE", "rndis_done_wire" },
    [0x80000006] = { "RESET_DONE", "rndis_reset_done_wire" },
    [0x80000008] = { "KEEPALIVE_DONE", "rndis_done_wire" },
  },
}
local VALUES = {
  vmbus_status = {
    [0] = "OK", [0x8000ffff] = "FAILED", [0xc0000236] = "REFUSED",
  },
  vmbus_version = {
    [13] = "0.13", [0x10001] = "1.1", [0x20004] = "2.4", [0x30000] = "3.0",
    [0x40000] = "4.0", [0x40001] = "4.1", [0x50000] = "5.0",
    [0x50001] = "5.1", [0x50002] = "5.2", [0x50003] = "5.3",
    [0x60000] = "6.0",
  },
  nvsp_status = {
    [0] = "NONE", [1] = "OK", [2] = "FAILED", [3] = "TOO_NEW",
    [4] = "TOO_OLD", [5] = "BAD_RNDIS", [6] = "BUSY", [7] = "UNSUPPORTED",
  },
  nvsp_version = {
    [2] = "1", [0x30002] = "2", [0x40000] = "4", [0x50000] = "5",
    [0x60000] = "6", [0x60001] = "6.1", [0xffffffff] = "none",
  },
  rndis_status = {
    [0] = "OK", [0x103] = "PENDING", [0x4001000b] = "MEDIA_CONNECT",
    [0x4001000c] = "MEDIA_DISCONNECT", [0x40010013] = "LINK_SPEED",
    [0x40010018] = "NETWORK_CHANGE", [0x40020006] = "OFFLOAD_CONFIG",
    [0xc0000001] = "FAILURE", [0xc00000bb] = "NOT_SUPPORTED",
    [0xc0010004] = "BAD_VERSION", [0xc0010015] = "INVALID_DATA",
  },
  ring_type = {
    [6] = "INBAND", [7] = "XFER_PAGES", [9] = "GPA_DIRECT",
    [11] = "COMPLETION",
  },
  ppi = {
    [0] = "CSUM", [2] = "LSO", [6] = "VLAN", [8] = "HASH_VALUE",
    [9] = "HASH_INFO", [11] = "SHORT_PAD", [0x80000001] = "PKTINFO_ID",
  },
  oid = {
    [0x10101] = "GEN_SUPPORTED_LIST", [0x10102] = "GEN_HARDWARE_STATUS",
    [0x10103] = "GEN_MEDIA_SUPPORTED", [0x10104] = "GEN_MEDIA_IN_USE",
    [0x10105] = "GEN_MAXIMUM_LOOKAHEAD", [0x10106] = "GEN_MAXIMUM_FRAME_SIZE",
    [0x10107] = "GEN_LINK_SPEED", [0x10108] = "GEN_TRANSMIT_BUFFER_SPACE",
    [0x10109] = "GEN_RECEIVE_BUFFER_SPACE",
    [0x1010a] = "GEN_TRANSMIT_BLOCK_SIZE",
    [0x1010b] = "GEN_RECEIVE_BLOCK_SIZE", [0x1010c] = "GEN_VENDOR_ID",
    [0x1010d] = "GEN_VENDOR_DESCRIPTION",
    [0x1010e] = "GEN_CURRENT_PACKET_FILTER",
    [0x1010f] = "GEN_CURRENT_LOOKAHEAD", [0x10110] = "GEN_DRIVER_VERSION",
    [0x10111] = "GEN_MAXIMUM_TOTAL_SIZE", [0x10112] = "GEN_PROTOCOL_OPTIONS",
    [0x10113] = "GEN_MAC_OPTIONS", [0x10114] = "GEN_MEDIA_CONNECT_STATUS",
    [0x10115] = "GEN_MAXIMUM_SEND_PACKETS",
    [0x10116] = "GEN_VENDOR_DRIVER_VERSION",
    [0x10118] = "GEN_NETWORK_LAYER_ADDRESSES",
    [0x10119] = "GEN_TRANSPORT_HEADER_OFFSET",
    [0x10203] = "GEN_RSS_CAPABILITIES", [0x10204] = "GEN_RSS_PARAMETERS",
    [0x1021b] = "GEN_RNDIS_CONFIG_PARAMETER", [0x20101] = "GEN_XMIT_OK",
    [0x20102] = "GEN_RCV_OK", [0x20103] = "GEN_XMIT_ERROR",
    [0x20104] = "GEN_RCV_ERROR", [0x20105] = "GEN_RCV_NO_BUFFER",
    [0x1010101] = "802_3_PERMANENT_ADDRESS",
    [0x1010102] = "802_3_CURRENT_ADDRESS",
    [0x1010103] = "802_3_MULTICAST_LIST",
    [0x1010104] = "802_3_MAXIMUM_LIST_SIZE",
    [0x1010105] = "802_3_MAC_OPTIONS", [0x101010a] = "OFFLOAD_ENCAPSULATION",
    [0xfc01020b] = "TCP_OFFLOAD_CURRENT_CONFIG",
    [0xfc01020c] = "TCP_OFFLOAD_PARAMETERS",
    [0xfc01020d] = "TCP_OFFLOAD_HW_CAPABILITIES",
  },
  captured_by = {
    [0] = "HOST", [1] = "GUEST", [2] = "UIO",
  },
}
local BITS = {
  offer = {
    [1] = "ENUMERATE", [2] = "CONFIDENTIAL_RING", [4] = "CONFIDENTIAL_MEM",
    [8] = "PINNED_MEM", [16] = "NAMED_PIPE", [0x100] = "LOOPBACK",
    [0x200] = "PARENT", [0x400] = "MONITORED", [0x2000] = "TLNPI",
  },
  feature = {
    [1] = "GUEST_SIGNAL", [2] = "REDIRECT", [4] = "MODIFY_CONNECTION",
    [8] = "CLIENT_ID", [16] = "CONFIDENTIAL", [32] = "PAUSE_RESUME",
    [64] = "SERVER_MONITOR", [128] = "GPA_PINNING",
  },
  cap = {
    [1] = "VMQ", [2] = "CHIMNEY", [4] = "SRIOV", [8] = "8021Q",
    [16] = "CORRELATION", [32] = "TEAMING", [64] = "SUBNET_ID", [128] = "RSC",
  },
  filter = {
    [1] = "DIRECTED", [2] = "MULTICAST", [4] = "ALLMULTI", [8] = "BROADCAST",
    [32] = "PROMISC",
  },
  frag = {
    [1] = "SUBALLOC", [2] = "FIRST", [4] = "LAST",
  },
}
local FAULTS = {
  NONE = "no fault",
  RING_INDEX = "ring index out of range or unaligned",
  RING_DESC = "packet descriptor with bad offset or length",
  RING_TYPE = "packet of unknown or unexpected type",
  RING_FLAGS = "packet flags with reserved bits set",
  RING_OVERRUN = "packet runs past the bytes in the ring",
  RING_TOO_BIG = "packet larger than the reader accepts",
  PKT_RANGES = "range list of a packet malformed",
  VMBUS_SHORT = "VMBus message shorter than its type",
  VMBUS_TYPE = "VMBus message of unknown or unexpected type",
  VMBUS_STATE = "VMBus message not allowed in this state",
  VMBUS_RELID = "VMBus message names an unknown channel",
  VMBUS_VP = "VMBus message names an unknown virtual processor",
  VMBUS_MONITOR = "monitor page addresses invalid",
  GPADL_ID = "GPADL id zero, unknown or already in use",
  GPADL_RANGE = "GPADL range malformed",
  GPADL_LIMIT = "GPADL count or size over the limit",
  GPADL_BUSY = "GPADL still in use",
  OPEN_GEOMETRY = "ring GPADL or downstream offset unusable",
  GPA_UNMAPPED = "guest physical address outside guest memory",
  MSG_RATE = "messages faster than the limit",
  NVS_SHORT = "NVSP message shorter than its type",
  NVS_TYPE = "NVSP message of unknown or unexpected type",
  NVS_STATE = "NVSP message not allowed in this state",
  NVS_BUFFER = "NVSP buffer id, size or layout invalid",
  NVS_SECTION = "send-buffer section index or size invalid",
  NVS_STATUS = "NVSP request refused by the peer",
  NVS_FLOOD = "NVSP and RNDIS control messages faster than they can be read",
  XACT_ID = "transaction id unknown or not outstanding",
  RNDIS_SHORT = "RNDIS message shorter than its type",
  RNDIS_LEN = "RNDIS length disagrees with its container",
  RNDIS_TYPE = "RNDIS message of unknown or unexpected type",
  RNDIS_DATA = "RNDIS data outside its message",
  RNDIS_OOB = "RNDIS out-of-band data present",
  RNDIS_PPI = "RNDIS per-packet info malformed",
  RNDIS_INFO = "RNDIS information buffer outside its message",
  RNDIS_SPLIT = "RNDIS header split over ranges",
  RNDIS_COUNT = "more RNDIS messages in a packet than INIT_DONE allows",
  RNDIS_RSC = "RSC fragments out of order or incomplete",
  OID_OBJECT = "NDIS object of wrong type, revision or size",
  FRAME_SHORT = "frame shorter than its headers",
  FRAME_LONG = "frame longer than MTU or LSO allow",
  FRAME_HEADERS = "frame headers disagree with offload metadata",
  LINK_PROTO = "partition protocol violated",
  LINK_LIMIT = "partition protocol limit exceeded",
  MEM_GONE = "guest memory truncated under the host",
}
-- END of the tables

local hvnet = Proto("hvnet", "hvnet: VMBus as captured")
hvnet.prefs.frames = Pref.bool("Decode the frames in ring packets", false,
  "They stand on the interface of their NIC as well; decoded twice, TCP " ..
  "takes them for retransmissions")

-- Fields ---------------------------------------------------------------------

local LAYERS = { vmbus = "hvnet.vmbus", nvs = "hvnet.nvsp",
  rndis = "hvnet.rndis", ndis = "hvnet.ndis", ring = "hvnet.ring",
  see = "hvnet" }
local GUIDS = { if_type = true, instance = true, client_id = true,
  endpoint = true, service = true, silo = true }
local HEX = { conn_id = true, ring_gpadl = true, gpadl = true, flags = true,
  interrupt_or_target = true, monitor_to_guest = true, features = true,
  monitor_to_host = true, selected = true, id = true, caps_lo = true,
  req_id = true, xact = true, hash_info = true, v4_tx = true, v4_rx = true,
  v6_tx = true, v6_rx = true, caps = true, ndis_hdr = true }

local function names_of(layer)
  local out = {}
  for value, row in pairs(MESSAGES[layer]) do out[value] = row[1] end
  return out
end
local NAMES = { vmbus = names_of("vmbus"), nvsp = names_of("nvsp"),
  rndis = names_of("rndis") }

-- Texts of the values of a field.
local TEXTS = {
  ["hvnet.vmbus.type"] = NAMES.vmbus, ["hvnet.nvsp.type"] = NAMES.nvsp,
  ["hvnet.rndis.type"] = NAMES.rndis,
  ["hvnet.vmbus.status"] = VALUES.vmbus_status,
  ["hvnet.vmbus.version"] = VALUES.vmbus_version,
  ["hvnet.nvsp.status"] = VALUES.nvsp_status,
  ["hvnet.nvsp.version"] = VALUES.nvsp_version,
  ["hvnet.nvsp.version_lo"] = VALUES.nvsp_version,
  ["hvnet.nvsp.version_hi"] = VALUES.nvsp_version,
  ["hvnet.nvsp.oid"] = VALUES.oid, ["hvnet.rndis.oid"] = VALUES.oid,
  ["hvnet.rndis.status"] = VALUES.rndis_status,
  ["hvnet.ring.type"] = VALUES.ring_type, ["hvnet.type"] = VALUES.ring_type,
  ["hvnet.end"] = VALUES.captured_by,
  ["hvnet.kind"] = { [1] = "VMBus message", [2] = "ring packet",
    [3] = "note" },
  ["hvnet.to_guest"] = { [0] = "guest to host", [1] = "host to guest" },
  ["hvnet.nvsp.channel"] = { [0] = "data", [1] = "control" },
}
-- Bits of a field.
local FLAGS = { ["hvnet.vmbus.offer_flags"] = BITS.offer,
  ["hvnet.vmbus.features"] = BITS.feature, ["hvnet.nvsp.caps_lo"] = BITS.cap }

local fields, widths = {}, {}

local function field_make(abbr, name, kind, bytes)
  if kind == "b" then
    if GUIDS[name] then return ProtoField.guid(abbr, name) end
    if abbr == "hvnet.nic" then return ProtoField.stringz(abbr, name) end
    return ProtoField.bytes(abbr, name)
  end
  local base = HEX[name] and base.HEX or base.DEC
  if bytes > 4 then return ProtoField.uint64(abbr, name, base) end
  return ProtoField.uint32(abbr, name, base, TEXTS[abbr])
end

for struct, rows in pairs(STRUCTS) do
  local layer = LAYERS[struct:match("^%l+")]
  for _, row in ipairs(rows) do
    local abbr = layer and layer .. "." .. row[1]
    if abbr and (widths[abbr] or 0) < row[3] then
      widths[abbr] = row[3]
      fields[abbr] = field_make(abbr, row[1], row[4], row[3])
    end
  end
end

local function extra(abbr, field) fields[abbr] = field end
extra("hvnet.synic.payload_len", ProtoField.uint32("hvnet.synic.payload_len",
  "payload_len"))
extra("hvnet.synic.way", ProtoField.string("hvnet.synic.way", "way"))
extra("hvnet.note", ProtoField.string("hvnet.note", "note"))
extra("hvnet.response_in", ProtoField.framenum("hvnet.response_in",
  "answered in", base.NONE, frametype.RESPONSE))
extra("hvnet.response_to", ProtoField.framenum("hvnet.response_to",
  "answer to", base.NONE, frametype.REQUEST))
extra("hvnet.response_time", ProtoField.relative_time(
  "hvnet.response_time", "time since the request"))
extra("hvnet.vmbus.sint", ProtoField.uint32("hvnet.vmbus.sint", "sint"))
extra("hvnet.vmbus.vtl", ProtoField.uint32("hvnet.vmbus.vtl", "vtl"))
extra("hvnet.ring.range", ProtoField.string("hvnet.ring.range", "range"))
extra("hvnet.ring.gpa", ProtoField.uint64("hvnet.ring.gpa", "gpa", base.HEX))
extra("hvnet.nvsp.entry", ProtoField.uint32("hvnet.nvsp.entry", "entry"))
extra("hvnet.rndis.oid_of_request", ProtoField.uint32(
  "hvnet.rndis.oid_of_request", "oid of the request", base.HEX, VALUES.oid))
extra("hvnet.rndis.info", ProtoField.bytes("hvnet.rndis.info", "info"))
extra("hvnet.rndis.ppi", ProtoField.uint32("hvnet.rndis.ppi",
  "per-packet info", base.HEX, VALUES.ppi))
for _, name in ipairs({ "csum", "lso_mss", "lso_l4", "vlan", "hash",
    "hash_info", "frag", "frag_flags" }) do
  extra("hvnet.rndis." .. name, ProtoField.uint32("hvnet.rndis." .. name,
    name, (name == "csum" or name:match("hash") or name == "frag_flags") and
    base.HEX or base.DEC))
end
extra("hvnet.rndis.frame", ProtoField.bytes("hvnet.rndis.frame", "frame"))
extra("hvnet.rndis.eth_src", ProtoField.ether("hvnet.rndis.eth_src",
  "frame's source"))
extra("hvnet.rndis.eth_dst", ProtoField.ether("hvnet.rndis.eth_dst",
  "frame's destination"))
extra("hvnet.rndis.eth_type", ProtoField.uint16("hvnet.rndis.eth_type",
  "frame's type", base.HEX))
extra("hvnet.ndis.value", ProtoField.uint32("hvnet.ndis.value", "value"))
extra("hvnet.ndis.filter", ProtoField.uint32("hvnet.ndis.filter", "filter",
  base.HEX))
extra("hvnet.ndis.mac", ProtoField.ether("hvnet.ndis.mac", "mac"))
extra("hvnet.ndis.name", ProtoField.string("hvnet.ndis.name", "name"))
extra("hvnet.ndis.text", ProtoField.string("hvnet.ndis.text", "value"))
extra("hvnet.ndis.key", ProtoField.bytes("hvnet.ndis.key", "key"))
extra("hvnet.ndis.table", ProtoField.string("hvnet.ndis.table", "table"))

local list = {}
for _, f in pairs(fields) do list[#list + 1] = f end
hvnet.fields = list

local bad = ProtoExpert.new("hvnet.malformed", "malformed",
  expert.group.MALFORMED, expert.severity.ERROR)
local refused = ProtoExpert.new("hvnet.refused", "refused",
  expert.group.RESPONSE_CODE, expert.severity.WARN)
local noted = ProtoExpert.new("hvnet.noted", "note",
  expert.group.SEQUENCE, expert.severity.WARN)
hvnet.experts = { bad, refused, noted }

-- Structures -----------------------------------------------------------------

local function has(v, bit) return math.floor(v / bit) % 2 == 1 end

local function bits_text(v, bits)
  local out, order = {}, {}
  for bit in pairs(bits) do order[#order + 1] = bit end
  table.sort(order)
  for _, bit in ipairs(order) do
    if has(v, bit) then out[#out + 1] = bits[bit]:lower() end
  end
  return #out > 0 and table.concat(out, "|") or "none"
end

-- A fault as core/base/fault.h names it, with what is wrong here.
local function fault(item, name, what)
  item:add_proto_expert_info(bad, FAULTS[name] .. " (" .. name .. ")" ..
    (what and ": " .. what or ""))
end

-- All fields of a structure that are there.  Returns {name = value}, and text
-- for the column.
local function struct_add(tree, tvb, struct, skip)
  local layer, got, text = LAYERS[struct:match("^%l+")], {}, {}
  for _, row in ipairs(STRUCTS[struct]) do
    local name, off, bytes, kind = row[1], row[2], row[3], row[4]
    if off + bytes <= tvb:len() and not (skip and skip[name]) then
      local range = tvb(off, bytes)
      local abbr = layer .. "." .. name
      local item = tree:add_le(fields[abbr], range)
      if kind == "u" then
        local v = bytes == 8 and range:le_uint64() or range:le_uint()
        got[name] = v
        local word = bytes < 8 and TEXTS[abbr] and TEXTS[abbr][v]
        if FLAGS[abbr] then
          word = bits_text(v, FLAGS[abbr])
          item:append_text(" (" .. word .. ")")
        end
        if name ~= "type" and name ~= "len" then
          text[#text + 1] = name .. "=" .. (word or (HEX[name] and
            (bytes == 8 and "0x" .. v:tohex() or ("0x%x"):format(v))) or
            tostring(v))
        end
      end
    end
  end
  return got, table.concat(text, " ")
end

local LONGER = { vmbus_open_wire = { "vmbus_open2_wire" },
  vmbus_contact_wire = { "vmbus_contact2_wire" },
  vmbus_version_wire = { "vmbus_version2_wire", "vmbus_version3_wire" },
  vmbus_tl_connect_wire = { "vmbus_tl_connect2_wire" } }

-- The longest form of a structure that the message has room for.
local function longest(struct, len)
  for _, longer in ipairs(LONGER[struct] or {}) do
    if STRUCTS[longer].size <= len then struct = longer end
  end
  return struct
end

-- Requests and answers -------------------------------------------------------

local waiting, answer_of, request_of = {}, {}, {}

function hvnet.init() waiting, answer_of, request_of = {}, {}, {} end

local function request(pinfo, key, data)
  if not pinfo.visited then
    waiting[key] = { frame = pinfo.number, time = pinfo.abs_ts, data = data }
  end
end

local function answer(pinfo, layer, key)
  local r = waiting[key]
  if not pinfo.visited and r then
    waiting[key] = nil
    local id = layer .. pinfo.number
    request_of[id] = request_of[id] or { frame = r.frame, data = r.data,
      time = pinfo.abs_ts - r.time }
    answer_of[layer .. r.frame] = answer_of[layer .. r.frame] or pinfo.number
  end
end

-- The links of a frame; returns what the request left.
local function links_add(tree, pinfo, layer)
  local to, from = answer_of[layer .. pinfo.number],
    request_of[layer .. pinfo.number]
  if to then
    tree:add(fields["hvnet.response_in"], to):set_generated()
  end
  if from then
    tree:add(fields["hvnet.response_to"], from.frame):set_generated()
    tree:add(fields["hvnet.response_time"], NSTime.new(
      math.floor(from.time), math.floor(from.time % 1 * 1e9 + 0.5)))
      :set_generated()
    return from.data
  end
end

-- VMBus ----------------------------------------------------------------------

-- Type of a request, and that of its answer with the field that both have.
local VMBUS_PAIRS = {
  INITIATE_CONTACT = { "VERSION_RESPONSE" },
  REQUEST_OFFERS = { "ALL_OFFERS_DELIVERED" },
  OPEN_CHANNEL = { "OPEN_RESULT", "open_id" },
  GPADL_HEADER = { "GPADL_CREATED", "gpadl" },
  GPADL_TEARDOWN = { "GPADL_TORNDOWN", "gpadl" },
  RESCIND_OFFER = { "RELID_RELEASED", "relid" },
  MODIFY_CHANNEL = { "MODIFY_CHANNEL_RESPONSE", "relid" },
  MODIFY_CONNECTION = { "MODIFY_CONNECTION_RESPONSE" },
  UNLOAD = { "UNLOAD_COMPLETE" }, PAUSE = { "PAUSE_RESPONSE" },
}
local VMBUS_ANSWERS = {}
for name, pair in pairs(VMBUS_PAIRS) do
  VMBUS_ANSWERS[pair[1]] = { name, pair[2] }
end

local function vmbus_links(tree, pinfo, head, name, got)
  local ask, reply = VMBUS_PAIRS[name], VMBUS_ANSWERS[name]
  local function key(what, field)
    return ("v %d %d %s %s"):format(head["end"], head.guest, what,
      tostring(field and got[field]))
  end
  if ask then request(pinfo, key(name, ask[2])) end
  if reply then answer(pinfo, "v", key(reply[1], reply[2])) end
  links_add(tree, pinfo, "v")
end

local function vmbus_dissect(tvb, pinfo, root, head)
  local synic = root:add(hvnet, tvb(), "SynIC message")
  synic:add(fields["hvnet.synic.payload_len"], tvb:len()):set_generated()
  synic:add(fields["hvnet.synic.way"], head.to_guest == 1 and
    "message slot of SINT 2" or "HvPostMessage"):set_generated()
  local tree = root:add(hvnet, tvb(), "VMBus")
  local kind = tvb:len() >= 8 and tvb(0, 4):le_uint() or -1
  local row = MESSAGES.vmbus[kind]
  pinfo.cols.protocol = "VMBus"
  if not row then
    fault(tree, tvb:len() < 8 and "VMBUS_SHORT" or "VMBUS_TYPE",
      "type " .. kind)
    pinfo.cols.info = "malformed VMBus message"
    return
  end
  if tvb:len() < STRUCTS[row[2]].size then
    fault(tree, "VMBUS_SHORT", ("%d bytes, %s has %d"):format(tvb:len(),
      row[1], STRUCTS[row[2]].size))
  end
  -- From version 5.0 on, SINT, VTL and features instead of an address.
  local late = row[1] == "INITIATE_CONTACT" and tvb:len() >= 24 and
    tvb(8, 4):le_uint() >= 0x50000
  local got, text = struct_add(tree, tvb, longest(row[2], tvb:len()),
    late and { interrupt_or_target = true } or nil)
  if late then
    tree:add(fields["hvnet.vmbus.sint"], tvb(16, 1))
    tree:add(fields["hvnet.vmbus.vtl"], tvb(17, 1))
    tree:add_le(fields["hvnet.vmbus.features"], tvb(20, 4)):append_text(
      " (" .. bits_text(tvb(20, 4):le_uint(), BITS.feature) .. ")")
  end
  if got.status and got.status ~= 0 then
    tree:add_proto_expert_info(refused)
  end
  tree:append_text(", " .. row[1])
  pinfo.cols.info = row[1] .. " " .. text
  vmbus_links(tree, pinfo, head, row[1], got)
end

-- NDIS objects ---------------------------------------------------------------

local function utf16(range) return range:le_ustring() end

local function config_dissect(tvb, tree)
  local c = struct_add(tree, tvb, "ndis_config_wire")
  local function part(off, len)
    return off and len and len > 0 and off + len <= tvb:len() and
      tvb(off, len) or nil
  end
  local name, value = part(c.name_off, c.name_len),
    part(c.value_off, c.value_len)
  if name then
    tree:add(fields["hvnet.ndis.name"], name, utf16(name))
  end
  if value and c.type == 2 then
    tree:add(fields["hvnet.ndis.text"], value, utf16(value))
  elseif value and value:len() == 4 then
    tree:add_le(fields["hvnet.ndis.value"], value)
  end
end

local function rss_dissect(tvb, tree)
  local p = struct_add(tree, tvb, "ndis_rss_params_wire")
  if p.key_off and p.key_bytes > 0 and p.key_off + p.key_bytes <= tvb:len()
  then
    tree:add(fields["hvnet.ndis.key"], tvb(p.key_off, p.key_bytes))
  end
  if p.table_off and p.table_bytes > 0 and
      p.table_off + p.table_bytes <= tvb:len() then
    local out = {}
    for at = 0, p.table_bytes - 4, 4 do
      out[#out + 1] = tvb(p.table_off + at, 4):le_uint()
    end
    tree:add(fields["hvnet.ndis.table"], tvb(p.table_off, p.table_bytes),
      table.concat(out, ","))
  end
end

local function macs_dissect(tvb, tree)
  for at = 0, tvb:len() - 6, 6 do
    tree:add(fields["hvnet.ndis.mac"], tvb(at, 6))
  end
end

local function of_struct(name)
  return function(tvb, tree) struct_add(tree, tvb, name) end
end

local OBJECTS = {
  TCP_OFFLOAD_CURRENT_CONFIG = of_struct("ndis_offload_wire"),
  TCP_OFFLOAD_HW_CAPABILITIES = of_struct("ndis_offload_wire"),
  TCP_OFFLOAD_PARAMETERS = of_struct("ndis_offload_params_wire"),
  GEN_RSS_CAPABILITIES = of_struct("ndis_rss_caps_wire"),
  GEN_RSS_PARAMETERS = rss_dissect,
  GEN_RNDIS_CONFIG_PARAMETER = config_dissect,
  ["802_3_PERMANENT_ADDRESS"] = macs_dissect,
  ["802_3_CURRENT_ADDRESS"] = macs_dissect,
  ["802_3_MULTICAST_LIST"] = macs_dissect,
  GEN_CURRENT_PACKET_FILTER = function(tvb, tree)
    if tvb:len() < 4 then return end
    tree:add_le(fields["hvnet.ndis.filter"], tvb(0, 4)):append_text(" (" ..
      bits_text(tvb(0, 4):le_uint(), BITS.filter) .. ")")
  end,
}

local function object_dissect(tvb, root, oid)
  local name = VALUES.oid[oid] or ("0x%x"):format(oid)
  local tree = root:add(hvnet, tvb(), "NDIS object, " .. name)
  tree:add(fields["hvnet.rndis.info"], tvb())
  if OBJECTS[name] then
    OBJECTS[name](tvb, tree)
  elseif tvb:len() == 4 then
    tree:add_le(fields["hvnet.ndis.value"], tvb(0, 4))
  end
end

-- RNDIS ----------------------------------------------------------------------

local eth = Dissector.get("eth_withoutfcs")

-- Each item of per-packet information; false: a fragment that has no header.
local function ppi_dissect(tvb, tree)
  local first = true
  while tvb and tvb:len() >= 12 do
    local size, kind, off = tvb(0, 4):le_uint(), tvb(4, 4):le_uint(),
      tvb(8, 4):le_uint()
    local item = tree:add_le(fields["hvnet.rndis.ppi"], tvb(4, 4))
    if size < 12 or size > tvb:len() or off + 4 > size then
      fault(item, "RNDIS_PPI", "size " .. size)
      return first
    end
    local range, name = tvb(off, 4), VALUES.ppi[kind]
    local v = range:le_uint()
    local function put(field, value)
      item:add(fields["hvnet.rndis." .. field], range, value)
    end
    if name == "CSUM" then put("csum", v)
    elseif name == "LSO" then
      put("lso_mss", v % 0x100000)
      put("lso_l4", math.floor(v / 0x100000) % 0x400)
    elseif name == "VLAN" then put("vlan", math.floor(v / 16) % 4096)
    elseif name == "HASH_VALUE" then put("hash", v)
    elseif name == "HASH_INFO" then put("hash_info", v)
    elseif name == "PKTINFO_ID" then
      local flags = math.floor(v / 256) % 256
      put("frag", math.floor(v / 65536))
      put("frag_flags", flags)
      item:append_text(" (" .. bits_text(flags, BITS.frag) .. ")")
      first = has(flags, 2)
    end
    tvb = size < tvb:len() and tvb(size):tvb() or nil
  end
  return first
end

local function frame_dissect(tvb, pinfo, tree, root)
  local item = tree:add(fields["hvnet.rndis.frame"], tvb())
  if tvb:len() < 14 then return end
  item:add(fields["hvnet.rndis.eth_dst"], tvb(0, 6))
  item:add(fields["hvnet.rndis.eth_src"], tvb(6, 6))
  item:add(fields["hvnet.rndis.eth_type"], tvb(12, 2))
  if hvnet.prefs.frames then
    pinfo.cols.info:fence()
    eth:call(tvb, pinfo, root)
  end
end

-- A data message of `orig` bytes.
local function packet_dissect(tvb, pinfo, tree, root)
  local p = struct_add(tree, tvb, "rndis_packet_wire")
  if p.ppi_off > 0 and p.ppi_len > 0 and 8 + p.ppi_off + p.ppi_len <=
      tvb:len() then
    local first = ppi_dissect(tvb(8 + p.ppi_off, p.ppi_len):tvb(), tree)
    if not first then return p end
  end
  if p.data_off + 8 > p.len or p.data_len > p.len - 8 - p.data_off then
    fault(tree, "RNDIS_DATA", ("%d bytes at %d of %d"):format(p.data_len,
      p.data_off + 8, p.len))
  elseif 8 + p.data_off < tvb:len() then
    local there = math.min(p.data_len, tvb:len() - 8 - p.data_off)
    frame_dissect(tvb(8 + p.data_off, there):tvb(), pinfo, tree, root)
  end
  return p
end

local function rndis_links(tree, pinfo, head, name, got)
  local base = name:gsub("_DONE$", "")
  local key = ("r %d %d %d %s %s"):format(head["end"], head.guest,
    head.relid, base, tostring(got.req_id))
  if name == "QUERY" or name == "SET" or name == "INIT" or name ==
      "KEEPALIVE" then
    request(pinfo, key, got.oid)
  elseif name:match("_DONE$") then
    answer(pinfo, "r", key)
  end
  return links_add(tree, pinfo, "r")
end

local function control_dissect(tvb, pinfo, tree, root, head, row)
  local got, text = struct_add(tree, tvb, row[2])
  local oid = rndis_links(tree, pinfo, head, row[1], got)
  if got.status and got.status >= 0xc0000000 then
    tree:add_proto_expert_info(refused)
  end
  if oid and row[1] == "QUERY_DONE" then
    tree:add(fields["hvnet.rndis.oid_of_request"], oid):set_generated()
    text = text .. " oid=" .. (VALUES.oid[oid] or ("0x%x"):format(oid))
  end
  oid = got.oid or oid
  if row[1] == "INDICATE_STATUS" and
      VALUES.rndis_status[got.status] == "OFFLOAD_CONFIG" then
    for value, name in pairs(VALUES.oid) do
      if name == "TCP_OFFLOAD_CURRENT_CONFIG" then oid = value end
    end
  end
  if got.info_len and got.info_len > 0 then
    if got.info_off + 8 > tvb:len() or
        got.info_len > tvb:len() - got.info_off - 8 then
      fault(tree, "RNDIS_INFO")
    else
      object_dissect(tvb(8 + got.info_off, got.info_len):tvb(), root,
        oid or 0)
    end
  end
  pinfo.cols.protocol = "RNDIS"
  pinfo.cols.info = row[1] .. " " .. text
end

-- Messages one behind the other, of which tvb is there; the number of them.
local function rndis_dissect(tvb, pinfo, root, head)
  local count, bytes = 0, 0
  while tvb and tvb:len() >= 8 do
    local kind, len = tvb(0, 4):le_uint(), tvb(4, 4):le_uint()
    local row = MESSAGES.rndis[kind]
    local tree = root:add(hvnet, tvb(0, math.min(len, tvb:len())), "RNDIS")
    count = count + 1
    if not row then
      fault(tree, "RNDIS_TYPE", ("type 0x%x"):format(kind))
      break
    end
    tree:append_text(", " .. row[1])
    if len < STRUCTS[row[2]].size then
      fault(tree, "RNDIS_SHORT", ("%d bytes"):format(len))
      break
    end
    local part = tvb(0, math.min(len, tvb:len())):tvb()
    if part:len() < STRUCTS[row[2]].size then
      tree:append_text(" (cut)")
      break
    end
    if row[1] == "PACKET" then
      bytes = bytes + packet_dissect(part, pinfo, tree, root).data_len
    else
      control_dissect(part, pinfo, tree, root, head, row)
    end
    tvb = len < tvb:len() and tvb(len):tvb() or nil
  end
  return count, bytes
end

-- Ring packets ---------------------------------------------------------------

local function send_table_dissect(tvb, tree, got)
  for i = 0, got.count - 1 do
    local at = got.table_off + 4 * i
    if at + 4 > tvb:len() then
      return fault(tree, "NVS_SHORT", "the table is not all there")
    end
    tree:add_le(fields["hvnet.nvsp.entry"], tvb(at, 4))
  end
end

local function nvsp_dissect(tvb, pinfo, root)
  local tree = root:add(hvnet, tvb(), "NVSP")
  local kind = tvb:len() >= 4 and tvb(0, 4):le_uint() or -1
  local row = MESSAGES.nvsp[kind]
  pinfo.cols.protocol = "NVSP"
  if not row then
    fault(tree, tvb:len() < 4 and "NVS_SHORT" or "NVS_TYPE", "type " .. kind)
    pinfo.cols.info = "malformed NVSP message"
    return {}
  end
  local got, text = struct_add(tree, tvb, row[2])
  if row[1] == "SEND_TABLE" then send_table_dissect(tvb, tree, got) end
  local status = got.status
  if status and status ~= 1 then tree:add_proto_expert_info(refused) end
  tree:append_text(", " .. row[1])
  pinfo.cols.info = row[1] .. " " .. text
  got.name = row[1]
  return got
end

-- Ranges of the receive buffer: their lengths.
local function xfer_dissect(tvb, tree)
  local out = {}
  if tvb:len() < 8 then fault(tree, "PKT_RANGES") return out end
  local x = struct_add(tree, tvb, "ring_xfer_wire")
  for i = 0, x.range_count - 1 do
    if 16 + 8 * i > tvb:len() then fault(tree, "PKT_RANGES") break end
    local r = tvb(8 + 8 * i, 8)
    out[#out + 1] = r(0, 4):le_uint()
    tree:add(fields["hvnet.ring.range"], r, ("%d bytes at %d"):format(
      r(0, 4):le_uint(), r(4, 4):le_uint()))
  end
  return out
end

local function gpa_dissect(tvb, tree)
  if tvb:len() < 8 then return fault(tree, "PKT_RANGES") end
  local at = 8
  for _ = 1, tvb(4, 4):le_uint() do
    if at + 8 > tvb:len() then return fault(tree, "PKT_RANGES") end
    local bytes, off = tvb(at, 4):le_uint(), tvb(at + 4, 4):le_uint()
    local pages = math.ceil((off + bytes) / 4096)
    local item = tree:add(fields["hvnet.ring.range"], tvb(at, 8),
      ("%d bytes at %d of %d pages"):format(bytes, off, pages))
    at = at + 8
    if at + 8 * pages > tvb:len() then return fault(tree, "PKT_RANGES") end
    for _ = 1, pages do
      item:add(fields["hvnet.ring.gpa"], tvb(at, 8),
        tvb(at, 8):le_uint64():lshift(12))
      at = at + 8
    end
  end
end

local function ring_links(tree, pinfo, head)
  local way = VALUES.ring_type[head.type] == "COMPLETION" and
    1 - head.to_guest or head.to_guest
  local key = ("p %d %d %d %d %s"):format(head["end"], head.guest,
    head.relid, way, tostring(head.xact))
  if way ~= head.to_guest then
    answer(pinfo, "p", key)
  elseif has(head.flags, 1) then
    request(pinfo, key)
  end
  links_add(tree, pinfo, "p")
end

local function payload_dissect(tvb, pinfo, root, head, ranges)
  local count, bytes, at = 0, 0, 0
  local whole = #ranges == 0
  if whole then ranges = { head.payload_bytes } end
  for _, len in ipairs(ranges) do
    if head.piece_max > 0 and not whole then len = math.min(len, head.piece_max) end
    len = math.min(len, tvb:len() - at)
    if len > 0 then
      local c, b = rndis_dissect(tvb(at, len):tvb(), pinfo, root, head)
      count, bytes = count + c, bytes + b
    end
    at = at + len
  end
  return count, bytes
end

local function ring_dissect(tvb, pinfo, root, head)
  local tree = root:add(hvnet, tvb(0, head.ext_bytes + head.data_bytes),
    "Ring packet, " .. (VALUES.ring_type[head.type] or head.type))
  local ranges = {}
  tree:add(fields["hvnet.ring.xact"], head.xact):set_generated()
  tree:add(fields["hvnet.ring.type"], head.type):set_generated()
  if not VALUES.ring_type[head.type] then fault(tree, "RING_TYPE") end
  if head.ext_bytes > 0 then
    local ext = tvb(0, head.ext_bytes):tvb()
    if VALUES.ring_type[head.type] == "XFER_PAGES" then
      ranges = xfer_dissect(ext, tree)
    elseif VALUES.ring_type[head.type] == "GPA_DIRECT" then
      gpa_dissect(ext, tree)
    end
  end
  ring_links(tree, pinfo, head)
  pinfo.cols.protocol = "VMBus"
  pinfo.cols.info = "packet without payload"
  if head.data_bytes == 0 then return end
  local nvs = nvsp_dissect(tvb(head.ext_bytes, head.data_bytes):tvb(), pinfo,
    root)
  if nvs.name ~= "RNDIS" or VALUES.ring_type[head.type] == "COMPLETION" then
    return
  end
  local at = head.ext_bytes + head.data_bytes
  if at >= tvb:len() then return end
  local count, bytes = payload_dissect(tvb(at):tvb(), pinfo, root, head,
    ranges)
  if nvs.channel == 0 then
    pinfo.cols.protocol = "RNDIS"
    pinfo.cols.info:prepend(("%d message%s, %d bytes of frames "):format(
      count, count == 1 and "" or "s", bytes))
  end
end

-- A record -------------------------------------------------------------------

local HEAD = STRUCTS.see_record_wire.size

local function head_dissect(tvb, root)
  local tree = root:add(hvnet, tvb(0, HEAD), "Captured")
  local head = struct_add(tree, tvb, "see_record_wire")
  local nic = tvb(56, 32):stringz()
  head.place = (nic ~= "" and nic .. " " or "") .. ("guest %d"):format(
    head.guest) .. (head.relid > 0 and " relid " .. head.relid or "") ..
    (head.kind == 2 and " queue " .. head.queue or "")
  tree:append_text(": " .. head.place)
  return head
end

function hvnet.dissector(tvb, pinfo, root)
  if tvb:len() < HEAD or tvb(0, 1):uint() ~= 1 then return 0 end
  local head = head_dissect(tvb, root)
  pinfo.cols.src = head.to_guest == 1 and "host" or head.place
  pinfo.cols.dst = head.to_guest == 1 and head.place or "host"
  local body = tvb:len() > HEAD and tvb(HEAD):tvb() or nil
  if head.kind == 3 then
    local text = body and body():string() or ""
    local tree = root:add(hvnet, tvb(), "Note")
    tree:add(fields["hvnet.note"], text)
    tree:add_proto_expert_info(noted, text)
    pinfo.cols.protocol = "hvnet"
    pinfo.cols.info = text
  elseif body and head.kind == 1 then
    vmbus_dissect(body, pinfo, root, head)
  elseif body and head.kind == 2 and
      head.ext_bytes + head.data_bytes <= body:len() then
    ring_dissect(body, pinfo, root, head)
  end
  return tvb:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, hvnet)
