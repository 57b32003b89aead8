#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""report.py FOLDER JSON: show the demo while it runs, and write its figures.

Reads what guest.sh prints from standard input: a line with '@' at its start
is an event, most of which say that a phase's snapshots are in FOLDER/raw/;
'@fail' says why the demo ends early; other lines are shown as they are.
Exit status: 0 when all figures are there, whatever they are; 1 otherwise.
"""

import json
import sys
import time
from pathlib import Path

from figures import (DRAWS, LINK_GBPS, SHORT, Draw, Phase, Pins, combine,
                     imbalance)

BAR = 40        # columns for 100 %
BAR_MAX = 60    # columns in all
FULL = 0.98     # a link at this part of its capacity is full

tty = sys.stdout.isatty()
unicode = (sys.stdout.encoding or "").lower() == "utf-8"
SOLID, HATCHED, MARK = "█▒│" if unicode else "#:|"


def colour(code, text):
    return f"\033[{code}m{text}\033[0m" if tty else text


def bold(text):
    return colour("1", text)


def red(text):
    return colour("31", text)


def green(text):
    return colour("32", text)


def dim(text):
    return colour("2", text)


class Screen:
    """Lines that stay, and on a terminal one that says what is going on."""

    def __init__(self):
        self.begin = time.monotonic()

    def elapsed(self):
        return time.monotonic() - self.begin

    def say(self, text=""):
        print(("\r\033[K" if tty else "") + text, flush=True)

    def status(self, text):
        line = dim(f"  [{self.elapsed():3.0f} s] {text}")
        if tty:
            print("\r\033[K" + line, end="", flush=True)
        else:
            print(line, flush=True)


def bar(part, asked=0.0):
    """A bar with a mark at 100 %; what was asked for beyond it is hatched."""
    solid = min(round(part * BAR), BAR)
    hatched = max(min(round(asked * BAR), BAR_MAX) - BAR, 0)
    paint = red if part >= FULL or hatched else green
    return (paint(SOLID * solid) + " " * (BAR - solid) + MARK +
            red(HATCHED * hatched) + " " * (BAR_MAX - BAR - hatched))


def milliseconds(us):
    return f"{us / 1000:.1f} ms"


class Demo:
    def __init__(self, folder, screen):
        self.folder, self.screen = Path(folder), screen
        self.draws = {n: Draw(self.folder / f"draw-{n}") for n in DRAWS}
        self.rx_draw = Draw(self.folder / "draw-rx")
        self.phases, self.pins = {}, {}
        self.kernel = self.accelerator = self.scale = self.mbps = None
        self.failure, self.complete = None, False

    # Events

    def event(self, line):
        name, *words = line.split()
        if name in ("kernel", "scale", "draw", "phase", "pins", "rx", "fail",
                    "end"):
            getattr(self, "on_" + name)(*words)

    def on_kernel(self, release, accelerator):
        self.kernel, self.accelerator = release, accelerator
        self.screen.say(f"  kernel {release}, stock Debian, in QEMU "
                        f"({accelerator})")

    def on_scale(self, scale, mbps):
        self.scale, self.mbps = int(scale), int(mbps)
        self.screen.say(
            f"  scale  1:{scale} of the real rates, chosen for this machine; "
            "figures are at full scale")

    def on_draw(self, number):
        self.screen.say()
        self.screen.say(bold(
            f"Draw {number} of {len(DRAWS)} ") + "(ports and rates from seed "
            f"{number}): {len(self.draws[int(number)].rates)} streams, "
            f"{self.draws[int(number)].total / 1000:.0f} Gbit/s in all")

    def on_phase(self, name):
        side, *draw, phase = name.split("-")
        figures = Phase(self.folder / "raw" / name, self.scale,
                        self.draws[int(draw[0])] if draw else None)
        self.phases[name] = figures
        if phase != "demand":
            getattr(self, "show_" + side)(name, phase, figures)
        elif figures.short:
            self.screen.say(red(
                f"  This machine is too busy: {figures.short} streams lag "
                "even with no limit on the links. Expect noise."))

    def on_pins(self, name):
        self.pins[name] = pins = Pins(self.folder / "raw" / f"{name}-pins")
        if name == "rx":
            self.screen.say(
                f"  {pins.elephants} elephants, {pins.rx_queue} pinned to a "
                f"queue, {pins.rx_queue_verified} verified there")

    def on_rx(self):
        self.show_flows()
        self.screen.say()
        self.screen.say(bold("The receiving side: ") + "%d streams, "
                        "%.0f Gbit/s, into a test NIC (simnic) of 8 queues" % (
                            len(self.rx_draw.rates),
                            self.rx_draw.total / 1000))

    def on_fail(self, *words):
        self.failure = " ".join(words)

    def on_end(self):
        self.complete = True

    # Text

    def show_tx(self, name, phase, figures):
        say = self.screen.say
        before = phase == "before"
        demand = self.phases[name.rsplit("-", 1)[0] + "-demand"]
        say()
        title = ("BEFORE  the kernel's hash, ankus observes" if before else
                 "AFTER   ankus dev set bond0 mode steer")
        say("  " + bold(title) + " " * (BAR + 4 - len(title)) +
            f"{MARK} {LINK_GBPS} Gbit/s")
        for link, gbps in figures.links.items():
            part = gbps / LINK_GBPS
            asked = demand.links[link] / LINK_GBPS if before else 0
            notes = ["FULL"] if part >= FULL else []
            if asked > 1:
                notes.append(f"asked for {asked:.0%}")
            note = " " + red(", ".join(notes)) if notes else ""
            say(f"  {link} {bar(part, asked)}{part:4.0%}{note}")
        say(f"  imbalance {imbalance(figures.links.values()):.2f}   "
            f"dropped {figures.drops}   retransmitted {figures.retransmits}   "
            f"short {figures.short}/{len(figures.parts)}   "
            f"mice p50 {milliseconds(figures.mice['p50_us'])} "
            f"p99 {milliseconds(figures.mice['p99_us'])}")

    def show_rx(self, _name, phase, figures):
        say = self.screen.say
        say()
        say("  " + bold("BEFORE  the NIC's hash (RSS)" if phase == "before"
                        else "AFTER   ankus dev set s0 mode steer"))
        most = max(self.phases["rx-before"].queues.values()) or 1
        for queue, gbps in figures.queues.items():
            solid = round(gbps / most * BAR)
            say(f"  queue {queue} " + green(SOLID * solid) +
                " " * (BAR - solid) + f" {gbps:5.1f} Gbit/s")
        say(f"  imbalance {imbalance(figures.queues.values()):.2f}")

    def show_flows(self):
        last = f"tx-{DRAWS[-1]}"
        pins = self.pins[last]
        self.screen.say()
        self.screen.say(bold("The flows of the last draw, as the tool shows "
                             "them") + " (the 12 fastest; rates 1:"
                        f"{self.scale})")
        self.screen.say("  # ankus flow show dev bond0 state elephant "
                        "sort rate limit 12")
        for line in pins.text.rstrip("\n").split("\n"):
            self.screen.say("  " + line)
        self.screen.say(f"  {pins.elephants} elephants, {pins.link} pinned to "
                        f"a link, {pins.link_verified} verified there")

    def show_summary(self, figures):
        say = self.screen.say
        say()
        say(bold(f"In all: {len(DRAWS)} draws, {figures['streams']} streams"))
        say(dim(f"  {'':34}{'hash':>10}{'ankus':>10}"))
        rows = (
            ("busiest link / mean", "link_imbalance", "{:.2f}".format,
             "mean; the hash asked for "
             f"{figures['demand_imbalance']['before']:.2f}"),
            ("packets dropped", "drops", str, "sum"),
            ("TCP retransmits", "retransmits", str, "sum"),
            ("streams short of their rate", "flows_short", str,
             f"of {figures['streams']}; below {SHORT:.0%} of it"),
            ("small requests, median", "mice_rtt_p50_us", milliseconds,
             "mean"),
            ("small requests, 99th percentile", "mice_rtt_p99_us",
             milliseconds, "mean"),
            ("busiest RX queue / mean", "rxq_imbalance", "{:.2f}".format, ""))
        worse = []
        for text, key, show, note in rows:
            before, after = figures[key]["before"], figures[key]["after"]
            if after > before:
                worse.append(text)
            paint = red if after > before else green
            say(f"  {text:34}{show(before):>10}"
                + paint(f"{show(after):>10}") + dim(f"   {note}".rstrip()))
        say(f"  {figures['pinned']} of {figures['flows']} flows pinned, "
            f"{figures['verified']} verified")
        if worse:
            say(red("  WORSE with ankus: " + "; ".join(worse)))


def main():
    folder, path = sys.argv[1:]
    screen = Screen()
    demo = Demo(folder, screen)
    screen.status("booting the virtual machine")
    for line in sys.stdin:
        line = line.rstrip("\n")
        if line.startswith("@say "):
            screen.status(line[5:])
        elif line.startswith("@"):
            try:
                demo.event(line[1:])
            except BrokenPipeError:
                raise
            except (ArithmeticError, LookupError, OSError, RuntimeError,
                    TypeError, ValueError) as problem:
                screen.say(red(f"demo: cannot make sense of '{line[1:]}': "
                               f"{problem!r}"))
                return 1
        elif line:
            screen.say("  | " + line)
    if demo.failure:
        screen.say(red("demo: " + demo.failure))
        return 1
    if not demo.complete:
        screen.say(red("demo: ended before its time"))
        return 1
    figures = combine(demo.phases, demo.pins, demo.draws, demo.rx_draw) | {
        "scale": demo.scale,
        "probe_mbps": demo.mbps,
        "kernel": demo.kernel,
        "accelerator": demo.accelerator,
        "seconds": round(screen.elapsed()),
    }
    Path(path).write_text("{\n" + ",\n".join(
        f" {json.dumps(key)}: {json.dumps(value)}"
        for key, value in figures.items()) + "\n}\n")
    demo.show_summary(figures)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(130)
