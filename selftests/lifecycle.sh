#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every way in which steering ends, while streams run: by request, with the
# module, with the device, with the namespace.  Nothing of it is left and the
# streams go on, where there is still a way for them.

# shellcheck disable=SC2154,SC2317 # setup_ns sets names; called by name
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/traffic.sh
. "$(dirname "$0")/traffic.sh"

port=5301
streams=40

# NIC and bond under the same streams: s0 receives what bond0 of another pair
# of namespaces has nothing to do with.
nic_up() {
	check "a test NIC" simnic_pair "$peer" "$server" || finish
	address_pair "$peer" s0p "$server" s0
	# Rules of somebody else, which are to be there in the end
	in_ns "$server" ethtool -N s0 flow-type tcp4 dst-port 9000 action 1 loc 0
	in_ns "$server" ethtool -N s0 flow-type udp6 action 2 loc 62
	check_is "rules of others" 2 "$(nic_rule_count "$server" s0)"
	device_state "$server" s0 >"$traffic_dir/state-before"
	nic_rules "$server" s0 >"$traffic_dir/rules-before"
}

nic_manage() {
	ankus -n "$server" dev add s0 mode steer rate 50kbit hold 0ms \
		release 5s
}

nic_streams() {
	tcp_start "$peer" "$server" 10.0.0.2 $port "$1" 300K
}

# shellcheck disable=SC2016 # for jq
pinned='.dir == "in" and .state == "elephant" and .rx_queue.current != null'

nic_pinned() {
	[ "$(ankus -n "$server" -j flow show | jq "[.[] | select($pinned)] | length")" \
		-ge "$1" ] && [ "$(nic_rule_count "$server" s0)" -ge "$(($1 + 2))" ]
}

# check_nic_pinned DESC COUNT: so many rules are there, and each was seen to steer
check_nic_pinned() {
	check_until "$1" 60 nic_pinned "$2"
	check_each "$1, and verified" 60 "$server" "$2" \
		'.dir == "in" and .state == "elephant"' '.rx_queue.state == "verified"'
}

nic_rules_unchanged() {
	nic_rules "$server" s0 | diff "$traffic_dir/rules-before" -
}

nic_unchanged() {
	nic_rules_unchanged &&
		device_state "$server" s0 | diff "$traffic_dir/state-before" -
}

managed() {
	[ "$(ankus -n "$1" -j dev show | jq length)" -eq "$2" ]
}

# New namespaces under the same names, for what outlives them
nic_down() {
	tcp_stop $port
	lib_delete_ns "$peer"
	lib_delete_ns "$server"
	ip netns add "$peer" && ip netns add "$server"
}

test_del() {
	local i
	nic_manage
	check_nic_pinned "$streams streams are pinned in the NIC" $streams
	check "dev del while they run" ankus -n "$server" dev del s0
	check "no rule is left and nothing else has changed" nic_unchanged
	check "the streams go on" tcp_go_on "$peer" $port $streams

	for i in 1 2 3 4 5; do
		if ! nic_manage || ! ankus -n "$server" dev del s0; then
			break
		fi
	done
	check_is "managed and let go five times" 5 "$i"
	check "no rule is left" nic_unchanged
}

test_observe() {
	nic_manage
	check_nic_pinned "pinned again" $streams
	check "mode observe while they run" \
		ankus -n "$server" dev set s0 mode observe
	check_until "takes the rules out" 20 nic_unchanged
	check "dev set mode steer" ankus -n "$server" dev set s0 mode steer
	check_nic_pinned "puts them back" $streams
}

test_channels() {
	check_fail "fewer channels than rules point to are refused" 0 '' \
		in_ns "$server" bash -c '! ethtool -L s0 combined 4'
	check "queues 0-1 for elephants" \
		ankus -n "$server" dev set s0 rx-queues 0-1
	check_until "all flows have moved there" 60 flows_are "$server" $streams \
		"$pinned" '.rx_queue.current < 2'
	check "then channels can be taken away" \
		in_ns "$server" ethtool -L s0 combined 4
	check "and the streams go on" tcp_go_on "$peer" $port $streams
	in_ns "$server" ethtool -L s0 combined 8
	ankus -n "$server" dev set s0 rx-queues all
}

test_rename() {
	ip -n "$server" link set s0 down
	check "a managed device can be renamed" \
		ip -n "$server" link set s0 name nic0
	ip -n "$server" link set nic0 up
	check_json "and is known by its new name" '.[0].ifname == "nic0"' \
		ankus -n "$server" -j dev show
	ip -n "$server" link set nic0 down
	ip -n "$server" link set nic0 name s0
	ip -n "$server" link set s0 up
	check "the streams go on" tcp_go_on "$peer" $port $streams
	check_nic_pinned "with their pins" $streams
}

test_rmmod() {
	check_nic_pinned "pinned before the module goes" $streams
	check "rmmod while $streams streams run" rmmod ankus
	check "no rule is left" nic_rules_unchanged
	check "the streams go on" tcp_go_on "$peer" $port $streams
	load_module ankus
	check "nothing is managed after a new load" managed "$server" 0
	nic_manage
	check_nic_pinned "and all is steered again" $streams
}

test_other_netns() {
	local other
	setup_ns other
	check_nic_pinned "pinned before the device leaves" $streams
	check "a managed device moves to another namespace" \
		ip -n "$server" link set s0 netns "$other"
	check "its old namespace manages nothing" managed "$server" 0
	check "nor does its new one" managed "$other" 0
	check_is "no rule is left in it" "$(cat "$traffic_dir/rules-before")" \
		"$(nic_rules "$other" s0)"
}

test_unregister() {
	nic_manage
	nic_streams 8
	check_nic_pinned "pinned before the device is deleted" 8
	check "the device is deleted" ip -n "$server" link del s0
	check "and not managed any more" managed "$server" 0
}

test_driver_unload() {
	nic_up
	nic_manage
	nic_streams 8
	check_nic_pinned "pinned before the driver goes" 8
	check "rmmod of the driver of a managed NIC" rmmod simnic
	check "nothing is managed any more" managed "$server" 0
	load_module simnic
}

test_netns_exit() {
	nic_up
	nic_manage
	nic_streams 8
	check_nic_pinned "pinned before the namespace goes" 8
	ankus -n "$server" rule add pref 1 action auto
	# The NIC goes back to where hardware comes from, without our rules.
	echo 1 >/sys/module/simnic/parameters/netns_refund
	check "its namespace is deleted" lib_delete_ns "$server"
	check_until "the NIC is still there" 20 ip link show dev s0
	check_is "no rule is left in it" "$(cat "$traffic_dir/rules-before")" \
		"$(ethtool -n s0)"
	echo 0 >/sys/module/simnic/parameters/netns_refund
	check "nor is it managed" [ "$(ankus -j dev show)" = "[]" ]
	ip link del s0
	ip netns add "$server"
	check "the module is not in use" wait_until 20 module_unused
}

module_unused() {
	[ "$(cat /sys/module/ankus/refcnt)" -eq 0 ]
}

# Links: the pins are in the packet path, and the streams must not notice
bond_up() {
	check "a bond of four links" \
		bond_links "$left" "$right" balance-xor up0 up1 up2 up3 || finish
	address_pair "$left" bond0 "$right" bond0
	one_receiver "$right" p-up0
	bond_manage
	tcp_start "$left" "$right" 10.0.0.2 $port $streams 300K
}

bond_manage() {
	ankus -n "$left" dev add bond0 mode steer rate 50kbit hold 0ms release 5s
}

links_pinned() {
	[ "$(ankus -n "$left" -j flow show state elephant |
		jq '[.[] | select(.link.current != null)] | length')" -ge "$1" ]
}

check_links_pinned() {
	check_until "$1" 60 links_pinned "$2"
	check_each "$1, and verified" 60 "$left" "$2" \
		'.dir == "out" and .state == "elephant"' '.link.state == "verified"'
}

test_links() {
	bond_up
	check_links_pinned "$streams streams are pinned to links" $streams
	check "dev del while they run" ankus -n "$left" dev del bond0
	check "the streams go on" tcp_go_on "$left" $port $streams
	bond_manage
	check_links_pinned "pinned again" $streams
	check "rmmod while they run" rmmod ankus
	check "the streams go on" tcp_go_on "$left" $port $streams
	load_module ankus
	bond_manage
	check_links_pinned "pinned after a new load" $streams
	check "the bond is deleted with all its pins" ip -n "$left" link del bond0
	check "and not managed any more" managed "$left" 0
	check_json "nor are its links" 'length == 0' ankus -n "$left" -j link show
}

load_module bonding
load_module simnic
load_module ankus

setup_ns peer server left right
nic_up
check "$streams streams run" nic_streams $streams || finish
test_del
test_observe
test_channels
test_rename
test_rmmod
test_other_netns
nic_down
nic_up
test_unregister
nic_down
test_driver_unload
nic_down
test_netns_exit
tcp_stop $port
test_links
tcp_stop $port
check "the module can go when all is done" rmmod ankus
load_module ankus
finish
