/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hand-over of receive sections between queues with different owners: frames
 * finished by one worker for another's ring, and sections on their way home.
 *
 * One list a receiver, any number of senders, linked through the sections
 * themselves (a section is in one list at a time).  So there is no matrix of
 * queues, nothing to allocate, and the list is bounded by the sections that
 * exist.  The receiver takes everything at once, hence no ABA.
 */
#ifndef CORE_VSP_VSP_HANDOVER_H
#define CORE_VSP_VSP_HANDOVER_H

#include "base/os.h"

#define VSP_SECTION_NONE	0xffffffffu

/* shared: any sender, one receiver */
struct vsp_handover {
	uint32_t head;		/* newest section + 1; 0: empty */
};

struct vsp_section;

/*
 * Hand section s over; what was written to it and to its struct before is seen
 * by the receiver.  Full barrier.  Returns true if the list was empty, so that
 * the receiver may want a kick.  Context: any worker that owns s.
 */
bool vsp_handover_push(struct vsp_handover *h, struct vsp_section *section,
    uint32_t s);

/*
 * Take all.  Full barrier.  Returns the first section, in the order of pushing
 * for each sender, linked by .link up to VSP_SECTION_NONE; or VSP_SECTION_NONE.
 * Context: the receiver.
 */
uint32_t vsp_handover_take(struct vsp_handover *h,
    struct vsp_section *section);

/* A glimpse.  Context: any. */
static inline bool
vsp_handover_empty(const struct vsp_handover *h)
{
	return os_ld32(&h->head) == 0;
}

#endif
