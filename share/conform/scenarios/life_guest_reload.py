# SPDX-License-Identifier: BSD-2-Clause
"""The driver's module is unloaded and loaded again, three times.

Holds: the guest closes in order, gives everything back, and works again.
Rule: docs/protocol.md section 7, teardown.
Bug: Linux 76bb5db5c749 (use after free on module removal).
"""


def story(s):
    s.host(queues=4)
    s.guest()
    s.works()
    for _ in range(3):
        # Only where the module is that of this NIC.
        s.ask('readlink /sys/class/net/$IF/device/driver | '
              'grep -q hv_netvsc && modprobe -r hv_netvsc && '
              'modprobe hv_netvsc')
        s.works()
    s.honest()
