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
run ntuple queue {0..7}
run rss queue {0..7}
run cpu cpu 0 1
moves_control "$left" s0p
finish
