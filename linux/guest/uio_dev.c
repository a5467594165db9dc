/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of uio_hv_generic (Linux drivers/uio): the device directory in
 * /sys/bus/vmbus/devices says which /dev/uioN it is, what the maps are called
 * and how long they are; the names of the buffers carry their GPADL numbers.
 *
 * The first open holds the device.  Each map goes through an open of its own,
 * in order: that is how DPDK does it, and what `hvnet uio` therefore serves.
 */
#include "linux/guest/uio_dev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"
#include "wire/synic_wire.h"

#define DEV_ROOT	"/sys/bus/vmbus/devices"
#define DEV_PATH	400
/* Policy: no map of a NIC is longer; keeps sizes in 32 bits. */
#define DEV_MAP_MAX	(1u << 30)

static const char *const dev_map_names[UIO_DEV_MAPS] = {
	"txrx_rings", "int_page", "monitor_page", "recv:", "send:"
};

/* First line of dir/name without its end; false: none. */
static bool
dev_text(const char *dir, const char *name, char *out, size_t cap)
{
	char path[DEV_PATH];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, out, cap - 1);
	close(fd);
	if (n < 0)
		return false;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static bool
dev_number(const char *dir, const char *name, uint32_t *out)
{
	char text[64], *end;
	unsigned long v;

	if (!dev_text(dir, name, text, sizeof(text)))
		return false;
	errno = 0;
	v = strtoul(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static int
dev_monitor(const char *dir)
{
	uint32_t id;

	return dev_number(dir, "monitor_id", &id) &&
	    id < SYNIC_MONITOR_GROUPS * 32u ? (int)id : -1;
}

/* The directory of the device that has /dev/uio<number>. */
static bool
dev_find(struct uio_dev *d, uint32_t number)
{
	char path[DEV_PATH];
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir(DEV_ROOT);

	while (!found && dir != NULL && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || strlen(e->d_name) > 64)
			continue;
		snprintf(d->dir, sizeof(d->dir), DEV_ROOT "/%.64s",
		    e->d_name);
		snprintf(path, sizeof(path), "%s/uio/uio%u", d->dir, number);
		found = access(path, F_OK) == 0;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static int
dev_identify(struct uio_dev *d, char *err, size_t cap)
{
	char type[64], id[64];

	if (!dev_text(d->dir, "class_id", type, sizeof(type)) ||
	    !hv_guid_parse(&d->type, type) ||
	    !dev_text(d->dir, "device_id", id, sizeof(id)) ||
	    !hv_guid_parse(&d->instance, id) ||
	    !dev_number(d->dir, "id", &d->relid)) {
		snprintf(err, cap, "%s: no class_id, device_id or id as a "
		    "VMBus device has them", d->dir);
		return -1;
	}
	if (!hv_guid_equal(&d->type, &hv_guid_nic)) {
		snprintf(err, cap, "%s: its class is %s, not a NIC's", d->dir,
		    type);
		return -1;
	}
	d->monitor = dev_monitor(d->dir);
	return 0;
}

/* Name and size of map i. */
static int
dev_map_read(struct uio_dev *d, uint32_t i, char *err, size_t cap)
{
	const char *want = dev_map_names[i];
	char dir[DEV_PATH - 64], name[64];
	uint32_t bytes;

	snprintf(dir, sizeof(dir), "%s/uio/uio%u/maps/map%u", d->dir,
	    d->number, i);
	if (!dev_text(dir, "name", name, sizeof(name)) ||
	    !dev_number(dir, "size", &bytes) ||
	    strncmp(name, want, strlen(want)) != 0 || bytes == 0 ||
	    bytes > DEV_MAP_MAX || bytes % HV_PAGE_SIZE != 0) {
		snprintf(err, cap, "%s: not the map %s of uio_hv_generic",
		    dir, want);
		return -1;
	}
	d->map[i].bytes = bytes;
	if (i >= UIO_DEV_RECV)
		d->map[i].gpadl = (uint32_t)strtoul(name + strlen(want), NULL,
		    0);
	return 0;
}

/*
 * A device that the host has taken back has no more pages to give: who touches
 * one for the first time then gets SIGBUS.  So all of them are touched now; not
 * those of `hvnet uio`, which are files and stay.
 */
static int
dev_map(struct uio_dev *d, const char *path, uint32_t i)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), flags = MAP_SHARED;
	struct stat st;
	void *va;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))
		flags |= MAP_POPULATE;
	va = mmap(NULL, d->map[i].bytes, PROT_READ | PROT_WRITE, flags, fd,
	    (off_t)i * HV_PAGE_SIZE);
	close(fd);
	if (va == MAP_FAILED)
		return -1;
	d->map[i].va = va;
	return 0;
}

int
uio_dev_take(struct uio_dev *d, char *err, size_t cap)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/uio%u", d->number);
	d->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (d->fd < 0) {
		snprintf(err, cap, "%s: %s", path, strerror(errno));
		return -1;
	}
	for (uint32_t i = 0; i < UIO_DEV_MAPS; i++)
		if (dev_map(d, path, i) < 0) {
			snprintf(err, cap, "%s: map %u (%s): %s", path, i,
			    dev_map_names[i], strerror(errno));
			uio_dev_close(d);
			return -1;
		}
	return 0;
}

int
uio_dev_find(struct uio_dev *d, uint32_t number, char *err, size_t cap)
{
	*d = (struct uio_dev){ .fd = -1, .number = number };
	if (!dev_find(d, number)) {
		snprintf(err, cap, "no device in " DEV_ROOT " has uio%u: bind "
		    "a NIC to uio_hv_generic first (docs/azure.md)", number);
		return -1;
	}
	if (dev_identify(d, err, cap) < 0)
		return -1;
	for (uint32_t i = 0; i < UIO_DEV_MAPS; i++)
		if (dev_map_read(d, i, err, cap) < 0)
			return -1;
	return 0;
}

void
uio_dev_close(struct uio_dev *d)
{
	for (uint32_t i = 0; i < UIO_DEV_MAPS; i++)
		if (d->map[i].va != NULL)
			munmap(d->map[i].va, d->map[i].bytes);
	if (d->fd >= 0)
		close(d->fd);
	*d = (struct uio_dev){ .fd = -1 };
}

bool
uio_dev_present(const struct uio_dev *d)
{
	return access(d->dir, F_OK) == 0;
}

bool
uio_dev_event(const struct uio_dev *d)
{
	int32_t count;

	return read(d->fd, &count, sizeof(count)) >= 0 || errno != EIO;
}

uint32_t
uio_dev_subs(const struct uio_dev *d, struct uio_dev_sub *out, uint32_t cap)
{
	char path[DEV_PATH - 64];
	uint32_t n = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/channels", d->dir);
	dir = opendir(path);
	while (n < cap && dir != NULL && (e = readdir(dir)) != NULL) {
		struct uio_dev_sub *s = &out[n];

		/* A name that is no number reads as 0, which none has. */
		s->relid = (uint32_t)strtoul(e->d_name, NULL, 10);
		snprintf(path, sizeof(path), "%s/channels/%.16s", d->dir,
		    e->d_name);
		if (s->relid == 0 || s->relid == d->relid ||
		    !dev_number(path, "subchannel_id", &s->subindex) ||
		    s->subindex == 0)
			continue;
		s->monitor = dev_monitor(path);
		/* The kernel makes the directory, opens, then makes this. */
		snprintf(path, sizeof(path), "%s/channels/%.16s/ring", d->dir,
		    e->d_name);
		s->ring = access(path, F_OK) == 0;
		n++;
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

void *
uio_dev_ring_map(const struct uio_dev *d, uint32_t relid, uint32_t *bytes)
{
	char path[DEV_PATH];
	struct stat st;
	void *va = MAP_FAILED;
	int fd;

	snprintf(path, sizeof(path), "%s/channels/%u/ring", d->dir, relid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= DEV_MAP_MAX)
		va = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	close(fd);
	if (va == MAP_FAILED)
		return NULL;
	*bytes = (uint32_t)st.st_size;
	return va;
}
