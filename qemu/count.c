/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCG plugin: guest instructions of each vCPU, in a file to be read at any
 * time.
 *
 *   -plugin libhvnet-count.so,out=FILE
 *
 * FILE becomes 64 slots of 64 bytes; the first 8 of slot n are the count of
 * vCPU n, in the machine's byte order.  Only that vCPU's thread writes it, with
 * one store, so a reader needs no lock and sees a count that was true.
 *
 * Counted is the length of each translation block as it is entered: one that a
 * fault or an exception leaves early counts whole, and a string instruction
 * (REP MOVS) as one each time it is entered: what string.c does of it at once.
 * It is a call a block, which slows the guest down: for measuring work, not
 * speed.  Not part of QEMU itself; scripts/qemu-build.sh compiles it against
 * the QEMU it was built with.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "qemu-plugin.h"

#define COUNT_SLOTS	64u

struct count_slot {
	uint64_t insns;
	uint64_t unused[7];	/* a cache line of its own */
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct count_slot *count_slots;

static void
count_block(unsigned int vcpu, void *insns)
{
	struct count_slot *slot = &count_slots[vcpu % COUNT_SLOTS];

	__atomic_store_n(&slot->insns, slot->insns + (uintptr_t)insns,
	    __ATOMIC_RELAXED);
}

static void
count_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uintptr_t insns = qemu_plugin_tb_n_insns(tb);

	qemu_plugin_register_vcpu_tb_exec_cb(tb, count_block,
	    QEMU_PLUGIN_CB_NO_REGS, (void *)insns);
}

static int
count_map(const char *path)
{
	const size_t bytes = COUNT_SLOTS * sizeof(*count_slots);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *map = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0)
		map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	if (map == MAP_FAILED)
		perror(path);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return -1;
	count_slots = map;
	return 0;
}

QEMU_PLUGIN_EXPORT int
qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
    char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
		fprintf(stderr, "hvnet-count: out=FILE is required\n");
		return -1;
	}
	if (count_map(argv[0] + 4) < 0)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, count_translated);
	return 0;
}
