/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host daemon: its control thread, its life.
 *
 * Everything here runs on the control thread.  Workers request it through one
 * eventfd, nic_control_ask(); a mark in the NIC tells which one.
 */
#include "linux/host/host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "linux/host/host_bend.h"
#include "linux/host/host_priv.h"
#include "linux/host/nic.h"
#include "linux/link/link_fds.h"
#include "linux/see/capture.h"

void
host_config_default(struct host_config *c)
{
	*c = (struct host_config){ .place.pin = true,
		.max_guests = HOST_MAX_GUESTS };
}

void
host_profile(struct host_config *c, enum profile p)
{
	switch (p) {
	case PROFILE_DEFAULT:
	case PROFILE_MANY_FLOWS:
		return;
	case PROFILE_THROUGHPUT:
		c->place.sched = THREAD_SCHED_BATCH;
		return;
	case PROFILE_LATENCY:
		c->place.sched = THREAD_SCHED_NORMAL;
		c->poll = HOST_POLL_ADAPTIVE;
		return;
	case PROFILE_LOW_CPU:
		c->place.sched = THREAD_SCHED_BATCH;
		c->poll = HOST_POLL_OFF;
		return;
	}
}

/* --- workers ask --- */

static void
host_on_control(evutil_socket_t fd, short what, void *arg)
{
	struct host *h = arg;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	for (struct nic *nic = h->nics; nic != NULL; nic = nic->next) {
		if (os_ld32(&nic->control_due) != 0)
			nic_control(nic);
		if (os_ld32(&nic->bent.due) != 0)
			host_bend_run(nic);
	}
}

uint32_t
host_guest_count(const struct host *h)
{
	return h->guest_count;
}

/* --- life --- */

static int
host_workers_start(struct host *h, char *err, size_t cap)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t n = h->cfg.workers != 0 ? h->cfg.workers :
	    cpus > 0 ? (uint32_t)cpus : 1;
	int rc;

	rc = worker_pool_start(&h->pool, min_u32(n, HOST_MAX_WORKERS),
	    &h->cfg.place);
	if (rc < 0)
		snprintf(err, cap, "starting workers: %s", strerror(-rc));
	return rc;
}

static int
host_events_make(struct host *h, char *err, size_t cap)
{
	h->control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->control_fd >= 0)
		h->control_event = event_new(h->base, h->control_fd,
		    EV_READ | EV_PERSIST, host_on_control, h);
	if (h->control_event == NULL || host_monitor_start(h) < 0) {
		snprintf(err, cap, "out of memory or descriptors");
		return -ENOMEM;
	}
	event_add(h->control_event, NULL);
	return 0;
}

static const char *
host_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

struct host *
host_start(const struct host_config *cfg, struct event_base *base, char *err,
    size_t cap)
{
	struct host *h = calloc(1, sizeof(*h));
	gid_t group;

	if (h == NULL) {
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	h->cfg = *cfg;
	h->base = base;
	h->bend_ops = &host_bend_ops;
	h->file = SOCKFILE_CLOSED;
	h->control_fd = h->monitor_fd = -1;
	link_fds_raise();
	if (h->cfg.max_guests == 0)
		h->cfg.max_guests = HOST_MAX_GUESTS;
	if (h->cfg.poll_us == 0)
		h->cfg.poll_us = HOST_POLL_US;
	if (cfg->transcript != NULL) {
		h->transcript = transcript_open(cfg->transcript, err, cap);
		if (h->transcript == NULL)
			goto fail;
	}
	if (cfg->capture != NULL) {
		h->capture = capture_create(cfg->capture, err, cap);
		if (h->capture == NULL)
			goto fail;
	}
	if (host_socket_open(h, err, cap) < 0 ||
	    host_workers_start(h, err, cap) < 0 ||
	    host_events_make(h, err, cap) < 0)
		goto fail;
	if (host_socket_group(cfg->ctl_group, &group, err, cap) < 0)
		goto fail;
	h->ctl = ctl_server_create(base, "host", host_basename(cfg->listen),
	    group, host_ctl, h, err, cap);
	if (h->ctl == NULL)
		goto fail;
	return h;

fail:
	host_stop(h);
	return NULL;
}

static void
host_nothing(struct worker *w, void *arg)
{
}

void
host_alive(struct host *h)
{
	for (uint32_t i = 0; i < h->pool.count; i++)
		worker_call(&h->pool.worker[i], host_nothing, NULL);
}

void
host_reopen(struct host *h)
{
	transcript_reopen(h->transcript);
	capture_reopen(h->capture);
	for (struct nic *nic = h->nics; nic != NULL; nic = nic->next) {
		capture_reopen(nic->capture);
		if (nic->port.ops->reopen != NULL)
			nic->port.ops->reopen(&nic->port);
	}
}

void
host_say(struct host *h, const char *fmt, ...)
{
	char text[1600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	host_log(&h->log, "%s", text);
}

void
host_stop(struct host *h)
{
	if (h->ctl != NULL)
		ctl_server_destroy(h->ctl);
	host_socket_close(h);
	while (h->guests != NULL)
		host_guest_end(h->guests, LINK_E_SHUTDOWN);
	while (h->nics != NULL)
		host_nic_drop(h, h->nics);
	host_monitor_end(h);
	if (h->control_event != NULL)
		event_free(h->control_event);
	if (h->control_fd >= 0)
		close(h->control_fd);
	worker_pool_stop(&h->pool);
	transcript_close(h->transcript);
	capture_destroy(h->capture);
	free(h);
}
