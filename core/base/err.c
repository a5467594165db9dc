/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the core's errors, for logs and tests.
 */
#include "base/err.h"

const char *
hv_err_name(int err)
{
	switch (err) {
	case E_AGAIN:
		return "E_AGAIN";
	case E_PEER:
		return "E_PEER";
	case E_GONE:
		return "E_GONE";
	case E_NOMEM:
		return "E_NOMEM";
	case E_TIMEOUT:
		return "E_TIMEOUT";
	case E_NOTSUP:
		return "E_NOTSUP";
	case E_STATE:
		return "E_STATE";
	default:
		return err >= 0 ? "ok" : "E_?";
	}
}

const char *
hv_err_text(int err)
{
	switch (err) {
	case E_AGAIN:
		return "no room now";
	case E_PEER:
		return "the other end broke the protocol";
	case E_GONE:
		return "the other end closed it";
	case E_NOMEM:
		return "not enough memory";
	case E_TIMEOUT:
		return "no answer in time";
	case E_NOTSUP:
		return "the other end refused";
	case E_STATE:
		return "not now";
	default:
		return err >= 0 ? "ok" : "unknown error";
	}
}
