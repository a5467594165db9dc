#!/usr/bin/env python3
"""Packets a second of a guest: our driver (frames API) against DPDK's PMD.

Same host end (`hvnet host`), same machine, interleaved A B A B: transmit into
a null backend, receive from the generator, echo of what the generator sends;
64, 512 and 1514 bytes; 1 and 2 queues.  A cell has the median of each driver's
runs, what was lost, and the share of calls that found nothing to do: if many,
the host end was saturated, else the driver.  Without huge pages DPDK runs on
ordinary ones, without DPDK only our side is measured; the JSON says so.

usage: pps.py [--hvnet FILE] [--json FILE] [--seconds S] [--rounds N]
              [--sizes 64,...] [--queues 1,2] [--modes tx,rx,echo]
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / 'scripts'))
from lab import Lab     # noqa: E402

IDLE = 0.5              # Policy: from here on the host end is the slower one


def no_dpdk(build):
    """Why DPDK cannot be measured here, or None."""
    if not (build / 'bench/pps_dpdk').exists():
        return 'no pps_dpdk (Debian: libdpdk-dev, then build)'
    if os.geteuid() != 0:
        return 'needs root'
    return None


def memory():
    """EAL options for DPDK's memory: huge pages if enough are free."""
    free = re.search(r'HugePages_Free:\s+(\d+)',
                     pathlib.Path('/proc/meminfo').read_text())
    if free is not None and int(free.group(1)) >= 64:
        return []
    return ['--no-huge', '-m', '256']


def spec(mode, size, queues):
    backend = 'null' if mode == 'tx' else f'generator,size={size}'
    return f'backend={backend},name=b0,queues={queues}'


def once(build, driver, mode, size, queues, seconds):
    """One run: the driver's report, or {'error': why}."""
    tail = [str(queues), mode, str(size), str(seconds)]
    with Lab(str(build / 'cli/hvnet')) as lab:
        host = lab.host(spec(mode, size, queues))
        if driver == 'hvnet':
            cmd = [build / 'bench/pps_hvnet', lab.sock, 'b0', *tail]
        else:
            cores = os.cpu_count() or 1
            lcores = ','.join(f'{k}@{k % cores}' for k in range(queues))
            cmd = [lab.hvnet, 'uio', '--connect', lab.sock, '--nic', 'b0',
                   '--', build / 'bench/pps_dpdk', f'--lcores={lcores}',
                   '--no-pci', '--iova-mode=va', *memory(), '--', *tail]
        try:
            r = subprocess.run(list(map(str, cmd)), capture_output=True,
                               text=True, timeout=seconds + 40, env=lab.env)
        except subprocess.TimeoutExpired:
            return {'error': 'did not end in time'}
        m = re.search(r'^(?:pps: )?(\{.*"mpps".*\})$', r.stdout, re.M)
        if m is None:
            return {'error': (r.stderr.strip() or r.stdout.strip() or
                              f'exit {r.returncode}')[-300:]}
        lab.end(host, quiet=True)
        return json.loads(m.group(1))


def cell(runs):
    good = [r for r in runs if 'mpps' in r]
    if not good:
        return {'error': runs[0]['error']} if runs else None
    idle = sum(r['idle'] for r in good) / max(1, sum(
        r['calls'] for r in good))
    return {'mpps': statistics.median(r['mpps'] for r in good),
            'runs': [r['mpps'] for r in good],
            'lost': sum(r['lost'] for r in good),
            'idle_share': round(idle, 3),
            'saturated': 'host' if idle > IDLE else 'driver'}


def show(label, c):
    if c is None or 'error' in c:
        return f'{label} -'
    return (f'{label} {c["mpps"]:7.3f} Mpps, lost {c["lost"]}, '
            f'{c["saturated"]} saturated')


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--hvnet', default=str(TOP / 'build/cli/hvnet'))
    p.add_argument('--json')
    p.add_argument('--seconds', type=float, default=2)
    p.add_argument('--rounds', type=int, default=2)
    p.add_argument('--sizes', default='64,512,1514')
    p.add_argument('--queues', default='1,2')
    p.add_argument('--modes', default='tx,rx,echo')
    o = p.parse_args()
    build = pathlib.Path(o.hvnet).resolve().parents[1]
    if not (build / 'bench/pps_hvnet').exists():
        sys.exit(f'bench pps: no {build}/bench/pps_hvnet: build it first')
    skip = no_dpdk(build)
    if skip:
        print(f'DPDK is left out: {skip}')
    cells = []
    for mode in o.modes.split(','):
        for size in map(int, o.sizes.split(',')):
            for queues in map(int, o.queues.split(',')):
                runs = {'hvnet': [], 'dpdk': []}
                for _ in range(o.rounds):
                    for d in runs:
                        if d == 'hvnet' or not skip:
                            runs[d].append(once(build, d, mode, size, queues,
                                                o.seconds))
                a, b = cell(runs['hvnet']), cell(runs['dpdk'])
                ratio = (round(a['mpps'] / b['mpps'], 2) if a and b and
                         b.get('mpps') and 'mpps' in a else None)
                cells.append({'mode': mode, 'bytes': size, 'queues': queues,
                              'hvnet': a, 'dpdk': b, 'ratio': ratio})
                print(f'{mode:4} {size:4} B {queues} q: '
                      f'{show("hvnet", a)}; {show("dpdk", b)}; '
                      f'ratio {ratio}', flush=True)
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=TOP,
                            capture_output=True, text=True).stdout.strip()
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(
            {'bench': 'pps', 'commit': commit, 'cpus': os.cpu_count(),
             'dpdk_left_out': skip, 'dpdk_memory': memory() or 'huge pages',
             'load': os.getloadavg()[0], 'cells': cells}, indent=1) + '\n')


if __name__ == '__main__':
    main()
