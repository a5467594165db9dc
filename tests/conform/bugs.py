#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Put the bugs of bugs.list into copies of the files that they are in.

usage: bugs.py LIST [SOURCE OUT FILE]

Without a source: print which files they are in.
"""
import dataclasses
import pathlib
import re
import sys


@dataclasses.dataclass(frozen=True)
class Bug:
    name: str
    scenario: str
    also: frozenset         # scenarios that it rightly fails as well
    edits: tuple            # ((file, old, new), ...)


def parse(lines):
    """One bug: its head and its edits."""
    name, scenario, *also = lines[0].split()
    file, edits, was = None, [], ''
    for text in lines[1:]:
        if text[0] not in '-+':
            file = text.strip()
            was = ''
            continue
        if text[0] == '-' and was != '-':
            edits.append((file, [], []))
        edits[-1][1 + (text[0] == '+')].append(text[1:] + '\n')
        was = text[0]
    return Bug(name, scenario, frozenset(also), tuple(
        (f, ''.join(old), ''.join(new)) for f, old, new in edits))


def read_list(path):
    bugs = []
    text = re.sub(r'^#.*\n', '', pathlib.Path(path).read_text(), flags=re.M)
    for part in re.split(r'\n\n+', text.strip()):
        bugs.append(parse(part.splitlines()))
    return bugs


def main():
    if len(sys.argv) == 2:
        print(*sorted({f for b in read_list(sys.argv[1])
                       for f, _, _ in b.edits}))
        return
    listed, source, out, name = sys.argv[1:]
    text = pathlib.Path(source).read_text()
    for bug in read_list(listed):
        for file, old, new in bug.edits:
            if file != name:
                continue
            if text.count(old) == 1:
                text = text.replace(old, new)
            else:       # the test of the bugs fails for it
                print(f'{listed}: {bug.name} is stale: its lines that go are '
                      f'{text.count(old)} times in {file}, not once',
                      file=sys.stderr)
    head = f'#include "tests/conform/bug.h"\n#line 1 "{name}"\n'
    pathlib.Path(out).write_text(head + text)


if __name__ == '__main__':
    main()
