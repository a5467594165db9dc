#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare the commands that documents show with what exists.

Where: fenced blocks and `code` in README.md, CONTRIBUTING.md, docs/*.md and
docs/results/*.md, literal blocks of the manual pages, examples of --help.

  hvnet CMD ...   the subcommand exists, and so does each --option before a
                  "--"; keys of --nic, --add and `set` are keys of a NIC
  make TARGET     the Makefile has it
  bench/x, scripts/x   the file exists, can be run as it stands there, and
                  takes each --option
  folder/file     anything that begins with a folder of the tree is there

usage: check_commands.py HVNET     exit 1 and a line on each that is wrong
"""
import functools
import os
import pathlib
import re
import shlex
import subprocess
import sys

top = pathlib.Path(__file__).resolve().parent.parent
COMMANDS = '''host guest uio vm stat set trace config list top metrics bench
conform'''.split()
FOLDERS = sorted({p.split('/')[0] for p in subprocess.run(
    ['git', 'ls-files', '*/*'], cwd=top, capture_output=True, text=True,
    check=True).stdout.split()})
# What stands for something else in an example.
PLACEHOLDER = re.compile(r'\.\.\.|[*<>{}$]|[A-Z]{2,}\b|(?<!\.)\b[A-Z]\b(?!\.)')


@functools.cache
def text_of(*cmd):
    """What --help says."""
    r = subprocess.run([*cmd, '--help'], capture_output=True, text=True,
                       cwd=top)
    return r.stdout if r.returncode == 0 else ''


def options_of(help_text):
    return set(re.findall(r'(?<![\w-])--?[a-z][\w-]*', help_text))


@functools.cache
def nic_keys(command):
    keys = re.search(r"^Keys of a.*\n((?:  .*\n)+)",
                     text_of(hvnet, command), re.M)[1]
    return set(re.findall(r'^  (\w+) ', keys, re.M))


def wrong_options(words, help_text):
    known = options_of(help_text)
    for w in words:
        name = w.split('=')[0]
        if re.fullmatch(r'--?[a-z][\w-]*', name) and name not in known:
            yield f'no option {name}'


def wrong_hvnet(words):
    if not words or words[0].startswith('-'):
        yield from wrong_options(words, text_of(hvnet))
        return
    command, words = words[0], words[1:]
    if command not in COMMANDS:
        if re.fullmatch('[a-z]+', command):
            yield f'no subcommand {command}'
        return
    if '--' in words:
        words = words[:words.index('--')]
    if command == 'bench' and words:
        yield from wrong_options(words, text_of(hvnet, 'bench', words[0]))
        return
    yield from wrong_options(words, text_of(hvnet, command))
    specs = [(w, 'host') for before, w in zip(words, words[1:])
             if before in ('--nic', '--add') and '=' in w]
    if command == 'set' and words and words[0] not in ('--add', '--host'):
        specs += [(w, 'set') for w in words[1:]
                  if re.match(r'[a-z]\w*=', w)]
    for spec, of in specs:
        for pair in spec.split(','):
            key = pair.split('=')[0]
            if re.fullmatch('[a-z]+', key) and key not in nic_keys(of):
                yield f'no key {key} of a NIC'


def wrong_make(words):
    targets = re.findall(r'^([\w-]+):', (top / 'Makefile').read_text(), re.M)
    for w in words:
        if re.fullmatch(r'[a-z-]+', w) and w not in targets:
            yield f'no target {w}'


def wrong_path(word):
    """A word that names a file of the tree which is not there."""
    path = re.sub(r'(:\S*|[.,;]+)$', '', word)
    if path.split('/')[0] in FOLDERS and '/' in path and \
            not PLACEHOLDER.search(path) and not (top / path).exists():
        yield f'no {path}'


def wrong_program(words):
    path = top / words[0]
    if not path.is_file() or path.suffix in ('.c', '.h', '.md', '.in'):
        return
    if not os.access(path, os.X_OK) or path.read_bytes()[:2] != b'#!':
        yield f'{words[0]} cannot be run'
    elif path.suffix == '.py' and 'argparse' in path.read_text():
        yield from wrong_options(words[1:], text_of(path))


def wrong(words, typed):
    """What is wrong with one command; typed: not one that is just named."""
    while words and (words[0] in ('sudo', 'exec', 'nohup') or
                     re.match(r'\w+=', words[0])):
        words = words[1:]
    if not words:
        return
    if words[0] in ('hvnet', 'build/cli/hvnet'):
        yield from wrong_hvnet(words[1:])
    elif words[0] == 'make':
        yield from wrong_make(words[1:])
    elif words[0].split('/')[0] in FOLDERS and (typed or len(words) > 1):
        yield from wrong_program(words)
    if words[0] in ('python3', 'sh') and len(words) > 1:
        yield from wrong_path(words[1])
    if words[0] not in ('hvnet', 'build/cli/hvnet'):
        for w in words:
            yield from wrong_path(w)


def commands(line):
    """The commands of a line of shell, without comments."""
    line = re.sub(r'(^|\s)#.*', '', line)
    line = re.sub(r'\s\s+\(.*\)$', '', line)    # a remark behind it
    for part in re.split(r';|\|\||&&|\||&(?=\s|$)', quoted(line)):
        try:
            yield shlex.split(part.replace('\0', ';').replace('\1', '|')
                              .replace('\2', '&'))
        except ValueError:
            yield part.split()


def quoted(line):
    """Separators inside of quotes are none."""
    return re.sub(r"'[^']*'", lambda m: m[0].replace(';', '\0').replace(
        '|', '\1').replace('&', '\2'), line)


def joined(lines):
    """(number, line, True), those that a backslash continues in one."""
    held, first = '', 0
    for n, line in lines:
        if not held:
            first = n
        if line.endswith('\\'):
            held += line[:-1] + ' '
            continue
        yield first, held + line, True
        held = ''


def of_markdown(path):
    fenced, block = False, []
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith('```'):
            fenced = not fenced
            if not fenced:
                yield from joined(block)
            block = []
        elif fenced:
            block.append((n, line))
        else:
            # A code span may go on in the next line; then it is not whole.
            for code in re.findall(r'`([^`]+)`', line):
                if re.match(r'(build/cli/)?hvnet \S|make \S|\w+/\S+', code):
                    yield n, code, False


def of_manual(path):
    literal, block = False, []
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith('.Bd -literal'):
            literal, block = True, []
        elif line == '.Ed' and literal:
            literal = False
            yield from joined(block)
        elif literal:
            block.append((n, line.replace('\\e', '\\')))


def of_help(command):
    lines = text_of(hvnet, command).splitlines()
    if 'Examples:' in lines:
        at = lines.index('Examples:') + 1
        yield from joined((at + i + 1, s.strip())
                          for i, s in enumerate(lines[at:]))


def main():
    places = [(p.relative_to(top), of_markdown(p)) for p in
              [top / 'README.md', top / 'CONTRIBUTING.md',
               *sorted((top / 'docs').glob('*.md')),
               *sorted((top / 'docs/results').glob('*.md'))]]
    places += [(p.relative_to(top), of_manual(p))
               for p in sorted((top / 'docs/man').glob('*.in'))]
    places += [(f'hvnet {c} --help', of_help(c)) for c in COMMANDS]
    seen = bad = 0
    for where, lines in places:
        for n, line, typed in lines:
            for words in commands(line):
                seen += 1
                for what in wrong(words, typed):
                    print(f'{where}:{n}: {what}: {line.strip()}')
                    bad += 1
    print(f'{seen} commands and names, {bad} wrong')
    sys.exit(1 if bad or seen < 100 else 0)


if len(sys.argv) != 2:
    sys.exit(__doc__)
hvnet = str(pathlib.Path(sys.argv[1]).resolve())
main()
