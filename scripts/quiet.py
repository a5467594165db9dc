# SPDX-License-Identifier: BSD-2-Clause
"""Whether the machine was quiet enough for a verdict on what was measured.

Ratios and goals mean nothing where other processes had the processors, or where
repeats of one thing differ widely.  A benchmark makes a Quiet when it begins,
and prints no verdict if why() returns a sentence.

Others' time is the time of all processes in /proc/stat (and what a hypervisor
stole), less the time of our own process and all below it.  Neither includes
interrupts.
"""
import os
import pathlib
import statistics
import time
from collections import namedtuple

# Policy: seconds of the look before anything of ours runs.
BEFORE = 0.5
# Policy: others may take so much of all processors.
OTHERS = 0.1
# Policy: and repeats be so far apart, of their median.
SPREAD = 0.5

# Wall time, and processor seconds of all processes and of our own.
Times = namedtuple('Times', 'wall all own')


def all_seconds(stat, tick):
    """Of /proc/stat's text: user, nice, system and stolen."""
    ticks = [int(x) for x in stat.split('\n')[0].split()[1:]]
    return (sum(ticks[:3]) + sum(ticks[7:8])) / tick


def tree_seconds(processes, root):
    """Of {pid: (parent, seconds)}: of a process and all below it."""
    children = {}
    for pid, (parent, _) in processes.items():
        children.setdefault(parent, []).append(pid)
    total, todo = 0, [root]
    while todo:
        pid = todo.pop()
        total += processes.get(pid, (0, 0))[1]
        todo += children.get(pid, [])
    return total


def read_processes(tick):
    """{pid: (parent, seconds)}, with those of children that have ended."""
    found = {}
    for path in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            words = path.read_text(errors='replace').rsplit(')', 1)[1].split()
        except (OSError, IndexError):
            continue    # it has ended
        found[int(path.parent.name)] = (
            int(words[1]), sum(map(int, words[11:15])) / tick)
    return found


def read_times():
    tick = os.sysconf('SC_CLK_TCK')
    own = tree_seconds(read_processes(tick), os.getpid())
    stat = pathlib.Path('/proc/stat').read_text()
    return Times(time.monotonic(), all_seconds(stat, tick), own)


def processors_of_others(a, b):
    """How many others took, on average, between two Times."""
    return round(max(0, (b.all - a.all) - (b.own - a.own)) /
                 max(b.wall - a.wall, 1e-3), 2)


def spread(values):
    """How far apart repeats are, of their median; None: too few to know."""
    values = [v for v in values if v is not None]
    middle = statistics.median(values) if values else 0
    if len(values) < 2 or middle <= 0:
        return None
    return round((max(values) - min(values)) / middle, 2)


def judge(cpus, before, during, spreads):
    """A sentence on why there is no verdict, or ''."""
    widest = max((s for s in spreads if s is not None), default=0)
    why = [f'others took {x} of {cpus} processors {when}'
           for x, when in ((before, 'before it'), (during, 'meanwhile'))
           if x > OTHERS * cpus]
    if widest > SPREAD:
        why.append(f'repeats differ by {100 * widest:.0f} %')
    return 'the machine was busy: ' + ', '.join(why) if why else ''


class Quiet:
    def __init__(self):
        first = read_times()
        time.sleep(BEFORE)
        self.begin()
        self.before = processors_of_others(first, self.times)

    def begin(self):
        """What is judged begins now."""
        self.times = read_times()

    def look(self, *repeats):
        """For JSON: load since begin(), spread of lists of repeats, and why
        there is no verdict ('': there may be one)."""
        during = processors_of_others(self.times, read_times())
        spreads = [spread(r) for r in repeats]
        cpus = os.cpu_count()
        return {'cpus': cpus, 'others_before': self.before,
                'others_meanwhile': during,
                'spread': max((s for s in spreads if s is not None),
                              default=None),
                'no_verdict': judge(cpus, self.before, during, spreads)}
