#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Beginning and end: of the module, of managing a device, of the device itself
# and of its namespace, while many streams are pinned.  They go on, or end with
# their device; nothing is left behind.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

for tool in ethtool iperf3 jq; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

streams=40 port=5400

# --- helpers ---------------------------------------------------------------

on_nic() {
	in_ns "$right" ethtool "$@"
}

# A pair of NICs, and streams from s0p to s0
connect() {
	port=$((port + 1))
	simnic_pair "$left" "$right" &&
		quietly on_nic -N s0 flow-type tcp4 dst-port 1 action 1 loc 63 &&
		tc -n "$left" qdisc replace dev s0p root handle 1: mq &&
		address_pair "$left" s0p "$right" s0 &&
		tcp_start "$left" "$right" 10.0.0.2 $port $streams 400K
}

# What there is before a device is managed
remember() {
	device_state "$right" s0 >"$lib_out/right"
	device_state "$left" s0p >"$lib_out/left"
}

manage() {
	ankus -n "$right" dev add s0 mode steer rate 150kbit release 5s &&
		ankus -n "$left" dev add s0p mode steer rate 150kbit release 5s
}

rx_pinned() {
	flows_are "$right" $streams '.dir == "in" and .state == "elephant"' \
		'.rx_queue.state == "verified"'
}

tx_pinned() {
	flows_are "$left" $streams '.dir == "out" and .state == "elephant"' \
		'.tx_queue.state == "verified"'
}

all_pinned() {
	check_until "$1: all are pinned where they arrive" 60 rx_pinned
	check_until "$1: and where they leave" 60 tx_pinned
}

# Nothing is left of ours, and nothing of others' is missing
untouched() {
	device_state "$right" s0 >"$lib_out/right.now"
	device_state "$left" s0p >"$lib_out/left.now"
	check "$1: the receiving device is as before" \
		cmp "$lib_out/right" "$lib_out/right.now"
	check "$1: and the sending one" cmp "$lib_out/left" "$lib_out/left.now"
}

streams_go_on() {
	check "$1: all streams go on" tcp_go_on "$left" $port $streams
}

managed() {
	ankus -n "$1" -j dev show | jq -r '[.[].ifname] | join(" ")'
}

# At once: nothing holds the module any more.
remove_module() {
	check "$1: the module can be removed" rmmod ankus
}

# --- tests -----------------------------------------------------------------

test_rmmod() {
	check "40 streams" connect
	remember
	manage
	all_pinned "rmmod"
	monitor_start "$left"
	remove_module "rmmod"
	untouched "rmmod"
	streams_go_on "rmmod"
	monitor_stop

	load_module ankus
	check_is "loaded again: no device is managed" "" \
		"$(managed "$left")$(managed "$right")"
	manage
	all_pinned "loaded again"
}

test_dev_del() {
	ankus -n "$right" dev del s0
	ankus -n "$left" dev del s0p
	untouched "dev del"
	streams_go_on "dev del"
}

test_loops() {
	local i failed=0

	for ((i = 0; i < 12; i++)); do
		manage || failed=1
		sleep "0.$((i % 6))"
		ankus -n "$right" dev set s0 mode observe || failed=1
		ankus -n "$right" dev set s0 mode steer rx-queues $((i % 8)) ||
			failed=1
		sleep "0.$((i * 5 % 7))"
		ankus -n "$left" dev del s0p || failed=1
		ankus -n "$right" dev del s0 || failed=1
	done
	check_is "added and deleted, 12 times" 0 $failed
	untouched "loops"
	streams_go_on "loops"
	manage
	all_pinned "loops"
	for ((i = 0; i < 3; i++)); do
		ankus -n "$left" flow show >/dev/null &
		ankus -n "$right" dev del s0 &
		ankus -n "$right" flow show >/dev/null &
		rmmod ankus 2>/dev/null
		wait
		check_until "module removed and loaded under requests, $i" 20 \
			reloaded
	done
	untouched "reload"
	streams_go_on "reload"
}

reloaded() {
	[ ! -d /sys/module/ankus ] || rmmod ankus || return 1
	insmod "$ANKUS_KO"
}

test_rename() {
	ankus -n "$right" rule add pref 10 dev s0 action rx-queues 1-2
	manage
	all_pinned "rename"
	ip -n "$right" link set s0 down
	ip -n "$right" link set s0 name other0
	ip -n "$right" link set other0 up
	check_is "rename: it is managed by its new name" other0 \
		"$(managed "$right")"
	check_until "rename: all are pinned, and the rule by name is no more" 60 \
		flows_are "$right" $streams '.dir == "in" and
		.state == "elephant" and .rx_queue.state == "verified"' \
		'.ifname == "other0" and (has("rule_pref") | not)'
	ip -n "$right" link set other0 down
	ip -n "$right" link set other0 name s0
	ip -n "$right" link set s0 up
	check_until "rename: back, the rule is" 60 flows_are "$right" $streams \
		'.dir == "in" and .state == "elephant" and
		.rx_queue.state == "verified"' \
		'.rule_pref == 10 and (.rx_queue.current | IN(1, 2))'
	streams_go_on "rename"
	ankus -n "$right" rule flush
}

test_channels() {
	check_not "channels: what rules use cannot go" channels "$right" s0 2
	ankus -n "$right" dev set s0 rx-queues 0-3
	check_until "channels: rules leave queues that are closed" 60 below 4
	check "channels: then these can go" channels "$right" s0 4
	check "channels: the number is known" dev_is "$right" s0 \
		'.num_rx_queues == 4 and .num_tx_queues == 4'
	check_until "channels: all are pinned" 60 below 4
	check "channels: and more can come" channels "$right" s0 8
	ankus -n "$right" dev set s0 rx-queues all
	check_until "channels: which are used" 60 used_above 3
	all_pinned "more channels"

	check "channels: fewer at the sending side" channels "$left" s0p 2
	check_until "channels: pins leave queues that are gone" 60 \
		flows_are "$left" $streams '.dir == "out" and
		.state == "elephant" and .tx_queue.state == "verified"' \
		'.tx_queue.current < 2'
	check "channels: more again" channels "$left" s0p 8
	all_pinned "all channels"
	streams_go_on "channels"
	ankus -n "$right" dev del s0
	ankus -n "$left" dev del s0p
	# The new queues have no qdisc with a handle.
	tc -n "$left" qdisc replace dev s0p root pfifo
	tc -n "$left" qdisc replace dev s0p root handle 1: mq
	untouched "channels"
}

channels() {
	in_ns "$1" ethtool -L "$2" combined "$3"
}

below() {
	flows_are "$right" $streams '.dir == "in" and .state == "elephant" and
		.rx_queue.state == "verified"' ".rx_queue.current < $1"
}

used_above() {
	ankus -n "$right" -j flow show state elephant |
		jq -e "any(.[]; .rx_queue.current > $1)" >/dev/null
}

# To another namespace, where nobody manages it, and back
test_move() {
	manage
	all_pinned "move"
	ip -n "$right" link set s0 netns "$far"
	check_is "moved: no longer managed" "" "$(managed "$right")$(managed "$far")"
	check_is "moved: it has the other rule, and none of ours" "Filter: 63" \
		"$(in_ns "$far" ethtool -n s0 | grep '^Filter')"
	check "moved: the other end is" flows_are "$left" 0 '.ifname != "s0p"' true
	ip -n "$far" link set s0 netns "$right"
	ip -n "$right" addr add 10.0.0.2/24 dev s0
	ip -n "$right" link set s0 up
	streams_go_on "moved back"
	ankus -n "$right" dev add s0 mode steer rate 150kbit release 5s
	all_pinned "moved back"
}

# The pair goes, from the end that receives.
test_unregister() {
	ip -n "$right" link del s0
	check_is "device deleted: none is managed" "" \
		"$(managed "$left")$(managed "$right")"
	tcp_stop $port
	remove_module "device deleted"
	load_module ankus

	check "device deleted: another one" connect
	manage
	all_pinned "rmmod simnic"
	check "rmmod simnic: it can be removed" rmmod simnic
	check_is "rmmod simnic: no device is managed" "" \
		"$(managed "$left")$(managed "$right")"
	tcp_stop $port
	remove_module "rmmod simnic"
}

test_namespace() {
	load_module ankus
	load_module simnic
	check "namespace: streams" connect
	ankus -n "$right" rule add pref 10 dev s0 action auto
	manage
	all_pinned "namespace"
	check "namespace: it can be deleted" lib_delete_ns "$right"
	check_until "namespace: its devices go with it" 30 no_device "$left" s0p
	check_is "namespace: none is managed" "" "$(managed "$left")"
	tcp_stop $port
	remove_module "namespace"
	ip netns add "$right"
	ip -n "$right" link set lo up
}

no_device() {
	! quietly ip -n "$1" link show dev "$2"
}

test_bond() {
	load_module bonding
	load_module ankus
	bond_links "$left" "$right" balance-xor up0 up1
	address_pair "$left" bond0 "$right" bond0
	check "bond: streams" tcp_start "$left" "$right" 10.0.0.2 5500 8 800K
	ankus -n "$left" dev add bond0 mode steer rate 300kbit
	check_until "bond: all are pinned" 40 bond_pinned 8
	remove_module "bond"
	check "bond: all streams go on" tcp_go_on "$left" 5500 8
	load_module ankus
	ankus -n "$left" dev add bond0 mode steer rate 300kbit
	check_until "bond: pinned again" 40 bond_pinned 8
	ip -n "$left" link set up0 netns "$far"
	check_until "bond: a link moves to another namespace" 40 \
		bond_pinned 8 '.link.link == "up1"'
	check "bond: all streams go on then, too" tcp_go_on "$left" 5500 8
	ip -n "$left" link del bond0
	check_is "bond deleted: none is managed" "" "$(managed "$left")"
	check_is "bond deleted: nor a link" "[]" "$(ankus -n "$left" -j link show)"
	tcp_stop 5500
	remove_module "bond deleted"
}

bond_pinned() {
	flows_are "$left" "$1" '.dir == "out" and .state == "elephant"' \
		".link.state == \"verified\" and ${2:-true}"
}

# --- run -------------------------------------------------------------------

left='' right='' far=''
setup_ns left right far
load_module simnic
load_module ankus

test_rmmod
test_dev_del
test_loops
test_rename
test_channels
test_move
test_unregister
test_namespace
test_bond
finish
