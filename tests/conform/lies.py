#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The lies of host_lies.list, each told to our guest in a conform-world: the
guest notes one fault, the one that is listed, and then works.

usage: lies.py WORLD LIST [NAME]

Prints TAP.
"""
import sys

import inprocess
import story


def read_list(path):
    """[(name, fault, line of a bend script)]"""
    with open(path) as f:
        return [[w.strip() for w in line.split('|')] for line in f
                if line.strip() and line[0] != '#']


def tell(world, fault, line):
    """What is wrong with how the guest takes it, or None."""
    s = inprocess.Story(world, None)
    try:
        s.host(line)
        s.guest()
        s.works()
        s.happens(1)
        s.works()
        blames = s.stat()['blames']['by_reason']
        return None if blames == {fault: 1} else f'the faults are {blames}'
    except (story.Failed, inprocess.Elsewhere) as e:
        return str(e)
    finally:
        s.close()
        s.remove()


def main():
    world, path, *only = sys.argv[1:]
    lies = [x for x in read_list(path) if not only or x[0] in only]
    bad = False
    print(f'1..{len(lies)}')
    for i, (name, fault, line) in enumerate(lies, 1):
        why = tell(world, fault, line)
        bad |= why is not None
        print(f'{"not " if why else ""}ok {i} - host: {name} is {fault}')
        if why:
            print(f'# {why}')
    return bad


if __name__ == '__main__':
    sys.exit(main())
