/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which message something is, and what a script calls it: the names are those
 * of a transcript.
 *
 * Theory of operation.  A packet with an RNDIS message is of layer RNDIS and
 * has the type of that message; every other one is of layer NVSP, a completion
 * as well.  A completion without a message in it has no kind.
 */
#include "linux/bend/bend_priv.h"

#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/vmbus_msg.h"
#include "wire/wire_print.h"

const char *const bend_layers[BEND_LAYERS] = { "VMBUS", "NVSP", "RNDIS" };

/* Where the numbers of types lie. */
static const struct {
	uint32_t first, last;
	enum bend_layer layer;
} kind_types[] = {
	{ 1, VMBUS_MSG_TYPES - 1, BEND_VMBUS },
	{ NVS_INIT, NVS_SEND_TABLE, BEND_NVSP },
	{ RNDIS_PACKET, RNDIS_KEEPALIVE, BEND_RNDIS },
	{ RNDIS_INIT_DONE, RNDIS_KEEPALIVE_DONE, BEND_RNDIS },
};

static const char *
type_name(enum bend_layer layer, uint32_t type)
{
	const char *name = layer == BEND_VMBUS ? vmbus_msg_name(type) :
	    layer == BEND_RNDIS ? rndis_msg_name(type) : nvs_msg_name(type);

	/* A packet with NVSP's RNDIS is of layer RNDIS. */
	if (name[0] == '?' || (layer == BEND_NVSP && type == NVS_RNDIS))
		return NULL;
	return name;
}

/* The i-th type that has a name; false: no more. */
static bool
type_nth(uint32_t i, enum bend_layer *layer, uint32_t *type)
{
	for (uint32_t k = 0; k < ARRAY_LEN(kind_types); k++)
		for (uint32_t t = kind_types[k].first;
		    t <= kind_types[k].last; t++) {
			if (type_name(kind_types[k].layer, t) == NULL ||
			    i-- != 0)
				continue;
			*layer = kind_types[k].layer;
			*type = t;
			return true;
		}
	return false;
}

int
bend_type_find(enum bend_layer layer, const char *name, uint32_t *type)
{
	enum bend_layer l;

	for (uint32_t i = 0; type_nth(i, &l, type); i++)
		if (l == layer && strcmp(type_name(l, *type), name) == 0)
			return 0;
	return -1;
}

static bool
vmbus_from_host(uint32_t type)
{
	switch (type) {
	case VMBUS_OFFER_CHANNEL:
	case VMBUS_RESCIND_OFFER:
	case VMBUS_ALL_OFFERS_DELIVERED:
	case VMBUS_OPEN_RESULT:
	case VMBUS_GPADL_CREATED:
	case VMBUS_GPADL_TORNDOWN:
	case VMBUS_VERSION_RESPONSE:
	case VMBUS_UNLOAD_COMPLETE:
	case VMBUS_CLOSE_RESERVED_RESPONSE:
	case VMBUS_TL_CONNECT_RESULT:
	case VMBUS_MODIFY_CHANNEL_RESPONSE:
	case VMBUS_MODIFY_CONNECTION_RESPONSE:
	case VMBUS_PAUSE_RESPONSE:
		return true;
	default:
		return false;
	}
}

bool
bend_kind_known(const struct bend_kind *k)
{
	switch (k->layer) {
	case BEND_VMBUS:
		return vmbus_from_host(k->type) == k->to_guest;
	case BEND_NVSP:
		switch (k->type) {
		case NVS_SUBCHAN:
		case NVS_RNDIS_DONE:
		case NVS_DATAPATH:
			return true;
		case NVS_INIT_DONE:
		case NVS_RECV_BUF_DONE:
		case NVS_SEND_BUF_DONE:
		case NVS_VF_ASSOCIATION:
		case NVS_OID_QUERY_DONE:
		case NVS_SEND_TABLE:
			return k->to_guest;
		default:
			return !k->to_guest;
		}
	default:
		if (k->type == RNDIS_PACKET || k->type == RNDIS_KEEPALIVE ||
		    k->type == RNDIS_KEEPALIVE_DONE)
			return true;
		return k->to_guest == (k->type == RNDIS_INDICATE_STATUS ||
		    (k->type & RNDIS_COMPLETION) != 0);
	}
}

static uint32_t
first_word(struct span s)
{
	struct nvs_hdr_wire h;

	if (s.len < sizeof(h))
		return 0;
	memcpy(&h, s.p, sizeof(h));
	return le32_get(h.type);
}

bool
bend_kind_message(struct bend_kind *k, struct span msg)
{
	k->layer = BEND_VMBUS;
	k->type = first_word(msg);
	return type_name(BEND_VMBUS, k->type) != NULL;
}

bool
bend_kind_packet(struct bend_kind *k, const struct vmpkt_in *pkt,
    struct span rndis)
{
	struct nvs_rndis nvs;

	if (pkt->type != VMPKT_COMPLETION && nvs_rndis_get(&nvs, pkt->data)) {
		k->layer = BEND_RNDIS;
		k->type = first_word(rndis);
	} else {
		k->layer = BEND_NVSP;
		k->type = first_word(pkt->data);
	}
	return type_name(k->layer, k->type) != NULL;
}

void
bend_kind_print(const struct bend_kind *k, struct span msg, uint32_t oid,
    char *out, size_t cap)
{
	switch (k->layer) {
	case BEND_VMBUS:
		vmbus_msg_print(out, cap, msg);
		break;
	case BEND_NVSP:
		nvs_msg_print(out, cap, msg, NVS_V6_1,
		    k->type == NVS_SUBCHAN && k->to_guest);
		break;
	default:
		rndis_msg_print(out, cap, msg, oid);
		break;
	}
}

/* The text has this word, between blanks. */
static bool
text_has(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
		if (p > text && p[-1] == ' ' &&
		    (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

bool
bend_kind_equal(const struct bend_kind *a, const struct bend_kind *b)
{
	return a->layer == b->layer && a->type == b->type &&
	    a->to_guest == b->to_guest;
}

bool
bend_what_fits(const struct bend_what *w, const struct bend_kind *k,
    const char *text)
{
	if (!bend_kind_equal(&w->kind, k))
		return false;
	for (uint32_t i = 0; i < w->words; i++)
		if (!text_has(text, w->word[i]))
			return false;
	return true;
}

const char *
bend_name(uint32_t i, const char **layer)
{
	enum bend_layer l;
	uint32_t type;

	if (!type_nth(i, &l, &type))
		return NULL;
	*layer = bend_layers[l];
	return type_name(l, type);
}

void
bend_fields_text(uint32_t i, char *out, size_t cap)
{
	struct bend_kind k = { 0 };

	out[0] = '\0';
	if (type_nth(i, &k.layer, &k.type))
		bend_fields_of(&k, out, cap);
}
