#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Break the code on purpose and see that a test notices.

scripts/mutants.list has the mutants: one change of one file each, with the
test that kills it.  All are applied, one at a time, to a copy of the tree
outside the repository, which is built and tested after each.  If no
test of the suites unit and pair kills a mutant, it is named, and the exit
status is 1.

  --list        name the mutants and do nothing
  --check       only check that each still fits its file, in exactly one place
  --only NAME   only this one (or those whose names contain NAME); repeatable
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

top = pathlib.Path(__file__).resolve().parent.parent
LIST = top / 'scripts/mutants.list'
BOUND = 60     # seconds that a test program has


class Mutant:
    """One entry of the list: old becomes new in path; test kills it."""

    def __init__(self, name, path, test, line):
        self.name, self.path, self.test, self.line = name, path, test, line
        self.old, self.new = [], []

    def stale(self):
        """What is wrong with the entry, or None."""
        file = top / self.path
        if not file.exists():
            return f'{self.path} does not exist'
        n = file.read_text().count(self.text(self.old))
        if not self.old or n != 1:
            return f'its text stands {n} times in {self.path}, not once'
        if not any((top / f'tests/{kind}/{self.test}.c').exists()
                   for kind in ('unit', 'pair')):
            return f'no test {self.test} in tests/unit or tests/pair'
        return None

    @staticmethod
    def text(lines):
        return ''.join(line + '\n' for line in lines)

    def apply(self, tree):
        file = tree / self.path
        whole = file.read_text()
        file.write_text(whole.replace(self.text(self.old),
                                      self.text(self.new)))
        return file, whole


def read_list():
    mutants = []
    for n, line in enumerate(LIST.read_text().splitlines(), 1):
        if line.startswith('-') and mutants:
            mutants[-1].old.append(line[1:])
        elif line.startswith('+') and mutants:
            mutants[-1].new.append(line[1:])
        elif line and not line.startswith('#'):
            word = line.split()
            if len(word) != 3:
                sys.exit(f'{LIST}:{n}: not "name file test": {line}')
            mutants.append(Mutant(*word, n))
    return mutants


def check(mutants):
    bad = [(m, m.stale()) for m in mutants]
    names = [m.name for m in mutants]
    bad += [(m, 'there are two of this name') for m in mutants
            if names.count(m.name) > 1]
    bad = [(m, why) for m, why in bad if why]
    for m, why in bad:
        print(f'scripts/mutants.list:{m.line}: {m.name}: {why}')
    return not bad


def quiet(cmd, cwd, bound=None):
    """Exit code and output of a command; None for one that does not end."""
    try:
        r = subprocess.run(cmd, cwd=cwd, stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           errors='replace', timeout=bound)
    except subprocess.TimeoutExpired:
        return None, 'did not end'
    return r.returncode, r.stdout


def copy_tree(tree):
    files = subprocess.run(['git', 'ls-files', '-zco', '--exclude-standard'],
                           cwd=top, check=True,
                           stdout=subprocess.PIPE).stdout.decode()
    for name in files.split('\0'):
        if name and (top / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(top / name, tree / name)


class Tree:
    """The copy, its build folder, and the test programs in it."""

    def __init__(self, where):
        self.tree = pathlib.Path(where)
        self.build = self.tree / 'build'
        copy_tree(self.tree)
        code, said = quiet(['meson', 'setup', self.build, '-Ddebug=false',
                            '-Doptimization=1'], self.tree)
        if code != 0:
            sys.exit(f'mutants: meson setup failed\n{said}')
        self.tests = []
        for kind in ('unit', 'pair'):
            text = (self.tree / f'tests/{kind}/meson.build').read_text()
            self.tests += [f'tests/{kind}/{t}' for t in
                           re.findall(r"'((?:test|pair)_\w+)'(?!\.c)", text)]
        self.tests = list(dict.fromkeys(self.tests))
        self.sound = set()

    def compile(self, targets):
        code, said = quiet(['ninja', '-C', self.build] + targets, self.tree)
        if code != 0:
            print(said[-2000:])
        return code == 0

    def passes(self, test):
        code, said = quiet([self.build / test], self.tree, BOUND)
        return code in (0, 77)

    def expect_sound(self, test):
        """End here if a test fails without any mutant."""
        if test in self.sound:
            return
        if not self.compile([test]) or not self.passes(test):
            sys.exit(f'mutants: {test} fails without any mutant')
        self.sound.add(test)

    def killer(self, mutant):
        """The test that kills it; '' if it lives, None: does not compile."""
        first = [t for t in self.tests if t.endswith('/' + mutant.test)]
        self.expect_sound(first[0])
        file, whole = mutant.apply(self.tree)
        try:
            by = self.first_failure(first)
            if by == '':
                by = self.first_failure(
                    [t for t in self.tests if t not in first])
        finally:
            file.write_text(whole)
        if by:
            self.expect_sound(by)
        return by

    def first_failure(self, tests):
        if not self.compile(tests):
            return None
        return next((t for t in tests if not self.passes(t)), '')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--check', action='store_true')
    parser.add_argument('--only', metavar='NAME', action='append')
    opts = parser.parse_args()
    mutants = [m for m in read_list()
               if any(name in m.name for name in opts.only or [''])]
    if not mutants:
        sys.exit(f'mutants: none is named {" or ".join(opts.only)}')
    if opts.list:
        for m in mutants:
            print(f'{m.name:32} {m.path:36} {m.test}')
        return 0
    if not check(mutants):
        return 1
    if opts.check:
        print(f'{len(mutants)} mutants fit their files')
        return 0
    os.environ['CCACHE_DISABLE'] = '1'
    with tempfile.TemporaryDirectory(prefix='hvnet-mutants-') as where:
        tree = Tree(where)
        lived = 0
        for m in mutants:
            began = time.monotonic()
            by = tree.killer(m)
            took = f'{time.monotonic() - began:5.1f} s'
            if by:
                by = by.split('/')[-1]
                print(f'killed   {took}  {m.name} by {by}' + (
                    '' if by == m.test else f', not by {m.test}'), flush=True)
                continue
            lived += 1
            print(f'LIVES    {took}  {m.name}: {m.path}' if by == '' else
                  f'BROKEN   {took}  {m.name}: does not compile', flush=True)
    print(f'{len(mutants) - lived} of {len(mutants)} mutants killed')
    return 1 if lived else 0


if __name__ == '__main__':
    sys.exit(main())
