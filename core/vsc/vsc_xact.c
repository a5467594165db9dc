/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transaction ids of control packets.
 *
 * Theory of operation.  Requests that have an answer carry a transaction id of
 * generation and index with VSC_XACT_CTL, so that it can not be mistaken for
 * one of a frame.  An id ends with its packet's completion.  The generation is
 * checked then, so the host can neither complete an exchange twice nor one that
 * was never sent.  The index is below VSC_CTL_XACTS: more exchanges than that
 * are never under way.
 *
 * Context: control, which owns the primary channel.
 */
#include "vsc/vsc_priv.h"

uint64_t
vsc_xact_new(struct vsc *v)
{
	for (uint32_t i = 0; i < VSC_CTL_XACTS; i++) {
		if (v->ctl.xact_gen[i] != 0)
			continue;
		if (++v->ctl.next_gen == 0)
			v->ctl.next_gen = 1;
		v->ctl.xact_gen[i] = v->ctl.next_gen;
		return VSC_XACT_CTL | (uint64_t)v->ctl.next_gen << 8 | i;
	}
	return 0;
}

bool
vsc_xact_end(struct vsc *v, uint64_t xact)
{
	uint32_t i = (uint32_t)(xact & 0xff);

	if (i >= VSC_CTL_XACTS || v->ctl.xact_gen[i] == 0 ||
	    xact != (VSC_XACT_CTL | (uint64_t)v->ctl.xact_gen[i] << 8 | i))
		return false;
	v->ctl.xact_gen[i] = 0;
	return true;
}
