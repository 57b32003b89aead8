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
# shellcheck source=nic_real.sh
. "$(dirname "$0")/nic_real.sh"
# shellcheck disable=SC2034 # of nic_real.sh
flows=4

test_pins() {
	local id queue

	manage
	check "ntuple is not there, and why is told" dev_is "$right" "$nic" '
		.rx_backend == "rss" and (.rx_backends[0].reason | length > 0) and
		(.rx_backends[1] | .size == 128 and (has("reason") | not))'
	all_pinned "all are pinned and verified"
	id=$(flow_id "$right" "$big and $verified")
	for queue in 5 3; do
		pin_by_hand "$id" $queue
	done
	gather 6
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
	module_goes
	manage rx-queues 1-2 rx-dedicated on
	all_pinned "before the network namespace goes"
	namespace_goes
}

nic_find igb 0x10c9 52:54:00:00:07:00 52:54:00:00:07:01
on_nic -L "$nic" combined 8
nic_streams

test_pins
test_changes
test_dedicated
test_teardown
finish
