/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a stand-in starts from and how it ends: defaults, counters, the reason.
 *
 * Everything else may call uio_over(), so nothing of the folder is called here.
 */
#include <stdarg.h>
#include <stdio.h>

#include "linux/uio/uio.h"
#include "linux/uio/uio_priv.h"

#define X(name, text) COUNTER_ROW(uio_counters, name, text)
COUNTER_TABLE(uio_counters, UIO_COUNTERS(X));
#undef X

void
uio_config_default(struct uio_config *c)
{
	/* What uio_hv_generic has. */
	*c = (struct uio_config){ .nic = "", .name = "",
		.ring_bytes = 2u << 20, .recv_bytes = 31u << 20,
		.send_bytes = 16u << 20 };
}

void
uio_over(struct uio *u, enum uio_end end, const char *fmt, ...)
{
	va_list ap;

	if (u->end != UIO_RUNNING)
		return;
	u->end = end;
	va_start(ap, fmt);
	vsnprintf(u->why, sizeof(u->why), fmt, ap);
	va_end(ap);
	event_base_loopbreak(u->base);
}

enum uio_end
uio_ended(const struct uio *u, int *status, const char **why)
{
	*status = u->status;
	*why = u->why;
	return u->end;
}
