# SPDX-License-Identifier: BSD-2-Clause
"""The yardstick beside netvsc: DPDK's virtio-user to DPDK's vhost-user, two
testpmd of Debian's package on the cores that driver and host end have.
"""
import os
import re
import shutil
import signal
import statistics
import time

from pps_run import Lab, LabError, Missing, START, tool

# mode: what virtio-user forwards as, vhost-user, and whose Rx-pps counts.
ROLES = {'tx': ('txonly', 'rxonly', 'vhost'),
         'rx': ('rxonly', 'txonly', 'virtio'),
         'echo': ('macswap', 'flowgen', 'vhost')}


def need():
    if not tool('dpdk-testpmd'):
        raise Missing('no dpdk-testpmd (Debian: dpdk-dev)')


def testpmd(cpus, vdev, prefix, forward, size, queues, threads):
    lcores = ','.join([f'0@{cpus[0]}'] + [f'{k + 1}@{cpus[k]}'
                                          for k in range(threads)])
    # In memory: neither files of huge pages nor a folder in /run are made.
    return ['dpdk-testpmd', f'--lcores={lcores}', '--no-pci', '--in-memory',
            '--single-file-segments', '-m', '128', f'--file-prefix={prefix}',
            '--no-telemetry', '--vdev', vdev, '--', '--stats-period=1',
            f'--forward-mode={forward}', f'--txpkts={size}',
            '--total-num-mbufs=8192', f'--rxq={queues}', f'--txq={queues}',
            f'--nb-cores={threads}', '--burst=64']


def rates(text):
    return [int(x) for x in re.findall(r'Rx-pps:\s+(\d+)', text)]


def once(bench, mode, size, queues, seconds):
    """Mpps delivered, or LabError."""
    tag = f'pps{os.getpid()}'
    bench.pages.take()
    try:
        with Lab(str(bench.hvnet)) as lab:
            return measure(bench, lab, tag, mode, size, queues, seconds)
    finally:
        for end in 'hg':
            shutil.rmtree(f'/run/dpdk/{tag}{end}', ignore_errors=True)


def measure(bench, lab, tag, mode, size, queues, seconds):
    guest, host, who = ROLES[mode]
    sock = f'{lab.dir}/vhost.sock'
    a = testpmd(bench.cores.host, f'net_vhost0,iface={sock},queues={queues}',
                f'{tag}h', host, size, queues, bench.cores.workers(queues))
    b = testpmd(bench.cores.guest, f'net_virtio_user0,path={sock},'
                f'queues={queues},queue_size=1024', f'{tag}g', guest, size,
                queues, bench.cores.threads(queues))
    nice = ['nice', '-n', '-19'] if bench.realtime else []
    ends = {'vhost': lab.start(None, nice + bench.first(
        lab, a, f'vhost {mode}'), 'vhost')}
    lab.wait('vhost-user', lambda: 'Port statistics' in
             lab.log(ends['vhost']), START, [ends['vhost']])
    ends['virtio'] = lab.start(None, nice + bench.first(
        lab, b, f'virtio {mode}'), 'virtio')
    lab.wait('virtio-user', lambda: len(rates(lab.log(
        ends['virtio']))) >= 2, START, list(ends.values()))
    skip = len(rates(lab.log(ends[who])))
    time.sleep(max(2, seconds) + 0.2)
    got = rates(lab.log(ends[who]))[skip:]
    for p in ends.values():     # nothing of theirs wants an orderly end
        lab.end(p, signal.SIGKILL)
    if not got:
        raise LabError('testpmd printed no rate')
    return statistics.median(got[1:] or got) / 1e6
