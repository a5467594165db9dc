#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every benchmark, one after the other, with their JSON on standard output.

Tables and progress go to standard error.  Each can also be run by itself, with
options of its own: bench/tcp.py --help, `hvnet bench pps --help`, ...

  memory        memory of the host end for a NIC and for a channel
  instructions  instructions of each layer for a frame (callgrind)
  capture       what a capture costs the host's workers
  ladder        what each improvement gave, one step at a time
  tcp           TCP and ping against a bare TAP relay
  pps           frames a second against DPDK's netvsc PMD
  vm            the ladder of offloads in a stock kernel (builds a QEMU once)
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'scripts'))
from arguments import Parser, one_of        # noqa: E402

# What each is told for --quick.
QUICK = {
    'memory': [],
    'instructions': [],
    'capture': ['--rounds', '1'],
    'ladder': ['--quick'],
    'tcp': ['--rounds', '1', '--seconds', '1'],
    'pps': ['--quick'],
    'vm': ['--quick'],
}


def run(name, words):
    """Run one and print what it measured.  Returns its exit status."""
    cmd = [sys.executable, HERE / f'{name}.py', *words]
    print(f'--- {name}', file=sys.stderr, flush=True)
    if name not in ('ladder', 'pps', 'vm'):
        return subprocess.run(cmd).returncode
    # These print a table for people, and write JSON to a file.
    with tempfile.NamedTemporaryFile() as f:
        code = subprocess.run([*cmd, '--json', f.name],
                              stdout=sys.stderr).returncode
        sys.stdout.write(pathlib.Path(f.name).read_text(encoding='utf-8'))
        sys.stdout.flush()
    return code


def main():
    p = Parser(prog='bench/run.py', description=__doc__,
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('name', nargs='*', type=one_of(*QUICK),
                   help='benchmarks to run; default all')
    p.add_argument('--quick', action='store_true',
                   help='one short round of each, to check it works')
    o = p.parse_args()
    codes = [run(name, QUICK[name] if o.quick else [])
             for name in o.name or QUICK]
    sys.exit(max(codes))


if __name__ == '__main__':
    main()
