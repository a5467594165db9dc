/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a machine answers to instructions that only kernels use much: run in it.
 *
 * Usage: ask cpuid LEAF COUNT | rdmsr MSR | wrmsr MSR VALUE | signal ID
 * Numbers are as strtoull() has them.  Says EAX to EDX of each leaf; the MSR's
 * value, `done` or `fault`; the status of HvSignalEvent.  Needs root, and
 * /dev/cpu/0/msr for MSRs.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#define PORT		0xe4		/* the hypercall page's: qemu/tcg.c */
#define SIGNAL_FAST	0x1005dull	/* HvSignalEvent, input in registers */

static void
ask_cpuid(uint32_t leaf, uint32_t count)
{
	uint32_t a, b, c, d;

	for (; count > 0; count--, leaf++) {
		__cpuid_count(leaf, 0, a, b, c, d);
		printf("%x %x %x %x\n", a, b, c, d);
	}
}

static void
ask_msr(uint32_t msr, const char *value)
{
	int fd = open("/dev/cpu/0/msr", O_RDWR);
	uint64_t v = value != NULL ? strtoull(value, NULL, 0) : 0;
	ssize_t n;

	if (fd < 0) {
		perror("/dev/cpu/0/msr");
		exit(1);
	}
	n = value != NULL ? pwrite(fd, &v, sizeof(v), msr) :
	    pread(fd, &v, sizeof(v), msr);
	if (n < 0 && errno != EIO) {
		perror("/dev/cpu/0/msr");
		exit(1);
	}
	if (n < 0)
		printf("fault\n");
	else if (value != NULL)
		printf("done\n");
	else
		printf("0x%llx\n", (unsigned long long)v);
}

static void
ask_signal(uint64_t id)
{
	uint64_t status = 0;

	if (iopl(3) < 0) {
		perror("iopl");
		exit(1);
	}
	__asm__ volatile("inl %1, %%eax" : "=a"(status)
	    : "N"(PORT), "c"(SIGNAL_FAST), "d"(id) : "memory");
	printf("0x%llx\n", (unsigned long long)status);
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;

	if (argc == 4 && strcmp(argv[1], "cpuid") == 0)
		ask_cpuid((uint32_t)n, (uint32_t)strtoull(argv[3], NULL, 0));
	else if (argc == 3 && strcmp(argv[1], "rdmsr") == 0)
		ask_msr((uint32_t)n, NULL);
	else if (argc == 4 && strcmp(argv[1], "wrmsr") == 0)
		ask_msr((uint32_t)n, argv[3]);
	else if (argc == 3 && strcmp(argv[1], "signal") == 0)
		ask_signal(n);
	else
		return 2;
	return 0;
}
