#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A partner that is silent, with carrier there: its link is left when LACP's time
# is up, in either direction, and used when the bond uses it again.  And what a
# failover loses: as few packets as without ankus.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

for tool in iperf3 tc; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

links=(up0 up1 up2 up3)

streams_go_on() {
	check "$1" tcp_go_on "$left" 5201 "$streams"
}

# --- LACP ------------------------------------------------------------------

# silent NS DEV: no LACPDU of a device gets out
silent() {
	tc -n "$1" qdisc add dev "$2" clsact &&
		tc -n "$1" filter add dev "$2" egress protocol 0x8809 matchall \
			action drop
}

# states_of LINK: how often the monitor told of a link going down, and up
states_of() {
	jq -rs "[.[] | select(.name == \"$1\") | .event] |
		map(select(. == \"link-down\" or . == \"link-up\")) |
		join(\" \")" "$traffic_dir/events"
}

packets_of() {
	link_packets "$left" "$1" tx
}

# expires LINK DESC NS DEV: NS does not say anything by DEV any more
expires() {
	local link=$1 desc=$2 ns=$3 dev=$4 before

	monitor_start "$left"
	check "$desc: no LACPDU" silent "$ns" "$dev"
	check_until "$desc: the link is down" 20 link_is "$link" \
		'.state == "down" and .reason == "not enabled by the bond"'
	check "$desc: with carrier" eval \
		"ip -n \"\$left\" -j link show $link | jq -e '.[0].operstate == \"UP\"'"
	check_until "$desc: its flows left it" 20 none_on "$link"
	streams_go_on "$desc: no connection is lost"
	spread "$desc: the others share them" 8 3 3 2
	before=$(packets_of "$link")
	sleep 4
	check "$desc: nothing but LACPDUs is sent by it ($(packets_of "$link"))" \
		[ "$(packets_of "$link")" -le $((before + 15)) ]
	check_json "$desc: no flow is pinned to it" \
		"all(.[]; .link.link != \"$link\")" ankus -n "$left" -j flow show
	check_is "$desc: it went down once" link-down "$(states_of "$link")"
	tc -n "$ns" qdisc del dev "$dev" clsact
	check_until "$desc: heard again, the link is up" 40 link_is "$link" \
		'.state == "up"'
	spread "$desc: and takes flows back" 8 4 2 2
	check_is "$desc: it came up once" "link-down link-up" \
		"$(states_of "$link")"
	streams_go_on "$desc: all streams go on"
	monitor_stop
}

test_lacp() {
	bond_links "$left" "$right" 802.3ad "${links[@]}"
	address_pair "$left" bond0 "$right" bond0
	# One packet at a time, so that what a failure hits depends less on luck
	ip -n "$left" link set bond0 gso_max_segs 1
	manage bond0
	check_until "four links" 60 links_are 4 true '.state == "up"'
	check "streams" tcp_start "$left" "$right" 10.0.0.2 5201 "$streams" 400K
	spread "are spread" 8 4 2 2
	expires up1 "the partner is silent" "$right" p-up1
	expires up2 "the partner hears nothing" "$left" up2
}

# --- failover --------------------------------------------------------------

retransmits() {
	snmp "$left" TcpRetransSegs
}

# Enough of them have got on for the next failure to hurt
settled() {
	tcp_go_on "$left" 5201 "$streams" && { [ "$1" = observe ] ||
		wait_until 60 pinned 8 4 2 2; }
}

# What came by a link before the bond of $right took anything from there
too_early() {
	local link n=0
	for link in "${links[@]}"; do
		n=$((n + $(ip netns exec "$right" \
			cat "/sys/class/net/p-$link/statistics/rx_nohandler")))
	done
	echo "$n"
}

# failovers MODE TIMES: each link fails and comes back so often; $lost is what
# that made send again, without what is sent again anyway, and $early what was
# sent too early when it came back
failovers() {
	local link i before before_early

	ankus -n "$left" dev set bond0 mode "$1"
	lost=0 early=0
	for ((i = 0; i < $2; i++)); do
		for link in "${links[@]}"; do
			settled "$1" || return
			before=$(retransmits) before_early=$(too_early)
			ip -n "$right" link set "p-$link" down
			tcp_go_on "$left" 5201 "$streams" || return
			ip -n "$right" link set "p-$link" up
			wait_until 40 links_are 4 true '.state == "up"' || return
			settled "$1" || return
			lost=$((lost + $(retransmits) - before))
			early=$((early + $(too_early) - before_early))
		done
	done
}

test_failover() {
	local times=2 without with

	# a debug kernel takes ten times as long for each
	[ "$lib_slow" -le 3 ] || times=1

	check "links fail without ankus: no connection is lost" \
		failovers observe $times
	without=$lost
	diag "failover without.early packets $early"
	check "links fail with ankus: no connection is lost" \
		failovers steer $times
	with=$lost
	diag "failover with.early packets $early"
	diag "failover without.retransmits segments $without"
	diag "failover with.retransmits segments $with"
	# each failure hits the two streams of a link, about
	check "no more is sent again: $with, without ankus $without" \
		[ "$with" -le $((without + 2 * times * 4)) ]
	check "nothing is sent over a link too early: $early packets" \
		[ "$early" -le $((times * 4)) ]
}

# --- run -------------------------------------------------------------------

left='' right='' streams=8 lost='' early=''
load_module bonding
setup_ns left right
load_module ankus
test_lacp
test_failover
finish
