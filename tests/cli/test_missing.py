# SPDX-License-Identifier: BSD-2-Clause
"""What a subcommand says where the kernel lacks what it needs.

A system call that a kernel does not have is played by a seccomp filter.
Environment as test_cli.py.
"""
import ctypes
import errno
import os
import platform
import struct
import subprocess

import pytest

from test_cli import FAILED, HVNET

NUMBERS = {'x86_64': {'fanotify_init': 300, 'fanotify_mark': 301},
           'aarch64': {'fanotify_init': 262, 'fanotify_mark': 263}}
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7fff0000, 0x00050000

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason='needs root'),
    pytest.mark.skipif(platform.machine() not in NUMBERS,
                       reason='system call numbers unknown'),
]


def without(call, error):
    """For preexec_fn: this call fails with this error from now on."""
    number = NUMBERS[platform.machine()][call]
    code = b''.join(struct.pack('HBBI', *i) for i in (
        (LOAD, 0, 0, 0), (EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | error),
        (RETURN, 0, 0, ALLOW)))
    libc = ctypes.CDLL(None, use_errno=True)

    def apply():
        buf = ctypes.create_string_buffer(code)
        prog = ctypes.create_string_buffer(
            struct.pack('HxxxxxxP', 4, ctypes.addressof(buf)))
        if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), 'seccomp')
    return apply


def mounts():
    with open('/proc/self/mountinfo') as f:
        return f.read()


@pytest.fixture
def host(tmp_path):
    env = {**os.environ, 'HVNET_RUN': str(tmp_path / 'run')}
    sock = str(tmp_path / 'sock')
    p = subprocess.Popen([HVNET, 'host', '--listen', sock, '--nic',
                          'backend=null,name=n0'], env=env, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert p.stdout.readline().startswith('listening on ')

    def uio(preexec):
        before = mounts()
        r = subprocess.run([HVNET, 'uio', '--connect', sock, '--', '/bin/true',
                            '--no-huge'], env=env, text=True, timeout=20,
                           capture_output=True, preexec_fn=preexec)
        assert mounts() == before
        return r
    yield uio
    p.terminate()
    p.communicate(timeout=20)
    assert p.returncode == 0
    assert list((tmp_path / 'run').iterdir()) == []


@pytest.mark.parametrize('error', [errno.ENOSYS, errno.EPERM],
                         ids=['not in the kernel', 'not permitted'])
def test_uio_without_fanotify(host, error):
    """One line that says what is missing and what would be right."""
    r = host(without('fanotify_init', error))
    assert (r.returncode, r.stdout) == (FAILED, '')
    assert r.stderr == (
        f'hvnet uio: fanotify: {os.strerror(error)} (it needs CAP_SYS_ADMIN '
        'and a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS)\n')


def test_uio_without_permission_events(host):
    """fanotify is there, but takes no mark that requests permission."""
    r = host(without('fanotify_mark', errno.EINVAL))
    assert r.returncode == FAILED and len(r.stderr.splitlines()) == 1
    assert 'fanotify' in r.stderr and \
        'CONFIG_FANOTIFY_ACCESS_PERMISSIONS' in r.stderr


def test_uio_with_fanotify(host):
    """The filter's other side: with it, the program runs."""
    assert host(None).returncode == 0
