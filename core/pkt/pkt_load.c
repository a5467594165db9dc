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

/*
 * The next piece from *off on, at most len bytes of it; 0: the list ended.
 * *off then counts on in the same piece.
 */
static inline uint32_t
vec_next(const struct vec **v, const struct vec *end, uint32_t *off,
    uint32_t len, uint8_t **at)
{
	while (*v < end && *off >= (*v)->len) {
		*off -= (*v)->len;
		(*v)++;
	}
	if (*v == end)
		return 0;
	*at = (uint8_t *)(*v)->p + *off;
	len = min_u32(len, (*v)->len - *off);
	*off += len;
	return len;
}

uint32_t
pkt_vec_gather(const struct vec *v, uint32_t n, uint32_t off, void *dst,
    uint32_t len)
{
	const struct vec *end = v + n;
	uint8_t *d = dst, *at;
	uint32_t done = 0, take;

	while (done < len &&
	    (take = vec_next(&v, end, &off, len - done, &at)) != 0) {
		memcpy(d + done, at, take);
		done += take;
	}
	return done;
}

uint32_t
pkt_vec_scatter(const struct vec *v, uint32_t n, uint32_t off, const void *src,
    uint32_t len)
{
	const struct vec *end = v + n;
	const uint8_t *s = src;
	uint32_t done = 0, take;
	uint8_t *at;

	while (done < len &&
	    (take = vec_next(&v, end, &off, len - done, &at)) != 0) {
		memcpy(at, s + done, take);
		done += take;
	}
	return done;
}

int
pkt_vec_slice(const struct vec *v, uint32_t n, uint32_t off, uint32_t len,
    struct vec *out, uint32_t max)
{
	const struct vec *end = v + n;
	uint32_t used = 0, take;
	uint8_t *at;

	while (len > 0 && (take = vec_next(&v, end, &off, len, &at)) != 0) {
		if (used == max)
			return E_NOMEM;
		out[used++] = (struct vec){ at, take };
		len -= take;
	}
	return len > 0 ? E_STATE : (int)used;
}
