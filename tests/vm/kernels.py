# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernels of the tests: packages that stand for the newest of a kind,
as `hvnet vm --debian --package` takes them."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / 'scripts'))
import debian_image                                 # noqa: E402
from debian_apt import ImageError, codename         # noqa: E402

KERNELS = {
    'cloud': 'linux-image-cloud-amd64',
    'generic': 'linux-image-amd64',
    '6.12': 'linux-image-6.12-cloud-amd64',
    'bullseye': 'linux-image-cloud-amd64/bullseye',
    'trixie': 'linux-image-cloud-amd64/trixie',
    'sid': 'linux-image-cloud-amd64/sid',
}


def ready(flavour='cloud'):
    """Whatever a machine needs is there, or is built; else ImageError."""
    debian_image.machine(None, (KERNELS[flavour],))


def packaged(flavour='cloud'):
    """The unpacked kernel: .image, .tree (its modules), .folder."""
    return debian_image.packaged(codename(), KERNELS[flavour])


def version(flavour='cloud'):
    """A kernel's, as (6, 12)."""
    return tuple(map(int, re.search(r'linux-image-(\d+)\.(\d+)',
                                    packaged(flavour).folder.name).groups()))


def newest_vmbus(flavour='cloud'):
    """The VMBus version that a kernel and a host with all of ours agree on:
    Linux has 5.2 since 5.4, 5.3 since 5.13, 6.0 since 7.0."""
    v = version(flavour)
    return '6.0' if v >= (7, 0) else '5.3' if v >= (5, 13) else '5.2'


__all__ = ['HERE', 'ImageError', 'KERNELS', 'newest_vmbus', 'packaged',
           'ready', 'version']
