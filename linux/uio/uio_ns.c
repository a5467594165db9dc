/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount namespace that the program sees.
 *
 * sysfs and devtmpfs are one instance for the whole machine, so nothing is ever
 * made in them: a tmpfs is laid over /sys/bus and over /dev, and what was there
 * is bound or made again in it.  Then our own /sys/bus/vmbus, a hugetlbfs of
 * our own (the files of a killed program go with it) and an empty /run/dpdk are
 * added.  /sys/bus/pci is an empty one, or DPDK would take the machine's own
 * NICs, unless the user wants them.  The namespace ends with its last process.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"

/* Make one entry of the directory that is covered visible again. */
static int
entry_remake(int old, const char *top, const char *name)
{
	char from[320], to[320], target[256];
	struct stat st;
	ssize_t n;

	snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", old, name);
	snprintf(to, sizeof(to), "%s/%s", top, name);
	if (fstatat(old, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;	/* gone meanwhile */
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		if (mkdir(to, 0755) < 0)
			return -errno;
		return mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0 ?
		    -errno : 0;
	case S_IFLNK:
		n = readlinkat(old, name, target, sizeof(target) - 1);
		if (n < 0)
			return 0;
		target[n] = '\0';
		return symlink(target, to) < 0 ? -errno : 0;
	case S_IFCHR:
	case S_IFBLK:
		if (mknod(to, st.st_mode, st.st_rdev) < 0)
			return -errno;
		return chmod(to, st.st_mode & 07777) < 0 ? -errno : 0;
	default:
		return 0;
	}
}

/* Names that our own part takes, and what is hidden. */
static bool
entry_ours(const char *name, bool pci)
{
	if (!pci && strcmp(name, "pci") == 0)
		return true;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, "vmbus") == 0 || strncmp(name, "uio", 3) == 0 ||
	    strcmp(name, "hugepages") == 0;
}

/* Lay a tmpfs over a directory and remake its entries there. */
static int
cover(const char *top, bool pci)
{
	int old = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	int rc = 0;
	DIR *d;

	if (old < 0)
		return -errno;
	d = fdopendir(old);
	if (d == NULL) {
		close(old);
		return -ENOMEM;
	}
	if (mount("hvnet", top, "tmpfs", MS_NOSUID, "mode=755") < 0)
		rc = -errno;
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (!entry_ours(e->d_name, pci))
			rc = entry_remake(old, top, e->d_name);
	closedir(d);
	return rc;
}

static int
ns_fail(const char *what, int rc, char *err, size_t cap)
{
	snprintf(err, cap, "%s: %s", what, strerror(-rc));
	return -1;
}

int
uio_ns_enter(bool huge, bool pci, char *err, size_t cap)
{
	int rc;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return ns_fail("a mount namespace", -errno, err, cap);
	rc = cover("/sys/bus", pci);
	if (rc < 0)
		return ns_fail("covering /sys/bus", rc, err, cap);
	if (mkdir("/sys/bus/vmbus", 0755) < 0 ||
	    mkdir("/sys/bus/vmbus/devices", 0755) < 0)
		return ns_fail("/sys/bus/vmbus", -errno, err, cap);
	if (!pci && (mkdir("/sys/bus/pci", 0755) < 0 ||
	    mkdir("/sys/bus/pci/devices", 0755) < 0 ||
	    mkdir("/sys/bus/pci/drivers", 0755) < 0))
		return ns_fail("/sys/bus/pci", -errno, err, cap);
	rc = cover("/dev", true);
	if (rc < 0)
		return ns_fail("covering /dev", rc, err, cap);
	if (mkdir(UIO_HUGE_DIR, 0755) < 0)
		return ns_fail(UIO_HUGE_DIR, -errno, err, cap);
	if (mount("hvnet", UIO_HUGE_DIR, "hugetlbfs", 0, NULL) < 0 && huge)
		return ns_fail("mounting hugetlbfs", -errno, err, cap);
	if (mkdir("/run/dpdk", 0755) < 0 && errno != EEXIST)
		return ns_fail("/run/dpdk", -errno, err, cap);
	if (mount("hvnet", "/run/dpdk", "tmpfs", MS_NOSUID, "mode=755") < 0)
		return ns_fail("a tmpfs on /run/dpdk", -errno, err, cap);
	return 0;
}
