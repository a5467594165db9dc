/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit on descriptors, read each time: an operator may change it while we
 * run (prlimit(1)), and only control paths read it.
 */
#include "linux/link/link_fds.h"

#include <stdio.h>
#include <sys/resource.h>

static uint64_t
fds_limit(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) == 0 ? r.rlim_cur : UINT64_MAX;
}

uint64_t
link_fds_raise(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	return fds_limit();
}

bool
link_fd_kept(int fd, uint32_t mine)
{
	uint64_t limit = fds_limit(), kept = LINK_FDS_KEPT;
	const uint64_t others = LINK_FDS_PLACES * LINK_FDS_OWN;

	if (mine >= LINK_FDS_OWN)
		kept += others < limit / 4 ? others : limit / 4;
	return fd >= 0 && (uint64_t)fd + kept >= limit;
}

const char *
link_fds_text(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "out of file descriptors: the limit is "
	    "%llu (RLIMIT_NOFILE, `ulimit -Hn`), the last ones are kept",
	    (unsigned long long)fds_limit());
	return text;
}
