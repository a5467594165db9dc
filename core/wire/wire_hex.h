/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One hexadecimal digit, for the parsers of this folder.
 */
#ifndef CORE_WIRE_WIRE_HEX_H
#define CORE_WIRE_WIRE_HEX_H

/* 0 to 15, or -1. */
static inline int
wire_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif
