# SPDX-License-Identifier: BSD-2-Clause
"""Huge pages for tests and benches, given back when they end.

Several of them run at the same time.  Each holder of Pages holds a shared lock,
and none() waits until nobody else does: a program whose pages disappear fails
half-way (a DPDK program: "the port did not start").
"""
import atexit
import contextlib
import fcntl
import pathlib
import re
import time

NR = pathlib.Path('/proc/sys/vm/nr_hugepages')
USERS = '/proc/sys/vm/nr_overcommit_hugepages'  # only to be locked


class Missing(Exception):
    """Why something cannot be done here: one sentence."""


def info(name):
    """A number of /proc/meminfo, or None."""
    m = re.search(rf'^{name}:\s+(\d+)',
                  pathlib.Path('/proc/meminfo').read_text(), re.M)
    return m and int(m[1])


@contextlib.contextmanager
def count():
    """How many there are; nobody else changes it meanwhile."""
    with open(NR) as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield int(f.read())


def add(n):
    with count() as now:
        NR.write_text(str(max(0, now + n)))


class Users:
    """The lock on free pages; this process has it once, or not at all."""
    file = None
    held = 0

    @classmethod
    def alone(cls):
        """Lock it only for us if nobody else has it; True if we got it."""
        cls.file = cls.file or open(USERS)
        try:
            fcntl.flock(cls.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @classmethod
    def settle(cls):
        """Shared, or as long as we have no pages, free."""
        fcntl.flock(cls.file, fcntl.LOCK_SH if cls.held else fcntl.LOCK_UN)


@contextlib.contextmanager
def none(seconds=60):
    """No free ones, for a test of what is reported then.  Missing if others
    keep some for longer than that."""
    end = time.monotonic() + seconds
    try:
        while not Users.alone():
            if time.monotonic() > end:
                raise Missing('others have huge pages that they need')
            Users.settle()
            time.sleep(0.2)
        with count() as now:
            NR.write_text('0')
            try:
                yield
            finally:
                NR.write_text(str(now))
    finally:
        Users.settle()


class Pages:
    """Free pages of 2 MiB; `want`, or `least` at the least."""

    def __init__(self, want, least=None):
        self.want = want
        self.least = least or want
        self.added = 0
        self.have = False
        atexit.register(self.give_back)

    def take(self):
        """How many are free now; Missing if too few."""
        free = info('HugePages_Free')
        if free is None or not NR.exists():
            raise Missing('this kernel has no huge pages, which DPDK wants')
        if info('Hugepagesize') != 2048:
            raise Missing('huge pages of 2 MiB are wanted, these have '
                          f'{info("Hugepagesize")} KiB')
        if not self.have:
            # Free ones may be those that others count on.
            if not Users.alone():
                free = 0
            self.have = True
            Users.held += 1
            Users.settle()
        if free >= self.want:
            return free
        before = int(NR.read_text())
        add(self.want - free)
        self.added += max(0, int(NR.read_text()) - before)
        free = info('HugePages_Free')
        if free < self.least:
            self.give_back()
            raise Missing(f'only {free} huge pages are free, '
                          f'{self.least} are wanted: see vm.nr_hugepages')
        return free

    def give_back(self):
        """What was added, no more: others may also have reserved some."""
        if self.added:
            add(-self.added)
            self.added = 0
        if self.have:
            self.have = False
            Users.held -= 1
            Users.settle()
