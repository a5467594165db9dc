/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz the host side of the partition protocol with the VMBus server behind
 * it: messages of any type, length and order, with descriptors of the right
 * and of every wrong kind, and the socket closed at any point.
 *
 * The input is a list of operations, see step().  In the end no descriptor,
 * block or mapping may be left, and the server must have let go of everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/vms.h"
#include "fuzz_input.h"
#include "linux/link/link_host.h"
#include "linux/link/link_loose.h"
#include "linux/link/link_msg.h"

#define MEM_BYTES	(64u * HV_PAGE_SIZE)

enum { FD_MEM, FD_MEM2, FD_UNSEALED, FD_READONLY, FD_EVENT, FD_EVENT2,
	FD_PIPE_R, FD_PIPE_W, FD_NULL, FD_DIR, FD_SOCKET, FD_KINDS };

struct guest {
	struct link_host *link;
	struct vms *vms;
	struct vms_dev dev;
	int sock;
	bool over;
	uint32_t parks;
	size_t blocks;
	uint32_t seq, steps, turns;
	bool odd;		/* sent other descriptors than belong */
};

static int kinds[FD_KINDS];
static bool cut;		/* FD_UNSEALED has been cut off */
static struct event_base *base;

static void
kinds_make(void)
{
	static struct link_loose_owner nobody;
	struct link_loose *l;
	int p[2];

	kinds[FD_MEM] = memfd_create("a", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	kinds[FD_MEM2] = memfd_create("b", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	kinds[FD_UNSEALED] = memfd_create("c", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	for (int i = FD_MEM; i <= FD_UNSEALED; i++)
		fuzz_require(ftruncate(kinds[i], MEM_BYTES) == 0);
	for (int i = FD_MEM; i <= FD_MEM2; i++)
		fuzz_require(fcntl(kinds[i], F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	kinds[FD_READONLY] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	kinds[FD_EVENT] = eventfd(0, EFD_CLOEXEC);
	kinds[FD_EVENT2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fuzz_require(pipe2(p, O_CLOEXEC) == 0);
	kinds[FD_PIPE_R] = p[0];
	kinds[FD_PIPE_W] = p[1];
	kinds[FD_NULL] = open("/dev/null", O_RDWR | O_CLOEXEC);
	kinds[FD_DIR] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_require(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, p) == 0);
	kinds[FD_SOCKET] = p[0];
	for (int i = 0; i < FD_KINDS; i++)
		fuzz_require(kinds[i] >= 0);
	base = event_base_new();
	fuzz_require(base != NULL);
	/* The first mapping opens a file that stays. */
	l = link_loose_add(base, 1, &nobody);
	fuzz_require(l != NULL);
	link_loose_remove(l);
}

/* ---- host --------------------------------------------------------------- */

static void *
host_alloc(void *ctx, size_t bytes)
{
	((struct guest *)ctx)->blocks++;
	return calloc(1, bytes);
}

static void
host_free(void *ctx, void *p, size_t bytes)
{
	((struct guest *)ctx)->blocks--;
	free(p);
}

static const struct vms_ops vms_ops = { .alloc = host_alloc,
	.free = host_free };

static int
dev_open(struct vms_dev *d, struct chan *c)
{
	struct guest *g = CONTAINER_OF(d, struct guest, dev);

	fuzz_require(link_host_signal_fd(g->link, c) >= 0);
	return 0;
}

static void
dev_close(struct vms_dev *d, struct chan *c)
{
	(void)d;
	(void)c;
}

static bool
dev_gpadl_gone(struct vms_dev *d, uint32_t gpadl)
{
	return true;
}

static const struct vms_dev_ops dev_ops = { .open = dev_open,
	.close = dev_close, .gpadl_gone = dev_gpadl_gone };

static uint32_t
host_attach(void *ctx, struct link_host *lh, const struct link_hello *h)
{
	static const struct vms_config cfg = { .dedicated_interrupt = true };
	struct guest *g = ctx;

	fuzz_require(g->vms == NULL && memchr(h->name, 0, LINK_NAME_LEN) &&
	    memchr(h->nic, 0, LINK_NAME_LEN));
	if (h->kind > LINK_KIND_VM)
		return LINK_E_NONIC;
	g->link = lh;
	g->vms = vms_create(link_host_partition(lh), &cfg, &vms_ops, g);
	fuzz_require(g->vms != NULL);
	g->dev.ops = &dev_ops;
	fuzz_require(vms_dev_offer(g->vms, &g->dev) == 0);
	return LINK_OK;
}

static void
host_park(void *ctx)
{
	((struct guest *)ctx)->parks++;
}

static void
host_unpark(void *ctx)
{
	fuzz_require(((struct guest *)ctx)->parks-- > 0);
}

static int
host_message(void *ctx, uint32_t connection, struct span msg)
{
	return vms_message(((struct guest *)ctx)->vms, connection, msg);
}

static void
host_reset(void *ctx)
{
	vms_reset(((struct guest *)ctx)->vms);
}

static bool
host_memory_used(void *ctx, uint64_t gpa, uint64_t bytes)
{
	return vms_memory_used(((struct guest *)ctx)->vms, gpa, bytes);
}

static void
host_memory_changed(void *ctx)
{
	(void)ctx;
}

static void
host_over(void *ctx, const char *why)
{
	struct guest *g = ctx;

	fuzz_require(!g->over && why != NULL);
	g->over = true;
}

static const struct link_host_ops host_ops = {
	.attach = host_attach, .park = host_park, .unpark = host_unpark,
	.message = host_message, .reset = host_reset,
	.memory_used = host_memory_used,
	.memory_changed = host_memory_changed, .over = host_over,
};

/* ---- guest -------------------------------------------------------------- */

static void
drain(struct guest *g)
{
	union link_msg m;
	int fds[LINK_MAX_FDS];
	unsigned int nfds;

	while (link_msg_recv(g->sock, &m, fds, &nfds, MSG_DONTWAIT) == 1)
		link_fds_close(fds, nfds);
}

static void
turn(struct guest *g)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	fuzz_require(g->parks == 0);
	/* The socket holds some 200 answers. */
	if (g->turns++ % 8 == 7)
		drain(g);
}

/* Send bytes with descriptors as the input says: any number, also too many. */
static void
say(struct guest *g, struct fuzz_in *f, const void *msg, size_t len,
    const int *want, unsigned int n)
{
	struct iovec iov = { (void *)(uintptr_t)msg, len };
	char ctl[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8)));
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	uint32_t b = fuzz_u8(f);
	int fds[4];

	for (unsigned int i = 0; i < n; i++)
		fds[i] = kinds[want[i]];
	if (b >= 224) {
		g->odd = true;
		n = b & 3;
		for (unsigned int i = 0; i <= n; i++)
			fds[i] = kinds[fuzz_u8(f) % FD_KINDS];
		n += b >> 4 & 1;
	}
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
	while (sendmsg(g->sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno == EAGAIN)
		turn(g);
}

static void
hello(struct guest *g, struct fuzz_in *f)
{
	struct link_hello h = { { LINK_HELLO, ++g->seq }, LINK_MAGIC,
	    LINK_VERSION, 2, 0, 0, 1, "fuzz", "" };
	uint32_t b = fuzz_u8(f);

	if (b & 1)
		h.vps = fuzz_u32(f);
	if (b & 2)
		h.version = fuzz_u32(f);
	if (b & 4)
		h.kind = fuzz_u32(f);
	if (b & 8)
		memset(h.name, 'x', sizeof(h.name) + sizeof(h.nic));
	if (b == 255)
		h.magic = 0;
	say(g, f, &h, sizeof(h), NULL, 0);
}

static void
mem(struct guest *g, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f);
	struct link_mem_add a = { { LINK_MEM_ADD, ++g->seq },
	    0x100000000ull + (uint64_t)(b & 3) * MEM_BYTES, MEM_BYTES, 0 };
	struct link_mem_del d = { { LINK_MEM_DEL, ++g->seq }, a.gpa };
	int kind = b & 128 ? FD_UNSEALED : b & 64 ? FD_MEM2 : FD_MEM;

	if (b & 4)
		a.bytes = (uint64_t)fuzz_u8(f) * HV_PAGE_SIZE;
	if (b & 8)
		a.offset = (uint64_t)fuzz_u8(f) * HV_PAGE_SIZE;
	if (b & 16)
		a.gpa = fuzz_int(f, 8);
	if (b == 0xff)
		a.offset = fuzz_int(f, 8);
	if (b & 32)
		say(g, f, &d, sizeof(d), NULL, 0);
	else
		say(g, f, &a, sizeof(a), &kind, 1);
}

static void
vp(struct guest *g, struct fuzz_in *f)
{
	static const int events[] = { FD_EVENT, FD_EVENT2 };
	static const int pages[] = { FD_MEM, FD_MEM2 };
	uint32_t b = fuzz_u8(f);
	struct link_vp_fds v = { { LINK_VP_FDS, ++g->seq }, b & 1, 0 };
	struct link_vp_regs r = { { LINK_VP_REGS, ++g->seq }, b & 1,
	    LINK_VP_SCONTROL | LINK_VP_SIMP | LINK_VP_SIEFP,
	    0x100000000ull + (b & 1) * 0x2000, 0x100001000ull };

	if (b & 2) {
		if (b & 4)
			v.vp = fuzz_u32(f);
		say(g, f, &v, sizeof(v), events, 2);
		return;
	}
	if (b & 4)
		r.flags = fuzz_u8(f);
	if (b & 8)
		r.simp = (uint64_t)fuzz_u32(f) << 12;
	if (b & 16)
		r.siefp = fuzz_int(f, 8);
	if (b & 32)
		r.vp = fuzz_u32(f);
	say(g, f, &r, sizeof(r), pages, (r.flags >> 4 & 1) +
	    (r.flags >> 5 & 1));
}

static void
post(struct guest *g, struct fuzz_in *f)
{
	struct link_post p = { { LINK_POST, 0 }, 4, 40, { 0 } };
	uint32_t b = fuzz_u8(f);

	p.payload[0] = (uint8_t)(b & 31);
	if (p.payload[0] == VMBUS_INITIATE_CONTACT) {
		memcpy(p.payload + 8, "\x03\x00\x05\x00\0\0\0\0\x02", 9);
	} else {
		p.connection = 1;
		p.len = fuzz_u8(f);
		fuzz_fill(f, p.payload + 8, min_u32(fuzz_u8(f), 48));
	}
	if (b & 128)
		p.connection = fuzz_u32(f);
	say(g, f, &p, sizeof(p), NULL, 0);
}

static void
simple(struct guest *g, struct fuzz_in *f)
{
	static const uint32_t types[] = { LINK_RESET, LINK_DETACH,
	    LINK_HELLO_ACK, LINK_ACK, LINK_SIGNAL_ADD, LINK_BYE };
	uint32_t b = fuzz_u8(f);
	struct link_simple s = { { types[b < 200 ? 0 : b % ARRAY_LEN(types)],
	    ++g->seq } };

	say(g, f, &s, sizeof(s), NULL, 0);
}

static void
raw(struct guest *g, struct fuzz_in *f)
{
	uint32_t n = fuzz_u16(f) % (LINK_MAX_MSG + 64), len;
	uint8_t *bytes = fuzz_bytes(f, n, &len);

	say(g, f, bytes, len, NULL, 0);
	free(bytes);
}

static void
memory(struct guest *g, struct fuzz_in *f)
{
	uint8_t bytes[64] = { 0 };
	uint32_t n = fuzz_u8(f) % sizeof(bytes);

	fuzz_fill(f, bytes, n);
	if (pwrite(kinds[FD_MEM], bytes, n, fuzz_u16(f)) < 0)
		abort();
	eventfd_write(kinds[FD_EVENT2], 1);
}

/* What the host does with such a guest, and a file that shrinks meanwhile. */
static void
host(struct guest *g, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), page = fuzz_u8(f) % 80;
	uint64_t gpa = 0x100000000ull + page * HV_PAGE_SIZE;
	const uint64_t pfns[] = { gpa >> HV_PAGE_SHIFT,
		(gpa >> HV_PAGE_SHIFT) + (b >> 6), 0x100003 };
	struct partition *part;
	struct part_map map;
	uint8_t *at;

	if (g->vms == NULL || g->over)
		return;
	part = link_host_partition(g->link);
	at = guestmem_ptr(&part->mem, gpa, 1);
	switch (b & 7) {
	case 0:
	case 1:
		cut = b >> 7 == 0;
		fuzz_require(ftruncate(kinds[FD_UNSEALED], cut ? 0 :
		    MEM_BYTES) == 0);
		break;
	case 2:
	case 3:
		if (at != NULL)
			os_st32((uint32_t *)(void *)at, b);
		break;
	case 4: (void)part_miss(part, gpa); break;
	case 5:
		if (part_map_pages(part, pfns, ARRAY_LEN(pfns), &map) == 0) {
			map.va[map.bytes - 1] = 1;
			part_unmap_pages(part, &map);
		}
		break;
	default: (void)part_flag_set(part, page % part->vps, b); break;
	}
}

static void
step(struct guest *g, struct fuzz_in *f)
{
	uint32_t what = fuzz_u8(f) % 12;

	/* Up to 16 messages a turn; before the rest, all are handled. */
	if (what >= 9 || g->steps++ % 16 == 15)
		turn(g);
	switch (what) {
	case 0: hello(g, f); break;
	case 1:
	case 2: mem(g, f); break;
	case 3:
	case 4: vp(g, f); break;
	case 5:
	case 6: post(g, f); break;
	case 7: simple(g, f); break;
	case 8: raw(g, f); break;
	case 9:
	case 10: host(g, f); break;
	default: memory(g, f); break;
	}
	/* What likely ended it: the rest would be sent to nobody. */
	if (what == 0 || what == 8 || g->odd)
		turn(g);
	g->odd = false;
}

/* Descriptors open now: the lowest free numbers tell. */
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
	struct guest g = { .sock = -1 };
	int pair[2], before;
	uint64_t count;

	if (base == NULL)
		kinds_make();
	/* libFuzzer also opens descriptors (a symbolizer), between inputs. */
	before = fds_used();
	if (cut)
		fuzz_require(ftruncate(kinds[FD_UNSEALED], MEM_BYTES) == 0);
	cut = false;
	fuzz_require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair) == 0);
	g.sock = pair[0];
	g.link = link_host_create(base, pair[1], &host_ops, &g);
	fuzz_require(g.link != NULL);
	uint32_t how = fuzz_u8(&f);

	if (how & 1) {
		struct fuzz_in none = { p, 0 };
		/* of kind uio: its memory may be unsealed, and is requested */
		struct fuzz_in uio = { (const uint8_t *)"\4\1", 2 };

		hello(&g, how & 2 ? &uio : &none);
		mem(&g, &none);
		turn(&g);
	}
	while (f.n > 0 && !g.over)
		step(&g, &f);
	turn(&g);
	close(g.sock);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	fuzz_require(g.over);
	if (g.vms != NULL)
		vms_destroy(g.vms);
	link_host_destroy(g.link, LINK_E_SHUTDOWN);
	fuzz_require(g.blocks == 0);
	fuzz_require(fds_used() == before);
	/* Only interrupts are written to a descriptor of the guest. */
	if (poll(&(struct pollfd){ kinds[FD_PIPE_R], POLLIN, 0 }, 1, 0) > 0)
		abort();
	if (read(kinds[FD_EVENT2], &count, sizeof(count)) < 0)
		fuzz_require(errno == EAGAIN);
	return 0;
}
