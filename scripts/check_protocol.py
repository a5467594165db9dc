#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare what documents say about the code with the code.

In docs/*.md (docs/protocol.md above all), and for functions in every document
and comment:

  layout     under a heading that names `x_wire` (N bytes), a table whose
             columns begin `offset | size | field`: each field's offset and
             size are the compiler's, the rows cover the structure without a
             gap, N is its size; each structure of core/wire/*_wire.h has one
  constant   a table whose columns begin `constant | value`
  tunable    a table whose columns begin `tunable | default | min | max`: the
             rows of VSC_TUNABLES, all of them
  function   `path/file.c:function` is defined there; a comment of ours names
             no function() that the code does not have, but for FOREIGN

usage: check_protocol.py     exit 1 and a line on each mismatch
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

top = pathlib.Path(__file__).resolve().parent.parent
wire = sorted((top / 'core/wire').glob('*_wire.h'))
HEADERS = ['wire/' + h.name for h in wire] + [
    'wire/vmbus_msg.h', 'wire/vmbus_gpadl.h', 'wire/vmpkt.h', 'wire/nvs_msg.h',
    'wire/rndis_msg.h', 'wire/rndis_pkt.h', 'wire/ndis_obj.h',
    'bus/partition.h', 'bus/vmc_priv.h', 'bus/vms.h', 'pkt/pkt_coal.h',
    'pkt/pkt_seg.h', 'vsc/vsc_priv.h', 'vsp/vsp_priv.h']
# Functions of other programs that our comments may name.
FOREIGN = {'shrink_dcache_parent'}
# The size of this one is open: hosts differ in what follows the state.
OPEN_SIZE = {'vmbus_modify_connection_result_wire'}


def tables():
    """(file, line, heading, columns, cells) of each row of each table."""
    for doc in sorted((top / 'docs').glob('*.md')):
        heading, columns, fenced = '', None, False
        for n, line in enumerate(doc.read_text().splitlines(), 1):
            if line.startswith('```'):
                fenced = not fenced
            if fenced:
                continue
            if line.startswith('#'):
                heading = line
            if not line.startswith('|'):
                columns = None
                continue
            cells = [c.strip() for c in line.strip().strip('|').split('|')]
            if columns is None:
                columns = cells
            elif not set(line) <= set('|-: '):
                yield f'docs/{doc.name}:{n}', heading, columns, cells


def collect():
    """Questions to the compiler: (where, what, C expression, answer)."""
    seen, ends = set(), {}
    for where, heading, columns, cells in tables():
        if columns[:2] == ['constant', 'value']:
            name = cells[0].strip('`')
            yield where, name, name, int(cells[1].split()[0], 0)
        if columns[:3] != ['offset', 'size', 'field']:
            continue
        m = re.search(r'`(\w+_wire)` \((\d+) bytes\)', heading)
        if m is None:
            continue
        struct, field = f'struct {m[1]}', cells[2].strip('`')
        at, size = int(cells[0]), int(cells[1])
        if at != ends.get(m[1], 0):
            yield where, f'{m[1]}: end of what precedes {field}', \
                str(ends.get(m[1], 0)), at
        ends[m[1]] = at + size
        yield where, f'offset of {field} in {m[1]}', \
            f'offsetof({struct}, {field})', at
        yield where, f'size of {field} in {m[1]}', \
            f'sizeof((({struct} *)0)->{field})', size
        seen.add((where.split(':')[0], m[1], int(m[2])))
    for where, name, size in sorted(seen):
        yield where, f'{name}: end of the last row', str(ends[name]), size
        if name not in OPEN_SIZE:
            yield where, f'size of {name}', f'sizeof(struct {name})', size
    known = {name for _, name, _ in seen}
    for h in wire:
        for name in re.findall(r'^struct (\w+_wire) \{', h.read_text(), re.M):
            if name not in known:
                wrong.append(f'docs: no layout table of {name} ({h.name})')


def compiled(questions):
    """The compiler's answers, None where it knows no such name."""
    answers, skip = {}, set()
    with tempfile.TemporaryDirectory() as tmp:
        src, exe = f'{tmp}/a.c', f'{tmp}/a.out'
        while True:
            with open(src, 'w') as f:
                f.write('#include <stddef.h>\n#include <stdio.h>\n')
                f.writelines(f'#include "{h}"\n' for h in HEADERS)
                f.write('int main(void)\n{\n')
                for i, (_, _, expr, _) in enumerate(questions):
                    if i not in skip:
                        f.write(f'#line 1 "ask{i}"\n'
                                f'printf("{i} %lld\\n", '
                                f'(long long)({expr}));\n')
                f.write('#line 1 "end"\nreturn 0;\n}\n')
            cc = os.environ.get('CC') or shutil.which('cc') or 'gcc'
            done = subprocess.run(
                cc.split() + ['-O0', '-w', '-I', top / 'core', '-I',
                              top / 'linux/port', '-I', top, src, '-o', exe],
                capture_output=True, text=True)
            if done.returncode == 0:
                break
            bad = {int(n) for n in re.findall(r'^ask(\d+):\d+:\d+: .*error',
                                              done.stderr, re.M)} - skip
            if not bad:
                sys.exit(done.stderr)
            skip |= bad
        for line in subprocess.run([exe], capture_output=True, text=True,
                                   check=True).stdout.splitlines():
            i, value = line.split()
            answers[int(i)] = int(value)
    return answers


def tunables():
    text = (top / 'core/vsc/vsc.h').read_text()
    text = text[text.index('#define VSC_TUNABLES'):]
    text = text[:text.index('struct vsc_tunables')]
    code = {m[0]: [int(v, 0) for v in m[1:]] for m in re.findall(
        r'X\((\w+), (\w+), (\w+), (\w+),', text)}
    for where, _, columns, cells in tables():
        if columns[:4] != ['tunable', 'default', 'min', 'max']:
            continue
        name, doc = cells[0].strip('`'), [int(c, 0) for c in cells[1:4]]
        is_ = code.pop(name, None)
        if is_ != doc:
            wrong.append(f'{where}: {name} is {is_}, not {doc}')
    wrong.extend(f'docs: no row for the tunable {name}' for name in code)


def sources(*patterns):
    out = subprocess.run(['git', 'ls-files', *patterns], cwd=top, text=True,
                         capture_output=True, check=True).stdout
    return [top / p for p in out.split() if (top / p).exists()]


def functions():
    """`file:function` in documents, with or without a blank."""
    for doc in sources('*.md', 'docs/man/*.in'):
        where = doc.relative_to(top)
        for n, line in enumerate(doc.read_text().splitlines(), 1):
            for name, func in re.findall(
                    r'`([\w/]+/[\w.]+\.[ch])`?: ?`?(\w+)`', line):
                path = top / name
                if not path.exists():
                    wrong.append(f'{where}:{n}: no file {name}')
                elif not re.search(rf'^(#define )?{func}\(',
                                   path.read_text(), re.M) and \
                        not re.search(rf'^\t(bool|int|void) \(\*{func}\)\(',
                                      path.read_text(), re.M):
                    wrong.append(f'{where}:{n}: {name} defines no {func}()')


def comments():
    """Functions that comments name, as name()."""
    names, said = set(), []
    for path in sources('*.c', '*.h'):
        text = path.read_text()
        names |= set(re.findall(r'\w+', re.sub(r'/\*.*?\*/', '', text,
                                              flags=re.S)))
        said += [(path, func) for comment in re.findall(r'/\*.*?\*/', text,
                                                        re.S)
                 for func in re.findall(r'\b(\w+_\w+)\(\)', comment)]
    for path, func in said:
        if func not in names | FOREIGN:
            wrong.append(f'{path.relative_to(top)}: a comment names {func}(), '
                         'which does not exist')


wrong = []
asked = list(collect())
got = compiled(asked)
for i, (where, what, _, want) in enumerate(asked):
    if i not in got:
        wrong.append(f'{where}: {what}: the code has no such name')
    elif got[i] != want and got[i] + (1 << 32) != want:
        wrong.append(f'{where}: {what} is {got[i]}, not {want}')
tunables()
functions()
comments()
if not asked:
    wrong.append('docs: nothing to check')
print('\n'.join(wrong) if wrong else f'{len(asked)} facts agree')
sys.exit(1 if wrong else 0)
