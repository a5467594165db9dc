# SPDX-License-Identifier: BSD-2-Clause
"""What runs without privileges (docs/ci.md): wholly as nobody, a TAP with three
capabilities, a TAP in a user namespace."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import pytest

from lab import HVNET

FCHECK = pathlib.Path(HVNET).parents[1] / 'tests/frames/fcheck'
NOBODY = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups',
          '--bounding-set=-all']
THREE = [*NOBODY[:-1], '--inh-caps=+net_admin,+bpf,+perfmon',
         '--ambient-caps=+net_admin,+bpf,+perfmon']


@pytest.fixture
def theirs(lab):
    """A folder of nobody's with the programs, which are not theirs to run
    where they lie; everything of hvnet is in it."""
    with tempfile.TemporaryDirectory(prefix='hvnet-nobody-') as d:
        shutil.chown(d, 'nobody', 'nogroup')
        for program in (HVNET, FCHECK):
            if os.path.exists(program):
                shutil.copy(program, d)
        lab.env['HVNET_RUN'] = f'{d}/run'
        yield pathlib.Path(d)


def host(lab, theirs, wrap, *nics):
    """`hvnet host` run that way, listening."""
    p = lab.start(None, [*wrap, theirs / 'hvnet', 'host', '--listen',
                         theirs / 's', *(x for n in nics
                                         for x in ('--nic', n))], 'host')
    lab.wait('host listening', lambda: 'listening on' in lab.log(p), 10, [p])
    return p


def test_as_nobody(lab, theirs):
    """A host, two programs of the frames API and what they exchange."""
    if not (theirs / 'fcheck').exists():
        pytest.skip(f'no {FCHECK}')
    p = host(lab, theirs, NOBODY, 'backend=pair,name=a,peer=b,spoof=on',
             'backend=pair,name=b,peer=a,spoof=on', 'backend=null,name=n0')
    ends = [subprocess.Popen(
        [*NOBODY, theirs / 'fcheck', theirs / 's', nic, '1', '1', '2000',
         'copy'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for nic in ('a', 'b')]
    for e in ends:
        assert e.stdout.readline() == 'up 1\n'
    for e in ends:
        e.stdin.write('go\n')
        e.stdin.flush()
    assert [e.wait(60) for e in ends] == [0, 0]
    r = lab.run(None, [*NOBODY, theirs / 'hvnet', 'stat', '--json', 'n0'])
    assert '"n0"' in r.stdout
    assert lab.end(p) == 0


def tap_there(name):
    return any(name == n for _, n in socket.if_nameindex())


def test_tap_with_three_capabilities(lab, theirs):
    p = host(lab, theirs, THREE, 'backend=tap,name=hvthree,queues=2')
    assert tap_there('hvthree')
    assert lab.end(p) == 0


def test_tap_in_a_user_namespace(lab, theirs):
    """One queue: steering needs capabilities of the machine's."""
    wrap = [*NOBODY[:-1], 'unshare', '--map-root-user', '--net']
    if subprocess.run([*wrap, 'true'], stderr=subprocess.DEVNULL).returncode:
        pytest.skip('no user namespaces for nobody here')
    p = host(lab, theirs, wrap, 'backend=tap,name=hvuser,queues=1')
    assert lab.end(p) == 0
    p = lab.start(None, [*wrap, theirs / 'hvnet', 'host', '--listen',
                         theirs / 's', '--nic',
                         'backend=tap,name=hvuser,queues=2'], 'host')
    assert p.wait(20) == 1
    lab.procs.remove(p)
    assert 'needs CAP_BPF' in lab.log(p)
