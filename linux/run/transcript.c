/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transcripts: the wire printers of the core, a time stamp and a direction.
 */
#include "linux/run/transcript.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "linux/run/outfile.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/wire_print.h"

struct transcript {
	struct outfile *out;
	struct timespec start;
	pthread_mutex_t lock;
	uint32_t last_oid;	/* of the last RNDIS query, for its answer */
};

/* The OID that an RNDIS answer is about; queries are one at a time. */
static uint32_t
transcript_oid(struct transcript *t, struct span msg)
{
	uint32_t type, oid;

	if (msg.len < 16)
		return t->last_oid;
	memcpy(&type, msg.p, sizeof(type));
	memcpy(&oid, msg.p + 12, sizeof(oid));
	if (os_le32(type) == RNDIS_QUERY)
		t->last_oid = os_le32(oid);
	return t->last_oid;
}

struct transcript *
transcript_open(const char *path, char *err, size_t cap)
{
	struct transcript *t = calloc(1, sizeof(*t));
	char why[400];

	if (t == NULL) {
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	t->out = outfile_open(path, why, sizeof(why));
	if (t->out == NULL) {
		snprintf(err, cap, "transcript %s", why);
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	if (strcmp(path, "-") == 0)
		setvbuf(stderr, NULL, _IOLBF, 0);
	clock_gettime(CLOCK_MONOTONIC, &t->start);
	return t;
}

void
transcript_close(struct transcript *t)
{
	if (t == NULL)
		return;
	outfile_close(t->out);
	free(t);
}

void
transcript_line(struct transcript *t, const char *who, bool to_guest,
    enum transcript_layer layer, struct span msg)
{
	static const char *const names[] = { "VMBus", "NVSP ", "RNDIS" };
	char text[WIRE_PRINT_MAX];
	struct timespec now;
	FILE *out;

	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	out = outfile_record(t->out);
	if (out == NULL) {
		pthread_mutex_unlock(&t->lock);
		return;
	}
	switch (layer) {
	case TRANSCRIPT_VMBUS:
		vmbus_msg_print(text, sizeof(text), msg);
		break;
	case TRANSCRIPT_NVSP:
		/* Only SUBCHANNEL's completion shares its request's type. */
		nvs_msg_print(text, sizeof(text), msg, NVS_V6_1,
		    to_guest);
		break;
	case TRANSCRIPT_RNDIS:
		rndis_msg_print(text, sizeof(text), msg,
		    transcript_oid(t, msg));
		break;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	long us = (now.tv_nsec - t->start.tv_nsec) / 1000;
	long s = (long)(now.tv_sec - t->start.tv_sec);
	if (us < 0) {
		us += 1000000;
		s--;
	}
	fprintf(out, "%4ld.%06ld %s%s%s %s %s\n", s, us, who,
	    who[0] != '\0' ? " " : "", to_guest ? "guest <- host" :
	    "guest -> host", names[layer], text);
	outfile_flush(t->out);
	pthread_mutex_unlock(&t->lock);
}
