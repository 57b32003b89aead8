#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Streams that are moved between links each tick keep their order: nothing is
# lost here, so what comes out of order was reordered.
# Seconds of each run: $ANKUS_TEST_SECONDS, or 10.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"
# shellcheck source=moves.sh
. "$(dirname "$0")/moves.sh"

command -v iperf3 >/dev/null || skip_all "no iperf3"

streams=40
seconds=${ANKUS_TEST_SECONDS:-10}

# Links are received by CPUs in turn: what a link sends before and what another
# one sends after a move is on two of them.
make_bond() {
	local i cpus=1

	bond_links "$left" "$right" balance-xor up0 up1 up2 up3 &&
		address_pair "$left" bond0 "$right" bond0 || return
	for i in 0 1 2 3; do
		one_receiver "$right" "p-up$i" "$cpus" &&
			one_receiver "$left" "up$i" ||
			return
		[ "$(nproc)" -lt 2 ] || cpus=$((3 - cpus))
		# packets as they are on the wire, which a move may come between
		in_ns "$left" ethtool -K "up$i" tso off gso off || return
	done
}

arrivals() {
	snmp "$right" TcpExtTCPOFOQueue
}

# Sent twice, as far as the sender is told
doubles() {
	snmp "$left" TcpExtTCPDSACKRecv
}

# What CPUs did not take, whatever the reason, is lost and not reordered.
dropped() {
	local sum=0 word
	while read -r _ word _; do
		sum=$((sum + 16#$word))
	done </proc/net/softnet_stat
	echo "$sum"
}

# during CMD...: sets $late and $twice to what that counts, if nothing is lost
during() {
	local before_late before_twice before_dropped

	before_late=$(arrivals) before_twice=$(doubles) before_dropped=$(dropped)
	"$@" || return
	late=$(($(arrivals) - before_late))
	twice=$(($(doubles) - before_twice))
	[ "$(dropped)" -eq "$before_dropped" ]
}

# A machine with other load may take for lost what is only late, and sends it
# twice; that is told, as it has another cause when nothing is out of order.
still() {
	check "not moved: nothing is lost" during sleep "$seconds"
	moves_tell none 0 "$late"
	diag "moves none.doubles segments $twice"
	check_is "not moved: none is out of order" 0 "$late"
}

moved() {
	local moves

	ankus -n "$left" dev set bond0 mode steer
	spread "they are pinned" $streams 4 12 8
	moves=$(stat_of "$left" bond0 moves)
	check "they are moved, and nothing is lost" \
		during moves_make "$left" out link up0 up1 up2 up3
	moves=$(($(stat_of "$left" bond0 moves) - moves))
	moves_tell link $moves "$late"
	diag "moves link.doubles segments $twice"
	check "they did move ($moves times)" [ "$moves" -ge $((2 * seconds)) ]
	check_is "moved: none is out of order" 0 "$late"
	check "no packet took another way" stat_is "$left" bond0 \
		'.link_bypassed == 0 and .moves_manual > 0'
	check "all go on" tcp_go_on "$left" 5201 $streams
}

left='' right='' late='' twice=''
load_module bonding
setup_ns left right
check "a bond" make_bond
check "long queues" long_backlog
load_module ankus
ankus -n "$left" dev add bond0 rate 75kbit release 60s
rate=1M
[ "$patient" ] || rate=400K
check "$streams streams" tcp_start "$left" "$right" 10.0.0.2 5201 $streams $rate
check_until "are elephants" 60 flows_are "$left" $streams "$big" true
still
moved
moves_control "$left" up0
finish
