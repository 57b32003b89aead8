#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links that are odd: what one sends comes back, bonds without links or carrier,
# names that are taken.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

for tool in iperf3 nft; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

streams_go_on() {
	check "$1" tcp_go_on "$left" 5201 "$streams"
}

# --- what is sent comes back -----------------------------------------------

# The bond's own way is each link in turn, so what does not take the pinned
# link for ever arrives.
loop_made() {
	case $1 in
	nft)
		in_ns "$left" nft -f - <<-END
			table netdev loop {
			  chain out {
			    type filter hook egress device up0 priority 0;
			    fwd to bond0
			  }
			}
		END
		;;
	tc)
		tc -n "$left" qdisc add dev up0 clsact &&
			tc -n "$left" filter add dev up0 egress matchall \
				action mirred egress redirect dev bond0
		;;
	esac
}

loop_ended() {
	case $1 in
	nft) in_ns "$left" nft delete table netdev loop ;;
	tc) tc -n "$left" qdisc del dev up0 clsact ;;
	esac
}

bypassed() {
	stat_of "$left" bond0 link_bypassed
}

# loop HOW: what up0 sends goes to the bond
loop() {
	local before

	before=$(bypassed)
	check "$1: a link's packets go back to the bond" loop_made "$1"
	streams_go_on "$1: they take the bond's way, and all streams go on"
	# tc's redirects are not seen a second time
	if [ "$1" = nft ]; then
		check_until "$1: which is counted" 30 stat_is "$left" bond0 \
			".link_bypassed > $before + 50"
		check "$1: the kernel log tells of it" eval \
			'dmesg | grep -q "bond0: ankus: what is sent over link up0 comes back"'
	else
		check_is "$1: which nobody asked for otherwise" "$before" "$(bypassed)"
	fi
	loop_ended "$1"
	check_until "$1: without that the flows are on the link" 20 none_on up1
	before=$(bypassed)
	streams_go_on "$1: all streams go on"
	check_is "$1: by it alone" "$before" "$(bypassed)"
}

test_loops() {
	bond_links "$left" "$right" balance-rr up0 up1
	address_pair "$left" bond0 "$right" bond0
	manage bond0
	ankus -n "$left" rule add pref 10 dport 5201 action links up0
	check "streams" tcp_start "$left" "$right" 10.0.0.2 5201 "$streams" 400K
	spread "are on one link" 8 1 8 8
	loop nft
	loop tc
	ankus -n "$left" rule flush
	tcp_stop 5201
	unmake_bond bond0 up0 up1
}

# --- nothing to send over --------------------------------------------------

# A bond has another address when the first lower device comes, the last goes,
# and forgets who it knew.
neighbour() {
	ip -n "$left" neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev bond0
}

test_empty() {
	bond_links "$left" "$right" balance-xor
	address_pair "$left" bond0 "$right" bond0
	manage bond0
	udp_start "$left" 10.0.0.9 5205 400
	check_until "no lower device: the flow is the bond's" 30 flows_are \
		"$left" 1 "$big" '.link.state == "none"'
	check "there is no link" links_are 0 true true
	check_fail "nor by hand" 2 '^ankus: .*not a lower device' \
		ankus -n "$left" link add x dev lo bond bond0

	ip -n "$left" link add up0 type veth peer name p-up0 netns "$right"
	ip -n "$left" link set up0 master bond0
	ip -n "$left" link set up0 up
	neighbour
	check_until "one without carrier: its link is down" 20 link_is up0 \
		'.state == "down" and .reason == "no carrier"'
	check_until "the flow is parked" 30 flows_are "$left" 1 "$big" \
		'.link.state == "parked" and (.link.reason | length > 0)'
	check "nothing was sent over links" stat_is "$left" bond0 \
		'.link_packets == 0 and .pins_link == 0'
	ip -n "$right" link set p-up0 master bond0
	ip -n "$right" link set p-up0 up
	check_until "with carrier it is up" 20 link_is up0 '.state == "up"'
	spread "and has the flow" 1 1 1 1
	ip -n "$left" link set up0 nomaster
	neighbour
	check_until "without a lower device it is the bond's again" 20 flows_are \
		"$left" 1 "$big" '.link | has("current") | not'
	check_until "there is no link" 20 links_are 0 true true
	udp_stop 5205
	unmake_bond bond0 up0
}

# --- names that are taken, capacities --------------------------------------

# renamed FROM TO: 6.1 does so with devices that are down only
renamed() {
	ip -n "$left" link set "$1" down && ip -n "$left" link set "$1" name "$2" &&
		ip -n "$left" link set "$2" up
}

test_names() {
	bond_links "$left" "$right" balance-xor up0 up1
	address_pair "$left" bond0 "$right" bond0
	manage bond0
	check_until "two links" 30 links_are 2 true '.state == "up"'
	check "one by hand" ankus -n "$left" link add fast dev up0
	check_fail "not twice" 2 '^ankus: .*exists' \
		ankus -n "$left" link add fast dev up1
	check "a device gets its name" renamed up1 fast
	check_until "its link keeps its own" 20 link_is up1 \
		'.ifname == "fast" and .state == "up"'
	check "as the other does" link_is fast '.ifname == "up0"'
	check "streams" tcp_start "$left" "$right" 10.0.0.2 5201 "$streams" 400K
	spread "both are used" 8 2 4 4
	ankus -n "$left" link del fast
	check_until "that goes: all have the names of their devices" 20 \
		links_are 2 true '.name == .ifname'
	check "names are exchanged" eval \
		'renamed up0 new && renamed fast up0 && renamed new fast'
	check_until "the links follow" 20 links_are 2 true \
		'.name == .ifname and .state == "up"'
	spread "both are used again" 8 2 4 4

	check "a tiny capacity" ankus -n "$left" link set fast capacity 1bit
	check_until "is left to nobody" 30 none_on fast
	check "all are tiny" ankus -n "$left" link set up0 capacity 1bit
	spread "they share the flows" 8 2 4 4
	streams_go_on "all streams go on"
	tcp_stop 5201

	ankus -n "$left" link add other dev up0
	ip -n "$left" link add bond1 type bond mode balance-xor
	ip -n "$left" link add other type dummy
	ip -n "$left" link set other master bond1
	ip -n "$left" link set bond1 up
	ankus -n "$left" dev add bond1
	check_until "of another bond, whose name is taken: the log tells" 20 \
		eval 'dmesg | grep -q "bond1: ankus: other is not used"'
	check "it has no link" links_are 0 '.upper_ifname == "bond1"' true
	ankus -n "$left" link del other
	check_until "the name is free: it is found" 20 link_is other \
		'.upper_ifname == "bond1" and .auto'
	ankus -n "$left" dev set bond1 links none
	ankus -n "$left" link add other dev up0
	ankus -n "$left" dev set bond1 links auto
	check_until "it is taken again" 20 link_is other '.ifname == "up0"'
	ankus -n "$left" dev del bond0
	check_until "free, as its bond is let go" 20 link_is other \
		'.upper_ifname == "bond1" and .auto'
	ip -n "$left" link del bond1
	unmake_bond bond0 up0 fast
}

# --- run -------------------------------------------------------------------

left='' right='' streams=8
load_module bonding
setup_ns left right
load_module ankus
test_loops
test_empty
test_names
finish
