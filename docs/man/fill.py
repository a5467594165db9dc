#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fill a manual page: "@hvnet ARGS@" becomes what that prints, and
"@options COMMAND@" a list of the options in that command's --help.  The footer
names hvnet and its version.  From include/hvnet.h come "@function NAME@", a
prototype, "@struct NAME@" with its comments, and "@defines PATTERN@", the
constants whose names begin like that.

So tables of options and counters come from the program itself.

usage: fill.py HVNET TEMPLATE
"""
import pathlib
import re
import subprocess
import sys

hvnet, template = sys.argv[1:]


def output(*args):
    return subprocess.run([hvnet, *args], check=True, capture_output=True,
                          text=True).stdout


def options(command):
    """Items of a list: the lines of --help that begin with an option."""
    items = []
    for row in output(*command.split(), '--help').splitlines():
        m = re.fullmatch(r' {2,6}--(\S+?)(?:=(\S+))? +(\S.*)', row)
        if m:
            items.append([m[1], m[2], m[3]])
        elif items and re.fullmatch(r' {20,}\S.*', row):
            items[-1][2] += ' ' + row.strip()
        elif items:
            break
    return ''.join(f'.It Fl -{name}{" Ar " + value.lower() if value else ""}\n'
                   f'{text}.\n' for name, value, text in items)


def header():
    return (pathlib.Path(__file__).resolve().parents[2] /
            'include/hvnet.h').read_text()


def literal(text):
    """As it stands in a literal block."""
    return re.sub(r'^(?=[.\'])', r'\\&', text.replace('\\', r'\e'),
                  flags=re.M)


def function(name):
    m = re.search(rf'^([a-z][\w ]*?[ *]+){name}\(([^;]*)\);', header(), re.M)
    words = re.sub(r'\s+', ' ', m[2]).split(', ')
    return f'.Ft {m[1].strip()}\n.Fn {name} ' + \
        ' '.join(f'"{w}"' for w in words) + '\n'


def struct(name):
    return literal(re.search(rf'^struct {name} \{{.*?^}};\n', header(),
                             re.M | re.S)[0])


def defines(pattern):
    rows = re.findall(rf'^#define ({pattern}.*)$', header(), re.M)
    return literal(''.join(row + '\n' for row in rows))


version = output('--version').split()[1]
for line in open(template, encoding='utf-8'):
    m = re.fullmatch(r'@(hvnet|options|function|struct|defines) (.*)@\n', line)
    if m:
        line = output(*m[2].split()) if m[1] == 'hvnet' else \
            globals()[m[1]](m[2])
    elif line == '.Os\n':
        line = f'.Os hvnet {version}\n'
    sys.stdout.write(line)
