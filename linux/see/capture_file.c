/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a capture.
 *
 * Theory of operation.  Interface 0 has the messages and ring packets, each
 * record as it was captured; behind it comes an interface for each NIC, with
 * the Ethernet frames of its packets.  A file that has reached its size ends
 * with its statistics, becomes FILE.1 (what was FILE.1 becomes FILE.2, and so
 * on), and FILE begins again; so each file can be read by itself.
 *
 * Times are those of CLOCK_MONOTONIC, moved by one offset for the life of the
 * capture to CLOCK_REALTIME as it was at the start: they compare with other
 * captures, and never jump.
 */
#include "linux/see/capture_file.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "linux/run/clock.h"
#include "linux/run/outfile.h"
#include "linux/run/text.h"
#include "linux/see/pcapng.h"

/* Wireshark takes a file with a longer one to be damaged. */
#define FILE_SNAP	(256u << 10)

static uint64_t
wall_offset(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec -
	    clock_now_ns();
}

/* What each file begins with. */
static void
file_begin(struct capture_file *c)
{
	char text[200];

	c->nics = 0;
	c->files++;
	snprintf(text, sizeof(text), "Times are CLOCK_MONOTONIC plus %llu ns. "
	    "hvnet.lua decodes interface 0.", (unsigned long long)c->wall_ns);
	c->bytes = pcapng_section(c->out, text);
	c->bytes += pcapng_interface(c->out, PCAPNG_USER0, FILE_SNAP, "vmbus",
	    "VMBus messages and ring packets");
}

static void
file_statistics(struct capture_file *c)
{
	pcapng_statistics(c->out, 0, clock_now_ns() + c->wall_ns, c->packets,
	    c->lost);
}

static void
file_end(struct capture_file *c)
{
	file_statistics(c);
	outfile_close(c->out);
	c->out = NULL;
}

/* The interface of a NIC's frames. */
static uint32_t
file_nic(struct capture_file *c, const struct see_record_wire *h)
{
	uint32_t i = 0;

	while (i < c->nics && memcmp(c->nic[i], h->nic, SEE_NIC_BYTES) != 0)
		i++;
	if (i < c->nics || i == CAPTURE_NICS)
		return min_u32(i, CAPTURE_NICS - 1) + 1;
	memcpy(c->nic[c->nics++], h->nic, SEE_NIC_BYTES);
	c->bytes += pcapng_interface(c->out, PCAPNG_ETHERNET, FILE_SNAP,
	    (const char *)h->nic, "Ethernet frames");
	return c->nics;
}

static void
file_frame(void *ctx, const struct see_record_wire *h, uint64_t time_ns,
    const struct span *v, uint32_t n, uint32_t orig)
{
	struct capture_file *c = ctx;
	const struct pcapng_packet p = { .interface = file_nic(c, h),
		.time_ns = time_ns + c->wall_ns, .orig = orig,
		.direction = h->to_guest ? PCAPNG_IN : PCAPNG_OUT };

	c->bytes += pcapng_packet(c->out, &p, v, n);
}

int
capture_file_open(struct capture_file *c, const struct capture_spec *spec,
    char *err, size_t cap)
{
	char why[400];

	c->spec = *spec;
	c->wall_ns = wall_offset();
	c->frames.emit = file_frame;
	c->frames.ctx = c;
	c->frames.segments = spec->gso_cut;
	c->out = outfile_open(spec->path, why, sizeof(why));
	if (c->out == NULL) {
		snprintf(err, cap, "capture %s", why);
		return -1;
	}
	file_begin(c);
	outfile_flush(c->out);
	return 0;
}

void
capture_file_close(struct capture_file *c)
{
	if (c->out != NULL)
		file_end(c);
}

void
capture_file_reopen(struct capture_file *c)
{
	if (c->out == NULL || !outfile_moved(c->out))
		return;
	file_statistics(c);
	if (outfile_reopen(&c->out, outfile_open))
		file_begin(c);
}

/* FILE.1 becomes FILE.2, and so on; FILE becomes FILE.1. */
static void
files_shift(const struct capture_file *c)
{
	char from[300], to[300];

	for (uint32_t i = c->spec.files - 1; i > 0; i--) {
		snprintf(from, sizeof(from), i == 1 ? "%s" : "%s.%u",
		    c->spec.path, i - 1);
		snprintf(to, sizeof(to), "%s.%u", c->spec.path, i);
		if (rename(from, to) < 0 && errno != ENOENT)
			fprintf(stderr, "hvnet: capture: renaming %s to %s: "
			    "%s\n", from, to, strerror(errno));
	}
}

static void
file_next(struct capture_file *c)
{
	char why[400];

	file_end(c);
	files_shift(c);
	c->out = outfile_open(c->spec.path, why, sizeof(why));
	if (c->out != NULL)
		file_begin(c);
	else
		fprintf(stderr, "hvnet: capture %s; nothing more is "
		    "captured\n", why);
}

void
capture_file_put(struct capture_file *c, const struct capture_record *r)
{
	const uint8_t *bytes = (const uint8_t *)(r + 1);
	const struct span body = { bytes, r->bytes };
	const struct span written = { bytes, min_u32(r->bytes, FILE_SNAP) };
	struct see_record_wire h;

	c->packets++;
	c->lost += r->lost;
	if (c->out == NULL)
		return;
	memcpy(&h, bytes, sizeof(h));
	const struct pcapng_packet p = { .interface = 0,
		.time_ns = r->time_ns + c->wall_ns, .orig = r->orig,
		.direction = h.to_guest ? PCAPNG_IN : PCAPNG_OUT,
		.lost = r->lost, .comment = { bytes + r->bytes -
		    r->text, r->text } };

	c->bytes += pcapng_packet(c->out, &p, &written, 1);
	if (h.kind == SEE_PACKET)
		capture_frames_of(&c->frames, &h, r->time_ns,
		    span_sub(body, (uint32_t)sizeof(h), body.len -
		    (uint32_t)sizeof(h)));
	if (c->bytes >= (uint64_t)c->spec.size_mib << 20)
		file_next(c);
}

void
capture_file_flush(struct capture_file *c)
{
	if (c->out != NULL)
		outfile_flush(c->out);
}
