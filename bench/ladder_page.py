# SPDX-License-Identifier: BSD-2-Clause
"""The page of `hvnet bench ladder`: one file, nothing fetched, light and dark,
for a phone too."""
import html
import math

OUT, IN = 'out of the guest', 'into the guest'

STYLE = """
:root { color-scheme: light dark; --ground: #fcfcfb; --card: #fff;
  --ink: #1d2430; --soft: #5b6472; --line: #dfe3e8; --out: #2563a8;
  --in: #c2571a; --outbar: #2563a822; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c;
  --card: #1c2027; --ink: #e6e9ee; --soft: #9aa4b2; --line: #323945;
  --out: #6fb1f2; --in: #f0975a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 60rem;
  background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .3rem 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); font-size: .9rem; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin: 0 .3em 0 .8em; }
.step { background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; padding: .7rem .9rem; margin: .6rem 0; }
.step h3 { font-size: 1rem; margin: 0; }
.bar { display: grid; grid-template-columns: 2.2rem 1fr 6.6rem; gap: .5rem;
  align-items: center; font-size: .85rem; margin: .15rem 0;
  font-variant-numeric: tabular-nums; }
.bar svg { width: 100%; height: 14px; display: block; }
.bar b { font-weight: 600; } .times { color: var(--soft); }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); }
table { border-collapse: collapse; font-size: .82rem; min-width: 100%;
  font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
td:first-child, th:first-child { text-align: left; position: sticky; left: 0;
  background: var(--card); }
tbody tr.first td { border-top: 1px solid var(--line); }
.plot { width: 100%; max-width: 42rem; height: auto; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
.plot text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.plot .axis { fill: var(--soft); } .grid { stroke: var(--line); }
pre { overflow-x: auto; font-size: .75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; padding: .6rem; }
"""


def esc(text):
    return html.escape(str(text))


def bar(way, cell, top, before):
    """One way of one step: a bar with the range of its runs."""
    def at(v):
        return f'{100 * v / top:.1f}'
    times = '' if not before else \
        f' <span class="times">×{cell["gbps"] / before["gbps"]:.2f}</span>'
    return (f'<div class="bar"><span>{way}</span><svg role="img" '
            f'aria-label="{cell["gbps"]} Gbit/s" preserveAspectRatio="none" '
            f'viewBox="0 0 100 14"><rect width="{at(cell["gbps"])}" '
            f'height="14" fill="var(--{way})" rx="1"/>'
            f'<path d="M{at(cell["gbps_min"])} 7H{at(cell["gbps_max"])}" '
            'stroke="var(--ink)" stroke-width="2" '
            'vector-effect="non-scaling-stroke"/></svg><span><b>'
            f'{cell["gbps"]:.2f}</b>{times}</span></div>')


def counts(r):
    """Signals and round trips of a row, in words."""
    both = [r[w]['signals'] + r[w]['signals_back'] for w in ('out', 'in')]
    return (f'Signals a GB: {both[0]:,.0f} out, {both[1]:,.0f} in. Round trip: '
            f'{us(r["idle_p50_us"])} µs idle; loaded '
            f'{us(r["out"]["load_p50_us"])} µs out, '
            f'{us(r["in"]["load_p50_us"])} µs in.')


def steps(out):
    """A card a row.  Factors only where the machine was quiet."""
    rows = out['rows']
    top = max(r[w]['gbps_max'] for r in rows for w in ('out', 'in'))
    made, before = [], None
    for r in rows:
        ratios = before if r['step'] and not out['quiet']['no_verdict'] \
            else None
        made.append(f'<div class="step"><h3>{esc(r["row"])}</h3><p class='
                    f'"soft">{esc(r["text"])}</p>' + ''.join(
                        bar(w, r[w], top, ratios and ratios[w])
                        for w in ('out', 'in')) +
                    f'<p class="soft">{counts(r)}</p></div>')
        before = r
    return ''.join(made)


def ticks(low, high):
    """1, 2, 5, 10, ... around a range, for an axis of logarithms."""
    exp = math.floor(math.log10(low))
    made = [m * 10 ** e for e in range(exp, exp + 8) for m in (1, 2, 5)]
    first = max([t for t in made if t <= low], default=made[0])
    last = min(t for t in made if t >= high)
    return [t for t in made if first <= t <= last]


def label(v):
    return f'{v:g}' if v < 10000 else f'{v / 1000:g}k'


class Plot:
    """Points over two axes of logarithms."""
    W, H, LEFT, RIGHT, TOP, BOTTOM = 440, 400, 52, 16, 14, 46

    def __init__(self, xs, ys, x_name, y_name):
        self.x, self.y = ticks(min(xs), max(xs)), ticks(min(ys), max(ys))
        self.parts = []
        for t in self.x:
            self.parts.append(
                f'<path class="grid" d="M{self.px(t):.0f} {self.TOP}V'
                f'{self.H - self.BOTTOM}"/><text class="axis" x='
                f'"{self.px(t):.0f}" y="{self.H - 30}" text-anchor="middle">'
                f'{label(t)}</text>')
        for t in self.y:
            self.parts.append(
                f'<path class="grid" d="M{self.LEFT} {self.py(t):.0f}H'
                f'{self.W - self.RIGHT}"/><text class="axis" x='
                f'"{self.LEFT - 6}" y="{self.py(t) + 4:.0f}" text-anchor='
                f'"end">{label(t)}</text>')
        self.parts.append(
            f'<text class="axis" x="{(self.LEFT + self.W) / 2}" y='
            f'"{self.H - 8}" text-anchor="middle">{x_name}</text><text class='
            f'"axis" transform="translate(14 {self.H / 2}) rotate(-90)" '
            f'text-anchor="middle">{y_name}</text>')

    def px(self, v):
        return self.LEFT + (self.W - self.LEFT - self.RIGHT) * share(v, self.x)

    def py(self, v):
        return self.H - self.BOTTOM - \
            (self.H - self.TOP - self.BOTTOM) * share(v, self.y)

    def trail(self, points, way):
        """Points in order, joined and numbered."""
        at = [(self.px(x), self.py(y)) for x, y in points]
        self.parts.append(f'<polyline fill="none" stroke="var(--{way})" '
                          'stroke-opacity=".35" points="' + ' '.join(
                              f'{x:.0f},{y:.0f}' for x, y in at) + '"/>')
        for n, (x, y) in enumerate(at):
            self.parts.append(
                f'<circle cx="{x:.0f}" cy="{y:.0f}" r="9" fill="var(--card)" '
                f'stroke="var(--{way})" stroke-width="1.6"/><text x="{x:.0f}" '
                f'y="{y + 4:.0f}" text-anchor="middle">{n}</text>')

    def svg(self, title):
        return (f'<svg class="plot" viewBox="0 0 {self.W} {self.H}" role="img" '
                f'aria-label="{title}">' + ''.join(self.parts) + '</svg>')


def share(v, scale):
    low, high = math.log10(scale[0]), math.log10(scale[-1])
    return (math.log10(v) - low) / max(high - low, 1e-9)


def trade(out):
    """Throughput against the round trip under load, both ways."""
    points = {w: [(max(r[w]['load_p50_us'] or 0, 1), max(r[w]['gbps'], .001))
                  for r in out['rows']] for w in ('out', 'in')}
    both = points['out'] + points['in']
    p = Plot([x for x, _ in both], [y for _, y in both],
             'round trip under load, median, µs (left is better)', 'Gbit/s')
    for way in ('in', 'out'):
        p.trail([q for q, r in zip(points[way], out['rows']) if r['step']],
                way)
    names = ', '.join(f'{n} {r["row"].replace("+ ", "")}' for n, r in
                      enumerate(r for r in out['rows'] if r['step']))
    return p.svg('throughput against latency') + \
        f'<p class="soft">{esc(names)}</p>'


COLUMNS = (('Gbit/s', lambda r, c: f'{c["gbps"]:.2f}'),
           ('lowest', lambda r, c: f'{c["gbps_min"]:.2f}'),
           ('highest', lambda r, c: f'{c["gbps_max"]:.2f}'),
           ('64 B frames<br>kpps', lambda r, c: f'{c["pps"] / 1e3:.0f}'),
           ('CPU s a GB<br>guest', lambda r, c: f'{c["cpu_guest"]:.2f}'),
           ('<br>host', lambda r, c: f'{c["cpu_host"]:.2f}'),
           ('signals a GB<br>to host', lambda r, c: f'{c["signals"]:,.0f}'),
           ('<br>to guest', lambda r, c: f'{c["signals_back"]:,.0f}'),
           ('interrupts<br>a GB', lambda r, c: f'{c["interrupts"]:,.0f}'),
           ('packets an<br>interrupt',
            lambda r, c: f'{c["packets_an_interrupt"]:.1f}'),
           ('RTT µs, loaded<br>p50', lambda r, c: us(c['load_p50_us'])),
           ('<br>p99', lambda r, c: us(c['load_p99_us'])),
           ('RTT µs, idle<br>p50', lambda r, c: us(r['idle_p50_us'])),
           ('<br>p99', lambda r, c: us(r['idle_p99_us'])))


def us(v):
    return '-' if v is None else f'{v:,.0f}'


def table(out):
    head = ''.join(f'<th>{name}</th>' for name, _ in COLUMNS)
    body = ''
    for r in out['rows']:
        for way in ('out', 'in'):
            cells = ''.join(f'<td>{f(r, r[way])}</td>' for _, f in COLUMNS)
            name = esc(r['row']) if way == 'out' else ''
            first = ' class="first"' if way == 'out' else ''
            body += (f'<tr{first}><td>{name}</td><td>{way}</td>{cells}</tr>')
    return (f'<div class="wide"><table><thead><tr><th></th><th></th>{head}'
            f'</tr></thead><tbody>{body}</tbody></table></div>')


def page(out):
    """The whole file, of ladder.report()."""
    m, q = out['machine'], out['quiet']
    said = ' '.join(out['gains'] + out['counted'])
    busy = '' if not q['no_verdict'] else \
        f'<p><b>No factors between speeds:</b> {esc(q["no_verdict"])}.</p>'
    commands = '\n\n'.join(f'# {r["row"]}\n' + '\n'.join(r['commands'])
                           for r in out['rows'])
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>hvnet: what each step gave</title><style>{STYLE}</style></head><body>
<h1>What each step gave a Hyper-V guest</h1>
<p>{esc(said)}</p>{busy}
<p class="soft">{esc(out['streams'])} TCP streams, {out['rounds']} rounds of
{out['seconds']} s, all rows interleaved; {esc(m['cpu'])}, {m['cpus']}
processors, Linux {esc(m['kernel'])}, load {m['load']}; hvnet
{esc(out['commit'])}, {esc(out['date'])}. <code>{esc(out['command'])}</code></p>
<h2>Gbit/s <span class="soft"><span class="key" style="background:var(--out)">
</span>{OUT}<span class="key" style="background:var(--in)"></span>{IN}; line:
lowest to highest run</span></h2>
{steps(out)}
<h2>Throughput against latency <span class="soft"><span class="key"
style="background:var(--out)"></span>{OUT}<span class="key"
style="background:var(--in)"></span>{IN}</span></h2>
{trade(out)}
<h2>All numbers</h2>
{table(out)}
<p class="soft">Signals to the host are hypercalls on Hyper-V; of those to the
guest, some meet an interrupt that is pending, the others raise one. Packets an
interrupt: on the ring to the guest, frames and completions. 64 B frames: those
that got through while the sender sent all it could. RTT: ping, percentiles of
all rounds.</p>
<h2>Commands</h2>
<pre>{esc(commands)}</pre>
</body></html>
"""
