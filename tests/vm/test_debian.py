# SPDX-License-Identifier: BSD-2-Clause
"""hvnet vm --debian: a command in a machine, its output, its exit code."""
import hashlib
import os
import pty
import signal
import subprocess

import pytest

import kernels
from conftest import full
from linux_guest import soon


@pytest.fixture
def vm(lab, tmp_path):
    """Run `hvnet vm --debian` in a folder of its own; nothing is left."""
    temporary = tmp_path / 'temporary'
    temporary.mkdir()

    def run(*args, code=0):
        r = subprocess.run(
            [lab.hvnet, 'vm', '--debian', *args], text=True, cwd=tmp_path,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
            env={**lab.env, 'TMPDIR': str(temporary)})
        assert r.returncode == code, (r.returncode, r.stdout, r.stderr)
        assert list(temporary.iterdir()) == []
        return r
    yield run


COMMAND = r'''
cat in/deep/file; ls /sys/class/net; cat /opt/in/deep/file | wc -c
printf 'a\tb\r\n\377' | od -An -tx1
printf 'to stderr\n' >&2
mkdir out; head -c 3000000 /dev/urandom >out/random; ln -s random out/link
sha256sum <out/random
sleep 1000 &
exit 7
'''


def test_command(vm, tmp_path):
    (tmp_path / 'in/deep').mkdir(parents=True)
    (tmp_path / 'in/deep/file').write_text('from here\n')
    r = vm('--copy', 'in', '--copy', 'in:/opt/in', '--fetch', '/root/out',
           '--host-nic', 'backend=null,name=one', '--host-nic',
           'backend=null,name=two', '--console', 'console',
           '--run', COMMAND, code=7)
    got = hashlib.sha256((tmp_path / 'out/random').read_bytes()).hexdigest()
    assert r.stdout.splitlines() == [
        'from here', 'eth0', 'eth1', 'lo', '10', ' 61 09 62 0d 0a ff',
        f'{got}  -']
    assert r.stderr == 'to stderr\n'
    assert os.readlink(tmp_path / 'out/link') == 'random'
    assert 'Run /init' in (tmp_path / 'console').read_text()


def test_terminal(lab):
    """A shell of root's; the machine ends with it, and so does its host."""
    ours, its = pty.openpty()
    p = subprocess.Popen([lab.hvnet, 'vm', '--debian'], stdin=its, stdout=its,
                         stderr=subprocess.PIPE, text=True, env=lab.env)
    os.close(its)
    said = b''

    def until(mark):
        nonlocal said
        while mark not in said:
            said += os.read(ours, 4096)
        said = said.split(mark, 1)[1]

    until(b'root@vm')
    soon('opened', lambda: lab.stat('n0')[0]['nics'][0]['attached'])
    os.write(ours, b'echo $((6 * 7))-$(id -un)\n')
    until(b'42-root')
    os.write(ours, b'exit\n')
    assert p.wait(30) == 0
    assert p.stderr.read() == 'hvnet vm: no --connect and no --host-nic: the ' \
        "machine's NIC is backend=null,name=n0\n"
    assert lab.stat() == []


@full
def test_what_goes_wrong(vm, tmp_path):
    # A crash loses what the port to the host still held.
    r = vm('--run', 'echo before; sleep 1; echo c >/proc/sysrq-trigger', code=1)
    assert r.stdout == 'before\n'
    assert 'Kernel panic' in r.stderr
    assert r.stderr.splitlines()[-1] == 'hvnet vm: the machine ended before ' \
        'the command did; the lines above are the last of its console'
    r = vm('--run', 'exit 3', '--fetch', '/root/none', code=1)
    assert r.stderr.splitlines()[-1] == \
        'hvnet vm: --fetch: the machine has no /root/none'
    r = vm('--run', 'true', '--host-nic', 'backend=tap,name=x,netns=nowhere',
           code=1)
    assert r.stderr.splitlines()[-1].startswith('hvnet host: ')


@full
def test_interrupted(lab):
    p = lab.start(None, [lab.hvnet, 'vm', '--debian', '--run',
                         'echo started; sleep 1000'])
    soon('started', lambda: 'started' in lab.log(p), 60)
    assert lab.end(p, signal.SIGINT) == 1
    assert 'the machine ended before the command did' in lab.log(p)
    assert lab.stat() == []


@full
@pytest.mark.parametrize('modules', [True, False])
def test_own_kernel(vm, modules):
    """A kernel as a file: with its modules as a folder, and one that has
    neither what mounts the root nor modules."""
    k = kernels.packaged('cloud')
    assert not (k.tree / 'kernel/drivers/virtio/virtio_pci.ko').is_dir()
    args = ['--kernel', str(k.image), '--run', 'uname -r; modprobe -v veth']
    if modules:
        r = vm('--modules', str(k.tree.parents[2]), *args)
        assert r.stdout.split()[0] == k.tree.name
        assert 'veth.ko' in r.stdout
    else:
        r = vm(*args, code=1)
        assert 'it needs CONFIG_VIRTIO_PCI' in r.stderr


@full
def test_systemd(vm):
    r = vm('--systemd', '--run', 'systemctl is-system-running --wait; '
           'cat /proc/1/comm; ls -d /sys/class/net/eth0; exit 5', code=5)
    assert r.stdout.split() == ['running', 'systemd', '/sys/class/net/eth0']


@full
@pytest.mark.parametrize('suite', ['trixie', 'sid'])
def test_other_suites(vm, suite):
    r = vm(suite, '--run', '. /etc/os-release; echo $VERSION_CODENAME; '
           'ls -d /sys/class/net/eth0')
    assert r.stdout.split()[1:] == ['/sys/class/net/eth0']
    assert suite in (r.stdout.split()[0], 'sid')
