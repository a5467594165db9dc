# SPDX-License-Identifier: BSD-2-Clause
"""The driver is taken from the NIC and bound to it again, six times.

Holds: the guest closes in order, opens again, and works.
Rule: docs/protocol.md section 7, teardown.
Bug: Linux e0526ec5360a (a removal right after a probe hung).
"""


def story(s):
    s.host(queues=4)
    s.guest()
    s.works()
    for i in range(6):
        s.ask('D=$(readlink -e /sys/class/net/$IF/device) && '
              'N=$(basename $D) && cd -P $D/driver && echo $N > unbind && '
              'echo $N > bind')
        if i % 2:
            s.works()
    s.works()
    s.honest()
