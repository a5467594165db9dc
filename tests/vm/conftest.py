# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the virtual machine tests, and reasons to skip."""
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] /
                       'scripts'))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
pytest.register_assert_rewrite('kit', 'linux_guest', 'freebsd_guest')
import kernels          # noqa: E402
import kit              # noqa: E402
from lab import Lab     # noqa: E402


def missing(tools):
    if os.geteuid() != 0:
        return 'needs root: namespaces and TAPs'
    if not os.path.exists('/dev/net/tun'):
        return 'no /dev/net/tun'
    for tool in tools:
        if shutil.which(tool) is None:
            return f'no {tool}'
    return None


@pytest.fixture(scope='session')
def machine():
    """QEMU and a Debian are there, or the test is skipped."""
    why = missing(('ip', 'iperf3', 'ping', 'ethtool'))
    if why:
        pytest.skip(why)
    try:
        kit.qemu()
        kernels.ready()
    except kit.ImageError as e:
        pytest.skip(f'cannot make a virtual machine: {e}')


def need(flavour):
    """A kernel of kernels.py is there, or the test is skipped."""
    try:
        kernels.ready(flavour)
    except kit.ImageError as e:
        pytest.skip(f'no kernel {flavour}: {e}')


@pytest.fixture
def lab(machine):
    with Lab() as made:
        yield made
        made.check_processes()


full = pytest.mark.skipif(not os.environ.get('HVNET_FULL'),
                          reason='long; runs in make check-full')
