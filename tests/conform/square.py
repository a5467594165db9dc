#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each bug of bugs.list against scenarios of `hvnet conform`, in one process
and under virtual time: the bug's own scenario finds it, all others pass, but
those that bugs.list names with it.

usage: square.py WORLD [--others N | --all | --straight] [--bug NAME]
           [--table FILE]

Prints TAP.  The N others are drawn by HVNET_SEED.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import random

import bugs
import inprocess

HERE = pathlib.Path(__file__).resolve().parent
# Bugs whose scenario no world can tell are found there.
REAL = 'tests/net/test_conform.py'
SEED = os.environ.get('HVNET_SEED', '1')


def parse():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument('world')
    p.add_argument('--others', type=int, default=5)
    p.add_argument('--all', action='store_true')
    p.add_argument('--straight', action='store_true', help='no bugs')
    p.add_argument('--bug', action='append', default=[])
    p.add_argument('--table')
    return p.parse_args()


def drawn(bug, names, o):
    """The bug's own scenario, and others to compare."""
    rest = sorted(set(names) - {bug.scenario})
    if not o.all:
        rest = random.Random(f'{SEED} {bug.name}').sample(
            rest, min(o.others, len(rest)))
    return [bug.scenario, *rest]


def wrong(bug, name, verdict, why):
    """What this verdict says against bug or scenario; '' if it is right."""
    if name == bug.scenario:
        if verdict == 'elsewhere' and \
                f"'{bug.name}'" in (inprocess.TOP / REAL).read_text():
            return ''
        return '' if verdict == 'fail' else \
            f'{name} does not find it: {verdict} {why}'
    if verdict == 'fail' and not any(fnmatch.fnmatch(name, g)
                                     for g in bug.also):
        return f'{name} fails as well: {why[:80]} (if that is right, name it ' \
            'behind the scenario in bugs.list)'
    return ''


def stale(bug):
    """Its lines are not where it looks for them any more."""
    for file, old, _ in bug.edits:
        n = (inprocess.TOP / file).read_text().count(old)
        if n != 1:
            yield f'bugs.list: its lines that go are {n} times in {file}, ' \
                f'not once (correct the list with your change): {old.strip()}'


def run(bug, told, o):
    """[(scenario, verdict, why), ...]"""
    return [(n, *inprocess.play(told[n], o.world, bug and bug.name))
            for n in (drawn(bug, told, o) if bug else told)]


def main():
    o = parse()
    told = inprocess.scenarios()
    listed = [b for b in bugs.read_list(HERE / 'bugs.list')
              if not o.straight and (not o.bug or b.name in o.bug)]
    strangers = [b for b in listed if b.scenario not in told]
    without = sorted(set(told) - {b.scenario for b in listed})
    # Has every scenario a bug?  That can be told of the whole list.
    asked = not o.bug and not o.straight
    print(f'1..{len(listed) + 1 + asked}')
    failed = 0

    def result(number, name, complaints):
        nonlocal failed
        failed += bool(complaints)
        print(f'{"not " if complaints else ""}ok {number} - {name}')
        for c in complaints:
            print(f'# {c}', flush=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda b: run(b, told, o),
                        [None, *(b for b in listed if b not in strangers)])
        straight = next(runs)
        result(1, 'without a bug every scenario passes',
               [f'{n}: {v} {why[:120]}' for n, v, why in straight
                if v not in ('pass', 'elsewhere')])
        for n, v, why in straight:
            if v == 'elsewhere':
                print(f'# {n}: only with real processes, in {REAL}: {why}')
        table = {}
        for i, b in enumerate(listed):
            if b in strangers:
                result(i + 2, b.name, [f'no scenario {b.scenario}'])
                continue
            table[b] = next(runs)
            result(i + 2, f'{b.name} by {b.scenario}', list(stale(b)) or
                   [w for got in table[b] if (w := wrong(b, *got))])
    if asked:
        result(len(listed) + 2, 'every scenario has a bug',
               [f'{n}: none in bugs.list' for n in without])
    if o.table:
        write_table(o.table, table, straight)
    raise SystemExit(failed != 0)


def write_table(path, table, straight):
    lines = ['| bug | its scenario | what that says | fail as well |',
             '|---|---|---|---|']
    for b, got in table.items():
        why = next(w for n, _, w in got if n == b.scenario)
        also = [n for n, v, _ in got if v == 'fail' and n != b.scenario]
        lines.append(f'| {b.name} | {b.scenario} | {why[:90]} | '
                     f'{", ".join(also)} |')
    elsewhere = [n for n, v, _ in straight if v == 'elsewhere']
    lines += ['', 'Only with real processes: ' + (', '.join(elsewhere) or '-')]
    pathlib.Path(path).write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
