# SPDX-License-Identifier: BSD-2-Clause
"""What the processes may do: the capabilities of every thread.

linux/run/priv.c; docs/threats.md says what each is for.  That they are enough
is what all other tests with TAPs show: they run with them.
"""
import pathlib
import re

import pytest

# As <linux/capability.h> numbers them.
DAC_OVERRIDE, NET_ADMIN, SYS_ADMIN, PERFMON, BPF = 1, 12, 21, 38, 39
KEPT = sum(1 << c for c in (DAC_OVERRIDE, NET_ADMIN, PERFMON, BPF))
HAD = KEPT | 1 << SYS_ADMIN     # of which SYS_ADMIN is raised to enter a netns


def threads(pid):
    """{name: {field of status: value}} of each thread."""
    out = {}
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        fields = dict(re.findall(r'^(\w+):\s*(\S+)', (task / 'status')
                                 .read_text(), re.M))
        out[f'{fields["Name"]} {task.name}'] = fields
    return out


def caps(fields):
    return [int(fields[x], 16) for x in ('CapEff', 'CapPrm', 'CapInh',
                                         'CapBnd', 'CapAmb')]


@pytest.fixture
def own():
    """What this test itself has, which nobody can exceed."""
    return caps(threads('self').popitem()[1])[1]


@pytest.mark.parametrize('end', ['host', 'guest'])
def test_threads(lab, end, own):
    lab.pair()
    pid = (lab.hostp if end == 'host' else lab.guestp).pid
    carriers = 0
    for name, fields in threads(pid).items():
        assert fields['NoNewPrivs'] == '1', name
        eff, prm, inh, bound, amb = caps(fields)
        assert (inh, amb) == (0, 0), name
        if re.match(r'hv-worker|hv-vp[1-9]', name):
            assert (eff, prm) == (0, 0), name
            carriers += 1
        elif name.startswith('hv'):     # a sanitizer has its own threads
            assert (eff, prm) == (KEPT & own, HAD & own), name
            assert bound & ~HAD == 0, name
    assert carriers >= 1


def test_namespaces_at_run_time(lab, own):
    """A NIC comes, changes and goes in a namespace; nothing stays raised."""
    lab.pair()
    for args in (('--add', f'backend=tap,name=hvlate,netns={lab.netns("h")},'
                  'queues=2'), ('hvlate', 'mtu=1400'), ('hvlate', '--remove'),
                 ('--add', 'backend=tap,name=hvnone,netns=hv-no-such')):
        r = lab.set(*args, check=False)
        assert r.returncode == (0 if 'such' not in args[-1] else 4), r
        main, = (fields for name, fields in threads(lab.hostp.pid).items()
                 if name.endswith(f' {lab.hostp.pid}'))
        assert caps(main)[0] == KEPT & own
    assert "namespace 'hv-no-such'" in r.stderr


@pytest.mark.parametrize('lacks', ['bpf', 'perfmon'])
def test_what_steering_needs_is_named(lab, lacks):
    p = lab.start(None, ['setpriv', f'--bounding-set=-{lacks}', lab.hvnet,
                         'host', '--listen', lab.sock, '--nic',
                         lab.tap_spec(queues=2)], 'host')
    p.wait(20)
    assert lab.log(p).endswith(
        '(needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)\n'), lab.log(p)
