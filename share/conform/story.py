# SPDX-License-Identifier: BSD-2-Clause
"""What a scenario can do and ask: the words of its story.

A story starts a host that bends, has a guest come, and asks what became of
it.  It waits for events, never for time: each wait ends as soon as its
question is answered with yes, and fails after a bound that a busy machine
keeps.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import ask
from probe import Probe, Stream

# The name of the NIC's interface in a guest that is a Linux.
FIND_IF = ("IF=$(cd /sys/class/net && grep -il '^{mac}' */address | head -1 | "
           "cut -d/ -f1); ")
# ... within single quotes of a command.
QUOTED_IF = "'$IF'"

MAC = '02:15:5d:c0:4f:01'
SIZES = [0, 1, 17, 56, 200, 511, 512, 1000, 1300, 1444]


class Failed(Exception):
    """What must hold does not."""


class NotApplicable(Exception):
    """This guest does nothing that the scenario is about."""


class Broken(Exception):
    """The suite or its host is at fault, not the guest."""


class Story:
    MAC = MAC

    def __init__(self, run):
        """run: hvnet, command, listen, guest_run, guest_console (or None),
        patience."""
        self.run = run
        self.dir = tempfile.mkdtemp(prefix='hvnet-conform-')
        self.sock = run.listen or f'{self.dir}/host.sock'
        self.env = {**os.environ, 'HVNET_RUN': f'{self.dir}/run'}
        self.netns = f'hvc{os.getpid()}'
        self.hostp = self.guestp = self.probe = self.asker = None
        self.steps = []
        self.bends = 0

    # --- life ---

    def close(self):
        for p in (self.guestp, self.hostp):
            self.end(p)
        if self.asker:
            self.asker.close()
        if self.probe:
            self.probe.close()
        subprocess.run(['ip', 'netns', 'del', self.netns], check=False,
                       stderr=subprocess.DEVNULL)

    def end(self, p):
        if p is None or p.poll() is not None:
            return
        p.send_signal(signal.SIGTERM)
        try:
            p.wait(self.run.patience)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()

    def remove(self, keep=None):
        """Forget the files, or leave them in the folder `keep`."""
        if keep:
            shutil.rmtree(keep, ignore_errors=True)
            shutil.copytree(self.dir, keep,
                            ignore=shutil.ignore_patterns('run', '*.sock'))
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, name, cmd, terminal=None):
        with open(f'{self.dir}/{name}.log', 'ab') as log:
            return subprocess.Popen(
                cmd, stdout=log if terminal is None else terminal, stderr=log,
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                env=self.env, start_new_session=terminal is not None)

    def text(self, name):
        path = pathlib.Path(self.dir, name)
        return path.read_text(errors='replace') if path.exists() else ''

    def hvnet(self, *args):
        # On a busy machine an answer may take longer than hvnet waits.
        for _ in range(10):
            r = subprocess.run([self.run.hvnet, *args], env=self.env,
                               text=True, capture_output=True, timeout=60)
            if 'no answer within' not in r.stderr:
                break
        if r.returncode != 0:
            raise Broken(f'hvnet {" ".join(args)}: {r.stderr.strip()}')
        return r.stdout

    # --- the host ---

    def spec(self, bend, nic):
        """The NIC n0 as `hvnet host --nic` takes it."""
        spec = {'backend': 'tap', 'name': 'n0', 'netns': self.netns,
                'mac': MAC, 'queues': 2, **nic}
        if bend:
            spec['bend'] = self.script(bend)
        return ','.join(f'{k}={v}' for k, v in spec.items())

    def host(self, bend='', args=(), **nic):
        """A host with one NIC n0 that bends by these lines."""
        self.steps.append('a host is there')
        subprocess.run(['ip', 'netns', 'add', self.netns], check=True)
        subprocess.run(['ip', 'netns', 'exec', self.netns, 'sysctl', '-qw',
                        'net.ipv6.conf.default.accept_dad=0'], check=True)
        self.hostp = self.start('host', [
            self.run.hvnet, 'host', '--listen', self.sock, *args,
            '--transcript', f'{self.dir}/transcript.txt',
            '--capture', f'{self.dir}/capture.pcapng',
            '--nic', self.spec(bend, nic)])
        self.wait('the host listens',
                  lambda: 'listening on' in self.text('host.log'), Broken)

    def script(self, lines):
        self.bends += 1
        path = f'{self.dir}/{self.bends}.bend'
        pathlib.Path(path).write_text(
            '\n'.join(x.strip() for x in lines.strip().splitlines()) + '\n')
        return path

    def set(self, *settings):
        """Settings of the NIC, as `hvnet set n0` takes them."""
        self.steps.append(f'the host sets {" ".join(settings)}')
        self.hvnet('set', 'n0', *settings)

    def bend(self, lines):
        """From now on the host bends by these lines."""
        self.steps.append('the host bends in another way')
        self.hvnet('set', 'n0', f'bend={self.script(lines)}')

    def straight(self):
        """No bends from now on; what was held back goes."""
        self.steps.append('the host bends no more')
        self.hvnet('set', 'n0', 'bend=off')

    def remove_nic(self):
        self.steps.append('the host takes the NIC back for good')
        self.hvnet('set', '--remove', 'n0')

    def add_nic(self, bend='', **nic):
        """The NIC is back, perhaps another one of the same address."""
        self.steps.append('the host offers the NIC again')
        self.forget()
        self.hvnet('set', '--add', self.spec(bend, nic))

    def forget(self):
        """The interface of the NIC is another one now."""
        if self.probe:
            self.probe.close()
        self.probe = None

    def stat(self):
        for _ in range(10):
            for p in json.loads(self.hvnet('stat', '--json'))['processes']:
                if p['kind'] == 'host':
                    return p
            if self.hostp.poll() is not None:
                break
        raise Broken('the host gives no statistics')

    def nic(self):
        nics = self.stat()['nics']
        return nics[0] if nics else {}

    def device(self, key):
        """What the guest has set up: queues, filter, nvsp, vmbus ..."""
        return self.nic().get('device', {}).get(key)

    def faults(self):
        """Rules of the protocol that guests broke so far: {reason: times}."""
        stat, total = self.stat(), {}
        logs = [stat['faults_of_gone_guests']]
        for nic in stat['nics']:
            logs += [nic.get('faults', {}),
                     nic.get('guest', {}).get('faults', {})]
        for log in logs:
            for reason, n in log.get('by_reason', {}).items():
                total[reason] = total.get(reason, 0) + n
        return total

    def done(self, line=None):
        """How many messages the script bent, all of it or by one line."""
        return sum(b['done'] for b in self.nic().get('bend', [])
                   if line in (None, b['line']))

    def said(self, pattern):
        """Lines of the transcript that match."""
        return [x for x in self.text('transcript.txt').splitlines()
                if re.search(pattern, x)]

    def between(self, first, last):
        """Lines from the first that matches one pattern to the next, or the
        end, that matches the other."""
        lines, out = self.said(''), []
        for line in lines:
            if out and re.search(last, line):
                break
            if out or re.search(first, line):
                out.append(line)
        return out

    # --- the guest ---

    def guest(self):
        """A guest comes."""
        self.steps.append('a guest comes')
        ours = theirs = None
        if self.run.guest_console == '-':
            ours, theirs = ask.terminal()
        if self.run.command:
            self.guestp = self.start('guest', self.run.command(self.sock),
                                     theirs)
        if ours is not None:
            os.close(theirs)
            self.asker = self.console(ours)

    def restart(self):
        """A guest that ended in order, as one may with its NIC, comes again."""
        p = self.guestp
        if p is None or not self.run.restart or p.poll() is None or \
                not 0 <= p.returncode < 128:
            return
        self.steps.append(f'the guest ended with exit code {p.returncode}')
        self.guest()

    def console(self, fd):
        return ask.ByConsole(fd, self.run.patience, f'{self.dir}/console.log')

    def can_ask(self):
        """Is there a way to ask the guest?"""
        return bool(self.run.guest_run or self.run.guest_console)

    def tell(self, shell):
        """Exit code and output of what the guest's shell does; $IF is the
        interface of the NIC there."""
        if self.asker is None and self.run.guest_run:
            self.asker = ask.ByCommand(self.run.guest_run, self.run.patience)
        try:
            if self.asker is None:
                self.wait('the console is there', lambda: os.path.exists(
                    self.run.guest_console), Broken)
                self.asker = self.console(ask.opened(self.run.guest_console))
            return self.asker.run(FIND_IF.format(mac=MAC) + shell)
        except ask.Late as e:
            raise Broken(f'to ask the guest: {e}') from None

    def ask(self, shell, may_fail=False):
        """The guest is asked to do this; what its shell printed."""
        self.needs(self.can_ask(), 'no way to ask the guest: want --guest-run '
                   'or --guest-console')
        self.steps.append(f'the guest is asked: {shell}')
        rc, text = self.tell(shell)
        self.needs(rc != 127, f'the guest has no such command: {text.strip()}')
        if rc != 0 and not may_fail:
            raise NotApplicable(f'the guest cannot: {shell}: exit code {rc}: '
                                f'{text.strip()}')
        return text

    def up(self):
        """The guest has attached and wants frames."""
        def wants():
            if self.device('filter') not in (None, 'none'):
                return True
            if self.can_ask() and self.device('nvsp'):
                self.tell('ip link set $IF up')
            return False
        self.wait('the guest comes up', wants)

    def gone(self):
        """The guest has let go of the NIC."""
        self.wait('the guest lets go of the NIC', lambda:
                  not self.stat()['nics_leaving'])

    def alive(self):
        """Frames pass again, sooner or later."""
        if self.probe is None:
            self.probe = Probe(self.netns, 'n0')
        self.wait('the guest answers an echo request', self.probe.find)

    def works(self, sizes=SIZES):
        """Up, and each frame passes both ways, once and unchanged."""
        self.up()
        self.alive()
        if not self.probe.is_stack():
            # It reassembles nothing.
            sizes = [n for n in sizes if n <= max(SIZES)]
            self.needs(sizes, 'the guest is no IP stack')
        for _ in range(3):
            lost = self.probe.lost(sizes, self.run.patience)
            if lost:
                raise Failed(f'of {len(sizes)} echo requests those with '
                             f'{lost} bytes got no answer')
        self.whole()
        self.steps.append('frames pass both ways')

    def flood(self, number, size=1300):
        """Many at once; some may be lost, what is answered is whole."""
        lost = len(self.probe.lost([size] * number, 2, None))
        self.steps.append(f'of {number} echo requests at once {number - lost} '
                          'were answered')
        self.whole()
        return number - lost

    def disturbed(self, times, burst=4):
        """Echo requests until the bend of line 1 was met this often."""
        def met():
            if self.probe.find():
                self.probe.lost([56] * burst, 0.5)
            return self.done(1) >= times
        self.wait('the host bends', met)

    def whole(self):
        if self.probe.stray:
            raise Failed(f'{self.probe.stray} answers came twice or changed')
        if self.probe.wrong:
            raise Failed(f'{self.probe.wrong} answers to echo requests with a '
                         'wrong checksum')

    @contextlib.contextmanager
    def by_vlan(self, vid):
        """What is asked meanwhile goes through this VLAN."""
        straight = self.probe
        self.steps.append(f'by VLAN {vid}')
        for words in (['add', 'link', 'n0', 'name', 'vlan', 'type', 'vlan',
                       'id', str(vid)], ['set', 'vlan', 'up']):
            r = subprocess.run(['ip', '-n', self.netns, 'link', *words],
                               check=False)
            self.needs(r.returncode == 0, "the host's kernel has no VLANs")
        self.probe = Probe(self.netns, 'vlan')
        try:
            yield
        finally:
            self.probe.close()
            self.probe = straight

    def stream(self, to_guest, megabytes):
        """A TCP stream between a server of ours and the guest's bash."""
        with Stream(self.probe, to_guest, megabytes << 20) as tcp:
            where = f'/dev/tcp/{tcp.address}%$IF/{tcp.port}'
            if to_guest:
                asked = f'sha256sum < {where}'
            else:
                asked = (f'yes {tcp.LINE} | head -c {megabytes << 20} > '
                         f'{where}')
            text = self.ask(f"timeout {self.run.patience} bash -c "
                            f"'{asked.replace('$IF', QUOTED_IF)}'")
            got = (re.findall('[0-9a-f]{64}', text) or [''])[-1] if (
                to_guest) else tcp.got()
        self.must(got == tcp.hash, f'{megabytes} MiB arrived unchanged')

    def refuses(self):
        """TCP and UDP: the checksums of both ways are right."""
        self.needs(self.probe.is_stack(), 'the guest is no IP stack')
        for name, kind in (('TCP', socket.SOCK_STREAM),
                           ('UDP', socket.SOCK_DGRAM)):
            self.wait(f'the guest refuses a connection by {name}',
                      lambda k=kind: self.probe.refused(k, 1.5))

    def honest(self, but=''):
        """The guest broke no rule of the protocol itself.  but: what only a
        host that was told less than the guest takes for a fault."""
        faults = {k: v for k, v in self.faults().items() if k != but}
        if faults:
            raise Failed(f'the guest broke the protocol: {faults}')
        self.steps.append('the guest broke no rule')

    def steady(self):
        """The guest was not so upset that it attached again."""
        times = len(self.said(r'guest <- host RNDIS INIT_DONE '))
        if times != 1:
            raise Failed(f'the guest attached {times} times, not once')
        self.steps.append('the guest stayed attached')

    # --- what must hold ---

    def wait(self, what, question, error=Failed):
        end = time.monotonic() + self.run.patience
        while not question():
            self.restart()
            for name, p in (('host', self.hostp), ('guest', self.guestp)):
                if p is not None and p.poll() is not None:
                    raise (Broken if name == 'host' else Failed)(
                        f'{what}: the {name} ended with exit code '
                        f'{p.returncode}')
            if time.monotonic() > end:
                if self.guestp and not self.said('guest -> host'):
                    raise Broken(f'the guest never came: no message of it '
                                 f'within {self.run.patience} s; --patience '
                                 'has to be longer than it takes to boot')
                raise error(f'{what}: not within {self.run.patience} s')
            time.sleep(0.03)
        self.steps.append(what)

    def must(self, holds, what):
        if not holds:
            raise Failed(f'{what}: it is not so')
        self.steps.append(what)

    def needs(self, holds, what):
        """Without this the scenario is not about this guest."""
        if not holds:
            raise NotApplicable(what)

    def happened(self, line=1):
        """The bend of this line was met, or it is not about this guest."""
        self.needs(self.done(line) > 0, 'the guest sends nothing that this '
                   'bend is about')

    def happens(self, line=1):
        """Every guest causes what the bend of this line is about."""
        self.wait('the host bends', lambda: self.done(line) > 0)
