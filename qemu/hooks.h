/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QEMU's own files call; inserted there by hooks.py.  Each answers false
 * (or leaves all as it was) while the machine has no hvnet device.
 */
#ifndef HW_HVNET_HOOKS_H
#define HW_HVNET_HOOKS_H

struct CPUArchState;

/* CPUID leaf of the hypervisor range.  Context: any.  True: answered. */
bool
hvnet_cpuid(struct CPUArchState *env, uint32_t leaf, uint32_t *eax,
    uint32_t *ebx, uint32_t *ecx, uint32_t *edx);

enum hvnet_msr {
	HVNET_MSR_NOT_OURS,	/* QEMU's to answer */
	HVNET_MSR_DONE,
	HVNET_MSR_FAULT,	/* #GP is to be raised */
};

/* RDMSR of the MSR in ECX; sets EDX:EAX.  Context: vCPU thread, no BQL. */
enum hvnet_msr
hvnet_rdmsr(struct CPUArchState *env);

/* WRMSR of the MSR in ECX.  Context: vCPU thread, no BQL. */
enum hvnet_msr
hvnet_wrmsr(struct CPUArchState *env, uint64_t val);

/* In QEMU's helpers for the two, with what the above returned. */
#define HVNET_MSR(env, answer) do {					\
	enum hvnet_msr hvnet_answer = (answer);				\
	if (hvnet_answer == HVNET_MSR_DONE)				\
		return;							\
	if (hvnet_answer == HVNET_MSR_FAULT)				\
		raise_exception_err_ra(env, EXCP0D_GPF, 0, GETPC());	\
} while (0)

/* ACPI's VMBus device, put into the device that has its memory addresses. */
struct Aml *
hvnet_acpi_module(struct Aml *vmbus);

/*
 * IN of 32 bits from a port.  Context: vCPU thread, no BQL.  True: it was the
 * hypercall page's, and *status is what the guest is to find in RAX.
 */
bool
hvnet_hypercall(struct CPUArchState *env, uint32_t port, uint64_t *status);

/*
 * Context: vCPU thread, as the local APIC hands over a vector.  True: the
 * vector is a SINT's with auto-EOI, and must not become in-service.
 */
bool
hvnet_auto_eoi(int cpu_index, int vector);

/*
 * In the translator, before what it makes of a MOVS or STOS (op: movs, stos) of
 * 1 << ot bytes: turns of a REP are done in bulk (string.c).  For 64-bit code
 * without a segment, where each turn need not be seen by itself.
 */
#define HVNET_STRING(s, ot, op) do {					\
	if (((s)->prefix & (PREFIX_REPZ | PREFIX_REPNZ)) != 0 &&	\
	    CODE64(s) && (s)->aflag == MO_64 && (s)->override < 0 &&	\
	    ((s)->flags & (HF_TF_MASK | HF_INHIBIT_IRQ_MASK)) == 0 &&	\
	    (tb_cflags((s)->base.tb) &					\
	    (CF_USE_ICOUNT | CF_SINGLE_STEP)) == 0)			\
		gen_helper_hvnet_##op(HVNET_ENV,			\
		    tcg_constant_i32((int)(s)->mem_index << 2 | (int)(ot))); \
} while (0)
#define HVNET_STRING_OT(how)	((how) & 3)
#define HVNET_STRING_INDEX(how)	((int)((how) >> 2))

#if QEMU_VERSION_MAJOR < 9
#define HVNET_ENV	cpu_env
#else
#define HVNET_ENV	tcg_env
#endif

#endif
