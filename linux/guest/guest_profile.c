/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Profiles: settings of a guest that go together (docs/tuning.md says which
 * and why).
 */
#include "linux/guest/guest.h"

void
guest_profile(struct guest_config *c, enum profile p)
{
	struct vsc_tunables *t = &c->vsc.tune;

	switch (p) {
	case PROFILE_DEFAULT:
		return;
	case PROFILE_THROUGHPUT:
		c->place.sched = THREAD_SCHED_BATCH;
		t->tx_inflight_kb = 1024;
		t->ack_batch = 16;
		return;
	case PROFILE_LATENCY:
		c->place.sched = THREAD_SCHED_NORMAL;
		c->adaptive = true;
		t->tx_inflight_kb = 128;
		t->tso_maxlen = 16384;
		t->ack_batch = 1;
		return;
	case PROFILE_MANY_FLOWS:
		t->ring_pages = 256;
		t->rxbuf_kb = 31744;
		t->tx_slots = 128;
		t->tx_inflight_kb = 768;
		return;
	case PROFILE_LOW_CPU:
		c->place.sched = THREAD_SCHED_BATCH;
		c->adaptive = false;
		t->ack_batch = 64;
		return;
	}
}
