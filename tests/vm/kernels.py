# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernels, and an initramfs for each.

A kernel is a package of Debian's, fetched with apt and unpacked beside, never
installed; the root is an initramfs of busybox and PROGRAMS.  Both are
kept in ~/.cache/hvnet (HVNET_QEMU_CACHE).

Another suite's kernels come by a source list derived from the machine's own:
its entries for the suite that it runs, with the other suite's name, kept with
everything else of ours in the cache.  The machine's apt configuration stays as
it is, and whom it trusts (keyrings) is whom we trust.
"""
import fcntl
import functools
import gzip
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get('HVNET_QEMU_CACHE') or
                     os.environ.get('XDG_CACHE_HOME', '~/.cache') + '/hvnet'
                     ).expanduser()
PROGRAMS = ['ethtool', 'iperf3', 'perl']
# In this order; a kernel may have any of them built in.
MODULES = ['hv_vmbus', 'hv_netvsc', 'llc', 'stp', 'garp', 'mrp', '8021q',
           'msr']

# (suite or None: the machine's own, package that stands for the newest)
KERNELS = {
    'cloud': (None, 'linux-image-cloud-amd64'),
    'generic': (None, 'linux-image-amd64'),
    '6.12': (None, 'linux-image-6.12-cloud-amd64'),
    'bullseye': ('bullseye', 'linux-image-cloud-amd64'),
    'trixie': ('trixie', 'linux-image-cloud-amd64'),
    'sid': ('sid', 'linux-image-cloud-amd64'),
}


class KitError(Exception):
    """This machine cannot make a virtual machine: a reason to skip."""


def sh(cmd, **kw):
    r = subprocess.run(list(map(str, cmd)), text=True, capture_output=True,
                       stdin=subprocess.DEVNULL, **kw)
    if r.returncode != 0:
        raise KitError(f'{cmd}: {r.stdout}{r.stderr}'.strip())
    return r.stdout


def codename():
    """The suite of this machine."""
    found = re.search(r'^VERSION_CODENAME=(\w+)',
                      pathlib.Path('/etc/os-release').read_text(), re.M)
    if not found:
        raise KitError('/etc/os-release names no Debian suite')
    return found[1]


def source_lists(suite, into, etc=pathlib.Path('/etc/apt')):
    """Write the machine's entries for its own suite, made another's."""
    own = codename()
    lists = {}
    for f in etc.glob('sources.list.d/*.sources'):
        entries = [e.strip() for e in re.split(r'\n\s*\n', f.read_text())
                   if re.search(rf'^Suites:(.*\s)?{own}(\s|$)', e, re.M)]
        for key, value in (('Types', 'deb'), ('Suites', suite)):
            entries = [re.sub(rf'^{key}:.*', f'{key}: {value}', e, flags=re.M)
                       for e in entries]
        lists[f.name] = '\n\n'.join(entries)
    for f in [etc / 'sources.list', *etc.glob('sources.list.d/*.list')]:
        text = f.read_text() if f.exists() else ''
        lists[f'{f.stem}.list'] = '\n'.join(
            re.sub(rf'\s{own}\s', f' {suite} ', line)
            for line in text.splitlines()
            if re.match(rf'deb\s(.*\s)?{own}\s', line))
    if not any(lists.values()):
        raise KitError(f'apt has no source of {own} to derive {suite} from')
    into.mkdir(parents=True, exist_ok=True)
    for name, text in lists.items():
        (into / name).write_text(text + '\n')


@functools.lru_cache(None)
def apt_options(suite):
    """apt's options for a suite, its package lists fetched; None: our own."""
    if suite is None:
        return []
    where = CACHE / f'apt-{suite}'
    source_lists(suite, where / 'list.d')
    (where / 'lists/partial').mkdir(parents=True, exist_ok=True)
    options = [x for name, value in (
        ('Dir::Etc::sourcelist', '/dev/null'),
        ('Dir::Etc::sourceparts', where / 'list.d'),
        ('Dir::State::lists', where / 'lists'),
        ('Dir::Cache', where)) for x in ('-o', f'{name}={value}')]
    sh([HERE.parent.parent / 'scripts/apt-wait.sh', *options, '-q', '-o',
        'APT::Sandbox::User=root', 'update'])
    return options


def package(name, into, suite=None):
    """Unpack a Debian package, and what it only stands for, into a folder."""
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        sh(['apt-get', *apt_options(suite), 'download', '-q', '-o',
            'APT::Sandbox::User=root', name], cwd=d)
        for deb in pathlib.Path(d).glob('*.deb'):
            sh(['dpkg-deb', '-x', str(deb), str(into)])


def depends(name, suite, wanted):
    """What a package needs of the names that match."""
    out = sh(['apt-cache', *apt_options(suite), 'depends', name])
    return re.findall(rf' Depends: ({wanted})$', out, re.M)


@functools.lru_cache(None)
def kernel(flavour='cloud'):
    """Folder of an unpacked kernel, one of KERNELS: vmlinuz, modules."""
    suite, meta = KERNELS[flavour]
    folder = CACHE / 'kernel'
    folder.mkdir(parents=True, exist_ok=True)
    # Another run of these tests may want the same.
    with open(folder / 'lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = depends(meta, suite, r'linux-image-\d\S*')
        if not found:
            raise KitError(f'apt knows no kernel by {meta}')
        where = folder / found[0]
        if where.exists():
            return where
        with tempfile.TemporaryDirectory(dir=folder) as d:
            new = pathlib.Path(d) / 'new'
            # In 7.x the parts are packages by themselves.
            for p in found + depends(
                    found[0], suite, r'linux-(?:base-\d|binary-|modules-)\S+'):
                package(p, new, suite)
            package('busybox-static', new)
            next(new.rglob('vmlinuz*')).rename(new / 'vmlinuz')
            new.rename(where)
    return where


def version(flavour='cloud'):
    """A kernel's, as (6, 12)."""
    return tuple(map(int, re.search(r'linux-image-(\d+)\.(\d+)',
                                    kernel(flavour).name).groups()))


def newest_vmbus(flavour='cloud'):
    """The VMBus version that a kernel and a host with all of ours agree on:
    Linux has 5.2 since 5.4, 5.3 since 5.13, 6.0 since 7.0."""
    v = version(flavour)
    return '6.0' if v >= (7, 0) else '5.3' if v >= (5, 13) else '5.2'


def copy_modules(tree, into):
    """Each of MODULES that is not built in, unpacked; their names."""
    built_in = ''.join(f.read_text() for f in tree.rglob('modules.builtin'))
    names = [m for m in MODULES if f'/{m}.ko\n' not in built_in]
    into.mkdir(parents=True)
    for m in names:
        f = next(tree.rglob(f'{m}.ko*'), None)
        if f is None:
            raise KitError(f'{tree}: no module {m}, nor is it built in')
        data = f.read_bytes()
        if f.suffix == '.xz':
            data = lzma.decompress(data)
        (into / f'{m}.ko').write_bytes(data)
    return names


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
    for f in ('guest_init.sh', 'kernels.py'):
        made_of.update((HERE / f).read_bytes())
    made_of.update(repr(programs).encode())
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
        (root / 'modules').write_text(
            ' '.join(copy_modules(tree, root / 'lib/modules')) + '\n')
        shutil.copy(HERE / 'guest_init.sh', root / 'init')
        (root / 'init').chmod(0o755)
        new = f'{out}.{os.getpid()}'
        pathlib.Path(new).write_bytes(gzip.compress(archive(root), 1))
        os.rename(new, out)
    return out
