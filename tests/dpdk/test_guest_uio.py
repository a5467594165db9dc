# SPDX-License-Identifier: BSD-2-Clause
"""Our own guest driver over uio_hv_generic's files, as `hvnet uio` makes
them."""
import os
import subprocess

import pytest

import hugepages
from conftest import backend_total, guid, host_faults
from lab import Lab, total

MEMORY = {'huge': [], 'no-huge': ['--no-huge']}


@pytest.fixture
def lab():
    """Neither DPDK nor, but where a test asks, huge pages."""
    if os.geteuid() != 0:
        pytest.skip('needs root: namespaces, fanotify')
    with Lab() as made:
        yield made
        made.check_processes()


def guest_cmd(lab, vps, args=()):
    return [lab.hvnet, 'guest', '--uio', '0', '--ifname', 'hn0', '--netns',
            lab.netns('g'), '--vps', str(vps), *args]


def start(lab, queues, args=(), program=None):
    """A TAP host, a stand-in, our guest in it, both ends addressed."""
    lab.hostp = lab.host(lab.tap_spec('n0', queues=queues))
    p = lab.start(None, [lab.hvnet, 'uio', '--connect', lab.sock, '--', *(
        program or guest_cmd(lab, queues, args))], 'uio')
    lab.wait('guest attached', lambda: lab.guest_up('hn0'), 15, [p])
    lab.address('g', 'hn0', 1)
    lab.address('h', 'n0', 2)
    lab.ready()
    return p


def guest_stat(lab):
    return next(x for x in lab.stat('hn0') if x['kind'] == 'guest')


def stand_in(lab):
    return next(x for x in lab.stat() if x['kind'] == 'uio')


@pytest.mark.parametrize('memory', sorted(MEMORY))
@pytest.mark.parametrize('queues', [1, 2, 8])
def test_traffic(lab, request, queues, memory):
    """Ping and checked copies; small frames and large ones by address."""
    if memory == 'huge':
        request.getfixturevalue('pages')
    p = start(lab, queues, MEMORY[memory])
    assert lab.copy('g', 'h', '10.7.0.2', 32)
    assert lab.copy('h', 'g', '10.7.0.1', 32)
    lab.run('g', 'ping -6 -c3 -i0.2 -q fd07::2')
    g = guest_stat(lab)
    assert g['device']['queues'] == queues
    assert stand_in(lab)['iova'] == ('pa' if memory == 'huge' else 'va')
    # The send buffer and memory of our own were both in use.
    assert total(g, 'by_section') > 0 and total(g, 'by_both') > 100
    for q in g['queues']:
        assert q['channel']['faults']['total'] == 0
        assert q['channel']['ring_in']['unmasks'] == 0
    assert total(g, 'signals_data') > 0
    assert host_faults(lab, 'n0') == {}
    assert lab.end(p) == 0


@pytest.mark.parametrize('memory', sorted(MEMORY))
def test_by_address(lab, request, memory):
    """No send buffer: every frame is read from our own memory."""
    if memory == 'huge':
        request.getfixturevalue('pages')
    start(lab, 2, [*MEMORY[memory], '-o', 'sendbuf_kb=0'])
    assert lab.copy('g', 'h', '10.7.0.2', 16)
    assert lab.copy('h', 'g', '10.7.0.1', 16)
    g = guest_stat(lab)
    assert total(g, 'by_section') == 0 and total(g, 'by_gpa') > 100
    assert host_faults(lab, 'n0') == {}


def test_flows_spread(lab):
    """Both queues carry traffic, each way."""
    start(lab, 2, ['--no-huge'])
    for n in range(8):
        assert lab.copy('g', 'h', '10.7.0.2', 1, port=5310 + n)
    for q in guest_stat(lab)['queues']:
        assert q['transmit']['frames'] > 20 and q['receive']['frames'] > 20


def test_many_guests(lab):
    """One stand-in, guests one after the other, killed and asked to end."""
    # The shell is killed with the stand-in, and its guest with the shell.
    go = 'setpriv --pdeathsig KILL ' + \
        ' '.join(guest_cmd(lab, 2, ['--no-huge']))
    # The last word keeps the stand-in from requesting huge pages.
    p = start(lab, 2, program=['sh', '-c', f'while true; do {go}; done',
                               '--no-huge'])
    for number in (9, 15, 9):
        pid = guest_stat(lab)['pid']
        os.kill(pid, number)
        lab.wait('the next guest', lambda: any(
            x['kind'] == 'guest' and x['pid'] != pid and x['state'] == 'up'
            for x in lab.stat('hn0')), 15, [p])
        lab.address('g', 'hn0', 1)
        lab.ready()
        assert lab.copy('g', 'h', '10.7.0.2', 4)
    assert stand_in(lab)['counters']['attaches'] == 4
    assert host_faults(lab, 'n0') == {}


def test_clean_detach(lab):
    """SIGTERM: the host is told, by NVSP and RNDIS, and lets go."""
    p = start(lab, 2, ['--no-huge', '--transcript', f'{lab.dir}/t'])
    assert backend_total(lab, 'n0', 'written') > 0
    assert lab.end(p) == 0
    with open(f'{lab.dir}/t') as f:
        text = f.read()
    for word in ('HALT', 'RECV_BUF_REVOKE', 'SEND_BUF_REVOKE'):
        assert word in text, text[-3000:]
    lab.wait('the host lets go', lambda: next(
        x for x in lab.stat('n0') if x['kind'] == 'host')['guests'] == 0, 5)


def test_device_gone_and_back(lab):
    """Its directory goes, as at a rescind: opened anew when it is back."""
    p = start(lab, 2, ['--no-huge'])
    pid = guest_stat(lab)['pid']
    there = '/sys/bus/vmbus/devices/'

    def move(old, new):
        lab.run(None, ['nsenter', '-t', str(pid), '-m', 'sh', '-c',
                       f'cd {there} && mv {old} {new}'])
    for n in range(2, 4):
        move('656e7668-*', '.away')
        lab.wait('the guest noticed', lambda: 'no device' in
                 guest_stat(lab)['reason'], 10, [p])
        assert guest_stat(lab)['state'] == 'waiting for the host'
        move('.away', guid(lab, 'n0'))
        lab.wait('the guest is back', lambda: lab.guest_up('hn0', pid), 15,
                 [p])
        lab.ready()
        assert lab.copy('g', 'h', '10.7.0.2', 4)
        assert guest_stat(lab)['attaches'] == n
        assert stand_in(lab)['counters']['attaches'] == n
    assert guest_stat(lab)['leaked_bytes'] == 0
    assert host_faults(lab, 'n0') == {}


def test_host_gone(lab):
    """The stand-in ends with the host, and the guest with the stand-in."""
    p = start(lab, 1, ['--no-huge'])
    pid = guest_stat(lab)['pid']
    lab.end(lab.hostp)
    assert p.wait(10) == 5
    lab.wait('the guest ends', lambda: not os.path.exists(f'/proc/{pid}'), 5)


# --- wrong use: one clear sentence ---

def refused(lab, args, wrap=()):
    r = subprocess.run([*wrap, lab.hvnet, 'guest', '--ifname', 'hnx0',
                        '--wait-up', '1', *args], text=True,
                       capture_output=True, env=lab.env, timeout=30)
    return r.returncode, r.stderr


def test_no_device(lab):
    code, text = refused(lab, ['--uio', '7'])
    assert code == 4
    assert 'no device' in text and 'uio7' in text and 'azure.md' in text


def test_no_huge_pages(lab):
    lab.host('backend=null,name=n0')
    with hugepages.none():
        # The word keeps the stand-in itself from that.
        code, text = refused(lab, ['--uio', '0'], [
            lab.hvnet, 'uio', '--connect', lab.sock, '--', 'sh', '-c',
            'exec "$@"', '--no-huge'])
    assert code == 4 and 'huge pages' in text and 'nr_hugepages' in text


def test_no_interrupt(lab):
    """Asked to sleep on what the stand-in's files do not have."""
    lab.host('backend=null,name=n0')
    code, text = refused(lab, ['--uio', '0', '--no-huge', '--uio-interrupt'],
                         [lab.hvnet, 'uio', '--connect', lab.sock, '--'])
    assert code == 4 and 'no interrupt' in text


def test_options(lab):
    for args in (['--uio', '0', '--connect', 'x'], ['--no-huge', '--connect',
                 'x'], []):
        code, text = refused(lab, args)
        assert code == 2 and '--uio' in text, (args, code, text)
