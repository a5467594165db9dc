/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: RNDIS control messages and data messages, whole, with the data
 * elsewhere, and back to back.  Input: one byte for the alignment, one for how
 * much of the message is in hand, then the message.
 */
#include <stdint.h>
#include <stdlib.h>

#include "wire/rndis_msg.h"
#include "wire/rndis_pkt.h"
#include "wire/wire_print.h"
#include "fuzz_input.h"

static void
control(struct span raw)
{
	struct rndis_msg m, again;
	enum fault why = FAULT_NONE;
	uint8_t *once, *twice;
	uint32_t n;

	if (rndis_msg_decode(&m, raw, &why) != 0) {
		fuzz_require(why != FAULT_NONE);
		return;
	}
	n = rndis_msg_bytes(&m);
	fuzz_require(n <= raw.len);
	once = malloc(n);
	twice = malloc(n);
	fuzz_require(rndis_msg_encode(&m, once, n) == n);
	fuzz_require(rndis_msg_decode(&again, (struct span){ once, n },
	    &why) == 0);
	fuzz_require(rndis_msg_encode(&again, twice, n) == n);
	fuzz_require(memcmp(once, twice, n) == 0);
	free(once);
	free(twice);
}

/* Each message advances, and stays inside the buffer. */
static void
several(struct span raw, uint32_t align)
{
	struct rndis_packet_iter it;
	struct rndis_packet p;
	struct span msg;
	enum fault why;
	uint32_t at = 0;

	rndis_packet_iter_init(&it, raw, align);
	while (rndis_packet_next(&it, &p, &msg, &why) > 0) {
		fuzz_require(it.at > at && it.at <= raw.len);
		fuzz_require(msg.p == raw.p + at && msg.len == p.msg_len);
		fuzz_require(range_ok(p.data_off, p.data_len, p.msg_len));
		at = it.at;
	}
}

static void
head_only(struct span raw, uint32_t in_hand)
{
	struct rndis_packet whole, part;
	struct span head = { NULL, min_u32(in_hand, raw.len) };
	enum fault why;
	uint8_t *copy = malloc(head.len + 1u);

	memcpy(copy, raw.p, head.len);
	head.p = copy;
	if (rndis_packet_decode_head(&part, head, raw.len, &why) == 0) {
		fuzz_require(rndis_packet_decode(&whole, raw, &why) == 0);
		fuzz_require(whole.data_off == part.data_off);
		fuzz_require(whole.data_len == part.data_len);
		fuzz_require(whole.ppi.present == part.ppi.present);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[WIRE_PRINT_MAX];
	struct span raw;

	if (size < 2)
		return 0;
	raw = (struct span){ data + 2, (uint32_t)size - 2 };
	fuzz_require(rndis_msg_print(line, sizeof(line), raw, 0) > 0);
	control(raw);
	several(raw, 1u << (data[0] & 3));
	head_only(raw, data[1]);
	return 0;
}
