#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Circles of files that need each other.

An arrow is: one object file needs a symbol that another defines (nm).  A file
in a circle cannot be read, tested or replaced without the others.  KNOWN lists
the circles that are allowed, each with its reason; there may be no new one,
and none may grow.

usage: check_circles.py BUILD_DIR     exit 1 and the arrows of each new circle
"""
import collections
import pathlib
import re
import subprocess
import sys

# Each: the folder, its files, and why they may need each other.
KNOWN = [
    ('linux/host',
     'nic_leaving offer',
     'a NIC that its guest let go of is offered again'),
    ('linux/guest',
     'guest vp_loop',
     'VP 0 runs the control work and makes the threads of all'),
]
FOLDERS = ('core', 'linux', 'cli', 'sim')


def arrows(build):
    """{file: files whose symbols it needs}, by path without the suffix."""
    defined, needed = {}, collections.defaultdict(set)
    for folder in FOLDERS:
        for obj in sorted((build / folder).glob('**/*.c.o')):
            name = (obj.parent.parent / obj.name).relative_to(build)
            name = name.as_posix().removesuffix('.c.o')
            out = subprocess.run(['nm', '-g', obj], check=True, text=True,
                                 capture_output=True).stdout
            for kind, symbol in re.findall(r' ([A-Za-z]) (\S+)$', out, re.M):
                if kind == 'U':
                    needed[name].add(symbol)
                else:
                    defined[symbol] = name
    return {name: {defined[s] for s in symbols
                   if s in defined and defined[s] != name}
            for name, symbols in needed.items()}


def reach(graph, start):
    seen, todo = set(), [start]
    while todo:
        for other in graph.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def circles(graph):
    """Every largest set of files that all reach each other."""
    reached = {name: reach(graph, name) for name in graph}
    found = {frozenset(other for other in reached[name]
                       if name in reached.get(other, ()))
             for name in graph if name in reached[name]}
    return sorted(found, key=lambda c: (-len(c), sorted(c)))


graph = arrows(pathlib.Path(sys.argv[1]))
if not graph:
    sys.exit(f'{sys.argv[1]}: no object files of {", ".join(FOLDERS)}')
found = circles(graph)
bad = 0
for circle in found:
    print(f'{len(circle)} files: {" ".join(sorted(circle))}')
    if any(circle <= {f'{folder}/{n}' for n in names.split()}
           for folder, names, _ in KNOWN):
        continue
    bad += 1
    for name in sorted(circle):
        print(f'  {name} needs {" ".join(sorted(graph[name] & circle))}')
print(f'{len(graph)} files, {len(found)} circles, {bad} not known')
sys.exit(1 if bad else 0)
