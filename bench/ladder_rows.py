# SPDX-License-Identifier: BSD-2-Clause
"""The rows of `hvnet bench ladder`: settings, one step at a time.

A row is all settings of the row that it stands on, and its own.  Keys of `nic`
are those of `hvnet host --nic`, of `tune` those of `hvnet guest -o`; `guest`
and `host` are further options, None takes one away.
"""
import collections

Row = collections.namedtuple('Row', 'name short text nic tune guest host')

# name, on which row it stands (None: the one before), settings, what it is
STEPS = (
    ('baseline', None, dict(
        nic=dict(queues=1, txcsum='off', rxcsum='off', tso='off', rsc='off',
                 gro='off', completion_batch=1),
        tune=dict(tx_agg_size=0, tx_agg_pkts=0, ack_batch=1),
        guest={'--no-coalesce': True, '--signal': 'packet',
               '--single-vp': True},
        host={'--signal': 'packet'}),
     'One channel, no offload, a signal and a completion for each packet, '
     'every channel on one virtual processor: the legacy way.'),
    ('+ checksum', None, dict(nic=dict(txcsum='on', rxcsum='on')),
     'Neither end computes TCP and UDP checksums of frames that never leave '
     'the machine.'),
    ('+ TSO', None, dict(nic=dict(tso='on')),
     'The guest hands over frames of up to 64 KiB; who sends them on cuts '
     'them.'),
    ('+ RSC', None, dict(nic=dict(rsc='on', gro='on'),
                         guest={'--no-coalesce': None}),
     'The guest receives segments of one flow as one large frame; either end '
     'merges what still comes in pieces.'),
    ('+ aggregation', None, dict(tune=dict(tx_agg_size=None,
                                           tx_agg_pkts=None)),
     'Small frames share a packet and a section of the send buffer.'),
    ('+ tuned signals', None, dict(guest={'--signal': None},
                                   host={'--signal': None}),
     'A batch is signalled once, and only if the other side sleeps.'),
    ('+ batched completions', None, dict(nic=dict(completion_batch=None),
                                         tune=dict(ack_batch=None)),
     'Completions go back a few at a time, at both ends.'),
    ('+ vRSS', None, dict(nic=dict(queues='CHANNELS')),
     'Flows spread over several channels by Toeplitz hash and table.'),
    ('+ interrupts a channel', None, dict(guest={'--single-vp': None}),
     'Each channel interrupts a virtual processor of its own: all on.'),
    # Beside the ladder: not steps of it.
    ('signals alone', 'baseline',
     dict(guest={'--signal': None}, host={'--signal': None}),
     'The first row with nothing but tuned signals: frames of equal size.'),
    ('adaptive', '+ interrupts a channel',
     dict(nic=dict(poll='adaptive'), guest={'--poll': 'adaptive'}),
     'All on, and an empty ring is looked at for as long as that costs less '
     'than a signal; each end finds out how long that is.'),
    ('monitor page', '+ interrupts a channel',
     dict(guest={'--signal': 'monitor'}, host={'--monitor': True}),
     'All on, and the guest signals by a bit in a page that the host polls: '
     'no hypercall, more latency.'),
    ('interrupt page', '+ batched completions',
     dict(guest={'--max-vmbus': '1.1'}),
     'Batched completions, one channel, VMBus 1.1: signals are bits of one '
     'page that all channels share, found by looking at all of it.'),
)
LADDER = [s[0] for s in STEPS if s[1] is None]
# Settings that go together; only measured if they are asked for.
PROFILES = tuple(
    (f'profile {name}', '+ interrupts a channel',
     dict(guest={'--profile': name}, host={'--profile': name}), text)
    for name, text in (
        ('throughput', 'More under way, completions in large batches.'),
        ('latency', 'Threads wake at once, empty rings are looked at as long '
         'as it pays, smaller bursts.'),
        ('many-flows', 'Large rings and buffers.'),
        ('low-cpu', 'Nothing is polled, completions in the largest batches.')))


def merge(old, new):
    """Settings by group; None takes one away."""
    out = {k: dict(old.get(k, {})) for k in ('nic', 'tune', 'guest', 'host')}
    for group, values in new.items():
        out[group].update(values)
        for k in [k for k, v in out[group].items() if v is None]:
            del out[group][k]
    return out


def words(options):
    return [w for k, v in options.items()
            for w in ([k] if v is True else [k, str(v)])]


def rows(channels, only=None):
    """All rows, or those whose names are given, with `channels` for vRSS."""
    made, settings, last = [], {}, {}
    for name, stands_on, own, text in STEPS + PROFILES:
        last = settings[name] = merge(settings[stands_on] if stands_on
                                      else last, own)
        nic = {k: channels if v == 'CHANNELS' else v
               for k, v in last['nic'].items()}
        tune = [w for k, v in last['tune'].items() for w in ('-o', f'{k}={v}')]
        made.append(Row(name, name.replace('+ ', ''), text, nic, tune,
                        words(last['guest']), words(last['host'])))
    if only is None:
        return [r for r in made if not r.name.startswith('profile ')]
    return [r for r in made if r.short in only]
