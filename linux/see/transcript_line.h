/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of a transcript: as text, or as JSON.
 *
 * Context: any thread, one at a time for a stream.
 */
#ifndef LINUX_SEE_TRANSCRIPT_LINE_H
#define LINUX_SEE_TRANSCRIPT_LINE_H

#include <stdio.h>

#include "linux/see/transcript.h"

struct transcript_line {
	const struct transcript_spec *spec;
	const struct see_name *name;
	bool to_guest;
	enum transcript_layer layer;
	uint64_t time_ns;		/* CLOCK_MONOTONIC */
	const char *text;		/* of core/wire's printers */
};

void transcript_line_put(const struct transcript_line *, FILE *out);

#endif
