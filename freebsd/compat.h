/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What differs between FreeBSD 12, 13, 14 and 15; the rest is written for 14.
 */
#ifndef FREEBSD_COMPAT_H
#define FREEBSD_COMPAT_H

/* The network epoch around if_input(), which 12 does without. */
#if __FreeBSD_version >= 1300000
#define HVN_EPOCH(et)		struct epoch_tracker et
#define HVN_EPOCH_ENTER(et)	NET_EPOCH_ENTER(et)
#define HVN_EPOCH_EXIT(et)	NET_EPOCH_EXIT(et)
#define HVN_MADDRS(ifp)		if_llmaddr_count(ifp)
#define HVN_MADDRS_EACH(ifp, fn, arg) ((void)if_foreach_llmaddr((ifp), (fn), \
	(arg)))
#else
#define HVN_EPOCH(et)		int et = 0
#define HVN_EPOCH_ENTER(et)	((void)(et))
#define HVN_EPOCH_EXIT(et)	((void)(et))
#define HVN_MADDRS(ifp)		((u_int)if_multiaddr_count((ifp), -1))
/* Nothing names them: what has groups gets all. */
#define HVN_MADDRS_EACH(ifp, fn, arg) ((void)(fn))
#endif

/* The virtual network stack of an interface. */
#if __FreeBSD_version >= 1400092
#define HVN_VNET_SET(ifp)	CURVNET_SET(if_getvnet(ifp))
#else
#define HVN_VNET_SET(ifp)	CURVNET_SET((ifp)->if_vnet)
#endif
#define HVN_VNET_RESTORE()	CURVNET_RESTORE()

/* vmbus(4) of 13 and later moves a read index, and waits for room. */
#if __FreeBSD_version >= 1300000
#define HVN_HAVE_IDXADV		1
#define HVN_PENDING_SEND(vc, n)	vmbus_chan_set_pending_send_size((vc), (n))
#else
#define HVN_HAVE_IDXADV		0
#define HVN_PENDING_SEND(vc, n)	((void)0)
#endif

/* Device classes are the kernel's own business since 14. */
#if __FreeBSD_version >= 1400058
#define HVN_DRIVER_MODULE(name, bus, driver, class)			\
	DRIVER_MODULE(name, bus, driver, NULL, NULL)
#else
#define HVN_DRIVER_MODULE(name, bus, driver, class)			\
	static devclass_t class;					\
	DRIVER_MODULE(name, bus, driver, class, NULL, NULL)
#endif

#if __FreeBSD_version < 1300000
#define HVN_SYSCTL_NODE(parent, name, text)				\
	SYSCTL_NODE(parent, OID_AUTO, name, CTLFLAG_RD | CTLFLAG_MPSAFE, 0, \
	    text)
#else
#define HVN_SYSCTL_NODE(parent, name, text)				\
	SYSCTL_NODE(parent, OID_AUTO, name, CTLFLAG_RD | CTLFLAG_MPSAFE, NULL, \
	    text)
#endif

#endif
