#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RX queue pins by the RSS table of a real driver (igb; QEMU's model hashes and
# steers as the NIC does): TCP goes to the queue that is asked for and back, and
# the table is given back byte for byte, whatever happens to it meanwhile.
#
# vm: -q -netdev hubport,hubid=7,id=igb0 -netdev hubport,hubid=7,id=igb1 -device pcie-root-port,id=igbp0,chassis=7 -device pcie-root-port,id=igbp1,chassis=8 -device igb,bus=igbp0,netdev=igb0,mac=52:54:00:00:07:00 -device igb,bus=igbp1,netdev=igb1,mac=52:54:00:00:07:01
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

for tool in ethtool iperf3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

big='.dir == "in" and .state == "elephant"'
verified='(.rx_queue.state == "verified" and
	.rx_queue.observed == .rx_queue.target and .rx_queue.backend == "rss")'
shared='(.rx_queue.state == "parked" and (.rx_queue | has("shared_with")))'
flows=4

on_nic() {
	in_ns "$right" ethtool "$@"
}

manage() {
	rss_all "$right" "$nic" >"$lib_out/before"
	ankus -n "$right" dev add "$nic" mode steer rate 1mbit release 5s "$@"
}

table_is() {
	rss_all "$right" "$nic" >"$lib_out/now"
	cmp "$1" "$lib_out/now"
}

unmanage() {
	ankus -n "$right" dev del "$nic"
	check "$1: the table is as before" table_is "$lib_out/before"
}

all_pinned() {
	check_until "$1" "${2:-30}" flows_are "$right" $flows "$big" \
		"$verified or $shared"
}

streams_go_on() {
	check "$1: the streams go on" tcp_go_on "$left" 5301 $flows
}

# nic_of MAC: the device with this address
nic_of() {
	ip -j link show | jq -r ".[] | select(.address == \"$1\").ifname"
}

rx_packets() {
	nic_counter "$right" "$nic" "rx_queue_$1_packets"
}

# grows QUEUE: it receives packets, many of them
grows() {
	local before
	before=$(rx_packets "$1")
	sleep 1
	[ $(($(rx_packets "$1") - before)) -gt 100 ]
}

test_pins() {
	local id queue

	manage
	check "ntuple is not there, and why is told" dev_is "$right" "$nic" '
		.rx_backend == "rss" and (.rx_backends[0].reason | length > 0) and
		(.rx_backends[1] | .size == 128 and (has("reason") | not))'
	all_pinned "all are pinned and verified"
	id=$(flow_id "$right" "$big and $verified")
	for queue in 5 3; do
		check "pinned by hand" ankus -n "$right" flow pin "$id" queue $queue
		check_until "a stream goes to queue $queue" 20 flows_are "$right" \
			1 ".id == $id" "$verified and .rx_queue.observed == $queue"
		check "as the driver counts" grows $queue
	done
	ankus -n "$right" flow unpin "$id"
	check_until "unpinned, it goes to where the hash sends it" 20 flows_are \
		"$right" 1 ".id == $id" '.rx_queue.state == "none"'
	streams_go_on "pins"
	unmanage "pins"
}

test_changes() {
	manage
	all_pinned "before somebody else changes the table"
	on_nic -X "$nic" equal 4
	rss_all "$right" "$nic" >"$lib_out/theirs"
	check_each "somebody else's table: the pins tell so" 30 "$right" $flows \
		"$big" '.rx_queue.state == "refused" and
		(.rx_queue.reason | test("ethtool -X"))'
	sleep 2
	check "nothing is written over it" table_is "$lib_out/theirs"
	streams_go_on "somebody else's table"
	ankus -n "$right" dev del "$nic"
	check "nor in the end" table_is "$lib_out/theirs"
	on_nic -X "$nic" default

	# The driver's own default is another one than ethtool's.
	on_nic -L "$nic" combined 4
	on_nic -L "$nic" combined 8
	manage
	all_pinned "before there are fewer queues"
	on_nic -L "$nic" combined 4
	check_until "fewer queues: all are pinned to those" 60 flows_are "$right" \
		$flows "$big" "($verified and .rx_queue.current < 4) or $shared"
	streams_go_on "fewer queues"
	on_nic -L "$nic" combined 8
	all_pinned "more again: all are pinned" 60
	ip -n "$right" link set "$nic" down
	ip -n "$right" link set "$nic" up
	all_pinned "after down and up" 90
	unmanage "queues come and go"
}

test_dedicated() {
	manage rx-queues 6-7 rx-dedicated on
	check_until "dedicated queues are out of the table" 10 eval \
		'[ "$(rss_table "$right" "$nic" | grep -cE " (6|7)$")" -le "$flows" ]'
	all_pinned "but for the flows that are pinned to them"
	streams_go_on "dedicated"
	unmanage "dedicated"
}

test_teardown() {
	manage
	all_pinned "before the module goes"
	check "it goes" unload_module ankus
	check "and the table is as before" table_is "$lib_out/before"
	streams_go_on "without the module"
	check "it comes again" insmod "$ANKUS_KO"
	manage rx-queues 1-2 rx-dedicated on
	all_pinned "before the network namespace goes"
	# the NIC comes back to where it is from
	tcp_stop 5301
	lib_delete_ns "$right"
	check_until "with the namespace, all is put back" 20 eval \
		'ethtool -x "$(nic_of "$mac1")" >"$lib_out/now" 2>&1 &&
			cmp "$lib_out/before" "$lib_out/now"'
	ip netns add "$right"
}

mac0=52:54:00:00:07:00 mac1=52:54:00:00:07:01
grep -qs 0x10c9 /sys/bus/pci/devices/*/device ||
	skip_all "no igb NIC here (see the line vm: in $0)"
modprobe igb || skip_all "this kernel has no igb"
peer='' nic=''
wait_until 20 eval '[ -n "$(nic_of "$mac0")" ] && [ -n "$(nic_of "$mac1")" ]' ||
	skip_all "no two igb NICs"
peer=$(nic_of $mac0) nic=$(nic_of $mac1)
left='' right=''
setup_ns left right
ip link set "$peer" netns "$left"
ip link set "$nic" netns "$right"
on_nic -L "$nic" combined 8
# so that packets are counted as they come
on_nic -K "$nic" gro off
address_pair "$left" "$peer" "$right" "$nic"
in_ns "$right" sysctl -qw "net.ipv6.conf.$nic.keep_addr_on_down=1"
load_module ankus
wait_until 30 in_ns "$left" ping -c 1 -W 1 10.0.0.2
check "streams" tcp_start "$left" "$right" 10.0.0.2 5301 $flows 4M -l 8K

test_pins
test_changes
test_dedicated
test_teardown
finish
