/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file of a host, read by inih.
 *
 * inih finds sections, keys and values, and knows the line of what is none of
 * them.  We hand it the lines one by one: so we know where a key is that we
 * refuse, and nothing is lost that inih would pass over in silence (a section
 * without keys, a NUL, what a line has beyond its buffer).
 */
#include "linux/host/host_conf.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf_reader {
	struct host_conf *conf;
	FILE *f;
	char *text;			/* of the line */
	size_t text_cap;
	unsigned int line;
	/* the section that the last header began */
	unsigned int header;		/* its line; 0: none yet */
	bool begun;			/* it had a key */
	struct host_conf_nic *nic;	/* NULL: [host] */
	char *err;
	size_t cap;
	bool failed;			/* err says why */
};

/* Note the first thing that is wrong.  Returns 0, as inih wants it. */
static int conf_bad(struct conf_reader *, unsigned int line, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

static int
conf_bad(struct conf_reader *r, unsigned int line, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (r->failed)
		return 0;
	r->failed = true;
	n = snprintf(r->err, r->cap, "%s:%u: ", r->conf->path, line);
	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < r->cap)
		vsnprintf(r->err + n, r->cap - (size_t)n, fmt, ap);
	va_end(ap);
	return 0;
}

/* --- sections --- */

static void
conf_section_end(struct conf_reader *r)
{
	struct host_conf *c = r->conf;
	struct host_conf_nic *nic = r->nic;
	char err[400];

	r->nic = NULL;
	if (r->header != 0 && !r->begun)
		conf_bad(r, r->header, "this section has no key; a NIC with "
		    "all defaults has backend = tap");
	if (nic == NULL || r->failed)
		return;
	if (nic_spec_end(&nic->draft, err, sizeof(err)) < 0)
		conf_bad(r, nic->line, "NIC %s: %s", nic->draft.spec.name,
		    err);
	for (uint32_t i = 0; i + 1 < c->nics && !r->failed; i++)
		if (nic_spec_peer_check(&c->nic[i].draft.spec,
		    &nic->draft.spec, err, sizeof(err)) < 0)
			conf_bad(r, nic->line, "%s", err);
}

static int
conf_nic_begin(struct conf_reader *r, const char *name)
{
	struct host_conf *c = r->conf;
	const struct host_conf_nic *other = host_conf_find(c, name);
	struct host_conf_nic *more;
	char err[400];

	if (other != NULL)
		return conf_bad(r, r->header, "[nic %s] is there already, at "
		    "line %u", name, other->line);
	more = realloc(c->nic, (c->nics + 1) * sizeof(*more));
	if (more == NULL)
		return conf_bad(r, r->header, "out of memory");
	c->nic = more;
	r->nic = &c->nic[c->nics++];
	r->nic->line = r->header;
	nic_spec_begin(&r->nic->draft);
	if (nic_spec_put(&r->nic->draft, "name", name, err, sizeof(err)) < 0)
		return conf_bad(r, r->header, "%s", err);
	return 1;
}

static int
conf_section_begin(struct conf_reader *r, const char *section)
{
	if (r->header == 0)
		return conf_bad(r, r->line, "a key before the first section; "
		    "want [host] or [nic NAME] before it");
	r->begun = true;
	if (strcmp(section, "host") == 0)
		return 1;
	if (strncmp(section, "nic ", 4) == 0)
		return conf_nic_begin(r, section + 4 +
		    strspn(section + 4, " \t"));
	return conf_bad(r, r->header, "[%s]: want [host] or [nic NAME]",
	    section);
}

/* --- keys --- */

static int
conf_setting(struct conf_reader *r, const char *key, const char *value)
{
	struct host_conf *c = r->conf;
	struct host_conf_setting *more, *s;

	for (uint32_t i = 0; i < c->settings; i++)
		if (strcmp(c->setting[i].key, key) == 0)
			return conf_bad(r, r->line, "%s is given twice, first "
			    "at line %u", key, c->setting[i].line);
	more = realloc(c->setting, (c->settings + 1) * sizeof(*more));
	if (more == NULL)
		return conf_bad(r, r->line, "out of memory");
	c->setting = more;
	s = &c->setting[c->settings++];
	*s = (struct host_conf_setting){ strdup(key), strdup(value), r->line };
	if (s->key == NULL || s->value == NULL)
		return conf_bad(r, r->line, "out of memory");
	return 1;
}

/* inih found a key. */
static int
conf_on_key(void *user, const char *section, const char *key,
    const char *value)
{
	struct conf_reader *r = user;
	char err[1200];

	if (r->failed || (!r->begun && conf_section_begin(r, section) == 0))
		return 0;
	if (r->nic == NULL)
		return conf_setting(r, key, value);
	if (nic_spec_put(&r->nic->draft, key, value, err, sizeof(err)) == 0)
		return 1;
	return conf_bad(r, r->line, "%s", err);
}

/* inih wants a line; NULL ends the file. */
static char *
conf_on_line(char *out, int cap, void *user)
{
	struct conf_reader *r = user;
	ssize_t len = getline(&r->text, &r->text_cap, r->f);
	const char *first;

	if (len < 0)
		return NULL;
	r->line++;
	if (strlen(r->text) != (size_t)len) {
		conf_bad(r, r->line, "there is a NUL byte; want text");
		return NULL;
	}
	if (len > (ssize_t)HOST_CONF_LINE || len >= cap) {
		conf_bad(r, r->line, "want a line of at most %u characters",
		    HOST_CONF_LINE);
		return NULL;
	}
	strcpy(out, r->text);
	first = out + (strncmp(out, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
	first += strspn(first, " \t");
	if (*first == '[') {
		conf_section_end(r);
		r->header = r->line;
		r->begun = false;
	}
	return r->failed ? NULL : out;
}

static void
conf_parse(struct conf_reader *r)
{
	int line;

	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = HOST_CONF_LINE + 3;
	ini_allow_multiline = false;	/* keys may be indented */
	ini_stop_on_first_error = true;
	line = ini_parse_stream(conf_on_line, r, conf_on_key, r);
	if (line > 0)
		conf_bad(r, (unsigned int)line, "want [host], [nic NAME], "
		    "key = value, or a comment after #");
	else if (line < 0)
		conf_bad(r, r->line, "out of memory");
	if (ferror(r->f))
		conf_bad(r, r->line, "%s", strerror(errno));
	conf_section_end(r);
}

int
host_conf_read(struct host_conf *c, const char *path, char *err, size_t cap)
{
	struct conf_reader r = { .conf = c, .err = err, .cap = cap };

	*c = (struct host_conf){ .path = strdup(path) };
	r.f = c->path != NULL ? fopen(path, "re") : NULL;
	if (r.f == NULL) {
		int e = errno;

		snprintf(err, cap, "%s: %s", path, strerror(e));
		host_conf_free(c);
		return -e;
	}
	conf_parse(&r);
	fclose(r.f);
	free(r.text);
	if (!r.failed)
		return 0;
	host_conf_free(c);
	return -EINVAL;
}

void
host_conf_free(struct host_conf *c)
{
	for (uint32_t i = 0; i < c->settings; i++) {
		free(c->setting[i].key);
		free(c->setting[i].value);
	}
	free(c->setting);
	free(c->nic);
	free(c->path);
	*c = (struct host_conf){ 0 };
}

const struct host_conf_nic *
host_conf_find(const struct host_conf *c, const char *name)
{
	for (uint32_t i = 0; i < c->nics; i++)
		if (strcmp(c->nic[i].draft.spec.name, name) == 0)
			return &c->nic[i];
	return NULL;
}
