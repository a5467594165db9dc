/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: of NICs, guests, interfaces and network namespaces.
 *
 * One rule for all names, checked where a name comes in (command line,
 * control socket, HELLO, frames API), so that everything behind can put a name
 * into a log line, a list with commas or JSON as it is.
 *
 * Context: any thread.
 */
#ifndef LINUX_RUN_NAME_H
#define LINUX_RUN_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* "want 1 to 31 ..." goes before it. */
#define NAME_RULE	"printable ASCII characters, no blank and no comma"

/* True if the bytes at text, of which cap may be read, are a name with its
 * NUL: 1 to cap - 1 characters of NAME_RULE. */
static inline bool
name_ok(const char *text, size_t cap)
{
	size_t n = 0;

	while (n < cap && text[n] > ' ' && text[n] < 0x7f && text[n] != ',')
		n++;
	return n > 0 && n < cap && text[n] == '\0';
}

#define NAME_IFNAME_LEN	16	/* IFNAMSIZ */
/* Of network interfaces; "want 1 to 15 ..." goes before it. */
#define NAME_IFNAME_RULE NAME_RULE ", and none of '/', ':' and '%'"

/*
 * A name that the kernel accepts for an interface, without '%', which it would
 * replace by a number.
 */
static inline bool
name_ok_ifname(const char *text)
{
	return name_ok(text, NAME_IFNAME_LEN) && strcmp(text, ".") != 0 &&
	    strcmp(text, "..") != 0 && strpbrk(text, "/:%") == NULL;
}

/* The same as name_ok(), or nothing at all. */
static inline bool
name_ok_or_empty(const char *text, size_t cap)
{
	return text[0] == '\0' || name_ok(text, cap);
}

#endif
