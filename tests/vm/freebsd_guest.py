# SPDX-License-Identifier: BSD-2-Clause
"""A FreeBSD machine on our host end, run by `hvnet vm` from a disk image.

The image is one of the user's (HVNET_FREEBSD_IMAGE, docs/vm.md): what it must
give is a root shell on its first serial port, and FreeBSD's base system.  Our
own driver goes in as a second disk (HVNET_FREEBSD_HVN, freebsd/).
"""
import os
import random
import re
import socket
import subprocess
import sys
import time
import warnings

import kit
from lab import TOP
from linux_guest import GUEST, HOST, Joined

IMAGE = os.environ.get('HVNET_FREEBSD_IMAGE')
# What to type where the BIOS hands over: ` -h` for a loader that otherwise
# talks to a screen.
BOOT = os.environ.get('HVNET_FREEBSD_BOOT')
# if_hvn.ko, built for the image's kernel.
MODULE = os.environ.get('HVNET_FREEBSD_HVN')
# +i: no prompt, and no line editing, which sets the terminal as it likes.
SHELL = (b'exec env -i HOME=/root PATH=/sbin:/bin:/usr/sbin:/usr/bin '
         b'/bin/sh +i\n')
# FreeBSD's own race at boot (docs/vm.md): a thread of GEOM runs before the
# pointer to it is kept, through which it is to set its priority.
GEOM_RACE = re.compile(
    rb'Fatal trap 12: .*fault virtual address\s*= 0x0\r?\n.*'
    rb'current process\s*= \d+ \((geom|g_event|g_up|g_down)\)', re.S)
RACES = 3       # of them in a row are something else


class FreeBsdVm(kit.Machine):
    """A machine whose serial console answers as a shell.

    driver: whose the NIC is, hn or hvn.  hn(4) is in the kernel and has it
    first; MODULE is on the second disk, from the first byte.
    """

    # What the console says on the way to it, and what is then typed.
    TALK = [
        (re.compile(rb'login: ?$'), b'root\n'),
        (re.compile(rb'RETURN for /bin/sh: ?$'), b'\n'),
        (re.compile(rb'[#%] ?$'), SHELL),
    ]

    def __init__(self, lab, vps=2, memory='1G', name='freebsd', args=(),
                 qemu_args=(), driver='hn', module=MODULE):
        super().__init__(lab)
        self.driver = driver
        self.nic = f'{driver}0'
        if module:
            qemu_args = [*qemu_args, '-drive',
                         f'file={module},format=raw,if=virtio,snapshot=on']
        ours, its = socket.socketpair()
        with its, open(f'{self.console_path}.err', 'wb') as err:
            self.proc = subprocess.Popen(
                [lab.hvnet, 'vm', '--connect', lab.sock, '--qemu',
                 str(kit.qemu()), '--name', name, '--vps', str(vps),
                 '--memory', memory, '--snapshot', '--image', IMAGE, *args,
                 '--', '-monitor',
                 f'unix:{self.monitor},server=on,wait=off', *qemu_args],
                stdin=its, stdout=its, stderr=err, env=lab.env)
        self.proc.log = f'{self.console_path}.err'
        lab.procs.append(self.proc)
        self.sock = ours

    def _read(self, seconds):
        """More of the console, kept; b'' when none came in that time."""
        self.sock.settimeout(seconds)
        try:
            got = self.sock.recv(65536)
        except TimeoutError:
            return b''
        if not got:
            raise AssertionError('vm: ended\n' + self.tail())
        with open(self.console_path, 'ab') as f:
            f.write(got)
        self.buf += got
        return got

    def tail(self):
        text = self.console() if os.path.exists(self.console_path) else ''
        return '\n'.join(text.splitlines()[-40:]) + '\n' + \
            self.lab.log(self.proc)

    def wait_ready(self, seconds=240):
        """To a shell without echo and prompt: after boot and each reset."""
        end = time.monotonic() + seconds
        shell = False
        races = 0
        self._loader()
        while not shell:
            if time.monotonic() > end:
                raise AssertionError('vm: no shell\n' + self.tail())
            if self._read(1):
                continue
            if b'Fatal trap' in self.buf:
                races += 1
                self._trapped(races)
                end = time.monotonic() + seconds
                continue
            for prompt, words in self.TALK:
                if prompt.search(self.buf):
                    shell = words is SHELL
                    self.buf = b''
                    self.sock.sendall(words)
                    break
        while not self._plain():
            if time.monotonic() > end:
                raise AssertionError('vm: no shell\n' + self.tail())
            self.sock.sendall(SHELL)
        self.buf = b''
        self.run('sysctl kern.consmute=1')
        if self.driver == 'hvn':
            self.load()
            self.take()
        return self

    connect = wait_ready

    def load(self):
        """Load our driver; every NIC is still hn's."""
        self.run('[ -e /tmp/if_hvn.ko ] || dd if=/dev/vtbd1 bs=64k '
                 'of=/tmp/if_hvn.ko 2>/dev/null; kldload /tmp/if_hvn.ko')

    def take(self, unit=0):
        """Our driver has that NIC from now on."""
        self.run(f'devctl set driver -f hn{unit} hvn')

    def _loader(self):
        if BOOT:
            self._until(b'Booting from Hard Disk', 30)
            self.sock.sendall(BOOT.encode() + b'\r')

    def _trapped(self, races):
        """A trap at boot: a new start if it is FreeBSD's race."""
        while self._read(5):
            pass
        said = self.buf[self.buf.index(b'Fatal trap'):]
        if races > RACES or not GEOM_RACE.search(said):
            raise AssertionError('vm: ' + said.decode(errors='replace'))
        warnings.warn('FreeBSD lost its race at boot (docs/vm.md): reset')
        self.buf = b''
        self.qmp('system_reset')
        self._loader()

    def _plain(self):
        """Quiet the terminal; whether the shell then answers and nothing else
        comes.  While shells start, a slow machine throws away what is typed:
        the one to be replaced may be there still, which echoes by itself."""
        self.sock.sendall(b'stty -echo -onlcr\n')
        while self._read(2):
            pass
        self.buf = b''
        self.sock.sendall(b"printf 'rea%s\\001' dy\n")
        while b'\x01' not in self.buf and self._read(5):
            pass
        return self.buf == b'ready\x01'

    def _until(self, mark, seconds):
        end = time.monotonic() + seconds
        while mark not in self.buf:
            left = end - time.monotonic()
            if left <= 0 or b'Fatal trap' in self.buf:
                raise AssertionError('vm: no answer\n' + self.tail())
            self._read(min(left, 1))
        head, self.buf = self.buf.split(mark, 1)
        return head

    def line(self, cmd):
        line = f"({cmd}) </dev/null 2>&1; printf '\\n\\001%d\\n' $?"
        # What a terminal that edits lines takes.
        assert len(line) < 1000, line
        return line

    def sysctl(self, name):
        return self.run(f'sysctl -n {name}')

    def dmesg(self):
        """Of this boot: the kernel keeps its messages of before a reset."""
        return self.run("dmesg | sed -n '/<<BOOT>>/h;/<<BOOT>>/!H;${x;p;}'")

    def kernel_log(self):
        """The kernel's lines that complain, of this boot."""
        bad = re.compile(r'panic|Fatal trap|lock order|non-sleepable|'
                         r'(hv?n|vmbus)\d*: .*(error|fail|unable|time|invalid|'
                         r'unknown|not |lost|bad|can\'t|mismatch)', re.I)
        return [x for x in self.dmesg().splitlines() if bad.search(x)]


class JoinedFreeBsd(Joined):
    """One FreeBSD machine (10.7.0.1) and a TAP of ours (10.7.0.2)."""

    machine = FreeBsdVm

    def up(self):
        nic = self.vm.nic
        self.vm.run(f'ifconfig {nic} inet 10.7.0.1/24 up; ifconfig {nic} inet6'
                    ' fd07::1 prefixlen 64 no_dad -ifdisabled')
        self.ping()

    def sysctl(self, name):
        """One of the driver's own."""
        return self.vm.sysctl(f'dev.{self.vm.driver}.0.{name}')

    def ping(self, to=HOST, seconds=20):
        self.vm.run(f'for i in $(jot {seconds}); do ping -c1 -t1 -q {to} && '
                    'exit 0; sleep 0.2; done; exit 1', timeout=3 * seconds)

    def copy_out(self, mib, to=HOST):
        port = random.randint(20000, 30000)
        p = self.serve([sys.executable, TOP / 'scripts/copyfile.py',
                        'receive', str(port)], port)
        sent = self.vm.run(
            f'dd if=/dev/urandom of=/tmp/f bs=1m count={mib} 2>/dev/null; '
            f'sha256 -q /tmp/f; nc -N {to} {port} </tmp/f >/dev/null',
            timeout=120).split()[0]
        p.wait(60)
        self.lab.procs.remove(p)
        assert self.lab.log(p).split() == [sent, str(mib << 20)]

    def copy_in(self, mib, to=GUEST):
        port = random.randint(20000, 30000)
        six = '-6 ' if ':' in to else ''
        self.vm.run(f'rm -f /tmp/done; (nc -N {six}-l {port} >/tmp/g; '
                    'touch /tmp/done) >/dev/null 2>&1 & sleep 0.5')
        r = self.lab.run('h', [sys.executable, TOP / 'scripts/copyfile.py',
                               'send', to, str(port), str(mib)])
        sent, size = r.stdout.split()
        got = self.vm.run('while [ ! -e /tmp/done ]; do sleep 0.1; done; '
                          'sha256 -q /tmp/g; stat -f %z /tmp/g',
                          timeout=60).split()
        assert got == [sent, size]
