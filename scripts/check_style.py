#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""House rules that a machine can check.

  length    no hand-written file over 800 lines, no function over 70; names
            unique across core/
  opening   line 1 names the licence (SPDX); in a .c or .h a comment follows
            whose first line says what the file is for; what can be run has #!
  prefix    every external symbol of core/ begins with its module's name
  packet    README's "follow one packet" names functions that exist there
  columns   no line of code over 80 columns, tabs being 8
  blanks    no blank at the end of a line, in any file that is text
  words     documents, manual pages, comments and texts of C use the plain forms
            of WORDS; code and quotations are free, and so is qemu/

usage: check_style.py RULE [BUILD_DIR]     exit 1 and lines on what is wrong
"""
import os
import pathlib
import re
import subprocess
import sys

top = pathlib.Path(__file__).resolve().parent.parent
PREFIXES = ('ring', 'chan', 'gpadl', 'vmc', 'vms', 'nvs', 'rndis', 'pkt',
            'toeplitz', 'vsc', 'vsp', 'part', 'guestmem', 'vmbus', 'vmpkt',
            'ndis', 'hv_', 'fault', 'wire', 'synic', 'oid')

WORDS = (               # a blank is any white space
    (r', too\b(?! (many|few|much|long|short|late|large|small))', 'also'),
    (r'\blikewise\b', 'also; the same'),
    (r'\bask(s|ed|ing)? for\b', 'requests'),
    (r'\btak(es?|ing|en) (it|them|this|that) for\b', 'assumes that it is'),
    (r'\bnone (comes?|came)\b', 'there is none'),
    (r'\bof those\b', 'the name of the things'),
    (r'\bsaid\b', 'reported; printed'),
    (r'\balone\b', 'only'),
    (r'\b(speaks?|spoke) of\b', 'names; describes'),
    (r'\bmakes? nothing of\b', 'does not use'),
    (r'\b(to|could|cannot) be had\b', 'is (not) available'),
    (r'\bfor want of\b', 'for lack of'),
    (r'\bthe short way\b', 'the fast path'),
    (r'\bbut for\b', 'except'),
    (r'\banew\b', 'again'),
    (r'\bnot so\b', 'no; what is wrong'),
    (r'\b(be|been|is|are|was|were) got\b', 'taken; received'),
    (r'\bhears? of\b', 'sees; learns'),
    (r'\bin place of\b', 'instead of'),
    (r'\basks? (of|nobody)\b', 'requests of; needs nobody'),
    (r'\bso long\b(?! as)', 'this long; for how long'),
    (r'\bserved without\b', 'we do without it'),
    (r'\btak(es?|ing) (an?|the|any|whatever) [\w ]{1,30} for (an?|the|its)\b',
     'to it, that is a ...'),
)


def sources(*patterns):
    out = subprocess.run(['git', 'ls-files', *patterns], cwd=top,
                         capture_output=True, text=True, check=True).stdout
    return [top / p for p in out.split() if (top / p).exists()]


def length():
    seen = {}
    for f in sources('*.c', '*.h'):
        lines = f.read_text().splitlines()
        rel = f.relative_to(top)
        if len(lines) > 800:
            yield f'{rel}: {len(lines)} lines; 800 is the limit, split it'
        begin = None
        for n, line in enumerate(lines, 1):
            if line == '{':
                begin = n
            elif line == '}' and begin and n - begin - 1 > 70:
                yield f'{rel}:{begin}: a function of {n - begin - 1} lines; ' \
                    '70 is the limit, split it'
        if rel.parts[0] == 'core':
            if f.name in seen:
                yield f'{rel}: same name as {seen[f.name]}'
            seen[f.name] = rel


def opening():
    """qemu/ is GPL-2.0-or-later, the rest BSD-2-Clause."""
    for f in sources('*.c', '*.h', '*.py', '*.sh', '*.pml'):
        rel, lines = f.relative_to(top), f.read_text().splitlines()
        if lines[0].startswith('#!'):
            del lines[0]
        licence = 'GPL-2.0-or-later' if rel.parts[0] == 'qemu' else \
            'BSD-2-Clause'
        spdx = f'SPDX-License-Identifier: {licence}'
        if lines[0] not in (f'# {spdx}', f'/* {spdx} */'):
            yield f'{rel}: line 1 is not its licence ({spdx})'
        if f.suffix in ('.c', '.h'):
            second = lines[2] if lines[1] == '/*' else lines[1]
            if not re.match(r'(/| )\* *[\w/`-]', second) or \
                    second.startswith(' * Theory of operation'):
                yield f'{rel}: no comment after its licence that begins with ' \
                    'what it is for'
    for f in sources():
        if os.access(f, os.X_OK) and f.read_bytes()[:2] != b'#!':
            yield f'{f.relative_to(top)}: can be run, but has no #! line'


def prefix():
    build = pathlib.Path(sys.argv[2])
    for lib in sorted(build.glob('core/*/*.a')):
        out = subprocess.run(['nm', '-g', '--defined-only', lib],
                             capture_output=True, text=True).stdout
        for line in out.splitlines():
            f = line.split()
            if len(f) == 3 and not f[2].startswith(PREFIXES) and \
                    not f[2].startswith('__'):
                yield f'{lib.name}: {f[2]}: not named after its module'


def packet():
    readme = (top / 'README.md').read_text()
    found = re.findall(r'`([\w/]+\.[ch]):(\w+)`', readme)
    if not found:
        yield 'README.md: no `file:function` in it'
    for name, func in found:
        path = top / name
        if not path.exists():
            yield f'README.md: {name} does not exist'
        elif not re.search(rf'^{func}\(', path.read_text(), re.M):
            yield f'README.md: {name} defines no {func}()'


def columns():
    for f in sources('*.c', '*.h', '*.py', '*.sh', '*meson.build', 'Makefile'):
        for n, line in enumerate(f.read_text().splitlines(), 1):
            width = len(line.expandtabs(8))
            if width > 80:
                yield f'{f.relative_to(top)}:{n}: {width} columns; 80 is the ' \
                    'limit, cut it'


def blanks():
    for f in sources(':!tests/fuzz/corpus'):
        for n, line in enumerate(f.read_bytes().split(b'\n'), 1):
            if line.endswith((b' ', b'\t', b'\r')):
                yield f'{f.relative_to(top)}:{n}: blank at the end of the line'


def blank(pattern, text):
    """The text with blanks where the pattern fits, its lines kept."""
    return re.sub(pattern, lambda m: re.sub(r'\S', ' ', m[0]), text,
                  flags=re.M | re.S)


def prose(path):
    """What is a sentence in a file: no code and nothing quoted."""
    text = path.read_text()
    quoted = r'"([^"\n]|\n(?!\s*\n))*"'
    if path.suffix == '.md':
        text = blank(r'^```.*?^```', text)
        return blank(quoted, blank(r'`([^`\n]|\n(?!\n))*`', text))
    if path.suffix == '.in':
        return blank(r'^\.(It|Ql|Bd -literal.*?^\.Ed).*?$', text)
    at, out = 0, ''
    for m in re.finditer(r'/\*.*?\*/|"(\\.|[^"\\\n])*"', text, re.S):
        code, found = text[at:m.start()], m[0]
        if found[0] == '/':
            found = blank(quoted, re.sub(r'^\s*\*', ' ', found, flags=re.M))
        out, at = out + re.sub(r'\S', ';', code) + found, m.end()
    return out


def words():
    for f in sources('*.md', 'docs/man/*.in', '*.c', '*.h', ':!qemu'):
        text = prose(f)
        for pattern, plain in WORDS:
            for m in re.finditer(pattern.replace(' ', r'\s+'), text, re.I):
                line = text.count('\n', 0, m.start()) + 1
                yield f'{f.relative_to(top)}:{line}: ' \
                    f'"{" ".join(m[0].split())}": plainer is "{plain}"'


rules = {'length': length, 'opening': opening, 'prefix': prefix,
         'packet': packet, 'columns': columns, 'blanks': blanks,
         'words': words}
if len(sys.argv) < 2 or sys.argv[1] not in rules:
    sys.exit(__doc__)
wrong = list(rules[sys.argv[1]]())
print('\n'.join(wrong) if wrong else 'ok')
sys.exit(1 if wrong else 0)
