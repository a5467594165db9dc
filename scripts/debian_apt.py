# SPDX-License-Identifier: BSD-2-Clause
"""Debian's packages of any suite, by the machine's own apt sources.

A suite's source list is derived from the machine's: its entries for the suite
that it runs, with the other suite's name.  Lists and packages are kept with
everything else of ours in ~/.cache/hvnet (HVNET_QEMU_CACHE).  The machine's
apt configuration stays as it is, and whom it trusts (keyrings) is whom we
trust.
"""
import functools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get('HVNET_QEMU_CACHE') or
                     (os.environ.get('XDG_CACHE_HOME') or '~/.cache') +
                     '/hvnet').expanduser()


class ImageError(Exception):
    """A machine cannot be made here: one line, what and why."""


class UsageError(ImageError):
    """What was given cannot be right."""


def say(text):
    print(f'debian-image: {text}', file=sys.stderr, flush=True)


def sh(cmd, **kw):
    """A command's output; ImageError with what it printed if it failed."""
    r = subprocess.run(list(map(str, cmd)), text=True, capture_output=True,
                       stdin=subprocess.DEVNULL, **kw)
    if r.returncode != 0:
        raise ImageError(f'{" ".join(map(str, cmd))}: '
                         f'{(r.stderr or r.stdout).strip()}')
    return r.stdout


def codename():
    """The suite of this machine."""
    try:
        found = re.search(r'^VERSION_CODENAME=(\w+)',
                          pathlib.Path('/etc/os-release').read_text(), re.M)
    except OSError:
        found = None
    if not found:
        raise ImageError('/etc/os-release names no Debian suite: apt sources '
                         'of a Debian machine are needed')
    return found[1]


def source_lists(suite, etc=pathlib.Path('/etc/apt')):
    """{file name: text}: the machine's entries for its own suite, made
    another's.  Its own are as they are, updates and security with them."""
    own = codename()
    mine = rf'{own}(?:-[\w-]+)?' if suite == own else own
    lists = {}
    for f in sorted(etc.glob('sources.list.d/*.sources')):
        entries = [e.strip() for e in re.split(r'\n\s*\n', f.read_text())
                   if re.search(rf'^Suites:(.*\s)?{mine}(\s|$)', e, re.M)]
        entries = [re.sub('^Types:.*', 'Types: deb', e, flags=re.M)
                   for e in entries]
        if suite != own:
            entries = [re.sub('^Suites:.*', f'Suites: {suite}', e, flags=re.M)
                       for e in entries]
        lists[f.name] = '\n\n'.join(entries)
    for f in [etc / 'sources.list', *sorted(etc.glob('sources.list.d/*.list'))]:
        text = f.read_text() if f.exists() else ''
        lists[f'{f.stem}.list'] = '\n'.join(
            line if suite == own else re.sub(rf'\s{own}\s', f' {suite} ', line)
            for line in text.splitlines()
            if re.match(rf'deb\s(.*\s)?{mine}\s', line))
    if not any(lists.values()):
        raise ImageError(f'/etc/apt has no source of {own} to derive {suite} '
                         'from')
    return {name: text for name, text in lists.items() if text}


def reason(suite, log):
    """One line on why apt, or mmdebstrap, failed."""
    if re.search(r'does not have a Release file|404 +Not Found', log):
        return (f"the machine's apt sources have no suite '{suite}'; Debian's "
                'are bookworm, trixie and sid, among others')
    if 'is expired' in log:
        return (f"the mirror's lists of {suite} have expired; apt takes them "
                'with Acquire::Check-Valid-Until "false"; in /etc/apt/apt.conf')
    missing = re.search(r'Unable to locate package (\S+)', log)
    if missing:
        return f"suite {suite} has no package '{missing[1]}'"
    errors = re.findall(r'^E: (.*)', log, re.M) or \
        [x for x in log.splitlines() if x.strip()] or ['no reason given']
    if re.search('resolv|connect|Network is unreachable|timed out', log, re.I):
        return f'no network to get packages of {suite}: {errors[0]}'
    return errors[0]


@functools.lru_cache(None)
def apt_options(suite):
    """apt's options for a suite; its package lists are fetched."""
    where = CACHE / f'apt-{suite}'
    (where / 'list.d').mkdir(parents=True, exist_ok=True)
    (where / 'lists/partial').mkdir(parents=True, exist_ok=True)
    for old in (where / 'list.d').iterdir():
        old.unlink()
    for name, text in source_lists(suite).items():
        (where / 'list.d' / name).write_text(text + '\n')
    options = [x for name, value in (
        ('Dir::Etc::sourcelist', '/dev/null'),
        ('Dir::Etc::sourceparts', where / 'list.d'),
        ('Dir::State::lists', where / 'lists'),
        ('Dir::Cache', where)) for x in ('-o', f'{name}={value}')]
    say(f'reading the package lists of {suite}')
    try:
        sh([HERE / 'apt-wait.sh', *options, '-q', '-o',
            'APT::Sandbox::User=root', '-o', 'APT::Update::Error-Mode=any',
            'update'])
    except ImageError as e:
        raise ImageError(reason(suite, str(e))) from e
    return options


def apt_settings():
    """The machine's apt settings that a mirror may take, as lines of apt.conf:
    whether an old list will do (Debian gives sid's a week), and a proxy."""
    return sh(['apt-config', 'dump', 'Acquire::Check-Valid-Until',
               'Acquire::Check-Date', 'Acquire::http::Proxy',
               'Acquire::https::Proxy']).splitlines()


def package(name, into, suite):
    """Unpack a Debian package into a folder."""
    say(f'getting {name} of {suite}')
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        try:
            sh(['apt-get', *apt_options(suite), 'download', '-q', '-o',
                'APT::Sandbox::User=root', name], cwd=d)
        except ImageError as e:
            raise ImageError(reason(suite, str(e))) from e
        for deb in pathlib.Path(d).glob('*.deb'):
            sh(['dpkg-deb', '-x', str(deb), str(into)])


def depends(name, suite, wanted):
    """What a package needs of the names that match."""
    r = subprocess.run(['apt-cache', *map(str, apt_options(suite)), 'depends',
                        name], text=True, capture_output=True)
    return re.findall(rf' Depends: ({wanted})$', r.stdout, re.M)


def need(programs):
    """Install the packages whose programs are missing: {program: package}."""
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    missing = [p for c, p in programs.items()
               if not any(os.access(f'{d}/{c}', os.X_OK)
                          for d in path.split(':'))]
    if not missing:
        return
    if os.geteuid() != 0:
        raise ImageError(f'not root; install by hand: {" ".join(missing)}')
    say(f'installing {" ".join(missing)}')
    wait = HERE / 'apt-wait.sh'
    env = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
    install = [wait, 'install', '-y', '-qq', '--no-install-recommends',
               *missing]
    try:
        sh(install, env=env)
    except ImageError:
        try:
            sh([wait, 'update', '-qq'])
            sh(install, env=env)
        except ImageError as e:
            raise ImageError(f'{missing[0]} is missing and cannot be '
                             f'installed: {reason(codename(), str(e))}') from e
