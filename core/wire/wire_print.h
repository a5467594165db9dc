/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control messages as one line of text, for `--transcript`.
 *
 * Each function writes into buf, always NUL-terminated if cap > 0, cut if it
 * does not fit, and returns the length written without the NUL.  A message
 * that does not decode prints as "malformed: REASON len=N".  They borrow raw,
 * a private copy, and never fail.
 */
#ifndef CORE_WIRE_WIRE_PRINT_H
#define CORE_WIRE_WIRE_PRINT_H

#include "base/span.h"

#define WIRE_PRINT_MAX	2048u	/* enough for what an honest peer causes */

int vmbus_msg_print(char *buf, size_t cap, struct span raw);

/* version: the negotiated NVSP version, 0 before; done: it is a completion. */
int nvs_msg_print(char *buf, size_t cap, struct span raw, uint32_t version,
    bool done);

/*
 * Control messages, and a data message's header.  oid: that of the query a
 * QUERY_DONE answers, so that its object is decoded; 0 if not known.
 */
int rndis_msg_print(char *buf, size_t cap, struct span raw, uint32_t oid);

/* The bits of a packet filter or of hash information: "directed|broadcast";
 * no bit: "none". */
int ndis_filter_print(char *buf, size_t cap, uint32_t filter);
int ndis_hash_print(char *buf, size_t cap, uint32_t hash_info);

#endif
