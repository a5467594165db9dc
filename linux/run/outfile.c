/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that a process writes while it runs.
 *
 * Theory of operation.  Records gather in the stream's buffer and go to the
 * file at a flush.  `good` is the file's size after the last flush that
 * succeeded.  A write that fails may have left a part of a record, so the file
 * is cut back to `good`; the records since then are lost, and all later ones,
 * even if there is room again: a file with a hole in it would look whole.
 *
 * Only regular files are locked (flock(), so also against another file= of the
 * same process) and cut; /dev/null may be everybody's.
 */
#include "linux/run/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/run/text.h"

struct outfile {
	FILE *f;
	char *path;
	bool regular;
	bool dead;
	int err;		/* of the first write that failed, or 0 */
	off_t good;
	uint64_t pending;	/* records since the last flush */
	uint64_t lost;
};

static int any_failed;

static bool
file_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Nobody else has the regular file behind fd: 0, or -errno. */
static int
file_lock(int fd, int how)
{
	if (file_regular(fd) && flock(fd, how | LOCK_NB) < 0)
		return -errno;
	return 0;
}

static void
outfile_refuse(const char *path, int err, const char *busy, char *text,
    size_t cap)
{
	char shown[512];

	snprintf(text, cap, "%s: %s", text_show(shown, sizeof(shown), path),
	    err == EWOULDBLOCK ? busy : strerror(err));
}

/* The file is ours: begin at its end, or empty it.  0, or -errno. */
static int
outfile_begin(struct outfile *o, int fd, bool keep)
{
	o->regular = file_regular(fd);
	if (!o->regular)
		return 0;
	if (!keep)
		return ftruncate(fd, 0) < 0 ? -errno : 0;
	o->good = lseek(fd, 0, SEEK_END);
	return o->good < 0 ? -errno : 0;
}

static struct outfile *
outfile_make(const char *path, bool keep, char *err, size_t cap)
{
	struct outfile *o = calloc(1, sizeof(*o));
	int fd, rc;

	if (o == NULL || (o->path = strdup(path)) == NULL) {
		free(o);
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	if (strcmp(path, "-") == 0) {
		o->f = stderr;
		return o;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	rc = fd < 0 ? -errno : file_lock(fd, LOCK_EX);
	if (rc == 0)
		rc = outfile_begin(o, fd, keep);
	if (rc == 0 && (o->f = fdopen(fd, "w")) == NULL)
		rc = -errno;
	if (rc == 0)
		return o;
	outfile_refuse(path, -rc, "somebody else writes or replays it", err,
	    cap);
	if (fd >= 0)
		close(fd);
	free(o->path);
	free(o);
	return NULL;
}

struct outfile *
outfile_open(const char *path, char *err, size_t cap)
{
	return outfile_make(path, false, err, cap);
}

struct outfile *
outfile_append(const char *path, char *err, size_t cap)
{
	return outfile_make(path, true, err, cap);
}

bool
outfile_moved(const struct outfile *o)
{
	struct stat ours, named;

	return o->regular && fstat(fileno(o->f), &ours) == 0 &&
	    (stat(o->path, &named) < 0 || ours.st_ino != named.st_ino ||
	    ours.st_dev != named.st_dev);
}

bool
outfile_reopen(struct outfile **o, struct outfile *(*open)(const char *,
    char *, size_t))
{
	struct outfile *fresh;
	char err[512];

	if (!outfile_moved(*o))
		return false;
	fresh = open((*o)->path, err, sizeof(err));
	if (fresh == NULL) {
		fprintf(stderr, "hvnet: opening it again: %s; the old file is "
		    "written on\n", err);
		return false;
	}
	outfile_close(*o);
	*o = fresh;
	return true;
}

static void
outfile_fail(struct outfile *o, int err)
{
	char shown[512];

	o->dead = true;
	__fpurge(o->f);		/* fclose() would write it once more */
	o->lost += o->pending;
	o->pending = 0;
	__atomic_store_n(&any_failed, 1, __ATOMIC_RELAXED);
	if (o->regular && ftruncate(fileno(o->f), o->good) < 0)
		err = errno;
	if (o->f != stderr)
		fprintf(stderr, "hvnet: %s: %s; nothing more is written to "
		    "it\n", text_show(shown, sizeof(shown), o->path),
		    strerror(err));
}

FILE *
outfile_record(struct outfile *o)
{
	if (o->dead) {
		o->lost++;
		return NULL;
	}
	o->pending++;
	return o->f;
}

void
outfile_put(struct outfile *o, const void *p, size_t bytes)
{
	errno = 0;
	/* A full buffer goes to the file. */
	if (fwrite(p, 1, bytes, o->f) != bytes && o->err == 0)
		o->err = errno;
}

void
outfile_flush(struct outfile *o)
{
	if (o->dead || o->pending == 0)
		return;
	errno = 0;
	if (fflush(o->f) != 0 || ferror(o->f)) {
		if (o->err == 0)
			o->err = errno != 0 ? errno : EIO;
		outfile_fail(o, o->err);
		return;
	}
	o->pending = 0;
	if (o->regular)
		o->good = ftello(o->f);
}

void
outfile_close(struct outfile *o)
{
	if (o == NULL)
		return;
	outfile_flush(o);
	if (o->f != stderr && fclose(o->f) != 0 && !o->dead)
		__atomic_store_n(&any_failed, 1, __ATOMIC_RELAXED);
	free(o->path);
	free(o);
}

uint64_t
outfile_lost(const struct outfile *o)
{
	return o->lost;
}

bool
outfile_failed(void)
{
	return __atomic_load_n(&any_failed, __ATOMIC_RELAXED) != 0;
}

FILE *
outfile_read(const char *path, char *err, size_t cap)
{
	FILE *f = fopen(path, "re");
	int rc = f == NULL ? -errno : file_lock(fileno(f), LOCK_SH);

	if (rc == 0)
		return f;
	outfile_refuse(path, -rc, "somebody else writes it", err, cap);
	if (f != NULL)
		fclose(f);
	return NULL;
}
