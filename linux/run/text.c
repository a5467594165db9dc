/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be shown of a text.
 *
 * UTF-8 goes through if a terminal prints it where it stands: not controls (C0,
 * DEL, C1), nor what has no width or changes the direction of writing, with
 * which one line can be made to look like another.
 */
#include "linux/run/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LINE_MAX	4096u	/* bytes; the rest is cut off */

/* Unicode: zero width and direction marks, line ends, isolates, BOM. */
static bool
char_hides(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* Bytes of the character at p if it can be shown as it is, else 0. */
static size_t
char_shown(const unsigned char *p)
{
	const size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c;

	if (p[0] >= 0x20 && p[0] < 0x7f)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	/* Longer than need be, a surrogate, beyond Unicode. */
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) ||
	    (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	return c < 0xa0 || char_hides(c) ? 0 : n;
}

char *
text_show(char *out, size_t cap, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t at = 0;

	while (*p != '\0') {
		size_t n = char_shown(p);

		if (at + (n != 0 ? n : 4) >= cap)
			break;
		if (n != 0)
			memcpy(out + at, p, n);
		else
			snprintf(out + at, 5, "\\x%02x", *p);
		at += n != 0 ? n : 4;
		p += n != 0 ? n : 1;
	}
	out[at] = '\0';
	return out;
}

json_t *
text_json(const char *text)
{
	size_t cap = 4 * strlen(text) + 1;
	char *shown = malloc(cap);
	json_t *s = shown != NULL ? json_string(text_show(shown, cap, text)) :
	    NULL;

	free(shown);
	return s;
}

void
text_line(FILE *f, const char *prefix, const char *fmt, va_list ap)
{
	char text[TEXT_LINE_MAX], shown[TEXT_LINE_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	fprintf(f, "%s%s\n", prefix, text_show(shown, sizeof(shown), text));
}
