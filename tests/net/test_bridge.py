# SPDX-License-Identifier: BSD-2-Clause
"""TAPs that are ports of a bridge, and TAPs that outlive their host."""
import json

from conftest import full
from lab import LabError


def link(lab, ifname, ns='h'):
    """What `ip link` says of an interface; None: there is none."""
    r = lab.run(ns, f'ip -j -d link show {ifname}', check=False)
    return json.loads(r.stdout)[0] if r.returncode == 0 else None


def bridge(lab, name='br0', address=2):
    lab.run('h', f'ip link add {name} type bridge')
    lab.run('h', f'ip link set {name} up')
    lab.run('h', f'ip addr add 10.7.0.{address}/24 dev {name}')


def spec(lab, **kw):
    return lab.tap_spec(**{'bridge': 'br0', 'persist': 'on', **kw})


def test_a_host_comes_back_to_its_bridge(lab):
    """The interface with its index, MAC and bridge is there while no host is,
    whatever number of queues the next host has."""
    bridge(lab)
    lab.hostp = lab.host(spec(lab))
    lab.guestp = lab.guest()
    lab.run('g', 'ip addr add 10.7.0.1/24 dev hn0')
    lab.run('g', 'ip link set hn0 up')
    lab.ready()
    before = link(lab, 'hvhost0')
    assert before['master'] == 'br0'
    lab.run('h', 'ip addr add 10.8.0.1/24 dev hvhost0')
    for queues in (1, 4):
        assert lab.end(lab.hostp) == 0
        away = link(lab, 'hvhost0')
        assert away['master'] == 'br0' and 'LOWER_UP' not in away['flags']
        lab.hostp = lab.host(spec(lab, queues=queues))
        lab.ready()
        now = link(lab, 'hvhost0')
        assert [now[k] for k in ('ifindex', 'address', 'master')] == \
            [before[k] for k in ('ifindex', 'address', 'master')]
    assert '10.8.0.1/24' in lab.run('h', 'ip addr show hvhost0').stdout
    # Deleted, it is made again as a port of the bridge, and persists again.
    lab.run('h', 'ip link del hvhost0')
    lab.wait('made again', lambda: 'made again' in lab.log(lab.hostp))
    lab.wait('bridge', lambda: (link(lab, 'hvhost0') or {}).get('master') ==
             'br0')
    lab.run('g', 'ip neigh flush all')
    lab.ready()
    assert lab.end(lab.hostp) == 0
    assert link(lab, 'hvhost0')['master'] == 'br0'


@full
def test_another_bridge_at_run_time(lab):
    bridge(lab)
    lab.run('h', 'ip link add br1 type bridge')
    lab.hostp = lab.host(lab.tap_spec(bridge='br0'))
    lab.set('hvhost0', 'bridge=br1')
    assert link(lab, 'hvhost0')['master'] == 'br1'
    for wrong, why in (('lo', 'it is no bridge'),
                       ('br9', 'there is no such interface')):
        r = lab.set('hvhost0', f'bridge={wrong}', check=False)
        assert (r.returncode, r.stderr) == (
            4, f'hvnet set: tap hvhost0: bridge={wrong}: {why}\n')
        assert link(lab, 'hvhost0')['master'] == 'br1'
    lab.set('hvhost0', 'bridge=')
    assert 'master' not in link(lab, 'hvhost0')
    # Without persist=on it goes with its host.
    assert lab.end(lab.hostp) == 0
    assert link(lab, 'hvhost0') is None


def test_what_is_not_taken_over(lab):
    """A TAP that a program uses, another kind of interface, and without
    persist=on any; but one that somebody made for one queue is."""
    def refused(nic):
        try:
            lab.host(nic)
        except LabError as e:
            return str(e)
        raise AssertionError('it was taken over')

    lab.run('h', 'ip link add br0 type bridge')
    lab.run('h', 'ip tuntap add hvhost1 mode tap')
    assert '(it exists already; persist=on takes it over)' in refused(
        lab.tap_spec(name='hvhost1'))
    assert 'or one without multi_queue)' in refused(
        spec(lab, name='hvhost1'))
    assert '(an interface of this name is no TAP)' in refused(
        spec(lab, name='br0', queues=1))
    assert 'bridge=br9: there is no such interface' in refused(
        spec(lab, bridge='br9', persist='off'))
    one = lab.host(spec(lab), spec(lab, name='hvhost1', queues=1))
    assert link(lab, 'hvhost1')['master'] == 'br0'
    sock, lab.sock = lab.sock, f'{lab.dir}/other.sock'
    for name, queues in (('hvhost0', 2), ('hvhost1', 1)):
        assert '(another program uses it)' in refused(
            spec(lab, name=name, queues=queues))
    lab.sock = sock
    assert lab.end(one) == 0
