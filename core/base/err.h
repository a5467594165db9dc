/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors of the core: negative, returned as int; 0 or a count is success.
 *
 * They start at -101 so that none can be taken for an errno (whose values
 * differ between systems) nor for FreeBSD's in-kernel ERESTART (-1) to
 * ERELOOKUP (-5).  Ports translate once, at their edge.
 */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

enum hv_err {
	E_AGAIN = -101,		/* flow control: no room, or nothing there */
	E_PEER = -102,		/* the peer broke the protocol; see fault.h */
	E_GONE = -103,		/* rescinded, closed, or the peer left */
	E_NOMEM = -104,		/* an allocation or a table is exhausted */
	E_TIMEOUT = -105,	/* no answer in time */
	E_NOTSUP = -106,	/* not negotiated, or refused by the peer */
	E_STATE = -107,		/* called in a state that does not allow it */
};

/* A short name for logs, such as "E_PEER"; "ok" for values >= 0. */
const char *hv_err_name(int err);
/* The same in words, for a sentence: "no answer in time". */
const char *hv_err_text(int err);

#endif
