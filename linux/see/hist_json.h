/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Histograms as JSON, and drawn.
 *
 * Context: any thread.
 */
#ifndef LINUX_SEE_HIST_JSON_H
#define LINUX_SEE_HIST_JSON_H

#include <jansson.h>
#include <stdio.h>

struct see_hist;

/* {"batch_in": [n, ...], ...}, bucket k: values below 2^k; a new reference. */
json_t *hist_json(const struct see_hist *);
/* Draw what hist_json() made of one channel. */
void hist_draw(FILE *out, const json_t *hist);

#endif
