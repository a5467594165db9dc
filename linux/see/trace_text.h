/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces of one or several processes as text: Chrome's trace events, which
 * Perfetto and chrome://tracing show, or an event a line.
 *
 * Context: any thread.
 */
#ifndef LINUX_SEE_TRACE_TEXT_H
#define LINUX_SEE_TRACE_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct trace_text;

/* NULL: out of memory. */
struct trace_text *trace_text_begin(FILE *out, bool lines);
/* What trace_json() of a process returned.  False: it is no such thing. */
bool trace_text_process(struct trace_text *, const char *kind, long pid,
    const json_t *trace);
/* How many events there were; frees. */
unsigned long trace_text_end(struct trace_text *);

#endif
