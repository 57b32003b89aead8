# SPDX-License-Identifier: GPL-2.0
"""The frames of the test: a table, and mutations of it at random."""
import random
import struct

import frame as f

# struct virtio_net_hdr, and struct virtio_net_hdr_v1_hash_tunnel
NEEDS_CSUM = 1
GSO_TCP4, GSO_UDP, GSO_TCP6, GSO_UDP_L4, GSO_ECN = 1, 3, 4, 5, 0x80
GSO_TUNNEL4, GSO_TUNNEL6 = 0x20, 0x40
NO_OFFLOAD = bytes(10)

V4, V6 = f.IP, f.IP6


class Case:
    """A frame.

    kind, name: what it is of, and what it is
    frame: its bytes
    key: of the flow that it is of; None: of none; 'model': left to the model
    vnet: struct virtio_net_hdr to send it with
    protocol: what the sender says that it is, None: nothing
    """

    def __init__(self, kind, name, frame, key, vnet, protocol):
        self.kind, self.name, self.key = kind, name, key
        self.vnet, self.protocol = vnet, protocol
        self.frame = frame


class Table:
    """Of cases, whose numbers begin with first."""

    def __init__(self, first=1):
        self.cases, self.first = [], first

    @property
    def next(self):
        """The number of the case that is added next."""
        return self.first + len(self.cases)

    def add(self, kind, name, frame, key=None, vnet=NO_OFFLOAD, protocol=None):
        frame = f.addresses(self.next) + frame[12:]
        self.cases.append(Case(kind, name, frame, key, vnet, protocol))

    def v4(self, kind, name, proto=f.TCP, flow=True, tags=(), size=64, l4=None,
           **ip):
        n = self.next
        payload = f.l4(n, proto, size) if l4 is None else l4
        self.add(kind, name, f.ether(f.ipv4(n, proto, payload, **ip), V4, tags),
                 f.flow_key(n, 4, proto) if flow else None)

    def v6(self, kind, name, proto=f.TCP, flow=True, tags=(), size=64, l4=None,
           exts=(), **ip):
        n = self.next
        payload = f.l4(n, proto, size) if l4 is None else l4
        first, payload = f.chain(exts, proto, payload)
        self.add(kind, name, f.ether(f.ipv6(n, first, payload, **ip), V6, tags),
                 f.flow_key(n, 6, proto) if flow else None)


ONE_TAG = ((f.Q, 100),)
TWO_TAGS = ((f.AD, 200), (f.Q, 100))
PROTOS = {'TCP': f.TCP, 'UDP': f.UDP, 'SCTP': f.SCTP}
EXTS3 = [f.ext(f.HOP), f.ext(f.ROUTING, 2), f.ext(f.DEST)]
NOPS = b'\x01'


def bases(add, kind):
    """One of each shape, by the Table that is given or the one for mutations."""
    for name, proto in PROTOS.items():
        add.v4(kind, 'IPv4 ' + name, proto)
        add.v6(kind, 'IPv6 ' + name, proto)
    add.v4(kind, 'IPv4 options', options=NOPS * 12)
    add.v6(kind, 'IPv6 extension headers', f.UDP, exts=EXTS3)
    add.v4(kind, 'IPv4 behind a tag', f.UDP, tags=ONE_TAG)
    add.v6(kind, 'IPv6 behind a tag', tags=ONE_TAG)
    add.v4(kind, 'IPv4 options behind two tags', tags=TWO_TAGS, options=NOPS * 8)
    add.v6(kind, 'IPv6 extension headers behind two tags', f.UDP, tags=TWO_TAGS,
           exts=EXTS3)
    add.v4(kind, 'IPv4 first fragment', f.UDP, flow=False, frag=0x2000)
    add.v6(kind, 'IPv6 first fragment', f.UDP, flow=False, exts=[f.fragment(0, 1)])
    for proto in (f.ICMP, f.ESP, f.AH):
        add.v4(kind, 'IPv4 protocol %d' % proto, proto, flow=False)
    add.v6(kind, 'IPv6 ICMP', f.ICMP6, flow=False)
    inner = f.ipv4(add.next, f.TCP, f.l4(add.next, f.TCP))
    add.v4(kind, 'IPv4 in IPv4', f.IPIP, flow=False, l4=inner)
    add.v6(kind, 'IPv4 in IPv6', f.IPIP, flow=False, l4=inner)
    add.v4(kind, 'IPv4 in GRE', f.GRE, flow=False,
           l4=struct.pack('!HH', 0, f.IP) + inner)


def whole(t):
    bases(t, 'whole')
    for name, ethertype in (('ARP', f.ARP), ('MPLS', f.MPLS),
                            ('experimental', f.EXPERIMENTAL),
                            ('length instead of a type', 46)):
        for tags in ((), ONE_TAG):
            n = t.next
            packet = f.ipv4(n, f.TCP, f.l4(n, f.TCP))
            t.add('whole', '%s, %d tags' % (name, len(tags)),
                  f.ether(packet, ethertype, tags))


def tunnels(t):
    """What is inside of them is none of ours."""
    for tags in ((), ONE_TAG, TWO_TAGS):
        n = t.next
        inner = f.ipv4(n, f.TCP, f.l4(n, f.TCP))
        pppoe = struct.pack('!BBHHH', 0x11, 0, 1, len(inner) + 2, 0x21)
        t.add('tunnel', 'PPPoE, %d tags' % len(tags),
              f.ether(pppoe + inner, f.PPPOE, tags))
        batman = struct.pack('!BBBB', 0x40, 15, 50, 1) + bytes(6)
        t.add('tunnel', 'batman, %d tags' % len(tags),
              f.ether(batman + f.ether(inner, V4), f.BATMAN, tags))
        label = struct.pack('!I', 5 << 12 | 0x100 | 64)
        t.add('tunnel', 'MPLS, %d tags' % len(tags),
              f.ether(label + inner, f.MPLS, tags))
        for proto, l4 in ((f.IPIP, inner), (f.IPV6, f.ipv6(n, f.TCP, f.l4(n, f.TCP))),
                          (f.GRE, struct.pack('!HH', 0, V4) + inner),
                          (f.GRE, struct.pack('!HHI', 0x2000, V4, 1) + inner),
                          (f.GRE, struct.pack('!HHI', 0x2000, 0x6558, 1) +
                           f.ether(inner, V4))):
            t.v4('tunnel', '%d in IPv4' % proto, proto, flow=False, tags=tags, l4=l4)
            t.v6('tunnel', '%d in IPv6' % proto, proto, flow=False, tags=tags, l4=l4)
            t.v6('tunnel', '%d behind options' % proto, proto, flow=False, tags=tags,
                 l4=l4, exts=[f.ext(f.DEST)])
        # The outer header of VXLAN is a flow like any other.
        vxlan = struct.pack('!II', 0x08000000, 0x100) + f.ether(inner, V4)
        n = t.next
        ports = (f.sport(n), 4789)
        t.add('tunnel', 'VXLAN, %d tags' % len(tags),
              f.ether(f.ipv4(n, f.UDP, f.l4(n, f.UDP, 0, ports) + vxlan), V4, tags),
              f.flow_key(n, 4, f.UDP, ports))


def cut(t):
    """Every base, at every length."""
    shapes = Table(t.next)
    bases(shapes, 'cut')
    for shape in shapes.cases:
        for size in range(f.ETH_HLEN, len(shape.frame) - 60):
            t.add('cut', '%s, %d bytes' % (shape.name, size), shape.frame[:size],
                  'model')


def header_lengths(t):
    for tags in ((), ONE_TAG):
        for ihl in range(16):
            for proto in (f.TCP, f.UDP):
                n = t.next
                packet = f.ipv4(n, proto, f.l4(n, proto, 80), ihl=ihl)
                at = ihl * 4
                ports = struct.unpack_from('!HH', packet, at) if ihl >= 5 else None
                t.add('ihl', 'IHL %d, %d tags' % (ihl, len(tags)),
                      f.ether(packet, V4, tags),
                      f.flow_key(n, 4, proto, ports) if ports else None)
        for short in range(4):
            n = t.next
            packet = f.ipv4(n, f.TCP, b'', ihl=15)
            t.add('ihl', 'IHL 15, %d bytes of ports' % short,
                  f.ether(packet.ljust(60 + short, b'\x01'), V4, tags))


def versions(t):
    for tags in ((), ONE_TAG, TWO_TAGS):
        for version in range(16):
            t.v4('version', 'IPv4 version %d' % version, flow=version == 4,
                 tags=tags, version=version)
            t.v6('version', 'IPv6 version %d' % version, flow=version == 6,
                 tags=tags, version=version)
            t.v6('version', 'IPv6 version %d, options' % version,
                 flow=version == 6, tags=tags, version=version, exts=[f.ext(f.DEST)])
        n = t.next
        t.add('version', 'IPv6 called IPv4',
              f.ether(f.ipv6(n, f.TCP, f.l4(n, f.TCP)), V4, tags))
        n = t.next
        t.add('version', 'IPv4 called IPv6',
              f.ether(f.ipv4(n, f.TCP, f.l4(n, f.TCP)), V6, tags))


def options(t):
    for size in range(4, 44, 4):
        t.v4('options', '%d bytes of options' % size, options=NOPS * size)
        t.v4('options', '%d bytes of ends' % size, f.UDP, options=bytes(size))
        t.v4('options', '%d bytes, a tag' % size, tags=ONE_TAG, options=NOPS * size)
    for name, option in (('record route', b'\x07\x07\x04' + bytes(4) + NOPS),
                         ('loose source route', b'\x83\x07\x04\x01\x02\x03\x04\x00'),
                         ('timestamp', b'\x44\x08\x05\x00' + bytes(4)),
                         ('router alert', b'\x94\x04\x00\x00'),
                         ('length 0', b'\x44\x00\x05\x00'),
                         ('length 255', b'\x44\xff\x05\x00'),
                         ('unknown', b'\x5e\x04\x00\x00')):
        t.v4('options', name, options=option)
        t.v4('options', name + ', a tag', tags=ONE_TAG, options=option)


def extensions(t):
    kinds = (f.HOP, f.ROUTING, f.DEST)
    for tags in ((), ONE_TAG):
        for kind in kinds:
            for count in (1, 2, 3, 7, 8, 9, 15, 16, 40):
                t.v6('extension', '%d times %d' % (count, kind), flow=count <= 8,
                     tags=tags, exts=[f.ext(kind)] * count)
            for units in (1, 7, 100, 150):
                t.v6('extension', '%d of %d units' % (kind, units), f.UDP, tags=tags,
                     exts=[f.ext(kind, units)])
            # The length leads behind the end, or into the header itself.
            t.v6('extension', '%d leads behind the end' % kind, flow=False,
                 tags=tags, exts=[f.ext(kind, 0, 255)])
            n = t.next
            first, packet = f.chain([f.ext(kind, 1, 0)], f.UDP, f.l4(n, f.UDP))
            t.add('extension', '%d is longer than it says' % kind,
                  f.ether(f.ipv6(n, first, packet), V6, tags),
                  f.flow_key(n, 6, f.UDP, struct.unpack_from('!HH', packet, 8)))
            t.v6('extension', '%d and nothing' % kind, f.NONE, flow=False, tags=tags,
                 exts=[f.ext(kind)], l4=b'')
            t.v6('extension', 'fragment behind %d' % kind, flow=False, tags=tags,
                 exts=[f.ext(kind), f.fragment(0, 1)])
            t.v6('extension', '%d behind a fragment' % kind, flow=False, tags=tags,
                 exts=[f.fragment(0, 1), f.ext(kind)])
        for name, frag in (('first', (0, 1)), ('later', (100, 1)), ('last', (200, 0)),
                           ('overlapping', (99, 1)), ('only', (0, 0)),
                           ('beyond 64 KiB', (8191, 1))):
            t.v6('extension', name + ' fragment', f.UDP, flow=False, tags=tags,
                 exts=[f.fragment(*frag)])
        t.v6('extension', 'two fragment headers', flow=False, tags=tags,
             exts=[f.fragment(0, 1), f.fragment(0, 0)])
        for first in (f.AH, f.ESP, f.MOBILITY, f.NONE, 139, 140, 253, 255):
            t.v6('extension', 'header %d' % first, flow=False, tags=tags,
                 exts=[f.ext(first)])
            t.v6('extension', 'options and header %d' % first, flow=False, tags=tags,
                 exts=[f.ext(f.DEST), f.ext(first)])
        jumbo = f.HOP, b'\x00\xc2\x04\x00\x01\x00\x00'
        t.v6('extension', 'jumbo payload', tags=tags, exts=[jumbo], plen=0)
        segments = f.ROUTING, b'\x02\x04\x01\x00\x00\x00\x00' + bytes(16)
        t.v6('extension', 'segment routing', tags=tags, exts=[segments])
    # cut at every length within a long chain
    n = t.next
    first, packet = f.chain(EXTS3 * 2, f.TCP, f.l4(n, f.TCP, 0))
    long = f.ether(f.ipv6(n, first, packet), V6)
    for size in range(f.ETH_HLEN + 40, len(long)):
        t.add('extension', 'six headers, %d bytes' % size, long[:size], 'model')


def fragments(t):
    for tags in ((), ONE_TAG):
        for name, frag in (('first', 0x2000), ('middle', 0x20b9), ('last', 0x0172),
                           ('overlapping', 0x20b8), ('of 8 bytes', 0x2001),
                           ('first, not to be made', 0x6000), ('beyond 64 KiB', 0x1fff)):
            for proto in (f.TCP, f.UDP):
                t.v4('fragment', name, proto, flow=False, tags=tags, frag=frag)
        for name, frag in (('may not be made', 0x4000), ('reserved bit', 0x8000)):
            t.v4('fragment', name, tags=tags, frag=frag)
        t.v4('fragment', 'tiny first one', flow=False, tags=tags, frag=0x2000,
             l4=bytes(8))
        t.v4('fragment', 'first one with options', flow=False, tags=tags, frag=0x2000,
             options=NOPS * 40)


def jumbo(t):
    for size in (1400, 4000, 4030, 4042, 4056, 4096, 8192, 8900):
        for tags in ((), ONE_TAG, TWO_TAGS):
            t.v4('jumbo', 'IPv4 %d' % size, size=size, tags=tags)
            t.v6('jumbo', 'IPv6 %d' % size, f.UDP, size=size, tags=tags)
        t.v4('jumbo', 'options %d' % size, f.SCTP, size=size, options=NOPS * 40)
        t.v6('jumbo', 'extension headers %d' % size, size=size, exts=EXTS3)
    t.v6('jumbo', 'extension headers of 8 KiB', size=64,
         exts=[f.ext(f.DEST, 255), f.ext(f.DEST, 255), f.ext(f.DEST, 255),
               f.ext(f.DEST, 255)])


def tags(t):
    for count in range(1, 13):
        for tpids in ((f.Q,), (f.AD,), (f.AD, f.Q)):
            stack = [(tpids[i % len(tpids)], 100 + i) for i in range(count)]
            for v in ('v4', 'v6'):
                getattr(t, v)('tags', '%s behind %d' % (v, count), tags=stack,
                              size=64)
                # The limit depends on where the first tag is: the model says.
                if count > 8:
                    t.cases[-1].key = 'model'
    for tci in (0, 1, 0xfff, 0x1fff, 0xffff, 0x4500, 0x6000):
        t.v4('tags', 'content %#x' % tci, tags=((f.Q, tci),))
        t.v6('tags', 'content %#x' % tci, tags=((f.AD, tci),))
    for tpid in (0x9100, 0x9200, 0x9300):
        t.v4('tags', 'old protocol %#x' % tpid, flow=False, tags=((tpid, 100),))
        t.v4('tags', 'old protocol %#x inside' % tpid, flow=False,
             tags=((f.Q, 100), (tpid, 100)))
    for stack in (ONE_TAG, TWO_TAGS):
        for size in range(9):
            t.add('tags', '%d, %d bytes behind them' % (len(stack), size),
                  f.ether(bytes(size), V4, stack))
            t.add('tags', '%d and a length, %d bytes' % (len(stack), size),
                  f.ether(bytes(size), size, stack))
        # Who took the IP header for a tag would find another one in it.
        n = t.next
        src = bytes([10, f.TCP, n >> 8, n & 255])
        packet = f.ipv4(n, f.UDP, f.l4(n, f.UDP, 3000), total=V4, ident=0x4500,
                        src=src)
        t.add('tags', 'a header that passes for a tag, behind %d' % len(stack),
              f.ether(packet, V4, stack),
              (f.UDP, src, f.DST4, f.sport(n), f.DPORT))


def ports(t):
    for name, proto in PROTOS.items():
        for pair in ((0, 0), (0, 443), (443, 0), (65535, 65535), (1, 65535)):
            n = t.next
            t.add('ports', '%s %d %d' % ((name,) + pair),
                  f.ether(f.ipv4(n, proto, f.l4(n, proto, 64, pair)), V4),
                  f.flow_key(n, 4, proto, pair))
            n = t.next
            t.add('ports', '%s %d %d' % ((name,) + pair),
                  f.ether(f.ipv6(n, proto, f.l4(n, proto, 64, pair)), V6, ONE_TAG),
                  f.flow_key(n, 6, proto, pair))
    for proto in range(256):
        if proto in PROTOS.values():
            continue
        t.v4('ports', 'IPv4 protocol %d' % proto, proto, flow=False)
        if proto not in (f.HOP, f.ROUTING, f.DEST):
            t.v6('ports', 'IPv6 protocol %d' % proto, proto, flow=False)


def lengths(t):
    for tags in ((), ONE_TAG):
        for total in (0, 1, 19, 20, 27, 28, 83, 84, 85, 1500, 32767, 65535):
            for proto in (f.TCP, f.UDP):
                t.v4('length', 'IPv4 says %d' % total, proto, tags=tags, total=total)
        for plen in (0, 1, 7, 8, 71, 73, 1500, 65535):
            for proto in (f.TCP, f.UDP):
                t.v6('length', 'IPv6 says %d' % plen, proto, tags=tags, plen=plen)
                t.v6('length', 'IPv6 says %d, options' % plen, proto, tags=tags,
                     plen=plen, exts=EXTS3)
        for length in (0, 1, 7, 8, 71, 73, 65535):
            n = t.next
            t.v4('length', 'UDP says %d' % length, f.UDP, tags=tags,
                 l4=f.l4(n, f.UDP, length=length))
        for offset in range(16):
            n = t.next
            t.v6('length', 'TCP header of %d words' % offset, tags=tags,
                 l4=f.l4(n, f.TCP, offset=offset))
    for size in (0, 1, 3, 4, 7, 8):
        n = t.next
        payload = f.l4(n, f.TCP)[:size]
        t.v4('length', '%d bytes of TCP' % size, flow=size >= 4, l4=payload)
        n = t.next
        payload = f.l4(n, f.UDP)[:size]
        t.v6('length', '%d bytes of UDP' % size, f.UDP, flow=size >= 4, l4=payload)
    # The padding of a short frame is not told from the ports.
    n = t.next
    t.v4('length', 'padding', total=20, l4=f.l4(n, f.TCP, 0).ljust(26, b'\0'))


def gso(t):
    """Large packets that the sender wants cut, truly described or not."""
    for size in (3000, 60000):
        shapes = Table(t.next)
        for stack in ((), ONE_TAG, TWO_TAGS):
            for proto in PROTOS.values():
                shapes.v4('gso', 'IPv4', proto, size=size, tags=stack)
                shapes.v6('gso', 'IPv6', proto, size=size, tags=stack)
        shapes.v4('gso', 'IPv4 options', size=size, options=NOPS * 8)
        shapes.v6('gso', 'IPv6 extension headers', size=size, exts=EXTS3)
        for shape in shapes.cases:
            offloads(t, shape, size)
    # just above what an offset of 16 bits reaches
    for size in (65440, 65450):
        shapes = Table(t.next)
        shapes.v4('gso', 'more than 64 KiB of IPv4', size=size, options=NOPS * 40)
        shapes.v6('gso', 'more than 64 KiB of IPv6', size=size, exts=EXTS3)
        for shape in shapes.cases:
            offloads(t, shape, size)


def offloads(t, shape, size):
    head = len(shape.frame) - size
    start = head - {f.TCP: 20, f.UDP: 8, f.SCTP: 12}[shape.key[0]]
    at = 16 if shape.key[0] == f.TCP else 6
    described = [(kind, NEEDS_CSUM, head, 1400, start, at) for kind in
                 (GSO_TCP4, GSO_UDP, GSO_TCP6, GSO_UDP_L4, GSO_TCP4 | GSO_ECN)]
    described += [
        (0, NEEDS_CSUM, 0, 0, start, at),               # a checksum alone
        (GSO_TCP4, 0, head, 1400, 0, 0),                # none
        (GSO_TCP6, NEEDS_CSUM, head, 0, start, at),     # pieces of nothing
        (GSO_TCP4, NEEDS_CSUM, head, 1 + size // 500, start, at),
        (GSO_TCP4, NEEDS_CSUM, head, 65535, start, at),
        (GSO_TCP6, NEEDS_CSUM, 14, 1400, start, at),    # headers in pages
        (GSO_TCP4, NEEDS_CSUM, 65535, 1400, start, at),
        (GSO_TCP4, NEEDS_CSUM, head, 1400, min(len(shape.frame), 65535), 16),
        (GSO_TCP6, NEEDS_CSUM, head, 1400, 14, 0),
        (2, 0, head, 1400, 0, 0),                       # no such type
    ]
    for kind, flags, hdr_len, gso_size, csum, offset in described:
        t.add('gso', '%s, type %d of %d, headers %d, checksum at %d' %
              (shape.name, kind, gso_size, hdr_len, csum), shape.frame, 'model',
              struct.pack('=BBHHHH', flags, kind, hdr_len, gso_size, csum, offset))


def tunnel_gso(t):
    """TCP in VXLAN, to be segmented inside; Linux 6.17 is the first to know."""
    size = 3000
    for outer in (4, 6):
        for inner in (4, 6):
            heads = f.ETH_HLEN + (20 if outer == 4 else 40)
            nh = heads + 16 + f.ETH_HLEN
            th = nh + (20 if inner == 4 else 40)
            good = ((GSO_TUNNEL4 if outer == 4 else GSO_TUNNEL6) |
                    (GSO_TCP4 if inner == 4 else GSO_TCP6), heads, nh)
            for kind, outer_th, inner_nh in (
                    good, (good[0] ^ GSO_TUNNEL4 ^ GSO_TUNNEL6,) + good[1:],
                    (good[0] | GSO_TUNNEL4 | GSO_TUNNEL6,) + good[1:],
                    (good[0] & ~(GSO_TCP4 | GSO_TCP6) | GSO_UDP_L4,) + good[1:],
                    (good[0], 0, nh), (good[0], th, nh), (good[0], 65535, nh),
                    (good[0], heads, 0), (good[0], heads, 65535),
                    (good[0], nh, heads)):
                vxlan_gso(t, outer, inner, size, struct.pack(
                    '=BBHHHH10xHH', NEEDS_CSUM, kind, th + 20, 1400, th, 16,
                    outer_th, inner_nh))


def vxlan_gso(t, outer, inner, size, vnet):
    n = t.next
    packet = (f.ipv4 if inner == 4 else f.ipv6)(n, f.TCP, f.l4(n, f.TCP, size))
    packet = f.ether(packet, V4 if inner == 4 else V6)
    ports = (f.sport(n), 4789)
    packet = f.l4(n, f.UDP, 0, ports, length=16 + len(packet)) + \
        struct.pack('!II', 0x08000000, 0x100) + packet
    packet = (f.ipv4 if outer == 4 else f.ipv6)(n, f.UDP, packet)
    t.add('tunnel gso', 'IPv%d in IPv%d, %s' % (inner, outer, vnet.hex()),
          f.ether(packet, V4 if outer == 4 else V6),
          f.flow_key(n, outer, f.UDP, ports), vnet)


def senders(t):
    """A sender says IPv4 or IPv6 of what is something else."""
    for protocol in (V4, V6, f.ARP, f.MPLS, 1, 0xffff):
        for v, stack in (('v4', ()), ('v6', ()), ('v4', ONE_TAG), ('v6', TWO_TAGS)):
            getattr(t, v)('sender', '%s, %d tags, said to be %#x' %
                          (v, len(stack), protocol), tags=stack)
            t.cases[-1].key = 'model'
            t.cases[-1].protocol = protocol
    for protocol in (f.Q, f.AD):
        for v in ('v4', 'v6'):
            getattr(t, v)('sender', '%s said to be %#x' % (v, protocol))
            t.cases[-1].key = 'model'
            t.cases[-1].protocol = protocol


def table():
    t = Table()
    for add in (whole, tunnels, cut, header_lengths, versions, options, extensions,
                fragments, jumbo, tags, ports, lengths, gso, tunnel_gso, senders):
        add(t)
    return t


INTERESTING = (0, 1, 4, 5, 6, 17, 43, 44, 45, 47, 58, 60, 64, 69, 96, 127, 128, 132, 255)
TYPES = (V4, V6, f.Q, f.AD, f.ARP, f.PPPOE, f.MPLS, f.BATMAN)


def mutation(rng, frame):
    """One change behind the addresses."""
    head = min(len(frame), 120)
    what = rng.randrange(8)
    at = rng.randrange(12, head)
    if what == 0:
        frame[at] ^= 1 << rng.randrange(8)
    elif what == 1:
        frame[at] = rng.choice(INTERESTING)
    elif what == 2:
        frame[at] = rng.randrange(256)
    elif what == 3:
        del frame[max(f.ETH_HLEN, rng.randrange(head)):]
    elif what == 4:
        frame[12:12] = struct.pack('!HH', rng.choice((f.Q, f.AD)), rng.randrange(65536))
    elif what == 5:
        frame[12:14] = struct.pack('!H', rng.choice(TYPES))
    elif what == 6:     # a piece moves into another place
        size = rng.randrange(1, 41)
        frame[at:at] = frame[12:head][rng.randrange(head - 12):][:size]
    else:               # a piece goes
        del frame[at:at + rng.randrange(1, 9)]
        if len(frame) < f.ETH_HLEN:
            frame.extend(bytes(f.ETH_HLEN - len(frame)))


def mutations(t, seed, count):
    rng = random.Random(seed)
    shapes = Table()
    for add in (whole, tunnels, options, extensions, fragments):
        add(shapes)
    for i in range(count):
        shape = rng.choice(shapes.cases)
        frame = bytearray(shape.frame)
        for _ in range(rng.randrange(1, 5)):
            mutation(rng, frame)
        t.add('random', 'mutation %d of %s' % (i, shape.name), bytes(frame), 'model')
