#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run every test that this machine can run and count them.

Stages, in order: house rules, the freestanding core, then for each build
(gcc, clang with ASan and UBSan, clang with TSan) its unit, pair and fuzz
tests, then real traffic between network namespaces, at the end two stages at a
time: they wait more than they work.  A stage that fails does not stop the
others.  The last line is `N passed, N failed, N skipped`.

  --full      also the matrices, long fuzzing and soaks
  --stage S   only the stage S, or those whose name contains it
  --keep      keep the build folders (build-check-*) for the next run
  --soak H    instead of the stages, H hours of scripts/soak.py on what
              `--keep` has left built

HVNET_SEED=n seeds the random tests.  Without it they are the same every time,
so that a failure comes from the tree; with --full the clock seeds them.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET

top = pathlib.Path(__file__).resolve().parent.parent
os.chdir(top)
PYTHON = '/usr/bin/python3'     # Debian's, which has Debian's pytest


class Count:
    """Passed, failed and skipped test cases, with words on the latter two."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def say(text):
    print(text, flush=True)


def run(cmd, log, env=None):
    with open(log, 'ab') as out:
        out.write(f'$ {" ".join(map(str, cmd))}\n'.encode())
        out.flush()
        return subprocess.run(cmd, stdout=out, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL,
                              env={**os.environ, **(env or {})}).returncode


def tail(path, n=25):
    lines = pathlib.Path(path).read_text(errors='replace').splitlines()
    return '\n'.join('    ' + line for line in lines[-n:])


def remarks(tap):
    """What a TAP program says of its cases: {number: text}.  cmocka tells of a
    failure behind its line, a test of ours before it why it is skipped."""
    said, before, last = {}, [], None
    for line in tap.splitlines():
        m = re.match(r'(not )?ok (\d+)( # SKIP)?', line)
        if m:
            last = m[2] if m[1] else None
            if m[3] and before:
                said[m[2]] = before[-1]
            before = []
        elif line.startswith('# '):
            text = line[2:].removeprefix('skipped: ')
            if last:
                said[last] = '; '.join(filter(None, [said.get(last), text]))
            else:
                before.append(text)
    return said


def junit(path, label):
    """Count the cases of a JUnit file, meson's or pytest's."""
    count = Count()
    for suite in ET.parse(path).getroot().iter('testsuite'):
        said = remarks(suite.findtext('system-out') or '')
        for case in suite.iter('testcase'):
            name = f'{label}: {case.get("classname", "")} {case.get("name")}'
            remark = said.get(re.match(r'\d*', case.get('name'))[0], '')
            bad = case.find('failure')
            if bad is None:
                bad = case.find('error')
            skip = case.find('skipped')
            if bad is not None:
                why = (bad.get('message') or remark).splitlines()
                count.failed.append(
                    f'{name}: {why[0] if why else ""}'.strip())
            elif skip is not None:
                why = skip.get('message') or skip.text or remark
                count.skipped.append(f'{name}: {why or "see its log"}')
            else:
                count.passed += 1
    return count


def died(build, label, failed):
    """Programs that ended badly without a case of theirs that failed."""
    lines = (build / 'meson-logs' / 'testlog.json').read_text().splitlines()
    bad = [t['name'] for t in map(json.loads, lines)
           if t['result'] in ('FAIL', 'ERROR', 'TIMEOUT')]
    return [f'{label}: {b}: ended with an error' for b in bad
            if not any(b in f for f in failed)]


def stage_command(label, cmd, env=None):
    """One command is one test."""
    count = Count()
    log = logs / (label.replace(' ', '-').replace('/', '-') + '.log')
    if run(cmd, log, env) == 0:
        count.passed = 1
    else:
        count.failed.append(f'{label}: {" ".join(map(str, cmd))}')
        say(tail(log))
    return count


def stage_build(name, setup, suites, env=None, wrapper_env=None):
    """Configure, compile, run meson's tests of some suites."""
    build = pathlib.Path(f'build-check-{name}')
    log = logs / f'build-{name}.log'
    count = Count()
    if not (build / 'build.ninja').exists():
        if run(['meson', 'setup', build] + setup, log, env) != 0:
            count.failed.append(f'{name}: meson setup')
            say(tail(log))
            return count
    if run(['ninja', '-C', build], log, env) != 0:
        count.failed.append(f'{name}: does not compile')
        say(tail(log))
        return count
    count.passed += 1
    cmd = ['meson', 'test', '-C', build, '--no-rebuild',
           '--print-errorlogs', '--timeout-multiplier=4'] + \
        [f'--suite={s}' for s in suites]
    report = build / 'meson-logs' / 'testlog.junit.xml'
    report.unlink(missing_ok=True)
    code = run(cmd, log, wrapper_env)
    if report.exists():
        tests = junit(report, name)
        tests.failed += died(build, name, tests.failed)
        count.add(tests)
    if code != 0 and (not report.exists() or not tests.failed):
        count.failed.append(f'{name}: meson test exited with {code}')
    if code != 0:
        say(tail(log, 40))
    return count


# A stage's own network namespaces and /run: nothing of what another stage makes
# at the same time is seen, whatever its name.
OWN_WORLD = ['unshare', '--mount', '--net', '--propagation', 'private',
             'sh', '-c', 'mount -t tmpfs tmpfs /run && '
             'mkdir -p /run/netns /run/lock && ip link set lo up && '
             'exec "$@"', 'sh'] if os.geteuid() == 0 else []


def pytest_once(label, paths, env, more=()):
    """(exit code, Count or None if pytest did not get that far)."""
    report = logs / f'{label}.xml'
    report.unlink(missing_ok=True)
    code = run([*OWN_WORLD, PYTHON, '-m', 'pytest', '-q',
                '-x' if opts.stop else '-q',
                '-o', f'cache_dir={logs}/cache-{label}', '--durations=15',
                f'--junitxml={report}', *more] + paths,
               logs / f'{label}.log',
               {'HVNET': str(top / 'build-check-gcc/cli/hvnet'),
                **(env or {})})
    return code, junit(report, label) if report.exists() else None


def stage_pytest(label, paths, env=None):
    """Real processes on a machine that others share: what fails gets one more
    try, and is named if that passes.  A sanitizer's report gets none.
    """
    log = logs / f'{label}.log'
    code, count = pytest_once(label, paths, env)
    if count and count.failed and not opts.stop and \
            'Sanitizer' not in log.read_text(errors='replace'):
        say(tail(log, 40))
        first = count.failed
        code, again = pytest_once(label, paths, env, ['--last-failed'])
        if again and code == 0 and again.passed:
            for line in first:
                say(f'passed at the second try  {line}')
            count.passed += again.passed
            count.failed = []
    if count is None:
        count = Count()
        count.failed.append(f'{label}: pytest exited with {code}')
        say(tail(log))
        return count
    if code not in (0, 5) and not count.failed:
        count.failed.append(f'{label}: pytest exited with {code}')
    if count.failed:
        say(tail(log, 60))
    return count


# What goes through a build five times as slow: no shares of loss or of flows.
SLOW_WORLD = ('test_recovery or test_ping or test_copies or test_mtu or set_ '
              'or test_offload_switch or test_stat or test_nic or test_link '
              'or test_parallel or test_jumbo')
SANITIZED = {
    'asan': {'UBSAN_OPTIONS': 'print_stacktrace=1',
             'ASAN_OPTIONS': 'detect_leaks=1'},
    'tsan': {'TSAN_OPTIONS': 'halt_on_error=0'},
}
SAN = ['-Db_lundef=false', '--buildtype=debugoptimized', '-Dwerror=true']


# Two lanes of traffic stages that run beside each other, after all others.
# What measures shares of a processor ('hostile') is not among them.
BESIDE = (('vm',),
          ('net', 'net asan', 'net tsan', 'dpdk', 'frames', 'frames asan',
           'hostile asan', 'net full'))


def stages():
    full = opts.full
    yield 'layers', lambda: stage_command(
        'layers', [PYTHON, 'scripts/check_layers.py'])
    yield 'dissector', lambda: stage_command(
        'dissector', [PYTHON, 'scripts/wire_tables.py'])
    yield 'protocol', lambda: stage_command(
        'protocol', [PYTHON, 'scripts/check_protocol.py'])
    yield 'mutants list', lambda: stage_command(
        'mutants list', [PYTHON, 'scripts/mutants.py', '--check'])
    for rule in ('length', 'opening', 'packet', 'columns', 'blanks', 'words'):
        yield f'style {rule}', lambda rule=rule: stage_command(
            f'style {rule}', [PYTHON, 'scripts/check_style.py', rule])
    for cc in ('gcc', 'gcc32', 'clang', 'clang32', 'aarch64', 'be'):
        yield f'freestanding {cc}', lambda cc=cc: stage_command(
            f'freestanding {cc}', ['sh', 'scripts/check_freestanding.sh', cc])
    suites = ['unit', 'pair', 'cli', 'model', 'full'] if full else \
        ['unit', 'pair', 'cli', 'model']
    yield 'build gcc', lambda: stage_build(
        'gcc', ['--buildtype=release', '-Ddebug=true', '-Dwerror=true'], suites)
    yield 'headers', lambda: stage_command(
        'headers', ['sh', 'scripts/check_headers.sh', 'build-check-gcc'])
    yield 'circles', lambda: stage_command(
        'circles', [PYTHON, 'scripts/check_circles.py', 'build-check-gcc'])
    yield 'commands', lambda: stage_command(
        'commands', [PYTHON, 'scripts/check_commands.py',
                     'build-check-gcc/cli/hvnet'])
    yield 'style prefix', lambda: stage_command(
        'style prefix', [PYTHON, 'scripts/check_style.py', 'prefix',
                         'build-check-gcc'])
    yield 'build asan', lambda: stage_build(
        'asan', SAN + ['-Db_sanitize=address,undefined'],
        ['unit', 'pair', 'fuzz'], {'CC': 'clang'},
        {'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1',
         'HVNET_FUZZ_SECONDS': '60' if full else '4'})
    yield 'build tsan', lambda: stage_build(
        'tsan', SAN + ['-Db_sanitize=thread'], ['unit', 'pair'],
        {'CC': 'clang'}, {'TSAN_OPTIONS': 'halt_on_error=1'})
    yield 'net', lambda: stage_pytest('net', ['tests/net'])
    for san, options in SANITIZED.items():
        yield f'net {san}', lambda san=san, options=options: stage_pytest(
            f'net-{san}', ['tests/net', '-k',
                            SLOW_WORLD + (' or test_vlan' if full else '')],
            {'HVNET': str(top / f'build-check-{san}/cli/hvnet'),
             'HVNET_SANITIZER': san, **options})
    yield 'dpdk', lambda: stage_pytest('dpdk', ['tests/dpdk'])
    yield 'frames', lambda: stage_pytest('frames', ['tests/frames'])
    # What measures shares of a processor runs without a sanitizer, the rest
    # with one; in check-full everything does both.
    shares = ['tests/hostile/test_hostile_idle.py',
              'tests/hostile/test_hostile_signals.py']
    yield 'hostile', lambda: stage_pytest(
        'hostile', ['tests/hostile'] if full else shares)
    for name in ('frames', 'hostile'):
        yield f'{name} asan', lambda name=name: stage_pytest(
            f'{name}-asan',
            [f'tests/{name}', *([] if full else
                                [f'--ignore={s}' for s in shares])],
            {'HVNET': str(top / 'build-check-asan/cli/hvnet'),
             'HVNET_SANITIZER': 'asan', **SANITIZED['asan']})
    yield 'vm', lambda: stage_pytest('vm', ['tests/vm'],
                                     {'HVNET_FULL': '1'} if full else {})
    if full:
        yield 'coverage', lambda: stage_command(
            'coverage', [PYTHON, 'scripts/coverage.py'])
        yield 'mutants', lambda: stage_command(
            'mutants', [PYTHON, 'scripts/mutants.py'])
        yield 'net full', lambda: stage_pytest(
            'net-full', ['tests/net'], {'HVNET_FULL': '1'})
        yield 'package', lambda: stage_pytest(
            'package', ['tests/package'], {'HVNET_FULL': '1'})


parser = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument('--full', action='store_true')
parser.add_argument('--stage', default='')
parser.add_argument('--keep', action='store_true')
parser.add_argument('--stop', action='store_true',
                    help='stop the traffic tests at the first failure')
parser.add_argument('--soak', metavar='HOURS', type=float)
opts = parser.parse_args()
if opts.soak is not None:
    sys.exit(subprocess.run(
        [PYTHON, 'scripts/soak.py', str(opts.soak)],
        env={'HVNET': str(top / 'build-check-gcc/cli/hvnet'),
             **os.environ}).returncode)
os.environ.setdefault('HVNET_SEED',
                      str(int(time.time())) if opts.full else '1')
say(f'HVNET_SEED={os.environ["HVNET_SEED"]}')
logs = top / 'build-check-logs'
logs.mkdir(exist_ok=True)
if not opts.keep:
    subprocess.run(['rm', '-rf'] + [str(p) for p in
                                    top.glob('build-check-*')])
    logs.mkdir(exist_ok=True)

total = Count()
took = []
listed = list(stages())
labels = [label for label, stage in listed]
exact = opts.stage in labels
if not any(opts.stage in label for label in labels):
    sys.exit(f"no stage '{opts.stage}'; there are {', '.join(labels)}")


def take(label, stage):
    began = time.monotonic()
    count = stage()
    total.add(count)
    took.append((time.monotonic() - began, label))
    say(f'{label:22} {count.passed:5} passed {len(count.failed):3} failed '
        f'{len(count.skipped):3} skipped  {took[-1][0]:6.1f} s')


def lane(of_it):
    for label, stage in wanted:
        if label in of_it:
            take(label, stage)


wanted = [(label, stage) for label, stage in listed
          if (label == opts.stage if exact else opts.stage in label)]
lane([label for label, _ in wanted if not any(label in b for b in BESIDE)])
threads = [threading.Thread(target=lane, args=(b,)) for b in BESIDE]
for t in threads:
    t.start()
    if not OWN_WORLD:
        t.join()
for t in threads:
    t.join()
for line in total.skipped:
    say(f'skipped  {line}')
for line in total.failed:
    say(f'FAILED   {line}')
say('slowest: ' + ', '.join(f'{label} {seconds:.0f} s' for seconds, label
                            in sorted(took, reverse=True)[:5]))
say(f'{total.passed} passed, {len(total.failed)} failed, '
    f'{len(total.skipped)} skipped')
sys.exit(1 if total.failed or total.passed == 0 else 0)
