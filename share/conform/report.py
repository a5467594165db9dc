# SPDX-License-Identifier: BSD-2-Clause
"""Verdicts as lines, JUnit XML, JSON and a report card."""
import json
from xml.etree import ElementTree as xml


def line(v):
    mark = {'pass': 'pass', 'fail': 'FAIL', 'error': 'ERROR',
            'not applicable': 'n/a '}[v['verdict']]
    why = f': {v["why"]}' if v['why'] else ''
    return f'{mark:5} {v["group"]}/{v["name"]} ({v["seconds"]:.1f} s){why}'


def evidence(v):
    """What a failure shows on a terminal."""
    out = [f'      must hold: {v["holds"]}',
           f'      rule:      {v["rule"]}',
           f'      real bug:  {v["bug"]}',
           '      so far:    ' + '; '.join(v['steps'])]
    out += [f'      | {x}' for x in v['transcript'][-12:]]
    if v['files']:
        out.append(f'      files:     {v["files"]}')
    out.append(f'      again:     {v["again"]}')
    return '\n'.join(out)


def junit(path, verdicts):
    def count(kind):
        return str(sum(v['verdict'] == kind for v in verdicts))
    suite = xml.Element('testsuite', name='hvnet conform',
                        tests=str(len(verdicts)), failures=count('fail'),
                        errors=count('error'),
                        skipped=count('not applicable'))
    for v in verdicts:
        case = xml.SubElement(suite, 'testcase', classname=v['group'],
                              name=v['name'], time=f'{v["seconds"]:.3f}')
        tag = {'fail': 'failure', 'error': 'error',
               'not applicable': 'skipped'}.get(v['verdict'])
        if tag:
            xml.SubElement(case, tag, message=v['why']).text = evidence(v)
    xml.ElementTree(suite).write(path, encoding='utf-8', xml_declaration=True)


def as_json(path, about, verdicts):
    with open(path, 'w', encoding='utf-8') as f:
        json.dump({**about, 'verdicts': verdicts}, f, indent=2)
        f.write('\n')


def card(path, about, verdicts):
    with open(path, 'w', encoding='utf-8') as f:
        f.write(f'# Report card\n\n`{about["command"]}`\n\n'
                f'hvnet {about["hvnet"]}, {about["date"]}, '
                f'{about["seconds"]:.0f} s\n\n'
                '| scenario | verdict | must hold |\n|---|---|---|\n')
        for v in verdicts:
            why = f': {v["why"]}' if v['why'] else ''
            f.write(f'| {v["group"]}/{v["name"]} | {v["verdict"]}{why} | '
                    f'{v["holds"]} |\n')
