# SPDX-License-Identifier: BSD-2-Clause
"""A lab: namespaces, a host end, guests and traffic, all gone on exit.

Used by the demo, the benchmarks and the tests.  Every name carries the pid,
the control sockets live in a folder of the lab's own, only processes that the
lab started are ended, and close() runs on exit, exception, SIGINT, SIGTERM,
SIGHUP and SIGUSR1.
"""
import atexit
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
HVNET = os.environ.get('HVNET', str(TOP / 'build/cli/hvnet'))
# A folder: each host that a test starts writes a capture there (seeds.py).
RECORD = os.environ.get('HVNET_RECORD')


class LabError(Exception):
    pass


class Lab:
    serial = 0

    def __init__(self, hvnet=HVNET):
        Lab.serial += 1
        self.tag = f'hv{os.getpid() % 100000}{chr(96 + Lab.serial % 26)}'
        self.hvnet = hvnet
        self.dir = tempfile.mkdtemp(prefix='hvnet-lab-')
        self.sock = f'{self.dir}/host.sock'
        self.env = {**os.environ, 'HVNET_RUN': f'{self.dir}/run'}
        self.names = {}
        self.procs = []
        self.ended = []
        self.logs = itertools.count()
        atexit.register(self.close)
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                  signal.SIGUSR1):
            signal.signal(s, self._signal)

    @staticmethod
    def _signal(number, frame):
        sys.exit(128 + number)      # atexit closes

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        for p in reversed(self.procs):
            self.end(p, quiet=True)
        self.procs = []
        for name in self.names.values():
            subprocess.run(['ip', 'netns', 'del', name], check=False,
                           stderr=subprocess.DEVNULL)
        self.names = {}
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- namespaces ---

    def netns(self, name):
        """The namespace of this name, made on first use, loopback up."""
        if name not in self.names:
            full = f'{self.tag}{name}'
            subprocess.run(['ip', 'netns', 'add', full], check=True)
            self.names[name] = full
            self.run(name, 'ip link set lo up')
        return self.names[name]

    def cmd(self, ns, cmd):
        cmd = cmd.split() if isinstance(cmd, str) else list(map(str, cmd))
        return (['ip', 'netns', 'exec', self.netns(ns)] if ns else []) + cmd

    def run(self, ns, cmd, check=True, timeout=120, **kw):
        """Run to its end in a namespace; output in .stdout and .stderr."""
        r = subprocess.run(self.cmd(ns, cmd), text=True, timeout=timeout,
                           capture_output=True, env=self.env,
                           stdin=subprocess.DEVNULL, **kw)
        if check and r.returncode != 0:
            raise LabError(f'{cmd}: exit {r.returncode}\n{r.stdout}'
                           f'{r.stderr}')
        return r

    def start(self, ns, cmd, log=None, **kw):
        """Start in the background; ended by close() or end()."""
        path = f'{self.dir}/{log or "proc"}.{next(self.logs)}.log'
        with open(path, 'wb') as out:
            p = subprocess.Popen(self.cmd(ns, cmd), stdout=out, stderr=out,
                                 stdin=subprocess.DEVNULL, env=self.env, **kw)
        p.log = path
        self.procs.append(p)
        return p

    def end(self, p, sig=signal.SIGTERM, quiet=False, timeout=30):
        """End a process that start() began; its exit code."""
        if p in self.procs:
            self.procs.remove(p)
            self.ended.append(p)
        if p.poll() is None:
            p.send_signal(sig)
            try:
                p.wait(timeout)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                if not quiet:
                    raise LabError(f'{p.args}: did not end on signal {sig}\n'
                                   f'{self.log(p)}')
        return p.returncode

    @staticmethod
    def log(p):
        return pathlib.Path(p.log).read_text(errors='replace')

    def wait(self, what, test, seconds=15, procs=()):
        """Until test() is true; LabError if that takes too long.  Where the
        machine is busy we look seldom, and so longer."""
        end = time.monotonic() + seconds
        looks = 20 * seconds
        while not test():
            looks -= 1
            for p in procs:
                if p.poll() is not None:
                    raise LabError(f'{what}: {p.args[0:6]} ended with '
                                   f'{p.returncode}\n{self.log(p)}')
            if time.monotonic() > end and looks <= 0:
                logs = '\n'.join(self.log(p) for p in procs)
                raise LabError(f'{what}: not within {seconds} s\n{logs}')
            time.sleep(0.02)

    def check_processes(self):
        """LabError if a process died of a signal or a sanitizer's report."""
        for p in self.procs + self.ended:
            text = self.log(p)
            died = p in self.procs and (p.poll() or 0) < 0
            if died or 'Sanitizer' in text or 'runtime error:' in text:
                raise LabError(f'{p.args[:4]}: {p.returncode}\n{text}')

    # --- hvnet ---

    def host(self, *nics, args=()):
        """Start `hvnet host` with these NIC specifications."""
        cmd = [self.hvnet, 'host', '--listen', self.sock, *args]
        if RECORD and '--capture' not in args:
            at = f'{RECORD}/{self.tag}-{next(self.logs)}.pcapng'
            cmd += ['--capture', at + ',snap=256,size=64,files=1']
        for n in nics:
            cmd += ['--nic', n]
        p = self.start(None, cmd, 'host')
        self.wait('host listening', lambda: 'listening on' in self.log(p), 10,
                  [p])
        return p

    def guest(self, ns='g', ifname='hn0', vps=2, args=(), up=True, wrap=()):
        """Start `hvnet guest`; with up, wait until it has attached."""
        cmd = [*wrap, self.hvnet, 'guest', '--connect', self.sock, '--ifname',
               ifname, '--netns', self.netns(ns), '--vps', str(vps), *args]
        p = self.start(None, cmd, 'guest')
        if up:
            self.wait('guest attached', lambda: self.guest_up(ifname, p.pid),
                      15, [p])
        return p

    def guest_up(self, ifname, pid=None):
        s = self.stat(ifname)
        return any(x['kind'] == 'guest' and x['state'] == 'up' and
                   pid in (None, x['pid']) for x in s)

    def stat(self, nic=None):
        """Answers of every process (that has this NIC), as a list.  On a busy
        machine one may take longer than `hvnet stat` waits; ask again."""
        for _ in range(3):
            r = self.run(None, [self.hvnet, 'stat', '--json',
                                *([nic] if nic else [])], check=False)
            if ': no answer within ' not in r.stderr:
                break
        try:
            return json.loads(r.stdout)['processes']
        except (ValueError, KeyError):
            return []

    def set(self, nic, *settings, check=True):
        """`hvnet set`; as stat() does, ask a busy machine again."""
        cmd = [self.hvnet, 'set', nic, *settings]
        for _ in range(2):
            r = self.run(None, cmd, check=False)
            if ': no answer within ' not in r.stderr:
                break
        if check and r.returncode != 0:
            raise LabError(f'{cmd}: exit {r.returncode}\n{r.stdout}{r.stderr}')
        return r

    def tap_spec(self, name='hvhost0', ns='h', queues=2, mtu=1500, **kw):
        extra = ''.join(f',{k}={v}' for k, v in kw.items())
        return (f'backend=tap,name={name},netns={self.netns(ns)},mtu={mtu},'
                f'queues={queues}{extra}')

    def pair(self, queues=2, vps=2, host_args=(), guest_args=(), mtu=1500,
             wait=True, **spec):
        """One guest, one host, addressed 10.7.0.1 (guest) and 10.7.0.2."""
        self.hostp = self.host(self.tap_spec(queues=queues, mtu=mtu, **spec),
                               args=host_args)
        self.guestp = self.guest(vps=vps, args=guest_args)
        self.address('g', 'hn0', 1)
        self.address('h', 'hvhost0', 2)
        if wait:
            self.ready()

    def address(self, ns, ifname, n):
        self.run(ns, f'ip addr add 10.7.0.{n}/24 dev {ifname}')
        self.run(ns, f'ip -6 addr add fd07::{n}/64 dev {ifname} nodad')
        self.run(ns, f'ip link set {ifname} up')

    def ready(self, ns='g', to='10.7.0.2', seconds=10):
        self.wait(f'ping {to}', lambda: self.run(
            ns, f'ping -c1 -W1 -q {to}', check=False).returncode == 0,
            seconds)

    # --- traffic ---

    def iperf(self, src, dst, to, seconds=3, args=()):
        """iperf3 from namespace src to `to` in dst: the client's report."""
        server = self.start(dst, 'iperf3 -s -1', 'iperf')
        self.wait('iperf3 server', lambda: ':5201 ' in self.run(
            dst, 'ss -Hltn', check=False).stdout, 5, [server])
        r = self.run(src, ['iperf3', '-c', to, '-t', str(seconds), '-J',
                           *args], check=False, timeout=seconds + 30)
        self.end(server, quiet=True)
        report = json.loads(r.stdout)
        if 'error' in report:
            raise LabError(f'iperf3: {report["error"]}')
        return report['end']

    def echoes(self, ns, to, count=20, interval=0.01, wait=10):
        """Ping from a namespace; LabError if an answer never comes."""
        tool = str(TOP / 'scripts/echoes.py')
        return self.run(ns, [sys.executable, tool, to, count, interval,
                             wait]).stdout

    def copy(self, src, dst, to, mib, port=5301):
        """Copy `mib` MiB of random bytes by TCP; True if sha256 agrees."""
        tool = str(TOP / 'scripts/copyfile.py')
        rx = self.start(dst, [sys.executable, tool, 'receive', str(port)],
                        'copy')
        self.wait('receiver', lambda: f':{port} ' in self.run(
            dst, 'ss -Hltn', check=False).stdout, 5, [rx])
        tx = self.run(src, [sys.executable, tool, 'send', to, str(port),
                            str(mib)], timeout=300)
        rx.wait(60)
        self.procs.remove(rx)
        got = self.log(rx).split()
        return len(got) == 2 and got == tx.stdout.split()


def commit():
    """The tree's commit, for a result to name; '' where it is none of git's."""
    return subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=TOP,
                          capture_output=True, text=True).stdout.strip()


def cpu_seconds(pid):
    """User and system time of a process so far."""
    f = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1]
    f = f.split()
    return (int(f[11]) + int(f[12])) / os.sysconf('SC_CLK_TCK')


def total(tree, name):
    """Sum of every counter of this name in a stat answer."""
    if isinstance(tree, dict):
        return sum(v if k == name and isinstance(v, int) else total(v, name)
                   for k, v in tree.items())
    if isinstance(tree, list):
        return sum(total(v, name) for v in tree)
    return 0


def find(tree, name):
    """Every value of this name in a stat answer."""
    if isinstance(tree, dict):
        for k, v in tree.items():
            if k == name:
                yield v
            else:
                yield from find(v, name)
    elif isinstance(tree, list):
        for v in tree:
            yield from find(v, name)
