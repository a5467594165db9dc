# SPDX-License-Identifier: BSD-2-Clause
"""One run of a driver on a host end: what `hvnet bench pps` is made of.

Nothing is left behind, whatever ends the bench: processes and folders are the
lab's (scripts/lab.py), huge pages are given back by scripts/hugepages.py.
"""
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / 'scripts'))
from hugepages import Missing, Pages    # noqa: E402
from lab import Lab, LabError           # noqa: E402

PAGES = 200             # Policy: of 2 MiB; two testpmd need most
MAC = '02:68:76:00:00:01'
GUID = '656e7668-0074-4000-8000-' + MAC.replace(':', '')
START = 40              # s that a program may take until it is warm
REF = 16                # frames by reference in a packet, the default
FAR = 150               # Policy: ns; processors that share a cache take less


def helper(hvnet, name):
    """A helper: installed beside this script, or in hvnet's build folder."""
    here = pathlib.Path(__file__).resolve().parent / name
    return here if here.exists() else hvnet.parents[1] / 'bench' / name


def need_dpdk(hvnet):
    """Raise Missing if DPDK's driver cannot be measured here."""
    if os.geteuid() != 0:
        raise Missing('DPDK needs root (fanotify, namespaces, huge pages)')
    path = helper(hvnet, 'pps_dpdk')
    if not path.exists():
        raise Missing(f'no {path}: install libdpdk-dev (scripts/deps.sh '
                      'check), then `make`')


class Cores:
    """Who runs where: guests on one half of the CPUs, hosts on the other."""

    def __init__(self):
        cpus = sorted(os.sched_getaffinity(0))
        half = max(1, len(cpus) // 2)
        self.guest = cpus[:half]
        self.host = cpus[half:] or cpus

    def threads(self, queues):
        return min(queues, len(self.guest))

    def workers(self, queues):
        return min(queues, len(self.host))

    def text(self):
        return (f'guest on CPU {",".join(map(str, self.guest))}, host on CPU '
                f'{",".join(map(str, self.host))}')


class Setting:
    """How a driver is run: program arguments and DPDK's device arguments."""

    def __init__(self, dev='', **args):
        self.dev = dev
        self.args = {'burst': 64, **args}

    def text(self):
        return ' '.join([f'{k}={v}' for k, v in self.args.items()] +
                        ([self.dev] if self.dev else []))


class Bench:
    def __init__(self, hvnet, lock=None, realtime=False):
        self.hvnet = pathlib.Path(hvnet).resolve()
        self.cores = Cores()
        self.lock = lock
        self.realtime = realtime
        self.pages = Pages(PAGES)
        self.commands = {}
        self.round_s = 1e-6

    # --- command lines ---

    def spec(self, mode, size, queues):
        kind = 'null' if mode == 'tx' else f'generator,size={size}'
        return f'backend={kind},name=b0,mac={MAC},queues={queues}'

    def first(self, lab, cmd, label):
        """Note what is run, the first time; the command as words."""
        cmd = list(map(str, cmd))
        self.commands.setdefault(label, words(cmd, lab))
        return cmd

    def host_cmd(self, lab, spec, queues, program=None):
        cpus = ','.join(map(str, self.cores.host))
        return ['taskset', '-c', cpus, *(program or [lab.hvnet, 'host']),
                '--listen', lab.sock, '--workers',
                self.cores.workers(queues), f'--pin={self.cores.host[0]}',
                '--nic', spec]

    def tail(self, mode, size, queues, seconds, setting):
        return [queues, mode, size, seconds,
                f'threads={self.cores.threads(queues)}',
                *(f'{k}={v}' for k, v in setting.args.items())]

    def ours_cmd(self, lab, tail, setting, wrap=()):
        cpus = ','.join(map(str, self.cores.guest))
        return ['taskset', '-c', cpus, *wrap, helper(self.hvnet, 'pps_hvnet'),
                lab.sock, 'b0', *tail]

    def ref_cmd(self, lab, tail, setting, wrap=()):
        """Ours from registered memory: frames are not copied (tx only)."""
        return self.ours_cmd(lab, [*tail, f'ref={REF}'], setting, wrap)

    def ref1_cmd(self, lab, tail, setting, wrap=()):
        """The same with a packet for each frame, as other drivers do."""
        return self.ours_cmd(lab, [*tail, 'ref=1'], setting, wrap)

    def uio_cmd(self, lab, tail, setting, wrap=()):
        """Ours over the files that DPDK gets."""
        return [lab.hvnet, 'uio', '--connect', lab.sock, '--nic', 'b0', '--',
                'taskset', '-c', ','.join(map(str, self.cores.guest)), *wrap,
                helper(self.hvnet, 'pps_hvnet'), 'uio:0', '', *tail]

    def pmd_cmd(self, lab, tail, setting, wrap=()):
        threads = int(re.search(r'threads=(\d+)', ' '.join(
            map(str, tail))).group(1))
        lcores = ','.join(f'{k}@{self.cores.guest[k]}'
                          for k in range(threads))
        dev = ['-a', f'vmbus:{GUID},{setting.dev}'] if setting.dev else []
        memory = ['--no-huge', '-m', '256'] if wrap else []
        return [lab.hvnet, 'uio', '--connect', lab.sock, '--nic', 'b0', '--',
                *wrap, helper(self.hvnet, 'pps_dpdk'), f'--lcores={lcores}',
                '--no-pci', '--iova-mode=va', *memory, *dev, '--', *tail]

    def cmd(self, side, *args, **kw):
        return {'ours': self.ours_cmd, 'ref': self.ref_cmd,
                'ref1': self.ref1_cmd, 'uio': self.uio_cmd,
                'pmd': self.pmd_cmd}[side](*args, **kw)

    # --- running ---

    def once(self, side, mode, size, queues, seconds, setting, spec=None,
             program=None):
        """One run; LabError with what it printed if there is no result."""
        with open(self.lock or os.devnull, 'w') as lock:
            if self.lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
            if side in ('pmd', 'uio'):
                self.pages.take()
            with Lab(str(self.hvnet)) as lab:
                return self.inside(lab, side, mode, size, queues, seconds,
                                   setting, spec, program)

    def apart(self):
        """How far the ends' processors are from each other now, in ns.

        A hypervisor may move virtual processors to cores that share no cache,
        and back, within a second.  None: no program to tell.
        """
        program = helper(self.hvnet, 'pps_cores')
        if not program.exists() or self.cores.guest[0] == self.cores.host[0]:
            return None
        r = subprocess.run([program, str(self.cores.guest[0]),
                            str(self.cores.host[0])], capture_output=True,
                           text=True, check=False)
        return float(r.stdout) if r.returncode == 0 else None

    @staticmethod
    def place(run):
        """'near' or 'far' throughout a run, 'moved', or 'unknown'."""
        if None in run['apart_ns']:
            return 'unknown'
        far = [ns > FAR for ns in run['apart_ns']]
        return 'far' if all(far) else 'moved' if any(far) else 'near'

    def inside(self, lab, side, mode, size, queues, seconds, setting, spec,
               program):
        spec = spec(lab) if spec else self.spec(mode, size, queues)
        hcmd = self.host_cmd(lab, spec, queues, program)
        host = start_host(lab, self.first(lab, hcmd, f'host {mode}'))
        tail = self.tail(mode, size, queues, seconds, setting)
        gcmd = self.cmd(side, lab, tail, setting)
        apart = [self.apart()]
        guest = lab.start(None, self.first(lab, gcmd, f'{side} {mode}'),
                          side)
        lab.wait(f'{side} warm', lambda: 'begin' in lab.log(guest).split(),
                 START, [guest, host])
        end = time.monotonic() + seconds
        if self.realtime:
            urgent(host.pid, descendants(guest.pid)[-1])
        first = sample(lab, host)
        time.sleep(max(0, end - time.monotonic()))
        last = sample(lab, host)
        # The kernel waits for others in our name, such as for huge pages.
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        try:
            lab.wait(f'{side} result', lambda: guest.poll() is not None,
                     START, [host])
        except LabError as e:
            raise LabError(f'{e}{lab.log(guest)}{stuck(lab)}') from e
        run = result(lab.log(guest))
        if program is None:
            state = stat(lab)
            run['host_written'] = total_of(state, 'written')
            run['host_read'] = total_of(state, 'read')
            if mode != 'rx':
                run['lost'] += max(0, run['total'] - run['host_written'])
        run['host'] = self.usage(first, last, queues)
        run['guest_busy'] = round(1 - run['idle_time'], 3)
        lab.end(host, quiet=True)
        run['apart_ns'] = apart + [self.apart()]
        return run

    def usage(self, a, b, queues):
        """What the host's workers did between two samples.

        A round that finds nothing takes what the most idle run so far took
        for one.
        """
        workers = self.cores.workers(queues)
        took = max(1e-6, (b['at'] - a['at']) * workers)
        cpu = b['cpu'] - a['cpu']
        rounds = (b['turns'] - a['turns']) * workers / queues
        spins = b['spins'] - a['spins']
        if rounds > 0 and cpu > 0:
            self.round_s = min(self.round_s, cpu / rounds)
        idle = spins * self.round_s if spins else 0
        return {'cpu': round(min(1, cpu / took), 3),
                'idle_polls': round(min(1, spins / max(1, rounds)), 3),
                'busy': round(max(0, min(1, (cpu - idle) / took)), 3)}

    def calibrate(self):
        """What a round of an idle host costs: see usage()."""
        for burst in 1, 64, 64:
            self.once('ours', 'tx', 64, 1, 0.3, Setting(burst=burst))


def descendants(pid):
    out = [pid]
    for t in pathlib.Path(f'/proc/{pid}/task').iterdir():
        for child in (t / 'children').read_text().split():
            out += descendants(child)
    return out


def urgent(host, guest):
    """Data threads before all others; we and the host's control before those.

    As on a machine of our own, although others use it as well.  The guest
    ends by itself, so nothing is held up for long if we are killed.
    """
    flag = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    os.sched_setscheduler(0, flag, os.sched_param(3))
    for pid in host, guest:
        for t in pathlib.Path(f'/proc/{pid}/task').iterdir():
            name = (t / 'comm').read_text()
            data = 'worker' in name or name.startswith('pps_')
            os.sched_setscheduler(int(t.name), flag,
                                  os.sched_param(1 if data else 2))


def start_host(lab, cmd):
    host = lab.start(None, cmd, 'host')
    lab.wait('host listening', lambda: 'listening on' in lab.log(host), 20,
             [host])
    return host


def result(text):
    m = re.search(r'^pps: (\{.*\})$', text, re.M)
    if m is None:
        said = [x for x in text.splitlines() if x and 'EAL:' not in x]
        raise LabError(' / '.join(said[-3:]) or 'it printed nothing')
    run = json.loads(m.group(1))
    if not run['ok']:
        raise LabError(run.get('why', 'it failed'))
    return run


def words(cmd, lab):
    """A command as a person would type it."""
    return ' '.join(map(str, cmd)).replace(lab.dir, '/tmp/pps').replace(
        str(TOP) + '/', '')


# --- the host end, from outside ---

def stat(lab):
    """The host's answer, queried without a process in between."""
    path, = pathlib.Path(lab.dir, 'run').glob('host-*.sock')
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(path))
        s.sendall(b'{"cmd": "stat"}')
        s.shutdown(socket.SHUT_WR)
        text = b''
        while part := s.recv(1 << 16):
            text += part
    return json.loads(text)


def stuck(lab):
    """What the host end knows of a guest that gives no result."""
    try:
        before, _, now = stat(lab), time.sleep(0.2), stat(lab)
    except (OSError, ValueError):
        return 'the host end does not answer'
    faults = sorted({f for n in now['nics'] for f in n['faults']['by_reason']})
    if faults:
        return f'the host end stopped a queue: {", ".join(faults)}'
    read, written = [total_of(now, k) - total_of(before, k)
                     for k in ('read', 'written')]
    return (f'in 0.2 s the host end read {read} frames for the guest and '
            f'wrote {written} of it')


def total_of(state, name):
    return sum(q['backend'].get(name, 0) for n in state['nics']
               for q in n['queues'])


def sample(lab, host):
    """Time, CPU seconds of the workers, and what they did."""
    cpu = 0
    for t in pathlib.Path(f'/proc/{host.pid}/task').iterdir():
        if 'worker' in (t / 'comm').read_text():
            cpu += int((t / 'schedstat').read_text().split()[0]) / 1e9
    try:
        workers = stat(lab)['workers']
    except (ValueError, OSError, KeyError):
        workers = []
    return {'at': time.monotonic(), 'cpu': cpu,
            'turns': sum(w['turns'] for w in workers),
            'spins': sum(w.get('spins', 0) for w in workers)}


def tool(name):
    return shutil.which(name) is not None
