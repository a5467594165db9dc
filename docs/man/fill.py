#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fill a manual page: "@hvnet ARGS@" becomes what that prints, and
"@options COMMAND@" a list of the options in that command's --help.  The footer
names hvnet and its version.

So tables of options and counters come from the program itself.

usage: fill.py HVNET TEMPLATE
"""
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


version = output('--version').split()[1]
for line in open(template, encoding='utf-8'):
    m = re.fullmatch(r'@(hvnet|options) (.*)@\n', line)
    if m:
        line = output(*m[2].split()) if m[1] == 'hvnet' else options(m[2])
    elif line == '.Os\n':
        line = f'.Os hvnet {version}\n'
    sys.stdout.write(line)
