"""hvnet bench vm: what it counts is true, and the whole of it runs."""
import json
import sys

from conftest import full
from kit import TOP

sys.path.insert(0, str(TOP / 'bench'))
from vm_linux import LinuxGuest     # noqa: E402


def rise(guest, cmd):
    """How far each count went up while the guest ran that."""
    before = guest.counts()
    guest.vm.run(cmd)
    after = guest.counts()
    return {k: [b - a for a, b in zip(before[k], after[k])] for k in after}


def test_counts(lab):
    g = LinuxGuest(lab, 2, counted=True)
    spin = "awk 'BEGIN { for (i = 0; i < 300000; i++) x += i }'"
    for cpu in (0, 1):
        n = rise(g, f'taskset {1 << cpu} {spin}')['instructions']
        # Tens of instructions a turn at the very least.
        assert n[cpu] > 300000 * 20, n
        assert n[cpu] > 2 * n[1 - cpu], n
    # One after the other; a host that is still awake needs no signal.
    n = rise(g, 'for i in $(seq 20); do ping -q -c1 10.7.0.2; done')
    assert n['signals'][0] >= 5, n
    assert sum(n['interrupts']) >= 5, n
    assert len(n['softirq_ticks']) == 2
    # Flows that are to fall on one channel each do.
    ports = g.client_ports(4)
    before = g.j.spread()
    size, mbits = g.traffic('in', 4, 1)
    moved = [b - a for a, b in zip(before, g.j.spread())]
    assert size > 0 and mbits > 0
    assert len(set(ports)) == 4
    assert min(moved) > 20, moved
    g.j.check()


@full
def test_quick(lab):
    out = f'{lab.dir}/vm.json'
    r = lab.run(None, [lab.hvnet, 'bench', 'vm', '--quick', '--channels',
                       '1,2', '--json', out], timeout=600)
    assert 'TSO is' in r.stdout and 'the busier vCPU has' in r.stdout
    with open(out, encoding='utf-8') as f:
        result = json.load(f)['results'][0]
    assert result['guest'] == 'linux' and result['complaints'] == []
    cells = result['offloads']['cells'] + result['channels']['cells']
    assert len(cells) == 2 * 5 + 2 * 2
    for c in cells:
        assert c['mbits'] > 0 and min(c['instructions']) > 0, c
        assert len(c['interrupts']) == 2 and c['signals'][0] > 0, c
