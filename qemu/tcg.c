/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hyper-V's interface for a guest that TCG runs: CPUID leaves, MSRs, the
 * hypercall page and the SynIC's registers.  Facts: Hyper-V TLFS.
 *
 * The hypercall page's content is the hypervisor's business.  Ours is
 * `in $PORT,%eax; ret`: hvnet_hypercall() runs on the vCPU's thread with the
 * guest's registers in env, takes the hypercall's arguments from there and
 * returns the status, which lands in RAX.  So TCG's translator needs no change,
 * and user mode of the guest, which may not use ports, has no hypercalls.  It
 * is called before QEMU makes a port access of it, which would take the BQL:
 * a signal (link.c) then takes none.
 *
 * A change of SIMP, SIEFP, SINT2 or SCONTROL is told to the host, and the vCPU
 * goes on when the host has answered: what the guest does next may rely on it.
 * Message and event-flag pages are guest memory, which the host writes itself.
 * MSRs of Hyper-V's that are not here fault (#GP), as do writes to those that
 * can only be read: TCG would ignore both, and a guest that relies on one would
 * fail much later.  docs/vm.md has the list.
 * An interrupt from the host is an MSI to the local APIC of that vCPU.
 *
 * The host reads and writes the guest's memory from another process, so a guest
 * with one vCPU is not alone either: hvnet_tcg_parallel().
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "exec/address-spaces.h"
#include "exec/exec-all.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "cpu.h"

#include <sys/eventfd.h>

#include "hvnet.h"
#include "hooks.h"

#define HVNET_PORT		0xe4	/* Policy: unused on a PC */

/* Hyper-V's own: CPUID leaves and MSRs. */
#define HV_LEAF0		0x40000000u
#define HV_LEAF_END		0x40000100u
#define HV_MSR0			0x40000000u
#define HV_MSR_END		0x40000200u

#define HV_MSR_GUEST_OS_ID	0x40000000u
#define HV_MSR_HYPERCALL	0x40000001u
#define HV_MSR_VP_INDEX		0x40000002u
#define HV_MSR_TIME_REF_COUNT	0x40000020u
#define HV_MSR_VP_ASSIST	0x40000073u
#define HV_MSR_SCONTROL		0x40000080u
#define HV_MSR_SVERSION		0x40000081u
#define HV_MSR_SIEFP		0x40000082u
#define HV_MSR_SIMP		0x40000083u
#define HV_MSR_EOM		0x40000084u
#define HV_MSR_SINT0		0x40000090u

#define HV_ENABLE		0x1u
#define HV_SINT_VECTOR		0xffu
#define HV_SINT_MASKED		(1u << 16)
#define HV_SINT_AUTO_EOI	(1u << 17)

#define HV_CALL_POST_MESSAGE	0x005cu
#define HV_CALL_SIGNAL_EVENT	0x005du
#define HV_CALL_FAST		(1u << 16)

#define HVNET_APIC_BASE		0xfee00000u

/* The machine's one hvnet device; set once, before any vCPU runs. */
static struct hvnet_dev *hvnet_machine;

/* --- CPUID --- */

bool
hvnet_cpuid(CPUX86State *env, uint32_t leaf, uint32_t *eax, uint32_t *ebx,
    uint32_t *ecx, uint32_t *edx)
{
	/* EAX, EBX, ECX, EDX of 0x40000000 + n */
	static const uint32_t leaves[][4] = {
		{ 0x40000005, 0x7263694d, 0x666f736f, 0x76482074 },
		{ 0x31237648, 0, 0, 0 },		/* "Hv#1" */
		{ 20348, 10u << 16, 0, 0 },		/* build, 10.0 */
		/* time reference, SynIC, hypercalls, VP index;
		 * HvPostMessage, HvSignalEvent */
		{ 0x66, 0x30, 0, 0 },
		{ 0, UINT32_MAX, 0, 0 },		/* advice */
		{ LINK_MAX_VPS, LINK_MAX_VPS, 0, 0 },	/* limits */
	};
	static const uint32_t none[4];
	uint32_t n = leaf - HV_LEAF0;
	const uint32_t *r = n < ARRAY_SIZE(leaves) ? leaves[n] : none;

	/* Some guests read leaves above the maximum: QEMU's answer to those
	 * would be the data of its highest basic leaf. */
	if (hvnet_machine == NULL || n >= HV_LEAF_END - HV_LEAF0)
		return false;
	*eax = r[0];
	*ebx = r[1];
	*ecx = r[2];
	*edx = r[3];
	if (n == 4 && !hvnet_machine->aeoi)
		*eax |= 1u << 9;	/* "do not use auto-EOI" */
	return true;
}

/* --- MSRs --- */

static bool
hvnet_msr_ours(uint32_t msr)
{
	return hvnet_machine != NULL && msr >= HV_MSR0 && msr < HV_MSR_END;
}

static struct hvnet_vp *
hvnet_vp_of(CPUX86State *env)
{
	return &hvnet_machine->vp[env_cpu(env)->cpu_index];
}

enum hvnet_msr
hvnet_rdmsr(CPUX86State *env)
{
	uint32_t msr = (uint32_t)env->regs[R_ECX];
	struct hvnet_vp *vp;
	uint64_t val;

	if (!hvnet_msr_ours(msr))
		return HVNET_MSR_NOT_OURS;
	vp = hvnet_vp_of(env);
	switch (msr) {
	case HV_MSR_GUEST_OS_ID:
		val = hvnet_machine->guest_os_id;
		break;
	case HV_MSR_HYPERCALL:
		val = hvnet_machine->hypercall;
		break;
	case HV_MSR_VP_INDEX:
		val = vp->index;
		break;
	case HV_MSR_TIME_REF_COUNT:
		val = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) / 100;
		break;
	case HV_MSR_VP_ASSIST:
		val = vp->assist;
		break;
	case HV_MSR_SCONTROL:
		val = vp->scontrol;
		break;
	case HV_MSR_SVERSION:
		val = 1;
		break;
	case HV_MSR_SIEFP:
		val = vp->siefp;
		break;
	case HV_MSR_SIMP:
		val = vp->simp;
		break;
	case HV_MSR_EOM:
		val = 0;
		break;
	case HV_MSR_SINT0 ... HV_MSR_SINT0 + HVNET_SINTS - 1:
		val = vp->sint[msr - HV_MSR_SINT0];
		break;
	default:
		return HVNET_MSR_FAULT;
	}
	env->regs[R_EAX] = (uint32_t)val;
	env->regs[R_EDX] = (uint32_t)(val >> 32);
	return HVNET_MSR_DONE;
}

static void
hvnet_hypercall_set(struct hvnet_dev *dev, uint64_t val)
{
	static const uint8_t code[] = { 0xe5, HVNET_PORT, 0xc3 };

	if (dev->guest_os_id == 0)
		val &= ~(uint64_t)HV_ENABLE;
	dev->hypercall = val;
	if ((val & HV_ENABLE) != 0)
		cpu_physical_memory_write(val & ~0xfffull, code, sizeof(code));
}

/* End of message; a full counter is as good, the host has yet to look. */
static void
hvnet_eom(struct hvnet_vp *vp)
{
	if (hvnet_eventfd_add(vp, vp->eom_fd))
		return;
	bql_lock();
	hvnet_link_held(vp->dev);
	bql_unlock();
}

enum hvnet_msr
hvnet_wrmsr(CPUX86State *env, uint64_t val)
{
	uint32_t msr = (uint32_t)env->regs[R_ECX];
	struct hvnet_vp *vp;

	if (!hvnet_msr_ours(msr))
		return HVNET_MSR_NOT_OURS;
	vp = hvnet_vp_of(env);
	if (msr == HV_MSR_EOM) {
		hvnet_eom(vp);
		return HVNET_MSR_DONE;
	}
	bql_lock();
	switch (msr) {
	case HV_MSR_GUEST_OS_ID:
		hvnet_machine->guest_os_id = val;
		if (val == 0)
			hvnet_machine->hypercall &= ~(uint64_t)HV_ENABLE;
		break;
	case HV_MSR_HYPERCALL:
		hvnet_hypercall_set(hvnet_machine, val);
		break;
	case HV_MSR_VP_ASSIST:
		vp->assist = val;
		break;
	case HV_MSR_SCONTROL:
		vp->scontrol = val;
		break;
	case HV_MSR_SIEFP:
		vp->siefp = val;
		break;
	case HV_MSR_SIMP:
		vp->simp = val;
		break;
	case HV_MSR_SINT0 ... HV_MSR_SINT0 + HVNET_SINTS - 1:
		vp->sint[msr - HV_MSR_SINT0] = val;
		break;
	default:
		bql_unlock();
		return HVNET_MSR_FAULT;
	}
	hvnet_link_regs(vp);
	bql_unlock();
	return HVNET_MSR_DONE;
}

/* --- interrupts --- */

bool
hvnet_auto_eoi(int cpu_index, int vector)
{
	struct hvnet_vp *vp;

	if (hvnet_machine == NULL)
		return false;
	vp = &hvnet_machine->vp[cpu_index];
	for (int i = 0; i < HVNET_SINTS; i++) {
		uint64_t s = vp->sint[i];

		if ((s & HV_SINT_MASKED) == 0 && (s & HV_SINT_AUTO_EOI) != 0 &&
		    (s & HV_SINT_VECTOR) == (unsigned)vector)
			return true;
	}
	return false;
}

static void
hvnet_vp_interrupt(void *opaque)
{
	struct hvnet_vp *vp = opaque;
	uint64_t sint = vp->sint[HVNET_SINT_VMBUS];

	if (!hvnet_eventfd_take(vp->irq_fd))
		return;
	/* A masked one is not kept: the host looks again on unmask. */
	if ((vp->scontrol & HV_ENABLE) == 0 || (sint & HV_SINT_MASKED) != 0)
		return;
	vp->dev->interrupts++;
	address_space_stl_le(&address_space_memory,
	    HVNET_APIC_BASE | vp->apic_id << 12, sint & HV_SINT_VECTOR,
	    MEMTXATTRS_UNSPECIFIED, NULL);
}

/* --- hypercalls --- */

static uint16_t
hvnet_call_post(struct hvnet_dev *dev, uint64_t input)
{
	struct {
		uint32_t connection;
		uint32_t reserved;
		uint32_t type;
		uint32_t len;
		uint8_t payload[240];
	} in;

	uint16_t status;

	cpu_physical_memory_read(input, &in, sizeof(in));
	if (le32_to_cpu(in.len) > sizeof(in.payload))
		return HV_INVALID_INPUT;
	bql_lock();
	status = hvnet_link_post(dev, le32_to_cpu(in.connection), in.payload,
	    le32_to_cpu(in.len));
	bql_unlock();
	return status;
}

static uint16_t
hvnet_call(struct hvnet_vp *vp, uint64_t control, uint64_t input)
{
	bool fast = (control & HV_CALL_FAST) != 0;

	if (!fast && (input & 7) != 0)
		return HV_INVALID_INPUT;
	switch (control & 0xffff) {
	case HV_CALL_POST_MESSAGE:
		return fast ? HV_INVALID_INPUT :
		    hvnet_call_post(vp->dev, input);
	case HV_CALL_SIGNAL_EVENT:
		if (!fast) {
			uint64_t at = input;

			cpu_physical_memory_read(at, &input, sizeof(input));
			input = le64_to_cpu(input);
		}
		return hvnet_link_signal(vp, (uint32_t)input);
	default:
		return HV_INVALID_CODE;
	}
}

bool
hvnet_hypercall(CPUX86State *env, uint32_t port, uint64_t *status)
{
	struct hvnet_dev *dev = hvnet_machine;
	uint64_t control, input;

	if (port != HVNET_PORT || dev == NULL ||
	    (dev->hypercall & HV_ENABLE) == 0)
		return false;
	if ((env->hflags & HF_CS64_MASK) != 0) {
		*status = hvnet_call(hvnet_vp_of(env), env->regs[R_ECX],
		    env->regs[R_EDX]);
		return true;
	}
	control = (uint64_t)env->regs[R_EDX] << 32 |
	    (uint32_t)env->regs[R_EAX];
	input = (uint64_t)env->regs[R_EBX] << 32 | (uint32_t)env->regs[R_ECX];
	*status = hvnet_call(hvnet_vp_of(env), control, input);
	env->regs[R_EDX] = 0;
	return true;
}

/* --- life --- */

void
hvnet_tcg_reset(struct hvnet_dev *dev)
{
	dev->guest_os_id = 0;
	dev->hypercall = 0;
	for (uint32_t i = 0; i < dev->vps; i++) {
		struct hvnet_vp *vp = &dev->vp[i];

		vp->scontrol = vp->simp = vp->siefp = vp->assist = 0;
		for (int s = 0; s < HVNET_SINTS; s++)
			vp->sint[s] = HV_SINT_MASKED;
		hvnet_eventfd_take(vp->irq_fd);
	}
}

/*
 * For a machine with one vCPU TCG makes plain loads and stores of locked
 * instructions and, in QEMU 7.2, nothing of barriers.  Then a guest's look
 * at its ring passes its unmasking of interrupts, the host's frame comes in
 * between, and the guest sleeps for good; and a bit that the host sets in a
 * page of event flags, while the guest clears another, is lost.
 */
static void
hvnet_tcg_parallel(CPUState *cpu)
{
	cpu->tcg_cflags |= CF_PARALLEL;
}

bool
hvnet_tcg_eventfds(struct hvnet_vp *vp)
{
	int irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int eom = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (irq < 0 || eom < 0) {
		warn_report("hvnet: eventfd: %s", strerror(errno));
		close(irq);
		close(eom);
		return false;
	}
	if (vp->irq_fd >= 0) {
		qemu_set_fd_handler(vp->irq_fd, NULL, NULL, NULL);
		close(vp->irq_fd);
	}
	vp->irq_fd = irq;
	qemu_set_fd_handler(vp->irq_fd, hvnet_vp_interrupt, NULL, vp);
	if (vp->eom_fd < 0) {
		vp->eom_fd = eom;
	} else {
		/* The vCPU may be about to write to it. */
		dup3(eom, vp->eom_fd, O_CLOEXEC);
		close(eom);
	}
	return true;
}

void
hvnet_tcg_start(struct hvnet_dev *dev)
{
	dev->vp = g_new0(struct hvnet_vp, dev->vps);
	for (uint32_t i = 0; i < dev->vps; i++) {
		struct hvnet_vp *vp = &dev->vp[i];

		hvnet_tcg_parallel(qemu_get_cpu(i));
		vp->dev = dev;
		vp->index = i;
		vp->apic_id = X86_CPU(qemu_get_cpu(i))->apic_id;
		vp->irq_fd = vp->eom_fd = -1;
	}
	hvnet_tcg_reset(dev);
	hvnet_guard_start(dev);
	hvnet_machine = dev;
}
