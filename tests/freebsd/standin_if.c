/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stand-in's mbufs, DMA, interface, device and sysctls.
 */
#include "base/os.h"
#include "standin.h"

/* ---- guest memory ------------------------------------------------------- */

#define MBUFS	4096u

static struct sim_mem *guest;
static pthread_mutex_t *guest_lock;
static struct chan_mem pool;
static struct mbuf mbufs[MBUFS], *spare;
static uint32_t mbufs_live, mbufs_n;
static pthread_mutex_t mbuf_lock = PTHREAD_MUTEX_INITIALIZER;
static struct malloc_type temp[1];

void
standin_memory(struct sim_mem *mem, pthread_mutex_t *lock, uint32_t pages)
{
	int err;

	guest = mem;
	guest_lock = lock;
	KASSERT(pages <= MBUFS, (""));
	err = sim_mem_alloc(mem, pages * HV_PAGE_SIZE, &pool);
	KASSERT(err == 0, (""));
	spare = NULL;
	mbufs_live = 0;
	mbufs_n = pages;
	for (uint32_t i = 0; i < pages; i++) {
		mbufs[i].page = (caddr_t)pool.va + i * HV_PAGE_SIZE;
		mbufs[i].m_next = spare;
		spare = &mbufs[i];
	}
}

uint32_t
standin_memory_end(void)
{
	memset(pool.va, 0, pool.bytes);
	sim_mem_free(guest, &pool);
	return mbufs_live;
}

static struct mbuf *
mbuf_get(uint32_t size, int flags)
{
	struct mbuf *m;
	caddr_t page;

	pthread_mutex_lock(&mbuf_lock);
	m = spare;
	if (m != NULL) {
		spare = m->m_next;
		mbufs_live++;
	}
	pthread_mutex_unlock(&mbuf_lock);
	if (m == NULL)
		return NULL;
	page = m->page;
	*m = (struct mbuf){ .page = page, .m_data = page, .size = size,
	    .m_flags = flags };
	return m;
}

struct mbuf *
standin_mbuf(void)
{
	uint32_t live;

	/* Half of them are for the driver's receive. */
	pthread_mutex_lock(&mbuf_lock);
	live = mbufs_live;
	pthread_mutex_unlock(&mbuf_lock);
	if (live > mbufs_n / 2)
		return NULL;
	return mbuf_get(HV_PAGE_SIZE, M_PKTHDR);
}

struct mbuf *
m_gethdr(int how, int type)
{
	return mbuf_get(MHLEN, M_PKTHDR);
}

struct mbuf *
m_getcl(int how, int type, int flags)
{
	return mbuf_get(MCLBYTES, flags);
}

struct mbuf *
m_getm2(struct mbuf *m, int len, int how, int type, int flags)
{
	struct mbuf *first = NULL, **at = &first;

	for (; len > 0; len -= (int)HV_PAGE_SIZE) {
		*at = mbuf_get(HV_PAGE_SIZE, flags);
		flags = 0;
		if (*at == NULL) {
			m_freem(first);
			return NULL;
		}
		at = &(*at)->m_next;
	}
	return first;
}

void
m_freem(struct mbuf *m)
{
	pthread_mutex_lock(&mbuf_lock);
	while (m != NULL) {
		struct mbuf *next = m->m_next;

		KASSERT(m->m_nextpkt == NULL, (""));
		m->m_next = spare;
		spare = m;
		mbufs_live--;
		m = next;
	}
	pthread_mutex_unlock(&mbuf_lock);
}

void
m_copydata(const struct mbuf *m, int off, int len, caddr_t to)
{
	for (; len > 0; m = m->m_next) {
		int n = m->m_len - off;

		if (n <= 0) {
			off -= m->m_len;
			continue;
		}
		n = n < len ? n : len;
		memcpy(to, m->m_data + off, (size_t)n);
		to += n;
		len -= n;
		off = 0;
	}
}

struct mbuf *
m_defrag(struct mbuf *m, int how)
{
	int len = m->m_pkthdr.len, off = 0;
	struct mbuf *new = m_getm2(NULL, len, how, MT_DATA, M_PKTHDR);

	if (new == NULL)
		return NULL;
	new->m_pkthdr = m->m_pkthdr;
	new->m_flags = m->m_flags;
	for (struct mbuf *p = new; p != NULL; p = p->m_next) {
		p->m_len = len - off < (int)HV_PAGE_SIZE ? len - off :
		    (int)HV_PAGE_SIZE;
		m_copydata(m, off, p->m_len, p->m_data);
		off += p->m_len;
	}
	m_freem(m);
	return new;
}

/* ---- DMA ---------------------------------------------------------------- */

struct standin_tag { uint64_t size, boundary; int segs; };
struct standin_map { struct chan_mem mem; bool loaded; };

static bus_addr_t
dma_addr(const void *va)
{
	return SIM_MEM_GPA + (uint64_t)((const uint8_t *)va - guest->guest);
}

int
bus_dma_tag_create(bus_dma_tag_t parent, uint64_t align, uint64_t boundary,
    bus_addr_t low, bus_addr_t high, void *filter, void *arg, uint64_t size,
    int segs, uint64_t seg_size, int flags, void *lock, void *lock_arg,
    bus_dma_tag_t *out)
{
	*out = malloc(sizeof(**out), temp, M_WAITOK);
	**out = (struct standin_tag){ size, boundary, segs };
	return 0;
}

int
bus_dma_tag_destroy(bus_dma_tag_t tag)
{
	free(tag, temp);
	return 0;
}

int
bus_dmamap_create(bus_dma_tag_t tag, int flags, bus_dmamap_t *out)
{
	*out = malloc(sizeof(**out), temp, M_WAITOK);
	return 0;
}

int
bus_dmamap_destroy(bus_dma_tag_t tag, bus_dmamap_t map)
{
	KASSERT(!map->loaded, (""));
	free(map, temp);
	return 0;
}

int
bus_dmamem_alloc(bus_dma_tag_t tag, void **va, int flags, bus_dmamap_t *map)
{
	int err;

	(void)bus_dmamap_create(tag, 0, map);
	pthread_mutex_lock(guest_lock);
	err = sim_mem_alloc(guest, (uint32_t)tag->size, &(*map)->mem);
	pthread_mutex_unlock(guest_lock);
	if (err < 0) {
		free(*map, temp);
		return ENOMEM;
	}
	*va = (*map)->mem.va;
	return 0;
}

void
bus_dmamem_free(bus_dma_tag_t tag, void *va, bus_dmamap_t map)
{
	pthread_mutex_lock(guest_lock);
	sim_mem_free(guest, &map->mem);
	pthread_mutex_unlock(guest_lock);
	(void)bus_dmamap_destroy(tag, map);
}

int
bus_dmamap_load(bus_dma_tag_t tag, bus_dmamap_t map, void *va, uint64_t bytes,
    bus_dmamap_callback_t *cb, void *arg, int flags)
{
	bus_dma_segment_t seg = { dma_addr(va), bytes };

	map->loaded = true;
	cb(arg, &seg, 1, 0);
	return 0;
}

int
bus_dmamap_load_mbuf_sg(bus_dma_tag_t tag, bus_dmamap_t map, struct mbuf *m,
    bus_dma_segment_t *seg, int *n, int flags)
{
	KASSERT(!map->loaded, (""));
	*n = 0;
	for (; m != NULL; m = m->m_next) {
		if (m->m_len == 0)
			continue;
		if (*n == tag->segs)
			return EFBIG;
		seg[*n].ds_addr = dma_addr(m->m_data);
		seg[(*n)++].ds_len = (uint64_t)m->m_len;
	}
	map->loaded = true;
	return 0;
}

void
bus_dmamap_unload(bus_dma_tag_t tag, bus_dmamap_t map)
{
	KASSERT(map->loaded, (""));
	map->loaded = false;
}

/* ---- device ------------------------------------------------------------- */

int
device_printf(device_t dev, const char *fmt, ...)
{
	va_list ap;

	printf("# hvn0: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	return 0;
}

/* ---- sysctl ------------------------------------------------------------- */

struct sysctl_oid {
	char path[64];
	void *arg1;
	intmax_t arg2;
	sysctl_fn *fn;
};
static struct sysctl_oid oids[512];
static uint32_t oids_n;

struct sysctl_oid *
standin_sysctl_add(struct sysctl_oid_list *parent, const char *name,
    void *arg1, intmax_t arg2, sysctl_fn *fn)
{
	struct sysctl_oid *up = (struct sysctl_oid *)(void *)parent;
	struct sysctl_oid *o = &oids[oids_n++];
	int n;

	KASSERT(oids_n <= ARRAY_LEN(oids), (""));
	n = snprintf(o->path, sizeof(o->path), "%s%s%s",
	    up == NULL ? "" : up->path, up == NULL ? "" : ".", name);
	KASSERT(n < (int)sizeof(o->path), (""));
	o->arg1 = arg1;
	o->arg2 = arg2;
	o->fn = fn;
	return o;
}

int
sysctl_handle_64(struct sysctl_oid *o, void *p, intmax_t n,
    struct sysctl_req *req)
{
	memcpy(&req->out, p, 8);
	return 0;
}

int
sysctl_handle_32(struct sysctl_oid *o, void *p, intmax_t n,
    struct sysctl_req *req)
{
	req->out = 0;
	memcpy(&req->out, p, 4);
	return 0;
}

int
sysctl_handle_int(struct sysctl_oid *o, void *p, intmax_t n,
    struct sysctl_req *req)
{
	(void)sysctl_handle_32(o, p, n, req);
	if (req->newptr != NULL)
		memcpy(p, req->newptr, sizeof(int));
	return 0;
}

int
sysctl_handle_string(struct sysctl_oid *o, char *p, size_t n,
    struct sysctl_req *req)
{
	req->out = (uint64_t)(p[0] - '0');
	return 0;
}

int
sysctl_int_at(SYSCTL_HANDLER_ARGS)
{
	return sysctl_handle_int(oidp, arg1, arg2, req);
}

static int
sysctl_call(const char *path, struct sysctl_req *req)
{
	for (uint32_t i = 0; i < oids_n; i++) {
		struct sysctl_oid *o = &oids[i];

		if (o->fn != NULL && strcmp(o->path, path) == 0)
			return o->fn(o, o->arg1, o->arg2, req);
	}
	KASSERT(path == NULL, (""));	/* there is no such one */
	return ENOENT;
}

uint64_t
standin_sysctl(const char *path)
{
	struct sysctl_req req = { 0 };

	(void)sysctl_call(path, &req);
	return req.out;
}

int
standin_sysctl_set(const char *path, const void *value)
{
	struct sysctl_req req = { .newptr = value };

	return sysctl_call(path, &req);
}

void
standin_sysctl_end(void)
{
	oids_n = 0;
}

/* ---- interface ---------------------------------------------------------- */

void (*standin_input)(struct mbuf *);
int V_ipforwarding;

if_t
if_alloc(int type)
{
	return malloc(sizeof(struct ifnet), temp, M_WAITOK);
}

void
if_free(if_t ifp)
{
	free(ifp, temp);
}

void
if_initname(if_t ifp, const char *name, int unit)
{
	ifp->mtu = (int)ETHERMTU;
}

void
ether_ifattach(if_t ifp, const uint8_t *mac)
{
	memcpy(ifp->mac, mac, 6);
	ifp->attached = true;
}

void
if_inc_counter(if_t ifp, ift_counter c, int64_t n)
{
	__atomic_fetch_add(&ifp->count[c], (uint64_t)n, __ATOMIC_RELAXED);
}

void
if_link_state_change(if_t ifp, int state)
{
	__atomic_store_n(&ifp->link, state, __ATOMIC_RELAXED);
}

/* Words that several threads read: as a kernel does, without a lock. */
static void
bits(int *word, int set, int clear)
{
	int old = __atomic_load_n(word, __ATOMIC_RELAXED);

	__atomic_store_n(word, (old & ~clear) | set, __ATOMIC_RELAXED);
}

void
if_setdrvflagbits(if_t ifp, int set, int clear)
{
	bits(&ifp->drv_flags, set, clear);
}

int
if_getdrvflags(if_t ifp)
{
	return __atomic_load_n(&ifp->drv_flags, __ATOMIC_RELAXED);
}

void
if_togglecapenable(if_t ifp, int caps)
{
	bits(&ifp->cap_enable, if_getcapenable(ifp) ^ caps, ~0);
}

u_int
if_llmaddr_count(if_t ifp)
{
	return __atomic_load_n(&ifp->groups, __ATOMIC_RELAXED);
}

u_int
if_foreach_llmaddr(if_t ifp, iflladdr_cb_t cb, void *arg)
{
	u_int n = if_llmaddr_count(ifp), done = 0;

	for (u_int i = 0; i < n; i++) {
		struct sockaddr_dl sdl = { { 1, 0, 0x5e, 0, 0, (uint8_t)i } };

		done += cb(arg, &sdl, done);
	}
	return done;
}

void
standin_groups(if_t ifp, uint32_t n)
{
	__atomic_store_n(&ifp->groups, n, __ATOMIC_RELAXED);
}

int
if_input(if_t ifp, struct mbuf *m)
{
	standin_input(m);
	return 0;
}
