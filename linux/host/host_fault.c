/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host says of a queue that it stopped: which one, why, where, and
 * what would have been right.
 *
 * The reasons and their texts are in core/base/fault.h; this file adds what the
 * value of each reason means, and the rule.  Each guest, queue, reason and
 * value is logged once a minute: a guest that opens its channel again and again
 * only to break a rule fills no log.
 */
#include "linux/host/host_priv.h"
#include "linux/host/nic.h"

struct fault_rule {
	enum fault why;
	const char *value;
	const char *right;
};

/* Of a data packet the transaction id is remembered. */
#define RULE_PACKET	"in the packet with transaction id"

static const struct fault_rule fault_rules[] = {
	{ FAULT_RING_INDEX, "it is", "a multiple of 8 below the ring's size" },
	{ FAULT_RING_DESC, "before index", "2 <= offset <= length, in units "
	    "of 8 bytes" },
	{ FAULT_RING_TYPE, "value", "in-band data, data by address, or a "
	    "completion" },
	{ FAULT_RING_FLAGS, "before index", "0, or 1 to request a completion" },
	{ FAULT_RING_OVERRUN, "before index", "packets that end before the "
	    "write index" },
	{ FAULT_RING_TOO_BIG, "value", "NVSP messages and ranges as the "
	    "protocol has them" },
	{ FAULT_PKT_RANGES, RULE_PACKET, "ranges that have a page number for "
	    "each page that they touch" },
	{ FAULT_GPA_UNMAPPED, RULE_PACKET, "memory that the guest gave the "
	    "host (MEM_ADD) and did not take back" },
	{ FAULT_NVS_SHORT, "bytes", "the whole message of its type" },
	{ FAULT_NVS_TYPE, "value", "a type that the agreed NVSP version has" },
	{ FAULT_NVS_STATE, "type", "INIT first, control only on queue 0, each "
	    "buffer once" },
	{ FAULT_NVS_BUFFER, "value", "an id and sizes as negotiated" },
	{ FAULT_NVS_SECTION, RULE_PACKET, "a section of the send buffer, and "
	    "no more bytes than it has" },
	{ FAULT_XACT_ID, RULE_PACKET, "one that the host sent and that was "
	    "not completed yet" },
	{ FAULT_RNDIS_SHORT, "value", "the whole message of its type" },
	{ FAULT_RNDIS_LEN, "bytes", "a control message that fits its limit" },
	{ FAULT_FRAME_LONG, RULE_PACKET, "64 KiB and headers at most" },
	{ FAULT_MSG_RATE, "waiting", "requests only after answers were "
	    "taken" },
};

void
host_guest_queue_stopped(struct host_log *log, const struct nic_user *u,
    const char *nic, uint32_t queue, enum fault why, uint64_t value)
{
	struct fault_rule r = { why, "value", "see docs/protocol.md" };

	for (size_t i = 0; i < ARRAY_LEN(fault_rules); i++)
		if (fault_rules[i].why == why)
			r = fault_rules[i];
	host_log_once_of(log, host_log_nic(nic), HOST_LOG_STOPPED,
	    "%s: queue %u of guest %u (%s%spid %u) stopped: %s (%s 0x%llx); "
	    "right is %s", nic, queue, u->number, u->name,
	    u->name[0] != '\0' ? ", " : "", u->pid, fault_text(why),
	    r.value, (unsigned long long)value, r.right);
}
