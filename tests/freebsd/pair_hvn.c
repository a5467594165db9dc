/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FreeBSD driver's own sources, run on a stand-in for its kernel
 * (hvn_kernel.h), with the real host end in a thread of its own: attach,
 * checked frames both ways, by copy and by reference, with hardly any room for
 * acknowledgements, a new MTU under traffic, detach, rescind; and a host that
 * tells a lie of ../hostile/host_lies.list, after which the NIC is back by
 * itself.
 */
#include "../hostile/host_lies.h"
#include "hvn_world.h"

/* ---- the stack ---------------------------------------------------------- */

static void
on_input(struct mbuf *m)
{
	struct world *w = &the_world;
	struct vec v[32];
	uint32_t n = 0;

	for (struct mbuf *p = m; p != NULL; p = p->m_next)
		v[n++] = (struct vec){ mtod(p, void *), (uint32_t)p->m_len };
	if (m->m_pkthdr.len != (int)pkt_vec_bytes(v, n) ||
	    m->m_pkthdr.rcvif != the_if ||
	    !frame_good(v, n, w->down_got, DOWN))
		os_xchg32(&w->bad, 1);
	m_freem(m);
}

/* A frame in one to four pieces, the first short. */
static struct mbuf *
stack_frame(uint32_t who, uint32_t n)
{
	uint8_t frame[1600];
	uint32_t len = frame_fill(frame, who, n), off = 0;
	struct mbuf *first = standin_mbuf(), *m = first;

	if (m == NULL)
		return NULL;
	for (uint32_t piece = n % 4;; piece--) {
		uint32_t part = piece == 0 ? len - off : 20;

		memcpy(m->m_data, frame + off, part);
		m->m_len = (int)part;
		off += part;
		if (piece == 0)
			break;
		m->m_next = standin_mbuf();
		if (m->m_next == NULL) {
			m_freem(first);
			return NULL;
		}
		m = m->m_next;
		m->m_flags = 0;
	}
	first->m_pkthdr.len = (int)len;
	/* All of a sender go to one queue. */
	first->m_pkthdr.flowid = who;
	M_HASHTYPE_SET(first, M_HASHTYPE_OPAQUE);
	return first;
}

static void *
sender_main(void *arg)
{
	struct thread *t = arg;
	struct world *w = t->w;
	uint32_t n = 0;

	curcpu = (int)(t->index % VPS);
	while (os_ld32(&w->stop) == 0) {
		struct mbuf *m = NULL;
		bool sent = false;

		pthread_mutex_lock(&w->sending[t->index]);
		if (n < FRAMES && os_ld32_acq(&w->traffic) != 0)
			m = stack_frame(t->index, n);
		if (m != NULL)
			sent = the_if->transmit(the_if, m) == 0;
		pthread_mutex_unlock(&w->sending[t->index]);
		n += sent;
		if (!sent || n % 64 == 0)
			usleep(IDLE_US);
	}
	return NULL;
}

/* ---- a host that lies --------------------------------------------------- */

static struct host_lie lies[HOST_LIES_MAX];
static uint32_t lies_n;
static uint32_t lie_at;			/* index in lies + 1, 0: none */
static uint32_t lie_seen;		/* enum fault, by the guest */

static void
lie_memory(void *ctx, struct see_memory *out)
{
	struct vsp_buffers b;

	vsp_buffers(((struct world *)ctx)->vsp, &b);
	*out = (struct see_memory){ .recv = b.recv,
		.recv_bytes = b.recv_bytes, .send = b.send,
		.send_sections = b.send_sections,
		.section_bytes = b.send_section_bytes };
}

static uint8_t *
lie_gpa(void *ctx, uint64_t gpa, uint32_t len)
{
	return guestmem_ptr(&((struct world *)ctx)->part.mem, gpa, len);
}

static void lie_ask(void *ctx) { }

/*
 * Bend the first queue for one frame.  False: there is no room for it now.
 * Host thread.
 */
static bool
lie_tell(struct world *w, const struct host_lie *lie)
{
	static const struct see_watch_ops need = { .memory = lie_memory,
		.gpa = lie_gpa };
	static const struct bend_ops ops = { .ask = lie_ask };
	const struct fault_log *f =
	    &((struct hvn_softc *)the_device.softc)->chan[0].chan.faults;
	struct chan *c = w->host_chan[0];
	struct bend *b = host_lie_bend(lie, &ops, w);
	struct bend_chan bent = { 0 };
	struct pkt_meta plain = { 0 };
	uint8_t frame[1600];
	struct vec v = { frame, 0 };
	bool told;

	/* One that is sent to queue 0. */
	for (uint32_t who = 0; who < DOWN; who++) {
		v.len = frame_fill(frame, who, 0);
		if (vsp_steer(w->vsp, (struct span){ frame, v.len }, v.len,
		    &plain) == 0)
			break;
	}
	bend_chan_start(&bent, c, ring_chan_of(c), b, &need, w);
	told = vsp_to_guest_copy(w->vsp, 0, &v, 1, &plain) == 0;
	vsp_to_guest_flush(w->vsp, 0);
	/* The next packet would make it true. */
	while (told && os_ld64(&f->total) == 0) {
		ring_chan_of(c)->signal(ring_chan_of(c));
		usleep(IDLE_US);
	}
	os_st32_rel(&lie_seen, os_ld32(&f->last));
	bend_chan_stop(&bent);
	bend_free(b);
	return told;
}

static void
on_frame(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	struct world *w = ctx;
	uint32_t at;

	on_from_guest(ctx, queue, f);
	at = os_xchg32(&lie_at, 0);
	if (at != 0 && (w->host_chan[0] == NULL ||
	    !lie_tell(w, &lies[at - 1])))
		os_xchg32(&lie_at, at);
}

/* ---- lives -------------------------------------------------------------- */

enum way { LATE, BY_REF, ACKS, EARLY, MTU, RESCIND, LIE, OVERDUE, STOPS };

static void
traffic(struct world *w, enum way way)
{
	until(&w->up_done, 1);
	for (uint32_t i = 0; i < DOWN; i++)
		until(&w->down_got[i], FRAMES);
	assert_int_equal(standin_sysctl("tx_ring_inuse"), VPS);
	assert_true(counter("tx", "by_ref") == 0 || way == BY_REF);
	assert_true(counter("tx", "by_ref") > FRAMES || way != BY_REF);
	/* By hn(4)'s names: sums of both queues. */
	assert_int_equal(standin_sysctl("tx_ring_cnt"), VPS);
	assert_int_equal(standin_sysctl("tx_chimney"),
	    counter("tx", "by_section"));
	assert_true(standin_sysctl("tx_chimney") > 0);
	assert_true(standin_sysctl("tx_chimney_tried") >=
	    standin_sysctl("tx_chimney"));
	assert_int_equal(standin_sysctl("no_txdescs"),
	    counter("tx", "no_desc"));
	assert_int_equal(standin_sysctl("rx_ack_failed"),
	    counter("rx", "ack_waits"));
	/* No section of the receive buffer is lost. */
	assert_int_equal(counter("rx", "acks"), counter("rx", "packets"));
	for (uint32_t q = 0; q < VPS; q++) {
		char name[32];

		snprintf(name, sizeof(name), "rx.%u.frames", q);
		assert_true(standin_sysctl(name) > 0);
		snprintf(name, sizeof(name), "tx.%u.frames", q);
		assert_true(standin_sysctl(name) > 0);
	}
}

static void
until_sysctl(const char *path, uint64_t least)
{
	for (time_t end = time(NULL) + SECONDS;
	    standin_sysctl(path) < least;) {
		assert_true(time(NULL) < end);
		usleep(1000);
	}
}

static void
mtu_change(struct world *w)
{
	/* Frames that are under way meanwhile are lost: count up from there. */
	usleep(2000);
	assert_int_equal(if_mtu(9000), 0);
	assert_int_equal(standin_sysctl("mtu"), 9000);
	assert_int_equal(if_mtu(100000), EINVAL);
	assert_int_equal(standin_sysctl("attaches"), 2);
}

/* Short frames go out although a completion does not come. */
static void
completion_late(struct world *w)
{
	os_st32(&w->pause, 1);
	until(&w->pause, 2);
	for (uint32_t i = 0; i < 2; i++) {
		struct mbuf *m = stack_frame(0, i);

		assert_non_null(m);
		assert_true(m->m_pkthdr.len < 500);
		assert_int_equal(the_if->transmit(the_if, m), 0);
	}
	until_sysctl("tx.0.packets", 2);
	os_st32(&w->pause, 0);
}

/* The host takes nothing any more; the NIC restarts, and frames go again. */
static void
host_stops(struct world *w)
{
	os_st32(&w->pause, 1);
	os_st32_rel(&w->traffic, 1);
	until_sysctl("watchdogs", 1);
	os_st32(&w->pause, 0);
	until_sysctl("attaches", 2);
	assert_int_equal(standin_sysctl("failures"),
	    standin_sysctl("watchdogs"));
	/* The counters are those of the new life. */
	until_sysctl("tx.0.completions", 1);
}

/* The NIC breaks, and is back. */
static void
lie(uint32_t n)
{
	print_message("# %s\n", lies[n].name);
	os_xchg32(&lie_at, n + 1);
	until_sysctl("attaches", 2);
	assert_int_equal(standin_sysctl("failures"), 1);
	assert_string_equal(fault_name((enum fault)os_ld32_acq(&lie_seen)),
	    fault_name(lies[n].why));
}

static void
settings(struct world *w, enum way way)
{
	world_defaults(w);
	if (way == BY_REF)
		hvn_core_tunables.tx_chimney_size = 100;
	if (way == STOPS)
		hvn_port_tunables.tx_timeout_ms = 50;
	if (way == ACKS) {
		hvn_core_tunables.ring_pages = 2;
		hvn_core_tunables.rxbuf_kb = 64;
	}
}

/* Up, traffic both ways, down. */
static void
life(enum way way, uint32_t n)
{
	static struct vsp_ops ops;
	struct world *w = &the_world;
	struct thread sender[SENDERS];

	settings(w, way);
	ops = vsp_ops;
	ops.from_guest = on_frame;
	world_begin(w, &ops, on_input, IFF_ALLMULTI);
	for (uint32_t i = 0; i < SENDERS; i++) {
		sender[i] = (struct thread){ .w = w, .index = i };
		pthread_create(&sender[i].id, NULL, sender_main, &sender[i]);
	}
	if (way != OVERDUE && way != STOPS)
		os_st32_rel(&w->traffic, 1);
	if (way == OVERDUE)
		completion_late(w);
	else if (way == STOPS)
		host_stops(w);
	else if (way == LATE || way == BY_REF || way == ACKS)
		traffic(w, way);
	else if (way == LIE)
		lie(n);
	else if (way == MTU)
		mtu_change(w);
	else
		usleep(2000);
	if (way == RESCIND) {
		os_xchg32(&w->rescind, 1);
		until(&standin_revoked, 1);
	}
	world_end(w);
	for (uint32_t i = 0; i < SENDERS; i++)
		pthread_join(sender[i].id, NULL);
	/* In the others frames are lost. */
	if (way != MTU && way != LIE && way != STOPS)
		assert_int_equal(w->bad, 0);
	world_destroy(w, way == RESCIND);
}

static void
traffic_and_detach(void **state)
{
	life(LATE, 0);
}

static void
traffic_by_reference(void **state)
{
	life(BY_REF, 0);
}

static void
acknowledgements_in_a_small_ring(void **state)
{
	life(ACKS, 0);
}

static void
lies_of_the_host(void **state)
{
	for (uint32_t i = 0; i < lies_n; i++)
		life(LIE, i);
}

static void
detach_in_traffic(void **state)
{
	life(EARLY, 0);
}

static void
mtu_in_traffic(void **state)
{
	life(MTU, 0);
}

static void
rescind_in_traffic(void **state)
{
	for (uint32_t i = 0; i < 3; i++)
		life(RESCIND, 0);
}

static void
host_that_stops(void **state)
{
	life(STOPS, 0);
}

static void
late_completion(void **state)
{
	life(OVERDUE, 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traffic_and_detach),
		cmocka_unit_test(traffic_by_reference),
		cmocka_unit_test(acknowledgements_in_a_small_ring),
		cmocka_unit_test(lies_of_the_host),
		cmocka_unit_test(detach_in_traffic),
		cmocka_unit_test(mtu_in_traffic),
		cmocka_unit_test(rescind_in_traffic),
		cmocka_unit_test(late_completion),
		cmocka_unit_test(host_that_stops),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: pair_hvn host_lies.list\n");
		return 2;
	}
	/* Of VMBus messages our driver hears nothing there. */
	lies_n = host_lies_read(argv[1], "RNDIS", lies);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
