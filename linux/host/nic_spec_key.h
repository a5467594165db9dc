/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of a NIC's text: how each is parsed and printed.
 */
#ifndef LINUX_HOST_NIC_SPEC_KEY_H
#define LINUX_HOST_NIC_SPEC_KEY_H

#include "linux/host/nic_spec.h"

/* Where a value is and where a complaint goes. */
struct spec_at {
	const char *list;
	const char *key;	/* NUL-terminated copies */
	const char *value;
	size_t column;		/* of the value, from 1; 0: no list */
	char *err;
	size_t cap;
};

struct spec_key {
	const char *name;
	bool running;		/* may change while the NIC exists */
	int (*parse)(const struct spec_key *, struct nic_spec *,
	    const struct spec_at *);
	void (*print)(const struct spec_key *, const struct nic_spec *,
	    char *out, size_t cap);
	size_t off;		/* of the field */
	uint64_t min, max;	/* numbers, sizes of texts */
};

/* " (column N)" for a sentence, or "". */
#define NIC_SPEC_COLUMN	32u
const char *nic_spec_column(const struct spec_at *, char out[NIC_SPEC_COLUMN]);

/* NULL: there is no such key. */
const struct spec_key *nic_spec_key_find(const char *name);
/* One bit a key, to remember which were given. */
uint64_t nic_spec_key_bit(const struct spec_key *);
/* A backend's name in the text. */
const char *nic_spec_backend_name(enum nic_backend);

#endif
