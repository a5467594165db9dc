/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses requested from a guest, and guest memory that goes away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linux/link/link_loose.h"
#include "linux/link/link_miss.h"

static void
test_asked_once(void **state)
{
	static struct link_miss_table t;

	link_miss_init(&t);
	assert_int_equal(link_miss_add(&t, 0x1000, 5), LINK_MISS_ASK);
	assert_int_equal(link_miss_add(&t, 0x1000, 6), LINK_MISS_WAIT);
	assert_int_equal(link_miss_add(&t, 0x1008, 6), LINK_MISS_ASK);
	assert_int_equal(t.count, 2);
	/* Memory that holds neither, then one of them, then both. */
	assert_false(link_miss_met(&t, 0x2000, 0x1000));
	assert_true(link_miss_met(&t, 0x1000, 8));
	assert_int_equal(t.count, 1);
	assert_int_equal(link_miss_add(&t, 0x1008, 7), LINK_MISS_WAIT);
	assert_true(link_miss_met(&t, 0x1000, 0x1000));
	assert_int_equal(t.count, 0);
	assert_int_equal(t.asked, 2);
	assert_int_equal(t.refused, 0);
}

static void
test_deadline(void **state)
{
	static struct link_miss_table t;
	const uint64_t end = 100 + LINK_MISS_NS;

	link_miss_init(&t);
	assert_int_equal(link_miss_add(&t, 0x5000, 100), LINK_MISS_ASK);
	assert_false(link_miss_due(&t, end - 1));
	assert_int_equal(link_miss_add(&t, 0x5000, end - 1), LINK_MISS_WAIT);
	assert_true(link_miss_due(&t, end));
	assert_int_equal(link_miss_add(&t, 0x5000, end), LINK_MISS_OVER);
	assert_int_equal(t.refused, 1);
	/* Over is over: the next one is requested again. */
	assert_false(link_miss_due(&t, end));
	assert_int_equal(link_miss_add(&t, 0x5000, end), LINK_MISS_ASK);
}

static void
test_table_full(void **state)
{
	static struct link_miss_table t;

	link_miss_init(&t);
	for (uint64_t i = 0; i < LINK_MISSES; i++)
		assert_int_equal(link_miss_add(&t, i << 12, 0),
		    LINK_MISS_ASK);
	assert_int_equal(link_miss_add(&t, 1ull << 40, 0), LINK_MISS_OVER);
	assert_int_equal(link_miss_add(&t, 0, 1), LINK_MISS_WAIT);
	assert_int_equal(t.count, LINK_MISSES);
}

/* A file is cut under its mapping: zeroes, and the owner is told. */
static void
test_loose_memory_gone(void **state)
{
	struct link_loose_owner owner[2] = { { 0, eventfd(0, 0) },
	    { 0, eventfd(0, 0) } };
	eventfd_t rings;
	volatile uint8_t *va[2];
	struct link_loose *l[2];
	int fd[2];

	for (int i = 0; i < 2; i++) {
		fd[i] = memfd_create("loose", MFD_CLOEXEC);
		assert_return_code(ftruncate(fd[i], 8192), 0);
		va[i] = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd[i], 0);
		assert_ptr_not_equal(va[i], MAP_FAILED);
		memset((void *)(uintptr_t)va[i], 0x55, 8192);
		l[i] = link_loose_add((void *)(uintptr_t)va[i], 8192,
		    &owner[i]);
		assert_non_null(l[i]);
	}
	assert_return_code(ftruncate(fd[1], 0), 0);
	assert_int_equal(va[0][4096], 0x55);
	assert_int_equal(va[1][4096], 0);
	assert_int_equal(va[1][0], 0);
	va[1][1] = 7;
	assert_int_equal(va[1][1], 7);
	assert_int_equal(owner[0].condemned, 0);
	assert_int_equal(owner[1].condemned, 1);
	assert_int_equal(eventfd_read(owner[1].alarm_fd, &rings), 0);
	assert_int_equal(rings, 1);
	for (int i = 0; i < 2; i++) {
		link_loose_remove(l[i]);
		munmap((void *)(uintptr_t)va[i], 8192);
		close(fd[i]);
		close(owner[i].alarm_fd);
	}
	/* Slots are used again. */
	assert_ptr_equal(link_loose_add((void *)(uintptr_t)va[1], 8192,
	    &owner[1]), l[1]);
	link_loose_remove(l[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked_once),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_loose_memory_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
