/*
 * Life of the stand-in: connect, make the files, run the program, see programs
 * come and go, end with the one that we started.
 *
 * The program that has the NIC (`user`) is usually the child, but may be a
 * process of its making: a script can run one DPDK program after the other.
 * The NIC is taken by the first open of /dev/uio0, and free again when that
 * process is gone, however it went: its pidfd tells.  Then the channel is
 * closed, so that the host lets go of everything, and then its memory is taken
 * back.  A program that comes meanwhile sleeps in its open until that is done.
 *
 * uio_over() may be called from inside any upcall: it only notes the end.
 */
#include "linux/uio/uio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linux/run/clock.h"
#include "linux/uio/uio_ctl.h"
#include "linux/uio/uio_priv.h"

#define X(name, text) COUNTER_ROW(uio_counters, name, text)
COUNTER_TABLE(uio_counters, UIO_COUNTERS(X));
#undef X

/*
 * Policy: above every virtual (2^47) and physical address of a program, whose
 * own memory is guest memory at those; below the 2^52 of a partition.
 */
#define UIO_GPA_LINK		(1ull << 51)
#define UIO_GPA_FILES		(UIO_GPA_LINK + (1ull << 40))
#define UIO_LINK_BYTES		(1u << 20)	/* SynIC pages */
/* Policy: how often the program's memory map is looked at unasked. */
#define UIO_BEAT_MS		250
/* Policy: messages in one go. */
#define UIO_BUDGET		64u

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

/* --- who has the NIC --- */

static bool
user_gone(const struct uio *u)
{
	struct pollfd p = { .fd = u->user_fd, .events = POLLIN };

	return u->user_fd < 0 || poll(&p, 1, 0) > 0;
}

static void
user_forget(struct uio *u)
{
	uio_mem_destroy(u->mem);
	u->mem = NULL;
	event_del(u->beat);
	if (u->user_event != NULL)
		event_free(u->user_event);
	u->user_event = NULL;
	if (u->user_fd >= 0)
		close(u->user_fd);
	u->user_fd = -1;
	u->user = 0;
}

static void
user_on_end(evutil_socket_t fd, short what, void *arg)
{
	struct uio *u = arg;

	event_del(u->user_event);
	u->counters.detaches++;
	if (u->state == UIO_OPENING)
		uio_swap_answer(u, false);
	if (u->state == UIO_OPENING || u->state == UIO_OPEN)
		uio_channel_close(u);
	uio_pump(u);
}

static bool
user_take(struct uio *u, pid_t pid)
{
	u->user_fd = uio_pidfd(pid);
	if (u->user_fd < 0)
		return false;
	u->user_event = event_new(u->base, u->user_fd, EV_READ | EV_PERSIST,
	    user_on_end, u);
	u->mem = uio_mem_create(u, pid);
	u->user = pid;
	if (u->user_event == NULL || u->mem == NULL) {
		user_forget(u);
		return false;
	}
	event_add(u->user_event, NULL);
	return true;
}

static void
attach_begin(struct uio *u)
{
	if (u->end == UIO_RUNNING && u->primary != NULL &&
	    user_take(u, u->pending_pid))
		uio_channel_open(u);
	else
		uio_swap_answer(u, false);
}

void
uio_on_attach(struct uio *u, pid_t pid)
{
	if (u->user != 0 && u->user != pid && !user_gone(u)) {
		fprintf(stderr, "hvnet uio: process %d may not open the NIC: "
		    "process %d has it\n", (int)pid, (int)u->user);
		u->counters.refused++;
		uio_swap_answer(u, false);
		return;
	}
	if (u->state == UIO_READY)
		attach_begin(u);
	else if (u->state == UIO_OPEN)
		uio_channel_close(u);
	/* CLOSING: uio_on_closed() goes on. */
}

void
uio_on_opened(struct uio *u, int err)
{
	if (err < 0) {
		fprintf(stderr, "hvnet uio: the host did not open the "
		    "channel: %s\n", hv_err_name(err));
		user_forget(u);
	} else {
		const struct timeval beat = { 0, UIO_BEAT_MS * 1000 };

		u->counters.attaches++;
		event_add(u->beat, &beat);
	}
	uio_swap_answer(u, err == 0);
}

void
uio_on_closed(struct uio *u)
{
	user_forget(u);
	if (u->end != UIO_RUNNING)
		return;
	uio_swap_rewind(u);
	if (u->pending_fd >= 0)
		attach_begin(u);
}

static void
mem_done(struct uio *u, int rc)
{
	if (rc < 0)
		uio_over(u, UIO_LOST, "the host at %s is gone",
		    u->cfg.connect);
}

void
uio_mem_check(struct uio *u)
{
	if (u->mem != NULL)
		mem_done(u, uio_mem_scan(u->mem));
}

void
uio_on_mapped(struct uio *u)
{
	uio_mem_check(u);
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct uio *u = arg;

	uio_mem_check(u);
	uio_pump(u);
}

void
uio_on_ready(struct uio *u)
{
	int rc;

	u->state = UIO_READY;
	event_del(u->deadline);
	rc = uio_tree_make(u);
	if (rc == 0)
		rc = uio_swap_start(u);
	if (rc < 0) {
		uio_over(u, UIO_FAILED, "making the files of the NIC: %s",
		    strerror(-rc));
		return;
	}
	rc = uio_child_start(u);
	if (rc < 0)
		uio_over(u, UIO_FAILED, "%s: %s", u->cfg.argv[0],
		    strerror(-rc));
}

/* --- VMBus --- */

void
uio_pump(struct uio *u)
{
	uint64_t now = clock_now_ns(), at, gpa;
	struct timeval tv;

	while (u->end == UIO_RUNNING && link_guest_want(u->link, &gpa))
		if (u->mem != NULL)
			mem_done(u, uio_mem_want(u->mem, gpa));
	do {
		while (vmc_vp_dispatch(u->vmc, 0, UIO_BUDGET, now))
			;
		at = vmc_timer(u->vmc, now);
	} while (at <= now);
	if (at == UINT64_MAX) {
		event_del(u->timer);
		return;
	}
	tv.tv_sec = (time_t)((at - now) / 1000000000u);
	tv.tv_usec = (suseconds_t)((at - now) % 1000000000u / 1000u) + 1;
	event_add(u->timer, &tv);
}

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
	if (u->vmc != NULL && vmc_start(u->vmc, clock_now_ns()) == 0)
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
	rc = connect_host(u, err, cap);
	*refused = rc == -ECONNABORTED;
	if (rc < 0 || uio_ns_enter(huge, err, cap) < 0)
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
	    cfg->nic : "any", uio_ctl, u, err, cap);
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
		user_forget(u);
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
	uio_child_reap(u);
	free(u);
}
