/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads bytes out of a frame that lies in pieces.
 *
 * Theory of operation.  A frame in pieces is walked piece by piece with `off`
 * counting down to the first byte wanted; from there each step takes what the
 * piece has left.  Every walk ends with the list, so a length that the list
 * does not have yields less, never a read past it.  Any context; no state.
 */
#include "pkt/pkt_load.h"

#include "base/err.h"

uint32_t
pkt_vec_bytes(const struct vec *v, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += v[i].len;
	return sum;
}

uint32_t
pkt_vec_gather(const struct vec *v, uint32_t n, uint32_t off, void *dst,
    uint32_t len)
{
	uint8_t *d = dst;
	uint32_t done = 0;

	for (uint32_t i = 0; i < n && done < len; i++) {
		uint32_t take;

		if (off >= v[i].len) {
			off -= v[i].len;
			continue;
		}
		take = min_u32(len - done, v[i].len - off);
		memcpy(d + done, (const uint8_t *)v[i].p + off, take);
		done += take;
		off = 0;
	}
	return done;
}

uint32_t
pkt_vec_scatter(const struct vec *v, uint32_t n, uint32_t off, const void *src,
    uint32_t len)
{
	const uint8_t *s = src;
	uint32_t done = 0;

	for (uint32_t i = 0; i < n && done < len; i++) {
		uint32_t take;

		if (off >= v[i].len) {
			off -= v[i].len;
			continue;
		}
		take = min_u32(len - done, v[i].len - off);
		memcpy((uint8_t *)v[i].p + off, s + done, take);
		done += take;
		off = 0;
	}
	return done;
}

int
pkt_vec_slice(const struct vec *v, uint32_t n, uint32_t off, uint32_t len,
    struct vec *out, uint32_t max)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < n && len > 0; i++) {
		uint32_t take;

		if (off >= v[i].len) {
			off -= v[i].len;
			continue;
		}
		if (used == max)
			return E_NOMEM;
		take = min_u32(len, v[i].len - off);
		out[used++] = (struct vec){ (uint8_t *)v[i].p + off, take };
		len -= take;
		off = 0;
	}
	return len > 0 ? E_STATE : (int)used;
}
