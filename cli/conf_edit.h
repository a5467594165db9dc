/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Change a host's configuration file in place: what is not changed stays as it
 * was written, comments too.
 */
#ifndef CLI_CONF_EDIT_H
#define CLI_CONF_EDIT_H

#include <stdbool.h>
#include <stddef.h>

struct conf_edit;

/*
 * Open the file at path, which nobody else edits until conf_edit_free().  NULL
 * with a sentence in err.
 */
struct conf_edit *conf_edit_open(const char *path, char *err, size_t cap);
/* Nothing is written that conf_edit_save() has not.  NULL is allowed. */
void conf_edit_free(struct conf_edit *);

/* It has a section [nic NAME]. */
bool conf_edit_has(const struct conf_edit *, const char *nic);
/* Changes to the text, in memory.  The NIC has a section. */
void conf_edit_set(struct conf_edit *, const char *nic, const char *key,
    const char *value);
void conf_edit_remove(struct conf_edit *, const char *nic);
/* A new section, of a list key=value,... that is right. */
void conf_edit_add(struct conf_edit *, const char *nic, const char *list);

/*
 * Write what it is now beside the file, and check it there.  0, or -1 with a
 * sentence in err.
 */
int conf_edit_prepare(struct conf_edit *, char *err, size_t cap);
/* Then: replace the file.  The same. */
int conf_edit_save(struct conf_edit *, char *err, size_t cap);

#endif
