/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded text appender for the formatters of this folder: the core has no
 * snprintf.  What does not fit is dropped, and the text stays terminated.
 */
#ifndef CORE_WIRE_WIRE_TEXT_H
#define CORE_WIRE_WIRE_TEXT_H

#include "base/fault.h"
#include "base/span.h"
#include "wire/guid.h"

struct wire_text {
	char *buf;
	size_t cap;
	size_t len;
};

/* Begin an empty text; cap may be 0. */
void wire_text_init(struct wire_text *t, char *buf, size_t cap);

void wire_text_str(struct wire_text *t, const char *s);
void wire_text_dec(struct wire_text *t, uint64_t v);
void wire_text_hex(struct wire_text *t, uint64_t v);	/* with 0x */
/* n bytes as hex digits, with sep between them unless it is NUL. */
void wire_text_bytes(struct wire_text *t, const uint8_t *p, uint32_t n,
    char sep);
/* UTF-16LE text in quotes; what is not printable ASCII as a dot. */
void wire_text_utf16(struct wire_text *t, struct span s);

/* " name=value", in decimal, hex, as a GUID, as a word. */
void wire_text_fdec(struct wire_text *t, const char *name, uint64_t v);
void wire_text_fhex(struct wire_text *t, const char *name, uint64_t v);
void wire_text_fguid(struct wire_text *t, const char *name,
    const struct hv_guid *g);
void wire_text_fstr(struct wire_text *t, const char *name, const char *v);

/* " name=a|b|0x40": the names of the bits of v, then what is left over. */
struct wire_text_bit {
	uint32_t bit;
	const char *name;
};
void wire_text_fbits(struct wire_text *t, const char *name, uint32_t v,
    const struct wire_text_bit *bits, uint32_t n);
/* Only the value; no bit: "none". */
void wire_text_bits(struct wire_text *t, uint32_t v,
    const struct wire_text_bit *bits, uint32_t n);

/* "malformed: REASON type=T len=N"; no type where raw is below 4 bytes. */
void wire_text_malformed(struct wire_text *t, enum fault why,
    struct span raw);

/* An object of an OID, or its bytes if it is not one that we know. */
void ndis_obj_print(struct wire_text *t, uint32_t oid, struct span info);

/* " oid=GEN_LINK_SPEED" or " oid=0x12345". */
void ndis_oid_print(struct wire_text *t, uint32_t oid);

#endif
