"""Huge pages for tests and benches, given back when they end."""
import atexit
import contextlib
import fcntl
import pathlib
import re

NR = pathlib.Path('/proc/sys/vm/nr_hugepages')


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


@contextlib.contextmanager
def none():
    """No free ones, for a test that wants to see what is said then."""
    with count() as now:
        NR.write_text('0')
        try:
            yield
        finally:
            NR.write_text(str(now))


class Pages:
    """Free pages of 2 MiB; `want`, or `least` at the least."""

    def __init__(self, want, least=None):
        self.want = want
        self.least = least or want
        self.added = 0
        atexit.register(self.give_back)

    def take(self):
        """How many are free now; Missing if too few."""
        free = info('HugePages_Free')
        if free is None or not NR.exists():
            raise Missing('this kernel has no huge pages, which DPDK wants')
        if info('Hugepagesize') != 2048:
            raise Missing('huge pages of 2 MiB are wanted, these have '
                          f'{info("Hugepagesize")} KiB')
        if free >= self.want:
            return free
        before = int(NR.read_text())
        add(self.want - free)
        self.added += max(0, int(NR.read_text()) - before)
        free = info('HugePages_Free')
        if free < self.least:
            self.give_back()
            raise Missing(f'only {free} free huge pages to be had, '
                          f'{self.least} are wanted: see vm.nr_hugepages')
        return free

    def give_back(self):
        """What was added, no more: others may have reserved some, too."""
        if self.added:
            add(-self.added)
            self.added = 0
