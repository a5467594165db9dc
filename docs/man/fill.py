#!/usr/bin/env python3
"""Fill a manual page: each line "@hvnet ARGS@" becomes what that prints.

So tables of options and counters come from the program itself.

usage: fill.py HVNET TEMPLATE
"""
import re
import subprocess
import sys

hvnet, template = sys.argv[1:]
for line in open(template, encoding='utf-8'):
    m = re.fullmatch(r'@hvnet (.*)@\n', line)
    sys.stdout.write(line if not m else subprocess.run(
        [hvnet, *m.group(1).split()], check=True, capture_output=True,
        text=True).stdout)
