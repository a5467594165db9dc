/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a NIC: what is taken, what is refused and with which message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "linux/host/nic_spec.h"

static void
refused(const char *list, bool running, const char *part)
{
	struct nic_spec s, before;
	char err[400] = "";

	nic_spec_default(&s);
	before = s;
	assert_int_equal(nic_spec_apply(&s, list, running, err, sizeof(err)),
	    -EINVAL);
	if (strstr(err, part) == NULL)
		fail_msg("%s: '%s' lacks '%s'", list, err, part);
	/* All or nothing, also where the first keys were right. */
	assert_memory_equal(&s, &before, sizeof(s));
}

static void
test_full(void **state)
{
	struct nic_spec s;
	char err[400] = "";

	assert_int_equal(nic_spec_parse(&s, "backend=tap,name=n0,ifname=if0,"
	    "netns=ns,guest=g,mac=02:15:5d:0a:0b:0c,mtu=9000,queues=8,"
	    "nvsp=6.1,vlan=access:7,tso=off,rsc=off,txcsum=off,"
	    "rxcsum=complete,hash=off,gro=off,link=down,spoof=on,loss=0.1%,"
	    "delay=1.5ms,speed=100M,section=10240,"
	    "completion_batch=1,signal=packet,poll=adaptive", err,
	    sizeof(err)), 0);
	assert_int_equal(s.backend, NIC_TAP);
	assert_string_equal(s.name, "n0");
	assert_string_equal(s.ifname, "if0");
	assert_string_equal(s.netns, "ns");
	assert_string_equal(s.guest, "g");
	assert_true(s.mac_set);
	assert_memory_equal(s.mac, "\x02\x15\x5d\x0a\x0b\x0c", 6);
	assert_int_equal(s.mtu, 9000);
	assert_int_equal(s.queues, 8);
	assert_int_equal(s.max_nvsp, 0x60001);
	assert_int_equal(s.vlan, NIC_VLAN_ACCESS);
	assert_int_equal(s.vlan_id, 7);
	assert_false(s.tso || s.rsc || s.txcsum || s.hash || s.gro);
	assert_int_equal(s.rxcsum, NIC_RXCSUM_COMPLETE);
	assert_false(s.link_up);
	assert_true(s.spoof);
	assert_int_equal(s.loss_ppm, 1000);
	assert_int_equal(s.delay_us, 1500);
	assert_int_equal(s.speed_bps, 100000000);
	assert_int_equal(s.section_bytes, 10240);
	assert_int_equal(s.completion_batch, 1);
	assert_int_equal(s.signal, NIC_SIGNAL_PACKET);
	assert_int_equal(s.poll, NIC_POLL_ADAPTIVE);
}

static void
test_defaults(void **state)
{
	struct nic_spec s;
	char err[400];

	assert_int_equal(nic_spec_parse(&s, "name=x", err, sizeof(err)), 0);
	assert_int_equal(s.mtu, 1500);
	assert_int_equal(s.queues, 1);
	assert_int_equal(s.vlan, NIC_VLAN_TRUNK);
	assert_true(s.tso && s.rsc && s.txcsum && s.hash && s.gro &&
	    s.link_up);
	assert_false(s.spoof || s.mac_set);
	assert_int_equal(s.speed_bps, 10000000000);
	assert_int_equal(s.loss_ppm, 0);
	assert_int_equal(s.delay_us, 0);
}

static void
test_bad_values(void **state)
{
	refused("mtu=67", false, "from 68 to 9000");
	refused("mtu=9001", false, "from 68 to 9000");
	refused("mtu=-1", false, "from 68 to 9000");
	refused("mtu=1500x", false, "from 68 to 9000");
	refused("queues=0", false, "from 1 to 64");
	refused("queues=65", false, "from 1 to 64");
	refused("tso=yes", false, "on or off");
	refused("rxcsum=partial", false, "on, complete or off");
	refused("vlan=access:0", false, "1 to 4094");
	refused("vlan=access:4095", false, "1 to 4094");
	refused("vlan=access:7x", false, "1 to 4094");
	refused("mac=03:00:00:00:00:01", false, "unicast");
	refused("mac=02:00:00:00:00:0", false, "unicast");
	refused("mac=02:00:00:00:00:001", false, "unicast");
	refused("loss=101%", false, "0 to 100");
	refused("loss=nan", false, "0 to 100");
	refused("delay=11s", false, "at most 10s");
	refused("delay=5", false, "at most 10s");
	refused("speed=0.5M", false, "1M to 400G");
	refused("nvsp=3", false, "all, 1, 2, 4, 5, 6 or 6.1");
	refused("signal=poll", true, "host, edge or packet");
	refused("poll=on", true, "host, off, all or adaptive");
	refused("completion_batch=257", true, "0 to 256");
	/* No frame of the MTU would fit; the same at run time. */
	refused("section=300", false, "mtu=1500 needs 1712 or more");
	refused("mtu=9000,section=2000", false, "mtu=9000 needs 9216");
	refused("backend=vhost", false, "tap, null, pcap");
	refused("name=", false, "1 to 31 printable ASCII characters");
	refused("name=a b", false, "no blank");
	refused("name=a\nb", false, "no blank");
	refused("guest=\xff", false, "1 to 31 printable");
	refused("netns=\xc3\xbc", false, "1 to 63 printable");
	refused("peer=\033", false, "1 to 31 printable");
	refused("ifname=0123456789abcdef", false, "1 to 15 printable");
}

static void
test_bad_shape(void **state)
{
	/* The column is that of the culprit in the whole text. */
	refused("mtu=1500,tos=off", false, "'tos' (column 10) is no key");
	refused("mtu=1500,tso=maybe", false, "tso=maybe (column 14)");
	refused("mtu=1500,,tso=off", false, "'' (column 10): want key=value");
	refused("mtu", false, "'mtu' (column 1): want key=value");
	refused("mtu=1400,queues=2", true, "queues (column 10) cannot be "
	    "changed");
	refused("name=y", true, "cannot be changed");
	refused("mtu=1500,tso=off,mtu=1400", false, "mtu (column 18) is given "
	    "twice");
}

static void
missing(const char *list, const char *part)
{
	struct nic_spec s;
	char err[400] = "";

	assert_int_equal(nic_spec_parse(&s, list, err, sizeof(err)), -EINVAL);
	if (strstr(err, part) == NULL)
		fail_msg("%s: '%s' lacks '%s'", list, err, part);
}

static void
test_missing(void **state)
{
	missing("mtu=1500", "name=NAME");
	missing("backend=pair,name=a", "peer=NIC");
	missing("backend=pcap,name=a", "file=PATH or replay=PATH");
	missing("backend=tap,name=0123456789abcdef", "ifname=NAME");
}

/* A key that the backend does not use is refused, wherever it stands. */
static void
test_keys_of_others(void **state)
{
	struct nic_spec s;
	char err[400];

	missing("name=a,file=x", "file is for backend=pcap, this NIC has "
	    "backend=tap");
	missing("netns=x,name=a,backend=null", "netns is for backend=tap");
	missing("name=a,backend=tap,peer=b", "peer is for backend=pair");
	missing("name=a,backend=pair,peer=b,rate=1", "rate is for "
	    "backend=generator");
	refused("rate=5", true, "rate is for backend=generator");
	assert_int_equal(nic_spec_parse(&s, "rate=5,backend=generator,name=a",
	    err, sizeof(err)), 0);
	assert_int_equal(nic_spec_apply(&s, "rate=6", true, err, sizeof(err)),
	    0);
	assert_int_equal(s.gen_rate, 6);
}

/* What a key prints is what it takes: every key of two different NICs. */
static void
test_round_trip(void **state)
{
	const char *lists[] = { "name=a", "name=b,mac=02:15:5d:00:00:01,"
	    "mtu=68,vlan=none,rxcsum=off,link=down,loss=12.5%,delay=50us,"
	    "speed=40G,nvsp=2,backend=null",
	    "name=c,bridge=br0,persist=on" };

	for (int i = 0; i < 3; i++) {
		struct nic_spec s, t;
		char err[400], text[300], pair[400];
		const char *key;

		assert_int_equal(nic_spec_parse(&s, lists[i], err,
		    sizeof(err)), 0);
		nic_spec_default(&t);
		for (uint32_t k = 0; (key = nic_spec_key(k)) != NULL; k++) {
			assert_string_not_equal(nic_spec_key_help(k), "");
			assert_true(nic_spec_get(&s, key, text,
			    sizeof(text)));
			if (strcmp(key, "mac") == 0 && !s.mac_set)
				continue;
			snprintf(pair, sizeof(pair), "%s=%s", key, text);
			if (nic_spec_apply(&t, pair, false, err,
			    sizeof(err)) != 0)
				fail_msg("%s: %s", pair, err);
		}
		assert_memory_equal(&s, &t, sizeof(s));
	}
	assert_false(nic_spec_get(&(struct nic_spec){ 0 }, "nope",
	    (char[4]){ 0 }, 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_bad_shape),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_keys_of_others),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
