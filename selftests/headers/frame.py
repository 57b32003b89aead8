# SPDX-License-Identifier: GPL-2.0
"""Ethernet frames, piece by piece.

What is built says what it is told to, true or not.  The addresses and ports of
frame N follow from N alone, so that a flow tells which frame it was made of;
the first 12 bytes, Ethernet's addresses, tell which frame arrived.
"""
import socket
import struct

ETH_HLEN = 14
IP, IP6, ARP = 0x0800, 0x86dd, 0x0806
Q, AD = 0x8100, 0x88a8
MPLS, PPPOE, BATMAN, EXPERIMENTAL = 0x8847, 0x8864, 0x4305, 0x88b5

HOP, ICMP, IPIP, TCP, UDP, IPV6 = 0, 1, 4, 6, 17, 41
ROUTING, FRAGMENT, GRE, ESP, AH, ICMP6, NONE, DEST = 43, 44, 47, 50, 51, 58, 59, 60
SCTP, MOBILITY = 132, 135

SOURCE = bytes.fromhex('025a00000001')


def addresses(number):
    return b'\x02\xa5' + struct.pack('!I', number) + SOURCE


def number_of(frame):
    """Of a frame that we sent, else None."""
    if frame[6:12] != SOURCE or frame[:2] != b'\x02\xa5':
        return None
    return struct.unpack_from('!I', frame, 2)[0]


def src4(n):
    return struct.pack('!I', 0x0a000000 + n)


def src6(n):
    return bytes.fromhex('20010db8000100020003') + bytes(2) + struct.pack('!I', n)


DST4 = bytes([192, 0, 2, 1])
DST6 = bytes.fromhex('20010db8ffeeddccbbaa000000000001')


def sport(n):
    return 1024 + n % 60000


DPORT = 443


def flow_key(n, family, proto, ports=None):
    """The flow that frame n ought to be of."""
    src, dst = (src4(n), DST4) if family == 4 else (src6(n), DST6)
    return (proto, src, dst) + (ports or (sport(n), DPORT))


def key_text(key):
    family = socket.AF_INET if len(key[1]) == 4 else socket.AF_INET6
    return '%d %s.%d > %s.%d' % (key[0], socket.inet_ntop(family, key[1]),
                                 key[3], socket.inet_ntop(family, key[2]), key[4])


def ether(payload, ethertype, tags=()):
    """Behind tags: of each its (protocol, content)."""
    out = bytes(12)
    for tpid, tci in tags:
        out += struct.pack('!HH', tpid, tci)
    return out + struct.pack('!H', ethertype) + payload


def ipv4(n, proto, payload=b'', version=4, options=b'', ihl=None, frag=0,
         total=None, ident=0x1234, src=None):
    if ihl is None:
        ihl = 5 + len(options) // 4
    if total is None:
        total = 20 + len(options) + len(payload)
    head = struct.pack('!BBHHHBBH', version << 4 | ihl, 0x88, total & 0xffff,
                       ident, frag, 64, proto, 0)
    return head + (src or src4(n)) + DST4 + options + payload


def ipv6(n, nexthdr, payload=b'', version=6, plen=None):
    if plen is None:
        plen = len(payload)
    head = struct.pack('!IHBB', version << 28 | 0x22 << 22 | 0x12345,
                       plen & 0xffff, nexthdr, 64)
    return head + src6(n) + DST6 + payload


def chain(exts, proto, payload):
    """Extension headers, [(type, content without the next type)], in front of
    a payload.  Returns the type of the first and all of them."""
    for kind, content in reversed(exts):
        payload = bytes([proto]) + content + payload
        proto = kind
    return proto, payload


def ext(kind, units=0, length=None):
    """Of (units + 1) * 8 bytes, which says length instead."""
    size = (units + 1) * 8
    length = units if length is None else length
    content = bytes([length]) + b'\x01' + bytes([min(size - 4, 255)]) + bytes(size - 4)
    return kind, content


def fragment(offset, more):
    return FRAGMENT, struct.pack('!BHI', 0, offset << 3 | more, 0x1234)


def data(size):
    """Bytes that pass for nothing in particular."""
    pattern = bytes(range(0x90, 0xff)) * (size // 111 + 1)
    return pattern[:size]


def l4(n, proto, size=64, ports=None, offset=5, length=None):
    """TCP, UDP or SCTP."""
    ports = struct.pack('!HH', *(ports or (sport(n), DPORT)))
    if proto == TCP:
        head = struct.pack('!IIBBHHH', 1, 1, offset << 4, 0x10, 512, 0, 0)
    elif proto == UDP:
        length = 8 + size if length is None else length
        head = struct.pack('!HH', length & 0xffff, 0)
    else:
        head = struct.pack('!II', 7, 0)
    return ports + head + data(size)
