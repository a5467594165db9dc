#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The disks, kernel and initial root of a Debian machine (hvnet vm --debian).

Three parts, each made once and kept in ~/.cache/hvnet by a hash of what it is
made of:

* the root: an ext4 image of a small Debian, by mmdebstrap;
* the kernel: a package of Debian's, unpacked and never installed, or a file of
  the user's; its modules are an ext4 image, mounted on /lib/modules;
* the initial root: busybox, the modules that it takes to mount the root, and
  scripts/guest/.

A part that is there is used as it is, without a look at the network.  Remove
~/.cache/hvnet/debian and ~/.cache/hvnet/kernel to get newer ones.

Standard output is lines of NAME=PATH: kernel, initrd, root, modules.
"""
import argparse
import contextlib
import fcntl
import functools
import gzip
import hashlib
import io
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

from debian_apt import (CACHE, HERE, ImageError, UsageError, apt_options,
                        apt_settings, codename, depends, need, package, reason,
                        say, sh)

# What a machine has besides Debian's essential packages.
PACKAGES = ['bpftool', 'busybox-static', 'dbus', 'dpdk', 'dpdk-dev',
            'driverctl',
            'ethtool', 'iperf3', 'iproute2', 'iputils-ping', 'kmod',
            'nftables', 'procps', 'psmisc', 'systemd-sysv', 'tcpdump', 'udev']
# Not worth their bytes in a machine for tests.
LEFT_OUT = ['doc', 'info', 'lintian', 'locale', 'man']
# Modules that may be needed to mount the root.
FOR_ROOT = ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'ext4']
KERNEL = 'linux-image-cloud-amd64'
# Policy: room for what is written while the machine runs.
ROOT_SIZE = '4G'


def digest(*parts):
    h = hashlib.sha256()
    for p in parts:
        h.update(p if isinstance(p, bytes) else repr(p).encode())
    return h.hexdigest()[:16]


@contextlib.contextmanager
def locked(name):
    """One at a time makes this."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f'{name}.lock', 'w') as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('waiting: another hvnet is at it')
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def made(where):
    """A new folder that becomes `where` if all goes well."""
    where.parent.mkdir(parents=True, exist_ok=True)
    new = pathlib.Path(tempfile.mkdtemp(prefix='new.', dir=where.parent))
    new.chmod(0o755)
    try:
        yield new
        if where.exists():
            shutil.rmtree(where)
        new.rename(where)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def as_root():
    """How to run a command that sees the files of a root as root's."""
    return [] if os.geteuid() == 0 else \
        ['unshare', '--user', '--map-root-user', '--map-auto', '--mount']


def mke2fs(image, folder, size, *options):
    return f'mke2fs -q -F -t ext4 -m 0 -d {folder} ' \
        f'-E lazy_itable_init=0,nodiscard {" ".join(options)} {image} {size}'


# --- the root ---

def bootstrap(suite, packages, tar):
    """mmdebstrap, its progress on standard error."""
    lists = sorted((CACHE / f'apt-{suite}/list.d').iterdir())
    cmd = ['mmdebstrap', '--variant=minbase', '--format=tar',
           f'--include={",".join(packages)}',
           *(f'--dpkgopt=path-exclude=/usr/share/{d}/*' for d in LEFT_OUT),
           '--aptopt=Acquire::Languages "none"',
           *(f'--aptopt={line}' for line in apt_settings()),
           '--customize-hook=' + (HERE / 'guest/root.sh').read_text(),
           suite, str(tar), *map(str, lists)]
    log = []
    with subprocess.Popen(cmd, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          errors='replace') as p:
        for line in p.stderr:
            log.append(line)
            if line.startswith('I: '):
                say(line[3:].strip())
    if p.returncode != 0:
        keep = CACHE / 'mmdebstrap.log'
        keep.write_text(''.join(log))
        raise ImageError(f'{reason(suite, "".join(log))} (mmdebstrap; see '
                         f'{keep})')


def root(suite, extra):
    """Folder with root.ext4 and busybox."""
    packages = sorted({*PACKAGES, *extra})
    key = digest(suite, packages, LEFT_OUT, ROOT_SIZE,
                 (HERE / 'guest/root.sh').read_bytes())
    where = CACHE / f'debian/{suite}-{key}'
    if where.exists():
        return where
    with locked('debian'):
        if where.exists():
            return where
        say(f'making a root of {suite}: about a minute, once')
        need({'mmdebstrap': 'mmdebstrap', 'mke2fs': 'e2fsprogs'})
        apt_options(suite)
        with made(where) as new:
            bootstrap(suite, packages, new / 'root.tar')
            say('making the image')
            sh([*as_root(), 'sh', '-c', 'set -e; mkdir root; tar -xf root.tar '
                '-C root --exclude "./dev/*"; cp root/bin/busybox busybox; ' +
                mke2fs('root.ext4', 'root', ROOT_SIZE, '-N 65536') +
                '; rm -rf root root.tar'], cwd=new, env=with_sbin())
        say(f'made {where}')
    return where


def with_sbin():
    return {**os.environ, 'PATH': os.environ.get('PATH', '') +
            ':/usr/sbin:/sbin'}


# --- kernels ---

class Kernel:
    """image: the file to boot; tree: its lib/modules/VERSION, or None; folder:
    where to keep what is made of it."""

    def __init__(self, image, tree, folder):
        self.image, self.tree, self.folder = image, tree, folder


def packaged(suite, name=KERNEL):
    """A kernel of Debian's; name may be a package that stands for the newest,
    and NAME/SUITE takes another suite's."""
    name, _, other = name.partition('/')
    suite = other or suite
    known = CACHE / f'kernel/{suite}_{name}'
    if not known.exists():
        with locked('kernel'):
            if not known.exists():
                fetch_kernel(suite, name, known)
    folder = known.resolve()
    return Kernel(folder / 'vmlinuz', tree_in(folder), folder)


def fetch_kernel(suite, name, known):
    found = [name] if re.match(r'linux-image-\d+\.\d+\.\d', name) else \
        depends(name, suite, r'linux-image-\d\S*')
    if not found:
        raise ImageError(f'suite {suite} has no kernel package {name}')
    where = known.parent / found[0]
    if not where.exists():
        with made(where) as new:
            # In 7.x the parts are packages by themselves.
            for p in found + depends(
                    found[0], suite, r'linux-(?:base-\d|binary-|modules-)\S+'):
                package(p, new, suite)
            next(new.rglob('vmlinuz*')).rename(new / 'vmlinuz')
    temporary = known.with_name(f'{known.name}.{os.getpid()}')
    temporary.symlink_to(where.name)
    temporary.rename(known)


def tree_in(folder):
    """The lib/modules/VERSION below a folder, or None."""
    return next((f.parent for f in folder.rglob('modules.builtin')), None)


def release(image):
    """The version that an x86 kernel image says it is."""
    try:
        with open(image, 'rb') as f:
            head = f.read(0x10000)
    except OSError as e:
        raise UsageError(f'--kernel: {image}: {e.strerror}') from e
    if head[0x202:0x206] != b'HdrS':
        raise UsageError(f'--kernel: {image} is no Linux kernel that can be '
                         'booted: want arch/x86/boot/bzImage')
    at = struct.unpack_from('<H', head, 0x20e)[0] + 0x200
    return head[at:head.index(b'\0', at)].split()[0].decode(errors='replace')


def own(image, modules):
    """The user's kernel, and the folder of its modules or None."""
    version = release(image)
    tree = None
    if modules:
        places = [modules / 'lib/modules' / version, modules / version,
                  modules, modules / 'usr/lib/modules' / version]
        tree = next((p for p in places if p.name == version and
                     (p / 'modules.builtin').exists()), None)
        if tree is None:
            raise UsageError(
                f'--modules: {modules} has no lib/modules/{version}, which is '
                f'what {image} is: make modules_install INSTALL_MOD_PATH=DIR')
    files = [image, *(sorted(tree.rglob('*.ko*')) if tree else [])]
    key = digest(str(image), *((f.name, f.stat().st_size, f.stat().st_mtime_ns)
                               for f in files))
    folder = CACHE / f'kernel/own-{key}'
    if not folder.exists():
        # Policy: whoever builds kernels has many; three of them stay.
        for old in sorted(CACHE.glob('kernel/own-*'),
                          key=lambda f: f.stat().st_mtime)[:-2]:
            shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(parents=True)
    return Kernel(image, tree, folder)


def modules_image(kernel):
    """An ext4 image of the kernel's modules, or None."""
    image = kernel.folder / 'modules.ext4'
    if kernel.tree is None or image.exists():
        return kernel.tree and image
    with locked('kernel'):
        if image.exists():
            return image
        need({'depmod': 'kmod', 'mke2fs': 'e2fsprogs'})
        version = kernel.tree.name
        say(f'making an image of the modules of {version}')
        with tempfile.TemporaryDirectory(dir=kernel.folder) as d:
            to = f'{d}/lib/modules/{version}'
            shutil.copytree(kernel.tree, to, symlinks=True,
                            ignore=shutil.ignore_patterns('build', 'source'))
            sh(['depmod', '-b', d, version], env=with_sbin())
            kib = int(sh(['du', '-sk', to]).split()[0])
            sh(['sh', '-c', mke2fs(f'{d}/image', f'{d}/lib/modules',
                                   f'{kib * 6 // 5 + 16384}K',
                                   '-O ^has_journal')], env=with_sbin())
            shutil.copy(f'{to}/modules.dep', kernel.folder / 'modules.dep')
            os.rename(f'{d}/image', image)
    return image


def for_root(kernel):
    """The modules that mount the root, in order, each with what it needs."""
    if kernel.tree is None:
        return []
    needs = {}
    for line in (kernel.folder / 'modules.dep').read_text().splitlines():
        f, _, rest = line.partition(':')
        needs[pathlib.Path(f).name.split('.')[0]] = [f, *rest.split()]
    found = []
    for name in FOR_ROOT:
        for f in reversed(needs.get(name, [])):
            if f not in found:
                found.append(f)
    return [kernel.tree / f for f in found]


def plain(f):
    """A module's bytes, unpacked."""
    data = f.read_bytes()
    if f.suffix == '.xz':
        return lzma.decompress(data)
    if f.suffix == '.gz':
        return gzip.decompress(data)
    if f.suffix == '.zst':
        return subprocess.run(['zstd', '-dc'], input=data, check=True,
                              stdout=subprocess.PIPE).stdout
    return data


# --- the initial root ---

def archive(files):
    """A "newc" cpio archive of (name, mode, bytes), with a console node."""
    out = bytearray()

    def add(name, mode, data=b'', rdev=(0, 0)):
        head = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name) + 1, 0]
        out.extend(b'070701' + b''.join(b'%08X' % x for x in head))
        for part in (name.encode() + b'\0', data):
            out.extend(part + b'\0' * (-(len(out) + len(part)) % 4))

    for d in 'bin dev hvnet modules proc root sys'.split():
        add(d, 0o40755)
    add('dev/console', 0o20600, rdev=(5, 1))
    for name, mode, data in files:
        add(name, 0o100000 | mode, data)
    add('TRAILER!!!', 0)
    return bytes(out)


def initrd(kernel, busybox):
    """The initial root for a kernel."""
    modules_image(kernel)
    files = [('init', 0o755, (HERE / 'guest/initrd.sh').read_bytes()),
             ('bin/busybox', 0o755, busybox.read_bytes())]
    files += [(f'hvnet/{f.name}', 0o755, f.read_bytes())
              for f in sorted((HERE / 'guest').iterdir())
              if f.name not in ('initrd.sh', 'root.sh')]
    modules = for_root(kernel)
    key = digest([m.name for m in modules], *(f[2] for f in files))
    out = kernel.folder / f'initrd-{key}'
    if out.exists():
        return out
    files += [(f'modules/{n:02}-{m.name.split(".")[0]}.ko', 0o644, plain(m))
              for n, m in enumerate(modules)]
    for old in kernel.folder.glob('initrd-*'):
        old.unlink(missing_ok=True)
    new = kernel.folder / f'new.{os.getpid()}'
    new.write_bytes(archive(files))
    new.rename(out)
    return out


# --- a task ---

def write_task(path, command, copies, fetch):
    """The archive that the machine unpacks over its root before it runs the
    command.  copies: "DIR" or "DIR:PATH"."""
    def own_file(tar, name, text):
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(text), 0o755
        tar.addfile(info, io.BytesIO(text))

    def as_roots(info):
        info.uid = info.gid = 0
        info.uname = info.gname = 'root'
        return info

    with tarfile.open(path, 'w') as tar:
        for text in copies:
            folder, _, to = text.partition(':')
            name = os.path.basename(os.path.abspath(folder))
            to = to or f'/root/{name}'
            if not to.startswith('/') or '/../' in f'{to}/':
                raise UsageError(f"--copy: '{to}' is no path in the machine: "
                                 'it begins with / and has no ..')
            if not os.path.exists(folder):
                raise UsageError(f'--copy: {folder}: no such file or folder')
            tar.add(folder, to.strip('/') or '.', filter=as_roots)
        own_file(tar, 'run/hvnet/command', command.encode() + b'\n')
        own_file(tar, 'run/hvnet/fetch', (fetch or '').encode() + b'\n')


def fetched(image, into):
    """Unpack what a machine wrote on its disk."""
    into.mkdir(parents=True, exist_ok=True)
    sh(['tar', '-xf', image, '-C', into, '--no-same-owner',
        '--no-same-permissions'])


@functools.lru_cache(None)
def machine(suite=None, packages=(), kernel=None, modules=None):
    """{name: path} of a machine's parts; kernel None: Debian's."""
    suite = suite or codename()
    if not re.fullmatch(r'[a-z][a-z0-9-]*', suite):
        raise UsageError(f"--debian: '{suite}' is no suite: want bookworm, "
                         'trixie or sid')
    kernels = [p for p in packages if p.startswith('linux-image-')]
    others = [p for p in packages if not p.startswith('linux-image-')]
    for p in others + kernels:
        if not re.fullmatch(r'[a-z0-9][a-z0-9+.-]+(/[a-z-]+)?', p):
            raise UsageError(f"--package: '{p}' is no name of a package")
    for p in others:
        if '/' in p:
            raise UsageError(f'--package: {p}: only a kernel may be of another '
                             'suite')
    if len(kernels) > 1:
        raise UsageError(f'--package: two kernels: {" and ".join(kernels)}')
    if kernel and kernels:
        raise UsageError(f'--package: {kernels[0]} and --kernel are two '
                         'kernels')
    k = own(kernel, modules) if kernel else packaged(suite, *kernels)
    r = root(suite, tuple(others))
    parts = {'kernel': k.image, 'initrd': initrd(k, r / 'busybox'),
             'root': r / 'root.ext4', 'modules': modules_image(k)}
    return {n: p for n, p in parts.items() if p}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.
                                RawDescriptionHelpFormatter)
    p.add_argument('--suite', help='default: that of this machine')
    p.add_argument('--package', action='append', default=[], metavar='NAME',
                   help='one more; linux-image-...[/SUITE] is the kernel')
    p.add_argument('--kernel', type=pathlib.Path, metavar='FILE')
    p.add_argument('--modules', type=pathlib.Path, metavar='DIR')
    p.add_argument('--task', metavar='FILE',
                   help='write there what the machine is to do')
    p.add_argument('--run', metavar='COMMAND', default='true')
    p.add_argument('--copy', action='append', default=[],
                   metavar='DIR[:PATH]')
    p.add_argument('--fetch', metavar='PATH')
    p.add_argument('--unpack', nargs=2, type=pathlib.Path,
                   metavar=('IMAGE', 'DIR'), help='only this: a fetched disk')
    o = p.parse_args()
    try:
        if o.unpack:
            fetched(*o.unpack)
            return
        if o.task:
            write_task(o.task, o.run, o.copy, o.fetch)
        for name, path in machine(o.suite, tuple(o.package), o.kernel,
                                  o.modules).items():
            print(f'{name}={path}')
    except (ImageError, OSError) as e:
        print(f'hvnet vm: {e}', file=sys.stderr)
        sys.exit(2 if isinstance(e, UsageError) else 1)


if __name__ == '__main__':
    main()
