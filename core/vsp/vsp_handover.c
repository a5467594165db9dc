/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hand-over lists.
 *
 * Theory of operation.  A stack with one word shared: senders push by compare
 * and swap, the receiver takes the whole stack by an exchange and turns it
 * round, so that each sender's frames come out in the order they went in.
 * Nobody takes a single entry, so a head that was taken, used and pushed again
 * between a sender's read and its swap does no harm: what the sender linked to
 * is the head of the list at the time of the swap, which is all that matters.
 *
 * Both the swap and the exchange are full barriers: the frame in the section
 * and struct vsp_section are written before the push and read after the take.
 *
 * Context: push by any worker, take by the one receiver.
 */
#include "vsp/vsp_handover.h"

#include "vsp/vsp_rxbuf.h"

bool
vsp_handover_push(struct vsp_handover *h, struct vsp_section *section,
    uint32_t s)
{
	for (;;) {
		uint32_t head = os_ld32(&h->head);

		section[s].link = head - 1;	/* 0 becomes NONE */
		if (os_cas32(&h->head, head, s + 1))
			return head == 0;
		os_relax();
	}
}

uint32_t
vsp_handover_take(struct vsp_handover *h, struct vsp_section *section)
{
	if (vsp_handover_empty(h))
		return VSP_SECTION_NONE;

	uint32_t s = os_xchg32(&h->head, 0) - 1;
	uint32_t first = VSP_SECTION_NONE;

	while (s != VSP_SECTION_NONE) {
		uint32_t older = section[s].link;

		section[s].link = first;
		first = s;
		s = older;
	}
	return first;
}
