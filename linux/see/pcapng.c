/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes pcapng blocks: libpcap's own writer knows no pcapng.
 *
 * Theory of operation.  A block is its type, its length, a fixed part, packet
 * bytes, options, and its length again; all padded to 4 bytes.  The options
 * are put together in a small buffer first, since the length comes before
 * them.
 */
#include "linux/see/pcapng.h"

#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "linux/run/outfile.h"

/* Block types and options, by the names of the draft. */
#define BLOCK_SHB	0x0a0d0d0au
#define BLOCK_IDB	1u
#define BLOCK_ISB	5u
#define BLOCK_EPB	6u

#define OPT_END		0u
#define OPT_COMMENT	1u
#define SHB_USERAPPL	4u
#define IF_NAME		2u
#define IF_DESCRIPTION	3u
#define IF_TSRESOL	9u
#define EPB_FLAGS	2u
#define EPB_DROPCOUNT	4u
#define ISB_IFRECV	4u
#define ISB_IFDROP	5u

#define OPTIONS_MAX	1024u

struct options {
	uint8_t bytes[OPTIONS_MAX];
	uint32_t len;
};

static void
option_put(struct options *o, uint16_t code, const void *p, uint32_t len)
{
	uint16_t head[2] = { code, (uint16_t)len };
	uint32_t whole = align_up(len, 4);

	/* The last four bytes are for OPT_END. */
	if (len > UINT16_MAX || OPTIONS_MAX - 4 - o->len < 4 + whole)
		return;
	memcpy(o->bytes + o->len, head, 4);
	memset(o->bytes + o->len + 4, 0, whole);
	memcpy(o->bytes + o->len + 4, p, len);
	o->len += 4 + whole;
}

static void
option_text(struct options *o, uint16_t code, const char *text)
{
	size_t n = strlen(text);

	if (n > 0)
		option_put(o, code, text, n > 512 ? 512u : (uint32_t)n);
}

static void
options_end(struct options *o)
{
	if (o->len == 0)
		return;
	memset(o->bytes + o->len, 0, 4);
	o->len += 4;
}

/* A block of a fixed part, packet bytes and options. */
static uint32_t
block_put(struct outfile *f, uint32_t type, const void *fixed,
    uint32_t fixed_len, const struct span *v, uint32_t n, struct options *o)
{
	static const uint8_t zeros[4];
	uint32_t data = 0;
	uint32_t head[2] = { type, 0 };

	options_end(o);
	for (uint32_t i = 0; i < n; i++)
		data += v[i].len;
	head[1] = 12 + fixed_len + align_up(data, 4) + o->len;
	if (outfile_record(f) == NULL)
		return head[1];
	outfile_put(f, head, sizeof(head));
	outfile_put(f, fixed, fixed_len);
	for (uint32_t i = 0; i < n; i++)
		outfile_put(f, v[i].p, v[i].len);
	outfile_put(f, zeros, -data & 3);
	outfile_put(f, o->bytes, o->len);
	outfile_put(f, &head[1], 4);
	return head[1];
}

uint32_t
pcapng_section(struct outfile *f, const char *comment)
{
	/* Byte order, version 1.0, a length that is not known. */
	const uint32_t fixed[4] = { 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX };
	struct options o = { .len = 0 };

	option_text(&o, OPT_COMMENT, comment);
	option_text(&o, SHB_USERAPPL, "hvnet");
	return block_put(f, BLOCK_SHB, fixed, sizeof(fixed), NULL, 0, &o);
}

uint32_t
pcapng_interface(struct outfile *f, uint32_t link_type, uint32_t snap,
    const char *name, const char *description)
{
	const uint32_t fixed[2] = { link_type, snap };
	struct options o = { .len = 0 };

	option_text(&o, IF_NAME, name);
	option_text(&o, IF_DESCRIPTION, description);
	option_put(&o, IF_TSRESOL, "\x09", 1);	/* 10^-9 seconds */
	return block_put(f, BLOCK_IDB, fixed, sizeof(fixed), NULL, 0, &o);
}

uint32_t
pcapng_packet(struct outfile *f, const struct pcapng_packet *p,
    const struct span *v, uint32_t n)
{
	struct options o = { .len = 0 };
	uint32_t flags = p->direction;
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		bytes += v[i].len;
	const uint32_t fixed[5] = { p->interface,
		(uint32_t)(p->time_ns >> 32), (uint32_t)p->time_ns, bytes,
		p->orig };

	if (p->comment.len > 0)
		option_put(&o, OPT_COMMENT, p->comment.p, p->comment.len);
	if (flags != 0)
		option_put(&o, EPB_FLAGS, &flags, sizeof(flags));
	if (p->lost != 0)
		option_put(&o, EPB_DROPCOUNT, &p->lost, sizeof(p->lost));
	return block_put(f, BLOCK_EPB, fixed, sizeof(fixed), v, n, &o);
}

uint32_t
pcapng_statistics(struct outfile *f, uint32_t interface, uint64_t time_ns,
    uint64_t captured, uint64_t lost)
{
	const uint32_t fixed[3] = { interface, (uint32_t)(time_ns >> 32),
		(uint32_t)time_ns };
	struct options o = { .len = 0 };

	option_put(&o, ISB_IFRECV, &captured, sizeof(captured));
	option_put(&o, ISB_IFDROP, &lost, sizeof(lost));
	return block_put(f, BLOCK_ISB, fixed, sizeof(fixed), NULL, 0, &o);
}
