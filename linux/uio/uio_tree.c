/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that Linux's vmbus and uio_hv_generic show a user-space driver,
 * made in the namespace's own /sys/bus/vmbus and /dev (facts: Linux vmbus_drv.c
 * and uio_hv_generic.c).
 *
 * The program scans devices/ when it starts and channels/ while it waits for
 * sub-channels; a name that begins with a dot is not looked at, so whatever is
 * made is complete before it is renamed into its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"
#include "wire/guid.h"

#define TREE_DEVICES	"/sys/bus/vmbus/devices"
#define TREE_NEW	TREE_DEVICES "/.new"
#define TREE_PATH	160

static int
tree_write(const char *dir, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
tree_write(const char *dir, const char *name, const char *fmt, ...)
{
	char path[TREE_PATH], text[128];
	int fd, n, rc = 0;
	va_list ap;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)n) != n)
		rc = -EIO;
	close(fd);
	return rc;
}

static int
tree_mkdir(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
tree_mkdir(const char *fmt, ...)
{
	char path[TREE_PATH];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return mkdir(path, 0755) < 0 ? -errno : 0;
}

/* Opening it opens the memory file itself, in whatever process. */
static void
tree_file_target(const struct uio_file *f, char *out, size_t cap)
{
	snprintf(out, cap, "/proc/%d/fd/%d", (int)getpid(), f->fd);
}

/* One channel's directory, named dir. */
static int
tree_channel(const char *dir, const struct chan *c, const struct uio_file *ring)
{
	char target[64], link[TREE_PATH];
	int rc = mkdir(dir, 0755) < 0 ? -errno : 0;

	if (rc == 0)
		rc = tree_write(dir, "subchannel_id", "%u\n", c->subindex);
	if (rc == 0)
		rc = tree_write(dir, "monitor_id", "%d\n",
		    vmc_chan_monitor(c));
	if (rc < 0)
		return rc;
	tree_file_target(ring, target, sizeof(target));
	snprintf(link, sizeof(link), "%s/ring", dir);
	return symlink(target, link) < 0 ? -errno : 0;
}

static int
tree_maps(const struct uio *u)
{
	static const char *const names[UIO_MAPS] = { "txrx_rings", "int_page",
		"monitor_page", "recv", "send" };
	char dir[TREE_PATH];
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < UIO_MAPS; i++) {
		snprintf(dir, sizeof(dir), TREE_NEW "/uio/uio0/maps/map%u", i);
		rc = mkdir(dir, 0755) < 0 ? -errno : 0;
		if (rc == 0 && u->gpadl[i] != 0)
			rc = tree_write(dir, "name", "%s:%u\n", names[i],
			    u->gpadl[i]);
		else if (rc == 0)
			rc = tree_write(dir, "name", "%s\n", names[i]);
		if (rc == 0)
			rc = tree_write(dir, "size", "0x%016x\n",
			    u->map[i].mem.bytes);
		if (rc == 0)
			rc = tree_write(dir, "addr", "0x%016x\n", 0);
		if (rc == 0)
			rc = tree_write(dir, "offset", "0x%x\n", 0);
	}
	return rc;
}

int
uio_tree_make(struct uio *u)
{
	char type[HV_GUID_TEXT_LEN + 1], id[HV_GUID_TEXT_LEN + 1];
	char path[TREE_PATH];
	int rc;

	hv_guid_format(&u->primary->type, type);
	hv_guid_format(&u->primary->instance, id);
	rc = tree_mkdir(TREE_NEW);
	if (rc == 0)
		rc = tree_write(TREE_NEW, "class_id", "{%s}\n", type);
	if (rc == 0)
		rc = tree_write(TREE_NEW, "device_id", "{%s}\n", id);
	if (rc == 0)
		rc = tree_write(TREE_NEW, "id", "%u\n", u->primary->relid);
	if (rc == 0)
		rc = tree_write(TREE_NEW, "monitor_id", "%d\n",
		    vmc_chan_monitor(u->primary));
	if (rc == 0)
		rc = tree_write(TREE_NEW, "numa_node", "0\n");
	if (rc == 0)
		rc = tree_mkdir(TREE_NEW "/uio");
	if (rc == 0)
		rc = tree_mkdir(TREE_NEW "/uio/uio0");
	if (rc == 0)
		rc = tree_mkdir(TREE_NEW "/uio/uio0/maps");
	if (rc == 0)
		rc = tree_maps(u);
	if (rc == 0)
		rc = tree_mkdir(TREE_NEW "/channels");
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), TREE_NEW "/channels/%u",
	    u->primary->relid);
	rc = tree_channel(path, u->primary, &u->map[UIO_MAP_RINGS]);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), TREE_DEVICES "/%s", id);
	return rename(TREE_NEW, path) < 0 ? -errno : 0;
}

/* channels/<dot>relid of the device. */
static void
tree_sub_path(const struct uio *u, uint32_t subindex, const char *dot,
    char *out, size_t cap)
{
	char id[HV_GUID_TEXT_LEN + 1];

	hv_guid_format(&u->primary->instance, id);
	snprintf(out, cap, TREE_DEVICES "/%s/channels/%s%u", id, dot,
	    u->sub[subindex].chan->relid);
}

int
uio_tree_sub_add(struct uio *u, uint32_t subindex)
{
	struct uio_sub *s = &u->sub[subindex];
	char made[TREE_PATH], path[TREE_PATH];
	int rc;

	tree_sub_path(u, subindex, ".", made, sizeof(made));
	tree_sub_path(u, subindex, "", path, sizeof(path));
	rc = tree_channel(made, s->chan, &s->ring);
	if (rc < 0)
		return rc;
	if (rename(made, path) < 0)
		return -errno;
	s->shown = true;
	return 0;
}

void
uio_tree_sub_remove(struct uio *u, uint32_t subindex)
{
	static const char *const files[] = { "ring", "subchannel_id",
		"monitor_id" };
	struct uio_sub *s = &u->sub[subindex];
	char dir[TREE_PATH], path[TREE_PATH + 20];

	if (!s->shown)
		return;
	s->shown = false;
	tree_sub_path(u, subindex, "", dir, sizeof(dir));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

int
uio_tree_point(const struct uio *u, const struct uio_file *f)
{
	char target[64];

	tree_file_target(f, target, sizeof(target));
	unlink("/dev/.uio0");
	if (symlink(target, "/dev/.uio0") < 0 ||
	    rename("/dev/.uio0", "/dev/uio0") < 0)
		return -errno;
	return 0;
}
