/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual processors of a guest behind a socket: their eventfds, and the pages
 * that their registers name.
 *
 * Both change with the guest's workers parked, who raise interrupts and set
 * flags in those pages.
 *
 * Context: control thread.
 */
#include "linux/link/link_host_priv.h"

#include <unistd.h>

#include "linux/link/link_guard.h"
#include "linux/link/link_mem.h"

void
link_vp_close(struct link_vp *v)
{
	link_source_del(v->eom);
	if (v->interrupt_fd >= 0)
		close(v->interrupt_fd);
	if (v->eom_fd >= 0)
		close(v->eom_fd);
	v->eom = NULL;
	v->interrupt_fd = v->eom_fd = -1;
}

uint32_t
link_on_vp_fds(struct link_host *lh, const struct link_vp_fds *m, int *fds,
    unsigned int nfds)
{
	if (m->vp >= lh->part.vps || nfds != 2)
		return LINK_E_PROTO;
	if (!link_eventfd_ok(fds[0]) || !link_eventfd_ok(fds[1]))
		return LINK_E_PROTO;
	struct link_vp *v = &lh->vps[m->vp];
	struct link_source *eom = link_source_add(lh, &lh->eoms, fds[1],
	    m->vp);
	if (eom == NULL)
		return LINK_E_LIMIT;
	lh->ops->park(lh->ctx);
	link_vp_close(v);
	v->interrupt_fd = fds[0];
	v->eom_fd = fds[1];
	v->eom = eom;
	lh->ops->unpark(lh->ctx);
	fds[0] = fds[1] = -1;
	return LINK_OK;
}

/* The page that a register names: of a file of its own, or of guest memory. */
static uint32_t
link_page_find(struct link_host *lh, bool by_fd, uint64_t where, int *fds,
    unsigned int nfds, unsigned int *next_fd, struct link_page *own,
    void **page)
{
	if (!by_fd) {
		*page = (where & (HV_PAGE_SIZE - 1)) != 0 ? NULL :
		    guestmem_ptr(&lh->part.mem, where, HV_PAGE_SIZE);
		return *page != NULL ? LINK_OK : LINK_E_MEM;
	}
	if (*next_fd >= nfds)
		return LINK_E_PROTO;
	uint32_t status = link_page_map(own, fds[(*next_fd)++], where,
	    &lh->owner);
	*page = own->va;
	return status;
}

uint32_t
link_on_vp_regs(struct link_host *lh, const struct link_vp_regs *m, int *fds,
    unsigned int nfds)
{
	struct part_vp_regs regs = {
		.scontrol = (m->flags & LINK_VP_SCONTROL) != 0,
		.sint_masked = (m->flags & LINK_VP_SINT_MASKED) != 0,
	};
	struct link_page simp = { NULL, NULL }, siefp = { NULL, NULL };
	unsigned int next = 0;
	uint32_t status = LINK_OK;

	if (m->vp >= lh->part.vps)
		return LINK_E_PROTO;
	if ((m->flags & LINK_VP_SIMP) != 0)
		status = link_page_find(lh, (m->flags & LINK_VP_SIMP_FD) != 0,
		    m->simp, fds, nfds, &next, &simp, &regs.simp);
	if (status == LINK_OK && (m->flags & LINK_VP_SIEFP) != 0)
		status = link_page_find(lh, (m->flags & LINK_VP_SIEFP_FD) != 0,
		    m->siefp, fds, nfds, &next, &siefp, &regs.siefp);
	if (status != LINK_OK) {
		link_page_unmap(&simp, &lh->owner);
		link_page_unmap(&siefp, &lh->owner);
		return status;
	}
	struct link_vp *v = &lh->vps[m->vp];
	lh->ops->park(lh->ctx);
	part_vp_set_regs(&lh->part, m->vp, &regs);
	link_page_unmap(&v->simp, &lh->owner);
	link_page_unmap(&v->siefp, &lh->owner);
	v->simp = simp;
	v->siefp = siefp;
	lh->ops->unpark(lh->ctx);
	return LINK_OK;
}
