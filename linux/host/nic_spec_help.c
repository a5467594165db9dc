/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each key of a NIC's text takes, for --help and the manual page; in the
 * order of nic_spec_key().
 */
#include <stddef.h>

#include "linux/host/nic_spec.h"

static const char *const nic_spec_helps[] = {
	"where frames go: tap, null, pcap, pair or generator",
	"name of the NIC",
	"tap: name of the interface; default: name of the NIC",
	"tap: network namespace of the interface",
	"name of the only guest that may have it; default any",
	"pcap: file to write all frames to",
	"pcap: file whose frames the guest gets",
	"pair: name of the other NIC",
	"the guest's address; default: made from the name",
	"bytes of the largest IP packet, 68 to 9000; default 1500",
	"channels, 1 to 64; default 1",
	"newest NVSP version: all (default), 1, 2, 4, 5, 6 or 6.1",
	"trunk (default), access:ID or none",
	"on (default) or off: the guest may send LSO frames",
	"on (default) or off: the guest gets coalesced frames",
	"on (default) or off: the guest may leave checksums to us",
	("on (default), complete (also compute them) or off: we mark good "
	    "checksums of received frames"),
	"on (default) or off: RSS, and hash values in packets",
	"on (default) or off: merge the guest's segments for the backend",
	"up (default) or down, as the guest is told",
	"on or off (default): the guest may use other source addresses",
	"share of frames dropped each way, such as 0.1%",
	"time added each way, such as 1ms or 50us",
	"link speed as the guest is told, such as 10G (default) or 100M",
	"bytes of the largest LSO frame, 1514 to 65535; default 65535 "
	    "(Windows: 62780)",
	"bytes of a receive section; default: from the MTU",
	"generator: bytes of a frame, 46 to 9014; default 64",
	"generator: frames a second; default 0: all that the guest takes",
	"generator: frames for each guest, then no more; default 0: no end",
	"generator: flows (source addresses and ports), 1 to 1024; "
	    "default 64",
	"file for all that its channels carry, decoded by Wireshark, or off "
	    "(default): then --capture's",
	"script of bends (hvnet-bend(5)), or off (default)",
};

const char *
nic_spec_key_help(uint32_t i)
{
	return i < sizeof(nic_spec_helps) / sizeof(nic_spec_helps[0]) ?
	    nic_spec_helps[i] : NULL;
}
