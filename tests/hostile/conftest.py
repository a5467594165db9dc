# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the hostile tests: a lab, as in tests/net."""
import pathlib
import sys

import pytest

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parents[1] / 'scripts')]
from lab import Lab     # noqa: E402


def missing():
    import os
    if os.geteuid() != 0:
        return 'needs root: namespaces and TAPs'
    return None if os.path.exists('/dev/net/tun') else 'no /dev/net/tun'


@pytest.fixture
def lab():
    why = missing()
    if why:
        pytest.skip(why)
    with Lab() as made:
        yield made
        made.check_processes()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Whatever fails says how to see it again."""
    report = (yield).get_result()
    if report.failed:
        report.sections.append(('reproduce', '/usr/bin/python3 -m pytest '
                                f'"{item.nodeid}"'))
