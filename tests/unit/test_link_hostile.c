/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host side of the partition protocol against guests that mean harm with
 * their descriptors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/link/link_budget.h"
#include "linux/link/link_fds.h"
#include "linux/link/link_host.h"
#include "linux/link/link_loose.h"
#include "linux/link/link_msg.h"
#include "linux/run/clock.h"
#include "wire/vmbus_msg.h"

#define GPA	0x100000000ull
#define BYTES	(16u * HV_PAGE_SIZE)
#define FULL	0xfffffffffffffffeull

struct rig {
	struct event_base *base;
	struct link_host *link;
	int sock, irq, eom;
	uint32_t kind;
	bool held;
	const char *over;
	struct link_hello hello;	/* as attach() had it */
};

static uint32_t
rig_attach(void *ctx, struct link_host *lh, const struct link_hello *h)
{
	((struct rig *)ctx)->hello = *h;
	return LINK_OK;
}

static void
rig_nothing(void *ctx)
{
}

static int
rig_message(void *ctx, uint32_t connection, struct span msg)
{
	struct rig *r = ctx;

	return part_post_message(link_host_partition(r->link), 0, "answer", 6);
}

static bool
rig_memory_used(void *ctx, uint64_t gpa, uint64_t bytes)
{
	return false;
}

static void
rig_held(void *ctx)
{
	((struct rig *)ctx)->held = true;
}

static void
rig_over(void *ctx, const char *why)
{
	((struct rig *)ctx)->over = why;
}

static const struct link_host_ops rig_ops = {
	.attach = rig_attach, .park = rig_nothing, .unpark = rig_nothing,
	.message = rig_message, .reset = rig_nothing,
	.memory_used = rig_memory_used, .memory_changed = rig_nothing,
	.held = rig_held, .over = rig_over,
};

/* Send, let the host work, and give the status of its answer; -1: none. */
static int
rig_ask(struct rig *r, const void *msg, size_t len, const int *fds,
    unsigned int nfds)
{
	union link_msg m;
	unsigned int got;
	int in[LINK_MAX_FDS];

	assert_int_equal(link_msg_send(r->sock, msg, len, fds, nfds, 0), 0);
	(void)event_base_loop(r->base, EVLOOP_NONBLOCK);
	if (link_msg_recv(r->sock, &m, in, &got, MSG_DONTWAIT) != 1)
		return -1;
	assert_int_equal(got, 0);
	return m.hdr.type == LINK_HELLO_ACK ? (int)m.hello_ack.status :
	    (int)m.ack.status;
}

/* A link that a guest connected to, and what HELLO was answered with. */
static int
rig_hello(struct rig *r, const struct link_hello *h)
{
	int pair[2];

	memset(r, 0, sizeof(*r));
	r->base = event_base_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	r->sock = pair[0];
	r->irq = eventfd(0, 0);
	r->eom = eventfd(0, 0);
	r->link = link_host_create(r->base, pair[1], &rig_ops, r);
	assert_non_null(r->link);
	return rig_ask(r, h, sizeof(*h), NULL, 0);
}

static void
rig_up(struct rig *r, uint32_t kind)
{
	const struct link_hello h = { { LINK_HELLO, 1 }, LINK_MAGIC,
	    LINK_VERSION, 1, kind, 0, 1, "test", "" };

	assert_int_equal(rig_hello(r, &h), LINK_OK);
}

static void
rig_down(struct rig *r)
{
	link_host_destroy(r->link, LINK_OK);
	event_base_free(r->base);
	close(r->sock);
	close(r->irq);
	close(r->eom);
}

static int
rig_vp_fds(struct rig *r, int irq, int eom)
{
	const struct link_vp_fds m = { { LINK_VP_FDS, 2 }, 0, 0 };
	const int fds[2] = { irq, eom };

	return rig_ask(r, &m, sizeof(m), fds, 2);
}

static int
rig_mem(struct rig *r, int fd)
{
	const struct link_mem_add m = { { LINK_MEM_ADD, 3 }, GPA, BYTES, 0 };

	return rig_ask(r, &m, sizeof(m), &fd, 1);
}

static int
memory_fd(unsigned int flags, int seals)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING | flags);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	if (seals != 0)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/*
 * The guest fills its interrupt eventfd and makes it block, then has the host
 * answer a message: the control thread must come back, and end that guest.
 */
static void
full_blocking_eventfd_does_not_hold_control(void **state)
{
	const struct link_vp_regs regs = { { LINK_VP_REGS, 4 }, 0,
	    LINK_VP_SCONTROL | LINK_VP_SIMP, GPA, 0 };
	const struct link_post post = { { LINK_POST, 0 }, 1, 8, { 3 } };
	int mem = memory_fd(0, F_SEAL_SHRINK);
	uint64_t start, spent;
	struct rig r;

	rig_up(&r, LINK_KIND_HVNET);
	assert_int_equal(rig_mem(&r, mem), LINK_OK);
	assert_int_equal(rig_vp_fds(&r, r.irq, r.eom), LINK_OK);
	assert_int_equal(rig_ask(&r, &regs, sizeof(regs), NULL, 0), LINK_OK);
	assert_int_equal(fcntl(r.irq, F_SETFL, 0), 0);
	assert_int_equal(eventfd_write(r.irq, FULL), 0);
	start = clock_now_ns();
	/* No answer, except the end if the host heard the alarm at once. */
	assert_true(rig_ask(&r, &post, sizeof(post), NULL, 0) == -1 ||
	    r.over != NULL);
	spent = clock_now_ns() - start;
	while (r.over == NULL)
		(void)event_base_loop(r.base, EVLOOP_ONCE);
	print_message("held for %u us\n", (unsigned int)(spent / 1000));
	assert_true(r.held);
	assert_non_null(strstr(r.over, "interrupt: its eventfd was full"));
	assert_int_equal(link_host_partition(r.link)->faults.total, 1);
	rig_down(&r);
	close(mem);
}

/*
 * A guest writes its end-of-message eventfd without end: it is heard at a
 * limited rate, and what it signalled in a pause is heard later.
 */
static void
ends_of_messages_have_a_rate(void **state)
{
	const struct link_vp_regs regs = { { LINK_VP_REGS, 4 }, 0,
	    LINK_VP_SCONTROL | LINK_VP_SIMP, GPA, 0 };
	int mem = memory_fd(0, F_SEAL_SHRINK);
	struct partition *p;
	uint32_t *slot, times = 6 * LINK_EOM_BURST;
	uint64_t start;
	struct rig r;

	rig_up(&r, LINK_KIND_HVNET);
	assert_int_equal(rig_mem(&r, mem), LINK_OK);
	assert_int_equal(rig_vp_fds(&r, r.irq, r.eom), LINK_OK);
	assert_int_equal(rig_ask(&r, &regs, sizeof(regs), NULL, 0), LINK_OK);
	p = link_host_partition(r.link);
	slot = (void *)guestmem_ptr(&p->mem, GPA + VMBUS_SINT * 256, 4);
	/* The first is in the slot, the second waits: each look is counted. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(part_post_message(p, 0, "m", 1), 0);
	start = clock_now_ns();
	for (uint32_t i = 0; i < times; i++) {
		assert_int_equal(eventfd_write(r.eom, 1), 0);
		(void)event_base_loop(r.base, EVLOOP_NONBLOCK);
	}
	assert_true(p->counters.messages_busy < 2 + LINK_EOM_BURST +
	    (clock_now_ns() - start) / (1000000000u / LINK_EOM_RATE));
	assert_true(p->counters.messages_busy >= LINK_EOM_BURST);
	*slot = 0;
	assert_int_equal(eventfd_write(r.eom, 1), 0);
	while (p->counters.messages_out < 2)
		(void)event_base_loop(r.base, EVLOOP_ONCE);
	rig_down(&r);
	close(mem);
}

/* A pipe, a file or /dev/null takes bytes as well, and is no eventfd. */
static void
interrupt_must_be_an_eventfd(void **state)
{
	int pipes[2], bad[4];

	assert_int_equal(pipe(pipes), 0);
	bad[0] = pipes[1];
	bad[1] = open("/dev/null", O_RDWR);
	bad[2] = memory_fd(0, 0);
	bad[3] = open("/", O_RDONLY);
	for (int i = 0; i < 8; i++) {
		struct rig r;

		rig_up(&r, LINK_KIND_HVNET);
		assert_int_equal(i < 4 ? rig_vp_fds(&r, bad[i], r.eom) :
		    rig_vp_fds(&r, r.irq, bad[i - 4]), LINK_E_PROTO);
		assert_non_null(r.over);
		rig_down(&r);
	}
	for (int i = 0; i < 4; i++)
		close(bad[i]);
	close(pipes[0]);
}

/*
 * A uio guest may bring memory that is not sealed, but of tmpfs or hugetlbfs:
 * what a FUSE server holds could stall whoever touches it.
 */
static void
loose_memory_must_be_memory(void **state)
{
	int file = open("/proc/self/exe", O_RDONLY), null;
	int loose = memory_fd(0, 0), sealed = memory_fd(0, F_SEAL_SHRINK);
	struct rig r;

	null = open("/dev/zero", O_RDWR);
	rig_up(&r, LINK_KIND_UIO);
	assert_int_equal(rig_mem(&r, file), LINK_E_MEM);
	assert_int_equal(rig_mem(&r, null), LINK_E_MEM);
	assert_int_equal(rig_mem(&r, loose), LINK_OK);
	rig_down(&r);
	rig_up(&r, LINK_KIND_HVNET);
	assert_int_equal(rig_mem(&r, loose), LINK_E_MEM);
	assert_int_equal(rig_mem(&r, sealed), LINK_OK);
	rig_down(&r);
	close(file);
	close(null);
	close(loose);
	close(sealed);
}

static struct sigaction link_sigbus;

/* cmocka has a handler of its own in each test: keep the link's. */
static void
sigbus_keep(void)
{
	static struct link_loose_owner nobody;
	struct link_loose *l = link_loose_add(&nobody, 1, &nobody);

	link_loose_remove(l);
	sigaction(SIGBUS, NULL, &link_sigbus);
}

/* The guest truncates loose memory: zero pages, and that guest is over. */
static void
loose_memory_that_goes_ends_its_guest(void **state)
{
	int loose = memory_fd(0, 0);
	struct rig r;
	uint8_t *p;

	rig_up(&r, LINK_KIND_UIO);
	assert_int_equal(rig_mem(&r, loose), LINK_OK);
	p = guestmem_ptr(&link_host_partition(r.link)->mem, GPA, BYTES);
	assert_non_null(p);
	p[5] = 7;
	sigaction(SIGBUS, &link_sigbus, NULL);
	assert_int_equal(ftruncate(loose, 0), 0);
	assert_int_equal(((volatile uint8_t *)p)[5], 0);
	for (int i = 0; i < 20 && r.over == NULL; i++)
		(void)event_base_loop(r.base, EVLOOP_ONCE);
	assert_string_equal(r.over, fault_text(FAULT_MEM_GONE));
	rig_down(&r);
	close(loose);
}

/* Have a page of p fail when it is touched, as if none were available. */
static void
page_break(uint8_t *p)
{
	int fd = memory_fd(0, 0);

	assert_ptr_equal(mmap(p, HV_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, fd, 0), p);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
}

/* With no more than `data` bytes to be promised (RLIMIT_DATA). */
static void
touch_and_end(struct rig *r, uint8_t *p, rlim_t data)
{
	struct rlimit old, some;
	uint8_t found;

	sigaction(SIGBUS, &link_sigbus, NULL);
	page_break(p);
	assert_int_equal(getrlimit(RLIMIT_DATA, &old), 0);
	some = old;
	if (data < some.rlim_cur)
		some.rlim_cur = data;
	assert_int_equal(setrlimit(RLIMIT_DATA, &some), 0);
	found = ((volatile uint8_t *)p)[5];
	assert_int_equal(setrlimit(RLIMIT_DATA, &old), 0);
	assert_int_equal(found, 0);
	assert_int_equal(((volatile uint8_t *)p)[5], 0);
	((volatile uint8_t *)p)[5] = 7;
	assert_int_equal(((volatile uint8_t *)p)[5], 7);
	for (int i = 0; i < 20 && r->over == NULL; i++)
		(void)event_base_loop(r->base, EVLOOP_ONCE);
	assert_string_equal(r->over, fault_text(FAULT_MEM_GONE));
}

/*
 * A hole of sealed memory may have no page either, where the system does not
 * overcommit: in a region, in scattered pages of it, in a page of its own.
 */
static void
sealed_memory_without_a_page_ends_its_guest(void **state)
{
	const uint64_t pfns[3] = { (GPA >> 12) + 4, (GPA >> 12) + 9,
	    (GPA >> 12) + 2 };
	const struct link_vp_regs regs = { { LINK_VP_REGS, 4 }, 0,
	    LINK_VP_SCONTROL | LINK_VP_SIMP | LINK_VP_SIMP_FD, 0, 0 };
	int mem = memory_fd(0, F_SEAL_SHRINK);

	for (int kind = 0; kind < 3; kind++) {
		struct part_map map = { 0 };
		struct partition *p;
		uint8_t *at = NULL;
		struct rig r;

		rig_up(&r, LINK_KIND_HVNET);
		assert_int_equal(rig_mem(&r, mem), LINK_OK);
		p = link_host_partition(r.link);
		switch (kind) {
		case 0:
			at = guestmem_ptr(&p->mem, GPA, BYTES);
			break;
		case 1:
			assert_int_equal(part_map_pages(p, pfns, 3, &map), 0);
			assert_false(map.direct);
			at = map.va + HV_PAGE_SIZE;
			break;
		case 2:
			assert_int_equal(rig_ask(&r, &regs, sizeof(regs),
			    &mem, 1), LINK_OK);
			at = p->vp[0].regs.simp;
			break;
		}
		touch_and_end(&r, at, RLIM_INFINITY);
		if (kind == 1)
			part_unmap_pages(p, &map);
		rig_down(&r);
	}
	close(mem);
}

/* The same where no memory may be promised: pages that are there must do. */
static void
no_memory_to_promise(void **state)
{
	int mem = memory_fd(0, F_SEAL_SHRINK);
	struct rig r;

	rig_up(&r, LINK_KIND_HVNET);
	assert_int_equal(rig_mem(&r, mem), LINK_OK);
	touch_and_end(&r, guestmem_ptr(&link_host_partition(r.link)->mem, GPA,
	    BYTES), 4096);
	rig_down(&r);
	close(mem);
}

/* One guest takes what it can; another one still gets its own. */
static void
one_guest_cannot_take_all_mappings(void **state)
{
	const uint64_t pfns[2] = { (GPA >> 12) + 4, (GPA >> 12) + 2 };
	static struct part_map map[LINK_MAX_MAP_RUNS];
	int mem = memory_fd(0, F_SEAL_SHRINK);
	struct link_budget others = { 0 };
	struct partition *p;
	uint32_t n = 0;
	struct rig r;

	/* Others have almost all: as many as may be had by guests of many. */
	while (link_budget_map(&others))
		continue;
	assert_true(link_budget_maps() < link_budget_maps_max());
	rig_up(&r, LINK_KIND_HVNET);
	assert_int_equal(rig_mem(&r, mem), LINK_OK);
	p = link_host_partition(r.link);
	while (part_map_pages(p, pfns, 2, &map[n]) == 0)
		n++;
	assert_int_equal(n, (LINK_MAPS_OWN - 1) / 2);
	link_budget_unmap(&others, others.maps);
	assert_int_equal(part_map_pages(p, pfns, 2, &map[n]), 0);
	for (uint32_t i = 0; i <= n; i++)
		part_unmap_pages(p, &map[i]);
	rig_down(&r);
	assert_int_equal(link_budget_maps(), 0);
	close(mem);
}

/* Who it is the kernel knows, whatever HELLO says (pid 1 here). */
static void
the_peer_is_who_the_kernel_says(void **state)
{
	struct rig r;

	rig_up(&r, LINK_KIND_HVNET);
	assert_int_equal(link_host_peer(r.link)->pid, getpid());
	assert_int_equal(link_host_peer(r.link)->uid, getuid());
	assert_int_equal(link_host_peer(r.link)->gid, getgid());
	rig_down(&r);
}

static void
descriptors_where_none_belong_end_it(void **state)
{
	const struct link_simple reset = { { LINK_RESET, 5 } };
	const struct link_post post = { { LINK_POST, 0 }, 1, 8, { 3 } };
	struct rig r;

	rig_up(&r, LINK_KIND_HVNET);
	assert_int_equal(rig_ask(&r, &reset, sizeof(reset), &r.irq, 1),
	    LINK_E_PROTO);
	rig_down(&r);
	rig_up(&r, LINK_KIND_HVNET);
	assert_int_equal(rig_ask(&r, &post, sizeof(post), &r.irq, 1),
	    LINK_E_PROTO);
	assert_non_null(r.over);
	rig_down(&r);
}

/*
 * The last descriptors are not for guests; and where there is none at all the
 * host reports that, and does not call the guest a liar.
 */
static void
descriptors_that_run_out_end_it_with_a_reason(void **state)
{
	int mem = memory_fd(0, F_SEAL_SHRINK);
	struct rlimit old, r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t spare = 0; spare <= LINK_FDS_KEPT + 1; spare +=
	    spare == 0 ? LINK_FDS_KEPT : 1) {
		struct rig rig;
		int next;

		rig_up(&rig, LINK_KIND_HVNET);
		next = dup(mem);
		close(next);
		r = old;
		r.rlim_cur = (rlim_t)next + spare;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
		assert_int_equal(rig_mem(&rig, mem), spare > LINK_FDS_KEPT ?
		    LINK_OK : LINK_E_LIMIT);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (spare <= LINK_FDS_KEPT)
			assert_non_null(strstr(rig.over, "file descriptors"));
		else
			assert_null(rig.over);
		rig_down(&rig);
		/* nothing that came along stayed open */
		assert_int_equal(fcntl(next, F_GETFD), -1);
	}
	close(mem);
}

static void
names_are_names(void **state)
{
	static const char *const bad[] = { "a\nb", "\033[2J", "\xff", "a b",
		"a,b", "\xc3\xbc", "\x7f", " " };
	struct rig r;

	for (size_t i = 0; i < 2 * ARRAY_LEN(bad) + 2; i++) {
		struct link_hello h = { { LINK_HELLO, 1 }, LINK_MAGIC,
		    LINK_VERSION, 1, LINK_KIND_HVNET, 0, 1, "", "" };
		char *name = i % 2 == 0 ? h.name : h.nic;

		/* The last: no end within its bytes. */
		memset(name, 'x', i / 2 == ARRAY_LEN(bad) ? LINK_NAME_LEN : 0);
		if (i / 2 < ARRAY_LEN(bad))
			strcpy(name, bad[i / 2]);
		assert_int_equal(rig_hello(&r, &h), LINK_E_PROTO);
		assert_non_null(strstr(r.over, "name or NIC is not printable"));
		rig_down(&r);
	}
}

static void
pid_is_the_kernels(void **state)
{
	const struct link_hello h = { { LINK_HELLO, 1 }, LINK_MAGIC,
	    LINK_VERSION, 1, LINK_KIND_HVNET, 0, 4711, "web", "n0" };
	struct rig r;

	assert_int_equal(rig_hello(&r, &h), LINK_OK);
	assert_int_equal(r.hello.pid, getpid());
	assert_string_equal(r.hello.name, "web");
	assert_string_equal(r.hello.nic, "n0");
	rig_down(&r);
}

/* Who has many descriptors leaves those that others may need. */
static void
a_guest_of_many_descriptors_leaves_some(void **state)
{
	struct rlimit old, r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	r = old;
	r.rlim_cur = 1000;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	assert_false(link_fd_kept(1000 - LINK_FDS_KEPT - 1, LINK_FDS_OWN - 1));
	assert_true(link_fd_kept(1000 - LINK_FDS_KEPT, LINK_FDS_OWN - 1));
	assert_false(link_fd_kept(750 - LINK_FDS_KEPT - 1, LINK_FDS_OWN));
	assert_true(link_fd_kept(750 - LINK_FDS_KEPT, LINK_FDS_OWN));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_blocking_eventfd_does_not_hold_control),
		cmocka_unit_test(ends_of_messages_have_a_rate),
		cmocka_unit_test(interrupt_must_be_an_eventfd),
		cmocka_unit_test(loose_memory_must_be_memory),
		cmocka_unit_test(loose_memory_that_goes_ends_its_guest),
		cmocka_unit_test(sealed_memory_without_a_page_ends_its_guest),
		cmocka_unit_test(no_memory_to_promise),
		cmocka_unit_test(one_guest_cannot_take_all_mappings),
		cmocka_unit_test(a_guest_of_many_descriptors_leaves_some),
		cmocka_unit_test(the_peer_is_who_the_kernel_says),
		cmocka_unit_test(descriptors_where_none_belong_end_it),
		cmocka_unit_test(names_are_names),
		cmocka_unit_test(pid_is_the_kernels),
		cmocka_unit_test(descriptors_that_run_out_end_it_with_a_reason),
	};

	sigbus_keep();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
