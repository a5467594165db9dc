/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GUIDs in wire order: Windows' mixed endian form, in which the first three
 * groups of the text are stored byte-swapped.
 */
#ifndef CORE_WIRE_GUID_H
#define CORE_WIRE_GUID_H

#include "base/os.h"

struct hv_guid {
	uint8_t b[16];
};

#define HV_GUID_TEXT_LEN	36u	/* without the terminating NUL */

/* Interface type of a synthetic NIC (OpenVMM protocol.rs). */
extern const struct hv_guid hv_guid_nic;

/*
 * Parse "f8615163-df3e-46c5-913f-f2d2f965ed0e", upper or lower case, with or
 * without braces.  Returns false and leaves *out unchanged if text is no GUID.
 */
bool hv_guid_parse(struct hv_guid *out, const char *text) must_check;

/* Write 36 lower-case characters and a NUL. */
void hv_guid_format(const struct hv_guid *g, char text[HV_GUID_TEXT_LEN + 1]);

static inline bool
hv_guid_equal(const struct hv_guid *a, const struct hv_guid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

#endif
