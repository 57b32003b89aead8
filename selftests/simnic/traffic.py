#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Packets and flows for the tests of simnic.

traffic.py TX RX: does what it reads, a JSON object a line, and answers
each with a line of JSON.

{"family": 4, "proto": "udp", "src": ..., "dst": ..., "sport": ..., ...}
    A packet, see packet(), leaves device TX; the answer is what its
    skb carried when it arrived on RX: the queue as it was recorded (-1: not),
    the hash and the CPU.
{"flow": [LEFT, RIGHT, "tcp" or "udp", SRC, SPORT, DST, DPORT]}
    A real flow from network namespace LEFT to RIGHT; the answer is what the
    receiving socket knows of it.
{"burst": 40, "flow": [...]}
    So many UDP datagrams, given to the kernel at once.
"""
import ctypes
import json
import os
import select
import socket
import struct
import sys

ETH_P_ALL = 3
SO_ATTACH_FILTER = 26
SO_INCOMING_CPU = 49
SO_INCOMING_NAPI_ID = 56
UDP_SEGMENT = 103
CLONE_NEWNET = 0x40000000
IPPROTO = {'tcp': 6, 'udp': 17, 'icmp': 1, 'sctp': 132, 'icmp6': 58}

# Classic BPF: ancillary loads of what the skb carries
SKF_AD_OFF = 0x100000000 - 0x1000
SKF_AD_QUEUE, SKF_AD_RXHASH, SKF_AD_CPU = 24, 32, 36
LD_W_ABS, RSH, AND, ADD, RET_A = 0x20, 0x74, 0x54, 0x04, 0x16

# A filter says how many bytes of a packet a socket gets: that is how a value
# of the skb comes out, a byte of it at a time.
BASE = 64
SIZE = BASE + 256 + 64


def spy(dev, ad, shift):
    """A socket whose packets are as long as a byte of an ancillary value."""
    code = [(LD_W_ABS, SKF_AD_OFF + ad), (RSH, shift), (AND, 0xff),
            (ADD, BASE), (RET_A, 0)]
    prog = b''.join(struct.pack('HBBI', c, 0, 0, k) for c, k in code)
    buf = ctypes.create_string_buffer(prog)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack('HL', len(code), ctypes.addressof(buf)))
    sock.bind((dev, ETH_P_ALL))
    return sock


def read(sock, mac):
    """Of the packet with our source address; others may pass by."""
    while True:
        if not select.select([sock], [], [], 5)[0]:
            return None
        try:
            data = sock.recv(SIZE)
        except OSError:     # the device was down in between
            continue
        if data[6:12] == mac:
            return len(data) - BASE


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def l4(p):
    ports = struct.pack('!HH', p.get('sport', 0), p.get('dport', 0))
    return ports.ljust(SIZE - 80, b'x')


def packet(p, mac):
    """From a description: family, proto, src, dst, sport, dport; tos, frag
    (offset in 8 bytes, with more to come), vlan, ext (an extension header),
    options (IPv4), smac, dmac, ethertype."""
    payload = l4(p)
    proto = IPPROTO.get(p.get('proto', 'udp'))
    if p.get('family') == 4:
        options = b'\1' * (4 if p.get('options') else 0)
        length = 20 + len(options)
        flags = 0x2000 | p['frag'] if 'frag' in p else 0
        head = struct.pack('!BBHHHBBH4s4s', 0x40 | length // 4,
                           p.get('tos', 0), length + len(payload), 1, flags,
                           64, proto, 0,
                           socket.inet_pton(socket.AF_INET, p['src']),
                           socket.inet_pton(socket.AF_INET, p['dst']))
        total = checksum(head + options)
        payload = head[:10] + struct.pack('!H', total) + head[12:] + \
            options + payload
        ethertype = 0x0800
    elif p.get('family') == 6:
        nexthdr = proto
        if 'frag' in p:
            payload = struct.pack('!BBHI', nexthdr, 0, p['frag'] << 3 | 1, 1) \
                + payload
            nexthdr = 44
        if p.get('ext'):
            # destination options, one PadN of 4
            payload = struct.pack('!BB6B', nexthdr, 0, 1, 4, 0, 0, 0, 0) \
                + payload
            nexthdr = 60
        payload = struct.pack('!IHBB16s16s',
                              6 << 28 | p.get('tos', 0) << 20, len(payload),
                              nexthdr, 64,
                              socket.inet_pton(socket.AF_INET6, p['src']),
                              socket.inet_pton(socket.AF_INET6, p['dst'])) \
            + payload
        ethertype = 0x86dd
    else:
        ethertype = p.get('ethertype', 0x88b5)
    tag = struct.pack('!HH', 0x8100, p['vlan']) if 'vlan' in p else b''
    dmac = bytes.fromhex(p.get('dmac', '020000000002').replace(':', ''))
    return (dmac + mac + tag + struct.pack('!H', ethertype) +
            payload)[:SIZE].ljust(SIZE, b'x')


class Prober:
    def __init__(self, tx, rx):
        self.out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.out.bind((tx, 0))
        self.spies = [spy(rx, SKF_AD_RXHASH, s) for s in (24, 16, 8, 0)]
        self.spies += [spy(rx, SKF_AD_QUEUE, 0), spy(rx, SKF_AD_CPU, 0)]

    def probe(self, p):
        mac = bytes.fromhex(p.get('smac', '02000000ab01').replace(':', ''))
        self.out.send(packet(p, mac))
        values = []
        for sock in self.spies:
            values.append(read(sock, mac))
            if values[-1] is None:
                return {'lost': True}
        return {'queue': values[4] - 1, 'cpu': values[5],
                'hash': '0x' + bytes(values[:4]).hex()}


def enter(netns):
    """A socket belongs to the namespace that it was made in."""
    fd = os.open('/run/netns/' + netns, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns ' + netns)
    os.close(fd)


def in_ns(netns, family, kind, address):
    enter(netns)
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(20)
    sock.bind(address)
    return sock


def run_tcp(source, sink, to):
    # No TIME_WAIT: the same flow is wanted again and again.
    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                      struct.pack('ii', 1, 0))
    sink.listen(1)
    source.connect(to)
    sink = sink.accept()[0]
    sink.settimeout(20)
    received = 0
    for _ in range(16):
        source.sendall(b'x' * 16384)
        got = 0
        while got < 16384:
            got += len(sink.recv(16384 - got))
        received += got
    return sink, received


def run_udp(source, sink):
    received = 0
    for _ in range(200):
        source.send(b'x' * 1000)
        received += len(sink.recv(2000))
    return sink, received


def run_burst(source, sink, segments):
    source.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 1000)
    source.send(b'x' * 1000 * segments)
    sink.settimeout(2)
    received = 0
    try:
        while True:
            received += len(sink.recv(2000))
    except socket.timeout:
        return sink, received


def flow(left, right, proto, src, sport, dst, dport, burst=0):
    family = socket.AF_INET6 if ':' in dst else socket.AF_INET
    kind = socket.SOCK_STREAM if proto == 'tcp' else socket.SOCK_DGRAM
    with in_ns(right, family, kind, (dst, int(dport))) as listener, \
            in_ns(left, family, kind, (src, int(sport))) as source:
        if proto == 'tcp':
            sink, received = run_tcp(source, listener, (dst, int(dport)))
        else:
            # Only connected sockets remember the CPU.
            listener.connect((src, int(sport)))
            source.connect((dst, int(dport)))
            sink, received = run_burst(source, listener, burst) if burst \
                else run_udp(source, listener)
        with sink:
            cpu = sink.getsockopt(socket.SOL_SOCKET, SO_INCOMING_CPU)
            napi = sink.getsockopt(socket.SOL_SOCKET, SO_INCOMING_NAPI_ID)
    return {'received': received, 'cpu': cpu, 'napi': napi}


def main(tx, rx):
    prober = Prober(tx, rx)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if 'flow' in request:
                answer = flow(*request['flow'], request.get('burst', 0))
            else:
                answer = prober.probe(request)
        except OSError as error:
            answer = {'error': str(error)}
        print(json.dumps(answer), flush=True)


main(*sys.argv[1:])
