# SPDX-License-Identifier: BSD-2-Clause
"""Either end dies, stops or leaves; the other carries on and comes back."""
import os
import signal
import time

from test_traffic import GUEST, HOST, pings


def test_host_killed_and_restarted(lab):
    lab.pair()
    for _ in range(3):
        lab.end(lab.hostp, signal.SIGKILL)
        lab.wait('no carrier', lambda: 'NO-CARRIER' in lab.run(
            'g', 'ip link show hn0').stdout)
        assert '10.7.0.1' in lab.run('g', 'ip addr show hn0').stdout
        lab.hostp = lab.host(lab.tap_spec())
        lab.wait('attached again', lambda: lab.guest_up('hn0'))
        lab.address('h', 'hvhost0', 2)
        lab.ready()
    assert lab.copy('g', 'h', HOST, 16)
    assert lab.copy('h', 'g', GUEST, 16)


def resources(pid):
    with open(f'/proc/{pid}/maps') as f:
        maps = len(f.readlines())
    return len(os.listdir(f'/proc/{pid}/fd')), maps


def test_guest_killed(lab):
    """The host has every descriptor and mapping back, and takes the next."""
    lab.hostp = lab.host(lab.tap_spec())
    lab.address('h', 'hvhost0', 2)
    start = None
    for n in range(4):
        guest = lab.guest()
        lab.address('g', 'hn0', 1)
        lab.ready()
        assert lab.copy('g', 'h', HOST, 8)
        lab.end(guest, signal.SIGKILL)
        lab.wait('the host lets go', lambda: all(
            'hn0' != s.get('nic') for s in lab.stat()))
        time.sleep(0.3)
        now = resources(lab.hostp.pid)
        # The first guest warms allocator and libraries up.
        start = start or now
        assert now[0] == start[0], f'descriptors {start[0]} -> {now[0]}'
        # A sanitizer maps memory for its own bookkeeping as it goes.
        if not os.environ.get('HVNET_SANITIZER'):
            assert now[1] <= start[1] + 2, f'mappings {start[1]} -> {now[1]}'


def test_guest_stopped(lab):
    """A guest that stalls holds nobody else up, and goes on when it can."""
    lab.pair()
    os.kill(lab.guestp.pid, signal.SIGSTOP)
    lab.run('h', f'ping -q -c 50 -i 0.002 -W1 {GUEST}', check=False)
    assert lab.stat('hvhost0'), 'the host answers meanwhile'
    os.kill(lab.guestp.pid, signal.SIGCONT)
    lab.ready()
    assert pings(lab, 'h', GUEST) == 20


def test_clean_detach(lab):
    lab.pair()
    assert lab.end(lab.guestp, signal.SIGINT) == 0
    assert 'hn0' not in lab.run('g', 'ip link show').stdout
    lab.guestp = lab.guest()
    lab.address('g', 'hn0', 1)
    lab.ready()
    assert lab.end(lab.hostp, signal.SIGINT) == 0
    assert not os.path.exists(lab.sock)
    lab.wait('no carrier', lambda: 'NO-CARRIER' in lab.run(
        'g', 'ip link show hn0').stdout)
    assert lab.end(lab.guestp, signal.SIGTERM) == 0


def test_socket_is_private(lab):
    lab.host(lab.tap_spec())
    assert os.stat(lab.sock).st_mode & 0o777 == 0o600
