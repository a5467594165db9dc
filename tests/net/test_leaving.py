# SPDX-License-Identifier: BSD-2-Clause
"""NICs that are taken from a guest, and come back."""
import os
import signal

from conftest import full
from test_traffic import GUEST, HOST

NIC = 'hvhost0'


def nic(lab):
    return [n for s in lab.stat() if s['kind'] == 'host'
            for n in s['nics'] if n['name'] == NIC][0]


def leaving(lab):
    return [s['nics_leaving'] for s in lab.stat() if s['kind'] == 'host'][0]


def remove(lab):
    lab.run(None, [lab.hvnet, 'set', NIC, '--remove'])


def add(lab):
    lab.run(None, [lab.hvnet, 'set', '--add', lab.tap_spec()])
    lab.address('h', NIC, 2)


def both_ways(lab):
    lab.wait('attached', lambda: nic(lab)['attached'])
    lab.ready()
    assert lab.copy('g', 'h', HOST, 8)
    assert lab.copy('h', 'g', GUEST, 8)


def held(lab):
    """What the guest holds at the host."""
    g = nic(lab)['guest']
    return {k: g[k] for k in ('relids', 'gpadls', 'gpadl_pages',
                              'connections', 'nics_leaving', 'nics')}


def pair_with_a_mute_guest(lab):
    """Its control socket is elsewhere: nobody waits for it while it stops."""
    os.mkdir(f'{lab.dir}/mute')
    lab.hostp = lab.host(lab.tap_spec())
    lab.guestp = lab.guest(up=False, wrap=('env', f'HVNET_RUN={lab.dir}/mute'))
    lab.address('h', NIC, 2)
    lab.wait('attached', lambda: nic(lab)['attached'])
    lab.wait('hn0', lambda: 'hn0' in lab.run('g', 'ip link').stdout)
    lab.address('g', 'hn0', 1)
    lab.ready()


def flood(lab):
    """Traffic that nobody has to answer, both ways."""
    return [lab.start('g', f'ping -q -f -s 1000 {HOST}'),
            lab.start('h', f'ping -q -f -s 1000 {GUEST}')]


def test_removed_and_added_at_once_under_traffic(lab):
    lab.pair()
    both_ways(lab)
    start = held(lab)
    for n in range(4):
        load = flood(lab)
        if n % 2:
            lab.set(NIC, 'mtu=1600' if n == 1 else 'mtu=1500')
        else:
            remove(lab)
            add(lab)
        for p in load:
            lab.end(p, quiet=True)
        both_ways(lab)
        assert 'waiting' not in nic(lab)
    assert held(lab) == start
    assert nic(lab)['guest']['faults']['total'] == 0
    assert 'queue' not in lab.log(lab.hostp)
    assert 'leaked' not in lab.log(lab.guestp)


def test_waits_for_a_guest_that_does_not_let_go(lab):
    """Removed twice meanwhile; then the guest goes on."""
    pair_with_a_mute_guest(lab)
    os.kill(lab.guestp.pid, signal.SIGSTOP)
    remove(lab)
    add(lab)
    remove(lab)
    add(lab)
    assert nic(lab)['waiting'] == 'guest 1 has not let go of it yet'
    assert not nic(lab)['attached']
    assert leaving(lab) == 1
    os.kill(lab.guestp.pid, signal.SIGCONT)
    both_ways(lab)
    assert leaving(lab) == 0


def test_the_next_guest_has_it_when_this_one_dies(lab):
    pair_with_a_mute_guest(lab)
    os.kill(lab.guestp.pid, signal.SIGSTOP)
    remove(lab)
    add(lab)
    assert 'waiting' in nic(lab)
    lab.end(lab.guestp, signal.SIGKILL)
    lab.wait('no more', lambda: 'waiting' not in nic(lab))
    assert leaving(lab) == 0
    lab.guestp = lab.guest()
    lab.address('g', 'hn0', 1)
    both_ways(lab)


@full
def test_a_guest_that_never_lets_go_keeps_it_from_itself_alone(lab):
    pair_with_a_mute_guest(lab)
    os.kill(lab.guestp.pid, signal.SIGSTOP)
    remove(lab)
    add(lab)
    other = lab.guest(ifname='hn1', up=False)
    lab.wait('overdue', lambda: 'other guests may have it now' in
             lab.log(lab.hostp), seconds=45)
    lab.wait('attached', lambda: lab.guest_up('hn1'))
    assert leaving(lab) == 1
    os.kill(lab.guestp.pid, signal.SIGCONT)
    lab.wait('let go', lambda: leaving(lab) == 0)
    lab.end(other)
    both_ways(lab)
