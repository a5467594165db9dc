/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of addresses that were requested from a guest.
 *
 * An entry is made by the first channel that lacks an address, and ends when
 * memory that holds it comes, or when a channel asks again after the deadline
 * and is told to give up, or does not ask again at all.  Channels ask from
 * their workers, so a lock it is: nothing here is on the way of a packet whose
 * memory is known.
 */
#include "linux/link/link_miss.h"

void
link_miss_init(struct link_miss_table *t)
{
	*t = (struct link_miss_table){ 0 };
	pthread_mutex_init(&t->lock, NULL);
}

static void
miss_drop(struct link_miss_table *t, uint32_t i)
{
	t->entry[i] = t->entry[--t->count];
}

enum link_miss_answer
link_miss_add(struct link_miss_table *t, uint64_t gpa, uint64_t now_ns)
{
	enum link_miss_answer answer = LINK_MISS_ASK;
	uint32_t i;

	pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->count && t->entry[i].gpa != gpa; i++)
		;
	if (i < t->count && now_ns < t->entry[i].deadline_ns) {
		answer = LINK_MISS_WAIT;
	} else if (i < t->count) {
		miss_drop(t, i);
		t->refused++;
		answer = LINK_MISS_OVER;
	} else if (t->count == LINK_MISSES) {
		t->refused++;
		answer = LINK_MISS_OVER;
	} else {
		t->entry[i].gpa = gpa;
		t->entry[i].deadline_ns = now_ns + LINK_MISS_NS;
		t->count++;
		t->asked++;
	}
	pthread_mutex_unlock(&t->lock);
	return answer;
}

bool
link_miss_met(struct link_miss_table *t, uint64_t gpa, uint64_t bytes)
{
	bool any = false;

	pthread_mutex_lock(&t->lock);
	for (uint32_t i = t->count; i-- > 0;) {
		if (t->entry[i].gpa < gpa || t->entry[i].gpa - gpa >= bytes)
			continue;
		miss_drop(t, i);
		any = true;
	}
	pthread_mutex_unlock(&t->lock);
	return any;
}

bool
link_miss_due(struct link_miss_table *t, uint64_t now_ns)
{
	bool due = false;

	pthread_mutex_lock(&t->lock);
	for (uint32_t i = t->count; i-- > 0;) {
		if (now_ns < t->entry[i].deadline_ns)
			continue;
		due = true;
		if (now_ns - t->entry[i].deadline_ns >= LINK_MISS_NS)
			miss_drop(t, i);
	}
	pthread_mutex_unlock(&t->lock);
	return due;
}

bool
link_miss_any(struct link_miss_table *t)
{
	bool any;

	pthread_mutex_lock(&t->lock);
	any = t->count > 0;
	pthread_mutex_unlock(&t->lock);
	return any;
}
