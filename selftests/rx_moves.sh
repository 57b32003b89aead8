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

for tool in ethtool iperf3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

streams=40
seconds=${ANKUS_TEST_SECONDS:-6}

# A debug kernel is so slow that senders take for lost what is only late
[ "$lib_slow" -le 3 ] && patient=1 || patient=''

# Segments that came after later ones, as both ends count
out_of_order() {
	local there=0
	[ -z "$patient" ] || there=$(snmp "$left" TcpExtTCPDSACKRecv)
	echo $((there + $(snmp "$right" TcpExtTCPOFOQueue)))
}

# A line a move, one each tick, in turn
moves() {
	local end=$((SECONDS + seconds)) ids i=0
	ankus -n "$right" -j flow show state elephant dir in |
		jq '.[].id' >"$lib_out/ids"
	mapfile -t ids <"$lib_out/ids"
	[ ${#ids[@]} -gt 0 ] || return 1
	while [ "$SECONDS" -lt "$end" ]; do
		echo "flow pin ${ids[i % ${#ids[@]}]} $1 $(((i + i / ${#ids[@]}) % $2))"
		i=$((i + 1))
		read -rt 0.1 -u "$lib_never"
	done
	true
}

# run NAME KIND BINS: what NAME moves, to KIND 0 to BINS - 1
run() {
	local before moves

	ankus -n "$right" dev add s0 mode steer rate 300kbit release 60s \
		backend "$1" rx-cpus 0-1
	check_until "$1: the streams are pinned" 60 flows_are "$right" $streams \
		"$big" '.rx_queue.state == "verified" or .rx_queue.state == "parked" or
			.cpu.state == "verified"'
	moves=$(stat_of "$right" s0 moves)
	before=$(out_of_order)
	check "$1: they are moved" moved "$2" "$3"
	moves=$(($(stat_of "$right" s0 moves) - moves))
	tell "$1" $moves $(($(out_of_order) - before))
	check "$1: they did move ($moves times)" [ "$moves" -ge $((2 * seconds)) ]
	check_is "$1: none is out of order" 0 "$reordered"
	check "$1: all go on" tcp_go_on "$left" 5301 $streams
	ankus -n "$right" dev del s0
}

# The tool reads them as they come
moved() {
	moves "$1" "$2" | ankus -n "$right" -force -batch -
	[ "${PIPESTATUS[0]}" -eq 0 ]
}

reordered=''
tell() {
	reordered=$3
	diag "moves $1.moves moves $2"
	diag "moves $1.reordered segments $3"
}

# The same without moves
still() {
	local before

	ankus -n "$right" dev add s0 rate 300kbit
	check_until "not moved: the streams" 60 flows_are "$right" $streams \
		"$big" true
	before=$(out_of_order)
	sleep "$seconds"
	tell none 0 $(($(out_of_order) - before))
	check_is "not moved: none is out of order" 0 "$reordered"
	ankus -n "$right" dev del s0
}

# What is reordered on the wire shows.
control() {
	local before

	check "reordered on the wire" tc -n "$left" qdisc replace dev s0p root \
		netem delay 20ms reorder 50%
	before=$(out_of_order)
	check_until "the streams: that is seen" 30 more_than "$before"
}

more_than() {
	[ "$(out_of_order)" -gt "$1" ]
}

left='' right=''
setup_ns left right
nic_start
on_nic -X s0 default
# packets as they are on the wire, which a move may come between
in_ns "$left" ethtool -K s0p tso off gso off
rate=2M
[ "$patient" ] || rate=500K
check "$streams streams" tcp_start "$left" "$right" 10.0.0.2 5301 $streams $rate
still
run ntuple queue 8
run rss queue 8
run cpu cpu 2
control
finish
