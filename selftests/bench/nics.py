# SPDX-License-Identifier: GPL-2.0
"""nics.py: how fast elephants get their rules into NICs, in a virtual machine
whose clock counts instructions (run.sh -I).

The NICs are simnic's, with 64 queues and 4,096 slots each, whose driver takes
no time for a rule, 50 us, or 1 ms.  What the driver can do is measured by
ioctls in a loop, as ethtool makes them.  Then 1,000 flows begin at once, of
which each is an elephant; 10,000 on eight devices; at last a NIC is reset and
loses the rules of 40.  Tracepoints tell when each has its rule, and when it was
verified.  Prints

	nics NAME UNIT VALUE
"""

import ctypes
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build"
KERNEL = os.environ.get("ANKUS_KERNEL", "6.1")
QUEUES, SLOTS, MTU = 64, 4096, 9000
# A packet makes an elephant, some five are enough for proof
PAYLOAD, THRESHOLD = bytes(8800), "20kbit"
FLOWS, PER_SECOND = 1000, 8
# Enough packets in a tick to be missed where they should be
RESET_FLOWS, RESET_PER_SECOND, TICK = 40, 40, 0.1
DEVICES, MANY, MANY_PER_SECOND = 8, 10000, 1
SIOCETHTOOL, SRXCLSRLINS, SRXCLSRLDEL, UDP_V4_FLOW = 0x8946, 0x32, 0x31, 2
LOC_ANY = 0xffffffff

trace = Path("/sys/kernel/tracing/instances/nics")


def run(*words):
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"nics.py: {' '.join(words)}: {result.stdout}{result.stderr}")
    return result.stdout


def ankus(*words):
    return run(str(BUILD / "ankus"), *words)


def stats(dev):
    return json.loads(ankus("-j", "stats", "show", "dev", dev))[0]


def say(name, unit, value):
    print(f"nics {name} {unit} {value:.6g}", flush=True)


def nic(i):
    """sI in the hands of ankus, sIp sends to it whatever it is told to."""
    dev, peer = f"s{i}", f"s{i}p"
    run("ip", "link", "add", dev, "numrxqueues", str(QUEUES), "numtxqueues",
        str(QUEUES), "type", "simnic")
    for end in dev, peer:
        run("ip", "link", "set", end, "mtu", str(MTU), "up")
    # who sends asks nobody for an address, and who receives drops it all
    run("ip", "link", "set", peer, "arp", "off")
    run("ip", "addr", "add", f"10.{i}.0.1/16", "dev", peer)
    run("ethtool", "-K", dev, "ntuple", "on")
    knob(dev, "slots", SLOTS)
    return dev


def knob(dev, name, value):
    Path(f"/sys/kernel/debug/simnic/{dev}/{name}").write_text(str(value))


class Traffic(threading.Thread):
    """COUNT flows to each of DEVICES, each of so many packets per second."""

    def __init__(self, devices, count, per_second):
        super().__init__(daemon=True)
        self.per_second = per_second
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.to = [(f"10.{i}.1.{n % 25}", 1000 + n // 25)
                   for n in range(count) for i in range(devices)]
        self.over = False

    def run(self):
        began, sent, batch = time.monotonic(), 0, 20
        while not self.over:
            for _ in range(batch):
                self.socket.sendto(PAYLOAD, self.to[sent % len(self.to)])
                sent += 1
            late = time.monotonic() - began - sent / len(self.to) / self.per_second
            time.sleep(max(0.0005, -late))

    def stop(self):
        self.over = True
        self.join()


class Trace:
    """When rules were in force, and when that was proved."""

    pattern = re.compile(r" (\d+\.\d{6}): ankus_(\w+): .* id=(\d+) (.*)")

    def __init__(self):
        trace.mkdir()
        (trace / "trace_clock").write_text("mono")
        (trace / "buffer_size_kb").write_text("16384")
        for event in "flow_state", "pin", "verify":
            (trace / f"events/ankus/ankus_{event}/enable").write_text("1")

    def read(self):
        found, rules, proofs = {}, {}, {}
        for line in (trace / "trace").read_text().splitlines():
            match = self.pattern.search(line)
            if not match:
                continue
            at, event, flow, rest = match.groups()
            at = float(at)
            if event == "flow_state" and "new=elephant" in rest:
                found.setdefault(flow, at)
            elif event == "pin" and "have=-1" not in rest:
                rules.setdefault(flow, at)
            elif event == "verify" and "result=verified" in rest:
                proofs.setdefault(flow, at)
        return found, rules, proofs

    def since(self, when):
        """Flows without a rule since then, and when they had one again."""
        gone, back = set(), {}
        for line in (trace / "trace").read_text().splitlines():
            match = self.pattern.search(line)
            if not match or match[2] != "pin" or float(match[1]) < when:
                continue
            if "have=-1" in match[4]:
                gone.add(match[3])
            elif match[3] in gone:
                back.setdefault(match[3], float(match[1]))
        return gone, back

    @staticmethod
    def end():
        (trace / "events/enable").write_text("0")
        trace.rmdir()


def ioctl_rules(dev, count):
    """Seconds for so many rules by ioctl, one after the other."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    buffer = ctypes.create_string_buffer(192)
    request = struct.pack("16sQ16x", dev.encode(), ctypes.addressof(buffer))
    locations = []
    began = time.monotonic()
    for n in range(count):
        ctypes.memset(buffer, 0, 192)
        struct.pack_into("=I", buffer, 0, SRXCLSRLINS)
        struct.pack_into("=I", buffer, 16, UDP_V4_FLOW)
        struct.pack_into(">IIHH", buffer, 20, 0x0a000001, 0x0a000100 + n, 9, 9)
        struct.pack_into(">IIHH", buffer, 92, 0xffffffff, 0xffffffff, 0xffff, 0xffff)
        struct.pack_into("=QI", buffer, 168, n % QUEUES, LOC_ANY)
        fcntl.ioctl(sock, SIOCETHTOOL, request)
        locations.append(struct.unpack_from("=I", buffer, 176)[0])
    took = time.monotonic() - began
    for location in locations:
        ctypes.memset(buffer, 0, 192)
        struct.pack_into("=I", buffer, 0, SRXCLSRLDEL)
        struct.pack_into("=I", buffer, 176, location)
        fcntl.ioctl(sock, SIOCETHTOOL, request)
    return took


def wait(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"nics.py: not {what} in {seconds} s")
        time.sleep(0.25)


def at_once(devices, count, name, limit=0, per_second=PER_SECOND):
    """COUNT flows begin on each of DEVICES; all get a rule that is proved."""
    for dev in devices:
        ankus("dev", "add", dev, "mode", "steer", "rate", THRESHOLD,
              "hold", "0ms", "release", "60s")
    tracing = Trace()
    traffic = Traffic(len(devices), count, per_second)
    began = time.monotonic()
    traffic.start()
    total = count * len(devices)
    # Some are always being moved, and proved anew.
    wait("verified", 60, lambda: all(
        stats(dev)["verified"] >= 0.9 * count for dev in devices))
    for _ in range(20):
        found, rules, proofs = tracing.read()
        if len(proofs) >= total:
            break
        time.sleep(1)
    else:
        sys.exit(f"nics.py: {name}: {len(found)} were found, {len(rules)} had "
                 f"a rule, {len(proofs)} a proof of {total} flows")
    tracing.end()
    first, last = min(rules.values()), max(rules.values())
    numbers = [stats(dev) for dev in devices]
    say(f"{name}.rules", "rules/s", total / (last - first))
    if limit:
        say(f"{name}.limit", "rules/s", limit)
    say(f"{name}.found", "s", max(found.values()) - began)
    say(f"{name}.installed", "s", last - began)
    say(f"{name}.verified", "s", max(proofs.values()) - began)
    say(f"{name}.rtnl", "ms", max(n["rtnl_max_ns"] for n in numbers) / 1e6)
    say(f"{name}.tick", "ms", max(n["tick_max_ns"] for n in numbers) / 1e6)
    say(f"{name}.imbalance", "permille", max(
        n["rx_queues_imbalance_permille"] for n in numbers))
    traffic.stop()
    for dev in devices:
        ankus("dev", "del", dev)
        left = run("ethtool", "-n", dev).count("Filter:")
        if left:
            sys.exit(f"nics.py: {left} rules are left on {dev}")


def reset(dev):
    """A reset takes the rules; how long until all flows have one again."""
    run("ethtool", "--set-priv-flags", dev, "lose-on-reset", "on")
    # so that packets show whether there is a rule
    run("ethtool", "-X", dev, "equal", "1")
    ankus("dev", "add", dev, "mode", "steer", "rate", "200kbit", "release",
          "60s", "rx-queues", f"1-{QUEUES - 1}")
    traffic = Traffic(1, RESET_FLOWS, RESET_PER_SECOND)
    traffic.start()

    def proved():
        flows = json.loads(ankus("-j", "flow", "show", "dev", dev,
                                 "state", "elephant"))
        return sum(flow["rx_queue"]["state"] == "verified"
                   for flow in flows) == RESET_FLOWS

    wait("verified", 30, proved)
    took = []
    for _ in range(5):
        tracing = Trace()
        began = time.monotonic()
        knob(dev, "reset", 1)
        wait("back after a reset", 30, lambda: len(
            tracing.since(began)[1]) >= RESET_FLOWS)
        took += [at - began for at in tracing.since(began)[1].values()]
        tracing.end()
        wait("verified again", 30, proved)
        # all rules are looked for once a second
        time.sleep(1.5)
    took.sort()
    say("reset.half", "ticks", took[len(took) // 2] / TICK)
    say("reset.all", "ticks", took[-1] / TICK)
    traffic.stop()
    ankus("dev", "del", dev)


def main():
    ko = BUILD / KERNEL
    run("insmod", str(ko / "simnic.ko"))
    run("insmod", str(ko / "ankus.ko"))
    devices = [nic(i) for i in range(DEVICES)]
    for delay_us in 0, 50, 1000:
        knob("s0", "insert_delay_us", delay_us)
        limit = FLOWS / ioctl_rules("s0", FLOWS)
        at_once(devices[:1], FLOWS, f"insert-{delay_us}us", limit)
    knob("s0", "insert_delay_us", 0)
    at_once(devices, MANY // DEVICES, "many", per_second=MANY_PER_SECOND)
    reset(devices[0])


main()
