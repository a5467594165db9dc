/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: names, texts and the one function that counts them.
 */
#include "base/fault.h"

static const char *const names[FAULT_COUNT] = {
#define X(name, text) [FAULT_##name] = #name,
	FAULT_LIST(X)
#undef X
};

static const char *const texts[FAULT_COUNT] = {
#define X(name, text) [FAULT_##name] = text,
	FAULT_LIST(X)
#undef X
};

const char *
fault_name(enum fault f)
{
	return (unsigned int)f < FAULT_COUNT ? names[f] : "?";
}

const char *
fault_text(enum fault f)
{
	return (unsigned int)f < FAULT_COUNT ? texts[f] : "unknown fault";
}

int
fault_note(struct fault_log *log, enum fault why, uint64_t value)
{
	OS_ASSERT((unsigned int)why < FAULT_COUNT);
	os_add64(&log->total, 1);
	os_add64(&log->count[why], 1);
	os_st32(&log->last, why);
	os_st64(&log->last_value, value);
	return E_PEER;
}
