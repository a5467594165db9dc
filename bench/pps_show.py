# SPDX-License-Identifier: BSD-2-Clause
"""What `hvnet bench pps` prints, and the goals."""

# (mode, bytes): at least this ratio to the PMD; elsewhere FLOOR.
GOALS = {('tx', 64): 1.25, ('rx', 64): 1.5, ('echo', 64): 1.5,
         ('echo', 512): 1.5, ('echo', 1514): 1.5}
FLOOR = 1.0
DRAIN = 0.7
# By reference, 16 frames in a packet, to copies and to the PMD.
REF = {'ref': 1.3, 'ref-pmd': 1.0}
TX_64 = 8.0             # Mpps of the PMD's transmit that a prototype host saw


def goal_of(c):
    return GOALS.get((c['mode'], c['bytes']), FLOOR)


def met(c):
    """True, False, or None where there is nothing to compare with."""
    if c['ratio'] is None:
        return None
    return c['ratio'] >= goal_of(c) and c['ours']['lost'] == 0


def word(flag):
    return {True: 'met', False: 'NOT MET', None: '-'}[flag]


def goals(report):
    out = []
    for c in report.cells:
        out.append({'goal': f'{c["mode"]} {c["bytes"]} B {c["queues"]} q: '
                            f'at least {goal_of(c)} of the PMD, none lost',
                    'value': c['ratio'], 'met': met(c)})
        if (c['mode'], c['bytes']) == ('tx', 64) and c['pmd']:
            out.append({'goal': f'tx 64 B {c["queues"]} q: the PMD sends at '
                                f'least {TX_64} Mpps',
                        'value': c['pmd']['mpps'],
                        'met': None if c['quiet']['no_verdict'] else
                        c['pmd']['mpps'] >= TX_64})
    for e in report.extras:
        if e['what'] == 'drain' and e['ratio'] is not None:
            out.append({'goal': f'host end, {e["driver"]} tx {e["bytes"]} B: '
                                f'at least {DRAIN} of the bare consumer',
                        'value': e['ratio'], 'met': e['ratio'] >= DRAIN})
        elif e['driver'] == 'ref' and e['ratio'] is not None:
            goal = REF[e['what']]
            out.append({'goal': f'{WHO[e["driver"]]}, tx {e["bytes"]} B: at '
                                f'least {goal} of {TEXT[e["what"]][2]}, '
                                f'{e["place"]}',
                        'value': e['ratio'], 'met': e['ratio'] >= goal})
    return out


def mpps(s):
    return '      -' if s is None else f'{s["mpps"]:7.3f}'


def share_lost(s):
    """Lost of what there was to get."""
    if s is None:
        return '     -'
    if s['lost'] == 0:
        return '     0'
    return f'{100 * s["lost"] / (s["lost"] + s["frames"]):5.2f}%'


def busy(s):
    if s is None:
        return '      -     '
    return f'{s["limit"]:6} {100 * s["guest_busy"]:3.0f}/' \
        f'{100 * s["host_busy"]:3.0f}'


def progress(c):
    return (f'{c["mode"]:4} {c["bytes"]:4} B {c["queues"]} q: ours '
            f'{mpps(c["ours"])} lost {share_lost(c["ours"])}, PMD '
            f'{mpps(c["pmd"])} lost {share_lost(c["pmd"])}, ratio '
            f'{c["ratio"]} {word(met(c))}, cores {c["place"]}' +
            ''.join(f'; no verdict: {x}'
                    for x in [c['quiet']['no_verdict']] if x))


HEAD = """\
               ------- our driver -------   ------- DPDK's PMD -------
mode    B  q     Mpps   lost limit  busy%     Mpps   lost limit  busy%  \
ratio goal         cores   virtio"""


def cells(report):
    lines = [HEAD]
    for c in report.cells:
        a, b = c['ours'], c['pmd']
        v, r = c['virtio_mpps'], c['ratio']
        lines.append(
            f'{c["mode"]:4} {c["bytes"]:4} {c["queues"]:2}  {mpps(a)} '
            f'{share_lost(a)} {busy(a)}  {mpps(b)} {share_lost(b)} {busy(b)} '
            f'{"-" if r is None else format(r, ".2f"):>6} '
            f'{goal_of(c):4} {word(met(c)):7} {c["place"]:7} '
            f'{"-" if v is None else format(v, ".2f"):>6}')
    lines.append('busy%: driver/host; the limit is the end that was busier.  '
                 'cores: near or far from each other in the\nruns of which '
                 'this is the median.  virtio: virtio-user to vhost-user, '
                 'Mpps.')
    return lines


def instructions(report):
    """One line for each cell that was counted."""
    lines = []
    for c in report.cells:
        n = [(c[s] or {}).get('instructions') for s in ('ours', 'pmd')]
        if any(n):
            text = [f'{x["driver"]:6} {x["host"]:5}' if x else
                    '     -     -' for x in n]
            lines.append(f'{c["mode"]:4} {c["bytes"]:4}   {text[0]}    '
                         f'{text[1]}')
    return ['', 'Instructions a frame, 1 queue (callgrind):',
            'mode    B   driver  host      PMD  host', *lines] if lines else []


TEXT = {'drain': ('Host end against a bare consumer that only drains the '
                  'ring (1 queue, transmit)', 'host end', 'bare'),
        'files': ('Our driver and the PMD over the same files of hvnet uio '
                  '(1 queue)', 'ours', 'PMD'),
        'ref': ('Our driver from registered memory against copies (1 queue, '
                'transmit)', 'by reference', 'copied'),
        'ref-pmd': ("Our driver from registered memory against DPDK's PMD (1 "
                    'queue, transmit)', 'by reference', 'the PMD'),
        'tap': ('Payload copied to a real backend: a TAP (1 queue, '
                'transmit)', 'ours', 'PMD')}


WHO = {'ours': 'our driver', 'pmd': "DPDK's PMD", 'ref1': '1 a packet',
       'ref': '16 a packet'}


def yardsticks(report):
    lines = []
    for what, (title, a, b) in TEXT.items():
        some = [e for e in report.extras if e['what'] == what]
        if not some:
            continue
        lines += ['', title + ':']
        for e in some:
            who = WHO.get(e.get('driver'), e['mode'])
            goal = ''
            least = DRAIN if what == 'drain' else REF.get(what) \
                if e.get('driver') == 'ref' else None
            if least is not None and e['ratio'] is not None:
                goal = f'  goal {least} {word(e["ratio"] >= least)}'
            lines.append(f'  {who:10} {e["bytes"]:4} B: {a} '
                         f'{mpps(e["a"])}  {b} {mpps(e["b"])} Mpps  ratio '
                         f'{e["ratio"]}{goal}  {e["place"]}')
    return lines


def table(report):
    all_goals = [g for g in goals(report) if g['met'] is not None]
    missed = [g for g in all_goals if not g['met']]
    tail = ['', f'Goals: {len(all_goals) - len(missed)} of {len(all_goals)} '
            'met' + ('; not met:' if missed else '.')]
    tail += [f'  {g["goal"]}: {g["value"]}' for g in missed]
    busy = [x['quiet']['no_verdict'] for x in report.cells + report.extras
            if x['quiet']['no_verdict']]
    if busy:
        tail.append(f'No verdict on {len(busy)} of '
                    f'{len(report.cells + report.extras)} comparisons; the '
                    f'first: {busy[0]}.')
    tail += [f'Left out: {k}: {v}' for k, v in report.left_out.items()]
    if report.troubles:
        tail.append(f'{len(report.troubles)} runs gave no result; the first: '
                    f'{report.troubles[0][:200]}')
    return '\n'.join(cells(report) + instructions(report) +
                     yardsticks(report) + tail)
