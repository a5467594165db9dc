/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rules want of a message, and what a VMBus message meets.
 */
#include "linux/bend/bend_priv.h"

#include <stdlib.h>

#include "wire/wire_print.h"

bool
bend_cares(const struct bend *b, const struct bend_kind *k)
{
	for (uint32_t i = 0; i < b->rules; i++) {
		const struct bend_rule *r = &b->rule[i];

		if (bend_kind_equal(&r->what.kind, k) ||
		    ((r->does & BEND_DOES_UNTIL) != 0 &&
		    bend_kind_equal(&r->until.kind, k)))
			return true;
	}
	return false;
}

void
bend_judge(struct bend *b, const struct bend_kind *k, bool sub,
    const char *text, struct bend_judgement *j)
{
	memset(j, 0, offsetof(struct bend_judgement, rule));
	j->hold = j->cut = j->index = NULL;
	bend_held_event(b, k, text);
	for (uint32_t i = 0; i < b->rules; i++) {
		struct bend_rule *r = &b->rule[i];

		if (!bend_what_fits(&r->what, k, text) ||
		    (sub && (r->does & BEND_DOES_SAY) != 0))
			continue;
		r->seen++;
		if (r->seen < r->first || r->seen > r->last)
			continue;
		r->done++;
		j->does |= r->does;
		j->rule[j->rules++] = r;
		if ((r->does & BEND_DOES_HOLD) != 0)
			j->hold = r;
		if ((r->does & BEND_DOES_CUT) != 0)
			j->cut = r;
		if ((r->does & BEND_DOES_INDEX) != 0)
			j->index = r;
		if ((r->does & BEND_DOES_RESCIND) != 0)
			b->rescind = true;
	}
}

/* What else the script says in VMBus, after this message. */
static void
message_say(struct bend *b, const struct bend_judgement *j, uint32_t guest,
    uint32_t vp)
{
	for (uint32_t i = 0; i < j->rules; i++) {
		const struct bend_rule *r = j->rule[i];

		/* It goes when control comes, with time 0. */
		if ((r->does & BEND_DOES_SAY) != 0)
			(void)bend_hold_message(b, r, guest, vp,
			    (struct span){ r->say, r->say_len });
	}
}

enum bend_verdict
bend_message(struct bend *b, bool to_guest, uint32_t guest, uint32_t vp,
    uint8_t *msg, uint32_t *len)
{
	const struct span in = { msg, *len };
	struct bend_kind k = { .to_guest = to_guest };
	enum bend_verdict v = BEND_PASS;
	char text[WIRE_PRINT_MAX];
	struct bend_judgement j;

	if (!bend_kind_message(&k, in) || !bend_cares(b, &k))
		return BEND_PASS;
	bend_kind_print(&k, in, 0, text, sizeof(text));
	pthread_mutex_lock(&b->lock);
	bend_judge(b, &k, false, text, &j);
	for (uint32_t i = 0; i < j.rules; i++)
		bend_set_bytes(j.rule[i], BEND_BODY, msg, *len);
	if (j.cut != NULL)
		*len = min_u32(*len, j.cut->cut);
	if ((j.does & BEND_DOES_DROP) != 0)
		v = BEND_TAKE;
	else if (j.hold != NULL && bend_hold_message(b, j.hold, guest, vp,
	    (struct span){ msg, *len }))
		v = BEND_TAKE;
	else if ((j.does & BEND_DOES_TWICE) != 0)
		v = BEND_TWICE;
	message_say(b, &j, guest, vp);
	pthread_mutex_unlock(&b->lock);
	/* Even where nothing waits now: an event may have made things due. */
	b->ops->ask(b->ctx);
	return v;
}
