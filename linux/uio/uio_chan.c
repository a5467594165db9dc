/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the stand-in shares with the program and the host: files and channels.
 *
 * Every part of memory that the program maps is a sealed memory file, at the
 * offset where the program will map it, and a region of guest memory at an
 * address that no program's own address, virtual or physical, can be.  The
 * channel is opened again, with zeroed rings, for each program.
 */
#include <errno.h>
#include <fcntl.h>
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

/* --- channels --- */

int
uio_chan_begin(struct chan *c, const struct uio_file *ring)
{
	const struct chan_open o = { .ring = ring->mem,
		.to_host_bytes = ring->mem.bytes / 2 };

	return c->ops->open(c, &o);
}

int
uio_channel_open(struct uio *u)
{
	int rc;

	u->state = UIO_OPENING;
	rc = uio_chan_begin(u->primary, &u->map[UIO_MAP_RINGS]);
	if (rc < 0)
		u->state = UIO_READY;
	return rc;
}

int
uio_channel_close(struct uio *u)
{
	int rc;

	u->state = UIO_CLOSING;
	for (uint32_t i = 1; i < UIO_MAX_QUEUES; i++)
		uio_tree_sub_remove(u, i);
	rc = u->primary->ops->close(u->primary);
	if (rc < 0)
		u->state = UIO_READY;
	return rc;
}
