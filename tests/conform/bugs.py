#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Put the bugs of bugs.list into copies of the files that they are in.

usage: bugs.py LIST SOURCE OUT FILE
"""
import pathlib
import re
import sys


def read_list(path):
    """[(name, file, scenario, [(old, new), ...]), ...]"""
    bugs = []
    for text in pathlib.Path(path).read_text().splitlines():
        m = re.fullmatch(r'(\S+) (\S+) (\S+)', text)
        if text.startswith('#') or not text:
            continue
        if m and text[0] not in '-+':
            bugs.append((m[1], m[2], m[3], []))
            continue
        edits = bugs[-1][3]
        if text[0] == '-' and (not edits or edits[-1][1]):
            edits.append(([], []))
        edits[-1][text[0] == '+'].append(text[1:])
    return bugs


def main():
    listed, source, out, name = sys.argv[1:]
    text = pathlib.Path(source).read_text()
    for bug, file, _, edits in read_list(listed):
        for old, new in edits if file == name else ():
            old, new = ('\n'.join(x) + '\n' for x in (old, new))
            if text.count(old) == 1:
                text = text.replace(old, new)
            else:       # tests/net/test_conform.py fails for it
                print(f'{listed}: {bug} is stale: its lines that go are '
                      f'{text.count(old)} times in {file}, not once',
                      file=sys.stderr)
    head = ('#include <stdbool.h>\nbool hvnet_bug(const char *name);\n'
            f'#line 1 "{name}"\n')
    pathlib.Path(out).write_text(head + text)


if __name__ == '__main__':
    main()
