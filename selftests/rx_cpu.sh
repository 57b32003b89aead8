#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# CPU pins: packets of received elephants are processed by the CPU of choice,
# once, in order, and none is lost: on one queue, while flows move, when a queue
# is full, when CPUs come and go, and when management ends.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

for tool in ethtool iperf3 nstat python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
cpu1=/sys/devices/system/cpu/cpu1/online
[ "$(cat $cpu1 2>/dev/null)" = 1 ] ||
	skip_all "no second CPU that can be taken offline"

big='.dir == "in" and .state == "elephant"'

# --- helpers ---------------------------------------------------------------

verified_on() {
	flows_are "$right" 1 "${2:-$big}" ".cpu.current == $1 and
		.cpu.target == $1 and .cpu.state == \"verified\""
}

# Packets that the core processed on a CPU, and a counter of ankus on it
processed() {
	echo $((16#$(sed -n "$(($1 + 1))s/ .*//p" /proc/net/softnet_stat)))
}

of_cpu() {
	ankus -n "$right" -j stats cpus dev "$2" | jq ".[$1].$3"
}

# works_on CPU: packets of the flow, and as many of the core's
works_on() {
	local other=$((1 - $1)) dev=$2 ours core rest
	core=$(processed "$1")
	ours=$(of_cpu "$1" "$dev" steered_packets)
	rest=$(of_cpu "$other" "$dev" steered_packets)
	sleep 1
	ours=$(($(of_cpu "$1" "$dev" steered_packets) - ours))
	rest=$(($(of_cpu "$other" "$dev" steered_packets) - rest))
	core=$(($(processed "$1") - core))
	[ "$ours" -ge 5 ] && [ "$core" -ge "$ours" ] && [ "$rest" -eq 0 ] && return
	echo "CPU $1: $ours of ours, $core in all; the other one: $rest of ours"
	return 1
}

# Numbered datagrams at a rate, until the sender is told to end, and tells how
# many there were; "RECEIVED LOST DISORDER" is told when the receiver has heard
# nothing for a while.
sender='
import signal, socket, struct, sys, time
address, port, rate, size = sys.argv[1], *map(int, sys.argv[2:])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((address, port))
begin, n, ends = time.monotonic(), 0, []
signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
while not ends:
    due = min(int((time.monotonic() - begin) * rate), n + rate // 4)
    while n < due:
        try:
            s.send(struct.pack("!Q", n).ljust(size, b"."))
        except ConnectionRefusedError:
            continue
        n += 1
    time.sleep(0.005)
print(n)
'
receiver='
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
s.bind(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
n = disorder = 0
last = -1
s.settimeout(60)
try:
    while True:
        i = struct.unpack_from("!Q", s.recv(65536))[0]
        disorder += i < last
        last = max(i, last)
        n += 1
        s.settimeout(3)
except TimeoutError:
    pass
except socket.timeout:
    pass
print(n, last + 1 - n, disorder)
'

receiver_ready() {
	grep -q ready "$lib_out/numbers-$1"
}

# numbers_start ADDRESS PORT RATE SIZE
numbers_start() {
	ip netns exec "$right" python3 -c "$receiver" "$2" \
		>"$lib_out/numbers-$2" 2>&1 </dev/null &
	numbers_receiver=$!
	wait_until 20 receiver_ready "$2" || return 1
	ip netns exec "$left" python3 -c "$sender" "$@" \
		>"$lib_out/sent-$2" 2>&1 </dev/null &
	numbers_sender=$!
}

# check_numbers DESC PORT: all that were sent have come, in order
check_numbers() {
	kill "$numbers_sender"
	wait "$numbers_sender" "$numbers_receiver"
	numbers_sent=$(cat "$lib_out/sent-$2")
	check_is "$1 (of $numbers_sent)" "$numbers_sent 0 0" \
		"$(sed 1d "$lib_out/numbers-$2")"
}

# Moves flow $1 to and fro for $2 times a tick
move_about() {
	local i
	for ((i = 0; i < $2; i++)); do
		ankus -n "$right" flow pin "$1" cpu $((i % 2)) || return
		sleep 0.1
	done
}

manage_v1() {
	ankus -n "$right" dev add v1 mode steer rate 150kbit release 3s
}

# --- tests -----------------------------------------------------------------

test_pin() {
	local id cpu

	check "one queue: a stream" tcp_start "$left" "$right" 10.0.0.2 5010 1 4M
	check "one queue: CPUs are what is left" dev_is "$right" v1 \
		'.rx_backend == "cpu" and (.rx_reason | length > 0) and
		 (has("cpu_reason") | not)'
	check_until "it is pinned and verified" 20 flows_are "$right" 1 "$big" \
		'.cpu.state == "verified" and .cpu.current == .cpu.target and
		 .cpu.observed == 0 and .cpu.latency_us > 0 and
		 .rx_queue.state == "none"'
	id=$(flow_id "$right" "$big")
	for cpu in 1 0 1; do
		check "pinned to CPU $cpu by hand" \
			ankus -n "$right" flow pin "$id" cpu "$cpu"
		check_until "it goes there" 10 verified_on "$cpu"
		check "which does the work" works_on "$cpu" v1
	done
	check_fail "which is shown" 0 'cpu 1 verified' ankus -n "$right" flow show
	check "and counted" stat_is "$right" v1 '.pins_cpu == 1 and
		.cpu_packets > 0 and .cpu_bypassed == 0 and .ineffective == 0'
	check "unpinned" ankus -n "$right" flow unpin "$id"
	check_until "it has no pin" 10 flows_are "$right" 1 "$big" \
		'.pin_mode == "off" and .cpu.state == "none" and
		 (.cpu | has("current") | not)'
	check "given back" ankus -n "$right" flow pin "$id" auto
	check_until "it has one again" 10 flows_are "$right" 1 "$big" \
		'.pin_mode == "auto" and .cpu.state == "verified"'

	ankus -n "$right" dev set v1 rx-cpus 0
	check_until "CPU 0 is open to it" 20 verified_on 0
	ankus -n "$right" dev set v1 rx-cpus 1
	check_until "CPU 1 is" 20 verified_on 1
	ankus -n "$right" dev set v1 rx-cpus all
	ankus -n "$right" rule add pref 1 dev v1 dir in action rx-cpus 0
	check_until "a rule binds it to CPU 0" 20 verified_on 0
	ankus -n "$right" rule replace pref 1 dev v1 dir in action ignore
	check_until "or lets it alone" 20 flows_are "$right" 1 "$big" \
		'.ignored and .cpu.state == "none"'
	ankus -n "$right" rule flush
	check "a second stream" tcp_start "$left" "$right" 10.0.0.2 5011 1 4M
	check_until "two streams take a CPU each" 40 flows_are "$right" 2 "$big" \
		'.cpu.state == "verified"'
	check_json "not the same one" "[.[] | select($big) | .cpu.current] |
		sort == [0, 1]" ankus -n "$right" -j flow show
	tcp_stop 5011

	ankus -n "$right" dev set v1 mode observe
	check_until "mode observe takes the pins back" 20 stat_is "$right" v1 \
		'.pins_cpu == 0'
	ankus -n "$right" dev set v1 mode steer backend none
	check "backend none has none" dev_is "$right" v1 '.rx_backend == "none" and
		.rx_reason == "backend none" and .cpu_reason == "backend none"'
	sleep 1
	check "so nothing is pinned" stat_is "$right" v1 '.pins_cpu == 0'
	check_fail "nor can be" 2 'backend none' ankus -n "$right" \
		flow pin "$id" cpu 1
	ankus -n "$right" dev set v1 backend cpu
	check_until "backend cpu has" 20 flows_are "$right" 1 \
		"$big and .dport == 5010" '.cpu.state == "verified"'
	check "the stream goes on" tcp_go_on "$left" 5010 1
}

test_bad() {
	local id
	id=$(flow_id "$right" "$big and .dport == 5010")
	check_fail "a CPU that is not there" 2 'no such CPU' \
		ankus -n "$right" flow pin "$id" cpu 999
	check_fail "one that cannot be" 2 'pin-cpu' \
		ankus -n "$right" flow pin "$id" cpu 1024
	check_fail "nor a set with it" 2 'no such CPU.*\(attribute rx-cpus\)' \
		ankus -n "$right" dev set v1 rx-cpus 0,999
	check_fail "sent flows have no CPU" 2 'sent flows' ankus -n "$right" \
		flow pin "$(flow_id "$right" '.dir == "out"')" cpu 1
}

# Nothing is lost here, so what is out of order was reordered.
test_order() {
	local id before moves wanted=150

	id=$(flow_id "$right" "$big and .dport == 5010")
	before=$(snmp "$right" TcpExtTCPOFOQueue TcpExtTCPDSACKOldSent)
	before=$((before + $(snmp "$left" TcpExtTCPDSACKRecv)))
	moves=$(stat_of "$right" v1 moves)
	check "a stream is moved each tick" move_about "$id" $wanted
	moves=$(($(stat_of "$right" v1 moves) - moves))
	check "it did move ($moves of $wanted)" [ $moves -ge $((wanted / 2)) ]
	check_until "when its old CPU had done with it" 10 flows_are "$right" 1 \
		".id == $id" '.cpu.move_reason == "manual" and
		 .cpu.safe_point == "drained" and
		 .cpu.after.rcv_out_of_order != null'
	before=$(($(snmp "$right" TcpExtTCPOFOQueue TcpExtTCPDSACKOldSent) +
		$(snmp "$left" TcpExtTCPDSACKRecv) - before))
	check_is "and has kept its order" 0 $before
	tcp_stop 5010
}

tap='
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
s.bind((sys.argv[1], 0))
port = int(sys.argv[2]).to_bytes(2, "big")
print("ready", flush=True)
n = 0
s.settimeout(60)
try:
    while True:
        data, address = s.recvfrom(100)
        if address[2] != 4 and data[12:14] == b"\x08\x00" and data[36:38] == port:
            n += 1
            s.settimeout(4)
except TimeoutError:
    pass
except socket.timeout:
    pass
print(n)
'

tc_packets() {
	tc -n "$right" -j -s filter show dev v1 ingress |
		jq '[.[].options.actions[]?.stats.packets] | add'
}

# Taps and tc see each packet once, wherever it goes.
test_datagrams() {
	local id moves tc='' tap_pid

	if quietly tc -n "$right" qdisc add dev v1 clsact &&
		quietly tc -n "$right" filter add dev v1 ingress protocol ip \
			u32 match ip dport 5020 0xffff action ok; then
		tc=1
	fi
	ip netns exec "$right" python3 -c "$tap" v1 5020 \
		>"$lib_out/numbers-tap" 2>&1 </dev/null &
	tap_pid=$!
	wait_until 20 receiver_ready tap
	check "numbered datagrams" numbers_start 10.0.0.2 5020 2000 200
	check_until "are pinned" 20 flows_are "$right" 1 \
		"$big and .dport == 5020" '.cpu.state == "verified"'
	id=$(flow_id "$right" "$big and .dport == 5020")
	moves=$(stat_of "$right" v1 moves)
	check "they are moved" move_about "$id" 40
	moves=$(($(stat_of "$right" v1 moves) - moves))
	check "and did move ($moves)" [ $moves -ge 20 ]
	check_numbers "all have come, in order" 5020
	check "none has gone another way" stat_is "$right" v1 '.cpu_bypassed == 0'
	wait $tap_pid
	check_is "a tap has seen each once" "$numbers_sent" "$(sed 1d "$lib_out/numbers-tap")"
	if [ "$tc" ]; then
		check_is "and so has tc" "$numbers_sent" "$(tc_packets)"
		tc -n "$right" qdisc del dev v1 clsact
	else
		skip "and so has tc" "no clsact"
	fi
}

cpu_online() {
	echo "$1" >"$cpu1"
}

test_hotplug() {
	check "a stream" tcp_start "$left" "$right" 10.0.0.2 5030 1 4M
	check "and datagrams" numbers_start 10.0.0.2 5031 1000 200
	check_until "are pinned" 30 flows_are "$right" 2 "$big" \
		'.cpu.state == "verified"'
	check "to CPU 1, both" pin_all 1
	check_until "which has them" 20 flows_are "$right" 2 "$big" \
		'.cpu.current == 1'
	check "CPU 1 goes offline" cpu_online 0
	check_until "their pins go" 20 stat_is "$right" v1 '.pins_cpu == 0'
	check "the reason is told" dev_is "$right" v1 '.rx_backend == "none" and
		.cpu_reason == "one CPU is online"'
	check_fail "and by hand" 2 'one CPU is online' ankus -n "$right" \
		flow pin "$(flow_id "$right" "$big")" cpu 0
	check "the stream goes on" tcp_go_on "$left" 5030 1
	check "CPU 1 comes back" cpu_online 1
	ankus -n "$right" dev set v1 rx-cpus 1
	auto_all
	check_until "and has them again" 30 flows_are "$right" 2 "$big" \
		'.cpu.current == 1 and .cpu.state == "verified"'
	check_numbers "all datagrams have come, in order" 5031
	ankus -n "$right" dev set v1 rx-cpus all
	tcp_stop 5030
}

pin_all() {
	local id
	for id in $(ankus -n "$right" -j flow show |
		jq ".[] | select($big) | .id"); do
		ankus -n "$right" flow pin "$id" cpu "$1" || return
	done
}

auto_all() {
	local id
	for id in $(ankus -n "$right" -j flow show |
		jq ".[] | select($big) | .id"); do
		ankus -n "$right" flow pin "$id" auto || return
	done
}

# The NIC's rules come first, and where they fail, CPUs.  All that the hash
# steers comes to queue 0, whose CPU is 0.
test_nic() {
	local nic_rx='.rx_queue.state == "verified"'

	ankus -n "$right" dev add s0 mode steer rate 75kbit release 5s rx-queues 1-7
	check "a NIC's stream" tcp_start "$left" "$right" 10.1.0.2 5040 1 1M
	check_until "is steered by a rule, and by no CPU" 30 flows_are "$right" 1 \
		"$big and .dport == 5040" "$nic_rx and .cpu.state == \"none\""
	check "as the device says" dev_is "$right" s0 '.rx_backend == "ntuple" and
		(has("rx_reason") | not) and (has("cpu_reason") | not)'
	in_ns "$right" ethtool --set-priv-flags s0 no-steer on
	check_until "without effect, a CPU takes over" 40 flows_are "$right" 1 \
		"$big and .dport == 5040" '.cpu.state == "verified" and
		.rx_queue.state == "ineffective" and (.rx_queue.reason | length > 0)'
	check "the stream goes on" tcp_go_on "$left" 5040 1
	in_ns "$right" ethtool --set-priv-flags s0 no-steer off
	check_until "when a rule has an effect, the CPU is left" 60 flows_are \
		"$right" 1 "$big and .dport == 5040" \
		"$nic_rx and .cpu.state == \"none\" and (.cpu | has(\"current\") | not)"
	in_ns "$right" ethtool --set-priv-flags s0 table-full on
	ankus -n "$right" dev set s0 rx-queues 1-7 backend cpu
	check_until "backend cpu asks no NIC" 30 flows_are "$right" 1 \
		"$big and .dport == 5040" '.cpu.state == "verified" and
		.rx_queue.state == "none"'
	ankus -n "$right" dev set s0 backend auto
	check_until "a full table is a reason for a CPU" 30 flows_are "$right" 1 \
		"$big and .dport == 5040" '.cpu.state == "verified" and
		.rx_queue.state == "parked" and .rx_queue.error == 28'
	in_ns "$right" ethtool --set-priv-flags s0 table-full off
	ankus -n "$right" dev set s0 backend ntuple
	check_until "backend ntuple has no CPU" 30 flows_are "$right" 1 \
		"$big and .dport == 5040" "$nic_rx and .cpu.state == \"none\""
	check "and says so" dev_is "$right" s0 '.cpu_reason | length > 0'
	tcp_stop 5040
}

# Above a device that steers its flows there is nothing left to do.
test_upper() {
	if ! quietly ip -n "$right" link add link v1 name v1.5 type vlan id 5; then
		skip "a device above another one" "no VLANs"
		return
	fi
	ankus -n "$right" dev add v1.5 mode steer
	check "has its flows steered below" dev_is "$right" v1.5 '.rx_backend == "none"
		and .cpu_reason == "a device below it steers its flows"'
	ankus -n "$right" dev set v1.5 backend cpu
	check "unless it is told to do so, too" dev_is "$right" v1.5 \
		'.rx_backend == "cpu" and (has("cpu_reason") | not)'
	ankus -n "$right" dev set v1.5 backend auto
	ankus -n "$right" dev set v1 mode observe
	check "or they are not" dev_is "$right" v1.5 '.rx_backend == "cpu"'
	ankus -n "$right" dev set v1 mode steer
	ip -n "$right" link del v1.5
}

# A queue that is full at once: whoever fills it comes to help.  What a NIC
# brings in one run does not pass through the queue of the core, whose limit is
# the same.
test_overflow() {
	local before id

	ankus -n "$right" dev set s0 backend cpu
	before=$(cat /proc/sys/net/core/netdev_max_backlog)
	check "datagrams in bursts" numbers_start 10.1.0.2 5041 6000 200
	check_until "are pinned" 20 flows_are "$right" 1 "$big and .dport == 5041" \
		'.cpu.state == "verified"'
	id=$(flow_id "$right" "$big and .dport == 5041")
	check "and moved, from where they come in and back" move_about "$id" 30
	check "to CPU 1 in the end" ankus -n "$right" flow pin "$id" cpu 1
	echo 4 >/proc/sys/net/core/netdev_max_backlog
	sleep 3
	echo "$before" >/proc/sys/net/core/netdev_max_backlog
	check "its queue was full" stat_is "$right" s0 '.cpu_overflow > 0'
	check "which the other CPU tells" \
		[ "$(of_cpu 0 s0 overflow_packets)" -gt 0 ]
	check_numbers "nothing is lost or out of order" 5041
	check "nothing has gone another way" stat_is "$right" s0 \
		'.cpu_bypassed == 0'
	ankus -n "$right" dev del s0
}

# --- the end ---------------------------------------------------------------

busy_start() {
	quietly numbers_start 10.0.0.2 "$1" 2000 200
	tcp_start "$left" "$right" 10.0.0.2 $(($1 + 1)) 2 4M
}

all_pinned() {
	check_until "$1: all are pinned" 30 flows_are "$right" 3 "$big" \
		'.cpu.state == "verified"'
	ankus -n "$right" dev set v1 rx-cpus 1
	check_until "$1: to CPU 1" 30 flows_are "$right" 3 "$big" \
		'.cpu.current == 1 and .cpu.state == "verified"'
}

test_end() {
	local i

	check "streams and datagrams" busy_start 5050
	all_pinned "dev del"
	check "dev del" ankus -n "$right" dev del v1
	for i in 1 2 3; do
		manage_v1 || break
		sleep 0.5
		ankus -n "$right" dev del v1 || break
	done
	check_is "and again and again" 3 "$i"
	manage_v1
	all_pinned "rmmod"
	check "rmmod" rmmod ankus
	check "the streams go on" tcp_go_on "$left" 5051 2
	check_numbers "all datagrams have come, in order" 5050
	load_module ankus
	manage_v1
	check "datagrams" quietly numbers_start 10.0.0.2 5060 2000 200
	all_pinned "link del"
	check "ip link del" ip -n "$right" link del v1
	tcp_stop 5051
	kill "$numbers_sender" "$numbers_receiver" 2>/dev/null

	quietly veth_pair "$left" "$right" 1
	address_pair "$left" v0 "$right" v1
	manage_v1
	check "streams and datagrams once more" busy_start 5070
	all_pinned "netns del"
	kill -9 "$numbers_receiver" 2>/dev/null
	check "netns del" lib_delete_ns "$right"
	ip netns add "$right"
	kill "$numbers_sender" 2>/dev/null
	tcp_stop 5071
	check_until "nothing is left" 20 quietly rmmod ankus
}

# --- run -------------------------------------------------------------------

left='' right='' numbers_sent='' numbers_sender='' numbers_receiver=''
setup_ns left right
load_module simnic
quiet_ns "$left" "$right"
veth_pair "$left" "$right" 1
address_pair "$left" v0 "$right" v1
simnic_pair "$left" "$right"
# What is late is sent at once, and more than the ring takes would be lost
in_ns "$right" ethtool -G s0 rx 8192
address_pair "$left" s0p "$right" s0 1
in_ns "$right" ethtool -K s0 gro off
in_ns "$right" ethtool -X s0 equal 1
# nothing but rules, or CPUs
in_ns "$right" ethtool --set-priv-flags s0 rss-xor on
defer cpu_online 1
load_module ankus
manage_v1

test_pin
test_bad
test_order
test_datagrams
test_hotplug
check "no pin failed" stat_is "$right" v1 '.ineffective == 0 and .refused == 0'
test_upper
test_nic
test_overflow
test_end
finish
