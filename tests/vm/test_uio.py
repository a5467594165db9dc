# SPDX-License-Identifier: BSD-2-Clause
"""Programs on a stock kernel's real uio_hv_generic.

The kernel's own log is a result in each: a stable kernel of 2025 (6.1.156 to
158, 6.12.53 to 57) crashed as soon as a host interrupted a sub-channel of a
DPDK program, which it left unmasked (Debian bug 1120602).
"""
import json
import subprocess

import pytest

from conftest import full, need
from uio_guest import BUILD, Uio, soon


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
        u.pmd('stop', 'port stop 1', answer='Stopping ports')
        u.pmd('port start 1', 'start')
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


@full
def test_our_driver_on_another_kernel(lab):
    need('6.12')
    u = Uio(lab, '6.12')
    for args in ((), ('--uio-interrupt',)):
        u.guest(*args)
        carries(u)
        u.guest_ends('KILL')
    u.guest()
    carries(u)
    u.check()


@full
def test_frames_api(lab, flavour):
    """A program in the machine on uio:0, and one here, at a pair's ends."""
    u = Uio(lab, flavour, nics=['backend=pair,name=a,peer=b,spoof=on',
                                'backend=pair,name=b,peer=a,spoof=on'])
    p = subprocess.Popen([BUILD / 'tests/frames/fcheck', lab.sock, 'b', '1',
                          '1', '2000', 'copy'], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True, env=lab.env)
    assert p.stdout.readline() == 'up 1\n'
    u.vm.run('mkfifo /tmp/go; LD_LIBRARY_PATH=/opt/hvnet /opt/hvnet/fcheck '
             "uio:0 '' 1 1 2000 copy <>/tmp/go >/tmp/fcheck 2>&1 &")
    u.until('grep -q up /tmp/fcheck', '/tmp/fcheck')
    u.vm.run('echo >/tmp/go')
    out, _ = p.communicate('\n', timeout=120)
    u.until('grep -q got /tmp/fcheck', '/tmp/fcheck')
    for r in (out, u.vm.run('tail -1 /tmp/fcheck')):
        r = json.loads(r)
        assert r['ok'] and r['got'] == r['sent'] == 2000, r
    assert u.vm.kernel_log() == []


@full
@pytest.mark.parametrize('how', ['', '--uio-interrupt'])
def test_taken_by_the_host(lab, flavour, how):
    """The kernel removes the device; it comes, is bound and used again.  One
    channel: docs/azure.md has what happens with more."""
    u = Uio(lab, flavour, queues=1)
    u.guest(how)
    lab.run(None, [lab.hvnet, 'set', 'hvhost0', '--remove'])
    u.until('grep -q "took the NIC away" /tmp/guest.log', '/tmp/guest.log')
    u.until('[ ! -e /dev/uio0 ]', '/tmp/guest.log')
    lab.run(None, [lab.hvnet, 'set', '--add', u.spec])
    lab.address('h', 'hvhost0', 2)
    u.until('[ -e /sys/class/net/eth0 ]', '/tmp/guest.log')
    u.bind()
    u.until('[ $(grep -c "attached" /tmp/guest.log) = 2 ]', '/tmp/guest.log')
    carries(u)
    assert u.vm.kernel_log() == []


@full
def test_channels_without_monitor_ids(lab):
    """Signals by the interrupt page and a write to the device."""
    need('6.12')
    u = Uio(lab, '6.12', monitor=False)
    u.guest()
    carries(u)
    u.guest_ends()
    u.guest('--uio-interrupt')
    carries(u)
    u.check()
