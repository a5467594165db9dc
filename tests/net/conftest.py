# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the traffic tests: a lab per test, and reasons to skip."""
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] /
                       'scripts'))
from lab import Lab     # noqa: E402


def missing():
    if os.geteuid() != 0:
        return 'needs root: namespaces and TAPs'
    if not os.path.exists('/dev/net/tun'):
        return 'no /dev/net/tun'
    for tool in ('ip', 'iperf3', 'ping', 'ethtool'):
        if shutil.which(tool) is None:
            return f'no {tool}'
    return None


@pytest.fixture
def lab():
    why = missing()
    if why:
        pytest.skip(why)
    with Lab() as made:
        yield made
        made.check_processes()


full = pytest.mark.skipif(not os.environ.get('HVNET_FULL'),
                          reason='long; runs in make check-full')
