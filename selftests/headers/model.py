# SPDX-License-Identifier: GPL-2.0
"""What ankus ought to make of a frame, written from its documentation.

A flow is TCP, UDP or SCTP over IPv4 or IPv6, behind VLAN tags or not; no
fragment, not inside of a tunnel, and there up to its ports.  What a header
says of a length does not matter, only what is there.
"""
import struct

import frame as f

# Tags in the data, and extension headers, that are passed over at most
TAGS_MAX = 8
EXTS_MAX = 8
# Of the devices, as headers.sh sets it
MTU = 9500

PORTS = (f.TCP, f.UDP, f.SCTP)
EXTS = (f.HOP, f.ROUTING, f.DEST)


def ports_at(data, at):
    return struct.unpack_from('!HH', data, at) if at + 4 <= len(data) else None


def of_ipv4(data):
    if len(data) < 20 or data[0] >> 4 != 4 or data[0] & 15 < 5:
        return None
    if struct.unpack_from('!H', data, 6)[0] & 0x3fff or data[9] not in PORTS:
        return None
    ports = ports_at(data, (data[0] & 15) * 4)
    return (data[9], data[12:16], data[16:20]) + ports if ports else None


def behind_exts(data):
    """(protocol, where) of what follows IPv6 extension headers."""
    if len(data) < 40 or data[0] >> 4 != 6:
        return None, 0
    proto, at, exts = data[6], 40, 0
    while proto in EXTS:
        if exts == EXTS_MAX or at + 2 > len(data):
            return None, 0
        proto, at, exts = data[at], at + (data[at + 1] + 1) * 8, exts + 1
    return proto, at


def of_ipv6(data):
    proto, at = behind_exts(data)
    ports = ports_at(data, at) if proto in PORTS else None
    return (proto, data[8:24], data[24:40]) + ports if ports else None


def layer3(frame, tags, protocol=None):
    """(type, where) of what follows so many VLAN tags at most."""
    at = f.ETH_HLEN
    ethertype = struct.unpack_from('!H', frame, 12)[0]
    if protocol is not None:
        ethertype = protocol
    while ethertype in (f.Q, f.AD):
        if not tags or at + 4 > len(frame):
            return None, at
        ethertype = struct.unpack_from('!H', frame, at + 2)[0]
        at, tags = at + 4, tags - 1
    return ethertype, at


def flow(frame, untagged, protocol=None):
    """(key, layer 3 bytes) of a frame, None without a flow.

    untagged: the kernel has taken the first tag out of it, as it does on
    reception.  protocol: what a sender said, instead of what the frame says.
    """
    ethertype, at = layer3(frame, TAGS_MAX + untagged, protocol)
    data = frame[at:]
    key = None
    if ethertype == f.IP:
        key = of_ipv4(data)
    elif ethertype == f.IP6:
        key = of_ipv6(data)
    return (key, len(data)) if key else None


def fragment_at(frame):
    """Where a fragment header of IPv6 is."""
    ethertype, at = layer3(frame, TAGS_MAX)
    proto, more = behind_exts(frame[at:])
    return at + more if ethertype == f.IP6 and proto == f.FRAGMENT else None


def received(frame):
    """Does the kernel let a frame in at all?  A tag has to be whole, and two
    bytes behind it (skb_vlan_untag())."""
    ethertype = struct.unpack_from('!H', frame, 12)[0]
    return ethertype not in (f.Q, f.AD) or len(frame) >= f.ETH_HLEN + 6


def forwarded(case):
    """Does a bridge pass it on?  It fits, or is to be cut (is_skb_forwardable())."""
    kind, gso_size = struct.unpack_from('=xBxxH', case.vnet)
    frame = len(case.frame)
    return frame <= f.ETH_HLEN + 4 + MTU or kind & 0x7f and frame > gso_size
