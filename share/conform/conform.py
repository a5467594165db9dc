#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet conform`: does a driver survive what real hosts do?

Each scenario is a file of scenarios/: its docstring says what happens, what
must hold, whose rule that is and which real bug it would have caught; story()
tells it.  It runs with a host and a guest of its own; the verdict is pass, fail
or not applicable.
"""
import argparse
import fnmatch
import importlib.util
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

import ask
import report
from story import Broken, Failed, NotApplicable, Story

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ('Holds', 'Rule', 'Bug')


class Scenario:
    def __init__(self, path):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self.group, self.name = path.stem.split('_', 1)
        first, _, rest = self.module.__doc__.partition('\n')
        self.happens = first.strip()
        for part in PARTS:
            found = re.search(rf'^{part}: (.*?)(?=^[A-Z]\w+: |\Z)', rest,
                              re.S | re.M)
            if not found:
                raise SystemExit(f'{path}: its docstring has no "{part}:"')
            setattr(self, part.lower(), ' '.join(found[1].split()))

    def about(self):
        return {'name': self.name, 'group': self.group,
                'happens': self.happens, 'holds': self.holds,
                'rule': self.rule, 'bug': self.bug}


def scenarios(only, skip):
    def fits(s, globs):
        return any(fnmatch.fnmatch(n, g) for g in globs
                   for n in (s.name, f'{s.group}/{s.name}'))
    every = [Scenario(p) for p in sorted(HERE.glob('scenarios/[a-z]*.py'))]
    return [s for s in every if (not only or fits(s, only)) and
            not fits(s, skip)]


class Run:
    """What every story of this run has."""

    def __init__(self, o):
        self.hvnet = o.hvnet
        self.listen = o.listen
        self.guest_run = o.guest_run
        self.guest_console = o.guest_console
        self.patience = o.patience
        self.restart = o.restart
        self.words = o.command

    @property
    def command(self):
        return self.command_for if self.words else None

    def command_for(self, sock):
        """The guest's command, told where the host listens."""
        words = [w.replace('{socket}', sock) for w in self.words]
        if words == self.words:
            words[2:2] = ['--connect', sock]
        if words[0] == 'hvnet':
            words[0] = self.hvnet
        return words


def play(s, run, evidence, again):
    """One scenario to its verdict."""
    began = time.monotonic()
    story = Story(run)
    verdict, why = 'pass', ''
    seen = []
    try:
        s.module.story(story)
    except Failed as e:
        verdict, why = 'fail', str(e)
    except NotApplicable as e:
        verdict, why = 'not applicable', str(e)
    except Broken as e:
        verdict, why = 'error', str(e)
    except (OSError, subprocess.SubprocessError) as e:
        verdict, why = 'error', f'{type(e).__name__}: {e}'
    finally:
        bad = verdict in ('fail', 'error')
        if bad:
            seen = story.text('transcript.txt').splitlines()[-40:]
            try:
                pathlib.Path(story.dir, 'stat.json').write_text(
                    json.dumps(story.stat(), indent=2))
            except (Broken, OSError, ValueError):
                pass
        story.close()
        keep = f'{evidence}/{s.group}-{s.name}' if bad and evidence else None
        story.remove(keep)
    return {**s.about(), 'verdict': verdict, 'why': why,
            'seconds': time.monotonic() - began, 'steps': story.steps,
            'transcript': seen, 'files': keep or '', 'again': again}


def list_all(chosen, as_json):
    if as_json:
        print(json.dumps([s.about() for s in chosen], indent=2))
        return
    for s in chosen:
        print(f'{s.group}/{s.name}\n    {s.happens}\n    must hold: '
              f'{s.holds}\n    rule: {s.rule}\n    real bug: {s.bug}')


class Parser(argparse.ArgumentParser):
    """One whose complaints are one line."""

    def error(self, message):
        print(f'{self.prog}: {message} (--help says more)', file=sys.stderr)
        sys.exit(2)


def parse():
    p = Parser(
        prog='hvnet conform', allow_abbrev=False,
        description='Run scenarios against a driver: each starts a host that '
        'behaves as real hosts do, and odder, and says whether the guest '
        'survived.  Exit code 0: no scenario failed; 1: one did; 2: usage.',
        epilog='Examples:\n'
        '  hvnet conform --list\n'
        '  hvnet conform --junit out.xml -- hvnet guest --netns g\n'
        '  hvnet conform --guest-console - -- hvnet vm --debian\n'
        '  hvnet conform --listen /run/hv.sock --guest-run "ssh root@A"',
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--hvnet', default='hvnet', help=argparse.SUPPRESS)
    p.add_argument('--list', action='store_true',
                   help='list the scenarios: what must hold, whose rule it '
                   'is, which real bug it would have caught')
    p.add_argument('--only', metavar='GLOB', action='append', default=[],
                   help='only scenarios of this name, or group/name; may be '
                   'repeated')
    p.add_argument('--skip', metavar='GLOB', action='append', default=[],
                   help='not these; may be repeated')
    p.add_argument('--junit', metavar='FILE', help='verdicts as JUnit XML')
    p.add_argument('--json', metavar='FILE', nargs='?', const='-',
                   help='verdicts, or with --list the scenarios, as JSON')
    p.add_argument('--report', metavar='FILE',
                   help='a report card, in Markdown')
    p.add_argument('--evidence', metavar='DIR', default='conform-evidence',
                   help='where a failure leaves transcript, capture, '
                   'counters and logs; default conform-evidence')
    p.add_argument('--listen', metavar='PATH',
                   help='the guest is there already and connects to this '
                   'socket whenever a host listens there')
    p.add_argument('--guest-run', metavar='COMMAND',
                   help='how the guest is asked to do something: a command '
                   'that gets what the guest\'s shell shall do as its last '
                   'argument, such as "ssh root@A" or "ip netns exec g sh -c"')
    p.add_argument('--guest-console', metavar='PATH',
                   help='the same by a root shell at a serial line: a Unix '
                   'socket or a device, or - for the terminal of the guest\'s '
                   'own command (hvnet vm --debian)')
    p.add_argument('--restart', action='store_true',
                   help='the guest ends when its NIC goes, as a program under '
                   'hvnet uio does: start it again; one that a signal ended '
                   'is a failure all the same')
    p.add_argument('--patience', metavar='SECONDS', type=int, default=60,
                   help='bound of each wait, 1 to 3600; default 60')
    p.add_argument('command', nargs='*', metavar='COMMAND',
                   help='starts a guest: hvnet guest, vm or uio, or any '
                   'command with {socket} where the path of the socket goes')
    # COMMAND may have a -- of its own, which argparse does not leave alone.
    words = sys.argv[1:]
    end = words.index('--') if '--' in words else len(words)
    o = p.parse_args(words[:end])
    o.command += words[end + 1:]
    if not 1 <= o.patience <= 3600:
        p.error('--patience: want 1 to 3600 seconds')
    if not o.list and not o.command and not o.listen:
        p.error('which guest?  want -- COMMAND, or --listen PATH')
    if o.guest_run is not None and o.guest_console is not None:
        p.error('--guest-run and --guest-console: want one of them')
    if o.guest_run is not None and not words_of(o.guest_run):
        p.error(f"--guest-run: '{o.guest_run}' is no command: want words such "
                "as 'ssh root@A'")
    if o.guest_console == '-' and not o.command:
        p.error('--guest-console -: this is the terminal of COMMAND, and there '
                'is none')
    if o.guest_console is not None and (why := ask.check(o.guest_console)):
        p.error(f'--guest-console: {why}')
    if o.command and '{socket}' not in ' '.join(o.command) and (
            len(o.command) < 2 or
            os.path.basename(o.command[0]) != 'hvnet'):
        p.error(f"'{o.command[0]}': where does the path of the host's socket "
                'go?  Write {socket} there')
    return p, o


def words_of(text):
    try:
        return shlex.split(text)
    except ValueError:          # a quote without its other half
        return []


def again_of(s, o):
    """The command that repeats this scenario."""
    words = ['hvnet', 'conform']
    for name in ('listen', 'guest_run', 'guest_console'):
        if getattr(o, name):
            words += [f'--{name.replace("_", "-")}', getattr(o, name)]
    if o.restart:
        words.append('--restart')
    if o.patience != 60:
        words += ['--patience', str(o.patience)]
    words += ['--only', f'{s.group}/{s.name}']
    return shlex.join(words + (['--', *o.command] if o.command else []))


def run_all(chosen, o):
    run = Run(o)
    began = time.monotonic()
    verdicts = []
    for s in chosen:
        v = play(s, run, o.evidence, again_of(s, o))
        verdicts.append(v)
        print(report.line(v), flush=True)
        if v['verdict'] in ('fail', 'error'):
            print(report.evidence(v), flush=True)
    return verdicts, time.monotonic() - began


def main():
    p, o = parse()
    chosen = scenarios(o.only, o.skip)
    if not chosen:
        p.error('no scenario has such a name; --list shows them')
    if o.list:
        list_all(chosen, o.json is not None)
        return 0
    if os.geteuid() != 0:
        p.error('this needs root: namespaces and TAPs')
    # The stories' own processes end with us.
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda *a: sys.exit(1))
    verdicts, seconds = run_all(chosen, o)
    about = {'command': shlex.join(['hvnet', 'conform', '--',
                                    *(o.command or [])]),
             'hvnet': subprocess.run([o.hvnet, '--version'], text=True,
                                     capture_output=True).stdout.strip(),
             'date': time.strftime('%Y-%m-%d', time.gmtime()),
             'seconds': seconds}
    if o.junit:
        report.junit(o.junit, verdicts)
    if o.json:
        report.as_json('/dev/stdout' if o.json == '-' else o.json, about,
                       verdicts)
    if o.report:
        report.card(o.report, about, verdicts)
    counts = {k: sum(v['verdict'] == k for v in verdicts)
              for k in ('pass', 'fail', 'not applicable', 'error')}
    print(', '.join(f'{n} {k}' for k, n in counts.items() if n) +
          f'; {seconds:.0f} s')
    return 1 if counts['fail'] or counts['error'] else 0


if __name__ == '__main__':
    sys.exit(main())
