/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell of a world's guest.
 *
 * Theory of operation.  inprocess.py translates what a story has typed into
 * these words, which do to the driver what a kernel would:
 *
 *	renew key=value ...	detach, and attach again with these settings
 *	down-and-up		filter 0, and at once what it was
 *	promisc on|off		the filter
 *	key			another RSS key, and ask which it is
 *	nothing
 */
#include "world.h"

#include <stdlib.h>

#include "wire/ndis_obj.h"

/* Section of either buffer: what a number of them takes, about. */
#define RX_SECTION_KB	2u
#define TX_SECTION_KB	6u

static const char *
settings(struct vsc_config *c, char *words)
{
	for (char *word, *save = NULL; (word = strtok_r(words, " ", &save)) !=
	    NULL; words = NULL) {
		char *eq = strchr(word, '=');
		uint32_t n;

		if (eq == NULL)
			return "want key=value";
		*eq++ = '\0';
		n = (uint32_t)strtoul(eq, NULL, 0);
		if (strcmp(word, "mtu") == 0)
			c->mtu = n;
		else if (strcmp(word, "queues") == 0)
			c->tune.chan_cnt = n;
		else if (strcmp(word, "rx") == 0)
			c->tune.rxbuf_kb = n * RX_SECTION_KB;
		else if (strcmp(word, "tx") == 0)
			c->tune.sendbuf_kb = n * TX_SECTION_KB;
		else
			return "no such setting of the guest";
	}
	return NULL;
}

static const char *
filter(struct world *w, uint32_t f)
{
	/* Of a NIC that is not there it is set when it comes. */
	w->cfg.vsc.filter = f != 0 ? f : w->cfg.vsc.filter;
	if (w->run.vsc != NULL)
		(void)vsc_set_filter(w->run.vsc, f);
	return NULL;
}

static const char *
key_set(struct world *w)
{
	static const uint32_t table[1];
	uint8_t key[NDIS_RSS_KEY_BYTES];
	uint32_t now[NDIS_RSS_ENTRIES_MAX];

	for (uint32_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 7);
	if (w->run.vsc == NULL)
		return NULL;
	/* Either may be refused. */
	(void)vsc_set_rss(w->run.vsc, key, table, 1);
	(void)vsc_get_rss(w->run.vsc, key, now, ARRAY_LEN(now));
	return NULL;
}

const char *
world_shell(struct world *w, char *words)
{
	char *rest = words + strcspn(words, " ");
	const char *why = NULL;

	if (*rest != '\0')
		*rest++ = '\0';
	if (strcmp(words, "renew") == 0) {
		why = settings(&w->cfg.vsc, rest);
		if (why == NULL)
			world_renew(w);
	} else if (strcmp(words, "down-and-up") == 0) {
		(void)filter(w, 0);
		(void)filter(w, w->cfg.vsc.filter);
	} else if (strcmp(words, "promisc") == 0) {
		(void)filter(w, strcmp(rest, "on") == 0 ?
		    w->cfg.vsc.filter | NDIS_FILTER_PROMISC :
		    w->cfg.vsc.filter & ~NDIS_FILTER_PROMISC);
	} else if (strcmp(words, "key") == 0) {
		why = key_set(w);
	} else if (strcmp(words, "nothing") != 0) {
		why = "no such command of the guest";
	}
	sim_link_control(&w->run.link);
	return why;
}
