/*
 * The VMBus end of the stand-in: a client without a NetVSC.
 *
 * Every part of memory that the program maps is a sealed memory file, at the
 * offset where the program will map it, and a region of guest memory at an
 * address that no program's own address, virtual or physical, can be.  Receive
 * and send buffer are announced once (their GPADL numbers stand in the names of
 * the maps, which a program reads before it opens the device) and live as long
 * as the process.  The channel is opened anew, with zeroed rings, for each
 * program.  Sub-channels are opened when the host offers them, which it does
 * when the program asks it to in the ring, and only then shown to the program.
 *
 * Nobody here touches a ring after it was opened: the program does.  As
 * uio_hv_generic does, its interrupt mask is set; the program polls.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"

/* --- memory --- */

static int
file_create(struct uio_file *f, const char *name, uint64_t bytes)
{
	struct stat st;

	f->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (f->fd < 0)
		return -errno;
	if (ftruncate(f->fd, (off_t)bytes) < 0 ||
	    fcntl(f->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0 ||
	    fstat(f->fd, &st) < 0)
		return -errno;
	f->ino = st.st_ino;
	return 0;
}

/* Make part of a file guest memory at gpa. */
static int
file_hand_over(struct uio *u, const struct uio_file *f, uint64_t gpa,
    uint64_t offset, uint32_t bytes)
{
	int rc = link_guest_region_add(u->link, gpa, bytes, f->fd, offset);

	return rc > 0 ? -EINVAL : rc;
}

static uint64_t
gpa_take(struct uio *u, uint32_t bytes)
{
	uint64_t gpa = u->next_gpa;

	u->next_gpa += bytes;
	return gpa;
}

int
uio_file_make(struct uio *u, struct uio_file *f, const char *name,
    uint64_t offset, uint32_t bytes)
{
	int rc = file_create(f, name, offset + bytes);
	void *va;

	if (rc < 0)
		return rc;
	if (bytes == 0)
		return 0;
	va = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd,
	    (off_t)offset);
	if (va == MAP_FAILED)
		return -errno;
	f->mem = (struct chan_mem){ .va = va, .gpa = gpa_take(u, bytes),
		.bytes = bytes };
	return file_hand_over(u, f, f->mem.gpa, offset, bytes);
}

void
uio_file_close(struct uio_file *f)
{
	if (f->mem.va != NULL)
		munmap(f->mem.va, f->mem.bytes);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct uio_file){ .fd = -1 };
}

/*
 * VMBus wants three pages side by side: monitor to guest, monitor to host,
 * interrupt.  The program wants the interrupt page at page 1 of one file and
 * the monitor page at page 2 of another.  So the three are put together.
 */
int
uio_pages_make(struct uio *u)
{
	struct uio_file *irq = &u->map[UIO_MAP_INT];
	struct uio_file *mon = &u->map[UIO_MAP_MONITOR];
	const struct {
		struct uio_file *file;
		uint64_t offset;
	} page[3] = { { irq, 0 }, { mon, 2 * HV_PAGE_SIZE },
		{ irq, HV_PAGE_SIZE } };
	uint64_t gpa = gpa_take(u, 3 * HV_PAGE_SIZE);
	uint8_t *va = mmap(NULL, 3 * HV_PAGE_SIZE, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	int rc = va == MAP_FAILED ? -errno : 0;

	if (rc == 0)
		rc = file_create(irq, "hvnet-int", 2 * HV_PAGE_SIZE);
	if (rc == 0)
		rc = file_create(mon, "hvnet-monitor", 3 * HV_PAGE_SIZE);
	for (uint32_t i = 0; rc == 0 && i < 3; i++) {
		if (mmap(va + i * HV_PAGE_SIZE, HV_PAGE_SIZE, PROT_READ |
		    PROT_WRITE, MAP_SHARED | MAP_FIXED, page[i].file->fd,
		    (off_t)page[i].offset) == MAP_FAILED)
			rc = -errno;
		else
			rc = file_hand_over(u, page[i].file,
			    gpa + i * HV_PAGE_SIZE, page[i].offset,
			    HV_PAGE_SIZE);
	}
	if (rc < 0)
		return rc;
	u->pages = (struct chan_mem){ .va = va, .gpa = gpa,
		.bytes = 3 * HV_PAGE_SIZE };
	/* What the files' sizes in sysfs say. */
	irq->mem.bytes = mon->mem.bytes = HV_PAGE_SIZE;
	return 0;
}

/* --- what vmc needs --- */

static void *
uio_alloc(void *ctx, size_t bytes)
{
	return calloc(1, bytes);
}

static void
uio_free(void *ctx, void *p, size_t bytes)
{
	free(p);
}

/* Called once, for the three pages. */
static int
uio_mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	struct uio *u = ctx;

	if (bytes != u->pages.bytes)
		return E_NOMEM;
	*out = u->pages;
	return 0;
}

static void
uio_mem_free(void *ctx, struct chan_mem *m)
{
	*m = (struct chan_mem){ 0 };
}

static int
uio_post(void *ctx, uint32_t conn_id, const void *msg, uint32_t len)
{
	struct uio *u = ctx;

	return link_guest_post(u->link, conn_id, msg, len);
}

static void
uio_hypercall(void *ctx, uint32_t conn_id)
{
	struct uio *u = ctx;

	link_guest_signal(u->link, conn_id);
}

static void
uio_eom(void *ctx, uint32_t vp)
{
	struct uio *u = ctx;

	link_guest_eom(u->link, vp);
}

static void
uio_trace(void *ctx, bool to_host, struct span msg)
{
	struct uio *u = ctx;

	transcript_line(u->transcript, u->cfg.name, !to_host,
	    TRANSCRIPT_VMBUS, msg);
}

/* --- sub-channels --- */

static bool
chan_ready(struct chan *c, uint32_t budget)
{
	return false;	/* the program's, who polls */
}

static void
sub_opened(struct chan *c, int err)
{
	struct uio *u = c->user;
	int rc = err;

	if (err == 0) {
		chan_irq_mask(c);
		rc = uio_tree_sub_add(u, c->subindex);
	}
	if (rc < 0)
		fprintf(stderr, "hvnet uio: sub-channel %u: %s\n", c->subindex,
		    err < 0 ? hv_err_name(err) : strerror(-rc));
}

static void
sub_closed(struct chan *c, int err)
{
}

static void
sub_rescinded(struct chan *c)
{
	struct uio *u = c->user;

	uio_tree_sub_remove(u, c->subindex);
	(void)c->ops->close(c);
}

static const struct chan_events sub_events = {
	.ready = chan_ready,
	.opened = sub_opened,
	.closed = sub_closed,
	.rescinded = sub_rescinded,
};

static int
chan_begin(struct uio *u, struct chan *c, const struct uio_file *ring)
{
	const struct chan_open o = { .ring = ring->mem,
		.to_host_bytes = ring->mem.bytes / 2 };

	return c->ops->open(c, &o);
}

static void
primary_subchannel(struct chan *primary, struct chan *c)
{
	struct uio *u = primary->user;
	struct uio_sub *s;
	int rc = 0;

	if (c->subindex == 0 || c->subindex >= UIO_MAX_QUEUES)
		return;
	s = &u->sub[c->subindex];
	c->events = &sub_events;
	c->user = u;
	s->chan = c;
	if (s->ring.fd < 0)
		rc = uio_file_make(u, &s->ring, "hvnet-ring", 0,
		    2 * u->cfg.ring_bytes);
	if (rc == 0)
		rc = chan_begin(u, c, &s->ring);
	if (rc < 0)
		fprintf(stderr, "hvnet uio: sub-channel %u cannot be opened\n",
		    c->subindex);
}

/* --- the primary --- */

static void
primary_opened(struct chan *c, int err)
{
	struct uio *u = c->user;

	if (err == 0)
		chan_irq_mask(c);
	u->state = err == 0 ? UIO_OPEN : UIO_READY;
	uio_on_opened(u, err);
}

static void
primary_closed(struct chan *c, int err)
{
	struct uio *u = c->user;

	u->state = UIO_READY;
	uio_on_closed(u);
}

static int
buffer_announce(struct uio *u, enum uio_map map)
{
	return u->primary->ops->gpadl_create(u->primary, &u->map[map].mem,
	    &u->gpadl[map]);
}

static void
primary_gpadl_created(struct chan *c, uint32_t gpadl, int err)
{
	struct uio *u = c->user;

	if (err < 0)
		uio_over(u, UIO_REFUSED, "the host did not take the %s buffer: "
		    "%s", gpadl == u->gpadl[UIO_MAP_RECV] ? "receive" : "send",
		    hv_err_name(err));
	else if (gpadl == u->gpadl[UIO_MAP_RECV])
		(void)buffer_announce(u, UIO_MAP_SEND);
	else
		uio_on_ready(u);
}

static void
primary_gpadl_torndown(struct chan *c, uint32_t gpadl, int err)
{
}

static void
primary_rescinded(struct chan *c)
{
	struct uio *u = c->user;

	(void)c->ops->close(c);
	uio_over(u, UIO_LOST, "the host took the NIC back");
}

static const struct chan_events primary_events = {
	.ready = chan_ready,
	.opened = primary_opened,
	.closed = primary_closed,
	.gpadl_created = primary_gpadl_created,
	.gpadl_torndown = primary_gpadl_torndown,
	.subchannel = primary_subchannel,
	.rescinded = primary_rescinded,
};

static void
uio_on_offer(void *ctx, struct chan *c)
{
	struct uio *u = ctx;

	if (!hv_guid_equal(&c->type, &hv_guid_nic) || u->primary != NULL)
		return;
	if (vmc_chan_monitor(c) < 0) {
		uio_over(u, UIO_REFUSED, "the host gave the NIC no monitor id, "
		    "and DPDK's driver needs one to signal");
		return;
	}
	c->events = &primary_events;
	c->user = u;
	u->primary = c;
	if (buffer_announce(u, UIO_MAP_RECV) < 0)
		uio_over(u, UIO_REFUSED, "the receive buffer cannot be "
		    "announced");
}

static void
uio_on_gone(void *ctx, struct chan *c)
{
	struct uio *u = ctx;

	if (u->primary == c)
		u->primary = NULL;
	for (uint32_t i = 1; i < UIO_MAX_QUEUES; i++)
		if (u->sub[i].chan == c)
			u->sub[i].chan = NULL;
}

static void
uio_on_connected(void *ctx, int version_or_err)
{
	struct uio *u = ctx;

	if (version_or_err < 0)
		uio_over(u, UIO_REFUSED, "the host accepted none of our VMBus "
		    "versions (%s)", hv_err_name(version_or_err));
	else if (u->primary == NULL)
		uio_over(u, UIO_REFUSED, "the host has no free NIC%s%s",
		    u->cfg.nic[0] != '\0' ? " of the name " : "", u->cfg.nic);
}

static void
uio_on_unloaded(void *ctx)
{
}

const struct vmc_ops uio_vmc_ops = {
	.post_message = uio_post,
	.signal_event = uio_hypercall,
	.eom = uio_eom,
	.alloc = uio_alloc,
	.free = uio_free,
	.mem_alloc = uio_mem_alloc,
	.mem_free = uio_mem_free,
	.connected = uio_on_connected,
	.offer = uio_on_offer,
	.gone = uio_on_gone,
	.unloaded = uio_on_unloaded,
	.trace = uio_trace,
};

void
uio_channel_open(struct uio *u)
{
	int rc;

	u->state = UIO_OPENING;
	rc = chan_begin(u, u->primary, &u->map[UIO_MAP_RINGS]);
	if (rc < 0)
		primary_opened(u->primary, rc);
}

void
uio_channel_close(struct uio *u)
{
	u->state = UIO_CLOSING;
	for (uint32_t i = 1; i < UIO_MAX_QUEUES; i++)
		uio_tree_sub_remove(u, i);
	if (u->primary->ops->close(u->primary) < 0)
		primary_closed(u->primary, 0);
}
