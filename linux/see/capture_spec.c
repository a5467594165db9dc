/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of --capture: FILE[,snap=BYTES][,size=MiB][,files=N][,gso=HOW].
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "linux/see/capture.h"

/* Policy: a file of an MTU's frames whole, and the disk is not filled. */
#define SPEC_SNAP	2048u
#define SPEC_SNAP_MAX	65535u
#define SPEC_SIZE_MIB	256u
#define SPEC_FILES	2u

struct spec_number {
	const char *name;
	uint32_t min, max;
	size_t off;
	const char *what;
};

static const struct spec_number spec_numbers[] = {
	{ "snap", 64, SPEC_SNAP_MAX, offsetof(struct capture_spec, snap),
	    "bytes of a frame" },
	{ "size", 1, 1u << 20, offsetof(struct capture_spec, size_mib),
	    "MiB of a file" },
	{ "files", 1, 1000, offsetof(struct capture_spec, files), "files" },
};

/* "snap=96" or "gso=cut" of len bytes.  0, or -EINVAL. */
static int
spec_word_take(struct capture_spec *s, const char *text, size_t len,
    char *err, size_t cap)
{
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)len, text);
	if (strcmp(word, "gso=cut") == 0 || strcmp(word, "gso=whole") == 0) {
		s->gso_cut = strcmp(word, "gso=cut") == 0;
		return 0;
	}
	for (uint32_t i = 0; i < ARRAY_LEN(spec_numbers); i++) {
		const struct spec_number *k = &spec_numbers[i];
		size_t n = strlen(k->name);
		unsigned long v;
		char *end;

		if (strncmp(word, k->name, n) != 0 || word[n] != '=')
			continue;
		v = strtoul(word + n + 1, &end, 10);
		if (!isdigit((unsigned char)word[n + 1]) || *end != '\0' ||
		    v < k->min || v > k->max) {
			snprintf(err, cap, "%s: want %s, from %u to %u", word,
			    k->what, k->min, k->max);
			return -EINVAL;
		}
		memcpy((char *)s + k->off, &(uint32_t){ (uint32_t)v },
		    sizeof(uint32_t));
		return 0;
	}
	snprintf(err, cap, "'%s': behind the file, want snap=BYTES, size=MIB, "
	    "files=NUMBER, gso=cut or gso=whole", word);
	return -EINVAL;
}

int
capture_parse(struct capture_spec *s, const char *text, char *err, size_t cap)
{
	size_t len = strcspn(text, ",");

	*s = (struct capture_spec){ .snap = SPEC_SNAP,
		.size_mib = SPEC_SIZE_MIB, .files = SPEC_FILES };
	if (len == 0 || len >= sizeof(s->path) || strncmp(text, "-", len) ==
	    0) {
		snprintf(err, cap, "want the path of a file, 1 to %zu "
		    "characters", sizeof(s->path) - 1);
		return -EINVAL;
	}
	memcpy(s->path, text, len);
	while (text[len] == ',') {
		text += len + 1;
		len = strcspn(text, ",");
		if (spec_word_take(s, text, len, err, cap) < 0)
			return -EINVAL;
	}
	return 0;
}
