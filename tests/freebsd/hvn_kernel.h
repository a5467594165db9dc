/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stand-in for the FreeBSD kernel: what the sources of freebsd/ call of it,
 * on Linux with threads.  Written from the manual pages (section 9); values of
 * constants are our own.  It keeps the driver compiling and running where no
 * FreeBSD is; it does not show that it works there.
 */
#ifndef TESTS_FREEBSD_HVN_KERNEL_H
#define TESTS_FREEBSD_HVN_KERNEL_H

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#define __FreeBSD_version 1400092
#define INET

/* ---- system ------------------------------------------------------------- */

#define VPS_MAX		4
extern int mp_ncpus, bootverbose, hz;
extern _Thread_local int curcpu;
#define KASSERT(x, text) OS_ASSERT(x)

typedef int64_t sbintime_t;
#define SBT_1S		((sbintime_t)1 << 32)
sbintime_t sbinuptime(void);
int64_t sbttons(sbintime_t);
sbintime_t nstosbt(int64_t);

/* malloc(9) */
struct malloc_type { const char *name; int64_t blocks; };
#define M_NOWAIT	1
#define M_WAITOK	2
#define M_ZERO		4
#define MALLOC_DECLARE(t) extern struct malloc_type t[1]
#define MALLOC_DEFINE(t, short, text) struct malloc_type t[1] = { { short, 0 } }
void *standin_malloc(size_t, struct malloc_type *, int flags);
void standin_free(void *, struct malloc_type *);
#define malloc(size, type, flags) standin_malloc((size), (type), (flags))
#define free(p, type) standin_free((p), (type))

/* mutex(9), sx(9), condvar(9) */
struct mtx { pthread_mutex_t m; const void *owner; };
#define MTX_DEF		0
#define MA_OWNED	1
void mtx_init(struct mtx *, const char *, const char *, int);
#define mtx_destroy(mt)	pthread_mutex_destroy(&(mt)->m)
void mtx_lock(struct mtx *);
int mtx_trylock(struct mtx *);
void mtx_unlock(struct mtx *);
int mtx_owned(const struct mtx *);
#define mtx_assert(m, what) KASSERT(mtx_owned(m), (""))
struct sx { pthread_rwlock_t l; };
#define sx_init(s, name) pthread_rwlock_init(&(s)->l, NULL)
#define sx_destroy(s)	pthread_rwlock_destroy(&(s)->l)
#define sx_xlock(s)	pthread_rwlock_wrlock(&(s)->l)
#define sx_xunlock(s)	pthread_rwlock_unlock(&(s)->l)
#define sx_slock(s)	pthread_rwlock_rdlock(&(s)->l)
#define sx_sunlock(s)	pthread_rwlock_unlock(&(s)->l)
struct cv { pthread_cond_t c; };
#define cv_init(cv, name) pthread_cond_init(&(cv)->c, NULL)
#define cv_destroy(cv)	pthread_cond_destroy(&(cv)->c)
#define cv_broadcast(cv) pthread_cond_broadcast(&(cv)->c)
int cv_timedwait(struct cv *, struct mtx *, int ticks);

/* taskqueue(9): each has one thread */
typedef void task_fn_t(void *ctx, int pending);
struct task {
	struct task *next;
	task_fn_t *fn;
	void *ctx;
	int pending;
};
struct taskqueue;
struct timeout_task {
	struct task t;
	uint64_t at;			/* ns; 0: not armed */
	struct timeout_task *next;
	bool known;
};
#define PI_NET		0
#define TASK_INIT(tk, pri, func, context)				\
	(*(tk) = (struct task){ .fn = (func), .ctx = (context) })
#define TIMEOUT_TASK_INIT(tq, tt, pri, func, context)			\
	(*(tt) = (struct timeout_task){ .t = { .fn = (func),		\
	    .ctx = (context) } })
#define taskqueue_thread_enqueue NULL
struct taskqueue *taskqueue_create(const char *, int, void (*)(void *),
    void *);
int taskqueue_start_threads(struct taskqueue **, int, int, const char *, ...);
int taskqueue_enqueue(struct taskqueue *, struct task *);
int taskqueue_enqueue_timeout_sbt(struct taskqueue *, struct timeout_task *,
    sbintime_t, sbintime_t, int);
int taskqueue_cancel_timeout(struct taskqueue *, struct timeout_task *,
    u_int *);
void taskqueue_drain(struct taskqueue *, struct task *);
#define taskqueue_drain_timeout(tq, tt) taskqueue_drain((tq), &(tt)->t)
void taskqueue_free(struct taskqueue *);
/* Tasks run under this lock; before the thread starts. */
void standin_taskqueue_lock(struct taskqueue *, pthread_mutex_t *);

/* epoch(9) */
struct epoch_tracker { int in; };
#define NET_EPOCH_ENTER(et) ((et).in = 1)
#define NET_EPOCH_EXIT(et) KASSERT((et).in == 1, (""))

/* buf_ring(9) */
struct buf_ring;
struct buf_ring *buf_ring_alloc(int, struct malloc_type *, int, struct mtx *);
void buf_ring_free(struct buf_ring *, struct malloc_type *);
int buf_ring_enqueue(struct buf_ring *, void *);
void *buf_ring_dequeue_sc(struct buf_ring *);
void *buf_ring_peek(struct buf_ring *);
void buf_ring_advance_sc(struct buf_ring *);
void buf_ring_putback_sc(struct buf_ring *, void *);
int buf_ring_empty(struct buf_ring *);

/* ---- mbuf(9): each has a page of the guest's memory --------------------- */

typedef char *caddr_t;
struct ifnet;
typedef struct ifnet *if_t;
struct pkthdr {
	if_t rcvif;
	int len;
	uint32_t csum_flags, csum_data, flowid;
	uint8_t rsstype;
	uint16_t ether_vtag, tso_segsz;
};
#define lro_nsegs	tso_segsz
struct mbuf {
	struct mbuf *m_next, *m_nextpkt;
	caddr_t m_data;
	int m_len, m_flags;
	struct pkthdr m_pkthdr;
	caddr_t page;
	uint32_t size;
};
#define M_PKTHDR	1
#define M_VLANTAG	2
#define MT_DATA		0
#define MHLEN		160
#define MCLBYTES	2048
#define mtod(m, type)	((type)(void *)(m)->m_data)
#define M_TRAILINGSPACE(m) ((int)((m)->page + (m)->size - (m)->m_data) - \
	(m)->m_len)
#define M_HASHTYPE_SET(m, v) ((m)->m_pkthdr.rsstype = (uint8_t)(v))
#define M_HASHTYPE_GET(m) ((m)->m_pkthdr.rsstype)
enum { M_HASHTYPE_NONE, M_HASHTYPE_OPAQUE, M_HASHTYPE_OPAQUE_HASH,
	M_HASHTYPE_RSS_IPV4, M_HASHTYPE_RSS_TCP_IPV4, M_HASHTYPE_RSS_IPV6,
	M_HASHTYPE_RSS_TCP_IPV6, M_HASHTYPE_RSS_IPV6_EX,
	M_HASHTYPE_RSS_TCP_IPV6_EX, M_HASHTYPE_RSS_UDP_IPV4,
	M_HASHTYPE_RSS_UDP_IPV6, M_HASHTYPE_RSS_UDP_IPV6_EX };
enum { CSUM_IP = 0x1, CSUM_IP_UDP = 0x2, CSUM_IP_TCP = 0x4,
	CSUM_IP_TSO = 0x8, CSUM_IP6_UDP = 0x10, CSUM_IP6_TCP = 0x20,
	CSUM_IP6_TSO = 0x40, CSUM_IP_CHECKED = 0x80, CSUM_IP_VALID = 0x100,
	CSUM_DATA_VALID = 0x200, CSUM_PSEUDO_HDR = 0x400 };
#define CSUM_TSO	(CSUM_IP_TSO | CSUM_IP6_TSO)
struct mbuf *m_gethdr(int, int);
struct mbuf *m_getcl(int, int, int);
struct mbuf *m_getm2(struct mbuf *, int, int, int, int);
void m_freem(struct mbuf *);
void m_copydata(const struct mbuf *, int, int, caddr_t);
#define m_collapse(m, how, max) ((struct mbuf *)NULL)
struct mbuf *m_defrag(struct mbuf *, int);

/* ---- bus_dma(9) --------------------------------------------------------- */

typedef uint64_t bus_addr_t;
typedef struct { bus_addr_t ds_addr; uint64_t ds_len; } bus_dma_segment_t;
typedef struct standin_tag *bus_dma_tag_t;
typedef struct standin_map *bus_dmamap_t;
typedef void bus_dmamap_callback_t(void *, bus_dma_segment_t *, int, int);
#define BUS_SPACE_MAXADDR UINT64_MAX
enum { BUS_DMA_WAITOK = 0, BUS_DMA_NOWAIT = 1, BUS_DMA_ZERO = 2,
	BUS_DMASYNC_PREWRITE = 4 };
int bus_dma_tag_create(bus_dma_tag_t, uint64_t align, uint64_t boundary,
    bus_addr_t, bus_addr_t, void *, void *, uint64_t size, int segs,
    uint64_t seg_size, int, void *, void *, bus_dma_tag_t *);
int bus_dma_tag_destroy(bus_dma_tag_t);
int bus_dmamem_alloc(bus_dma_tag_t, void **, int, bus_dmamap_t *);
void bus_dmamem_free(bus_dma_tag_t, void *, bus_dmamap_t);
int bus_dmamap_create(bus_dma_tag_t, int, bus_dmamap_t *);
int bus_dmamap_destroy(bus_dma_tag_t, bus_dmamap_t);
int bus_dmamap_load(bus_dma_tag_t, bus_dmamap_t, void *, uint64_t,
    bus_dmamap_callback_t *, void *, int);
int bus_dmamap_load_mbuf_sg(bus_dma_tag_t, bus_dmamap_t, struct mbuf *,
    bus_dma_segment_t *, int *, int);
void bus_dmamap_unload(bus_dma_tag_t, bus_dmamap_t);
#define bus_dmamap_sync(tag, map, op) ((void)(map))

/* ---- device(9), sysctl(9) ----------------------------------------------- */

struct vmbus_channel;
typedef struct device {
	void *softc;
	struct vmbus_channel *chan;
} *device_t;
typedef struct { const char *name; int (*fn)(device_t); } device_method_t;
typedef struct {
	const char *name;
	device_method_t *methods;
	size_t size;
} driver_t;
#define DEVMETHOD(id, func) { #id, func }
#define DEVMETHOD_END	{ NULL, NULL }
#define BUS_PROBE_VENDOR (-10)
#define BUS_PROBE_LOW_PRIORITY (-40)
extern driver_t *standin_driver;
#define DRIVER_MODULE(name, bus, driver, evh, arg)			\
	driver_t *standin_driver = &driver
#define MODULE_VERSION(name, v) extern int mp_ncpus
#define MODULE_DEPEND(name, on, a, b, c) extern int mp_ncpus
#define device_get_softc(dev) ((dev)->softc)
#define device_get_parent(dev) (dev)
#define device_get_name(dev) "hvn"
#define device_get_nameunit(dev) "hvn0"
#define device_get_unit(dev) 0
#define device_set_desc(dev, text) ((void)(dev))
int device_printf(device_t, const char *, ...)
    __attribute__((format(printf, 2, 3)));
#define bus_get_dma_tag(dev) ((bus_dma_tag_t)NULL)

struct sysctl_oid;
struct sysctl_oid_list;
struct sysctl_ctx_list;
struct sysctl_req { const void *newptr; uint64_t out; };
#define SYSCTL_HANDLER_ARGS						\
	struct sysctl_oid *oidp, void *arg1, intmax_t arg2,		\
	    struct sysctl_req *req
enum { OID_AUTO, CTLFLAG_RD, CTLFLAG_RW, CTLFLAG_RDTUN, CTLFLAG_RWTUN,
	CTLFLAG_MPSAFE = 0x10, CTLTYPE_U64 = 0x20, CTLTYPE_U32 = 0x40,
	CTLTYPE_INT = 0x80, CTLTYPE_STRING = 0x100, CTLTYPE_OPAQUE = 0x200 };
#define SYSCTL_NODE(...) extern int mp_ncpus
#define SYSCTL_UINT(...) extern int mp_ncpus
#define SYSCTL_INT(...) extern int mp_ncpus
#define SYSCTL_STRING(...) extern int mp_ncpus
#define SYSCTL_CHILDREN(o) ((struct sysctl_oid_list *)(void *)(o))
#define device_get_sysctl_ctx(dev) ((struct sysctl_ctx_list *)NULL)
#define device_get_sysctl_tree(dev) ((struct sysctl_oid *)NULL)
typedef int sysctl_fn(SYSCTL_HANDLER_ARGS);
struct sysctl_oid *standin_sysctl_add(struct sysctl_oid_list *parent,
    const char *name, void *arg1, intmax_t arg2, sysctl_fn *fn);
#define SYSCTL_ADD_NODE(ctx, parent, nr, name, flags, fn, text)		\
	standin_sysctl_add((parent), (name), NULL, 0, NULL)
#define SYSCTL_ADD_PROC(ctx, parent, nr, name, flags, a1, a2, fn, fmt, text) \
	((void)standin_sysctl_add((parent), (name), (a1), (a2), (fn)))
#define SYSCTL_ADD_INT(ctx, parent, nr, name, flags, p, val, text)	\
	((void)standin_sysctl_add((parent), (name), (p), 0, sysctl_int_at))
int sysctl_int_at(SYSCTL_HANDLER_ARGS);
int sysctl_handle_64(struct sysctl_oid *, void *, intmax_t,
    struct sysctl_req *);
int sysctl_handle_32(struct sysctl_oid *, void *, intmax_t,
    struct sysctl_req *);
int sysctl_handle_int(struct sysctl_oid *, void *, intmax_t,
    struct sysctl_req *);
/* Read as the digit that the text begins with. */
int sysctl_handle_string(struct sysctl_oid *, char *, size_t,
    struct sysctl_req *);
#define SYSCTL_OUT(req, p, n) (memcpy(&(req)->out, (p), 8), 0)
#define SYSCTL_IN(req, p, n) (memcpy((p), (req)->newptr, (n)), 0)
/* Read what has this path, such as "tx.0.frames"; set it: 0 or an errno. */
uint64_t standin_sysctl(const char *path);
int standin_sysctl_set(const char *path, const void *value);
void standin_sysctl_end(void);

/* ---- ifnet(9) ----------------------------------------------------------- */

typedef enum { IFCOUNTER_IPACKETS, IFCOUNTER_IBYTES, IFCOUNTER_IQDROPS,
	IFCOUNTER_OPACKETS, IFCOUNTER_OBYTES, IFCOUNTER_OMCASTS,
	IFCOUNTER_OERRORS, IFCOUNTER_OQDROPS, IFCOUNTER_IERRORS,
	IFCOUNTERS } ift_counter;
struct ifmediareq { int ifm_status, ifm_active; };
struct ifmedia { int media; };
struct ifreq { int ifr_mtu, ifr_reqcap; };
struct ifnet {
	void *softc;
	uint8_t mac[6];
	int mtu, flags, drv_flags, caps, cap_enable, assist, link;
	uint64_t count[IFCOUNTERS];
	void (*init)(void *);
	int (*ioctl)(if_t, u_long, caddr_t);
	int (*transmit)(if_t, struct mbuf *);
	void (*qflush)(if_t);
	bool attached;
	uint32_t groups;
};
enum { IFF_UP = 1, IFF_BROADCAST = 2, IFF_SIMPLEX = 4, IFF_MULTICAST = 8,
	IFF_PROMISC = 0x10, IFF_ALLMULTI = 0x20, IFF_DRV_RUNNING = 0x40,
	IFF_DRV_OACTIVE = 0x80 };
enum { IFCAP_TXCSUM = 0x1, IFCAP_TXCSUM_IPV6 = 0x2, IFCAP_RXCSUM = 0x4,
	IFCAP_RXCSUM_IPV6 = 0x8, IFCAP_TSO4 = 0x10, IFCAP_TSO6 = 0x20,
	IFCAP_LRO = 0x40, IFCAP_VLAN_MTU = 0x80, IFCAP_VLAN_HWTAGGING = 0x100,
	IFCAP_VLAN_HWCSUM = 0x200, IFCAP_VLAN_HWTSO = 0x400,
	IFCAP_JUMBO_MTU = 0x800, IFCAP_LINKSTATE = 0x1000,
	IFCAP_HWSTATS = 0x2000 };
enum { SIOCSIFMTU = 1, SIOCSIFFLAGS, SIOCADDMULTI, SIOCDELMULTI, SIOCSIFCAP,
	SIOCSIFMEDIA, SIOCGIFMEDIA };
enum { IFM_AVALID = 1, IFM_ACTIVE = 2, IFM_ETHER = 0x10, IFM_AUTO = 0x20,
	IFM_NONE = 0x40, IFM_FDX = 0x80, IFM_10G_T = 0x100 };
enum { LINK_STATE_DOWN = 1, LINK_STATE_UP = 2, IFT_ETHER = 6 };
#define ETHER_ALIGN	2
#define ETHER_HDR_LEN	14u
#define ETHER_VLAN_ENCAP_LEN 4u
#define ETHERMTU	1500u
#define ETHERMIN	46
#define IP_MAXPACKET	65535u
#define ETHER_BPF_MTAP(ifp, m) ((void)(m))
if_t if_alloc(int);
void if_free(if_t);
void if_initname(if_t, const char *, int);
void ether_ifattach(if_t, const uint8_t *);
#define ether_ifdetach(ifp) ((ifp)->attached = false)
#define ether_ioctl(ifp, cmd, data) (EINVAL)
void if_inc_counter(if_t, ift_counter, int64_t);
#define if_qflush(ifp)	((void)(ifp))
void if_link_state_change(if_t, int);
void if_setdrvflagbits(if_t, int set, int clear);
int if_getdrvflags(if_t);
int if_input(if_t, struct mbuf *);
/* Names that kernels since 14 have: a static of ours would not compile. */
void if_init(if_t, void *);
int if_ioctl(if_t, u_long, void *);
int if_transmit(if_t, struct mbuf *);
/* The test's stack: consumes the frame. */
extern void (*standin_input)(struct mbuf *);
#define STANDIN_IF_FIELD(set, get, type, field)				\
	static inline void						\
	set(if_t ifp, type v)						\
	{								\
		__atomic_store_n(&ifp->field, v, __ATOMIC_RELAXED);	\
	}								\
	static inline type						\
	get(if_t ifp)							\
	{								\
		return __atomic_load_n(&ifp->field, __ATOMIC_RELAXED);	\
	}
STANDIN_IF_FIELD(if_setsoftc, if_getsoftc, void *, softc)
STANDIN_IF_FIELD(if_setmtu, if_getmtu, int, mtu)
STANDIN_IF_FIELD(if_setcapabilities, if_getcapabilities, int, caps)
STANDIN_IF_FIELD(if_setcapenable, if_getcapenable, int, cap_enable)
STANDIN_IF_FIELD(if_setflags, if_getflags, int, flags)
STANDIN_IF_FIELD(if_sethwassist, if_gethwassist, int, assist)
void if_togglecapenable(if_t, int);
#define if_setinitfn(ifp, fn) ((ifp)->init = (fn))
#define if_setioctlfn(ifp, fn) ((ifp)->ioctl = (fn))
#define if_settransmitfn(ifp, fn) ((ifp)->transmit = (fn))
#define if_setqflushfn(ifp, fn) ((ifp)->qflush = (fn))
#define if_sethwtsomax(ifp, v) ((void)(v))
#define if_sethwtsomaxsegcount(ifp, v) ((void)(v))
#define if_sethwtsomaxsegsize(ifp, v) ((void)(v))
#define if_setbaudrate(ifp, v) ((void)(v))
struct sockaddr_dl { uint8_t mac[6]; };
#define LLADDR(sdl)	((sdl)->mac)
typedef u_int iflladdr_cb_t(void *, struct sockaddr_dl *, u_int);
u_int if_llmaddr_count(if_t);
u_int if_foreach_llmaddr(if_t, iflladdr_cb_t, void *);
/* Groups 01:00:5e:00:00:00 and up, so many, are joined. */
void standin_groups(if_t, uint32_t);
#define ifmedia_init(m, mask, change, status)				\
	((m)->media = 0, (void)(change), (void)(status))
#define ifmedia_add(m, media, data, aux) ((void)0)
#define ifmedia_set(m, what) ((m)->media = (what))
#define ifmedia_removeall(m) ((void)0)
#define ifmedia_ioctl(ifp, ifr, m, cmd) (EINVAL)

#define if_getvnet(ifp)	(ifp)
#define CURVNET_SET(v)	((void)(v))
#define CURVNET_RESTORE() ((void)0)
extern int V_ipforwarding;

/* LRO: merges nothing. */
struct lro_ctrl { if_t ifp; uint64_t lro_queued, lro_flushed; };
#define tcp_lro_init_args(l, ifp_, entries, n) ((l)->ifp = (ifp_), 0)
#define tcp_lro_free(l)	((void)(l))
#define tcp_lro_rx(l, m, csum) ((void)(l), -1)
#define tcp_lro_flush_all(l) ((void)(l))

/* ---- vmbus(4) ----------------------------------------------------------- */

struct hyperv_guid { uint8_t hv_guid[16]; };
struct vmbus_gpa { uint32_t gpa_len, gpa_ofs; uint64_t gpa_page; };
struct vmbus_gpa_range { uint32_t gpa_len, gpa_ofs; uint64_t gpa_page[]; };
struct vmbus_chan_br {
	void *cbr;
	bus_addr_t cbr_paddr;
	int cbr_txsz, cbr_rxsz;
};
#define VMBUS_VERSION_WIN8	0x20004u
typedef void vmbus_callback(struct vmbus_channel *, void *);
#define VMBUS_PROBE_GUID(bus, dev, guid) ((void)(guid), 0)
uint32_t VMBUS_GET_VERSION(device_t bus, device_t);
struct taskqueue *VMBUS_GET_EVENT_TASKQ(device_t bus, device_t, int cpu);
struct vmbus_channel *vmbus_get_channel(device_t);
int vmbus_chan_open_br(struct vmbus_channel *, const struct vmbus_chan_br *,
    const void *, int, vmbus_callback *, void *);
int vmbus_chan_close_direct(struct vmbus_channel *);
int vmbus_chan_gpadl_connect(struct vmbus_channel *, bus_addr_t, int,
    uint32_t *);
int vmbus_chan_gpadl_disconnect(struct vmbus_channel *, uint32_t);
void vmbus_chan_cpu_set(struct vmbus_channel *, int);
struct vmbus_channel **vmbus_subchan_get(struct vmbus_channel *, int);
void vmbus_subchan_rel(struct vmbus_channel **, int);
void vmbus_subchan_drain(struct vmbus_channel *);
int vmbus_chan_recv_idxadv(struct vmbus_channel *, uint32_t);
int vmbus_chan_send(struct vmbus_channel *, uint16_t, uint16_t, void *, int,
    uint64_t);
int vmbus_chan_send_sglist(struct vmbus_channel *, struct vmbus_gpa *, int,
    void *, int, uint64_t);
int vmbus_chan_send_prplist(struct vmbus_channel *, struct vmbus_gpa_range *,
    int, void *, int, uint64_t);
void vmbus_chan_set_pending_send_size(struct vmbus_channel *, uint32_t);
#define VMBUS_CHAN_POLLHZ_MIN 100
#define VMBUS_CHAN_POLLHZ_MAX 1000000
#define vmbus_chan_poll_enable(vc, hz) ((void)(vc))
#define vmbus_chan_poll_disable(vc) ((void)(vc))
uint32_t vmbus_chan_id(const struct vmbus_channel *);
uint32_t vmbus_chan_subidx(const struct vmbus_channel *);
bool vmbus_chan_is_primary(const struct vmbus_channel *);
bool vmbus_chan_is_revoked(const struct vmbus_channel *);
struct hyperv_guid *vmbus_chan_guid_inst(struct vmbus_channel *);

#include "freebsd/compat.h"

#endif
