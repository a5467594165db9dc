# SPDX-License-Identifier: BSD-2-Clause
"""The QEMU of a test's virtual machine, and a handle on one."""
import functools
import os
import pathlib
import re
import socket
import subprocess
import time
import zlib

from debian_apt import ImageError, sh
from kernels import HERE, KERNELS

TOP = HERE.parent.parent


@functools.lru_cache(None)
def qemu():
    """Path of the QEMU of this tree, built if need be, or of HVNET_QEMU."""
    if os.environ.get('HVNET_QEMU'):
        return pathlib.Path(os.environ['HVNET_QEMU'])
    r = subprocess.run([TOP / 'scripts/qemu-build.sh'], text=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    if r.returncode != 0:
        raise ImageError('no QEMU: ' + r.stderr.strip().splitlines()[-1])
    return pathlib.Path(r.stdout.strip().splitlines()[-1])


def compiled(lab, name):
    """A program of tests/vm, in the lab's folder."""
    program = pathlib.Path(lab.dir) / name
    sh(['gcc', '-O1', '-s', '-Wall', '-Wextra', '-Werror', '-o', program,
        HERE / f'{name}.c'])
    return program


def children(pid):
    """Of a process with one thread."""
    return list(map(int, pathlib.Path(
        f'/proc/{pid}/task/{pid}/children').read_text().split()))


class Machine:
    """A virtual machine with a command channel and a monitor.

    lab is the scripts/lab.py Lab that owns the processes.  Who inherits has
    _until(mark, seconds): what the channel says up to the mark.
    """

    serial = 0

    def __init__(self, lab):
        Machine.serial += 1
        self.serial = Machine.serial
        self.lab = lab
        self.sock = None
        self.buf = b''
        self.console_path = f'{lab.dir}/vm{self.serial}.console'
        self.monitor = f'{lab.dir}/vm{self.serial}.monitor'

    def line(self, cmd):
        """What to send for a command that is to be run."""
        return cmd

    def run(self, cmd, check=True, timeout=60):
        """Run a shell line in the guest; its output."""
        self.sock.sendall(self.line(cmd).encode() + b'\n')
        out = self._until(b'\n\x01', timeout).decode(errors='replace')
        code = self._until(b'\n', 10)
        out = out.replace('\r\n', '\n').strip('\n')
        if check and int(code) != 0:
            raise AssertionError(f'vm: {cmd}: exit {int(code)}\n{out}')
        return out

    def console(self):
        return pathlib.Path(self.console_path).read_text(errors='replace')

    def qmp(self, line):
        """One line to QEMU's monitor."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.monitor)
            s.sendall(line.encode() + b'\n')
            time.sleep(0.2)
            return s.recv(65536).decode(errors='replace')


class Vm(Machine):
    """`hvnet vm --debian` with one of Debian's kernels, the first serial port
    in its log, the command channel on the second."""

    def __init__(self, lab, vps=2, memory='512M', flavour='cloud', append='',
                 name='vm', options=(), args=()):
        """options: more of hvnet vm's; args: of QEMU's."""
        super().__init__(lab)
        self.tty = f'{lab.dir}/vm{self.serial}.tty'
        self.proc = lab.start(None, [
            lab.hvnet, 'vm', '--debian', '--package', KERNELS[flavour],
            '--connect', lab.sock, '--name', name, '--vps', vps, '--memory',
            memory, '--append', f'panic=0 hvnet.channel {append}'.strip(),
            *options, '--',
            '-serial', f'unix:{self.tty},server=on,wait=off',
            '-monitor', f'unix:{self.monitor},server=on,wait=off', *args,
        ], 'vm')
        self.console_path = self.proc.log

    def qemu(self):
        """QEMU's pid."""
        return children(self.proc.pid)[0]

    def kernel_log(self):
        """The kernel's lines that complain."""
        bad = re.compile(r'BUG|WARNING|Oops|Call Trace|hung task|stall|'
                         r'ACPI.* (Error|Warning)|unchecked MSR|'
                         r'NETDEV WATCHDOG|panic|hv_\w+: .*(error|fail|'
                         r'unable|timed? ?out|invalid)', re.I)
        skip = re.compile(r'pcie?port|sched_clock|clocksource|Command line|'
                          r'tsc:|calibrate_delay|pci=nocrs|not a bug', re.I)
        return [x for x in self.console().splitlines()
                if re.match(r'\[ *\d+\.\d+\]', x) and bad.search(x) and
                not skip.search(x)]

    def connect(self, seconds=90):
        self.sock = socket.socket(socket.AF_UNIX)
        # There is a moment between its name and its readiness.
        self.lab.wait('qemu started', lambda: self.sock.connect_ex(
            self.tty) == 0, 60, [self.proc])
        self.buf = b''
        return self.wait_ready(seconds)

    def wait_ready(self, seconds=90):
        """Until init reads commands: after boot, and after each reset."""
        self._until(b'ready\x01', seconds)
        return self

    def _until(self, mark, seconds):
        end = time.monotonic() + seconds
        while mark not in self.buf:
            left = end - time.monotonic()
            panic = 'Kernel panic' in self.console()
            if self.proc.poll() is not None or left <= 0 or panic:
                raise AssertionError(
                    f'vm: {"ended" if left > 0 else "no answer"}; console:\n'
                    + '\n'.join(self.console().splitlines()[-40:]))
            self.sock.settimeout(min(left, 1))
            try:
                got = self.sock.recv(65536)
            except TimeoutError:
                continue
            self.buf += got
        head, self.buf = self.buf.split(mark, 1)
        return head

    def put(self, program):
        """Copy a program of ours to /tmp."""
        raw = program.read_bytes()
        to = f'/tmp/{program.name}'
        for i in range(0, len(raw), 1000):
            self.run(f'perl -e \'print pack "H*", "{raw[i:i + 1000].hex()}"\''
                     f' >>{to}')
        self.run(f'chmod +x {to}')

    def memory(self):
        """A number for each page of the machine's memory, by its content."""
        fds = pathlib.Path(f'/proc/{self.qemu()}/fd')
        ram = next(f for f in fds.iterdir()
                   if 'memory-backend-memfd' in os.readlink(f))
        with open(ram, 'rb') as f:
            return [zlib.crc32(page)
                    for page in iter(lambda: f.read(4096), b'')]
