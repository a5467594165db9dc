# SPDX-License-Identifier: BSD-2-Clause
"""What a test's virtual machine is made of, and a handle on one.

Kernels are Debian's own packages, fetched with apt and unpacked beside, never
installed; the root is an initramfs of busybox and PROGRAMS.  Both are
kept in ~/.cache/hvnet (HVNET_QEMU_CACHE).
"""
import functools
import gzip
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
CACHE = pathlib.Path(os.environ.get('HVNET_QEMU_CACHE') or
                     os.environ.get('XDG_CACHE_HOME', '~/.cache') + '/hvnet'
                     ).expanduser()
PROGRAMS = ['ethtool', 'iperf3', 'perl']
MODULES = ['hv_vmbus', 'hv_netvsc', 'llc', 'stp', 'garp', 'mrp', '8021q']


class KitError(Exception):
    """This machine cannot make a virtual machine: a reason to skip."""


def sh(cmd, **kw):
    r = subprocess.run(cmd, text=True, capture_output=True,
                       stdin=subprocess.DEVNULL, **kw)
    if r.returncode != 0:
        raise KitError(f'{cmd}: {r.stdout}{r.stderr}'.strip())
    return r.stdout


@functools.lru_cache(None)
def qemu():
    """Path of the QEMU of this tree, built if need be, or of HVNET_QEMU."""
    if os.environ.get('HVNET_QEMU'):
        return pathlib.Path(os.environ['HVNET_QEMU'])
    r = subprocess.run([TOP / 'scripts/qemu-build.sh'], text=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    if r.returncode != 0:
        raise KitError('no QEMU: ' + r.stderr.strip().splitlines()[-1])
    return pathlib.Path(r.stdout.strip().splitlines()[-1])


def package(name, into):
    """Unpack a Debian package, and what it only stands for, into a folder."""
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        sh(['apt-get', 'download', '-q', '-o', 'APT::Sandbox::User=root',
            name], cwd=d)
        for deb in pathlib.Path(d).glob('*.deb'):
            sh(['dpkg-deb', '-x', str(deb), str(into)])


@functools.lru_cache(None)
def kernel(flavour='cloud'):
    """Folder of an unpacked kernel: vmlinuz, lib/modules.  cloud, generic."""
    meta = {'cloud': 'linux-image-cloud-amd64',
            'generic': 'linux-image-amd64'}[flavour]
    depends = sh(['apt-cache', 'depends', meta])
    found = re.search(r'Depends: (linux-image-\d\S*)', depends)
    if not found:
        raise KitError(f'apt knows no kernel by {meta}')
    where = CACHE / 'kernel' / found[1]
    if not where.exists():
        new = pathlib.Path(f'{where}.{os.getpid()}')
        new.mkdir(parents=True)
        package(found[1], new)
        package('busybox-static', new)
        image = next((new / 'boot').glob('vmlinuz-*'))
        image.rename(new / 'vmlinuz')
        new.rename(where)
    return where


def libraries(path):
    """Every shared library of a program, the loader too."""
    return re.findall(r'(?:=> )?(/\S+) \(0x', sh(['ldd', str(path)]))


def archive(root):
    """A folder as a "newc" cpio archive, with a console device node."""
    out = bytearray()

    def add(name, mode, data=b'', rdev=(0, 0)):
        head = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name) + 1, 0]
        out.extend(b'070701' + b''.join(b'%08X' % x for x in head))
        for part in (name.encode() + b'\0', data):
            out.extend(part + b'\0' * (-(len(out) + len(part)) % 4))

    for path in sorted(root.rglob('*')):
        name = str(path.relative_to(root))
        if path.is_symlink():
            add(name, 0o120777, os.readlink(path).encode())
        elif path.is_dir():
            add(name, 0o40755)
        else:
            add(name, 0o100000 | (path.stat().st_mode & 0o777),
                path.read_bytes())
    add('dev/console', 0o20600, rdev=(5, 1))
    add('TRAILER!!!', 0)
    return bytes(out)


@functools.lru_cache(None)
def initrd(flavour='cloud'):
    """An initramfs for that kernel."""
    tree = kernel(flavour)
    programs = [shutil.which(p) for p in PROGRAMS]
    if None in programs:
        raise KitError(f'one of {PROGRAMS} is missing (scripts/deps.sh check)')
    made_of = hashlib.sha256()
    made_of.update((HERE / 'guest_init.sh').read_bytes())
    made_of.update(repr((MODULES, programs)).encode())
    out = tree / f'initrd-{made_of.hexdigest()[:12]}'
    if out.exists():
        return out
    with tempfile.TemporaryDirectory() as d:
        root = pathlib.Path(d)
        for f in 'bin proc sys dev tmp root'.split():
            (root / f).mkdir()
        shutil.copy(next(tree.glob('**/bin/busybox')), root / 'bin/busybox')
        for p in programs:
            for f in [p, *libraries(p)]:
                to = root / f.lstrip('/')
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(f, to)
            if not p.startswith('/usr/bin') and not p.startswith('/bin'):
                shutil.copy(p, root / 'bin')
        for m in MODULES:
            f = next(tree.glob(f'lib/modules/**/{m}.ko*'))
            to = root / f.relative_to(tree)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(f, to)
        (root / 'modules').write_text('\n'.join(MODULES) + '\n')
        shutil.copy(HERE / 'guest_init.sh', root / 'init')
        (root / 'init').chmod(0o755)
        new = f'{out}.{os.getpid()}'
        pathlib.Path(new).write_bytes(gzip.compress(archive(root), 1))
        os.rename(new, out)
    return out


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
    """A machine with a stock Linux kernel and an initramfs of ours."""

    def __init__(self, lab, vps=2, memory='512M', flavour='cloud', append='',
                 device='', name='vm', args=()):
        super().__init__(lab)
        self.tty = f'{lab.dir}/vm{self.serial}.tty'
        binary = qemu()
        self.proc = lab.start(None, [
            binary, '-L', binary.parent / 'firmware', '-nodefaults',
            '-no-user-config', '-display', 'none', '-accel',
            'tcg,thread=multi', '-machine', 'pc,memory-backend=ram',
            '-object', f'memory-backend-memfd,id=ram,size={memory},share=on',
            '-m', memory, '-smp', vps, '-cpu', 'max,-cx16,-erms,-fsrm',
            '-device', f'hvnet,path={lab.sock},name={name}{device}',
            '-kernel', kernel(flavour) / 'vmlinuz', '-initrd',
            initrd(flavour), '-append',
            f'console=ttyS0 panic=0 mitigations=off {append}',
            '-serial', f'file:{self.console_path}',
            '-serial', f'unix:{self.tty},server=on,wait=off',
            '-monitor', f'unix:{self.monitor},server=on,wait=off', *args,
        ], 'qemu')

    def kernel_log(self):
        """The kernel's lines that complain."""
        bad = re.compile(r'BUG|WARNING|Oops|Call Trace|hung task|stall|'
                         r'NETDEV WATCHDOG|panic|hv_\w+: .*(error|fail|'
                         r'unable|timed? ?out|invalid)', re.I)
        skip = re.compile(r'pcie?port|sched_clock|clocksource|Command line|'
                          r'tsc:|calibrate_delay|pci=nocrs|not a bug', re.I)
        return [x for x in self.console().splitlines()
                if bad.search(x) and not skip.search(x)]

    def connect(self, seconds=90):
        self.lab.wait('qemu started', lambda: os.path.exists(self.tty), 20,
                      [self.proc])
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.tty)
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
                    + '\n'.join(self.console().splitlines()[-40:]) + '\n'
                    + self.lab.log(self.proc))
            self.sock.settimeout(min(left, 1))
            try:
                got = self.sock.recv(65536)
            except TimeoutError:
                continue
            self.buf += got
        head, self.buf = self.buf.split(mark, 1)
        return head

    def memory(self):
        """A number for each page of the machine's memory, by its content."""
        fds = pathlib.Path(f'/proc/{self.proc.pid}/fd')
        ram = next(f for f in fds.iterdir()
                   if 'memory-backend-memfd' in os.readlink(f))
        with open(ram, 'rb') as f:
            return [zlib.crc32(page)
                    for page in iter(lambda: f.read(4096), b'')]
