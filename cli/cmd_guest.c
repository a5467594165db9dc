/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet guest: a guest as a process, its NIC a network interface here.
 *
 * The command line becomes a guest_config.  The main thread then serves the
 * control socket and looks now and then whether the guest is up, or has ended,
 * while the virtual processors' threads do everything else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/span.h"
#include "cli/cli.h"
#include "cli/loop.h"
#include "cli/options.h"
#include "linux/guest/guest.h"
#include "linux/link/link_wire.h"
#include "linux/run/clock.h"
#include "linux/run/name.h"
#include "linux/run/priv.h"

#define CMD_TICK_MS	50u
/* Policy: a wait shorter than this is not worth a line. */
#define CMD_SAY_MS	1000u

struct cmd_guest {
	struct guest_config cfg;
	struct options_attach attach;
	struct options_see see;
	struct guest *guest;
	uint32_t wait_ms;	/* --wait-up; 0: for ever */
	uint64_t start_ns;
	bool up;		/* was up once */
	char detail[256];
	char said[256];		/* what it waits for, as last printed */
	uint64_t say_ms;	/* first line after this wait */
	char where[128];
};

enum {
	KEY_IFNAME = 256, KEY_NETNS, KEY_VPS, KEY_MEMORY, KEY_SINGLE_VP,
	KEY_CHANNEL_VP, KEY_POLL, KEY_PROFILE,
	KEY_SIGNAL, KEY_MTU, KEY_OFFLOAD, KEY_NO_COALESCE, KEY_MAX_VMBUS,
	KEY_MIN_VMBUS, KEY_MAX_NVSP, KEY_ONCE, KEY_WAIT_UP, KEY_MDOC, KEY_UIO,
	KEY_UIO_INTERRUPT, KEY_NO_HUGE,
};

static const struct argp_option options[] = {
	{ "uio", KEY_UIO, "N", 0,
	    "Use the NIC at /dev/uioN (kernel driver uio_hv_generic) instead "
	    "of --connect: on a Hyper-V or Azure machine, or under hvnet uio",
	    1 },
	{ "uio-interrupt", KEY_UIO_INTERRUPT, NULL, 0,
	    "With --uio: sleep on the device's interrupt (not under hvnet "
	    "uio, which has none); default: poll", 1 },
	{ "no-huge", KEY_NO_HUGE, NULL, 0,
	    "With --uio: ordinary pages and virtual addresses (under hvnet "
	    "uio only); default: huge pages, physical addresses", 1 },
	{ "once", KEY_ONCE, NULL, 0,
	    "End when the host goes (exit code 5); default: wait for it and "
	    "attach again", 1 },
	{ "wait-up", KEY_WAIT_UP, "SECONDS", 0,
	    "End when not attached within this time (exit code 4); default: "
	    "wait for ever", 1 },
	{ "ifname", KEY_IFNAME, "NAME", 0,
	    "Network interface; default hn0", 2 },
	{ "netns", KEY_NETNS, "NS", 0,
	    "Network namespace of the interface; default: this one", 2 },
	{ "mtu", KEY_MTU, "BYTES", 0,
	    "Largest IP packet, 68 to 9000; default: that of the host's "
	    "NIC", 2 },
	{ "offload", KEY_OFFLOAD, "LIST", 0,
	    "Offloads wanted, as name=on|off,...: tso, txcsum, rxcsum, rsc, "
	    "vlan, hash; default: all on", 2 },
	{ "no-coalesce", KEY_NO_COALESCE, NULL, 0,
	    "Do not merge received segments; default: merge", 2 },
	{ "vps", KEY_VPS, "N", 0,
	    "Virtual processors, 1 to 64, a thread each; default 2", 3 },
	{ "memory", KEY_MEMORY, "SIZE", 0,
	    "Guest memory, such as 512M or 2G; default 1G.  Only pages that "
	    "are used cost memory", 3 },
	{ "channel-vp", KEY_CHANNEL_VP, "LIST", 0,
	    "Virtual processor of each channel, with ':' between, repeated "
	    "until each has one; the first is 0.  Default 0:1:..., in turn",
	    3 },
	{ "single-vp", KEY_SINGLE_VP, NULL, 0,
	    "All channels on virtual processor 0 (legacy): --channel-vp 0",
	    3 },
	{ "signal", KEY_SIGNAL, "HOW", 0,
	    "When the host is signalled: auto (default), edge (once a "
	    "batch), packet (each packet, legacy), monitor (by monitor "
	    "page), poll (only on request, for a host that polls)", 3 },
	{ "poll", KEY_POLL, "HOW", 0,
	    "Whether an empty ring is looked at before the host is asked to "
	    "signal: off (default), or adaptive: as long as it pays", 3 },
	{ "profile", KEY_PROFILE, "NAME", 0,
	    "Settings that go together: default, throughput, latency, "
	    "many-flows or low-cpu; options behind it change them", 4 },
	{ "option", 'o', "NAME=VALUE", 0, "Set a tunable (see below)", 4 },
	{ "max-vmbus", KEY_MAX_VMBUS, "V", 0,
	    "Newest VMBus version tried, 0.13 to 6.0; default 6.0",
	    OPTIONS_GROUP_PROTOCOL },
	{ "min-vmbus", KEY_MIN_VMBUS, "V", 0,
	    "Oldest VMBus version tried; default 0.13",
	    OPTIONS_GROUP_PROTOCOL },
	{ "max-nvsp", KEY_MAX_NVSP, "V", 0,
	    "Newest NVSP version tried, 1 to 6.1; default 6.1",
	    OPTIONS_GROUP_PROTOCOL },
	{ "mdoc", KEY_MDOC, NULL, OPTION_HIDDEN, "For the manual page", 1 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Attach to a host as a guest and carry the traffic of a network "
    "interface, until Ctrl-C or SIGTERM.\v"
    "Examples:\n"
    "  hvnet guest --connect /run/hvnet.sock --netns g --vps 2\n"
    "  hvnet guest --connect /run/hvnet.sock --offload tso=off,rsc=off \\\n"
    "    -o tx_chimney_size=1500 -o tx_agg_pkts=0 --signal packet "
    "--once\n";

static const struct {
	const char *name;
	uint32_t def, min, max;
	const char *text;
} tunables[] = {
#define X(name, def, min, max, text) { #name, def, min, max, text },
	VSC_TUNABLES(X)
#undef X
};

/* "a 0..9, b 1..5" to out. */
static const char *
tunable_list(char *out, size_t cap)
{
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(tunables) && at < cap; i++)
		at += (size_t)snprintf(out + at, cap - at, "%s%s (%u to %u)",
		    i > 0 ? ", " : "", tunables[i].name, tunables[i].min,
		    tunables[i].max);
	return out;
}

/* The tunables, for hvnet-guest(1). */
static void
cmd_guest_mdoc(void)
{
	for (size_t i = 0; i < ARRAY_LEN(tunables); i++)
		printf(".It Cm %s\n%s.\n%u to %u, default %u.\n",
		    tunables[i].name, tunables[i].text, tunables[i].min,
		    tunables[i].max, tunables[i].def);
	exit(CLI_OK);
}

static void
cmd_guest_tunable(struct cmd_guest *g, const char *text)
{
	const char *eq = strchr(text, '=');
	char list[1024], name[64];
	size_t i, len = eq != NULL ? (size_t)(eq - text) : 0;

	for (i = 0; i < ARRAY_LEN(tunables); i++)
		if (strlen(tunables[i].name) == len &&
		    strncmp(text, tunables[i].name, len) == 0)
			break;
	if (eq == NULL || i == ARRAY_LEN(tunables))
		cli_usage("-o %s: not NAME=VALUE of a tunable; there are %s",
		    text, tunable_list(list, sizeof(list)));
	snprintf(name, sizeof(name), "-o %s", tunables[i].name);
	vsc_tunable_set(&g->cfg.vsc.tune, tunables[i].name,
	    cli_uint(name, eq + 1, tunables[i].min, tunables[i].max));
}

static void
cmd_guest_offload(struct cmd_guest *g, const char *text)
{
	char copy[256], *save = NULL;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		cli_usage("--offload: list longer than %zu characters",
		    sizeof(copy) - 1);
	if (strspn(text, ",") == strlen(text))
		cli_usage("--offload: want name=on or name=off, with commas "
		    "between");
	for (char *s = strtok_r(copy, ",", &save); s != NULL;
	    s = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(s, '=');
		uint32_t bits;

		if (eq != NULL)
			*eq++ = '\0';
		bits = guest_offload_bits(s);
		if (bits == 0)
			cli_usage("--offload: no offload '%s'; there are tso, "
			    "txcsum, rxcsum, rsc, vlan and hash, each =on or "
			    "=off", s);
		if (eq != NULL && strcmp(eq, "on") == 0)
			g->cfg.vsc.offloads |= bits;
		else if (eq != NULL && strcmp(eq, "off") == 0)
			g->cfg.vsc.offloads &= ~bits;
		else
			cli_usage("--offload: %s=on or %s=off", s, s);
	}
}

/* "0:1:1" */
static void
cmd_guest_channel_vp(struct guest_config *c, const char *list)
{
	const char *at = list;
	char *end;

	c->channel_vps = 0;
	for (;;) {
		unsigned long vp = strtoul(at, &end, 10);

		if (end == at || *at < '0' || *at > '9' ||
		    vp >= LINK_MAX_VPS || (*end != ':' && *end != '\0') ||
		    c->channel_vps == ARRAY_LEN(c->channel_vp))
			cli_usage("--channel-vp: '%s': want up to %zu numbers "
			    "below %u, with ':' between", list,
			    ARRAY_LEN(c->channel_vp), LINK_MAX_VPS);
		c->channel_vp[c->channel_vps++] = (uint8_t)vp;
		if (*end == '\0')
			break;
		at = end + 1;
	}
	if (c->channel_vp[0] != 0)
		cli_usage("--channel-vp: '%s': channel 0 also carries control "
		    "messages and stays on virtual processor 0: begin with 0",
		    list);
}

static uint32_t
signal_mode(const char *arg)
{
	static const char *const names[] = {
		[VMC_SIGNAL_AUTO] = "auto", [VMC_SIGNAL_EDGE] = "edge",
		[VMC_SIGNAL_PACKET] = "packet",
		[VMC_SIGNAL_MONITOR] = "monitor", [VMC_SIGNAL_POLL] = "poll",
	};

	return cli_choice("--signal", arg, names, ARRAY_LEN(names));
}

static const char *const poll_names[] = { "off", "adaptive" };

/* Too little even for one channel; for more, the host's number decides. */
static void
cmd_guest_memory_check(const struct guest_config *c)
{
	uint64_t need = vsc_memory_bytes(&c->vsc.tune, 1, false) +
	    2ull * c->vps * HV_PAGE_SIZE;

	if (c->memory_bytes < need)
		cli_usage("--memory: %u MiB are too few; a channel, the "
		    "buffers (-o rxbuf_kb, sendbuf_kb) and %u processors take "
		    "%u", (unsigned int)(c->memory_bytes >> 20), c->vps,
		    (unsigned int)(need >> 20) + 1);
}

/* Options about the interface and the host. */
static error_t
parse_outer(int key, char *arg, struct cmd_guest *g)
{
	struct guest_config *c = &g->cfg;

	switch (key) {
	case KEY_UIO:
		c->uio = (int)cli_uint("--uio", arg, 0, 255);
		break;
	case KEY_UIO_INTERRUPT:
		c->uio_interrupt = true;
		break;
	case KEY_NO_HUGE:
		c->no_huge = true;
		break;
	case KEY_ONCE:
		c->once = true;
		break;
	case KEY_WAIT_UP:
		g->wait_ms = 1000 * cli_uint("--wait-up", arg, 1, 86400);
		break;
	case KEY_IFNAME:
		if (!name_ok_ifname(arg))
			cli_usage("--ifname: '%s' is not a name: want 1 to 15 "
			    "%s", arg, NAME_IFNAME_RULE);
		c->ifname = arg;
		break;
	case KEY_NETNS:
		if (!name_ok_or_empty(arg, 64))
			cli_usage("--netns: '%s' is not a name: want 1 to 63 "
			    NAME_RULE, arg);
		c->netns = arg;
		break;
	case KEY_MTU:
		c->vsc.mtu = cli_uint("--mtu", arg, 68, 9000);
		break;
	case KEY_OFFLOAD:
		cmd_guest_offload(g, arg);
		break;
	case KEY_PROFILE:
		guest_profile(c, (enum profile)cli_choice("--profile", arg,
		    profile_names, PROFILES));
		break;
	case KEY_POLL:
		c->adaptive = cli_choice("--poll", arg, poll_names,
		    ARRAY_LEN(poll_names)) != 0;
		break;
	case KEY_NO_COALESCE:
		c->coalesce = false;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_guest *g = state->input;
	struct guest_config *c = &g->cfg;

	switch (key) {
	case ARGP_KEY_INIT:
		g->attach = (struct options_attach){ &c->connect, &c->nic,
			&c->name };
		state->child_inputs[0] = &g->attach;
		state->child_inputs[1] = &c->place;
		g->see.capture = &c->capture;
		g->see.transcript = &c->transcript;
		state->child_inputs[2] = &g->see;
		break;
	case KEY_VPS:
		c->vps = cli_uint("--vps", arg, 1, LINK_MAX_VPS);
		break;
	case KEY_MEMORY:
		c->memory_bytes = (uint64_t)cli_mib("--memory", arg) << 20;
		break;
	case KEY_SINGLE_VP:
		cmd_guest_channel_vp(c, "0");
		break;
	case KEY_CHANNEL_VP:
		cmd_guest_channel_vp(c, arg);
		break;
	case KEY_SIGNAL:
		c->signal = (enum vmc_signal)signal_mode(arg);
		break;
	case 'o':
		cmd_guest_tunable(g, arg);
		break;
	case KEY_MAX_VMBUS:
		c->max_vmbus = cli_vmbus_version("--max-vmbus", arg);
		break;
	case KEY_MIN_VMBUS:
		c->min_vmbus = cli_vmbus_version("--min-vmbus", arg);
		break;
	case KEY_MAX_NVSP:
		c->vsc.max_nvsp = cli_nvsp_version("--max-nvsp", arg);
		break;
	case KEY_MDOC:
		cmd_guest_mdoc();
		break;
	case ARGP_KEY_END:
		if (c->connect != NULL && c->uio >= 0)
			cli_usage("--connect and --uio do not go together");
		if (c->connect == NULL && c->uio < 0)
			cli_usage("one of --connect PATH, where the host "
			    "listens, and --uio N is required");
		if (c->uio >= 0 && (c->nic[0] != '\0' || c->name[0] != '\0'))
			cli_usage("--nic and --name go with --connect");
		if (c->uio < 0 && (c->uio_interrupt || c->no_huge))
			cli_usage("--uio-interrupt and --no-huge go with "
			    "--uio");
		if (c->max_vmbus != 0 && c->min_vmbus > c->max_vmbus)
			cli_usage("--min-vmbus is newer than --max-vmbus");
		for (uint32_t k = 0; k < c->channel_vps; k++)
			if (c->channel_vp[k] >= c->vps)
				cli_usage("--channel-vp: there is no virtual "
				    "processor %u: --vps %u", c->channel_vp[k],
				    c->vps);
		if (c->uio < 0)
			cmd_guest_memory_check(c);
		break;
	default:
		return parse_outer(key, arg, g);
	}
	return 0;
}

/* The help's last part: the tunables, then examples. */
static char *
help_filter(int key, const char *text, void *input)
{
	char *out;
	size_t len;
	FILE *f;

	if (key == ARGP_KEY_HELP_DUP_ARGS_NOTE)
		return NULL;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text;
	f = open_memstream(&out, &len);
	if (f == NULL)
		return NULL;
	fprintf(f, "Tunables (-o), with default and range:\n");
	for (size_t i = 0; i < ARRAY_LEN(tunables); i++)
		fprintf(f, "  %-16s %6u  (%u to %u)\n      %s\n",
		    tunables[i].name, tunables[i].def, tunables[i].min,
		    tunables[i].max, tunables[i].text);
	fprintf(f, "\n%s", text);
	fclose(f);
	return out;
}

/* Returns the exit code + 1 to end the loop, or 0. */
static int
cmd_guest_tick(void *ctx)
{
	struct cmd_guest *g = ctx;
	bool told;
	uint64_t waited_ms = (clock_now_ns() - g->start_ns) / 1000000;

	if (guest_stopped(g->guest))
		return CLI_LOST + 1;
	if (g->up)
		return 0;
	if (guest_attached(g->guest, g->detail, sizeof(g->detail),
	    &told)) {
		g->up = true;
		printf("%s is up\n", g->cfg.ifname);
		return 0;
	}
	/* Of a NIC of the kernel the guest itself says it. */
	if (g->wait_ms == 0 && g->cfg.uio < 0 && waited_ms >= g->say_ms &&
	    !told && strcmp(g->said, g->detail) != 0) {
		fprintf(stderr, "hvnet guest: %s: %s\n", g->cfg.ifname,
		    g->detail);
		snprintf(g->said, sizeof(g->said), "%s", g->detail);
		g->say_ms = waited_ms + CMD_SAY_MS;
	}
	if (g->wait_ms != 0 && waited_ms >= g->wait_ms)
		return CLI_REFUSED + 1;
	return 0;
}

static int
cmd_guest_serve(struct cmd_guest *g, struct loop *l)
{
	char err[400] = "";
	int end;

	/* Huge pages' physical addresses and devices want more. */
	if (g->cfg.uio < 0)
		priv_limit();
	g->guest = guest_start(&g->cfg, loop_base(l), err, sizeof(err));
	if (g->guest == NULL)
		return cli_fail(CLI_FAILED, "%s", err);
	g->start_ns = clock_now_ns();
	end = loop_run(l, cmd_guest_tick, g, CMD_TICK_MS);
	loop_signals_release(l);
	guest_stop(g->guest);
	if (end == CLI_LOST + 1)
		return cli_fail(CLI_LOST, "the host at %s is gone",
		    g->where);
	if (end == CLI_REFUSED + 1)
		return cli_fail(CLI_REFUSED, "not attached to %s within %u s: "
		    "%s", g->where, g->wait_ms / 1000, g->detail);
	return CLI_OK;
}

static int
cmd_guest_run(int argc, char **argv)
{
	static const struct argp_child shared[] = {
		{ &options_attach_argp, 0, NULL, 0 },
		{ &options_place_argp, 0, NULL, 0 },
		{ &options_see_argp, 0, NULL, 0 },
		{ 0 }
	};
	const struct argp argp = { .options = options, .parser = parse,
		.doc = doc, .children = shared, .help_filter = help_filter };
	struct cmd_guest g = { .say_ms = CMD_SAY_MS };
	struct loop *l;
	int status;

	guest_config_default(&g.cfg);
	cli_parse(&argp, argc, argv, &g);
	if (g.cfg.uio >= 0)
		snprintf(g.where, sizeof(g.where), "/dev/uio%d", g.cfg.uio);
	else
		snprintf(g.where, sizeof(g.where), "%s", g.cfg.connect);
	l = loop_create();
	if (l == NULL)
		return cli_fail(CLI_FAILED, "out of memory");
	status = cmd_guest_serve(&g, l);
	loop_destroy(l);
	return status;
}

const struct cli_command cli_guest = {
	"guest", "attach to a host: the guest end", cmd_guest_run
};
