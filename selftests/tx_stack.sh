#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links below and above VLANs: whatever is between a socket and the wire (a VLAN
# over a bond, a bond over VLANs, tags in the data, large frames, offloads on or
# off) and whatever controls its rate, flows get their links, no packet passes
# by them, and all bytes arrive as they were sent.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

for tool in ethtool python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

# Streams of both families to ports from 5501 on; what controls the rate of
# those to one port, the argument names.  They send noise, until a pipe says to
# end, and tell "FAMILY CONTROL BYTES DIGEST" of each.
# stream.py send|receive STREAMS END CONTROL...
cat >"$lib_out/stream.py" <<-'END'
	import hashlib, os, random, select, socket, sys, time

	what, count, end, *controls = sys.argv[1:]
	count = int(count)
	families = {"IPv4": "10.0.0.2", "IPv6": "fd00::2"}
	streams, digests, sizes, names = [], {}, {}, {}

	def control(sock, name):
	    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())

	def new(sock, name):
	    digests[sock], sizes[sock], names[sock] = hashlib.md5(), 0, name
	    streams.append(sock)

	def took(sock, data):
	    digests[sock].update(data)
	    sizes[sock] += len(data)

	def tell():
	    for sock in streams:
	        print(names[sock], sizes[sock], digests[sock].hexdigest())

	if what == "receive":
	    listeners, left = {}, []
	    for i, name in enumerate(controls):
	        sock = socket.create_server(("", 5501 + i), family=socket.AF_INET6,
	                                    dualstack_ipv6=True)
	        control(sock, name)
	        listeners[sock] = name
	    while len(streams) < 2 * count * len(controls) or left:
	        for sock in select.select([*listeners, *left], [], [])[0]:
	            if sock in listeners:
	                peer, address = sock.accept()
	                mapped = address[0].startswith("::ffff:")
	                new(peer, ("IPv4 " if mapped else "IPv6 ") + listeners[sock])
	                left.append(peer)
	                continue
	            data = sock.recv(1 << 20)
	            took(sock, data)
	            if not data:
	                left.remove(sock)
	    tell()
	    sys.exit()

	for family, address in families.items():
	    for i, name in enumerate(controls):
	        for _ in range(count):
	            sock = socket.socket(socket.AF_INET6 if ":" in address
	                                 else socket.AF_INET)
	            control(sock, name)
	            sock.connect((address, 5501 + i))
	            used = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
	            new(sock, family + " " + used.split(b"\0")[0].decode())
	fifo = os.open(end, os.O_RDWR)
	noise, due = random.Random(1), time.monotonic()
	while not select.select([fifo], [], [], max(0, due - time.monotonic()))[0]:
	    for sock in streams:
	        data = noise.randbytes(noise.randrange(20000, 40000))
	        sock.sendall(data)
	        took(sock, data)
	    due = max(due + 0.4, time.monotonic())
	for sock in streams:
	    sock.shutdown(socket.SHUT_WR)
	tell()
END

# --- networks --------------------------------------------------------------

# both CMD...: in left, and in right, with the names there
both() {
	"$@" "$left" '' && "$@" "$right" p-
}

wires() {
	local i
	for i in 0 1; do
		ip -n "$left" link add "up$i" mtu 9000 type veth peer name "p-up$i" \
			mtu 9000 netns "$right" || return
	done
}

add_bond() {
	local ns=$1 lower
	shift
	ip -n "$ns" link add bond0 mtu 9000 type bond mode balance-xor \
		miimon 50 xmit_hash_policy layer3+4 || return
	for lower; do
		ip -n "$ns" link set "$lower" master bond0 &&
			ip -n "$ns" link set "$lower" up || return
	done
	ip -n "$ns" link set bond0 up
}

# Without reorder_hdr a VLAN device writes its tag into the data itself
vlan_over_bond() {
	add_bond "$2" "$3up0" "$3up1" && ip -n "$2" link add link bond0 \
		name vlan5 type vlan id 5 reorder_hdr "$1"
}

bond_over_vlans() {
	local i
	for i in 0 1; do
		ip -n "$1" link set "$2up$i" up &&
			ip -n "$1" link add link "$2up$i" name "vlan$i" mtu 9000 \
				type vlan id $((5 + i)) || return
	done
	add_bond "$1" vlan0 vlan1
}

# Of all devices there are
offloads() {
	local dev
	for dev in $(ip -n "$2" -j link show | jq -r '.[].ifname'); do
		[ "$dev" = lo ] || quietly in_ns "$2" ethtool -K "$dev" tso "$1" \
			gso "$1" gro "$1" txvlan "$1" rxvlan "$1" sg "$1"
	done
}

# offloaded on|off: is it so where packets are sent?  What a bond tells about
# tags stays the same.
offloaded() {
	{
		in_ns "$left" ethtool -k bond0 | grep -v vlan
		in_ns "$left" ethtool -k up0
	} | grep -E '^(tcp|generic)-segmentation|^tx-vlan-off' >"$lib_out/offloads"
	[ "$(grep -c ": $1" "$lib_out/offloads")" -eq 5 ] && return
	cat "$lib_out/offloads"
	return 1
}

# --- tests -----------------------------------------------------------------

stream() {
	ip netns exec "$1" python3 "$lib_out/stream.py" "$2" $streams \
		"$lib_out/end" "${controls[@]}" >"$lib_out/$2" 2>&1 </dev/null &
	pids[$2]=$!
	disown
}

listening() {
	local i
	for i in "${!controls[@]}"; do
		tcp_listening "$right" $((5501 + i)) || return
	done
}

# row DESC UPPER on|off LINKS MAKE...: flows over UPPER, which has addresses, with
# offloads or without; both sides are made by MAKE
row() {
	local desc=$1 upper=$2 offload=$3 links=$4 family control n ect
	n=$((2 * streams * ${#controls[@]}))
	shift 4

	wires && both "$@" && both offloads "$offload" &&
		address_pair "$left" "$upper" "$right" "$upper"
	check "$desc: offloads are $offload" offloaded "$offload"
	manage bond0
	check_until "$desc: the links" 20 links_are 2 '.state == "up"' \
		"$links"
	ect=$(snmp "$right" IpExtInECT0Pkts Ip6InECT0Pkts)
	stream "$right" receive
	wait_until 20 listening
	stream "$left" send
	spread "$desc: flows are spread and verified" "$n" 2 \
		$((n / 2 + 2)) $((n / 2 - 2))
	check "$desc: over links alone" stat_is "$left" bond0 \
		'.link_packets > 0 and .link_bypassed == 0'
	echo >"$lib_out/end"
	check_until "$desc: all streams end" 60 eval '! kill -0 "${pids[@]}"'
	for family in IPv4 IPv6; do
		for control in "${controls[@]}"; do
			check "$desc, $family, $control: all bytes arrive" \
				arrived "$family $control"
		done
	done
	[ -z "$dctcp" ] || check "$desc: dctcp has ECN" [ \
		"$(snmp "$right" IpExtInECT0Pkts Ip6InECT0Pkts)" -gt "$ect" ]
	ankus -n "$left" dev del bond0
	both unmake
}

# arrived FAMILY-CONTROL: as many streams were received as sent, with the same
# bytes, and these are some
arrived() {
	grep "^$1 " "$lib_out/send" | sort >"$lib_out/sent"
	grep "^$1 " "$lib_out/receive" | sort >"$lib_out/received"
	[ "$(awk '$3 > 60000' "$lib_out/sent" | wc -l)" -eq "$streams" ] &&
		diff "$lib_out/sent" "$lib_out/received"
}

unmake() {
	ip -n "$1" link del bond0
	quietly ip -n "$1" link del up0
	quietly ip -n "$1" link del up1
}

# --- run -------------------------------------------------------------------

declare -A pids=()
left='' right='' dctcp='' streams=2 controls=(cubic)
load_module bonding
quietly modprobe 8021q
setup_ns left right
mkfifo "$lib_out/end"
for control in bbr dctcp; do
	quietly modprobe tcp_$control
	if grep -qw $control /proc/sys/net/ipv4/tcp_available_congestion_control; then
		controls+=("$control")
		[ $control != dctcp ] || dctcp=1
	else
		skip "$control" "this kernel does not have it"
	fi
done
load_module ankus
devices='.ifname == "up0" or .ifname == "up1"'
# On a debug kernel, the two with the most code of their own
all=1
[ "$lib_slow" -le 3 ] || all=''
[ -z "$all" ] || row "VLAN over bond" vlan5 on "$devices" vlan_over_bond on
row "tag in the data" vlan5 on "$devices" vlan_over_bond off
[ -z "$all" ] || row "VLAN over bond, offloads off" vlan5 off "$devices" vlan_over_bond on
devices='.ifname == "vlan0" or .ifname == "vlan1"'
[ -z "$all" ] || row "bond over VLANs" bond0 on "$devices" bond_over_vlans
row "bond over VLANs, offloads off" bond0 off "$devices" bond_over_vlans
finish
