/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of a script.
 *
 *	[guest] LAYER MESSAGE [n=WHICH] [field=value ...]: ACTION [; ACTION ...]
 *
 * Theory of operation.  Layer, message and field=value are words of a
 * transcript's line, so a line of a transcript tells how to write a rule about
 * it.  A line is cut in place; each part has its parser, and the first
 * complaint is the answer.
 */
#include "linux/bend/bend_priv.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct complaint {
	char *err;
	size_t cap;
};

__attribute__((format(printf, 2, 3)))
static int
bad(const struct complaint *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->err, c->cap, fmt, ap);
	va_end(ap);
	return -1;
}

/* The next word of *p, NUL-terminated in place, or NULL. */
static char *
word_next(char **p)
{
	char *w = *p + strspn(*p, " \t");
	size_t n = strcspn(w, " \t");

	if (n == 0)
		return NULL;
	*p = w + n;
	if (**p != '\0')
		*(*p)++ = '\0';
	return w;
}

static bool
number_parse(const char *text, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	*v = strtoull(text, &end, 0);
	return *end == '\0';
}

/* "2", "2..", "2..5". */
static int
which_parse(struct bend_rule *r, const char *text, const struct complaint *c)
{
	const char *dots = strstr(text, "..");
	char first[24];

	snprintf(first, sizeof(first), "%.*s", dots == NULL ?
	    (int)strlen(text) : (int)(dots - text), text);
	r->last = UINT64_MAX;
	if (!number_parse(first, &r->first) || r->first == 0 ||
	    (dots != NULL && dots[2] != '\0' &&
	    (!number_parse(dots + 2, &r->last) || r->last < r->first)))
		return bad(c, "n=%s: want the number of the message, from 1: "
		    "2, 2.. or 2..5", text);
	if (dots == NULL)
		r->last = r->first;
	return 0;
}

static int
layer_parse(struct bend_kind *k, const char *text, const struct complaint *c)
{
	for (uint32_t i = 0; i < BEND_LAYERS; i++)
		if (text != NULL && strcmp(bend_layers[i], text) == 0) {
			k->layer = (enum bend_layer)i;
			return 0;
		}
	return bad(c, "'%s': want VMBUS, NVSP or RNDIS, with 'guest' before "
	    "it where the guest sends the message", text != NULL ? text : "");
}

/* [guest] LAYER MESSAGE field=value ...; r: the rule that n= is of, or NULL. */
static int
what_parse(struct bend_what *w, struct bend_rule *r, char *text,
    const struct complaint *c)
{
	char *word = word_next(&text);

	w->kind.to_guest = word == NULL || strcmp(word, "guest") != 0;
	if (!w->kind.to_guest)
		word = word_next(&text);
	if (layer_parse(&w->kind, word, c) < 0)
		return -1;
	word = word_next(&text);
	if (word == NULL || bend_type_find(w->kind.layer, word,
	    &w->kind.type) < 0)
		return bad(c, "'%s' is no message of %s that hvnet knows; "
		    "`hvnet stat --describe' lists them", word != NULL ? word :
		    "", bend_layers[w->kind.layer]);
	if (!bend_kind_known(&w->kind))
		return bad(c, "%s %s is sent by a %s: %s", bend_layers[
		    w->kind.layer], word, w->kind.to_guest ? "guest" : "host",
		    w->kind.to_guest ? "write 'guest' before it" :
		    "leave 'guest' out");
	while ((word = word_next(&text)) != NULL) {
		if (r != NULL && strncmp(word, "n=", 2) == 0) {
			if (which_parse(r, word + 2, c) < 0)
				return -1;
			continue;
		}
		if (strchr(word, '=') == NULL || strlen(word) >= BEND_WORD ||
		    w->words == BEND_WORDS)
			return bad(c, "'%s': want up to %u words field=value, "
			    "as a transcript has them", word, BEND_WORDS);
		strcpy(w->word[w->words++], word);
	}
	return 0;
}

/* --- actions --- */

static int
set_parse(struct bend_rule *r, char *args, const struct complaint *c)
{
	char *word, known[400];

	if (!r->what.kind.to_guest && r->what.kind.layer == BEND_RNDIS)
		return bad(c, "set: a guest's RNDIS message lies in its own "
		    "memory and cannot be changed");
	while ((word = word_next(&args)) != NULL) {
		char *eq = strchr(word, '=');
		struct bend_set *s = &r->set[r->sets];

		if (eq == NULL || r->sets == BEND_SETS)
			return bad(c, "set %s: want up to %u of field=value",
			    word, BEND_SETS);
		*eq++ = '\0';
		if (!bend_field_find(&r->what.kind, word, &s->field)) {
			bend_fields_of(&r->what.kind, known, sizeof(known));
			return bad(c, "set %s: no such field; there are: %s%s"
			    "u8@N u16@N u32@N u64@N with N bytes before it",
			    word, known, known[0] != '\0' ? " " : "");
		}
		s->relative = eq[0] == '+' || eq[0] == '-';
		if (!number_parse(eq + s->relative, &s->value))
			return bad(c, "set %s=%s: want a number, or +number "
			    "or -number to add", word, eq);
		if (eq[0] == '-')
			s->value = -s->value;
		r->sets++;
	}
	return r->sets > 0 ? 0 : bad(c, "set: want field=value");
}

static int
wait_parse(struct bend_rule *r, char *args, const struct complaint *c)
{
	char *text = word_next(&args), *end = NULL;
	uint64_t n = 0, unit = 0;

	if (text != NULL && isdigit((unsigned char)text[0])) {
		n = strtoull(text, &end, 10);
		unit = strcmp(end, "ms") == 0 ? 1000000u :
		    strcmp(end, "s") == 0 ? 1000000000u : 0;
	}
	if (unit == 0 || n > 3600)
		return bad(c, "wait: want a time such as 200ms or 15s, up to "
		    "3600 of them");
	r->wait_ns = n * unit;
	return 0;
}

static int
until_parse(struct bend_rule *r, char *args, const struct complaint *c)
{
	return what_parse(&r->until, NULL, args, c);
}

static int
cut_parse(struct bend_rule *r, char *args, const struct complaint *c)
{
	uint64_t n;
	char *text = word_next(&args);

	if (r->what.kind.layer == BEND_RNDIS)
		return bad(c, "cut: of an RNDIS message set its length, or "
		    "range.bytes");
	if (text == NULL || !number_parse(text, &n) || n > 240)
		return bad(c, "cut: want the bytes that are left, 0 to 240");
	r->cut = (uint32_t)n;
	return 0;
}

static int
index_parse(struct bend_rule *r, char *args, const struct complaint *c)
{
	char *text = word_next(&args);
	uint64_t n;

	if (r->what.kind.layer == BEND_VMBUS)
		return bad(c, "index: a VMBus message is in no ring");
	if (text == NULL || (text[0] != '+' && text[0] != '-') ||
	    !number_parse(text + 1, &n) || n > UINT32_MAX)
		return bad(c, "index: want +N or -N, bytes added to the write "
		    "index that the guest sees");
	r->index = text[0] == '-' ? -(int64_t)n : (int64_t)n;
	return 0;
}

static int
say_parse(struct bend_rule *r, char *args, const struct complaint *c)
{
	char *word;

	while ((word = word_next(&args)) != NULL)
		for (; word[0] != '\0'; word += 2) {
			unsigned int b;

			if (!isxdigit((unsigned char)word[0]) ||
			    !isxdigit((unsigned char)word[1]) ||
			    r->say_len == BEND_SAY ||
			    sscanf(word, "%2x", &b) != 1)
				return bad(c, "say: want up to %u bytes in "
				    "hexadecimal digits, two a byte",
				    BEND_SAY);
			r->say[r->say_len++] = (uint8_t)b;
		}
	return r->say_len > 0 ? 0 : bad(c, "say: want bytes in hexadecimal");
}

static const struct {
	const char *name;
	uint32_t does;
	int (*parse)(struct bend_rule *, char *args, const struct complaint *);
} actions[] = {
	{ "drop", BEND_DOES_DROP, NULL },
	{ "twice", BEND_DOES_TWICE, NULL },
	{ "swap", BEND_DOES_SWAP, NULL },
	{ "wait", BEND_DOES_WAIT, wait_parse },
	{ "until", BEND_DOES_UNTIL, until_parse },
	{ "cut", BEND_DOES_CUT, cut_parse },
	{ "index", BEND_DOES_INDEX, index_parse },
	{ "say", BEND_DOES_SAY, say_parse },
	{ "rescind", BEND_DOES_RESCIND, NULL },
	{ "set", 0, set_parse },
};

static int
action_parse(struct bend_rule *r, char *text, const struct complaint *c)
{
	char *name = word_next(&text);

	for (uint32_t i = 0; i < ARRAY_LEN(actions); i++) {
		uint32_t does = actions[i].does;

		if (name == NULL || strcmp(name, actions[i].name) != 0)
			continue;
		if (!r->what.kind.to_guest && (does & BEND_HOST_ONLY) != 0)
			return bad(c, "%s: a guest's message can only be "
			    "dropped, set or answered (say, rescind)", name);
		r->does |= does;
		if (actions[i].parse != NULL)
			return actions[i].parse(r, text, c);
		return word_next(&text) == NULL ? 0 :
		    bad(c, "%s: nothing comes behind it but ';'", name);
	}
	return bad(c, "'%s' is no action; there are drop, twice, swap, wait, "
	    "until, set, cut, index, say and rescind", name != NULL ? name :
	    "");
}

/* Where the description ends: a colon before a blank or the end. */
static char *
colon_find(char *line)
{
	for (char *p = line; (p = strchr(p, ':')) != NULL; p++)
		if (p[1] == ' ' || p[1] == '\t' || p[1] == '\0')
			return p;
	return NULL;
}

int
bend_line_parse(struct bend_rule *r, char *line, char *err, size_t cap)
{
	const struct complaint c = { err, cap };
	char *colon, *next;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	if (line[0] == '\0')
		return 0;
	snprintf(r->text, sizeof(r->text), "%s", line);
	r->first = 1;
	r->last = UINT64_MAX;
	colon = colon_find(line);
	if (colon == NULL)
		return bad(&c, "want [guest] LAYER MESSAGE [field=value ...]: "
		    "ACTION");
	*colon = '\0';
	if (what_parse(&r->what, r, line, &c) < 0)
		return -1;
	for (line = colon + 1; line != NULL; line = next) {
		next = strchr(line, ';');
		if (next != NULL)
			*next++ = '\0';
		if (action_parse(r, line, &c) < 0)
			return -1;
	}
	return 1;
}
