#!/usr/bin/env python3
"""Instructions per frame of each layer of the core, by callgrind; JSON.

Runs the simulation (both real ends in one process, no kernel in the way) with
N and with 2 N bytes and takes the difference, so that attach and teardown
cancel out.  The numbers repeat exactly, however noisy the machine.

usage: instructions.py [--build DIR] [--json FILE]
"""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent

# label: simulation options; frame is the TCP payload given at once.
CASES = {
    '64-byte frames': ['--frame', '10'],
    '1514-byte frames': ['--frame', '1448'],
    'GSO frames, TSO and RSC': ['--frame', '60000'],
    'GSO frames, host without RSC': ['--frame', '60000',
                                     '--host-offloads', '0x37'],
}
FRAMES = 4000


def run(sim, args, size):
    """Instructions by layer, and frames both ways."""
    with tempfile.NamedTemporaryFile() as out:
        r = subprocess.run(
            ['valgrind', '--tool=callgrind', f'--callgrind-out-file={out.name}',
             sim, '--nic', '--flows', '2', '--bytes', str(size), *args],
            capture_output=True, text=True, check=True)
        note = subprocess.run(
            ['callgrind_annotate', '--auto=no', '--threshold=100', out.name],
            capture_output=True, text=True, check=True).stdout
    m = re.search(r'(\d+) frames from guest.*?(\d+) to guest', r.stdout)
    layers = {}
    for line in note.splitlines():
        f = re.match(r'\s*([\d,]+)\s+(?:\([^)]*\)\s+)?(\S+?):(\S+)', line)
        if not f or f.group(2) in ('PROGRAM',):
            continue
        where = re.search(r'core/(\w+)/(\w+)\.[ch]', f.group(2))
        if where:
            layer = where.group(1)
            if layer == 'bus':
                layer = 'bus/' + ('guest' if where.group(2).startswith('vmc')
                                  else 'host')
        elif 'memcpy' in f.group(3) or 'memmove' in f.group(3):
            layer = 'copy'
        else:
            continue
        layers[layer] = layers.get(layer, 0) + int(f.group(1).replace(',', ''))
    return layers, int(m.group(1)) + int(m.group(2))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--build', default=str(TOP / 'build'))
    p.add_argument('--json')
    opts = p.parse_args()
    sim = f'{opts.build}/sim/hvnet-sim'
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=TOP,
                            capture_output=True, text=True).stdout.strip()
    results = []
    for label, args in CASES.items():
        size = int(args[1]) * FRAMES // (40 if '000' in args[1] else 1)
        a, frames_a = run(sim, args, size)
        b, frames_b = run(sim, args, 2 * size)
        n = max(frames_b - frames_a, 1)
        layers = {k: round((b[k] - a.get(k, 0)) / n, 1) for k in sorted(b)}
        results.append({'case': label, 'frames': n,
                        'instructions_per_frame': layers,
                        'core_total': round(sum(v for k, v in layers.items()
                                                if k != 'copy'), 1)})
    text = json.dumps({'bench': 'instructions', 'commit': commit,
                       'results': results}, indent=1)
    print(text)
    if opts.json:
        pathlib.Path(opts.json).write_text(text + '\n')


if __name__ == '__main__':
    main()
