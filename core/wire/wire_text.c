/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * Text is appended at len as long as a terminating NUL still fits behind it.
 * Nothing fails: a line that is too long is cut.  Only the transcript
 * formatters use it, never a data path.
 */
#include "wire/wire_text.h"
#include "wire/wire.h"

static const char digits[] = "0123456789abcdef";

void
wire_text_init(struct wire_text *t, char *buf, size_t cap)
{
	t->buf = buf;
	t->cap = cap;
	t->len = 0;
	if (cap != 0)
		buf[0] = '\0';
}

static void
put_char(struct wire_text *t, char c)
{
	if (t->cap == 0 || t->len >= t->cap - 1)
		return;
	t->buf[t->len++] = c;
	t->buf[t->len] = '\0';
}

void
wire_text_str(struct wire_text *t, const char *s)
{
	while (*s != '\0')
		put_char(t, *s++);
}

static void
put_number(struct wire_text *t, uint64_t v, uint32_t base)
{
	char tmp[20];
	uint32_t n = 0;

	do {
		tmp[n++] = digits[v % base];
		v /= base;
	} while (v != 0);
	while (n != 0)
		put_char(t, tmp[--n]);
}

void
wire_text_dec(struct wire_text *t, uint64_t v)
{
	put_number(t, v, 10);
}

void
wire_text_hex(struct wire_text *t, uint64_t v)
{
	wire_text_str(t, "0x");
	put_number(t, v, 16);
}

void
wire_text_bytes(struct wire_text *t, const uint8_t *p, uint32_t n, char sep)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i != 0 && sep != '\0')
			put_char(t, sep);
		put_char(t, digits[p[i] >> 4]);
		put_char(t, digits[p[i] & 15]);
	}
}

void
wire_text_utf16(struct wire_text *t, struct span s)
{
	put_char(t, '"');
	for (uint32_t i = 0; i + 1 < s.len; i += 2) {
		uint8_t c = s.p[i];
		bool plain = s.p[i + 1] == 0 && c >= 0x20 && c < 0x7f &&
		    c != '"' && c != '\\';

		put_char(t, plain ? (char)c : '.');
	}
	put_char(t, '"');
}

static void
put_name(struct wire_text *t, const char *name)
{
	put_char(t, ' ');
	wire_text_str(t, name);
	put_char(t, '=');
}

void
wire_text_fdec(struct wire_text *t, const char *name, uint64_t v)
{
	put_name(t, name);
	wire_text_dec(t, v);
}

void
wire_text_fhex(struct wire_text *t, const char *name, uint64_t v)
{
	put_name(t, name);
	wire_text_hex(t, v);
}

void
wire_text_fguid(struct wire_text *t, const char *name,
    const struct hv_guid *g)
{
	char text[HV_GUID_TEXT_LEN + 1];

	hv_guid_format(g, text);
	wire_text_fstr(t, name, text);
}

void
wire_text_fstr(struct wire_text *t, const char *name, const char *v)
{
	put_name(t, name);
	wire_text_str(t, v);
}

void
wire_text_fbits(struct wire_text *t, const char *name, uint32_t v,
    const struct wire_text_bit *bits, uint32_t n)
{
	put_name(t, name);
	wire_text_bits(t, v, bits, n);
}

void
wire_text_bits(struct wire_text *t, uint32_t v,
    const struct wire_text_bit *bits, uint32_t n)
{
	const char *sep = "";

	if (v == 0)
		wire_text_str(t, "none");
	for (uint32_t i = 0; i < n; i++) {
		if ((v & bits[i].bit) == 0)
			continue;
		wire_text_str(t, sep);
		wire_text_str(t, bits[i].name);
		v &= ~bits[i].bit;
		sep = "|";
	}
	if (v != 0) {
		wire_text_str(t, sep);
		wire_text_hex(t, v);
	}
}

void
wire_text_malformed(struct wire_text *t, enum fault why, struct span raw)
{
	le32_t type;

	wire_text_str(t, "malformed: ");
	wire_text_str(t, fault_name(why));
	if (raw.len >= sizeof(type)) {
		memcpy(&type, raw.p, sizeof(type));
		wire_text_fhex(t, "type", le32_get(type));
	}
	wire_text_fdec(t, "len", raw.len);
}
