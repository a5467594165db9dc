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

/* RDMSR of the MSR in ECX; sets EDX:EAX.  Context: vCPU thread, no BQL. */
bool
hvnet_rdmsr(struct CPUArchState *env);

/* WRMSR of the MSR in ECX.  Context: vCPU thread, no BQL.  True: done. */
bool
hvnet_wrmsr(struct CPUArchState *env, uint64_t val);

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

#endif
