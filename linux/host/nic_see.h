/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is seen of a NIC: its channels are watched for captures and transcripts.
 *
 * Context: control, with the NIC's gate closed where a function says so.
 */
#ifndef LINUX_HOST_NIC_SEE_H
#define LINUX_HOST_NIC_SEE_H

#include "linux/host/nic.h"

/* A queue has a channel now, or loses it.  Gate closed. */
void nic_see_start(struct nic_queue *);
void nic_see_stop(struct nic_queue *);
/* The same of a channel whose NIC leaves; see_watch_stop() ends it. */
void nic_see_leaving(struct see_watch *, const struct host *, struct vsp *,
    const char *nic, const struct nic_user *, struct chan *);
/* What its packets refer to: the context is the NetVSP. */
extern const struct see_watch_ops nic_see_need;
/* A new NIC: its own file, if it is to have one.  0, or -errno, a sentence. */
int nic_see_create(struct nic *, char *err, size_t cap);
/*
 * Another file for the NIC, or "" for none.  nic_see_open() may fail, with a
 * sentence in err, and changes nothing; nic_see_use() takes what it made, with
 * the gate closed, and returns what is to be destroyed with the gate open.
 */
int nic_see_open(const struct nic *, const struct nic_spec *to,
    struct capture **out, char *err, size_t cap);
struct capture *nic_see_use(struct nic *, const struct nic_spec *to,
    struct capture *) must_check;

#endif
