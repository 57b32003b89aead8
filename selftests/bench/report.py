# SPDX-License-Identifier: GPL-2.0
"""report.py FOLDER [quick]: tables, targets, bench.json and data for the plot,
from what the measurements have left in FOLDER/raw."""

import json
import sys
from pathlib import Path

# Targets: instructions that a packet may cost more
UNTRACKED_MAX, TRACKED_MAX = 400, 300
# of 10,000 rules: the control loop looks at each of them once a tick
RULES_MAX = 15
FLOOD_MAX = 1.10
REPEATABLE = 0.01
# Target: ms until a flow is found whose kick is served
ONSET_MAX = 1
# Targets: of the detector
RECALL_MIN = PRECISION_MIN = 0.999
RATE_ERROR_MAX = 0.01
TICK_MS = 100
# Target: ticks until a NIC that was reset has its rules again
RESET_MAX = 2
# Targets: segments out of order, and the moves that could have done it
MOVES_MIN = 200

COSTS = {
    "ankus-untracked-1000": "ankus, untracked, 1,000 flows",
    "ankus-untracked-1000000": "ankus, untracked, 1,000,000 flows",
    "ankus-tracked": "ankus, tracked elephants",
    "ankus-rules-0": "ankus, tracked, no rule",
    "ankus-rules-100": "ankus, tracked, 100 rules",
    "ankus-rules-10000": "ankus, tracked, 10,000 rules",
    "ankus-flood": "ankus, tracked, flood of random tuples",
    "nft-empty-chain": "nft, empty netdev chain",
    "nft-dynamic-set-1000": "nft, set with counters, 1,000 flows",
    "nft-dynamic-set-1000000": "nft, set with counters, 1,000,000 flows",
    "flower-64": "tc flower, 64 filters",
    "conntrack-1000": "conntrack, accounting, 1,000 flows",
    "conntrack-1000000": "conntrack, accounting, 1,000,000 flows",
    "hhf": "sch_hhf, beyond pfifo, 1,000 flows",
}

NICS = {
    "insert-0us": "1,000 flows, no time",
    "insert-50us": "1,000 flows, 50 us",
    "insert-1000us": "1,000 flows, 1 ms",
    "many": "10,000 flows on 8 NICs, no time",
}

TITLES = {
    "served": "kick served",
    "throttled": "kick throttled",
    "no kick": "found without a kick",
    "before": "found before that",
}


class Report:
    def __init__(self, folder, quick):
        self.folder, self.quick = Path(folder), quick
        self.figures, self.verdicts = [], []

    def figure(self, name, unit, value):
        self.figures.append({"name": name, "unit": unit, "value": value})

    def target(self, text, met):
        self.verdicts.append((text, met))

    def print(self, text=""):
        if not self.quick:
            print(text)

    def lines(self, name):
        return (self.folder / "raw" / name).read_text().splitlines()

    # --- cost ---

    def cost(self):
        costs, counts = {}, {}
        lines = self.lines("cost")
        if lines[-1] != "end":
            raise SystemExit("report.py: the guest did not come to its end")
        for line in lines[:-1]:
            kind, name, value, *base = line.split()
            if kind == "cost":
                costs[name] = float(value), base[0]
            else:
                counts[name] = int(value)
        self.added = {}
        for name, (total, base) in costs.items():
            self.figure(f"cost.{name}", "instructions/packet", total)
            if base != "-":
                self.added[name] = round(total - costs[base][0], 1)
                self.figure(f"cost.{name}.added", "instructions/packet",
                            self.added[name])
        self.print("\nInstructions of a packet, more than without the hook "
                   "(6.1, counted by the emulator)\n")
        self.print(f"  {'':40} {'ingress':>9} {'egress':>9}")
        for name, title in COSTS.items():
            values = [f"{self.added[key]:+.0f}" if (
                key := f"{hook}.{name}") in self.added else "-"
                for hook in ("ingress", "egress")]
            self.print(f"  {title:40} {values[0]:>9} {values[1]:>9}")
        self.print(f"  {'(without any, in all)':40} "
                   f"{costs['ingress.bare-1000'][0]:9.0f} "
                   f"{costs['egress.bare-1000'][0]:9.0f}")
        self.cost_targets(costs, counts)

    def cost_targets(self, costs, counts):
        for hook in "ingress", "egress":
            for name, limit in (("ankus-untracked-1000", UNTRACKED_MAX),
                                ("ankus-untracked-1000000", UNTRACKED_MAX),
                                ("ankus-tracked", TRACKED_MAX)):
                value = self.added[f"{hook}.{name}"]
                self.target(f"{hook}: {COSTS[name]}: {value:.0f} of "
                            f"{limit} instructions", value <= limit)
        if self.quick:
            return
        spread = [self.added[f"ingress.ankus-rules-{n}"]
                  for n in (0, 100, 10000)]
        self.target(f"ingress: rules, 0 to 10,000: {max(spread) - min(spread):.0f}"
                    f" of {RULES_MAX} instructions",
                    max(spread) - min(spread) <= RULES_MAX)
        total, base = costs["ingress.ankus-flood"]
        ratio = total / costs[base][0]
        self.figure("cost.ingress.ankus-flood.ratio", "", round(ratio, 4))
        self.target(f"ingress: flood of random tuples: {ratio:.3f} of "
                    f"{FLOOD_MAX} times the cost", ratio <= FLOOD_MAX)
        left = counts["ingress.elephants-after-flood"]
        self.figure("cost.ingress.elephants-after-flood", "flows", left)
        self.target(f"ingress: elephants left after the flood: {left} of 40",
                    left == 40)
        total, base = costs["ingress.bare-again"]
        off = abs(total / costs[base][0] - 1)
        self.target(f"the same measured again: {off:.2%} off, 1 % allowed",
                    off <= REPEATABLE)

    # --- onset ---

    def onset(self):
        late = {"served": [], "throttled": [], "no kick": [], "before": []}
        missed = 0
        for line in self.lines("onset"):
            _, due, kick, served, found = line.split()
            if found == "-":
                missed += 1
                continue
            due, found = int(due), int(found)
            if kick != "-" and int(kick) <= found:
                # a kick is up to a packet early
                due = min(due, int(kick))
                kind = "served" if served == "1" else "throttled"
            else:
                kind = "before" if found < due else "no kick"
            late[kind].append(round((found - due) / 1e6, 3))
        self.print("\nMilliseconds from the packet that makes a flow large "
                   "until it is found (beside 1,000 flows)\n")
        self.print(f"  {'':24} {'flows':>7} {'p50':>8} {'p99':>8} {'max':>8}")
        for kind, values in late.items():
            key = f"onset.{kind.replace(' ', '-')}"
            self.figure(f"{key}.flows", "flows", len(values))
            values.sort()
            if not values:
                continue
            row = [values[int(part * (len(values) - 1))] for part in (.5, .99, 1)]
            for name, value in zip(("p50", "p99", "max"), row):
                self.figure(f"{key}.{name}", "ms", value)
            self.print(f"  {TITLES[kind]:24} {len(values):7} " +
                       " ".join(f"{value:8.2f}" for value in row))
        flows = missed + sum(map(len, late.values()))
        self.target(f"onset: {missed} of {flows} flows not found", not missed)
        served = late["served"]
        self.target(f"onset: {len(served)} of {flows} kicks served, half at least",
                    len(served) >= flows / 2)
        if served:
            p99 = served[int(.99 * (len(served) - 1))]
            self.target(f"onset: found {p99:.2f} ms after a kick that is served, "
                        f"of {ONSET_MAX} ms", p99 <= ONSET_MAX)

    # --- speed ---

    def speed(self):
        self.ns = {}
        for line in self.lines("speed"):
            name, flows, ns = line.split("; ")
            self.ns[name, int(flows)] = float(ns)
            key = name.lower().replace(" ", "-")
            self.figure(f"speed.{key}-{flows}", "ns/packet", float(ns))
        self.print("\nNanoseconds of a packet on this machine: hash, table, "
                   "and who counts what is not in it\n")
        self.print(f"  {'':24} {'1,000 flows':>12} {'':>8} "
                   f"{'1,000,000':>12}")
        for name, flows in self.ns:
            if flows == 1000:
                values = [self.ns[name, n] for n in (1000, 1000000)]
                ratios = [value / self.ns["ankus", n] for value, n in
                          zip(values, (1000, 1000000))]
                self.print(f"  {name:24} {values[0]:12.1f} {ratios[0]:7.2f}x "
                           f"{values[1]:12.1f} {ratios[1]:7.2f}x")
        self.print(f"  {'tracked':24} {self.ns['tracked', 40]:12.1f}")

    # --- accuracy ---

    def rows(self, name):
        for line in self.lines(name):
            workload, peer, size, values = line.split("; ")
            yield workload, peer, int(size), {
                key: float(value) for key, value in
                (pair.split("=") for pair in values.split())}

    @staticmethod
    def part(some, of):
        return some / of if of else 1.0

    def accuracy(self):
        self.print("\nElephants found with 256 KiB (64 B a line); see "
                   "Documentation/benchmark.rst\n")
        self.print(f"  {'':25} {'':16} {'':>9} {'recall':>8} {'twice':>8} "
                   f"{'precision':>9} {'p99 late':>9} {'rate err':>8} "
                   f"{'tracked':>8} {'no room':>8}")
        last = None
        for workload, peer, _, v in self.rows("accuracy"):
            recall = self.part(v["elephants_found"], v["elephants"])
            twice = self.part(v["twice_found"], v["twice"])
            precision = self.part(v["found_right"], v["found"])
            title = workload if workload != last else ""
            last = workload
            self.print(
                f"  {title:25} {peer:16} {v['elephants']:9.0f} {recall:8.2%} "
                f"{twice:8.2%} {precision:9.2%} {v['delay_p99_ms']:6.1f} ms "
                f"{v['rate_error_max']:8.2%} {v['tracked']:8.0f} "
                f"{v['refused']:8.0f}")
            key = f"accuracy.{workload}.{peer}"
            for name, unit, value in (
                    ("recall", "", recall), ("recall-twice", "", twice),
                    ("precision", "", precision),
                    ("late-p99", "ms", v["delay_p99_ms"]),
                    ("rate-error", "", v["rate_error_max"]),
                    ("elephants", "flows", v["elephants"]),
                    ("flows", "flows", v["flows"]),
                    ("tracked", "flows", v["tracked"]),
                    ("tracked-needlessly", "flows", v["needless"]),
                    ("tracked-peak", "flows", v["peak"]),
                    ("refused", "packets", v["refused"]),
                    ("lost", "times", v["lost"])):
                self.figure(f"{key}.{name}", unit, round(value, 6))
            if peer == "ankus":
                self.accuracy_targets(workload, recall, twice, precision, v)

    def accuracy_targets(self, workload, recall, twice, precision, v):
        for text, met in (
                (f"recall {recall:.3%}", recall >= RECALL_MIN),
                (f"recall at twice the threshold {twice:.3%}", twice == 1),
                (f"precision {precision:.3%}", precision >= PRECISION_MIN),
                (f"rate off by {v['rate_error_max']:.2%}",
                 v["rate_error_max"] <= RATE_ERROR_MAX),
                (f"p99 found {v['delay_p99_ms']:.1f} ms late",
                 v["delay_p99_ms"] <= TICK_MS),
                (f"elephants lost {v['lost']:.0f}", v["lost"] == 0)):
            self.target(f"{workload}: {text}", met)

    def sweep(self):
        self.print("\nZipf 1.0, 10^6 flows, threshold 10^-4 of the traffic: "
                   "flows tracked, and recall, by memory\n")
        table = {}
        for _, peer, size, v in self.rows("sweep"):
            recall = self.part(v["elephants_found"], v["elephants"])
            table.setdefault(peer, {})[size] = v["tracked"], recall
            self.figure(f"sweep.{size}.{peer}.tracked", "flows", v["tracked"])
            self.figure(f"sweep.{size}.{peer}.recall", "", round(recall, 6))
        sizes = sorted(table["ankus"])
        self.print(f"  {'KiB':16} " + "".join(
            f"{size // 1024:>16}" for size in sizes))
        for peer, row in table.items():
            self.print(f"  {peer:16} " + "".join(
                f"{row[size][0]:>9.0f} {row[size][1]:>6.1%}"
                for size in sizes))
        with open(self.folder / "sweep.dat", "w") as out:
            print("KiB", *(json.dumps(peer) for peer in table), file=out)
            for size in sizes:
                print(size // 1024, *(row[size][0] for row in table.values()),
                      file=out)

    # --- nics ---

    def nics(self):
        values = {}
        for line in self.lines("nics"):
            _, name, unit, value = line.split()
            case, what = name.split(".")
            values.setdefault(case, {})[what] = float(value)
            self.figure(f"nics.{name}", unit, float(value))
        back = values.pop("reset")
        self.print("\nFlows that begin at once, and what the driver takes for "
                   "a rule\n")
        self.print(f"  {'':32} {'rules/s':>8} {'by ioctl':>8} {'all found':>10} "
                   f"{'installed':>10} {'verified':>10} {'rtnl':>8} {'loop':>8}")
        for case, v in values.items():
            limit = f"{v['limit']:.0f}" if "limit" in v else "-"
            self.print(f"  {NICS[case]:32} {v['rules']:8.0f} {limit:>8} "
                       f"{v['found']:8.2f} s {v['installed']:8.2f} s "
                       f"{v['verified']:8.2f} s {v['rtnl']:5.1f} ms "
                       f"{v['tick']:5.1f} ms")
        self.print(f"\n  Rules that a reset has taken are back after "
                   f"{back['half']:.2f} ticks (half of them), "
                   f"{back['all']:.2f} (all)")
        self.target(f"nics: rules back after a reset: {back['all']:.2f} of "
                    f"{RESET_MAX} ticks", back["all"] <= RESET_MAX)

    # --- moves ---

    def moves(self):
        values = {}
        for line in self.lines("moves"):
            _, name, unit, value = line.split()
            case, what = name.split(".")
            values.setdefault(case, {})[what] = int(value)
            self.figure(f"moves.{name}", unit, int(value))
        still = values.pop("none")
        self.print("\n40 TCP streams for a minute, one of them moved each tick: "
                   "segments out of order\n")
        self.print(f"  {'':10} {'moves':>6} {'reordered':>10}")
        self.print(f"  {'not moved':10} {still['moves']:6} {still['reordered']:10}")
        for case, v in values.items():
            self.print(f"  {case:10} {v['moves']:6} {v['reordered']:10}")
            more = v["reordered"] - still["reordered"]
            self.target(f"moves by {case}: {max(more, 0)} of 0 segments more out "
                        f"of order, {v['moves']} moves", more <= 0 and
                        v["moves"] >= MOVES_MIN)

    # --- the plot's data ---

    def plot(self):
        with open(self.folder / "cost.dat", "w") as out:
            for name, title in COSTS.items():
                if "rules" in name:
                    continue
                ingress, egress = (self.added.get(f"{hook}.{name}", "NaN")
                                   for hook in ("ingress", "egress"))
                print(json.dumps(title), ingress, egress, file=out)
        with open(self.folder / "speed.dat", "w") as out:
            for name, flows in self.ns:
                if flows == 1000 and name != "packets alone":
                    print(json.dumps(name), self.ns[name, 1000],
                          self.ns[name, 1000000], file=out)

    def finish(self):
        failed = sum(not met for _, met in self.verdicts)
        if self.quick:
            for number, (text, met) in enumerate(self.verdicts, 1):
                print(f"{'ok' if met else 'not ok'} {number} {text}")
            print(f"1..{len(self.verdicts)}")
            return failed
        self.print("\nTargets\n")
        for text, met in self.verdicts:
            self.print(f"  {'met   ' if met else 'MISSED'}  {text}")
        self.print()
        (self.folder / "bench.json").write_text(
            json.dumps(self.figures, indent=1) + "\n")
        (self.folder / "summary").write_text(
            f"{len(self.verdicts) - failed} passed, {failed} failed\n")
        return failed


def main():
    report = Report(sys.argv[1], len(sys.argv) > 2)
    report.cost()
    report.onset()
    if not report.quick:
        report.speed()
    report.accuracy()
    if not report.quick:
        report.sweep()
        report.nics()
        report.moves()
        report.plot()
    return 1 if report.finish() else 0


sys.exit(main())
