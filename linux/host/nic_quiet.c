/* SPDX-License-Identifier: BSD-2-Clause */
/* When a guest has come to rest: nic_quiet.h has the reasons. */
#include "linux/host/nic_quiet.h"

uint64_t
nic_quiet_link(uint64_t link_ns, uint64_t now)
{
	if (link_ns == 0 || link_ns + NIC_QUIET_LINK_NS < now)
		return now;
	return link_ns + NIC_QUIET_LINK_NS;
}

void
nic_quiet_begin(struct nic_quiet *q, uint64_t now, uint64_t link_ns, bool slow)
{
	uint64_t acts = slow ? nic_quiet_link(link_ns, now) : now;

	if (acts - now > NIC_QUIET_MAX_NS)
		acts = now + NIC_QUIET_MAX_NS;
	*q = (struct nic_quiet){ .slow = slow, .acts_ns = acts,
		.heard_ns = now, .end_ns = acts + NIC_QUIET_MAX_NS };
}

void
nic_quiet_heard(struct nic_quiet *q, uint64_t now)
{
	q->heard_ns = now;
	if (q->slow && now > q->acts_ns + NIC_QUIET_GRACE_NS)
		q->late = q->repeat = true;
}

bool
nic_quiet_repeat(struct nic_quiet *q, uint64_t now)
{
	if (!q->repeat || now - q->heard_ns < NIC_QUIET_GRACE_NS)
		return false;
	q->repeat = false;
	q->acts_ns = now;
	return true;
}

bool
nic_quiet_over(const struct nic_quiet *q, uint64_t now, bool settled)
{
	uint64_t enough = q->late ? NIC_QUIET_LATE_NS : NIC_QUIET_NS;

	return now >= q->end_ns || (settled &&
	    now >= q->acts_ns + NIC_QUIET_NS && now - q->heard_ns >= enough);
}
