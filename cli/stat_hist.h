/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Histograms for `hvnet stat --hist`.
 */
#ifndef CLI_STAT_HIST_H
#define CLI_STAT_HIST_H

#include "cli/peers.h"

/* Gather those of the NIC in each process of the list; an exit code. */
int stat_hist(const struct peer_list *, const char *nic, unsigned int seconds,
    bool json);

#endif
