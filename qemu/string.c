/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * REP MOVS and REP STOS of a TCG guest, a page at a time.
 *
 * TCG translates one turn of a string instruction and runs it again and again:
 * a look into the TLB for each operand of each 8 bytes.  Kernels copy and clear
 * pages that way: with TSO on, half of a sender's instructions.  So the
 * translator first calls us (HVNET_STRING in hooks.h), and then makes of the
 * instruction what it always does.
 *
 * We do turns while all is plain: going upwards, both operands in RAM that may
 * be accessed, without translated code or watchpoints in the page, and without
 * a source that the copy itself overwrites.  Registers say what is left, as
 * after an interrupt between two turns.  The first turn that is not plain is
 * TCG's, with its faults, its device accesses and its care for translated code;
 * after it the instruction is entered again.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "exec/cpu_ldst.h"

#include "hooks.h"

/* Policy: so much, then the guest's interrupts get their turn. */
#define HVNET_STRING_PAGES	16

/* Whole turns of 1 << ot bytes that stay in the page of addr. */
static target_ulong
hvnet_turns(target_ulong addr, unsigned ot)
{
	return (TARGET_PAGE_SIZE - (addr & ~TARGET_PAGE_MASK)) >> ot;
}

void
helper_hvnet_movs(CPUX86State *env, uint32_t how)
{
	const unsigned ot = HVNET_STRING_OT(how);
	const int idx = HVNET_STRING_INDEX(how);

	for (int i = 0; i < HVNET_STRING_PAGES; i++) {
		target_ulong from = env->regs[R_ESI], to = env->regs[R_EDI];
		target_ulong n = MIN(env->regs[R_ECX],
		    MIN(hvnet_turns(from, ot), hvnet_turns(to, ot)));
		const uint8_t *src;
		uint8_t *dst;

		if (n < 2 || env->df != 1)
			return;
		src = tlb_vaddr_to_host(env, from, MMU_DATA_LOAD, idx);
		dst = tlb_vaddr_to_host(env, to, MMU_DATA_STORE, idx);
		/* Looking up dst may have moved src out of the TLB, but not
		 * its RAM away: only this vCPU's next instructions do. */
		if (src == NULL || dst == NULL ||
		    (dst > src && dst < src + (n << ot)))
			return;
		memmove(dst, src, n << ot);
		env->regs[R_ESI] = from + (n << ot);
		env->regs[R_EDI] = to + (n << ot);
		env->regs[R_ECX] -= n;
	}
}

static void
hvnet_fill(uint8_t *dst, uint64_t val, unsigned ot, target_ulong turns)
{
	if (val == 0 || ot == MO_8) {
		memset(dst, (int)(val & 0xff), turns << ot);
		return;
	}
	val = cpu_to_le64(val);
	for (target_ulong i = 0; i < turns; i++)
		memcpy(dst + (i << ot), &val, 1u << ot);
}

void
helper_hvnet_stos(CPUX86State *env, uint32_t how)
{
	const unsigned ot = HVNET_STRING_OT(how);
	const int idx = HVNET_STRING_INDEX(how);

	for (int i = 0; i < HVNET_STRING_PAGES; i++) {
		target_ulong to = env->regs[R_EDI];
		target_ulong n = MIN(env->regs[R_ECX], hvnet_turns(to, ot));
		uint8_t *dst;

		if (n < 2 || env->df != 1)
			return;
		dst = tlb_vaddr_to_host(env, to, MMU_DATA_STORE, idx);
		if (dst == NULL)
			return;
		hvnet_fill(dst, env->regs[R_EAX], ot, n);
		env->regs[R_EDI] = to + (n << ot);
		env->regs[R_ECX] -= n;
	}
}
