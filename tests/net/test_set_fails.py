# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet set` where descriptors or memory run out: all or nothing.

The limit of the running host is set so that its first, second, ... step fails;
each time the NIC must be as it was, with its traffic, and a later try works.
"""
import contextlib
import os
import pathlib
import resource

import pytest

HOST = '10.7.0.2'


@contextlib.contextmanager
def limited(pid, what, value):
    old = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (value, old[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, old)


def next_fd(pid):
    """The number that the host's next descriptor has."""
    taken = {int(x) for x in os.listdir(f'/proc/{pid}/fd')}
    return next(i for i in range(len(taken) + 1) if i not in taken)


def bytes_mapped(pid):
    return int(pathlib.Path(f'/proc/{pid}/statm').read_text().split()[0]) * \
        resource.getpagesize()


def state(lab):
    """Settings of the NICs, the host's descriptors, the MTU of its TAP."""
    spec = [n['spec'] for s in lab.stat() if s['kind'] == 'host'
            for n in s['nics']]
    mtu = lab.run('h', 'cat /sys/class/net/hvhost0/mtu').stdout.strip()
    return spec, len(os.listdir(f'/proc/{lab.hostp.pid}/fd')), mtu


def every_step_fails(lab, args, limit):
    """How many of the steps, which limit(k) lets fail, have failed."""
    before = state(lab)
    failed = 0
    for k in range(20):
        with limit(k):
            r = lab.set(*args, check=False)
        if r.returncode == 0:
            break
        failed += 1
        assert r.returncode == 4 and len(r.stderr.splitlines()) == 1, r
        assert state(lab) == before
        lab.echoes('g', HOST, 3)
    assert r.returncode == 0, r
    lab.ready()
    return failed


@pytest.mark.parametrize('args', [
    ('hvhost0', 'delay=1ms', 'tso=off', 'mtu=1400'),
    ('hvhost0', 'rxcsum=off', 'delay=1ms', 'rsc=off'),
    ('--add', 'backend=tap,name=hvadd,queues=2,delay=1ms,netns=%s')],
    ids=' '.join)
def test_descriptors(lab, args):
    lab.pair()
    pid = lab.hostp.pid
    args = [x.replace('%s', lab.netns('h')) for x in args]

    # One is the client's; the k after it are for the setting.
    assert every_step_fails(lab, args, lambda k: limited(
        pid, resource.RLIMIT_NOFILE, next_fd(pid) + 1 + k)) >= 2


@pytest.mark.skipif('HVNET_SANITIZER' in os.environ,
                    reason='a sanitizer has its own idea of memory')
@pytest.mark.parametrize('args', [
    ('hvhost0', 'delay=1ms', 'tso=off'),
    ('--add', 'backend=null,name=n1,queues=2,delay=1ms')], ids=' '.join)
def test_memory(lab, args):
    """Two queues have four lines of 4 MiB: each of them fails once."""
    lab.pair()
    pid = lab.hostp.pid
    assert every_step_fails(lab, args, lambda k: limited(
        pid, resource.RLIMIT_AS, bytes_mapped(pid) + (1 + 2 * k << 20))) >= 4
