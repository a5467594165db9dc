/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small frames from an interface, as fast as one program can send them: what
 * `hvnet bench ladder` floods either end with.
 *
 *	flood IFNAME MAC BYTES SECONDS
 *
 * The frames are UDP to MAC in FLOWS flows, which differ in addresses and ports
 * and are for an address that nobody has, so the receiving kernel drops them
 * early.  It runs with a low priority: what it floods comes first.  It prints
 * how many frames the interface took; how many of them arrived is the
 * receiver's to count.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/run/clock.h"

#define FLOWS		64u
#define FRAME_MIN	46u
#define FRAME_MAX	1514u
#define NICENESS	10

static uint8_t frame[FLOWS][FRAME_MAX];

static void
be16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Ethernet, IPv4 with its checksum, UDP without one. */
static void
frame_make(uint8_t *f, const uint8_t to[6], const uint8_t from[6],
    uint32_t bytes, uint32_t flow)
{
	uint8_t *ip = f + 14, *udp = ip + 20;
	uint32_t sum = 0;

	memcpy(f, to, 6);
	memcpy(f + 6, from, 6);
	be16(f + 12, 0x0800);
	ip[0] = 0x45;
	be16(ip + 2, bytes - 14);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, (uint8_t[]){ 10, 77, 0, (uint8_t)(flow + 1) }, 4);
	memcpy(ip + 16, (uint8_t[]){ 10, 78, 0, 1 }, 4);
	for (uint32_t i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	be16(ip + 10, ~((sum & 0xffff) + (sum >> 16)));
	be16(udp, 1024 + 7 * flow);
	be16(udp + 2, 9);
	be16(udp + 4, bytes - 34);
}

static int
flood_socket(const char *ifname, uint8_t mac[6])
{
	int s = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(ifname) };
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (s < 0 || ioctl(s, SIOCGIFHWADDR, &ifr) < 0 ||
	    bind(s, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "%s", ifname);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return s;
}

int
main(int argc, char **argv)
{
	struct mmsghdr msg[FLOWS] = { 0 };
	struct iovec iov[FLOWS];
	uint8_t to[6], from[6];
	uint64_t end, sent = 0;
	uint32_t bytes;
	int s;

	if (argc != 5 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx",
	    &to[0], &to[1], &to[2], &to[3], &to[4], &to[5]) != 6)
		errx(2, "usage: flood IFNAME MAC BYTES SECONDS");
	bytes = (uint32_t)strtoul(argv[3], NULL, 10);
	if (bytes < FRAME_MIN || bytes > FRAME_MAX)
		errx(2, "BYTES: %u to %u", FRAME_MIN, FRAME_MAX);
	s = flood_socket(argv[1], from);
	if (setpriority(PRIO_PROCESS, 0, NICENESS) < 0)
		err(1, "setpriority");
	for (uint32_t i = 0; i < FLOWS; i++) {
		frame_make(frame[i], to, from, bytes, i);
		iov[i] = (struct iovec){ frame[i], bytes };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	end = clock_now_ns() + (uint64_t)(strtod(argv[4], NULL) * 1e9);
	while (clock_now_ns() < end) {
		int n = sendmmsg(s, msg, FLOWS, 0);

		/* A queue that is full loses frames; that is no failure. */
		if (n < 0 && errno != ENOBUFS)
			err(1, "%s", argv[1]);
		sent += n > 0 ? (uint64_t)n : 0;
	}
	printf("%llu\n", (unsigned long long)sent);
	close(s);
	return 0;
}
