/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts that may hold any byte (paths, words of a command line) on their way to
 * a terminal, a log or JSON.
 *
 * Context: any thread.
 */
#ifndef LINUX_RUN_TEXT_H
#define LINUX_RUN_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct json_t;	/* jansson.h */

/*
 * Text on one line: control characters, bytes that are no UTF-8, and
 * characters that nobody sees or that turn the line around become \xNN.  What
 * does not fit is cut off between characters.  Returns out.
 */
char *text_show(char *out, size_t cap, const char *text);
/* The same as a JSON string; a new reference. */
struct json_t *text_json(const char *text);
/* PREFIX, the formatted text shown, end of line: in one write. */
void text_line(FILE *, const char *prefix, const char *fmt, va_list)
    __attribute__((format(printf, 3, 0)));

#endif
