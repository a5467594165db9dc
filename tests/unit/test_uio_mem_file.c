/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of a DPDK program's files only those that DPDK sends from are handed over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/span.h"
#include "linux/uio/uio_mem_file.h"

static void
names(void **state)
{
	static const char *const good[] = {
		"/dev/hugepages/rtemap_0", "/mnt/huge 1G/my app-map_12\n",
		"/dev/hugepages/rtemap_65535 (deleted)\n", "/x/map_map_1",
		"/memfd:seg_1 (deleted)\n", "/memfd:seg_2-17 (deleted)",
		"/memfd:nohuge (deleted)\n", "/memfd:hvnet-arena (deleted)",
	};
	static const char *const bad[] = {
		"/home/u/bitmap_cache.db", "/home/u/bitmap_1.db",
		"/home/map_1/secret", "/home/u/map_", "/home/u/map_1x",
		"/home/u/map_1 (deleted).db/x", "map_1", "[heap]", "",
		"/dev/zero (deleted)", "/SYSV00000000 (deleted)",
		"/memfd:secret (deleted)", "/memfd:seg_ (deleted)",
		"/memfd:seg_1- (deleted)", "/memfd:seg_1-2-3", "/memfd:seg_x",
		"/memfd:nohugepage", "/memfd:map_1 (deleted)", "/memfd:",
		"/home/u/seg_1", "/home/u/nohuge", "/home/u/hvnet-arena",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!uio_mem_file_named(good[i]))
			fail_msg("'%s' is DPDK's", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (uio_mem_file_named(bad[i]))
			fail_msg("'%s' is not DPDK's", bad[i]);
}

/* An ordinary file that is called like a huge page, and a memory file. */
static void
files(void **state)
{
	char path[] = "/var/tmp/hvnet-XXXXXX";
	int file = mkstemp(path), mem = memfd_create("seg_1", MFD_CLOEXEC);

	assert_true(file >= 0 && mem >= 0);
	unlink(path);
	assert_false(uio_mem_file_is(file, false));
	assert_false(uio_mem_file_is(mem, false));
	assert_true(uio_mem_file_is(mem, true));
	close(file);
	close(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
