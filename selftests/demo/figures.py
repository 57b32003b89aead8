# SPDX-License-Identifier: GPL-2.0
"""Figures of a phase of the demo, from two snapshots of the system's counters.

A snapshot is a folder that snapshot.sh has filled.  Nothing here comes from
ankus: what it is said to have done is measured by others.
"""

import json
import re
from pathlib import Path

DRAWS = 1, 2, 3
LINK_GBPS = 75
DESTINATION_BASE = 100  # last byte of destination n is this + n
WIRE_BYTES, PAYLOAD_BYTES = 1514, 1448  # as in streams.sh
SHORT = 0.95  # a stream below this part of its rate is short of it


def imbalance(loads):
    """Busiest / mean."""
    loads = list(loads)
    total = sum(loads)
    return max(loads) * len(loads) / total if total else 0.0


class Draw:
    """The streams of a draw; rates in Mbit/s on the wire, not scaled."""

    def __init__(self, path):
        self.rates = {}
        for line in Path(path).read_text().split("\n"):
            if line:
                _, src, dst, _, sport, rate = map(int, line.split())
                self.rates[src, dst, sport] = rate
        self.total = sum(self.rates.values())


class Snapshot:
    def __init__(self, path):
        path = Path(path)
        self.time = float((path / "time").read_text())
        names, values = re.findall(r"^Tcp: (.*)", (path / "snmp").read_text(),
                                   re.MULTILINE)
        self.retransmits = int(dict(zip(names.split(), values.split()))[
            "RetransSegs"])
        # Bytes as the shaper counts them, with the headers of every segment:
        # the device counts those of a segmented packet only once.
        self.shapers = {
            q["dev"]: q for q in json.loads((path / "qdisc.json").read_text())
            if q["kind"] == "tbf"}
        self.devices = {
            dev["ifname"]: dev["stats64"]
            for dev in json.loads((path / "link.json").read_text())}
        self.acked = self._acked((path / "ss").read_text())
        cpu = [int(n) for n in
               (path / "stat").read_text().split("\n")[0].split()[1:]]
        self.cpu_idle, self.cpu_all = cpu[3] + cpu[4], sum(cpu[:8])
        self.queues = {}
        if (path / "ethtool").exists():
            self.queues = {
                int(queue): int(count) for queue, count in re.findall(
                    r"rx_queue_(\d+)_bytes: (\d+)",
                    (path / "ethtool").read_text())}

    @staticmethod
    def _acked(text):
        """Bytes acknowledged of each connection, by its addresses and port."""
        acked = {}
        for line in text.split("\n"):
            ends = re.findall(r"\d+\.\d+\.\d+\.(\d+):(\d+)", line)
            count = re.search(r"bytes_acked:(\d+)", line)
            if len(ends) >= 2 and count:
                (src, sport), (dst, _) = ends[:2]
                acked[int(src), int(dst), int(sport)] = int(count[1])
        return acked


class Phase:
    """What happened between the two snapshots of a phase."""

    def __init__(self, path, scale, draw=None):
        self.start = Snapshot(Path(path) / "start")
        self.end = Snapshot(Path(path) / "end")
        self.seconds = self.end.time - self.start.time
        self.scale = scale
        self.retransmits = self.end.retransmits - self.start.retransmits
        self.cpu_busy = 1 - (self.end.cpu_idle - self.start.cpu_idle) / (
            self.end.cpu_all - self.start.cpu_all)
        self._links()
        self._streams(draw.rates if draw else {})
        self.queues = {
            queue: self._gbps(count - self.start.queues[queue])
            for queue, count in sorted(self.end.queues.items())}
        mice = Path(path) / "mice.json"
        self.mice = json.loads(mice.read_text()) if mice.exists() else None

    def _gbps(self, count):
        """Bytes of the phase as a rate at full scale."""
        return count * 8 * self.scale / self.seconds / 1e9

    def _links(self):
        self.links, self.drops = {}, 0
        for dev, end in sorted(self.end.shapers.items()):
            start = self.start.shapers[dev]
            before, after = self.start.devices[dev], self.end.devices[dev]
            self.links[dev] = self._gbps(end["bytes"] - start["bytes"])
            self.drops += end["drops"] - start["drops"]
            self.drops += after["tx"]["dropped"] - before["tx"]["dropped"]
            self.drops += after["tx"]["errors"] - before["tx"]["errors"]

    def _streams(self, rates):
        self.parts, self.short, self.stalled = [], 0, 0
        for (src, dst, sport), mbps in rates.items():
            key = src, DESTINATION_BASE + dst, sport
            if key not in self.end.acked:
                raise RuntimeError(f"stream {key} is gone")
            count = self.end.acked[key] - self.start.acked.get(key, 0)
            part = self._gbps(count) * 1000 / (
                mbps * PAYLOAD_BYTES / WIRE_BYTES)
            self.parts.append(round(part, 3))
            self.short += part < SHORT
            self.stalled += count <= 0


class Pins:
    """What ankus says of its pins, and how it shows them."""

    def __init__(self, path):
        flows = json.loads((path / "flows.json").read_text())
        self.text = (path / "flows.txt").read_text()
        self.elephants = len(flows)
        self.link, self.link_verified = self._count(flows, "link")
        self.rx_queue, self.rx_queue_verified = self._count(flows, "rx_queue")

    @staticmethod
    def _count(flows, kind):
        states = [flow.get(kind, {}).get("state") for flow in flows]
        verified = states.count("verified")
        return states.count("installed") + verified, verified


def combine(phases, pins, draws, rx_draw):
    """The figures of all draws, before and after, and of each draw."""
    def mean(values):
        return round(sum(values) / len(values), 4)

    def ratio(loads):
        return round(imbalance(loads), 4)

    def per_draw(compute):
        return {when: [compute(phases[f"tx-{n}-{when}"]) for n in DRAWS]
                for when in ("before", "after")}

    def figure(compute, over_draws):
        values = per_draw(compute)
        return {when: over_draws(values[when]) for when in values} | {
            "draws": values}

    tx, rx = [pins[f"tx-{n}"] for n in DRAWS], pins["rx"]
    demand = [ratio(phases[f"tx-{n}-demand"].links.values()) for n in DRAWS]
    rx_queues = {when: phases[f"rx-{when}"].queues
                 for when in ("before", "after")}
    streams = sum(len(draw.rates) for draw in draws.values())
    return {
        "link_imbalance": figure(lambda p: ratio(p.links.values()), mean),
        "demand_imbalance": {"before": mean(demand),
                             "draws": {"before": demand}},
        "drops": figure(lambda p: p.drops, sum),
        "retransmits": figure(lambda p: p.retransmits, sum),
        "flows_short": figure(lambda p: p.short, sum),
        "mice_rtt_p50_us": figure(lambda p: p.mice["p50_us"], mean),
        "mice_rtt_p99_us": figure(lambda p: p.mice["p99_us"], mean),
        "rxq_imbalance": {when: ratio(queues.values())
                          for when, queues in rx_queues.items()},
        "pinned": sum(p.link for p in tx) + rx.rx_queue,
        "verified": sum(p.link_verified for p in tx) + rx.rx_queue_verified,
        "flows": streams + len(rx_draw.rates),
        "streams": streams,
        "combined": {
            "link_imbalance": "mean of the draws, of bytes sent",
            "demand_imbalance": "mean of the draws, while no link is limited",
            "drops": "sum of the draws",
            "retransmits": "sum of the draws",
            "flows_short": f"sum of the draws, below {SHORT} of their rate",
            "mice_rtt_p50_us": "mean of the draws",
            "mice_rtt_p99_us": "mean of the draws",
            "pinned": "link pins of all draws and RX queue pins",
        },
        "pins": {
            "link": [p.link for p in tx],
            "link_verified": [p.link_verified for p in tx],
            "rx_queue": rx.rx_queue,
            "rx_queue_verified": rx.rx_queue_verified,
        },
        "stalled": per_draw(lambda p: p.stalled),
        "short_unlimited": [phases[f"tx-{n}-demand"].short for n in DRAWS],
        "links_gbps": per_draw(
            lambda p: {k: round(v, 2) for k, v in p.links.items()}),
        "rxq_gbps": {when: [round(v, 2) for v in queues.values()]
                     for when, queues in rx_queues.items()},
        "mice": per_draw(lambda p: p.mice),
        "cpu_busy": per_draw(lambda p: round(p.cpu_busy, 3)),
        "phase_seconds": per_draw(lambda p: round(p.seconds, 2)),
    }
