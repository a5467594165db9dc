# SPDX-License-Identifier: BSD-2-Clause
"""Huge pages (scripts/hugepages.py) of tests and benches that run beside each
other: nobody takes what another one counts on."""
import subprocess
import sys

import pytest

import hugepages
from conftest import TOP
from hugepages import NR, Missing, Pages

OTHER = """
import sys
sys.path.insert(0, sys.argv[1])
from hugepages import Pages
p = Pages(8)
p.take()
print('has', flush=True)
sys.stdin.read()
p.give_back()
"""


@pytest.fixture
def other(pages):
    """A process that has pages, and uses none of them yet."""
    p = subprocess.Popen([sys.executable, '-c', OTHER, str(TOP / 'scripts')],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True)
    assert p.stdout.readline() == 'has\n'
    yield p
    p.communicate(timeout=30)
    assert p.returncode == 0


def test_none_waits(other):
    """They are not taken away from under another one."""
    before = int(NR.read_text())
    with pytest.raises(Missing, match='others'):
        with hugepages.none(0.5):
            raise AssertionError('they were taken')
    assert int(NR.read_text()) == before > 0
    other.communicate(timeout=30)
    with hugepages.none():
        assert hugepages.info('HugePages_Free') == 0


def test_free_is_not_enough(other):
    """Free pages that another one has are not ours."""
    before = int(NR.read_text())
    p = Pages(8)
    try:
        p.take()
        assert int(NR.read_text()) == before + 8
        p.take()        # once is enough
        assert int(NR.read_text()) == before + 8
    finally:
        p.give_back()
    assert int(NR.read_text()) == before
