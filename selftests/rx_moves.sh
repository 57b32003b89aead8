#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Received streams that are moved each tick keep their order, by whatever they
# are moved: nothing is lost here, so what comes out of order was reordered.
# Seconds of each run: $ANKUS_TEST_SECONDS, or 6.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=nic.sh
. "$(dirname "$0")/nic.sh"
# shellcheck source=moves.sh
. "$(dirname "$0")/moves.sh"

for tool in ethtool iperf3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

streams=40
seconds=${ANKUS_TEST_SECONDS:-6}

# run NAME KIND BIN...: what NAME moves, to these of KIND
run() {
	local name=$1 before moves

	shift
	ankus -n "$right" dev add s0 mode steer rate 300kbit release 60s \
		backend "$name" rx-cpus 0-1
	check_until "$name: the streams are pinned" 60 flows_are "$right" $streams \
		"$big" '.rx_queue.state == "verified" or .rx_queue.state == "parked" or
			.cpu.state == "verified"'
	moves=$(stat_of "$right" s0 moves)
	before=$(out_of_order)
	check "$name: they are moved" moves_make "$right" in "$@"
	moves=$(($(stat_of "$right" s0 moves) - moves))
	moves_tell "$name" $moves $(($(out_of_order) - before))
	check "$name: they did move ($moves times)" [ "$moves" -ge $((2 * seconds)) ]
	check_is "$name: none is out of order" 0 "$reordered"
	check "$name: all go on" tcp_go_on "$left" 5301 $streams
	ankus -n "$right" dev del s0
}

# The same without moves
still() {
	local before

	ankus -n "$right" dev add s0 rate 300kbit
	check_until "not moved: the streams" 60 flows_are "$right" $streams \
		"$big" true
	before=$(out_of_order)
	sleep "$seconds"
	moves_tell none 0 $(($(out_of_order) - before))
	check_is "not moved: none is out of order" 0 "$reordered"
	ankus -n "$right" dev del s0
}

# On its way from container to container a packet waits in the backlog of a CPU
# before it comes to where its flow is moved, and again behind it.  So what is
# sent are bursts: large packets, which the device cuts into hundreds, of a TCP
# flow that nobody answers.
burst_program='
import socket, struct, sys, time

dev, mac = sys.argv[1], bytes.fromhex(sys.argv[2])
end, pause = map(float, sys.argv[3:5])
SIZE, PIECES = 128, int(sys.argv[5])
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
sock.setsockopt(263, 15, 1)    # PACKET_VNET_HDR
sock.bind((dev, 0))
vnet = struct.pack("=BBHHHH", 1, 1, 54, SIZE, 34, 16)    # checksum, TCPv4
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + SIZE * PIECES, 0, 0x4000, 64, 6, 0,
                 bytes((10, 1, 0, 1)), bytes((10, 2, 0, 9)))
words = sum(struct.unpack("!10H", ip))
words = (words & 0xffff) + (words >> 16)
ip = ip[:10] + struct.pack("!H", ~(words + (words >> 16)) & 0xffff) + ip[12:]
number = 0
end += time.monotonic()
while time.monotonic() < end:
    tcp = struct.pack("!HHIIBBHHH", 5310, 5310, number * SIZE, 1, 0x50, 0x10, 1000, 0, 0)
    sock.send(vnet + mac + bytes(6) + b"\x08\0" + ip + tcp + bytes(SIZE * PIECES))
    number += PIECES
    time.sleep(pause)
print(number)
'
# Said when nothing has come for some time: how many did, and how many after others
order_program='
import socket, struct, sys

sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800))
sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)    # SO_RCVBUFFORCE
sock.bind((sys.argv[1], 0x800))
sock.settimeout(60)
print("ready", flush=True)
got = late = last = 0
try:
    while True:
        packet = sock.recv(2000)
        if packet[9] != 6:
            continue
        number, = struct.unpack_from("!I", packet, 24)
        sock.settimeout(3)
        got += 1
        late += number < last
        last = max(last, number)
except TimeoutError:
    print(got, late)
'

bursts() {
	local moves got late sent receiver mac pause=0.05 pieces=400

	[ "$patient" ] || pause=0.1 pieces=100
	check "a container, and another one" router "$left" "$right" "$box"
	check "long queues" long_backlog
	in_ns "$left" ethtool -K vm tso off
	ankus -n "$right" dev add vl mode steer rate 75kbit release 60s \
		backend cpu rx-cpus 0-1
	ip netns exec "$box" python3 -c "$order_program" vm \
		>"$lib_out/order" 2>&1 </dev/null &
	receiver=$!
	check_until "it receives" 20 grep -q ready "$lib_out/order"
	mac=$(ip -n "$right" -j link show dev vl | jq -r '.[0].address')
	ip netns exec "$left" python3 -c "$burst_program" vm "${mac//:/}" \
		$((seconds + 4)) $pause $pieces >"$lib_out/sent" 2>&1 </dev/null &
	check_until "bursts: the flow is pinned" 30 flows_are "$right" 1 \
		"$big and .dport == 5310" '.cpu.state == "verified"'
	moves=$(stat_of "$right" vl moves)
	check "bursts: it is moved" moves_make "$right" in cpu 0 1 0
	moves=$(($(stat_of "$right" vl moves) - moves))
	wait "$receiver"
	read -r got late <<<"$(tail -n 1 "$lib_out/order")"
	read -r sent <"$lib_out/sent"
	moves_tell bursts "$moves" "$late"
	check "bursts: it did move ($moves times)" [ "$moves" -ge $((seconds / 2)) ]
	check_is "bursts: all arrive" "$sent" "$got"
	check_is "bursts: none is out of order" 0 "$late"
	ankus -n "$right" dev del vl
}

left='' right='' box=''
setup_ns left right box
nic_start
on_nic -X s0 default
# packets as they are on the wire, which a move may come between
in_ns "$left" ethtool -K s0p tso off gso off
rate=2M
[ "$patient" ] || rate=500K
check "$streams streams" tcp_start "$left" "$right" 10.0.0.2 5301 $streams $rate
still
run ntuple queue {0..7}
run rss queue {0..7}
run cpu cpu 0 1
moves_control "$left" s0p
tcp_stop 5301
tc -n "$left" qdisc del dev s0p root
bursts
finish
