/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Debian to boot.  scripts/debian_image.py builds and keeps it, and answers
 * with a line NAME=PATH for each part.
 */
#include "linux/vm/vm_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

struct vm_words {
	char *word[256];
	size_t n;
};

static void
vm_word(struct vm_words *w, const char *option, const char *value)
{
	if (value == NULL || w->n + 3 > ARRAY_LEN(w->word))
		return;
	if (option != NULL)
		w->word[w->n++] = (char *)(uintptr_t)option;
	w->word[w->n++] = (char *)(uintptr_t)value;
	w->word[w->n] = NULL;
}

static void
vm_word_list(struct vm_words *w, const char *option, char *const *values)
{
	while (values != NULL && *values != NULL)
		vm_word(w, option, *values++);
}

static int
vm_debian_ask(struct vm_words *w, char *text, size_t cap)
{
	char script[4096];

	if (vm_script_find("debian_image.py", script, sizeof(script)) < 0) {
		fprintf(stderr, "hvnet vm: --debian: debian_image.py is in "
		    "none of %s\n", vm_script_places());
		return -ENOENT;
	}
	w->word[0] = script;
	return vm_script_ask(w->word, text, cap);
}

int
vm_debian_make(struct vm_debian *d, const char *task, struct vm_config *cfg)
{
	static const char *const names[] = { "kernel", "initrd", "root",
		"modules" };
	const char **const parts[] = { &cfg->kernel, &cfg->initrd, &cfg->root,
		&cfg->modules };
	struct vm_words w = { .n = 1 };
	char text[4 * 4096], *line, *next = text;
	int rc;

	vm_word(&w, "--suite", d->suite);
	vm_word_list(&w, "--package", d->packages);
	vm_word(&w, "--kernel", d->kernel);
	vm_word(&w, "--modules", d->modules);
	if (task != NULL) {
		vm_word(&w, "--task", task);
		vm_word(&w, "--run", d->run);
		vm_word_list(&w, "--copy", d->copies);
		vm_word(&w, "--fetch", d->fetch);
	}
	rc = vm_debian_ask(&w, text, sizeof(text));
	if (rc != 0)
		return rc;
	while ((line = strsep(&next, "\n")) != NULL) {
		char *value = strchr(line, '=');

		for (size_t i = 0; value != NULL && i < ARRAY_LEN(names); i++)
			if (strncmp(line, names[i],
			    (size_t)(value - line)) == 0) {
				snprintf(d->parts[i], sizeof(d->parts[i]),
				    "%s", value + 1);
				*parts[i] = d->parts[i];
			}
	}
	return 0;
}

int
vm_debian_unpack(const char *disk, const char *into)
{
	struct vm_words w = { .n = 1 };
	char text[64];

	vm_word(&w, "--unpack", disk);
	vm_word(&w, NULL, into);
	return vm_debian_ask(&w, text, sizeof(text));
}
