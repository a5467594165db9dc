/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz the guest side of the partition protocol: a host that answers each
 * request as it should, late, twice, not at all or with something else, hands
 * over descriptors of every kind as signals, wants memory, says BYE and leaves;
 * while the guest posts, signals, adds and removes regions.
 *
 * The guest sleeps in connect() and poll(); here they are the host's turn, on a
 * real socket, and time passes only in them.  So one thread is enough, and an
 * input that is run twice does the same twice.
 *
 * The input is a list of operations, see step().  Whatever the host does, a
 * call ends within its time, and in the end no descriptor is left.
 */
#include "fuzz_blocks.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "fuzz_input.h"
#include "linux/run/clock.h"

static int host_connect(int fd, const struct sockaddr *, socklen_t);
static int host_poll(struct pollfd *, nfds_t, int ms);
static uint64_t host_now(void);

static int
poll_now(struct pollfd *p, nfds_t n)
{
	return poll(p, n, 0);
}

#define connect		host_connect
#define poll		host_poll
#define clock_now_ns	host_now
#include "linux/link/link_guest.c"

#define VPS		2u
#define MEM_BYTES	(64u * HV_PAGE_SIZE)
#define PENDING		8u
#define CALL_NS		((LINK_GUEST_TIMEOUT_MS + 100) * 1000000ull)

enum { FD_EVENT, FD_EVENT2, FD_FULL, FD_PIPE_R, FD_PIPE_W, FD_MEM, FD_NULL,
	FD_DIR, FD_SOCKET, FD_BLOCKS, FD_KINDS };

static int kinds[FD_KINDS];

static struct host {
	struct fuzz_in *f;
	int sock;		/* -1: none, or closed */
	uint64_t now;
	bool patient;		/* the guest's owner lets it wait */
	uint32_t pending;	/* requests that have no answer yet */
	struct link_hdr request[PENDING];
} host;

static void
broken_pipe(int sig)
{
	abort();	/* so that the input is kept */
}

static void
kinds_make(void)
{
	int p[2];

	signal(SIGPIPE, broken_pipe);
	kinds[FD_EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kinds[FD_EVENT2] = eventfd(0, EFD_CLOEXEC);
	kinds[FD_FULL] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kinds[FD_BLOCKS] = eventfd(0, EFD_CLOEXEC);
	eventfd_write(kinds[FD_FULL], UINT64_MAX - 1);
	eventfd_write(kinds[FD_BLOCKS], UINT64_MAX - 1);
	kinds[FD_MEM] = memfd_create("m", MFD_CLOEXEC);
	kinds[FD_NULL] = open("/dev/null", O_RDWR | O_CLOEXEC);
	kinds[FD_DIR] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_require(pipe2(p, O_CLOEXEC) == 0);
	kinds[FD_PIPE_R] = p[0];
	/* Of the others nobody reads the far end: a write is SIGPIPE. */
	fuzz_require(pipe2(p, O_CLOEXEC) == 0);
	close(p[0]);
	kinds[FD_PIPE_W] = p[1];
	fuzz_require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) ==
	    0);
	close(p[1]);
	kinds[FD_SOCKET] = p[0];
	for (int i = 0; i < FD_KINDS; i++)
		fuzz_require(kinds[i] >= 0);
}

/* ---- host --------------------------------------------------------------- */

static void
host_send(const void *msg, size_t len, const int *fds, uint32_t n)
{
	struct iovec iov = { (void *)(uintptr_t)msg, len };
	char ctl[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8)));
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > 0) {
		memset(ctl, 0, sizeof(ctl));
		mh.msg_control = ctl;
		mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	if (host.sock >= 0)
		(void)sendmsg(host.sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
host_leave(void)
{
	if (host.sock >= 0)
		close(host.sock);
	host.sock = -1;
	host.pending = 0;
}

/* Descriptors as the input says: usually one eventfd. */
static uint32_t
host_fds(int fds[4])
{
	uint32_t b = fuzz_u8(host.f), n = 1;

	fds[0] = kinds[b & 1 ? FD_EVENT2 : FD_EVENT];
	if (b < 160)
		return n;
	n = b < 224 ? 1 : b >> 3 & 3;
	for (uint32_t i = 0; i < n; i++) {
		b = fuzz_u8(host.f);
		/* A write that blocks takes milliseconds. */
		fds[i] = kinds[b == 255 ? FD_BLOCKS : b % FD_BLOCKS];
	}
	return n;
}

static void
host_signal(uint32_t type)
{
	uint32_t b = fuzz_u8(host.f), n = 0;
	struct link_signal s = { { type, 0 }, b < 240 ? b & 15 :
	    fuzz_u32(host.f), 0 };
	int fds[4];

	if (type == LINK_SIGNAL_ADD || b & 128)
		n = host_fds(fds);
	for (uint32_t i = 0; i <= (b >> 4 & 3) * 4; i++)
		host_send(&s, sizeof(s), fds, n);
}

static void
host_raw(void)
{
	uint8_t bytes[sizeof(union link_msg) + 16] = { 0 };
	uint32_t b = fuzz_u8(host.f), n = fuzz_u16(host.f) % sizeof(bytes);
	int fds[4];

	bytes[0] = (uint8_t)(b & 1 ? 65 + (b >> 1) % 6 : b);
	fuzz_fill(host.f, bytes + 4, min_u32(n, 40));
	host_send(bytes, n, fds, b & 128 ? host_fds(fds) : 0);
}

/* What nobody requested. */
static void
host_speak(void)
{
	uint32_t b = fuzz_u8(host.f);
	const struct link_ack a = { { b & 8 ? LINK_ACK : b & 16 ?
	    LINK_HELLO_ACK : LINK_BYE, b >> 5 }, b >> 4, 0 };
	struct link_mem_want w = { { LINK_MEM_WANT, 0 }, b * 4096ull };

	switch (b & 7) {
	case 0: break;
	case 1:
	case 2:
	case 3: host_signal(LINK_SIGNAL_ADD); break;
	case 4: host_signal(LINK_SIGNAL_DEL); break;
	case 5:
		for (uint32_t i = 0; i <= b >> 3; i++)
			host_send(&w, sizeof(w), NULL, 0);
		break;
	case 6: host_send(&a, sizeof(a), NULL, 0); break;
	default: host_raw(); break;
	}
}

/* What the guest sends is well formed, always. */
static void
host_read(void)
{
	union link_msg m;
	int fds[LINK_MAX_FDS];
	unsigned int n;

	while (host.sock >= 0 && link_msg_recv(host.sock, &m, fds, &n,
	    MSG_DONTWAIT) == 1) {
		fuzz_require(n == (m.hdr.type == LINK_MEM_ADD ? 1u :
		    m.hdr.type == LINK_VP_FDS ? 2u : 0u));
		link_fds_close(fds, n);
		if (m.hdr.type == LINK_POST)
			continue;
		fuzz_require(m.hdr.seq != 0);
		if (host.pending < PENDING)
			host.request[host.pending++] = m.hdr;
	}
}

static void
host_answer(const struct link_hdr *q, uint32_t status, uint32_t more,
    bool swapped)
{
	bool hello = (q->type == LINK_HELLO) != swapped;
	struct link_ack a = { { LINK_ACK, q->seq + more }, status, 0 };
	struct link_hello_ack h = { { LINK_HELLO_ACK, q->seq + more }, status,
	    LINK_VERSION, 2, { 1, 4 }, 0 };

	if (hello)
		host_send(&h, sizeof(h), NULL, 0);
	else
		host_send(&a, sizeof(a), NULL, 0);
}

/* Answer the oldest request, rightly or not.  False: not now. */
static bool
host_answer_next(void)
{
	struct link_hdr q = host.request[0];
	uint32_t b = fuzz_u8(host.f);

	if (b >= 248) {
		host_leave();
		return false;
	}
	if (b >= 240)
		host_speak();
	if (b >= 232 && b < 240)
		return false;
	if (b < 208 || b >= 240)
		host_answer(&q, LINK_OK, 0, false);
	else if (b < 212)
		host_answer(&q, fuzz_u32(host.f), 0, false);
	else if (b < 216)
		host_answer(&q, LINK_OK, fuzz_u8(host.f) - 128u, false);
	else if (b < 220)
		host_answer(&q, LINK_OK, 0, true);
	else if (b < 224)
		for (uint32_t i = 0; i < 2; i++)
			host_answer(&q, LINK_OK, 0, false);
	memmove(host.request, host.request + 1, --host.pending * sizeof(q));
	return true;
}

static void
host_turn(void)
{
	host_read();
	if (host.pending == 0)
		host_speak();
	while (host.pending > 0 && host_answer_next())
		;
}

static int
host_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	static const int errors[] = { ENOENT, ECONNREFUSED, EAGAIN, EACCES };
	uint32_t b = fuzz_u8(host.f);
	int pair[2];

	if (b >= 248) {
		errno = errors[b & 3];
		return -1;
	}
	fuzz_require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, pair) == 0);
	fuzz_require(dup3(pair[0], fd, O_CLOEXEC) == fd);
	close(pair[0]);
	host.sock = pair[1];
	return 0;
}

static int
host_poll(struct pollfd *p, nfds_t n, int ms)
{
	int rc;

	fuzz_require(ms > 0);
	host_turn();
	rc = n > 0 ? poll_now(p, n) : 0;
	if (rc == 0)
		host.now += (uint64_t)ms * 1000000;
	return rc;
}

static uint64_t
host_now(void)
{
	return host.now;
}

/* ---- guest -------------------------------------------------------------- */

static bool
go_on(void *ctx)
{
	return host.patient || fuzz_u8(host.f) < 250;
}

static void
post(struct link_guest *lg, struct fuzz_in *f)
{
	static const uint8_t msg[256];
	uint32_t b = fuzz_u8(f);
	int rc = link_guest_post(lg, b & 7, msg, fuzz_u8(f));

	fuzz_require(rc == 0 || rc == E_AGAIN || rc == E_NOTSUP ||
	    rc == E_STATE || rc == E_GONE);
	host_read();
}

static void
region(struct link_guest *lg, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f);
	uint64_t gpa = (uint64_t)(b & 15) * HV_PAGE_SIZE;

	host.patient = b & 128;
	if (b & 16)
		(void)link_guest_region_del(lg, gpa);
	else
		(void)link_guest_region_add(lg, gpa, HV_PAGE_SIZE,
		    kinds[FD_MEM], 0);
}

static void
memory(struct link_guest *lg, struct fuzz_in *f)
{
	struct chan_mem m[3] = { { 0 } };

	for (uint32_t i = 0; i < ARRAY_LEN(m); i++)
		if (link_guest_mem_alloc(lg, fuzz_u16(f), &m[i]) == 0)
			memset(m[i].va, 1, m[i].bytes);
	for (uint32_t i = 0; i < ARRAY_LEN(m); i++)
		link_guest_mem_free(lg, &m[(i * 2) % ARRAY_LEN(m)]);
}

static void
step(struct link_guest *lg, struct fuzz_in *f)
{
	uint64_t began = host.now, gpa;

	switch (fuzz_u8(f) % 12) {
	case 0:
	case 1: (void)link_guest_poll(lg); break;
	case 2: post(lg, f); break;
	case 3:
	case 4: link_guest_signal(lg, fuzz_u8(f) & 15); break;
	case 5: link_guest_eom(lg, fuzz_u8(f) % VPS); break;
	case 6: region(lg, f); break;
	case 7:
		while (link_guest_want(lg, &gpa))
			;
		break;
	case 8: memory(lg, f); break;
	default: host_speak(); break;
	}
	fuzz_require(host.now - began <= CALL_NS);
}

static int
fds_used(void)
{
	int fd = dup(kinds[FD_NULL]);

	close(fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fuzz_in f = { p, n };
	uint32_t how = fuzz_u8(&f);
	const struct link_guest_config cfg = { .path = "/", .name =
	    how & 1 ? "" : "fuzz", .nic = how & 2 ? "" : "n0", .vps = VPS,
	    .memory_bytes = MEM_BYTES, .go_on = go_on,
	    .timeout_ms = how & 4 ? 100 : 0 };
	struct link_guest *lg = NULL;
	char err[200];
	int before, rc;

	if (kinds[FD_EVENT] == 0)
		kinds_make();
	before = fds_used();
	host = (struct host){ .f = &f, .sock = -1, .patient = how & 8 };
	rc = link_guest_open(&cfg, &lg, err, sizeof(err));
	fuzz_require(host.now <= CALL_NS);
	if (rc == 0) {
		while (f.n > 0)
			step(lg, &f);
		host.now = 0;
		link_guest_close(lg);
		fuzz_require(host.now <= CALL_NS);
	} else {
		fuzz_require(rc < 0 && strnlen(err, sizeof(err)) > 0);
	}
	host_leave();
	fuzz_require(fds_used() == before);
	return 0;
}
