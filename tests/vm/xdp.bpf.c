/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XDP programs for a stock driver, one a section: drop, pass, send back, and
 * send on by another interface (TO, its index).
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("drop")
int
xdp_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("pass")
int
xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tx")
int
xdp_tx(struct xdp_md *ctx)
{
	unsigned char *p = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	if ((void *)(p + 14) > end)
		return XDP_ABORTED;
	for (int i = 0; i < 6; i++) {
		unsigned char c = p[i];

		p[i] = p[6 + i];
		p[6 + i] = c;
	}
	return XDP_TX;
}

SEC("redirect")
int
xdp_send_on(struct xdp_md *ctx)
{
	return bpf_redirect(TO, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
