/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each key of a NIC's text takes, for --help and the manual page.
 */
#include <stddef.h>
#include <string.h>

#include "linux/host/nic_spec.h"

static const struct { const char *key, *text; } nic_spec_helps[] = {
	{ "backend", "where frames go: tap, null, pcap, pair or generator" },
	{ "name", "name of the NIC" },
	{ "ifname", "tap: name of the interface; default: name of the NIC" },
	{ "netns", "tap: network namespace of the interface" },
	{ "bridge", "tap: bridge that the interface is a port of" },
	{ "persist",
	    "on or off (default); tap: the interface stays when the NIC or "
	    "the host ends, and one that is there is taken over, with "
	    "addresses, MAC and bridge" },
	{ "guest", "name of the only guest that may have it; default any" },
	{ "file", "pcap: file to write all frames to" },
	{ "replay", "pcap: file whose frames the guest gets" },
	{ "peer", "pair: name of the other NIC" },
	{ "mac", "the guest's address; default: made from the name" },
	{ "mtu", "bytes of the largest IP packet, 68 to 9000; default 1500" },
	{ "queues", "channels, 1 to 64; default 1" },
	{ "nvsp", "newest NVSP version: all (default), 1, 2, 4, 5, 6 or 6.1" },
	{ "vlan", "trunk (default), access:ID or none" },
	{ "tso", "on (default) or off: the guest may send LSO frames" },
	{ "rsc", "on (default) or off: the guest gets coalesced frames" },
	{ "txcsum",
	    "on (default) or off: the guest may leave checksums to us" },
	{ "rxcsum",
	    "on (default), complete (also compute them) or off: we mark "
	    "good checksums of received frames" },
	{ "hash", "on (default) or off: RSS, and hash values in packets" },
	{ "gro",
	    "on (default) or off: merge the guest's segments for the "
	    "backend" },
	{ "link", "up (default) or down, as the guest is told" },
	{ "spoof",
	    "on or off (default): the guest may use other source addresses" },
	{ "loss", "share of frames dropped each way, such as 0.1%" },
	{ "delay", "time added each way, such as 1ms or 50us" },
	{ "speed",
	    "link speed as the guest is told, such as 10G (default) or 100M" },
	{ "tso_max",
	    "bytes of the largest LSO frame, 1514 to 65535; default 65535 "
	    "(Windows: 62780)" },
	{ "section", "bytes of a receive section; default: from the MTU" },
	{ "signal",
	    "when the guest is interrupted: edge, packet, or host (default): "
	    "as --signal says" },
	{ "poll",
	    "its rings are polled: off, all, adaptive, or host (default): as "
	    "--poll says" },
	{ "completion_batch",
	    "completions of the guest's packets sent together, 1 (legacy) to "
	    "256; default 0: all of a pass" },
	{ "size", "generator: bytes of a frame, 46 to 9014; default 64" },
	{ "rate",
	    "generator: frames a second; default 0: all that the guest "
	    "takes" },
	{ "frames",
	    "generator: frames for each guest, then no more; default 0: no "
	    "end" },
	{ "flows",
	    "generator: flows (source addresses and ports), 1 to 1024; "
	    "default 64" },
	{ "capture",
	    "file for all that its channels carry, decoded by Wireshark, "
	    "or off (default): then --capture's" },
	{ "bend", "script of bends (hvnet-bend(5)), or off (default)" },
};

const char *
nic_spec_key_help(uint32_t i)
{
	const char *key = nic_spec_key(i);

	for (size_t k = 0; k < sizeof(nic_spec_helps) /
	    sizeof(nic_spec_helps[0]); k++)
		if (key != NULL && strcmp(nic_spec_helps[k].key, key) == 0)
			return nic_spec_helps[k].text;
	return "";
}
