# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Moves of TCP streams from $left to $right, and whether these stay in order, to
# be sourced after traffic.sh by tests that have $streams and $seconds.
#
# out_of_order         segments that came after later ones, as both ends count
# moves_make NS DIR KIND BIN...
#                      a move of a flow of NS each tick for $seconds: each flow
#                      in turn, to the BINs in turn
# moves_tell NAME MOVES REORDERED
#                      as figures; $reordered is the last one
# moves_control NS DEV that streams which DEV sends out of order are seen

# shellcheck disable=SC2154 # of lib.sh and the test
# A debug kernel is so slow that senders take for lost what is only late
[ "$lib_slow" -le 3 ] && patient=1 || patient=''

out_of_order() {
	local there=0
	[ -z "$patient" ] || there=$(snmp "$left" TcpExtTCPDSACKRecv)
	echo $((there + $(snmp "$right" TcpExtTCPOFOQueue)))
}

# A line a move
moves_list() {
	local end=$((SECONDS + seconds)) ids kind=$3 i=0 n

	ankus -n "$1" -j flow show state elephant dir "$2" |
		jq '.[].id' >"$lib_out/ids"
	mapfile -t ids <"$lib_out/ids"
	[ ${#ids[@]} -gt 0 ] || return 1
	shift 3
	while [ "$SECONDS" -lt "$end" ]; do
		n=$((1 + (i + i / ${#ids[@]}) % $#))
		echo "flow pin ${ids[i % ${#ids[@]}]} $kind ${!n}"
		i=$((i + 1))
		read -rt 0.1 -u "$lib_never"
	done
	true
}

# The tool reads them as they come
moves_make() {
	moves_list "$@" | ankus -n "$1" -force -batch -
	[ "${PIPESTATUS[0]}" -eq 0 ]
}

reordered=''
moves_tell() {
	# shellcheck disable=SC2034
	reordered=$3
	diag "moves $1.moves moves $2"
	diag "moves $1.reordered segments $3"
}

# TCP sends in bursts as large as iperf3's writes, a quarter of a second apart at
# the rates of the tests: what is to be overtaken by another burst waits longer.
moves_control() {
	check "reordered on the wire" tc -n "$1" qdisc replace dev "$2" root \
		netem delay 300ms reorder 50% limit 10000
	check_until "the streams: that is seen" 30 moves_more "$(out_of_order)"
}

moves_more() {
	[ "$(out_of_order)" -gt "$1" ]
}
