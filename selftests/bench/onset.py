# SPDX-License-Identifier: GPL-2.0
"""onset.py RATE-BPS TICK-MS FLOWS: when flows are found that begin to be
large, beside a thousand that have entries and stay small.

Sends UDP over a device that ankus manages with this threshold and tick and no
hold time.  Flows begin at random times, at four to twenty times the threshold.
A flow is due when it has carried, within a tick, what the threshold carries in
one; the clock is read before that packet is sent.  When it kicks the control
loop and when it becomes an elephant is told by the tracepoints.  Prints

	onset DUE-NS KICK-NS|- SERVED|- ELEPHANT-NS|-

for each flow, in times of CLOCK_MONOTONIC.
"""

import ctypes
import gc
import heapq
import random
import re
import socket
import sys
import time
from pathlib import Path

RATE, TICK_NS, FLOWS = (
    int(sys.argv[1]), int(sys.argv[2]) * 10**6, int(sys.argv[3]))
OTHERS = 1000
LENGTH = 1400  # of a packet, from the IP header on
HEADERS = 28
PAYLOAD = bytes(LENGTH - HEADERS)
DUE_BYTES = RATE // 8 * TICK_NS // 10**9
# What earns an entry is an eighth of that
ADMIT_PACKETS = DUE_BYTES // 8 // LENGTH + 2
# How long a flow goes on when it is due
AFTER_NS = 4 * TICK_NS // 10
MEAN_GAP_NS = 50 * 10**6
PR_SET_TIMERSLACK = 29

trace = Path("/sys/kernel/tracing/instances/onset")


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def trace_on():
    trace.mkdir()
    (trace / "trace_clock").write_text("mono")
    (trace / "buffer_size_kb").write_text("4096")
    (trace / "events/ankus/ankus_flow_state/filter").write_text("new == 2")
    for event in "ankus_kick", "ankus_flow_state":
        (trace / f"events/ankus/{event}/enable").write_text("1")


def traced():
    """The first kick and the first state of each source port."""
    kicks, elephants = {}, {}
    pattern = re.compile(r" (\d+)\.(\d{6}): (ankus_\w+): .* src=[\d.]+:(\d+) (.*)")
    for line in (trace / "trace").read_text().splitlines():
        match = pattern.search(line)
        if not match:
            continue
        seconds, micros, event, port, rest = match.groups()
        at = int(seconds) * 10**9 + int(micros) * 1000
        if event == "ankus_kick":
            kicks.setdefault(int(port), (at, rest[-1]))
        else:
            elephants.setdefault(int(port), at)
    (trace / "events/enable").write_text("0")
    trace.rmdir()
    return kicks, elephants


class Flow:
    def __init__(self, gap_ns, ends=True):
        self.gap_ns, self.ends = gap_ns, ends
        self.bytes, self.due_ns = 0, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("10.8.0.1", 9))
        self.port = self.socket.getsockname()[1]

    def send(self, now):
        """Returns when to send next, None at the end."""
        self.bytes += LENGTH
        if self.ends and not self.due_ns and self.bytes > DUE_BYTES:
            self.due_ns = now
        self.socket.send(PAYLOAD)
        if self.due_ns and now > self.due_ns + AFTER_NS:
            return None
        return now + self.gap_ns


def run(events):
    """Sends what is due until no flow is left that ends."""
    left = sum(flow.ends for _, _, flow in events)
    heapq.heapify(events)
    while left:
        at, number, flow = events[0]
        now = now_ns()
        if at > now:
            time.sleep((at - now) / 1e9)
            now = now_ns()
        at = flow.send(now)
        if at is None:
            heapq.heappop(events)
            left -= 1
        else:
            heapq.heapreplace(events, (at, number, flow))


def main():
    # Sleep is to end on time, and nothing to hold up what is sent
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1)
    gc.disable()
    random.seed(20261126)
    others = [Flow(TICK_NS, False) for _ in range(OTHERS)]
    for flow in others:
        for _ in range(ADMIT_PACKETS):
            flow.send(now_ns())
    trace_on()
    began = now_ns() + 3 * TICK_NS
    events = [(now_ns() + i * TICK_NS // OTHERS, i, flow)
              for i, flow in enumerate(others)]
    flows = []
    for i in range(FLOWS):
        began += int(random.expovariate(1 / MEAN_GAP_NS))
        times = 4 * 5 ** random.random()
        flows.append(Flow(int(LENGTH * 8e9 / RATE / times)))
        events.append((began, OTHERS + i, flows[-1]))
    run(events)
    kicks, elephants = traced()
    for flow in flows:
        kicked, served = kicks.get(flow.port, ("-", "-"))
        print("onset", flow.due_ns, kicked, served,
              elephants.get(flow.port, "-"))


main()
