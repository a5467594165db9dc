/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics of a stand-in, for `hvnet stat`.
 */
#ifndef LINUX_UIO_UIO_CTL_H
#define LINUX_UIO_UIO_CTL_H

#include <jansson.h>

/* ctl_handler; ctx is the struct uio. */
json_t *uio_ctl(void *ctx, const json_t *request);

#endif
