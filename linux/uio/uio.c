/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of the stand-in: connect, make the files, run the program, end with it.
 */
#include "linux/uio/uio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linux/run/clock.h"
#include "linux/run/sockfile.h"
#include "linux/uio/uio_ctl.h"
#include "linux/uio/uio_priv.h"

/*
 * Policy: above every virtual (2^47) and physical address of a program, whose
 * own memory is guest memory at those; below the 2^52 of a partition.
 */
#define UIO_GPA_LINK		(1ull << 51)
#define UIO_GPA_FILES		(UIO_GPA_LINK + (1ull << 40))
#define UIO_LINK_BYTES		(1u << 20)	/* SynIC pages */

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct uio *u = arg;

	uio_mem_check(u);
	uio_pump(u);
}

/* --- VMBus --- */

static void
on_pump(evutil_socket_t fd, short what, void *arg)
{
	uio_pump(arg);
}

static void
on_link(evutil_socket_t fd, short what, void *arg)
{
	struct uio *u = arg;
	int rc = link_guest_poll(u->link);

	if (rc < 0)
		uio_over(u, UIO_LOST, rc == -ECONNABORTED ?
		    "the host at %s ended the connection" :
		    "the host at %s is gone", u->cfg.connect);
	uio_pump(u);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	uio_over(arg, UIO_REFUSED, "the host did not bring the NIC up within "
	    "10 s");
}

/* --- bring-up --- */

static bool
argv_has(char **argv, const char *word)
{
	for (; *argv != NULL; argv++)
		if (strcmp(*argv, word) == 0)
			return true;
	return false;
}

static long
huge_pages_free(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	long n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "HugePages_Free: %ld", &n) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return n;
}

static int
preconditions(const struct uio *u, bool huge, char *err, size_t cap)
{
	if (geteuid() != 0) {
		snprintf(err, cap, "it needs root: a mount namespace, "
		    "fanotify, and the program's memory");
		return -1;
	}
	if (huge && huge_pages_free() == 0) {
		snprintf(err, cap, "no huge page is free: reserve some "
		    "(sysctl vm.nr_hugepages=256), or give the program "
		    "--no-huge");
		return -1;
	}
	return 0;
}

static int
files_make(struct uio *u)
{
	const struct uio_config *c = &u->cfg;
	int rc = uio_file_make(u, &u->attach, "hvnet-attach", HV_PAGE_SIZE,
	    0);

	if (rc == 0)
		rc = uio_file_make(u, &u->map[UIO_MAP_RINGS], "hvnet-ring", 0,
		    2 * c->ring_bytes);
	if (rc == 0)
		rc = uio_pages_make(u);
	if (rc == 0)
		rc = uio_file_make(u, &u->map[UIO_MAP_RECV], "hvnet-recv",
		    UIO_MAP_RECV * HV_PAGE_SIZE, c->recv_bytes);
	if (rc == 0)
		rc = uio_file_make(u, &u->map[UIO_MAP_SEND], "hvnet-send",
		    UIO_MAP_SEND * HV_PAGE_SIZE, c->send_bytes);
	return rc;
}

static int
connect_host(struct uio *u, char *err, size_t cap)
{
	const struct link_guest_config lc = { .path = u->cfg.connect,
		.name = u->cfg.name, .nic = u->cfg.nic,
		.kind = LINK_KIND_UIO, .max_nics = 1, .vps = 1,
		.memory_bytes = UIO_LINK_BYTES, .gpa_base = UIO_GPA_LINK };
	struct vmc_config vc = { .vps = 1, .max_version = u->cfg.max_vmbus,
		.signal = VMC_SIGNAL_POLL };
	int rc = link_guest_open(&lc, &u->link, err, cap);

	if (rc < 0)
		return rc;
	u->next_gpa = UIO_GPA_FILES;
	rc = files_make(u);
	if (rc < 0) {
		snprintf(err, cap, "memory for rings and buffers: %s",
		    strerror(-rc));
		return rc;
	}
	vc.simp[0] = link_guest_simp(u->link, 0);
	vc.siefp[0] = link_guest_siefp(u->link, 0);
	u->vmc = vmc_create(&vc, &uio_vmc_ops, u);
	if (u->vmc != NULL && vmc_start(u->vmc) == 0)
		return 0;
	snprintf(err, cap, "out of memory");
	return -ENOMEM;
}

static int
events_make(struct uio *u)
{
	const struct timeval limit = { 10, 0 };

	u->timer = evtimer_new(u->base, on_pump, u);
	u->deadline = evtimer_new(u->base, on_deadline, u);
	u->beat = event_new(u->base, -1, EV_PERSIST, on_beat, u);
	u->link_event = event_new(u->base, link_guest_fd(u->link), EV_READ |
	    EV_PERSIST, on_link, u);
	u->interrupt_event = event_new(u->base,
	    link_guest_interrupt_fd(u->link, 0), EV_READ | EV_PERSIST |
	    EV_ET, on_pump, u);
	if (u->timer == NULL || u->deadline == NULL || u->beat == NULL ||
	    u->link_event == NULL || u->interrupt_event == NULL)
		return -ENOMEM;
	event_add(u->link_event, NULL);
	event_add(u->interrupt_event, NULL);
	event_add(u->deadline, &limit);
	return 0;
}

static struct uio *
uio_alloc_one(const struct uio_config *cfg, struct event_base *base)
{
	struct uio *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->cfg = *cfg;
	u->base = base;
	u->attach.fd = u->fan_fd = u->pending_fd = -1;
	u->child_fd = u->user_fd = -1;
	for (uint32_t i = 0; i < UIO_MAPS; i++)
		u->map[i].fd = -1;
	for (uint32_t i = 0; i < UIO_MAX_QUEUES; i++)
		u->sub[i].ring.fd = -1;
	return u;
}

struct uio *
uio_start(const struct uio_config *cfg, struct event_base *base, bool *refused,
    char *err, size_t cap)
{
	bool huge = !argv_has(cfg->argv, "--no-huge");
	struct uio *u = uio_alloc_one(cfg, base);
	int rc;

	*refused = false;
	snprintf(err, cap, "out of memory");
	if (u == NULL)
		return NULL;
	if (preconditions(u, huge, err, cap) < 0 ||
	    uio_swap_init(u, err, cap) < 0)
		goto fail;
	if (cfg->transcript != NULL && (u->transcript =
	    transcript_open(cfg->transcript, err, cap)) == NULL)
		goto fail;
	if (cfg->capture != NULL && (u->capture =
	    capture_create(cfg->capture, err, cap)) == NULL)
		goto fail;
	rc = connect_host(u, err, cap);
	*refused = rc == -ECONNABORTED;
	if (rc < 0 || uio_ns_enter(huge, cfg->pci, err, cap) < 0)
		goto fail;
	if (huge && (rc = uio_huge_start(u)) < 0) {
		snprintf(err, cap, "watching " UIO_HUGE_DIR ": %s",
		    strerror(-rc));
		goto fail;
	}
	if (events_make(u) < 0) {
		snprintf(err, cap, "out of memory");
		goto fail;
	}
	u->ctl = ctl_server_create(base, "uio", cfg->nic[0] != '\0' ?
	    cfg->nic : "any", SOCKFILE_NO_GROUP, uio_ctl, u, err, cap);
	if (u->ctl == NULL)
		goto fail;
	uio_pump(u);
	return u;

fail:
	uio_stop(u);
	return NULL;
}

static void
event_end(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

void
uio_stop(struct uio *u)
{
	if (u->end == UIO_RUNNING)
		u->end = UIO_FAILED;
	uio_child_end(u);
	ctl_server_destroy(u->ctl);
	uio_huge_stop(u);
	uio_swap_close(u);
	if (u->mem != NULL)
		uio_user_forget(u);
	event_end(u->beat);
	event_end(u->deadline);
	event_end(u->timer);
	event_end(u->link_event);
	event_end(u->interrupt_event);
	if (u->vmc != NULL) {
		vmc_lost(u->vmc);
		vmc_timer(u->vmc, clock_now_ns());
		vmc_destroy(u->vmc);
	}
	if (u->link != NULL)
		link_guest_close(u->link);
	uio_file_close(&u->attach);
	for (uint32_t i = 0; i < UIO_MAPS; i++)
		uio_file_close(&u->map[i]);
	for (uint32_t i = 0; i < UIO_MAX_QUEUES; i++)
		uio_file_close(&u->sub[i].ring);
	if (u->pages.va != NULL)
		munmap(u->pages.va, u->pages.bytes);
	transcript_close(u->transcript);
	capture_destroy(u->capture);
	uio_child_reap(u);
	free(u);
}
