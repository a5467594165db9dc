/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Change a host's configuration file in place.
 *
 * Theory of operation.  The file is an array of lines; host_conf_read() has
 * found it right, so a section begins at each line whose first character is
 * '[', and keys are what host_conf.c takes for keys.  The new file is written
 * beside the old one, read back by the same parser, and renamed: at every
 * moment the path is one whole file.
 *
 * A lock on the file keeps a second editor away.  It belongs to the file and
 * not to the name, so who waited looks whether the name is still that file.
 */
#include "cli/conf_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "linux/host/host_conf.h"

struct conf_edit {
	char path[4096];
	char temp[4096 + 16];
	bool made;		/* temp is there */
	int lock;
	struct stat st;
	char **line;		/* without its end */
	size_t lines;
};

static void *
edit_need(void *p)
{
	if (p == NULL)
		exit(cli_fail(CLI_FAILED, "out of memory"));
	return p;
}

/* --- lines --- */

/* Put a line (consumed) before line i. */
static void
line_insert(struct conf_edit *e, size_t i, char *text)
{
	e->line = edit_need(realloc(e->line, (e->lines + 1) *
	    sizeof(*e->line)));
	memmove(&e->line[i + 1], &e->line[i], (e->lines - i) *
	    sizeof(*e->line));
	e->line[i] = edit_need(text);
	e->lines++;
}

static void
line_remove(struct conf_edit *e, size_t i)
{
	free(e->line[i]);
	e->lines--;
	memmove(&e->line[i], &e->line[i + 1], (e->lines - i) *
	    sizeof(*e->line));
}

static const char *
line_first(const char *line)
{
	return line + strspn(line, " \t");
}

/* The line is "[nic NAME]" of this name. */
static bool
line_begins(const char *line, const char *nic)
{
	const char *p = line_first(line), *end = strchr(p, ']');

	if (strncmp(p, "[nic ", 5) != 0 || end == NULL)
		return false;
	p = line_first(p + 5);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (size_t)(end - p) == strlen(nic) &&
	    strncmp(p, nic, (size_t)(end - p)) == 0;
}

/* The line has a key; *len: of its name, at line_first(). */
static bool
line_has_key(const char *line, size_t *len)
{
	const char *p = line_first(line);

	*len = strcspn(p, "=:");
	if (*p == '\0' || *p == ';' || *p == '#' || p[*len] == '\0')
		return false;
	while (*len > 0 && (p[*len - 1] == ' ' || p[*len - 1] == '\t'))
		(*len)--;
	return true;
}

/* --- sections --- */

/* Its first line, and behind its last key; false: there is none. */
static bool
section_find(const struct conf_edit *e, const char *nic, size_t *begin,
    size_t *end)
{
	size_t len;

	for (*begin = 0; *begin < e->lines; (*begin)++)
		if (line_begins(e->line[*begin], nic))
			break;
	if (*begin == e->lines)
		return false;
	*end = *begin + 1;
	for (size_t i = *end; i < e->lines &&
	    *line_first(e->line[i]) != '['; i++)
		if (line_has_key(e->line[i], &len))
			*end = i + 1;
	return true;
}

bool
conf_edit_has(const struct conf_edit *e, const char *nic)
{
	size_t begin, end;

	return section_find(e, nic, &begin, &end);
}

/* The comment behind a value, with the blank before it; or "". */
static const char *
line_comment(const char *line)
{
	const char *p = line;

	while ((p = strchr(p + 1, ';')) != NULL)
		if (p[-1] == ' ' || p[-1] == '\t')
			break;
	while (p != NULL && p > line && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p != NULL ? p : "";
}

void
conf_edit_set(struct conf_edit *e, const char *nic, const char *key,
    const char *value)
{
	size_t begin, end, len;
	char *text = NULL;

	if (!section_find(e, nic, &begin, &end))
		return;
	for (size_t i = begin + 1; i < end; i++) {
		const char *p = line_first(e->line[i]);

		if (!line_has_key(e->line[i], &len) || len != strlen(key) ||
		    strncmp(p, key, len) != 0)
			continue;
		if (asprintf(&text, "%.*s%s = %s%s", (int)(p - e->line[i]),
		    e->line[i], key, value, line_comment(e->line[i])) < 0)
			text = NULL;
		line_remove(e, i);
		line_insert(e, i, text);
		return;
	}
	if (asprintf(&text, "%s = %s", key, value) < 0)
		text = NULL;
	line_insert(e, end, text);
}

void
conf_edit_remove(struct conf_edit *e, const char *nic)
{
	size_t begin, end;

	if (!section_find(e, nic, &begin, &end))
		return;
	for (size_t n = end - begin; n > 0; n--)
		line_remove(e, begin);
	/* One of the two empty lines that meet now. */
	if (begin > 0 && begin < e->lines && e->line[begin][0] == '\0' &&
	    e->line[begin - 1][0] == '\0')
		line_remove(e, begin);
}

void
conf_edit_add(struct conf_edit *e, const char *nic, const char *list)
{
	char *copy = edit_need(strdup(list)), *next = copy, *pair, *text;

	if (e->lines > 0 && e->line[e->lines - 1][0] != '\0')
		line_insert(e, e->lines, strdup(""));
	if (asprintf(&text, "[nic %s]", nic) < 0)
		text = NULL;
	line_insert(e, e->lines, text);
	while ((pair = strsep(&next, ",")) != NULL) {
		char *value = strchr(pair, '=');

		if (value == NULL || strncmp(pair, "name=", 5) == 0)
			continue;
		*value++ = '\0';
		if (asprintf(&text, "%s = %s", pair, value) < 0)
			text = NULL;
		line_insert(e, e->lines, text);
	}
	/* A section has a key. */
	if (line_begins(e->line[e->lines - 1], nic))
		line_insert(e, e->lines, strdup("backend = tap"));
	free(copy);
}

/* --- the file --- */

/* Lock the file that the path names.  -1: errno. */
static int
edit_lock(struct conf_edit *e)
{
	for (;;) {
		struct stat named;
		int fd = open(e->path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX) == 0 && fstat(fd, &e->st) == 0 &&
		    stat(e->path, &named) == 0 &&
		    named.st_ino == e->st.st_ino &&
		    named.st_dev == e->st.st_dev)
			return fd;
		close(fd);
	}
}

static void
edit_load(struct conf_edit *e, FILE *f)
{
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&text, &cap, f)) >= 0) {
		if (n > 0 && text[n - 1] == '\n')
			text[n - 1] = '\0';
		line_insert(e, e->lines, strdup(text));
	}
	free(text);
}

struct conf_edit *
conf_edit_open(const char *path, char *err, size_t cap)
{
	struct conf_edit *e = edit_need(calloc(1, sizeof(*e)));
	struct host_conf conf;
	FILE *f = NULL;

	/* A symbolic link stays one. */
	e->lock = -1;
	if (realpath(path, e->path) != NULL)
		e->lock = edit_lock(e);
	if (e->lock >= 0)
		f = fopen(e->path, "re");
	if (f == NULL) {
		snprintf(err, cap, "%s: %s", path, strerror(errno));
		conf_edit_free(e);
		return NULL;
	}
	edit_load(e, f);
	fclose(f);
	if (host_conf_read(&conf, e->path, err, cap) < 0) {
		conf_edit_free(e);
		return NULL;
	}
	host_conf_free(&conf);
	return e;
}

void
conf_edit_free(struct conf_edit *e)
{
	if (e == NULL)
		return;
	if (e->made)
		unlink(e->temp);
	if (e->lock >= 0)
		close(e->lock);
	for (size_t i = 0; i < e->lines; i++)
		free(e->line[i]);
	free(e->line);
	free(e);
}

/* All lines on the disk, with the owner and mode of the old file. */
static int
edit_write(const struct conf_edit *e, int fd)
{
	FILE *f = fdopen(fd, "w");
	int failed;

	if (f == NULL) {
		close(fd);
		return -1;
	}
	for (size_t i = 0; i < e->lines; i++)
		fprintf(f, "%s\n", e->line[i]);
	failed = fflush(f) != 0 || ferror(f) ||
	    (fchown(fd, e->st.st_uid, e->st.st_gid) < 0 && errno != EPERM) ||
	    fchmod(fd, e->st.st_mode & 0777) < 0 || fsync(fd) < 0;
	return fclose(f) != 0 || failed ? -1 : 0;
}

int
conf_edit_prepare(struct conf_edit *e, char *err, size_t cap)
{
	struct host_conf conf;
	int fd;

	snprintf(e->temp, sizeof(e->temp), "%s.XXXXXX", e->path);
	fd = mkostemp(e->temp, O_CLOEXEC);
	e->made = fd >= 0;
	if (fd < 0 || edit_write(e, fd) < 0) {
		snprintf(err, cap, "%s: %s", e->temp, strerror(errno));
		return -1;
	}
	if (host_conf_read(&conf, e->temp, err, cap) < 0)
		return -1;
	host_conf_free(&conf);
	return 0;
}

int
conf_edit_save(struct conf_edit *e, char *err, size_t cap)
{
	if (rename(e->temp, e->path) == 0) {
		e->made = false;
		return 0;
	}
	snprintf(err, cap, "%s: %s", e->path, strerror(errno));
	return -1;
}
