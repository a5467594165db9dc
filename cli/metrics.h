/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters as metrics: OpenMetrics, or the older text format of Prometheus.
 */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include <stdio.h>

#include "cli/peers.h"

enum metrics_format {
	METRICS_OPENMETRICS,	/* application/openmetrics-text 1.0.0 */
	METRICS_TEXT,		/* text/plain version 0.0.4 */
};

/* Everything that these answers have. */
void metrics_print(FILE *, const struct peer_list *, enum metrics_format);

#endif
