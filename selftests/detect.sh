#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Detection: which flows are seen, what is counted of them, which become
# elephants and when they stop to be, and that nothing is changed by looking.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

for tool in ethtool iperf3 nstat; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

out='.dir == "out"'
in='.dir == "in"'

# --- nothing is changed ----------------------------------------------------

test_untouched() {
	local traced='' ended

	device_state "$left" v0 >"$lib_out/before"
	load_module ankus
	if calls_start hook_egress; then
		traced=1
		udp_send "$left" 10.0.0.9 7 1000 50
		check_is "the loaded module sees no packet" 0 \
			"$(calls)"
	else
		skip "the loaded module sees no packet" "no function tracer"
	fi
	device_state "$left" v0 >"$lib_out/after"
	check "loading the module changes nothing about a device" \
		cmp "$lib_out/before" "$lib_out/after"
	check_is "nor is a device managed" "[]" "$(ankus -n "$left" -j dev show)"

	ankus -n "$left" dev add v0 rate 500kbit
	check "a managed device" dev_is "$left" v0 '.mode == "observe"'
	udp_send "$left" 10.0.0.9 7 1000 50
	if [ $traced ]; then
		check_is "is looked at packet by packet" \
			"$(stat_of "$left" v0 tx_packets)" \
			"$(calls)"
	else
		skip "is looked at packet by packet" "no function tracer"
	fi
	device_state "$left" v0 >"$lib_out/after"
	check "and is as it was" cmp "$lib_out/before" "$lib_out/after"
	ankus -n "$left" dev del v0
	if [ $traced ]; then
		ended=$(calls)
		udp_send "$left" 10.0.0.9 7 1000 50
		check_is "until it is let go" "$ended" \
			"$(calls)"
		calls_stop
	else
		skip "until it is let go" "no function tracer"
	fi
	device_state "$left" v0 >"$lib_out/after"
	check "and as it was" cmp "$lib_out/before" "$lib_out/after"
}

# --- what is counted -------------------------------------------------------

# exact DESC FAMILY ADDRESS PORT HEADERS SIZE COUNT
exact() {
	local desc=$1 address=$3 port=$4 size=$6 count=$7 want
	want=".bytes == $count * ($size + $5) and .packets == $count"
	want+=" and .family == \"$2\" and .proto == 17"

	udp_send "$left" "$address" "$port" "$size" "$count"
	check "$desc: every byte that was sent" flows_are "$left" 1 \
		".dport == $port" "$want and $out and .ifname == \"v0\""
	check_until "$desc: and that was received" 5 flows_are "$right" 1 \
		".dport == $port" "$want and $in and .ifname == \"v1\""
}

tcp_sink() {
	# shellcheck disable=SC2016 # for the inner program
	ip netns exec "$right" timeout 300 python3 -c '
import socket, sys
sink = socket.create_server(("::", 7000), family=socket.AF_INET6,
                            dualstack_ipv6=True)
while True:
    conn = sink.accept()[0]
    while conn.recv(65536):
        pass
    conn.close()' >"$lib_out/sink" 2>&1 </dev/null &
	sink_pid=$!
	disown
	wait_until 20 tcp_listening "$right" 7000
}

# A megabyte by TCP; leaves the flow's source port
tcp_megabyte() {
	local text
	# shellcheck disable=SC2016 # for the inner shell
	text=$(in_ns "$left" bash -c '
		exec 3>"/dev/tcp/$1/7000" || exit
		ss -Htn state established "( dport = :7000 )"
		dd if=/dev/zero bs=1024 count=1024 status=none >&3' _ "$1") || return 1
	sport=$(sed -nE '1s/.*:([0-9]+) +[^ ]+:7000.*/\1/p' <<<"$text")
	[ -n "$sport" ]
}

# A transfer is counted with its headers: 20 or 40, 20 of TCP, 12 of
# timestamps, and 8 more in the first.  What a slow machine sent twice counts
# twice, so only a transfer without that tells.
test_exact_tcp() {
	local family=$1 address=$2 headers=$3 sport='' again before i

	for ((i = 0; i < 8; i++)); do
		before=$(snmp "$left" TcpRetransSegs)
		tcp_megabyte "$address" || break
		wait_until 20 closed || break
		again=$(($(snmp "$left" TcpRetransSegs) - before))
		[ "$again" -ne 0 ] || break
	done
	check_is "$family TCP: a transfer without retransmits" 0 "${again:-none}"
	check "$family TCP: every byte that was sent" flows_are "$left" 1 \
		".dport == 7000 and .sport == ${sport:-0}" \
		".bytes == 1048576 + .packets * $headers + 8 and $out and
		 .family == \"$family\" and .proto == 6"
	check "$family TCP: and that was received" flows_are "$right" 1 \
		".dport == 7000 and .sport == ${sport:-0}" \
		".bytes == 1048576 + .packets * $headers + 8 and $in"
	check "$family TCP: what came back is a flow of its own" \
		flows_are "$left" 1 ".sport == 7000 and .dport == ${sport:-0}" \
		"$in and .bytes > 0 and .bytes < 100000 and .state != \"elephant\""
}

closed() {
	! in_ns "$left" ss -Htn "dport = :7000" | grep -qvE '^TIME-WAIT'
}

# Fragments are seen, and belong to no flow.
test_fragments() {
	local address before packets
	for address in 10.0.0.9 fd00::9; do
		before=$(stat_of "$left" v0 untracked_packets)
		packets=$(link_packets "$left" v0 tx)
		udp_send "$left" "$address" 4000 4000 10
		packets=$(($(link_packets "$left" v0 tx) - packets))
		check_is "fragments to $address: all are sent" 30 "$packets"
		check_is "fragments to $address: none is tracked" 30 \
			"$(($(stat_of "$left" v0 untracked_packets) - before))"
		check "fragments to $address: no flow" flows_are "$left" 0 \
			'.dport == 4000' true
	done
}

# What ankus counted since the device was added, and what the device counts
balanced() {
	[ "$(stat_of "$1" "$2" "$3_packets")" -eq \
		$(($(link_packets "$1" "$2" "$3") - $4)) ]
}

# balanced_bytes NS DEV tx|rx BYTES PACKETS: likewise; a device counts its
# headers, too
balanced_bytes() {
	[ "$(stat_of "$1" "$2" "$3_bytes")" -eq \
		$(($(link_bytes "$1" "$2" "$3") - $4 -
		14 * ($(link_packets "$1" "$2" "$3") - $5))) ]
}

test_counting() {
	local left_tx left_bytes right_rx right_bytes

	left_tx=$(link_packets "$left" v0 tx)
	left_bytes=$(link_bytes "$left" v0 tx)
	right_rx=$(link_packets "$right" v1 rx)
	right_bytes=$(link_bytes "$right" v1 rx)
	# flows that have ended are still to be looked at
	ankus -n "$left" dev add v0 release 300s sketch 0
	ankus -n "$right" dev add v1 release 300s sketch 0

	exact "IPv4" inet 10.0.0.9 4001 28 1000 500
	exact "IPv4, small" inet 10.0.0.9 4002 28 1 500
	exact "IPv6" inet6 fd00::9 4003 48 1000 500
	exact "IPv6, small" inet6 fd00::9 4004 48 1 500
	check_until "bytes as well, from the network header on" 5 \
		balanced_bytes "$left" v0 tx "$left_bytes" "$left_tx"
	check_until "on both sides" 5 \
		balanced_bytes "$right" v1 rx "$right_bytes" "$right_rx"
	test_vlan
	tcp_sink
	test_exact_tcp inet 10.0.0.2 52
	test_exact_tcp inet6 fd00::2 72
	kill "$sink_pid"
	test_fragments

	check_until "no packet was sent unseen" 5 balanced "$left" v0 tx "$left_tx"
	check_until "nor received" 5 balanced "$right" v1 rx "$right_rx"
	check "every packet is a flow's or untracked" untracked_or_flow "$left" v0
	check "on both sides" untracked_or_flow "$right" v1
	ankus -n "$left" dev del v0
	ankus -n "$right" dev del v1
}

untracked_or_flow() {
	local sum
	sum=$(ankus -n "$1" -j flow show | jq '[.[].packets] | add')
	stat_is "$1" "$2" ".rx_packets + .tx_packets == .untracked_packets + $sum"
}

test_vlan() {
	if ! quietly ip -n "$left" link add link v0 name v0.5 type vlan id 5; then
		skip "VLAN" "no 802.1Q"
		return
	fi
	ip -n "$right" link add link v1 name v1.5 type vlan id 5
	address_pair "$left" v0.5 "$right" v1.5 5
	exact "VLAN" inet 10.5.0.9 4005 28 1000 100
	in_ns "$left" ethtool -K v0 txvlan off
	exact "VLAN, tag in the packet" inet 10.5.0.9 4006 28 1000 100
	in_ns "$left" ethtool -K v0 txvlan on
	ip -n "$left" link del v0.5
	ip -n "$right" link del v1.5
}

# --- states ----------------------------------------------------------------

# Whether the flow of a port is in a state
port_is() {
	flows_are "$left" 1 ".dport == $1 and $out and .rate_bps >= 0 and
		(.proto == 17 or .packets > 100)" ".state == \"$2\""
}

# The path of one flow, with a hold time that shows the step in the middle
test_states() {
	local family=$1 proto=$2 address=$3 port=$4 name="$1 $2" number=6

	[ "$proto" = tcp ] || number=17
	ankus -n "$left" dev set v0 hold 60s
	if [ "$proto" = udp ]; then
		udp_start "$left" "$address" "$port" 1000
	else
		check "$name: a stream" tcp_start "$left" "$right" \
			"${address%9}2" "$port" 1 1M
	fi
	check_until "$name: a candidate before the hold time is over" 10 \
		flows_are "$left" 1 ".dport == $port and .rate_bps > 500000" \
		".state == \"candidate\" and .family == \"$family\" and
		 .proto == $number and $out"
	check "$name: and no elephant, however fast" \
		stat_is "$left" v0 '.elephants == 0'
	ankus -n "$left" dev set v0 hold 300ms
	check_until "$name: an elephant behind it" 10 flows_are "$left" 1 \
		".dport == $port and .state == \"elephant\"" "$out"
	check_until "$name: of the right rate" 20 flows_are "$left" 1 \
		".dport == $port and .state == \"elephant\"" \
		'.rate_bps > 700000 and .rate_bps < 1400000'
	check "$name: not steered, in mode observe" flows_are "$left" 1 \
		".dport == $port and .state == \"elephant\"" \
		'.tx_queue.state == "none" and .pin_mode == "auto"'
	if [ "$proto" = udp ]; then
		udp_stop "$port"
	else
		tcp_stop "$port"
	fi
	check_until "$name: no elephant when it stops" 20 \
		stat_is "$left" v0 '.elephants == 0'
	check_until "$name: and forgotten then" 20 flows_are "$left" 0 \
		".dport == $port" true
}

# One flow whose rate changes, around a threshold of 500 kbit/s
test_hysteresis() {
	local id

	# A machine that stands still for a moment is no change of rate.
	ankus -n "$left" dev set v0 hold 300ms release 3s
	udp_start "$left" 10.0.0.9 5100 30
	udp_start "$left" fd00::9 5101 10
	check_until "a mouse" 10 flows_are "$left" 1 \
		'.dport == 5100 and .packets > 10' '.state == "mouse"'
	udp_rate 5100 250
	check_until "a candidate at half of the threshold" 10 port_is 5100 candidate
	id=$(flow_id "$left" '.dport == 5100')
	sleep 3
	check "for as long as that lasts" port_is 5100 candidate
	udp_rate 5100 1500
	check_until "an elephant at three times" 10 port_is 5100 elephant
	udp_rate 5100 440
	# the average needs some time to arrive there
	check_until "a little below" 20 flows_are "$left" 1 \
		'.dport == 5100 and .rate_bps < 500000' true
	sleep 3
	check "it stays one" port_is 5100 elephant
	udp_rate 5100 250
	check_until "until it falls to a half" 20 port_is 5100 candidate
	udp_rate 5100 20
	check_until "and to a mouse" 20 port_is 5100 mouse
	check "being the same flow all the time" flows_are "$left" 1 \
		'.dport == 5100' ".id == $id"
	check "the mouse beside it stayed one" port_is 5101 mouse
	check "so there was one elephant" event_count flow-elephant "$id" 1
	check "released once" event_count flow-release "$id" 1
	udp_stop 5100
	udp_stop 5101
	ankus -n "$left" dev set v0 release 1s
}

event_count() {
	jq -es "[.[] | select(.event == \"$1\" and .id == $2)] | length == $3" \
		"$lib_out/events"
}

# Faster than the threshold, for less than the hold time
test_burst() {
	local seen
	seen=$(stat_of "$left" v0 elephants_seen)
	ankus -n "$left" dev set v0 hold 60s release 10s
	udp_send "$left" 10.0.0.9 5200 1000 400
	check_until "a burst makes a candidate" 10 flows_are "$left" 1 \
		'.dport == 5200' '.state == "candidate"'
	ankus -n "$left" dev set v0 release 1s
	check_until "that is forgotten" 20 flows_are "$left" 0 '.dport == 5200' true
	check_is "and was no elephant" "$seen" "$(stat_of "$left" v0 elephants_seen)"
	ankus -n "$left" dev set v0 hold 300ms
}

# Rules have thresholds of their own.
test_rules() {
	ankus -n "$left" rule add pref 10 proto udp dport 5300 rate 20kbit \
		action auto
	ankus -n "$left" rule add pref 20 proto udp dport 5301 rate 50mbit \
		action auto
	ankus -n "$left" rule add pref 30 proto udp dport 5302 bytes 1g action auto
	udp_start "$left" 10.0.0.9 5300 100
	udp_start "$left" 10.0.0.9 5301 1500
	udp_start "$left" 10.0.0.9 5302 1500
	udp_start "$left" 10.0.0.9 5303 100
	check_until "a rule lowers the threshold" 20 flows_are "$left" 1 \
		'.dport == 5300' '.state == "elephant" and .rule_pref == 10'
	check_until "or raises it" 20 flows_are "$left" 1 \
		'.dport == 5301 and .bytes > 300000' \
		'.state == "candidate" and .rule_pref == 20'
	check_until "or asks for bytes" 20 flows_are "$left" 1 \
		'.dport == 5302 and .bytes > 300000' \
		'.state == "candidate" and .rule_pref == 30'
	check "other flows do not matter to it" flows_are "$left" 1 \
		'.dport == 5303' '.state == "candidate" and (has("rule_pref") | not)'
	ankus -n "$left" rule replace pref 20 proto udp dport 5301 rate 500kbit \
		action auto
	ankus -n "$left" rule del pref 30
	check_until "a rule that changes is heard of" 20 flows_are "$left" 2 \
		'.dport == 5301 or .dport == 5302' '.state == "elephant"'
	for port in 5300 5301 5302 5303; do
		udp_stop $port
	done
	ankus -n "$left" rule flush
}

# --- the table -------------------------------------------------------------

test_table_full() {
	local i received flows

	ankus -n "$left" dev add v0 flows 64 release 300s sketch 0
	received=$(link_packets "$right" v1 rx)
	# shellcheck disable=SC2016 # for the inner shell
	in_ns "$left" bash -c '
		for ((i = 0; i < 200; i++)); do
			printf %0100d 0 >"/dev/udp/10.0.0.9/$((20000 + i))"
		done'
	check "a table of 64 takes 64 flows" stat_is "$left" v0 \
		'.flows == 64 and .flows_added >= 64'
	check "the others are counted, not tracked" stat_is "$left" v0 \
		'.table_full >= 136 and .table_full + .flows_added >= 200'
	flows=$(ankus -n "$left" -j flow show | jq length)
	check_is "64 are shown" 64 "$flows"
	check "and all were sent" [ \
		$(($(link_packets "$right" v1 rx) - received)) -ge 200 ]
	ankus -n "$left" dev set v0 release 1s
	check_until "idle flows leave" 20 stat_is "$left" v0 \
		'.flows == 0 and .flows_expired == .flows_added'
	ankus -n "$left" dev set v0 release 300s
	udp_send "$left" 10.0.0.9 21000 100 1
	check "and make room" flows_are "$left" 1 '.dport == 21000' \
		'.packets == 1 and .bytes == 128'
	ankus -n "$left" dev del v0
}

# --- run -------------------------------------------------------------------

left='' right='' sink_pid=0
setup_ns left right
quiet_ns "$left" "$right"
for ns in "$left" "$right"; do
	in_ns "$ns" sysctl -qw net.ipv4.tcp_early_retrans=0
done
veth_pair "$left" "$right" 4
address_pair "$left" v0 "$right" v1
tc -n "$left" qdisc replace dev v0 root handle 1: mq
# Hosts do tell which groups they joined, for a second.
sleep $((2 * lib_slow))

test_untouched
test_counting
test_table_full

monitor_start "$left"
ankus -n "$left" dev add v0 rate 500kbit release 1s
test_states inet tcp 10.0.0.9 5001
test_states inet6 tcp fd00::9 5002
test_states inet udp 10.0.0.9 5003
test_states inet6 udp fd00::9 5004
test_hysteresis
test_burst
test_rules
check "nothing was steered meanwhile" stat_is "$left" v0 \
	'.pins_tx_queue == 0 and .moves == 0 and .rules_installed == 0'
ankus -n "$left" dev del v0
check_until "the monitor told of the device" 10 event_seen \
	'.event == "dev-add" and .ifname == "v0" and .mode == "observe"'
check_until "to its end" 5 event_seen '.event == "dev-del" and .ifname == "v0"'
check_until "of its elephants" 10 event_seen '.event == "flow-elephant" and
	.ifname == "v0" and .dir == "out" and .dport == 5002 and .src == "fd00::1"'
check "and of none that was pinned" event_unseen \
	'.event == "flow-pin" or .event == "flow-fail"'
monitor_stop
finish
