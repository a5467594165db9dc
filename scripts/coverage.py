#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How many lines the fuzz targets reach from only their seeds.

Builds the targets with clang's coverage in build-check-cov, runs each over
its folder in tests/fuzz/corpus (and over --more DIR/TARGET, if there), and
prints lines reached by file.  Exit status 1 if the folders that
handle a peer's bytes have, together, less than GOAL percent.

  --more DIR   more seeds, such as what a fuzz run has found
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

top = pathlib.Path(__file__).resolve().parent.parent
GOAL = 70
FOLDERS = ('core/bus', 'core/ring', 'core/vsc', 'core/vsp', 'linux/link')
BUILD = top / 'build-check-cov'
FLAGS = '-fprofile-instr-generate -fcoverage-mapping'


def run(cmd, **more):
    r = subprocess.run(cmd, cwd=top, stdin=subprocess.DEVNULL, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       errors='replace', **more)
    if r.returncode != 0:
        sys.exit(f'{" ".join(map(str, cmd))}\n{r.stdout[-3000:]}')
    return r.stdout


def targets():
    return sorted(p.stem for p in (top / 'tests/fuzz').glob('fuzz_*.c'))


def build():
    # What a build runs of itself writes no profile into the tree.
    quiet = {**os.environ, 'LLVM_PROFILE_FILE': '/dev/null'}
    if not (BUILD / 'build.ninja').exists():
        run(['meson', 'setup', BUILD, '--buildtype=debugoptimized',
             '-Db_lundef=false', '-Db_sanitize=address', f'-Dc_args={FLAGS}',
             '-Dc_link_args=-fprofile-instr-generate'],
            env={**quiet, 'CC': 'clang'})
    run(['ninja', '-C', BUILD] + [f'tests/fuzz/{t}' for t in targets()],
        env=quiet)


def profile(more):
    raw = []
    for t in targets():
        seeds = [top / 'tests/fuzz/corpus' / t]
        if more:
            seeds.append(pathlib.Path(more) / t)
        raw.append(BUILD / f'{t}.profraw')
        run([BUILD / 'tests/fuzz' / t, '-runs=0', '-max_len=16384'] +
            [s for s in seeds if s.is_dir()],
            env={**os.environ, 'LLVM_PROFILE_FILE': str(raw[-1])})
    data = BUILD / 'fuzz.profdata'
    run(['llvm-profdata', 'merge', '-o', data] + raw)
    objects = [f'-object={BUILD / "tests/fuzz" / t}' for t in targets()]
    out = subprocess.run(['llvm-cov', 'export', '-summary-only',
                          f'-instr-profile={data}'] + objects, cwd=top,
                         check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL).stdout
    return json.loads(out)['data'][0]['files']


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--more', metavar='DIR')
    opts = parser.parse_args()
    build()
    sums = {folder: [0, 0] for folder in FOLDERS}
    for f in profile(opts.more):
        name = os.path.relpath(f['filename'], top)
        lines = f['summary']['lines']
        folder = os.path.dirname(name)
        if folder not in sums:
            continue
        sums[folder][0] += lines['covered']
        sums[folder][1] += lines['count']
        print(f'{name:36} {lines["covered"]:5} of {lines["count"]:5} lines '
              f'{lines["percent"]:6.1f} %')
    for folder, (covered, count) in sums.items():
        print(f'{folder:36} {covered:5} of {count:5} lines '
              f'{100 * covered / count:6.1f} %')
    covered = sum(s[0] for s in sums.values())
    count = sum(s[1] for s in sums.values())
    percent = 100 * covered / count
    print(f'{"together":36} {covered:5} of {count:5} lines {percent:6.1f} %, '
          f'the goal is {GOAL} %')
    return 0 if percent >= GOAL else 1


if __name__ == '__main__':
    sys.exit(main())
