/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NIC that bends: bend=FILE of a NIC, and its channels (linux/bend).
 *
 * Context: control, with the NIC's gate closed where a function says so.
 */
#ifndef LINUX_HOST_NIC_BEND_H
#define LINUX_HOST_NIC_BEND_H

#include <jansson.h>

#include "base/os.h"

struct bend;
struct nic;
struct nic_queue;
struct nic_spec;

/*
 * Another script for the NIC, or "" for none.  nic_bend_open() may fail, with
 * a sentence in err, and changes nothing; nic_bend_use() takes what it read,
 * gate closed and channels straight, and returns the script before, to be
 * freed.
 */
int nic_bend_open(struct nic *, const struct nic_spec *to, struct bend **out,
    char *err, size_t cap);
struct bend *nic_bend_use(struct nic *, const struct nic_spec *to,
    struct bend *) must_check;
/* A new NIC: its script, if it is to have one.  0, or -errno, a sentence. */
int nic_bend_create(struct nic *, char *err, size_t cap);
void nic_bend_destroy(struct nic *);

/* A queue has a channel now, watched already, or loses it.  Gate closed. */
void nic_bend_start(struct nic_queue *);
void nic_bend_stop(struct nic_queue *);
/* All that are open.  Gate closed. */
void nic_bend_start_all(struct nic *);
void nic_bend_stop_all(struct nic *);

/* Lines of the script and what they did, or NULL.  A new reference. */
json_t *nic_bend_stat(const struct nic *);

#endif
