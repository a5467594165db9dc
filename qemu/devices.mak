# What the machine of `hvnet vm` may have: built --without-default-devices.
# QEMU's own VMBus stays out: hvnet's is outside QEMU.
CONFIG_VMBUS=n
CONFIG_I440FX=y
CONFIG_Q35=y
CONFIG_HPET=y
CONFIG_PCI_DEVICES=y
CONFIG_VGA_PCI=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_RNG=y
CONFIG_ISA_DEBUG=y
