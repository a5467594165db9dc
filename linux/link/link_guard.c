/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes that a hostile peer cannot hold.
 *
 * A thread that writes marks its own slot: the sequence is odd while it is
 * inside.  One watcher thread regularly looks at all slots; if it finds the
 * same odd number twice, it sends that thread SIGURG.  The handler is empty:
 * the system call ends with EINTR.  The signal may come before the write began
 * to block; then the next look finds it again.
 *
 * A healthy eventfd never blocks, so a thread that is only slow, because others
 * had its processor, loses nothing by the signal: its write does not wait, and
 * what does not wait is not interrupted.  So the watcher need not be patient.
 * It looks often while anybody writes, seldom while nobody does.
 *
 * No descriptor is read or polled for this: whatever can be asked of it, the
 * peer can change the answer of before it is used.
 */
#include "linux/link/link_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"
#include "linux/run/clock.h"

/* Policy: twice this frees a thread; where all were quiet, the sum. */
#define GUARD_BUSY_NS	2000000
#define GUARD_QUIET_NS	20000000
/*
 * Policy: one write in so many is timed; what the mean is until then, and what
 * a sample may be: a thread may lose its processor in the middle of a write.
 */
#define COST_EACH	16u
#define COST_FIRST_NS	3000u
#define COST_MIN_NS	500u
#define COST_MAX_NS	20000u
#define COST_SHIFT	4u

struct guard_slot {
	struct guard_slot *next;
	pthread_t thread;
	uint32_t seq;		/* odd: inside a write; owner: the thread */
	uint32_t writes;	/* owner: the thread */
	uint32_t seen;		/* owner: watcher */
};

static pthread_once_t guard_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static struct guard_slot *guard_slots;	/* lock: guard_lock */
static pthread_key_t guard_key;
static bool guard_runs;
static _Thread_local struct guard_slot *guard_mine;
static uint64_t cost_ns = COST_FIRST_NS;	/* mean of a write */

static void
guard_on_signal(int sig)
{
	(void)sig;
}

/* Free who did not get on since the last look.  True: somebody writes. */
static bool
guard_look(void)
{
	bool busy = false;

	pthread_mutex_lock(&guard_lock);
	for (struct guard_slot *s = guard_slots; s != NULL; s = s->next) {
		uint32_t seq = os_ld32(&s->seq);

		if ((seq & 1) != 0 && seq == s->seen)
			pthread_kill(s->thread, SIGURG);
		busy |= (seq & 1) != 0 || seq != s->seen;
		s->seen = seq;
	}
	pthread_mutex_unlock(&guard_lock);
	return busy;
}

static void *
guard_thread(void *arg)
{
	struct timespec look = { 0, GUARD_BUSY_NS };

	(void)arg;
	for (;;) {
		nanosleep(&look, NULL);
		look.tv_nsec = guard_look() ? GUARD_BUSY_NS : GUARD_QUIET_NS;
	}
	return NULL;
}

static void
guard_slot_free(void *arg)
{
	struct guard_slot **at = &guard_slots;

	pthread_mutex_lock(&guard_lock);
	while (*at != NULL && *at != arg)
		at = &(*at)->next;
	if (*at != NULL)
		*at = (*at)->next;
	pthread_mutex_unlock(&guard_lock);
	free(arg);
}

static void
guard_start(void)
{
	/* No SA_RESTART: the write is to end. */
	struct sigaction sa = { .sa_handler = guard_on_signal };
	sigset_t all, old;
	pthread_t t;

	if (pthread_key_create(&guard_key, guard_slot_free) != 0)
		return;
	sigaction(SIGURG, &sa, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&t, NULL, guard_thread, NULL) == 0) {
		pthread_detach(t);
		guard_runs = true;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* This thread's slot; NULL: out of memory. */
static struct guard_slot *
guard_slot_get(void)
{
	struct guard_slot *s = guard_mine;
	sigset_t urg;

	if (s != NULL)
		return s;
	pthread_once(&guard_once, guard_start);
	s = guard_runs ? calloc(1, sizeof(*s)) : NULL;
	if (s == NULL)
		return NULL;
	s->thread = pthread_self();
	if (pthread_setspecific(guard_key, s) != 0) {
		free(s);
		return NULL;
	}
	sigemptyset(&urg);
	sigaddset(&urg, SIGURG);
	pthread_sigmask(SIG_UNBLOCK, &urg, NULL);
	pthread_mutex_lock(&guard_lock);
	s->next = guard_slots;
	guard_slots = s;
	pthread_mutex_unlock(&guard_lock);
	guard_mine = s;
	return s;
}

/* --- what a signal costs ------------------------------------------------ */

/*
 * Threads add to one mean without a lock: a sample that gets lost that way is
 * no loss.
 */
static void
cost_note(uint64_t took_ns)
{
	uint64_t old = os_ld64(&cost_ns);
	uint64_t took = took_ns < COST_MIN_NS ? COST_MIN_NS :
	    took_ns > COST_MAX_NS ? COST_MAX_NS : took_ns;

	os_st64(&cost_ns, old - (old >> COST_SHIFT) + (took >> COST_SHIFT));
}

uint64_t
link_signal_cost_ns(void)
{
	return 2 * os_ld64(&cost_ns);
}

bool
link_guard_write(int fd, uint32_t *held)
{
	bool freed = false;
	struct guard_slot *s = guard_slot_get();
	uint64_t one = 1, began;
	ssize_t n;

	/* Without a slot nobody could free us: better no interrupt. */
	if (s == NULL || os_ld32(held) != 0)
		return false;
	os_st32(&s->seq, s->seq + 1);
	began = ++s->writes % COST_EACH == 0 ? clock_now_ns() : 0;
	n = write(fd, &one, sizeof(one));
	if (began != 0)
		cost_note(clock_now_ns() - began);
	if (n < 0 && errno == EINTR)
		freed = os_xchg32(held, 1) == 0;
	os_st32(&s->seq, s->seq + 1);
	return freed;
}

bool
link_eventfd_ok(int fd)
{
	char path[40], name[32];
	ssize_t n;
	int flags;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	if (n < 0)
		return false;
	name[n] = '\0';
	if (strcmp(name, "anon_inode:[eventfd]") != 0)
		return false;
	flags = fcntl(fd, F_GETFL);
	return flags >= 0 && ((flags & O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}
