#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A real driver whose device takes an RSS table and steers nothing by it
# (vmxnet3 in QEMU), and which does not tell what is hashed: pins are refused,
# the flows go to CPUs instead, and the table is given back when it was changed
# for dedicated queues.
#
# vm: -q -netdev hubport,hubid=8,id=vx0 -netdev hubport,hubid=8,id=vx1 -device vmxnet3,netdev=vx0,mac=52:54:00:00:08:00 -device vmxnet3,netdev=vx1,mac=52:54:00:00:08:01
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
flows=2

rx_packets() {
	in_ns "$right" ethtool -S "$nic" | awk -v queue="$1" '
		/Rx Queue#:/ { here = $NF == queue }
		here && /ucast pkts rx:/ { print $NF }'
}

refused='.rx_queue.state == "refused" and
	(.rx_queue.reason | test("not tell what is hashed"))'

test_pins() {
	manage
	check "there is an RSS table" dev_is "$right" "$nic" '
		.rx_backend == "rss" and (.rx_backends[1] |
		.size == 128 and (has("reason") | not))'
	check_each "pins are refused, and why is told" 30 "$right" $flows "$big" \
		"$refused and .rx_queue.failed[0].backend == \"rss\""
	check_each "the flows go to CPUs instead" 30 "$right" $flows "$big" \
		'.cpu.state == "verified"'
	check "as is counted" stat_is "$right" "$nic" \
		'.refused > 0 and .pins_rx_queue == 0 and .pins_cpu == 2'
	check "nothing was written" table_is "$lib_out/before"
	check "all comes to one queue" arrives_on 0
	streams_go_on "refused"
	unmanage "refused"
}

apart() {
	[ "$(rss_table "$right" "$nic" | grep -c ' 1$')" -eq 0 ]
}

test_dedicated() {
	manage rx-queues 1 rx-dedicated on
	check_until "the dedicated queue is out of the table" 20 apart
	check_each "pins to it are refused" 30 "$right" $flows "$big" "$refused"
	ip -n "$right" link set "$nic" down
	ip -n "$right" link set "$nic" up
	check_until "it still is after down and up" 20 apart
	streams_go_on "dedicated"
	unmanage "dedicated"

	manage rx-queues 1 rx-dedicated on
	check_until "dedicated again" 20 apart
	on_nic -X "$nic" weight 1 3
	rss_all "$right" "$nic" >"$lib_out/theirs"
	check_until "somebody else's table is left to them, and that is told" 20 \
		dev_is "$right" "$nic" '.rx_backends[1].reason | test("ethtool -X")'
	sleep 2
	check "nothing is written over it" table_is "$lib_out/theirs"
	ankus -n "$right" dev del "$nic"
	check "nor in the end" table_is "$lib_out/theirs"
	on_nic -X "$nic" default
}

test_teardown() {
	manage rx-queues 1 rx-dedicated on
	check_until "before the module goes" 20 apart
	module_goes
	manage rx-queues 1 rx-dedicated on
	check_until "before the network namespace goes" 20 apart
	namespace_goes
}

nic_find vmxnet3 0x07b0 52:54:00:00:08:00 52:54:00:00:08:01
nic_streams

test_pins
test_dedicated
test_teardown
finish
