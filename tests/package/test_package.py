# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages: built from this tree, looked at by lintian, used in a
clean Debian.  Only make check-full.
"""
import os

import pytest

from conftest import NAMES, TOP, commit, full, sh
from debian_apt import CACHE, apt_options, apt_settings

SUITE = 'bookworm'

pytestmark = full


def test_lintian(debs):
    out = sh('lintian', '--allow-root', '--tag-display-limit', '0',
             '--fail-on', 'error,warning', '--suppress-tags',
             'initial-upload-closes-no-bugs', *sorted(debs.glob('*.changes')))
    assert not [x for x in out.splitlines() if x[:2] in ('E:', 'W:')], out


@pytest.fixture(scope='module')
def root(shelf, folder):
    """A small Debian with our packages, installed by apt."""
    sh('sh', '-c', 'dpkg-scanpackages -m . >Packages', cwd=shelf)
    apt_options(SUITE)
    made = folder / 'root'
    sh('mmdebstrap', '--variant=minbase', '--format=directory',
       f'--include={",".join(NAMES)},gcc,libc6-dev,pkg-config,iproute2,'
       'iputils-ping', '--aptopt=Acquire::Languages "none"',
       *(f'--aptopt={line}' for line in apt_settings()), SUITE, made,
       *sorted((CACHE / f'apt-{SUITE}/list.d').iterdir()),
       f'deb [trusted=yes] copy:{shelf} ./')
    yield made


def inside(root, script):
    """Run a shell script in the root, in namespaces of its own."""
    return sh('unshare', '-m', '-n', '-p', '-f', '--propagation', 'private',
              'sh', '-ec',
              f'mount -t proc proc {root}/proc; mount --bind /dev {root}/dev; '
              f'ip link set lo up; exec chroot {root} sh -ec "$1"', 'sh',
              script)


def test_a_guest_of_an_installed_host(root):
    """hvnet host from the package, a program built with the -dev package."""
    out = inside(root, r'''
        cd /root
        hvnet --version
        cc $(pkg-config --cflags hvnet) -o echo \
            /usr/share/doc/libhvnet-dev/examples/echo.c \
            $(pkg-config --libs hvnet)
        ldd ./echo
        hvnet host --listen /run/hv.sock --nic backend=tap,name=n0 &
        host=$!
        until [ -S /run/hv.sock ]; do sleep 0.1; done
        ./echo /run/hv.sock n0 10.8.0.9 >log &
        echo=$!
        until grep -q 'answers on' log; do sleep 0.1; done
        ip addr add 10.8.0.1/24 dev n0
        ip link set n0 up
        ping -c 3 -W 5 10.8.0.9
        hvnet stat >/dev/null
        kill $echo; wait $echo
        kill $host; wait $host
        ''')
    if 'HVNET_DEBS' not in os.environ:
        assert f' ({commit().strip()})\n' in out
    assert 'libhvnet.so.0 => /lib/' in out.replace('/usr/lib/', '/lib/')
    assert '3 received' in out


def test_qemu_is_that_of_the_tree(root):
    """The package has what QEMU is built of: the script names the same
    result as the tree's, by a hash of all inputs."""
    print_it = 'scripts/qemu-build.sh --print || :'
    env = 'XDG_CACHE_HOME=/none '
    there = inside(root, f'cd /usr/share/hvnet; {env}{print_it}')
    here = sh('sh', '-c', f'{env}{print_it}', cwd=TOP)
    assert there.splitlines()[-1] and '/none/' in here

    def inputs(top):
        return sh('sh', '-c', 'cat scripts/qemu-build.sh qemu/* '
                  'linux/link/link_wire.h | sha256sum', cwd=top)
    assert inputs(TOP) == inputs(root / 'usr/share/hvnet')


def test_what_is_where(root, debs):
    for path in ('usr/share/man/man1/hvnet-host.1.gz',
                 'usr/share/man/man3/hvnet_close.3.gz',
                 'usr/share/bash-completion/completions/hvnet'):
        assert (root / path).exists(), path
    # Scripts are not looked for where it was built.
    program = (root / 'usr/bin/hvnet').read_bytes()
    assert b'/usr/share/hvnet/scripts' in program
    assert f'{debs}/hvnet/scripts'.encode() not in program
    # It goes as it came.
    inside(root, 'dpkg --purge hvnet libhvnet-dev libhvnet0; '
           'test ! -e /usr/share/hvnet; test ! -e /usr/lib/hvnet')
