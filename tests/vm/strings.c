/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String instructions in a virtual machine, against plain loops.
 *
 * qemu/string.c does REP MOVS and REP STOS in bulk where that is plain.  Each
 * case here runs the instruction itself on one copy of an area and a loop over
 * single elements on another, and compares memory and registers: sizes, page
 * borders, overlaps both ways, two addresses of one page, directions, address
 * size, a segment, a fault in the middle, code that is written over, and single
 * steps.  Says `N cases` and exits 0, or what was wrong and exits 1.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE	4096
#define AREA	(8 * PAGE)

enum op { MOVS, STOS };

struct regs {
	uint64_t rcx, rsi, rdi;
};

static uint8_t *area, *twin;	/* the instruction's, the loop's */
static unsigned cases;
static const uint64_t value = 0x8877665544332211;

/* One instruction; "d" for element sizes 1, 2, 4, 8. */
#define RUN(prefix, insn, r) __asm__ volatile(prefix "rep " insn "\n\tcld" \
    : "+c"((r)->rcx), "+S"((r)->rsi), "+D"((r)->rdi) : "a"(value) : "memory")

static void
run(enum op op, unsigned log, int down, struct regs *r)
{
	switch ((int)op << 3 | (int)log << 1 | down) {
	case 0: RUN("", "movsb", r); break;
	case 1: RUN("std\n\t", "movsb", r); break;
	case 2: RUN("", "movsw", r); break;
	case 3: RUN("std\n\t", "movsw", r); break;
	case 4: RUN("", "movsl", r); break;
	case 5: RUN("std\n\t", "movsl", r); break;
	case 6: RUN("", "movsq", r); break;
	case 7: RUN("std\n\t", "movsq", r); break;
	case 8: RUN("", "stosb", r); break;
	case 9: RUN("std\n\t", "stosb", r); break;
	case 10: RUN("", "stosw", r); break;
	case 11: RUN("std\n\t", "stosw", r); break;
	case 12: RUN("", "stosl", r); break;
	case 13: RUN("std\n\t", "stosl", r); break;
	case 14: RUN("", "stosq", r); break;
	default: RUN("std\n\t", "stosq", r); break;
	}
}

/* The same by a loop, on the twin. */
static void
loop(enum op op, unsigned log, int down, struct regs *r)
{
	const uint64_t step = down ? -(1ull << log) : 1ull << log;
	uint64_t v = value;

	for (; r->rcx > 0; r->rcx--) {
		if (op == MOVS) {
			memcpy(&v, (void *)(r->rsi - (uint64_t)area +
			    (uint64_t)twin), 1u << log);
			r->rsi += step;
		}
		memcpy((void *)(r->rdi - (uint64_t)area + (uint64_t)twin),
		    &v, 1u << log);
		r->rdi += step;
	}
}

static void
wrong(const char *what, unsigned log, const struct regs *was)
{
	printf("%s, %u bytes, rcx %#lx rsi %+ld rdi %+ld\n", what, 1u << log,
	    (long)was->rcx, (long)(was->rsi - (uint64_t)area),
	    (long)(was->rdi - (uint64_t)area));
	exit(1);
}

static void
check(enum op op, unsigned log, int down, uint64_t from, uint64_t to,
    uint64_t bytes)
{
	struct regs was = { bytes >> log, (uint64_t)area + from,
		(uint64_t)area + to };
	struct regs a = was, b = was;

	for (unsigned i = 0; i < AREA; i += 4)
		*(uint32_t *)(area + i) = (uint32_t)rand();
	memcpy(twin, area, AREA);
	run(op, log, down, &a);
	loop(op, log, down, &b);
	if (memcmp(&a, &b, sizeof(a)) != 0)
		wrong(op == MOVS ? "movs: registers" : "stos: registers", log,
		    &was);
	if (memcmp(area, twin, AREA) != 0)
		wrong(op == MOVS ? "movs: memory" : "stos: memory", log, &was);
	cases++;
}

static void
check_places(void)
{
	static const int shift[] = { -PAGE, -9, -8, -1, 0, 1, 2, 7, 8, 64,
		PAGE - 8, PAGE, PAGE + 3 };
	static const int length[] = { 0, 1, 8, 16, 24, 100, PAGE, PAGE + 8,
		2 * PAGE + 40 };

	for (unsigned log = 0; log < 4; log++)
		for (unsigned i = 0; i < sizeof(length) / sizeof(int); i++)
			for (unsigned k = 0; k < sizeof(shift) / sizeof(int);
			    k++) {
				int at = 4 * PAGE - (int)(rand() % 64);

				check(MOVS, log, 0, at - PAGE, at - PAGE +
				    shift[k], length[i]);
				check(MOVS, log, 1, at, at + shift[k],
				    length[i]);
				check(STOS, log, (int)(k & 1), 0, at +
				    shift[k], length[i]);
			}
}

/* Addresses of 32 bits, and a source by a segment. */
static void
check_prefixes(void)
{
	const uint64_t high = 0xabcdef0100000000;
	uint8_t *low = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct regs r = { high | 5000, high | (uint64_t)low,
		high | ((uint64_t)low + 3 * PAGE) };

	memcpy(low, twin, 3 * PAGE);
	RUN("addr32 ", "movsb", &r);
	if (memcmp(low, low + 3 * PAGE, 5000) != 0 || r.rcx != 0 ||
	    r.rdi != (uint64_t)low + 3 * PAGE + 5000)
		wrong("addr32 movs", 0, &r);
	syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, twin);
	r = (struct regs){ 5000, 16, (uint64_t)area };
	RUN("gs ", "movsb", &r);
	if (memcmp(area, twin + 16, 5000) != 0 || r.rsi != 5016)
		wrong("gs movs", 0, &r);
	cases += 2;
}

static sigjmp_buf back;
static struct regs seen;
static unsigned steps;

static void
on_signal(int sig, siginfo_t *info, void *ctx)
{
	const greg_t *g = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	(void)info;
	seen = (struct regs){ (uint64_t)g[REG_RCX], (uint64_t)g[REG_RSI],
		(uint64_t)g[REG_RDI] };
	if (sig == SIGTRAP)
		steps++;
	else
		siglongjmp(back, 1);
}

/* The last page of one operand may not be accessed: as far as it goes. */
static void
check_fault(enum op op, unsigned log, int prot, uint64_t from, uint64_t to)
{
	const uint64_t bad = (from > to && op == MOVS ? from : to) /
	    PAGE * PAGE + 2 * PAGE;
	const uint64_t turns = (bad - (from > to && op == MOVS ? from : to))
	    >> log;
	struct regs was = { 3 * PAGE >> log, (uint64_t)area + from,
		(uint64_t)area + to };
	struct regs a = was, b = was;

	memcpy(twin, area, AREA);
	b.rcx = turns;
	mprotect(area + bad, PAGE, prot);
	if (sigsetjmp(back, 1) == 0) {
		run(op, log, 0, &a);
		wrong("no fault", log, &was);
	}
	mprotect(area + bad, PAGE, PROT_READ | PROT_WRITE);
	loop(op, log, 0, &b);
	b.rcx += was.rcx - turns;
	if (seen.rcx != b.rcx || seen.rdi != b.rdi ||
	    (op == MOVS && seen.rsi != b.rsi))
		wrong("registers at a fault", log, &seen);
	if (memcmp(area, twin, AREA) != 0)
		wrong("memory at a fault", log, &was);
	cases++;
}

/* Code that has run is written over; then the new code runs. */
static void
check_code(void)
{
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int (*call)(void) = (int (*)(void))page;

	for (uint8_t i = 1; i < 100; i++) {
		const uint8_t code[32] = { 0xb8, i, 0, 0, 0, 0xc3 };
		struct regs r = { sizeof(code), (uint64_t)code,
			(uint64_t)page };

		run(MOVS, 0, 0, &r);
		if (call() != i)
			wrong("code written over", 0, &r);
		cases++;
	}
}

/* Each turn is a step. */
static void
check_steps(void)
{
	struct regs r = { 100, (uint64_t)area, (uint64_t)area + PAGE };

	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
	    "rep movsb\n\tpushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq"
	    : "+c"(r.rcx), "+S"(r.rsi), "+D"(r.rdi) : : "memory", "cc");
	if (steps < 100)
		wrong("single steps", 0, &r);
	cases++;
}

/*
 * Two addresses of one page, the second one's bytes ahead of the first's.  The
 * manuals promise turns in order where the addresses themselves overlap; here a
 * processor with fast strings may read several bytes before it writes them
 * (Intel's do, AMD's do not).  So each byte is one that lay before it, and none
 * other changes.
 */
static void
check_alias(void)
{
	const unsigned n = 1000;
	int fd = memfd_create("alias", 0);
	uint8_t *a, *b;
	struct regs r;

	if (ftruncate(fd, PAGE) < 0)
		exit(1);
	a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	a[0] = 0x5a;
	memset(a + n + 1, 0xa5, PAGE - n - 1);
	r = (struct regs){ n, (uint64_t)a, (uint64_t)b + 1 };
	run(MOVS, 0, 0, &r);
	if (r.rcx != 0 || r.rsi != (uint64_t)a + n ||
	    r.rdi != (uint64_t)b + 1 + n || b[0] != 0x5a || b[1] != 0x5a)
		wrong("two addresses of one page", 0, &r);
	for (unsigned i = 2; i < PAGE; i++)
		if (i <= n ? b[i] != 0x5a && b[i] != 0 : b[i] != 0xa5)
			wrong("two addresses of one page", 0, &r);
	cases++;
}

int
main(void)
{
	struct sigaction act = { .sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO };

	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	twin = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGTRAP, &act, NULL);
	check_places();
	check_prefixes();
	for (unsigned log = 0; log < 4; log++) {
		check_fault(MOVS, log, PROT_NONE, 5 * PAGE, 100 << log);
		check_fault(MOVS, log, PROT_READ, 64, 4 * PAGE + 64);
		check_fault(STOS, log, PROT_READ, 0, PAGE + (8 << log));
	}
	check_code();
	check_steps();
	check_alias();
	printf("%u cases\n", cases);
	return 0;
}
