/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world that does what a story tells it: a command a line on standard input,
 * an answer a line on standard output, as JSON.
 *
 *	host key=value ...	the host is there, with options and NIC
 *	guest			a guest comes
 *	set key=value ...	of the NIC
 *	remove			the host takes the NIC back for good
 *	add key=value ...	it is there again
 *	frame HEX		a frame goes to the guest
 *	knock PROTOCOL NS	did the guest refuse a connection, in full?
 *	ask WORDS		the guest's shell does this (world_shell.c)
 *	vlan VID		of what is requested from now on; 0: none
 *	stream DIR BYTES	by TCP, DIR 1: to the guest: did all arrive?
 *	run NS			so much time passes
 *	lost NS SIZE ...	request echoes: how many bytes nobody answered
 *	stat			as `hvnet stat --json`
 *
 * An answer is {"error": TEXT}, where a world has no such thing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/nvs_msg.h"
#include "world.h"

#define SHELL_NS	1000000000u
#define STREAM_NS	30000000000u
#define RUN_STEPS	20000000u	/* policy: more than any story takes */

static struct world world;	/* large */

static json_t *
error(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

/* --- settings --- */

static bool
nvsp_set(struct vsp_config *c, const char *name)
{
	for (uint32_t i = 0; i < ARRAY_LEN(nvs_versions); i++)
		if (strcmp(nvs_version_name(nvs_versions[i]), name) == 0) {
			c->max_nvsp = nvs_versions[i];
			return true;
		}
	return false;
}

static bool
flag_set(struct world *w, const char *key, const char *value)
{
	static const struct { const char *key; uint32_t bit; } bits[] = {
		{ "txcsum", VSP_OFF_TXCSUM }, { "rxcsum", VSP_OFF_RXCSUM },
		{ "tso", VSP_OFF_LSO }, { "rsc", VSP_OFF_RSC },
		{ "hash", VSP_OFF_HASH },
	};

	for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
		if (strcmp(key, bits[i].key) != 0)
			continue;
		w->cfg.vsp.offloads &= ~bits[i].bit;
		if (strcmp(value, "off") != 0)
			w->cfg.vsp.offloads |= bits[i].bit;
		return true;
	}
	return false;
}

/* 1: it is set; 2: and the NIC has to be offered again; 0: no such key. */
static int
key_set(struct world *w, const char *key, const char *value)
{
	struct vsp_config *c = &w->cfg.vsp;
	uint32_t n = (uint32_t)strtoul(value, NULL, 0), lo = 0;
	char *end;
	const struct { const char *key; uint32_t *at; } numbers[] = {
		{ "mtu", &c->mtu }, { "queues", &c->max_queues },
		{ "section", &c->section_bytes },
	};

	if (strcmp(key, "backend") == 0 || strcmp(key, "name") == 0 ||
	    strcmp(key, "netns") == 0)
		return 1;
	if (strcmp(key, "mac") == 0)
		return sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx",
		    &c->mac[0], &c->mac[1], &c->mac[2], &c->mac[3],
		    &c->mac[4], &c->mac[5]) == 6;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (strcmp(key, numbers[i].key) == 0) {
			*numbers[i].at = n;
			return 2;
		}
	if (strcmp(key, "link") == 0) {
		c->link_up = strcmp(value, "up") == 0;
		return 1;
	}
	if (strcmp(key, "loss") == 0) {
		c->loss_ppm = (uint32_t)(strtod(value, NULL) * 10000);
		return 1;
	}
	if (strcmp(key, "speed") == 0) {
		c->speed_bps = strtoull(value, &end, 0) * (*end == 'G' ?
		    1000000000u : 1000000u);
		return 1;
	}
	if (strcmp(key, "signal") == 0 && strcmp(value, "packet") == 0) {
		w->cfg.link.vms.policy = RING_CHAN_PACKET;
		w->cfg.link.faults.irq_twice = 500000;	/* ppm */
		return 1;
	}
	if (strcmp(key, "poll") == 0 || strcmp(key, "poll-time") == 0)
		return w->poll = true;
	if (strcmp(key, "monitor") == 0) {
		w->cfg.link.vms.monitor = true;
		return 1;
	}
	if (strcmp(key, "max-vmbus") == 0 &&
	    sscanf(value, "%u.%u", &n, &lo) == 2) {
		w->cfg.link.vms.max_version = n << 16 | lo;
		return 1;
	}
	if (strcmp(key, "nvsp") == 0 || strcmp(key, "max-nvsp") == 0)
		return nvsp_set(c, value);
	return flag_set(w, key, value);
}

/* Every setting of the line but bend=, whose value is returned. */
static json_t *
settings(struct world *w, char *line, const char **script, bool *again)
{
	char why[200];

	for (char *word, *save = NULL; (word = strtok_r(line, " ", &save)) !=
	    NULL; line = NULL) {
		char *eq = strchr(word, '=');
		int rc;

		if (eq == NULL)
			return error("want key=value");
		*eq++ = '\0';
		if (strcmp(word, "bend") == 0) {
			*script = eq;
			continue;
		}
		rc = key_set(w, word, eq);
		if (rc == 0) {
			snprintf(why, sizeof(why), "no %s= in one process",
			    word);
			return error(why);
		}
		*again |= rc == 2;
	}
	return NULL;
}

/* --- time --- */

static bool
never(void *ctx)
{
	return false;
}

static bool
all_answered(void *ctx)
{
	return ((struct world *)ctx)->waiting == 0;
}

static void
nothing(void *arg, uint64_t value)
{
}

static bool
run(struct world *w, bool (*done)(void *), uint64_t ns)
{
	uint64_t until = w->sim.now_ns + ns, steps = w->sim.steps;
	bool is;

	sim_after(&w->sim, ns, nothing, w, 0);
	is = sim_run(&w->sim, done, w, RUN_STEPS, until);
	if (w->sim.steps - steps >= RUN_STEPS) {
		printf("{\"stuck\": \"so much happens that time stands "
		    "still\"}\n");
		exit(1);
	}
	return is;
}

/* --- commands --- */

static json_t *
cmd_host(struct world *w, char *args)
{
	const char *script = NULL;
	char err[700] = "";
	bool again = false;
	json_t *bad;

	sim_nic_defaults(&w->cfg);
	bad = settings(w, args, &script, &again);
	if (bad != NULL)
		return bad;
	return world_host(w, script, err, sizeof(err)) < 0 ? error(err) :
	    json_object();
}

static json_t *
cmd_guest(struct world *w, char *args)
{
	world_guest(w);
	return json_object();
}

static json_t *
cmd_set(struct world *w, char *args)
{
	const char *script = NULL;
	char err[700] = "";
	bool again = false;
	json_t *bad = settings(w, args, &script, &again);

	if (bad != NULL)
		return bad;
	if (script != NULL && world_bend(w, script, err, sizeof(err)) < 0)
		return error(err);
	world_changed(w, again);
	/* Somebody types fast. */
	(void)run(w, never, sim_below(&w->sim, 20000));
	return json_object();
}

static json_t *
cmd_remove(struct world *w, char *args)
{
	w->removed = true;
	world_rescind(w);
	return json_object();
}

static json_t *
cmd_add(struct world *w, char *args)
{
	const char *script = NULL;
	char err[700] = "";
	bool again = false;
	struct vsp_config was = w->cfg.vsp;
	json_t *bad;

	/* All that the line does not name is as it was at first. */
	sim_nic_defaults(&w->cfg);
	w->cfg.vsp.strict = was.strict;
	world_guest_config(w);
	bad = settings(w, args, &script, &again);
	if (bad != NULL)
		return bad;
	if (world_bend(w, script != NULL ? script : "off", err,
	    sizeof(err)) < 0)
		return error(err);
	world_add(w);
	return json_object();
}

static json_t *
cmd_frame(struct world *w, char *args)
{
	uint8_t bytes[9100];
	uint32_t n = 0;
	unsigned int b;

	while (n < sizeof(bytes) && sscanf(args + 2 * n, "%2x", &b) == 1)
		bytes[n++] = (uint8_t)b;
	world_frame(w, bytes, n);
	return json_object();
}

static bool
refused(void *ctx)
{
	return ((struct world *)ctx)->refusals > 0;
}

static json_t *
cmd_knock(struct world *w, char *args)
{
	uint8_t protocol = (uint8_t)strtoul(args, &args, 0);

	w->refusals = 0;
	world_knock(w, protocol);
	(void)run(w, refused, strtoull(args, NULL, 0));
	return json_pack("{s:b,s:i}", "refused", w->refusals > 0, "wrong",
	    (int)w->wrong);
}

static json_t *
cmd_run(struct world *w, char *args)
{
	(void)run(w, never, strtoull(args, NULL, 0));
	return json_object();
}

static json_t *
cmd_lost(struct world *w, char *args)
{
	static uint32_t seq[WORLD_OPEN], bytes[WORLD_OPEN];
	uint32_t n = 0;
	uint64_t ns = strtoull(args, &args, 0);
	json_t *lost = json_array();

	(void)run(w, never, sim_below(&w->sim, 300000));
	for (char *end; n < WORLD_OPEN; n++, args = end) {
		bytes[n] = (uint32_t)strtoul(args, &end, 0);
		if (end == args)
			break;
		if (bytes[n] + 48 > w->cfg.vsp.mtu)
			return error("the guest has no fragments");
		seq[n] = world_ask(w, bytes[n]);
	}
	(void)run(w, all_answered, ns);
	/* What comes from now on is too late, and no stray. */
	w->first_seq = w->next_seq;
	for (uint32_t i = 0; i < n; i++)
		if (world_forget(w, seq[i]))
			json_array_append_new(lost,
			    json_integer((json_int_t)bytes[i]));
	return json_pack("{s:o,s:i,s:i}", "lost", lost, "stray",
	    (int)w->stray, "wrong", (int)w->wrong);
}

static bool
renewed(void *ctx)
{
	return !((struct world *)ctx)->renew;
}

/* A shell goes on when the driver is back, though it is not yet attached. */
static json_t *
cmd_ask(struct world *w, char *args)
{
	const char *why = world_shell(w, args);

	(void)run(w, renewed, SHELL_NS);
	return why != NULL ? error(why) : json_object();
}

static json_t *
cmd_vlan(struct world *w, char *args)
{
	w->vlan = (uint16_t)strtoul(args, NULL, 0);
	return json_object();
}

static json_t *
cmd_stream(struct world *w, char *args)
{
	bool to_guest = strtoul(args, &args, 0) != 0;

	world_stream(w, to_guest, (uint32_t)strtoul(args, NULL, 0));
	(void)run(w, world_streamed, STREAM_NS);
	return json_pack("{s:b}", "whole", world_stream_end(w));
}

static json_t *
cmd_stat(struct world *w, char *args)
{
	return world_stat(w);
}

static const struct {
	const char *name;
	json_t *(*run)(struct world *, char *args);
} commands[] = {
	{ "host", cmd_host }, { "guest", cmd_guest }, { "set", cmd_set },
	{ "remove", cmd_remove }, { "run", cmd_run }, { "lost", cmd_lost },
	{ "stat", cmd_stat }, { "add", cmd_add }, { "frame", cmd_frame },
	{ "knock", cmd_knock }, { "ask", cmd_ask }, { "vlan", cmd_vlan },
	{ "stream", cmd_stream },
};

static json_t *
command(struct world *w, char *line)
{
	char *args = line + strcspn(line, " \n");

	line[strcspn(line, "\n")] = '\0';
	if (*args != '\0')
		*args++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(line, commands[i].name) == 0)
			return commands[i].run(w, args);
	return error("no such command");
}

int
main(int argc, char **argv)
{
	struct transcript_spec spec = { .layers = 0 };
	char *line = NULL, err[400];
	size_t room = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s TRANSCRIPT\n", argv[0]);
		return 2;
	}
	snprintf(spec.path, sizeof(spec.path), "%s", argv[1]);
	world.transcript = transcript_open(&spec, err, sizeof(err));
	if (world.transcript == NULL) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	while (getline(&line, &room, stdin) > 0) {
		json_t *answer = command(&world, line);

		json_dumpf(answer, stdout, JSON_COMPACT);
		printf("\n");
		fflush(stdout);
		json_decref(answer);
	}
	/* Everything is in use until the end. */
	fflush(stdout);
	_exit(0);
}
