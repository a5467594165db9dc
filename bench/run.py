#!/usr/bin/env python3
"""`make bench`: every benchmark, one JSON object a line on standard output.

Words on what goes on go to standard error.  Each can be run alone, with
options: bench/tcp.py, bench/memory.py, bench/instructions.py.
"""
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
code = 0
for name in ('memory.py', 'instructions.py', 'tcp.py'):
    if not (here / name).exists():
        continue
    print(f'--- {name}', file=sys.stderr, flush=True)
    code |= subprocess.run([sys.executable, here / name]).returncode
sys.exit(code)
