/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -device hvnet,path=SOCKET: joins a machine to `hvnet host`.
 *
 * The device is a "vmbus-bridge", the type by which QEMU's ACPI tables decide
 * to show a VMBus device; it is the only thing of that type here, as QEMU's
 * own VMBus is not compiled in.  One device a machine: NICs are the host's.
 *
 * Guest memory is told to the host as the machine's memory map has it: every
 * run of RAM that has a file behind it.  [640 KiB, 1 MiB) is left out: chipset
 * and firmware switch it to and fro, and no guest keeps pages for VMBus there.
 * The file is to be sealed against shrinking, as the host insists.
 *
 * A reset of the machine is told and answered before it runs again; power-off
 * is a detach.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "exec/address-spaces.h"
#include "hw/acpi/aml-build.h"
#include "hw/boards.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#if __has_include("system/system.h")
#include "system/kvm.h"
#include "system/reset.h"
#include "system/system.h"
#else
#include "sysemu/kvm.h"
#include "sysemu/reset.h"
#include "sysemu/sysemu.h"
#endif

#include "hvnet.h"
#include "hooks.h"

#define HVNET_HOLE		0xa0000ull
#define HVNET_HOLE_END		0x100000ull
#define HVNET_IRQ		7	/* for ACPI's eyes; guests ignore it */
/* Policy: between the local APICs and what KVM keeps below the BIOS. */
#define HVNET_MMIO		0xfef00000u
#define HVNET_MMIO_BYTES	0x80000u

/* --- memory --- */

/*
 * Is it the file of this region?  Not by the descriptor's number, which a file
 * that comes after another may have again.  The region keeps its file open, so
 * nothing else gets its inode.
 */
static bool
hvnet_region_is(const struct hvnet_region *r, const struct stat *st)
{
	return r->dev == st->st_dev && r->ino == st->st_ino;
}

static void
hvnet_region_want(struct hvnet_dev *dev, uint64_t gpa, uint64_t end,
    uint64_t offset, int fd)
{
	struct hvnet_region *r;
	struct stat st;

	if (gpa >= end || fstat(fd, &st) < 0)
		return;
	for (uint32_t i = 0; i < dev->regions; i++) {
		r = &dev->region[i];
		if (r->gpa == gpa && r->bytes == end - gpa &&
		    r->offset == offset && hvnet_region_is(r, &st)) {
			r->want = true;
			return;
		}
	}
	if (dev->regions == LINK_MAX_REGIONS) {
		warn_report_once("hvnet: more than %u runs of memory",
		    LINK_MAX_REGIONS);
		return;
	}
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		warn_report_once("hvnet: no descriptor left for memory");
		return;
	}
	r = &dev->region[dev->regions++];
	*r = (struct hvnet_region){ .gpa = gpa, .bytes = end - gpa,
		.offset = offset, .fd = fd, .dev = st.st_dev,
		.ino = st.st_ino, .want = true };
}

/* A section's run of RAM, less the hole; false: not memory of interest. */
static bool
hvnet_section(const MemoryRegionSection *s, uint64_t *gpa, uint64_t *end,
    int *fd)
{
	*gpa = s->offset_within_address_space;
	*end = *gpa + int128_get64(s->size);
	if (!memory_region_is_ram(s->mr) || memory_region_is_rom(s->mr) ||
	    memory_region_is_ram_device(s->mr) ||
	    (*gpa & 0xfff) != 0 || (*end & 0xfff) != 0)
		return false;
	*fd = memory_region_get_fd(s->mr);
	return *fd >= 0;
}

static void
hvnet_region_add(MemoryListener *l, MemoryRegionSection *s)
{
	struct hvnet_dev *dev = container_of(l, struct hvnet_dev, listener);
	uint64_t gpa, end, base;
	int fd;

	if (!hvnet_section(s, &gpa, &end, &fd))
		return;
	base = s->offset_within_region - gpa;	/* file offset less address */
	hvnet_region_want(dev, gpa, MIN(end, HVNET_HOLE), base + gpa, fd);
	gpa = MAX(gpa, HVNET_HOLE_END);
	hvnet_region_want(dev, gpa, end, base + gpa, fd);
}

static void
hvnet_region_del(MemoryListener *l, MemoryRegionSection *s)
{
	struct hvnet_dev *dev = container_of(l, struct hvnet_dev, listener);
	uint64_t gpa, end;
	struct stat st;
	int fd;

	if (!hvnet_section(s, &gpa, &end, &fd) || fstat(fd, &st) < 0)
		return;
	for (uint32_t i = 0; i < dev->regions; i++) {
		struct hvnet_region *r = &dev->region[i];

		if (hvnet_region_is(r, &st) && r->gpa >= gpa && r->gpa < end)
			r->want = false;
	}
}

/* What the machine has no more.  False: the host refused. */
static bool
hvnet_memory_forget(struct hvnet_dev *dev)
{
	for (uint32_t i = 0; i < dev->regions;) {
		struct hvnet_region *r = &dev->region[i];
		struct link_mem_del d = { { LINK_MEM_DEL, 0 }, r->gpa };

		if (r->want) {
			i++;
			continue;
		}
		if (dev->sock >= 0 && r->told &&
		    hvnet_link_call(dev, &d, sizeof(d), NULL, 0) != LINK_OK)
			return false;
		close(r->fd);
		*r = dev->region[--dev->regions];
	}
	return true;
}

bool
hvnet_memory_tell(struct hvnet_dev *dev)
{
	if (!hvnet_memory_forget(dev))
		return false;
	for (uint32_t i = 0; i < dev->regions; i++) {
		struct hvnet_region *r = &dev->region[i];
		struct link_mem_add a = { { LINK_MEM_ADD, 0 }, r->gpa,
			r->bytes, r->offset };

		if (r->told)
			continue;
		if (hvnet_link_call(dev, &a, sizeof(a), &r->fd, 1) != LINK_OK)
			return false;
		r->told = true;
	}
	return true;
}

static void
hvnet_commit(MemoryListener *l)
{
	struct hvnet_dev *dev = container_of(l, struct hvnet_dev, listener);

	if (dev->sock < 0)
		hvnet_memory_forget(dev);
	else if (!hvnet_memory_tell(dev) && dev->sock >= 0) {
		warn_report("hvnet: the host refuses the machine's memory");
		hvnet_link_close(dev, false);
		hvnet_link_retry(dev);
	}
}

/* Memory must be a file, shared, sealed: what the host will insist on. */
static bool
hvnet_memory_check(struct hvnet_dev *dev, Error **errp)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < dev->regions; i++) {
		int fd = dev->region[i].fd;
		int seals = fcntl(fd, F_GET_SEALS);

		if (seals >= 0 && (seals & F_SEAL_SHRINK) == 0)
			seals = fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0 ?
			    F_SEAL_SHRINK : 0;
		if (seals < 0 || (seals & F_SEAL_SHRINK) == 0)
			break;
		bytes += dev->region[i].bytes;
	}
	if (bytes >= MACHINE(qdev_get_machine())->ram_size - MiB)
		return true;
	error_setg(errp, "hvnet: guest memory must be shared and sealed: "
	    "-object memory-backend-memfd,id=ram,size=SIZE,share=on "
	    "-machine memory-backend=ram");
	return false;
}

/* --- ACPI --- */

/*
 * As on Hyper-V, a module device around VMBus has addresses for devices that
 * want some.  None of ours does, but Linux before 5.11 looks for them in every
 * device around VMBus, and where none has any it goes on to the root, which is
 * none, and oopses.
 */
struct Aml *
hvnet_acpi_module(struct Aml *vmbus)
{
	Aml *dev = aml_device("VMOD");
	Aml *crs = aml_resource_template();

	aml_append(dev, aml_name_decl("_HID", aml_string("ACPI0004")));
	aml_append(dev, aml_name_decl("_UID", aml_int(0)));
	aml_append(crs, aml_dword_memory(AML_POS_DECODE, AML_MIN_FIXED,
	    AML_MAX_FIXED, AML_NON_CACHEABLE, AML_READ_WRITE, 0, HVNET_MMIO,
	    HVNET_MMIO + HVNET_MMIO_BYTES - 1, 0, HVNET_MMIO_BYTES));
	aml_append(dev, aml_name_decl("_CRS", crs));
	aml_append(dev, vmbus);
	return dev;
}

/* --- life --- */

static void
hvnet_reset(void *opaque)
{
	struct hvnet_dev *dev = opaque;
	struct link_simple m = { { LINK_RESET, 0 } };

	hvnet_tcg_reset(dev);
	if (dev->sock < 0) {
		if (hvnet_link_open(dev, NULL))
			info_report("hvnet: %s: a host again", dev->path);
		return;
	}
	if (!dev->used)
		return;
	hvnet_link_call(dev, &m, sizeof(m), NULL, 0);
	dev->used = false;
	for (uint32_t i = 0; i < dev->vps; i++)
		dev->vp[i].sent = (struct link_vp_regs){
			.flags = LINK_VP_SINT_MASKED };
}

static void
hvnet_exit(Notifier *n, void *data)
{
	hvnet_link_close(container_of(n, struct hvnet_dev, exit), true);
}

static void
hvnet_realize(DeviceState *qdev, Error **errp)
{
	struct hvnet_dev *dev = HVNET(qdev);
	MachineState *ms = MACHINE(qdev_get_machine());

	dev->parent_obj.irq = HVNET_IRQ;
	dev->sock = -1;
	qemu_mutex_init(&dev->signals_lock);
	dev->vps = ms->smp.cpus;
	if (dev->path == NULL) {
		error_setg(errp, "hvnet: path=SOCKET is missing");
		return;
	}
	if (kvm_enabled()) {
		error_setg(errp, "hvnet: only with -accel tcg so far");
		return;
	}
	if (object_resolve_path_type("", TYPE_VMBUS_BRIDGE, NULL) == NULL) {
		error_setg(errp, "hvnet: one device a machine; NICs are the "
		    "host's");
		return;
	}
	if (dev->vps > LINK_MAX_VPS || ms->smp.max_cpus != dev->vps) {
		error_setg(errp, "hvnet: up to %u vCPUs, none added later",
		    LINK_MAX_VPS);
		return;
	}
	dev->listener = (MemoryListener){
		.name = "hvnet",
		.region_add = hvnet_region_add,
		.region_nop = hvnet_region_add,
		.region_del = hvnet_region_del,
		.commit = hvnet_commit,
	};
	memory_listener_register(&dev->listener, &address_space_memory);
	if (!hvnet_memory_check(dev, errp))
		return;
	hvnet_tcg_start(dev);
	if (!hvnet_link_open(dev, errp))
		return;
	object_property_add_uint64_ptr(OBJECT(dev), "signals",
	    &dev->signals_sent, OBJ_PROP_FLAG_READ);
	object_property_add_uint64_ptr(OBJECT(dev), "interrupts",
	    &dev->interrupts, OBJ_PROP_FLAG_READ);
	qemu_register_reset(hvnet_reset, dev);
	dev->exit.notify = hvnet_exit;
	qemu_add_exit_notifier(&dev->exit);
}

#ifdef DEFINE_PROP_END_OF_LIST
static Property hvnet_properties[] = {
#else			/* QEMU 10.0 counts a constant array */
static const Property hvnet_properties[] = {
#endif
	DEFINE_PROP_STRING("path", struct hvnet_dev, path),
	DEFINE_PROP_STRING("name", struct hvnet_dev, name),
	DEFINE_PROP_STRING("nic", struct hvnet_dev, nic),
	DEFINE_PROP_UINT32("nics", struct hvnet_dev, nics, 0),
	DEFINE_PROP_BOOL("aeoi", struct hvnet_dev, aeoi, true),
#ifdef DEFINE_PROP_END_OF_LIST
	DEFINE_PROP_END_OF_LIST(),
#endif
};

static const VMStateDescription hvnet_vmstate = {
	.name = TYPE_HVNET,
	.unmigratable = 1,
};

static void
hvnet_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);

	dc->desc = "Hyper-V for TCG, joined to `hvnet host`";
	dc->realize = hvnet_realize;
	dc->vmsd = &hvnet_vmstate;
	dc->user_creatable = true;
	dc->hotpluggable = false;
	device_class_set_props(dc, hvnet_properties);
	set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
}

static const TypeInfo hvnet_types[] = {
	{
		.name = TYPE_VMBUS_BRIDGE,
		.parent = TYPE_SYS_BUS_DEVICE,
		.instance_size = sizeof(VMBusBridge),
		.abstract = true,
	}, {
		.name = TYPE_HVNET,
		.parent = TYPE_VMBUS_BRIDGE,
		.instance_size = sizeof(struct hvnet_dev),
		.class_init = hvnet_class_init,
	},
};

DEFINE_TYPES(hvnet_types)
