# SPDX-License-Identifier: GPL-2.0
"""Sends frames into a device, and tells what arrives where they lead."""
import ctypes
import errno
import fcntl
import json
import mmap
import os
import random
import select
import socket
import struct
import subprocess
import time

import frame as f
from cases import NO_OFFLOAD

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3

SOL_PACKET = 263
PACKET_TX_RING, PACKET_STATISTICS, PACKET_AUXDATA, PACKET_VERSION = 13, 6, 8, 10
PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 15, 23
TPACKET_V2, TPACKET2_DATA = 1, 32
SEND_REQUEST, AVAILABLE = 1, 0
VLAN_VALID, VLAN_TPID_VALID = 0x10, 0x40
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33

TUNSETIFF, TUNSETVNETHDRSZ = 0x400454ca, 0x400454d8
IFF_TAP, IFF_NAPI, IFF_NAPI_FRAGS, IFF_NO_PI = 0x2, 0x10, 0x20, 0x1000
IFF_VNET_HDR = 0x4000
VNET_TUNNEL = 24    # struct virtio_net_hdr_v1_hash_tunnel

# Between frames of the test: what was sent before it has arrived, too.
MARK = f.addresses(0) + f.ether(bytes(46), f.EXPERIMENTAL)[12:]
BATCH = 64
PATIENCE = 300


def enter(netns):
    """What is opened from here on belongs to that namespace."""
    fd = os.open('/run/netns/' + netns, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns ' + netns)
    os.close(fd)


class Packet:
    """Frames leave dev; their headers are in the linear part."""

    def __init__(self, netns, dev):
        enter(netns)
        self.dev = dev
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1 << 25)
        self.sock.bind((dev, 0))

    @staticmethod
    def takes(case):
        return len(case.vnet) == len(NO_OFFLOAD)

    def send(self, frame, vnet=NO_OFFLOAD, protocol=None):
        try:
            self.sock.sendmsg([vnet, frame], (), 0, (self.dev, protocol or 0))
        except OSError as error:
            return error.errno
        return 0

    def flush(self):
        pass


class Received(Packet):
    """Frames leave the other end, so that dev receives them."""

    @staticmethod
    def takes(case):
        return Packet.takes(case) and case.protocol is None


class Ring(Packet):
    """Frames leave dev; all but Ethernet's header is in page fragments."""

    SLOT, SLOTS = 16384, BATCH + 1

    def __init__(self, netns, dev):
        enter(netns)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        self.sock.setsockopt(SOL_PACKET, PACKET_TX_RING,
                             struct.pack('IIII', self.SLOT, self.SLOTS, self.SLOT,
                                         self.SLOTS))
        self.ring = mmap.mmap(self.sock.fileno(), self.SLOT * self.SLOTS)
        self.sock.bind((dev, 0))
        self.slot = 0

    @staticmethod
    def takes(case):
        return case.vnet == NO_OFFLOAD and case.protocol is None and \
            len(case.frame) <= Ring.SLOT - TPACKET2_DATA

    def send(self, frame, vnet=NO_OFFLOAD, protocol=None):
        at = self.slot * self.SLOT
        if struct.unpack_from('=I', self.ring, at)[0] != AVAILABLE:
            raise OSError(errno.EBUSY, 'the ring is full')
        data = at + TPACKET2_DATA
        self.ring[data:data + len(frame)] = frame
        struct.pack_into('=II', self.ring, at, SEND_REQUEST, len(frame))
        self.slot = (self.slot + 1) % self.SLOTS
        return 0

    def flush(self):
        self.sock.send(b'')


def open_tap(netns, dev, flags):
    enter(netns)
    fd = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF,
                struct.pack('16sH22x', dev.encode(), IFF_TAP | IFF_NO_PI | flags))
    wait_forwarding(netns, dev)
    return fd


def wait_forwarding(netns, dev):
    """A tap that is opened has a carrier, of which its bridge hears later; until
    then it drops what comes."""
    for _ in range(10 * PATIENCE):
        link = subprocess.run(['ip', '-n', netns, '-j', '-d', 'link', 'show', dev],
                              check=True, capture_output=True).stdout
        port = json.loads(link)[0]['linkinfo']['info_slave_data']
        if port['state'] == 'forwarding':
            return
        time.sleep(0.1)
    raise OSError(errno.ETIMEDOUT, dev + ' does not forward')


class Tap:
    """Frames are received by a tap, as from a virtual machine: what is to be
    segmented, with the headers that it says in the linear part."""

    def __init__(self, netns, dev):
        self.fd = open_tap(netns, dev, IFF_VNET_HDR)
        fcntl.ioctl(self.fd, TUNSETVNETHDRSZ, struct.pack('i', VNET_TUNNEL))

    @staticmethod
    def takes(case):
        return case.vnet != NO_OFFLOAD and len(case.frame) < 65536

    def send(self, frame, vnet=NO_OFFLOAD, protocol=None):
        return self.write([vnet.ljust(VNET_TUNNEL, b'\0'), frame])

    def write(self, pieces):
        try:
            os.writev(self.fd, pieces)
        except OSError as error:
            return error.errno
        return 0

    def flush(self):
        pass


class Frags(Tap):
    """Frames are received by a tap, cut into page fragments anywhere."""

    def __init__(self, netns, dev):
        self.fd = open_tap(netns, dev, IFF_NAPI | IFF_NAPI_FRAGS)
        self.rng = random.Random(dev)

    @staticmethod
    def takes(case):
        return case.vnet == NO_OFFLOAD and case.protocol is None and \
            len(case.frame) < 16000

    def pieces(self, frame):
        """The linear part, then fragments: of some bytes up to where headers
        end, of up to a page from there."""
        at = f.ETH_HLEN + self.rng.choice((0, 0, 0, 1, 8, 19, 20, 33, 40))
        out = [frame[:at]]
        while at < len(frame):
            size = self.rng.randrange(1, 24) if len(out) < 10 and at < 150 else 4096
            out.append(frame[at:at + size])
            at += size
        return out

    def send(self, frame, vnet=NO_OFFLOAD, protocol=None):
        return self.write(self.pieces(frame))


class Capture:
    """All of our frames that arrive on dev."""

    def __init__(self, netns, dev):
        enter(netns)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        for option in (PACKET_VNET_HDR, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING):
            self.sock.setsockopt(SOL_PACKET, option, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        self.sock.bind((dev, ETH_P_ALL))

    def read(self):
        """(number, vnet header, frame with its tag put back)"""
        try:
            answer = self.sock.recvmsg(80000, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            if not select.select([self.sock], [], [], PATIENCE)[0]:
                raise OSError(errno.ETIMEDOUT, 'nothing arrives') from None
            answer = self.sock.recvmsg(80000, 64)
        data, ancillary = answer[:2]
        vnet, frame = data[:len(NO_OFFLOAD)], data[len(NO_OFFLOAD):]
        for _, kind, aux in ancillary:
            status, _, _, _, _, tci, tpid = struct.unpack('=IIIHHHH', aux[:20])
            if kind == PACKET_AUXDATA and status & VLAN_VALID:
                tpid = tpid if status & VLAN_TPID_VALID else f.Q
                frame = frame[:12] + struct.pack('!HH', tpid, tci) + frame[12:]
        return f.number_of(frame), vnet, frame

    def silent(self):
        """Nothing has come for a second."""
        return not select.select([self.sock], [], [], 1)[0]

    def lost(self):
        """Since it was asked last: what found no room."""
        return struct.unpack('II', self.sock.getsockopt(SOL_PACKET,
                                                        PACKET_STATISTICS, 8))[1]


class Passage:
    """What became of the frames that were sent one way.

    errors: {number: errno}, 0 for those that the kernel took
    arrived: {number: [(vnet header, frame), ...]}, usually one
    marks: how many frames there were beside them
    """

    def __init__(self):
        self.errors, self.arrived, self.marks = {}, {}, 0

    def add(self, number, vnet, frame):
        if number is not None:
            self.arrived.setdefault(number, []).append((vnet, frame))


def send_all(way, capture, cases):
    passage = Passage()
    for first in range(0, len(cases), BATCH):
        for case in cases[first:first + BATCH]:
            number = f.number_of(case.frame)
            passage.errors[number] = way.send(case.frame, case.vnet, case.protocol)
        if way.send(MARK):
            raise OSError('a valid frame was not taken')
        way.flush()
        passage.marks += 1
        while True:
            number, vnet, frame = capture.read()
            if number == 0:
                break
            passage.add(number, vnet, frame)
    # A mark is of no flow: it may pass one that has been led to another CPU.
    while not capture.silent():
        passage.add(*capture.read())
    if capture.lost():
        raise OSError(errno.ENOBUFS, 'the capture lost frames')
    return passage
