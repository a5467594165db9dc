/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of a program's memory the host may see, and where.
 *
 * DPDK allocates from shared mappings of files: one hugetlbfs file a page, or
 * memory files.  /proc/<pid>/maps names them, /proc/<pid>/map_files opens them,
 * whether they still have a name or not.  Nothing else of the program is ever
 * handed over (uio_mem_file.h), whatever address the host or the program names.
 *
 * Besides, the receive buffer at the program's address of it: a program that
 * sends on what it received without copying it (rx_extmbuf_enable) names it so.
 * By physical addresses that is impossible: the driver assumes one contiguous
 * run, but the buffer is scattered pages.
 *
 * The address that travels is the IOVA: the program's virtual address, or the
 * physical one, which /proc/<pid>/pagemap tells for each huge page.  The first
 * address that the host requests shows which: it is the RNDIS INITIALIZE
 * message, so if both readings are possible the bytes decide.
 *
 * A scan compares what is there with what the host has, by address, file and
 * offset: a page that the program gave back and took again at the same place is
 * another file, and the host gets the new one.
 *
 * If the program uses an unmapped address the host would stop that queue
 * silently, and the program's driver would wait for ever.  So we end the
 * program and report why.
 */
#include "linux/uio/uio_mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "linux/link/link_miss.h"
#include "linux/run/clock.h"
#include "linux/uio/uio_mem_file.h"
#include "linux/uio/uio_priv.h"

/* Policy: of GUESTMEM_MAX_REGIONS, some are rings and buffers. */
#define MEM_MAX_REGIONS		900u
#define MEM_HUGE_BYTES		(2ull << 20)
/* Policy: when the host has surely given an address up. */
#define MEM_GIVEN_UP_NS		(LINK_MISS_NS + 1000000000u)
#define RNDIS_INIT_HEAD		(24ull << 32 | 2)	/* type 2, 24 bytes */

/* Part of a file at an address; two scans are compared by all of it. */
struct mem_piece {
	uint64_t gpa, bytes, offset;
	uint64_t va;		/* in the program */
	uint64_t map_start, map_end;	/* of its line in maps */
	uint64_t dev, ino;
	bool memfd;		/* by its name */
};

struct mem_list {
	uint32_t count;
	struct mem_piece piece[MEM_MAX_REGIONS];
};

struct uio_mem {
	struct uio *uio;
	pid_t pid;
	enum uio_iova iova;
	bool full;		/* and that was reported */
	uint64_t lost_gpa;	/* requested, not found */
	uint64_t lost_at_ns;	/* since then; 0: none is */
	struct mem_list *have, *seen;	/* sorted by gpa */
};

struct uio_mem *
uio_mem_create(struct uio *u, pid_t pid)
{
	struct uio_mem *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->uio = u;
	m->pid = pid;
	m->have = calloc(1, sizeof(*m->have));
	m->seen = calloc(1, sizeof(*m->seen));
	if (m->have != NULL && m->seen != NULL)
		return m;
	free(m->have);
	free(m->seen);
	free(m);
	return NULL;
}

void
uio_mem_destroy(struct uio_mem *m)
{
	if (m == NULL)
		return;
	for (uint32_t i = 0; i < m->have->count; i++)
		if (link_guest_region_del(m->uio->link,
		    m->have->piece[i].gpa) < 0)
			break;
	m->uio->counters.regions_removed += m->have->count;
	free(m->have);
	free(m->seen);
	free(m);
}

enum uio_iova
uio_mem_iova(const struct uio_mem *m)
{
	return m->iova;
}

uint32_t
uio_mem_regions(const struct uio_mem *m)
{
	return m->have->count;
}

/* --- what the program has --- */

static int
proc_open(pid_t pid, const char *name, int flags)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* Rings, buffers and pages are the host's already, at addresses of ours. */
static bool
inode_ours(const struct uio *u, uint64_t ino, enum uio_iova iova)
{
	if (iova == UIO_IOVA_VA && u->map[UIO_MAP_RECV].ino == ino)
		return false;
	for (uint32_t i = 0; i < UIO_MAPS; i++)
		if (u->map[i].ino == ino)
			return true;
	for (uint32_t i = 1; i < UIO_MAX_QUEUES; i++)
		if (u->sub[i].ring.fd >= 0 && u->sub[i].ring.ino == ino)
			return true;
	return u->attach.ino == ino;
}

/* A line of maps; false where it is not memory that packets are sent from. */
static bool
line_parse(const struct uio *u, const char *line, enum uio_iova iova,
    struct mem_piece *p)
{
	unsigned int major, minor;
	char perms[8];
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64
	    " %x:%x %" SCNu64 " %n", &p->map_start, &p->map_end, perms,
	    &p->offset, &major, &minor, &p->ino, &path) < 7 || path == 0)
		return false;
	if (perms[0] != 'r' || perms[1] != 'w' || perms[3] != 's' ||
	    p->ino == 0)
		return false;
	if (!uio_mem_file_named(line + path))
		return false;
	p->memfd = uio_mem_file_memfd(line + path);
	p->dev = makedev(major, minor);
	p->va = p->gpa = p->map_start;
	p->bytes = p->map_end - p->map_start;
	return strncmp(line + path, "/memfd:hvnet-", 13) != 0 ||
	    !inode_ours(u, p->ino, iova);
}

static void
list_add(struct uio_mem *m, const struct mem_piece *p)
{
	struct mem_list *l = m->seen;

	if (l->count < MEM_MAX_REGIONS) {
		l->piece[l->count++] = *p;
		return;
	}
	if (!m->full)
		fprintf(stderr, "hvnet uio: the program's memory is in more "
		    "than %u pieces; what is over cannot be sent from "
		    "(--single-file-segments helps)\n", MEM_MAX_REGIONS);
	m->full = true;
}

/* The physical address of a page, 0 if it has none. */
static uint64_t
page_physical(int pagemap, uint64_t va)
{
	uint64_t entry;

	if (pread(pagemap, &entry, sizeof(entry), (off_t)(va / HV_PAGE_SIZE *
	    sizeof(entry))) != (ssize_t)sizeof(entry) || entry >> 63 == 0)
		return 0;
	return (entry & ((1ull << 55) - 1)) * HV_PAGE_SIZE;
}

/* A mapping by physical address: a piece a huge page, neighbours joined. */
static void
list_add_physical(struct uio_mem *m, int pagemap, const struct mem_piece *map)
{
	struct mem_piece p = *map;
	uint64_t at = 0;

	if (map->map_start % MEM_HUGE_BYTES != 0)
		return;
	p.bytes = 0;
	for (; at + MEM_HUGE_BYTES <= map->bytes; at += MEM_HUGE_BYTES) {
		uint64_t pa = page_physical(pagemap, map->va + at);

		if (p.bytes > 0 && pa != 0 && pa == p.gpa + p.bytes) {
			p.bytes += MEM_HUGE_BYTES;
			continue;
		}
		if (p.bytes > 0)
			list_add(m, &p);
		p.gpa = pa;
		p.va = map->va + at;
		p.offset = map->offset + at;
		p.bytes = pa != 0 ? MEM_HUGE_BYTES : 0;
	}
	if (p.bytes > 0)
		list_add(m, &p);
}

static int
piece_compare(const void *a, const void *b)
{
	const struct mem_piece *x = a, *y = b;

	return x->gpa < y->gpa ? -1 : x->gpa > y->gpa;
}

/* Fill m->seen as an IOVA of that kind has it. */
static void
list_read(struct uio_mem *m, enum uio_iova iova)
{
	int pagemap = iova == UIO_IOVA_PA ? proc_open(m->pid, "pagemap",
	    O_RDONLY) : -1;
	char path[32], line[512];
	struct mem_piece p;
	FILE *f;

	m->seen->count = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)m->pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (!line_parse(m->uio, line, iova, &p))
			continue;
		if (iova == UIO_IOVA_VA)
			list_add(m, &p);
		else if (pagemap >= 0)
			list_add_physical(m, pagemap, &p);
	}
	if (f != NULL)
		fclose(f);
	if (pagemap >= 0)
		close(pagemap);
	qsort(m->seen->piece, m->seen->count, sizeof(m->seen->piece[0]),
	    piece_compare);
}

/* --- the host's share --- */

/*
 * The file of a piece, to be closed; < 0: gone again, the next scan knows.  Not
 * opened if it is ours: fanotify would block us until we allow it.
 */
static int
piece_open(const struct uio_mem *m, const struct mem_piece *p)
{
	int recv = m->uio->map[UIO_MAP_RECV].fd;
	struct stat st;
	char name[64];

	if (fstat(recv, &st) == 0 && p->dev == st.st_dev && p->ino == st.st_ino)
		return fcntl(recv, F_DUPFD_CLOEXEC, 0);
	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64,
	    p->map_start, p->map_end);
	return proc_open(m->pid, name, O_RDWR);
}

static int
piece_hand_over(struct uio_mem *m, const struct mem_piece *p)
{
	int fd = piece_open(m, p), rc;

	if (fd < 0)
		return 1;
	if (!uio_mem_file_is(fd, p->memfd)) {
		close(fd);
		return 1;
	}
	rc = link_guest_region_add(m->uio->link, p->gpa, p->bytes, fd,
	    p->offset);
	close(fd);
	if (rc == 0)
		m->uio->counters.regions_added++;
	return rc;
}

static bool
piece_same(const struct mem_piece *a, const struct mem_piece *b)
{
	return a->gpa == b->gpa && a->bytes == b->bytes &&
	    a->offset == b->offset && a->dev == b->dev && a->ino == b->ino;
}

/*
 * Both lists are sorted, so one walk finds what went and what came.  What went
 * is taken back first: addresses may be used again.
 */
static int
list_settle(struct uio_mem *m)
{
	struct mem_list *have = m->have, *seen = m->seen;
	uint32_t i = 0, kept = 0;
	int rc = 0;

	for (uint32_t k = 0; k < have->count; k++) {
		while (i < seen->count && seen->piece[i].gpa <
		    have->piece[k].gpa)
			i++;
		if (i < seen->count &&
		    piece_same(&have->piece[k], &seen->piece[i])) {
			have->piece[kept++] = have->piece[k];
			continue;
		}
		rc = link_guest_region_del(m->uio->link, have->piece[k].gpa);
		if (rc < 0)
			return rc;
		m->uio->counters.regions_removed++;
	}
	have->count = kept;
	for (uint32_t s = 0, k = 0; s < seen->count; s++) {
		while (k < kept && have->piece[k].gpa < seen->piece[s].gpa)
			k++;
		if (k < kept && have->piece[k].gpa == seen->piece[s].gpa)
			continue;
		if (have->count == MEM_MAX_REGIONS)
			break;
		rc = piece_hand_over(m, &seen->piece[s]);
		if (rc < 0)
			return rc;
		if (rc == 0)
			have->piece[have->count++] = seen->piece[s];
	}
	qsort(have->piece, have->count, sizeof(have->piece[0]),
	    piece_compare);
	return 0;
}

static const struct mem_piece *
list_find(const struct mem_list *l, uint64_t gpa)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (gpa >= l->piece[i].gpa &&
		    gpa - l->piece[i].gpa < l->piece[i].bytes)
			return &l->piece[i];
	return NULL;
}

/* The address that could not be found: here now, or the end? */
static void
lost_check(struct uio_mem *m)
{
	if (m->lost_at_ns == 0)
		return;
	if (list_find(m->have, m->lost_gpa) != NULL)
		m->lost_at_ns = 0;
	else if (clock_now_ns() - m->lost_at_ns > MEM_GIVEN_UP_NS)
		uio_over(m->uio, UIO_FAILED, "the program sent from address "
		    "0x%" PRIx64 ", which is in none of its shared mappings of "
		    "hugetlbfs and memory files: the host stopped that "
		    "queue%s", m->lost_gpa, m->iova != UIO_IOVA_PA ? "" :
		    " (rx_extmbuf_enable=1 needs --iova-mode=va)");
}

int
uio_mem_scan(struct uio_mem *m)
{
	int rc = 0;

	if (m->iova != UIO_IOVA_UNKNOWN) {
		m->uio->counters.scans++;
		list_read(m, m->iova);
		rc = list_settle(m);
	}
	if (rc == 0)
		lost_check(m);
	return rc;
}

/* --- which kind of address --- */

/* Does the program have the start of RNDIS INITIALIZE at this address? */
static bool
init_message_at(const struct uio_mem *m, const struct mem_piece *p,
    uint64_t gpa)
{
	int fd = proc_open(m->pid, "mem", O_RDONLY);
	uint64_t head = 0;
	bool ok;

	if (fd < 0)
		return false;
	ok = pread(fd, &head, sizeof(head), (off_t)(p->va + (gpa - p->gpa))) ==
	    (ssize_t)sizeof(head) && head == RNDIS_INIT_HEAD;
	close(fd);
	return ok;
}

static enum uio_iova
iova_guess(struct uio_mem *m, uint64_t gpa)
{
	const struct mem_piece *p;
	bool va, va_init;

	list_read(m, UIO_IOVA_VA);
	p = list_find(m->seen, gpa);
	va = p != NULL;
	va_init = va && init_message_at(m, p, gpa);
	list_read(m, UIO_IOVA_PA);
	p = list_find(m->seen, gpa);
	if (p == NULL)
		return va ? UIO_IOVA_VA : UIO_IOVA_UNKNOWN;
	if (!va || (!va_init && init_message_at(m, p, gpa)))
		return UIO_IOVA_PA;
	return UIO_IOVA_VA;
}

int
uio_mem_want(struct uio_mem *m, uint64_t gpa)
{
	int rc;

	m->uio->counters.wants++;
	if (m->iova == UIO_IOVA_UNKNOWN)
		m->iova = iova_guess(m, gpa);
	rc = uio_mem_scan(m);
	if (rc < 0 || list_find(m->have, gpa) != NULL)
		return rc;
	m->uio->counters.wants_unknown++;
	if (m->lost_at_ns == 0) {
		m->lost_gpa = gpa;
		m->lost_at_ns = clock_now_ns();
	}
	return 0;
}
