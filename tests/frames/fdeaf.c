/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends without ever receiving, while the host gives it all the frames that
 * the receive buffer holds; only then receives.
 *
 *	fdeaf CONNECT NIC COUNT FRAMES
 *
 * FRAMES are awaited before the first is sent.  Completions come behind them,
 * in the same ring: they must come, and no frame may be lost on the way.
 * Prints one line of JSON; exit code 0 if COUNT were sent and completed.
 */
#include <hvnet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BURST	32u
#define STUCK	10	/* seconds in which nothing moves: it is over */

/* Until so many are here, or no more come. */
static void
await(struct hvnet *h, uint64_t frames)
{
	time_t moved = time(NULL);
	struct hvnet_stats st;
	uint64_t here = 0;

	do {
		hvnet_poll(h, 0);
		hvnet_stats(h, 0, &st);
		if (st.rx_frames != here)
			moved = time(NULL);
		here = st.rx_frames;
	} while (here < frames && time(NULL) < moved + STUCK &&
	    hvnet_why(h)[0] == '\0');
}

/* True when all is sent and completed; false when that does not get on. */
static bool
send_all(struct hvnet *h, uint64_t count)
{
	static uint8_t data[64] = { 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 0x88,
		0xb5 };
	struct hvnet_frame f[BURST];
	time_t moved = time(NULL);
	struct hvnet_stats st;
	uint64_t done = 0;

	memset(f, 0, sizeof(f));
	for (uint32_t i = 0; i < BURST; i++) {
		f[i].data = data;
		f[i].len = sizeof(data);
	}
	do {
		hvnet_stats(h, 0, &st);
		if (st.tx_completed != done)
			moved = time(NULL);
		done = st.tx_completed;
		if (st.tx_frames >= count && done == st.tx_packets)
			return true;
		if (st.tx_frames < count)
			hvnet_tx(h, 0, f, BURST);
		else
			hvnet_poll(h, 0);
	} while (time(NULL) < moved + STUCK && hvnet_why(h)[0] == '\0');
	return false;
}

/* Frames that were kept: those of the ring follow with the next pass. */
static uint64_t
receive_kept(struct hvnet *h, uint64_t delivered)
{
	struct hvnet_frame f[BURST];
	uint64_t got = 0;

	while (got < delivered) {
		int n = hvnet_rx(h, 0, f, BURST);

		if (n <= 0)
			break;
		got += (uint64_t)n;
	}
	return got;
}

int
main(int argc, char **argv)
{
	struct hvnet_config c;
	struct hvnet_stats st, end;
	struct hvnet *h;
	char err[200];
	uint64_t got;
	bool ok;

	if (argc != 5)
		return 2;
	hvnet_config_default(&c);
	c.connect = argv[1];
	c.nic = argv[2];
	h = hvnet_open(&c, err, sizeof(err));
	if (h == NULL) {
		printf("{\"ok\": false, \"error\": \"%s\"}\n", err);
		return 1;
	}
	await(h, strtoull(argv[4], NULL, 0));
	ok = send_all(h, strtoull(argv[3], NULL, 0));
	hvnet_stats(h, 0, &st);
	got = receive_kept(h, st.rx_frames);
	hvnet_stats(h, 0, &end);
	printf("{\"ok\": %s, \"sent\": %lu, \"packets\": %lu, "
	    "\"completed\": %lu, \"kept\": %lu, \"got\": %lu, "
	    "\"rx_dropped\": %lu, \"why\": \"%s\"}\n", ok ? "true" : "false",
	    st.tx_frames, st.tx_packets, st.tx_completed, st.rx_frames, got,
	    end.rx_dropped, hvnet_why(h));
	hvnet_close(h);
	return ok ? 0 : 1;
}
