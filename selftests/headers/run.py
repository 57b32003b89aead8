#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Frames of every kind through the hooks, and what became of them.

run.py send SEED COUNT NEAR FAR FILE
    Sends the table and COUNT mutations in all ways, from namespace NEAR, which
    has the devices, and FAR, where they lead; FILE gets what arrived.
run.py judge SEED COUNT WITHOUT WITH FLOWS STATS
    Compares two such files, of the kernel by itself and with ankus; and what
    ankus says of the second time with what it ought to say.  A line for each
    result: "ok TEXT" or "not ok TEXT", and "# TEXT" behind those that failed.
"""
import errno
import json
import os
import pickle
import socket
import sys

sys.dont_write_bytecode = True

import cases
import frame as f
import model
import wire

SHOWN = 5


def all_cases(seed, count):
    table = cases.table()
    cases.mutations(table, int(seed), int(count))
    return table.cases


# name: (how, whether in NEAR, by which device, device of FAR where it arrives)
WAYS = {
    'sent': (wire.Packet, True, 'v0', 'v1'),
    'sent from pages': (wire.Ring, True, 'v0', 'v1'),
    'received': (wire.Received, False, 'v1', 'w1'),
    'received in pages': (wire.Frags, True, 't0', 'x1'),
    'received from a tap': (wire.Tap, True, 't1', 'y1'),
}

# The hooks that these lead through: (device, direction, ways, what is seen of a
# frame).  Sent frames are seen as they were sent; received ones when they are
# let in, or when they are passed on, and without their first tag.  A tap does
# not segment what it is given, so these are seen whole.
HOOKS = (
    ('v0', 'out', ('sent', 'sent from pages'), 'sent'),
    ('v0', 'in', ('received',), 'let in'),
    ('w0', 'out', ('received',), 'passed on'),
    ('t0', 'in', ('received in pages',), 'let in'),
    ('x0', 'out', ('received in pages',), 'passed on'),
    ('t1', 'in', ('received from a tap',), 'whole'),
    ('y0', 'out', ('received from a tap',), 'passed on whole'),
)

# Of frames that were refused behind the hook: by the device, or in segmentation.
REFUSED_LATER = (errno.ENOMEM, errno.ENOBUFS)


def send(seed, count, near, far, path):
    # All of a frame's way is on one CPU, so that none overtakes another.
    os.sched_setaffinity(0, {0})
    everything = all_cases(seed, count)
    out = {}
    for name, (how, in_near, dev, end) in WAYS.items():
        way = how(near if in_near else far, dev)
        out[name] = wire.send_all(way, wire.Capture(far, end),
                                  [c for c in everything if way.takes(c)])
    with open(path, 'wb') as file:
        pickle.dump(out, file)


def result(text, failures):
    print('%s %s' % ('not ok' if failures else 'ok', text))
    for failure in failures[:SHOWN]:
        print('# ' + failure)
    if len(failures) > SHOWN:
        print('# and %d more' % (len(failures) - SHOWN))


def show(records):
    return ' | '.join('%s %s' % (vnet.hex(), frame[:120].hex())
                      for vnet, frame in records) or 'nothing'


def difference(without, with_):
    """How many there were of each, and what the first ones are that differ."""
    before, after = comparable(without), comparable(with_)
    at = next((i for i, pair in enumerate(zip(before, after)) if pair[0] != pair[1]),
              min(len(before), len(after)))
    return '%d arrived, without ankus %d, from number %d on: %s, without ankus %s' % (
        len(after), len(before), at + 1, show(after[at:at + 1]),
        show(before[at:at + 1]))


def comparable(records):
    """Fragments of IPv6 that the kernel makes are named at random."""
    out = []
    for vnet, frame in records:
        at = model.fragment_at(frame)
        if at:
            frame = frame[:at + 4] + bytes(4) + frame[at + 8:]
        out.append((vnet, frame))
    return out


def judge_passage(way, without, with_, everything):
    """That frames arrive as they were sent, and as without ankus."""
    for kind in dict.fromkeys(case.kind for case in everything):
        changed, differ, n = [], [], 0
        for case in everything:
            number = f.number_of(case.frame)
            if case.kind != kind or number not in without.errors:
                continue
            errors = without.errors[number], with_.errors[number]
            n += 1
            before = without.arrived.get(number, [])
            after = with_.arrived.get(number, [])
            if errors[0] != errors[1] or before != after and \
                    comparable(before) != comparable(after):
                differ.append('%s: errors %s, %s' % (
                    case.name, errors, difference(before, after)))
            # The kernel itself may cut or refuse what is to be segmented.
            if case.vnet != cases.NO_OFFLOAD:
                continue
            wanted = [case.frame] if model.received(case.frame) else []
            if [frame for _, frame in after] != wanted:
                changed.append('%s: %s arrived of %s' % (
                    case.name, show(after), case.frame[:120].hex()))
        if n:
            result('%s: %d of kind "%s" arrive as without ankus' % (way, n, kind),
                   differ)
            if kind not in ('gso', 'tunnel gso'):
                result('%s: all of kind "%s" arrive as they were sent' % (way, kind),
                       changed)


class Expected:
    """What a hook ought to have counted."""

    def __init__(self):
        self.flows, self.names = {}, {}
        self.packets = self.untracked = 0

    def add(self, case, flow):
        self.packets += 1
        if not flow:
            self.untracked += 1
            return
        key, size = flow
        packets, total = self.flows.get(key, (0, 0))
        self.flows[key] = packets + 1, total + size
        self.names.setdefault(key, []).append(case)


def seen_of(case, seen, passage):
    """The frames that a hook saw of a case."""
    number = f.number_of(case.frame)
    error = passage.errors.get(number, errno.ENODEV)
    arrived = [frame for _, frame in passage.arrived.get(number, [])]
    if seen == 'sent':
        return [case.frame] if error in (0,) + REFUSED_LATER else []
    if seen == 'whole' or seen == 'passed on whole' and model.forwarded(case):
        return [] if error else [case.frame]
    if seen == 'passed on whole':
        return []
    # What is to be segmented may come over a veth in pieces.
    if seen == 'passed on' or case.vnet != cases.NO_OFFLOAD:
        return arrived
    return [case.frame] if not error and model.received(case.frame) else []


def expect(hook, passages, everything):
    _, _, ways, seen = hook
    expected = Expected()
    for passage in (passages[way] for way in ways):
        expected.packets += passage.marks
        expected.untracked += passage.marks
        for case in everything:
            for frame in seen_of(case, seen, passage):
                expected.add(case, model.flow(frame, seen != 'sent', case.protocol))
    return expected


def read_flows(path):
    """{(device, direction): {key: (packets, bytes)}}"""
    flows = {}
    with open(path) as file:
        for flow in json.load(file):
            family = socket.AF_INET6 if ':' in flow['src'] else socket.AF_INET
            key = (flow['proto'],
                   socket.inet_pton(family, flow['src']),
                   socket.inet_pton(family, flow['dst']), flow['sport'], flow['dport'])
            of_hook = flows.setdefault((flow['ifname'], flow['dir']), {})
            if key in of_hook:
                raise ValueError('twice: ' + f.key_text(key))
            of_hook[key] = flow['packets'], flow['bytes']
    return flows


def judge_offloads(way, passage, everything):
    """That what is to be segmented came to the hooks in one piece.  Not every
    kernel knows UDP's segmentation here; none has a device that fragments."""
    taken = {case.vnet[1] & 0x7f for case in everything
             if passage.errors.get(f.number_of(case.frame)) == 0}
    wanted = {cases.GSO_TCP4, cases.GSO_TCP6} | taken & {cases.GSO_UDP_L4}
    arrived = {vnet[1] & 0x7f for records in passage.arrived.values()
               for vnet, _ in records}
    result('%s: segmentation of types %s passes' % (
        way, ', '.join(map(str, sorted(wanted)))),
           ['type %d did not arrive' % kind for kind in sorted(wanted - arrived)])


def judge_table(everything):
    """That table and model, written apart, agree."""
    failures = []
    for case in everything:
        for untagged in (False, True) if case.protocol is None else (False,):
            flow = model.flow(case.frame, untagged, case.protocol)
            if case.key != 'model' and (flow[0] if flow else None) != case.key:
                failures.append(case.name)
    result('the table and the model agree', failures)


def judge_flows(hook, expected, flows, everything):
    dev, direction = hook[:2]
    tracked = flows.get((dev, direction), {})
    wrong = {}
    for key, counts in expected.flows.items():
        if tracked.get(key) != counts:
            case = expected.names[key][0]
            wrong.setdefault(case.kind, []).append('%s: %s %s, wanted %s' % (
                case.name, f.key_text(key), tracked.get(key, 'is not there'), counts))
    for kind in dict.fromkeys(case.kind for case in everything):
        n = sum(key in expected.flows and names[0].kind == kind
                for key, names in expected.names.items())
        if n:
            result('%s %s: %d flows of kind "%s", each with its key and bytes' % (
                dev, direction, n, kind), wrong.get(kind, []))
    result('%s %s: no flow beside them' % (dev, direction),
           ['%s %s' % (f.key_text(key), counts) for key, counts in tracked.items()
            if key not in expected.flows])


def judge_counters(hooks, stats):
    for dev in dict.fromkeys(hook[0] for hook, _ in hooks):
        wanted = {'untracked_packets': 0, 'rx_packets': 0, 'tx_packets': 0}
        for hook, expected in hooks:
            if hook[0] == dev:
                wanted['untracked_packets'] += expected.untracked
                side = 'rx_packets' if hook[1] == 'in' else 'tx_packets'
                wanted[side] += expected.packets
        result('%s: %d packets without a flow, each counted' % (
            dev, wanted['untracked_packets']),
               ['%s is %s, wanted %d' % (name, stats[dev].get(name), number)
                for name, number in wanted.items() if stats[dev].get(name) != number])


def judge(seed, count, without_path, with_path, flows_path, stats_path):
    everything = all_cases(seed, count)
    with open(without_path, 'rb') as file:
        without = pickle.load(file)
    with open(with_path, 'rb') as file:
        with_ = pickle.load(file)
    with open(stats_path) as file:
        stats = {dev['ifname']: dev for dev in json.load(file)}
    flows = read_flows(flows_path)

    judge_table(everything)
    for way in WAYS:
        judge_passage(way, without[way], with_[way], everything)
        if any(case.kind == 'gso' and WAYS[way][0].takes(case) for case in everything):
            judge_offloads(way, with_[way], everything)
    hooks = [(hook, expect(hook, with_, everything)) for hook in HOOKS]
    for hook, expected in hooks:
        judge_flows(hook, expected, flows, everything)
    judge_counters(hooks, stats)


if __name__ == '__main__':
    {'send': send, 'judge': judge}[sys.argv[1]](*sys.argv[2:])
