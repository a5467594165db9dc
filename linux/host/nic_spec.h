/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a NIC shall be: the text of --nic, of `hvnet set` and of "add", parsed.
 */
#ifndef LINUX_HOST_NIC_SPEC_H
#define LINUX_HOST_NIC_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NIC_NAME_LEN	32u	/* with the NUL */
#define NIC_PATH_LEN	256u

enum nic_backend { NIC_TAP, NIC_NULL, NIC_PCAP, NIC_PAIR, NIC_GENERATOR };
enum nic_vlan { NIC_VLAN_TRUNK, NIC_VLAN_ACCESS, NIC_VLAN_NONE };
enum nic_rxcsum {
	NIC_RXCSUM_AUTO,	/* partial to our own guest, else complete */
	NIC_RXCSUM_COMPLETE,
	NIC_RXCSUM_OFF,
};

/* How the guest is signalled, and whether its rings are polled. */
enum nic_signal { NIC_SIGNAL_HOST, NIC_SIGNAL_EDGE, NIC_SIGNAL_PACKET };
enum nic_poll {
	NIC_POLL_HOST, NIC_POLL_OFF, NIC_POLL_ALL, NIC_POLL_ADAPTIVE
};

struct nic_spec {
	enum nic_backend backend;
	char name[NIC_NAME_LEN];	/* of the NIC */
	char ifname[16];	/* tap: interface; "": as name */
	char netns[64];		/* tap: namespace; "": ours */
	char bridge[16];	/* tap: bridge that it is in; "": not set */
	bool persist;		/* tap: it stays when the NIC goes */
	char guest[NIC_NAME_LEN];	/* only for this guest; "": any */
	char file[NIC_PATH_LEN];	/* pcap: written; "": none */
	char capture[NIC_PATH_LEN];	/* packets and frames; "": none */
	char bend[NIC_PATH_LEN];	/* script of linux/bend; "": none */
	char replay[NIC_PATH_LEN];	/* pcap: sent to the guest; "": none */
	char peer[NIC_NAME_LEN];	/* pair: the other NIC */
	bool mac_set;
	uint8_t mac[6];
	uint32_t mtu;
	uint32_t queues;
	uint32_t max_nvsp;	/* 0: the host's */
	enum nic_vlan vlan;
	uint16_t vlan_id;
	bool tso, rsc, txcsum, hash, gro;
	enum nic_rxcsum rxcsum;
	bool link_up;
	bool spoof;
	uint32_t loss_ppm;
	uint32_t delay_us;
	uint64_t speed_bps;
	uint32_t tso_max;	/* bytes of an LSO frame */
	uint32_t section_bytes;	/* receive section; 0: by MTU */
	enum nic_signal signal;
	enum nic_poll poll;
	uint32_t completion_batch;	/* published together; 0: a pass */
	/* generator: of a frame; a second, 0: no limit; in all, 0: no end */
	uint32_t gen_bytes, gen_rate, gen_frames, gen_flows;
};

void nic_spec_default(struct nic_spec *);

/*
 * Apply a list `key=value,...` to *spec; `running` refuses what cannot be
 * changed while the NIC exists, and keys that its backend does not use.  On
 * error *spec is unchanged and err says which key or value is wrong, where in
 * the text (column, from 1), and what would be right.  0 or -EINVAL.
 */
int nic_spec_apply(struct nic_spec *spec, const char *list, bool running,
    char *err, size_t err_cap);

/*
 * A whole new NIC: defaults, the list; what must be there is there, and no key
 * of another backend.
 */
int nic_spec_parse(struct nic_spec *spec, const char *list, char *err,
    size_t err_cap);

/*
 * The same key by key, as a configuration file has it: nic_spec_begin(), any
 * number of nic_spec_put(), nic_spec_end() for what must be there.  0 or
 * -EINVAL with a sentence in err, which names no column.
 */
struct nic_spec_draft {
	struct nic_spec spec;
	uint64_t given;		/* keys, one bit each */
};
void nic_spec_begin(struct nic_spec_draft *);
int nic_spec_put(struct nic_spec_draft *, const char *key, const char *value,
    char *err, size_t cap);
int nic_spec_end(const struct nic_spec_draft *, char *err, size_t cap);

/*
 * Two NICs of one host: if one has the other as peer=, both are of a pair and
 * each is the other's.  0, or -EINVAL with a sentence in err.
 */
int nic_spec_peer_check(const struct nic_spec *a, const struct nic_spec *b,
    char *err, size_t cap);

/* Value of a key as text, as nic_spec_apply() takes it.  False: no such key. */
bool nic_spec_get(const struct nic_spec *spec, const char *key, char *out,
    size_t cap);
/* The i-th key, what it takes, may it change at run time; NULL: no more. */
const char *nic_spec_key(uint32_t i);
const char *nic_spec_key_help(uint32_t i);
bool nic_spec_key_running(uint32_t i);

#endif
