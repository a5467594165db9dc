# SPDX-License-Identifier: BSD-2-Clause
"""A machine that loses its NIC: when it is told, and what it costs after that.
"""
import os
import struct
import time

import pytest

from peer import F_SEAL_SHRINK
from stage import Stage
from test_hostile_idle import control
from test_hostile_memory import Nic

VM, RESCIND_OFFER, RELID_RELEASED = 2, 2, 13
NVS_SUBCHAN = 133


@pytest.fixture
def stage(lab):
    made = Stage(lab)
    yield made
    made.end()


def test_a_machine_loses_its_nic(stage):
    nic = Nic(stage.guest(), 'null0', VM, F_SEAL_SHRINK)
    g = nic.g
    start = time.monotonic()
    stage.lab.set('null0', 'link=down')
    stage.lab.set('null0', '--remove')
    nic.acknowledge()
    # Linux may act on its link 2 s late, and until then it sends.
    assert g.message()[0] == RESCIND_OFFER
    assert time.monotonic() - start > 2.2
    # It is still answered.
    assert nic.nvs(NVS_SUBCHAN, 1, 1)[0] == NVS_SUBCHAN
    # Signals without end; nobody waits for this guest.
    end = time.monotonic() + 1
    before = control(stage.host.pid, 'used')
    fd = g.signals[0x2000 | g.offers[0]]
    while time.monotonic() < end:
        for _ in range(1000):
            os.write(fd, struct.pack('Q', 1))
    assert control(stage.host.pid, 'used') - before < 0.3
    assert stage.stat()['nics_leaving'] == 1
    g.post(struct.pack('<III', RELID_RELEASED, 0, g.offers[0]))
    stage.lab.wait('let go', lambda: stage.stat()['nics_leaving'] == 0)
    assert stage.faults() == {}
