# SPDX-License-Identifier: BSD-2-Clause
"""Programs on a stock kernel's real uio_hv_generic.

The kernel's own log is a result in each: a stable kernel of 2025 (6.1.156 to
158, 6.12.53 to 57) crashed as soon as a host interrupted a sub-channel of a
DPDK program, which it left unmasked (Debian bug 1120602).
"""
import pytest

from conftest import full, need
from uio_guest import Uio, soon


@pytest.fixture(params=['cloud', '6.12'])
def flavour(request):
    need(request.param)
    return request.param


def carries(u):
    u.ping()
    u.copy_out(4)
    u.copy_in(4)


def test_our_driver(lab):
    """Polling, then with interrupts, on the same device."""
    u = Uio(lab)
    u.guest()
    soon('queues', lambda: u.device()['queues'] == 2)
    carries(u)
    u.guest_ends()
    u.guest('--uio-interrupt')
    carries(u)
    u.check()


@full
def test_testpmd(lab, flavour):
    u = Uio(lab, flavour)
    for queues in (1, 2):
        u.testpmd(queues)
        u.pmd('set fwd icmpecho', 'start', answer='icmpecho packet forwarding')
        before = u.to_guest()
        u.pmd_echoes()
        moved = [b - a for a, b in zip(before, u.to_guest())]
        # Every channel carried some: by interrupt or not, the kernel lives.
        assert all(n > 0 for n in moved[:queues]), moved
        u.pmd('stop', 'port stop 0', answer='Stopping ports')
        u.pmd('port start 0', 'start')
        u.pmd_echoes(4)
        before = u.from_guest()
        u.pmd('stop', 'set fwd txonly', 'start')
        soon('frames', lambda: u.from_guest() > before + 10000, 30)
        u.pmd('stop')
        # Killed, and started again.
        u.pmd_ends('KILL')
        u.testpmd(queues)
        u.pmd('set fwd icmpecho', 'start', answer='icmpecho packet forwarding')
        u.pmd_echoes(4)
        u.pmd_ends()
    assert u.vm.kernel_log() == []
    assert u.nic()['faults']['total'] == 0
