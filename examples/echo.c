/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine of one address: it answers ARP, ping, and UDP datagrams to any
 * port, which it sends back.  With nothing to do it sleeps.
 *
 *	echo SOCKET NIC ADDRESS
 *
 * The host can write into a received frame at any time, so a frame is copied
 * before anything in it is believed, and the copy becomes the answer.  Where
 * only sender and receiver change places, sums over both stay as they are.
 */
#include <arpa/inet.h>
#include <hvnet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define BURST		32
#define FRAME_MAX	9018	/* MTU 9000; longer is not for us */
#define ETH		14u	/* bytes of the Ethernet header */
#define ARP_BYTES	28u
#define IP_BYTES	20u

struct machine {
	uint8_t mac[6];
	uint8_t ip[4];
	uint64_t answers;
};

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	stop = 1;
}

static void
swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t c[6];

	memcpy(c, a, n);
	memcpy(a, b, n);
	memcpy(b, c, n);
}

/* "Who has our address?" */
static bool
answer_arp(const struct machine *m, uint8_t *p, uint32_t len)
{
	static const uint8_t request[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	if (len < ARP_BYTES || memcmp(p, request, sizeof(request)) != 0 ||
	    memcmp(p + 24, m->ip, 4) != 0)
		return false;
	p[7] = 2;
	swap(p + 8, p + 18, 6);
	swap(p + 14, p + 24, 4);
	memcpy(p + 8, m->mac, 6);
	return true;
}

/* An echo request becomes the reply: type 8 to 0, and so the sum grows by 8. */
static bool
answer_icmp(uint8_t *p, uint32_t len)
{
	uint32_t sum;

	if (len < 8 || p[0] != 8)
		return false;
	p[0] = 0;
	sum = (uint32_t)(p[2] << 8 | p[3]) + 0x0800;
	sum = (sum & 0xffff) + (sum >> 16);
	p[2] = (uint8_t)(sum >> 8);
	p[3] = (uint8_t)sum;
	return true;
}

static bool
answer_ip(const struct machine *m, uint8_t *p, uint32_t len)
{
	uint32_t head, total;
	bool whole, yes;

	if (len < IP_BYTES || p[0] >> 4 != 4 ||
	    memcmp(p + 16, m->ip, 4) != 0)
		return false;
	head = (p[0] & 15u) * 4;
	total = (uint32_t)(p[2] << 8 | p[3]);
	/* No offset, and no more fragments. */
	whole = (p[6] & 0x3f) == 0 && p[7] == 0;
	if (!whole || head < IP_BYTES || total < head + 8 || total > len)
		return false;
	switch (p[9]) {
	case IPPROTO_ICMP:
		yes = answer_icmp(p + head, total - head);
		break;
	case IPPROTO_UDP:
		swap(p + head, p + head + 2, 2);
		yes = true;
		break;
	default:
		yes = false;
	}
	swap(p + 12, p + 16, 4);
	return yes;
}

/* Make the frame its answer, if it gets one. */
static bool
answer(const struct machine *m, uint8_t *p, uint32_t len)
{
	bool yes = false;

	if (len < ETH)
		return false;
	if (p[12] == 0x08 && p[13] == 0x06)
		yes = answer_arp(m, p + ETH, len - ETH);
	else if (p[12] == 0x08 && p[13] == 0x00)
		yes = answer_ip(m, p + ETH, len - ETH);
	memcpy(p, p + 6, 6);
	memcpy(p + 6, m->mac, 6);
	return yes;
}

/* All that is there; below zero: the connection is broken. */
static int
serve(struct hvnet *h, struct machine *m)
{
	static uint8_t copy[BURST][FRAME_MAX];
	struct hvnet_frame in[BURST], out[BURST];
	int n = hvnet_rx(h, 0, in, BURST), sent = 0, answers = 0;

	for (int i = 0; i < n; i++) {
		struct hvnet_frame *o = &out[answers];

		if (in[i].len > FRAME_MAX ||
		    (in[i].meta.flags & (HVNET_IP_BAD | HVNET_L4_BAD)) != 0)
			continue;
		*o = (struct hvnet_frame){ .data = copy[answers],
			.len = in[i].len,
			.meta = { .flags = in[i].meta.flags & HVNET_VLAN,
				.vlan_tci = in[i].meta.vlan_tci } };
		memcpy(o->data, in[i].data, o->len);
		answers += answer(m, o->data, o->len);
	}
	while (sent < answers && !stop) {
		int rc = hvnet_tx(h, 0, out + sent,
		    (uint32_t)(answers - sent));

		if (rc < 0)
			return rc;
		sent += rc;
		/* No room: until there is some. */
		if (sent < answers)
			(void)hvnet_wait(h, 0, 1000);
	}
	m->answers += (uint64_t)sent;
	return n;
}

int
main(int argc, char **argv)
{
	/* No SA_RESTART: a signal ends hvnet_wait(). */
	const struct sigaction sa = { .sa_handler = on_signal };
	struct machine m = { 0 };
	struct hvnet_config c;
	struct hvnet_info info;
	struct hvnet *h;
	char err[200];
	int n = 0;

	if (argc != 4 || inet_pton(AF_INET, argv[3], m.ip) != 1) {
		fprintf(stderr, "usage: echo SOCKET NIC ADDRESS\n");
		return 2;
	}
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	hvnet_config_default(&c);
	c.connect = argv[1];
	c.nic = argv[2];
	c.name = "echo";
	/* What the sender left to its host, the library fills in. */
	c.complete_csum = true;
	h = hvnet_open(&c, err, sizeof(err));
	if (h == NULL) {
		fprintf(stderr, "echo: %s: %s\n", argv[2], err);
		return 1;
	}
	hvnet_info(h, &info);
	memcpy(m.mac, info.mac, sizeof(m.mac));
	printf("echo: %s answers on %s\n", argv[3], argv[2]);
	fflush(stdout);
	while (!stop && n >= 0) {
		n = serve(h, &m);
		/* A signal just before it is seen after a second. */
		if (n == 0)
			n = hvnet_wait(h, 0, 1000);
	}
	if (!stop)
		fprintf(stderr, "echo: %s\n", hvnet_why(h));
	printf("echo: %" PRIu64 " answers\n", m.answers);
	hvnet_close(h);
	return stop ? 0 : 1;
}
