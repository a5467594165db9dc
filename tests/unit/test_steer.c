/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The BPF steering program against core: the same queue for every frame.
 *
 * Frames run through the loaded program twice over: by BPF_PROG_TEST_RUN (many
 * random ones, broken ones too), and on a real multi-queue TAP in a namespace
 * of the test's own.  Needs root; says why where it skips.
 */
#include "test_pkt_frame.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/net/steer.h"
#include "linux/net/tap.h"
#include "pkt/pkt_toeplitz.h"

#define FRAMES		20000u
#define FRAME_MAX	1600u
#define VNET_BYTES	10u

static const uint32_t all_types = PKT_HASH_IPV4 | PKT_HASH_TCP4 |
    PKT_HASH_IPV6 | PKT_HASH_IPV6_EX | PKT_HASH_TCP6 | PKT_HASH_TCP6_EX |
    PKT_HASH_UDP4 | PKT_HASH_UDP6 | PKT_HASH_UDP6_EX;

static struct steer *steer;
static char steer_err[200];		/* why there is none */
static struct toeplitz_key key;

static void
need_steer(void)
{
	if (steer != NULL)
		return;
	print_message("# skipped: %s\n", steer_err);
	skip();
}

static uint8_t *
put_ext_routing(uint8_t *p, uint32_t *seed)
{
	p[1] = rnd(seed) % 4 != 0 ? 2 : 0;
	p[2] = rnd(seed) % 4 != 0 ? 2 : 0;
	p[3] = (uint8_t)(rnd(seed) % 3);
	return p + (p[1] + 1) * 8;
}

/* Pad1, PadN, home address, and that of a wrong length. */
static uint8_t *
put_ext_dstopts(uint8_t *p, uint32_t *seed)
{
	const uint32_t words = 1 + rnd(seed) % 6;
	uint8_t *end = p + words * 8, *o = p + 2;

	p[1] = (uint8_t)(words - 1);
	while (o < end) {
		uint32_t left = (uint32_t)(end - o), kind = rnd(seed) % 5;

		if (kind == 0 && left >= 18) {
			o[0] = 0xc9;
			o[1] = 16;
			o += 18;
		} else if (kind <= 2 && left >= 4) {
			o[0] = kind == 1 ? 1 : 0xc9;
			o[1] = 2;
			o += 4;
		} else {
			*o++ = 0;
		}
	}
	return end;
}

/* A chain of extension headers.  Returns where L4 begins. */
static uint8_t *
put_ext_chain(uint8_t *ip, uint8_t *p, uint8_t proto, uint32_t *seed)
{
	static const uint8_t kinds[] = { 0, 43, 60, 60, 43, 0, 60, 44 };
	uint8_t *next = ip + 6;

	for (uint32_t n = rnd(seed) % 11; n > 0; n--) {
		uint8_t kind = kinds[rnd(seed) % (n == 1 ? 8 : 7)];
		uint8_t *h = p;

		*next = kind;
		next = h;
		if (kind == 43)
			p = put_ext_routing(h, seed);
		else if (kind == 60)
			p = put_ext_dstopts(h, seed);
		else if (kind == 44)
			p = h + 8;
		else
			p = h + ((h[1] = (uint8_t)(rnd(seed) % 2)) + 1) * 8;
	}
	*next = proto;
	return p;
}

/* Any frame, mostly sound.  Returns its length, at least 60. */
static uint32_t
random_frame(uint8_t *f, uint32_t *seed)
{
	static const uint16_t tag[] = { 0x8100, 0x88a8 };
	static const uint8_t protos[] = { 6, 6, 17, 17, 1, 59 };
	const uint8_t proto = protos[rnd(seed) % 6];
	uint8_t *p = f + 12, *ip, *l4;
	uint32_t len;

	for (uint32_t i = 0; i < FRAME_MAX; i++)
		f[i] = (uint8_t)(rnd(seed) >> 8);
	f[0] = 0x02;
	for (uint32_t n = rnd(seed) % 8; n > 4; n--, p += 4)
		put16(p, tag[rnd(seed) % 2]);
	ip = p + 2;
	if (rnd(seed) % 2 == 0) {
		put16(p, 0x0800);
		ip[0] = (uint8_t)(0x45 + (rnd(seed) % 3 == 0 ?
		    rnd(seed) % 11 : 0));
		put16(ip + 6, rnd(seed) % 8 == 0 ? rnd(seed) : 0x4000);
		ip[9] = proto;
		l4 = ip + (ip[0] & 15) * 4;
	} else {
		put16(p, 0x86dd);
		ip[0] = 0x60;
		l4 = put_ext_chain(ip, ip + 40, proto, seed);
	}
	if (proto == 6)
		l4[12] = (uint8_t)((5 + rnd(seed) % 11) << 4);
	len = (uint32_t)(l4 - f) + rnd(seed) % 120;
	len = len < 60 ? 60 : len;
	if (ip[0] >> 4 == 4)
		put16(ip + 2, rnd(seed) % 16 != 0 ?
		    len - (uint32_t)(ip - f) : 0);
	else
		put16(ip + 4, rnd(seed) % 16 != 0 ?
		    len - (uint32_t)(ip + 40 - f) : 0);
	if (rnd(seed) % 4 == 0)
		f[12 + rnd(seed) % (len - 12)] = (uint8_t)rnd(seed);
	if (rnd(seed) % 8 == 0)
		len = 60 + rnd(seed) % (len - 59);
	return len;
}

static void
random_config(struct steer_config *c, uint32_t *seed)
{
	for (uint32_t i = 0; i < sizeof(c->key); i++)
		c->key[i] = (uint8_t)(rnd(seed) >> 8);
	c->hash_types = rnd(seed) % 3 == 0 ? all_types : rnd(seed) & all_types;
	c->entries = 1u << rnd(seed) % 8;
	c->queues = 1 + rnd(seed) % 64;
	for (uint32_t i = 0; i < c->entries; i++)
		c->table[i] = rnd(seed) % (rnd(seed) % 4 == 0 ? 70 : c->queues);
	toeplitz_key_set(&key, c->key);
}

/* What the host end does with a frame (vsp_steer_info()). */
static uint32_t
core_queue(const struct steer_config *c, const uint8_t *f, uint32_t len)
{
	const struct span head = { f, min_u32(len, PKT_HEAD_MAX) };
	struct pkt_info info;
	uint32_t type, hash, k;

	pkt_parse(&info, head, len);
	hash = pkt_rss_hash(&key, c->hash_types, &info, head, &type);
	k = type == 0 ? 0 : c->table[hash & (c->entries - 1)];
	return k < c->queues ? k : 0;
}

/*
 * Run a frame through the program.  The kernel takes 14 bytes off a socket
 * filter's test data, so as many stand before the frame.
 */
static uint32_t
bpf_queue(const uint8_t *f, uint32_t len)
{
	uint8_t data[14 + FRAME_MAX] = { [12] = 0x88, [13] = 0xb5 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
	    .data_size_in = 14 + len, .repeat = 1);

	memcpy(data + 14, f, len);
	assert_int_equal(bpf_prog_test_run_opts(steer_prog_fd(steer), &opts),
	    0);
	return opts.retval;
}

static void
test_agrees_with_core(void **state)
{
	uint32_t seed = rnd_seed(), hashed = 0;
	struct steer_config c = { 0 };
	uint8_t f[FRAME_MAX + 512];

	need_steer();
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t len, want, got;

		if (i % 400 == 0) {
			random_config(&c, &seed);
			assert_int_equal(steer_set(steer, &c), 0);
		}
		len = random_frame(f, &seed);
		want = core_queue(&c, f, len);
		got = bpf_queue(f, len);
		if (want != got)
			fail_msg("frame %u of %u bytes: core says queue %u, "
			    "BPF says %u", i, len, want, got);
		hashed += want != 0;
	}
	/* Else the comparison is one of zeros. */
	assert_true(hashed > FRAMES / 4);
}

static void
bytes_swap(uint8_t *a, uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

/* With reverse set an answer goes where core puts the frame it answers. */
static void
test_reverse(void **state)
{
	uint32_t seed = rnd_seed(), hashed = 0;
	struct steer_config c = { 0 };
	uint8_t f[FRAME_MAX];

	need_steer();
	for (uint32_t i = 0; i < 2000; i++) {
		struct frame_spec s = { .version = i & 1 ? 4 : 6,
			.proto = i & 2 ? 6 : 17, .payload = rnd(&seed) % 100,
			.sport = (uint16_t)rnd(&seed),
			.host = (uint8_t)rnd(&seed) };
		uint32_t alen = s.version == 4 ? 4 : 16, want;

		if (i % 100 == 0) {
			random_config(&c, &seed);
			c.hash_types = all_types;
			c.reverse = true;
			assert_int_equal(steer_set(steer, &c), 0);
		}
		frame_build(f, &s);
		want = core_queue(&c, f, frame_len(&s));
		uint8_t *src = f + frame_l4(&s) - 2 * alen;
		bytes_swap(src, src + alen, alen);
		bytes_swap(f + frame_l4(&s), f + frame_l4(&s) + 2, 2);
		assert_int_equal(bpf_queue(f, frame_len(&s)), want);
		hashed += want != 0;
	}
	assert_true(hashed > 500);
}

static void
test_each_type_alone(void **state)
{
	uint32_t seed = rnd_seed();
	struct steer_config c = { 0 };
	uint8_t f[FRAME_MAX + 512];

	need_steer();
	random_config(&c, &seed);
	c.entries = 128;
	c.queues = 128;
	for (uint32_t i = 0; i < 128; i++)
		c.table[i] = i;
	for (uint32_t bit = 0x100; bit <= 0x10000; bit <<= 1) {
		uint32_t hashed = 0;

		c.hash_types = bit;
		assert_int_equal(steer_set(steer, &c), 0);
		for (uint32_t i = 0; i < 500; i++) {
			uint32_t len = random_frame(f, &seed);
			uint32_t want = core_queue(&c, f, len);

			assert_int_equal(bpf_queue(f, len), want);
			hashed += want != 0;
		}
		assert_true(hashed > 0);
	}
}

static void
test_settings_refused(void **state)
{
	struct steer_config c = { .entries = 0, .queues = 1 };

	need_steer();
	assert_int_equal(steer_set(steer, &c), -EINVAL);
	c.entries = 3;
	assert_int_equal(steer_set(steer, &c), -EINVAL);
	c.entries = 256;
	assert_int_equal(steer_set(steer, &c), -EINVAL);
}

/* Alternates two settings until told to end. */
struct flip {
	struct steer_config c[2];
	int end;
};

static void *
flip_run(void *arg)
{
	struct flip *x = arg;

	for (uint32_t i = 0; !__atomic_load_n(&x->end, __ATOMIC_RELAXED); i++)
		steer_set(steer, &x->c[i & 1]);
	return NULL;
}

/* Key of one setting with the table of the other gives queue 3. */
static void
test_old_or_new(void **state)
{
	struct frame_spec s = { .version = 4, .proto = 6, .sport = 999 };
	struct flip x = { 0 };
	uint32_t seed = 77, seen[2] = { 0 }, at[2];
	struct pkt_info info;
	uint8_t f[FRAME_MAX];
	uint32_t len = frame_build(f, &s), type;
	bool mixed = false;
	pthread_t t;

	need_steer();
	pkt_parse(&info, (struct span){ f, len }, len);
	do {
		for (uint32_t i = 0; i < 2; i++) {
			random_config(&x.c[i], &seed);
			x.c[i].hash_types = PKT_HASH_TCP4;
			x.c[i].entries = 128;
			x.c[i].queues = 4;
			at[i] = pkt_rss_hash(&key, PKT_HASH_TCP4, &info,
			    (struct span){ f, len }, &type) & 127;
		}
	} while (at[0] == at[1]);
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t k = 0; k < 128; k++)
			x.c[i].table[k] = 3;
		x.c[i].table[at[i]] = 1 + i;
	}
	assert_int_equal(steer_set(steer, &x.c[1]), 0);
	assert_int_equal(pthread_create(&t, NULL, flip_run, &x), 0);
	for (uint32_t i = 0; i < 1000000 && (i < 20000 || seen[0] < 100 ||
	    seen[1] < 100); i++) {
		uint32_t k = bpf_queue(f, len);

		mixed = k != 1 && k != 2;
		if (mixed)
			break;
		seen[k - 1]++;
	}
	__atomic_store_n(&x.end, 1, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	assert_false(mixed);
	assert_true(seen[0] >= 100 && seen[1] >= 100);
}

static int
packet_socket(const char *dev, struct sockaddr_ll *to)
{
	*to = (struct sockaddr_ll){ .sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(dev), .sll_halen = 6 };
	return socket(AF_PACKET, SOCK_RAW, 0);
}

/*
 * The queue where a frame with this tail (from byte 12) comes out, -1 if it
 * does not within a second: usually sendto() itself delivers, but not while
 * the kernel sends a frame of its own from the other processor.
 */
static int
tap_queue_of(struct tap *t, const uint8_t *tail, uint32_t len)
{
	uint8_t b[VNET_BYTES + FRAME_MAX];
	struct pollfd p[TAP_MAX_QUEUES];

	for (uint32_t i = 0; i < t->queues; i++)
		p[i] = (struct pollfd){ .fd = t->fd[i], .events = POLLIN };
	while (poll(p, t->queues, 1000) > 0) {
		for (uint32_t i = 0; i < t->queues; i++) {
			ssize_t n = read(t->fd[i], b, sizeof(b));

			if (n >= (ssize_t)(VNET_BYTES + 12 + len) && memcmp(
			    b + (uint32_t)n - len, tail, len) == 0)
				return (int)i;
		}
	}
	return -1;
}

/* dev carries frames to t; a VLAN device's tag stays outside the frame. */
static void
tap_frames(struct tap *t, const char *dev, bool tagged, uint32_t *seed)
{
	struct steer_config c = { 0 };
	struct sockaddr_ll to;
	int s = packet_socket(dev, &to);
	uint8_t f[FRAME_MAX + 512], g[FRAME_MAX + 512];
	uint32_t hashed = 0;

	assert_true(s >= 0);
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t len, want;

		if (i % 100 == 0) {
			random_config(&c, seed);
			c.hash_types = all_types;
			c.queues = t->queues;
			c.entries = 64;
			for (uint32_t k = 0; k < 64; k++)
				c.table[k] = rnd(seed) % t->queues;
			assert_int_equal(steer_set(steer, &c), 0);
		}
		len = random_frame(f, seed);
		memcpy(g, f, 12);
		put16(g + 12, 0x8100);
		put16(g + 14, 5);
		memcpy(g + 16, f + 12, len - 12);
		want = tagged ? core_queue(&c, g, len + 4) :
		    core_queue(&c, f, len);
		assert_int_equal(sendto(s, f, len, 0, (struct sockaddr *)&to,
		    sizeof(to)), len);
		assert_int_equal(tap_queue_of(t, f + 12, len - 12), want);
		hashed += want != 0;
	}
	assert_true(hashed > 75);
	close(s);
}

static void
test_on_a_tap(void **state)
{
	const struct tap_config cfg = { .name = "hvsteer", .queues = 4,
		.mtu = 1500, .up = true };
	uint32_t seed = rnd_seed();
	char err[200];
	struct tap t;

	need_steer();
	if (unshare(CLONE_NEWNET) < 0 ||
	    tap_open(&t, &cfg, err, sizeof(err)) < 0) {
		print_message("# skipped: no network namespace or no TAP\n");
		skip();
	}
	assert_int_equal(tap_steering(&t, steer_prog_fd(steer)), 0);
	tap_frames(&t, "hvsteer", false, &seed);
	if (system("ip link add link hvsteer name hvsteer5 type vlan id 5 "
	    "2>/dev/null && ip link set hvsteer5 up") == 0)
		tap_frames(&t, "hvsteer5", true, &seed);
	else
		print_message("# no VLAN devices here: that half skipped\n");
	tap_close(&t);
}

static int
setup(void **state)
{
	steer = steer_create(steer_err, sizeof(steer_err));
	return 0;
}

static int
teardown(void **state)
{
	steer_destroy(steer);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_core),
		cmocka_unit_test(test_reverse),
		cmocka_unit_test(test_each_type_alone),
		cmocka_unit_test(test_settings_refused),
		cmocka_unit_test(test_old_or_new),
		cmocka_unit_test(test_on_a_tap),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
