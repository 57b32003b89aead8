#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RX queue pins by the RSS table of a real driver (virtio_net, whose device in
# QEMU hashes and steers): as nic_igb.sh.  On kernels before 6.13 the driver loses
# RSS with the number of queues, which pins have to survive; and with more queues
# than at first, the device goes by the number there was, and pins that have no
# effect for that are given up.
#
# vm: -c 3
# vm: -T -device virtio-net-pci,netdev=tap0,mac=52:54:00:00:09:00,mq=on,rss=on,hash=on,vectors=10 -device virtio-net-pci,netdev=tap1,mac=52:54:00:00:09:01,mq=on,rss=on,hash=on,vectors=10
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

# Since 6.10 the driver's packets are not in ethtool -S: then its interrupts.
rx_packets() {
	local n
	n=$(nic_counter "$right" "$nic" "rx_queue_$1_packets")
	[ -n "$n" ] || n=$(awk -v name="${nic_parent##*/}-input.$1" '
		$NF == name {
			for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i
			print n
		}' /proc/interrupts)
	echo "$n"
}

test_pins() {
	local id queue

	manage
	check "ntuple is not there, and why is told" dev_is "$right" "$nic" '
		.rx_backend == "rss" and (.rx_backends[0].reason | length > 0) and
		(.rx_backends[1] | .size == 128 and (has("reason") | not))'
	all_pinned "all are pinned and verified"
	id=$(flow_id "$right" "$big and $verified")
	for queue in 2 1; do
		pin_by_hand "$id" $queue
	done
	gather 2
	effective "pins"
	streams_go_on "pins"
	unmanage "pins"
}

effective() {
	check "$1: no pin was given up" stat_is "$right" "$nic" '.ineffective == 0'
}

test_changes() {
	manage
	all_pinned "before somebody else changes the table"
	on_nic -X "$nic" equal 2
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

	# Nothing of the table has to change for a queue that nobody is to use.
	on_nic -L "$nic" combined 2
	on_nic -X "$nic" default
	manage rx-queues 0-1
	all_pinned "before there are more queues"
	on_nic -L "$nic" combined 3
	sleep 3
	all_pinned "more queues: all are pinned"
	effective "more queues"
	ankus -n "$right" dev del "$nic"
	on_nic -X "$nic" default

	manage
	all_pinned "before there are fewer queues"
	on_nic -L "$nic" combined 2
	check_until "fewer queues: all are pinned to those" 60 flows_are "$right" \
		$flows "$big" "($verified and .rx_queue.current < 2) or $shared"
	check "the table names no other" eval \
		'! rss_table "$right" "$nic" | grep -vE " [01]$"'
	effective "fewer queues"
	streams_go_on "fewer queues"
	on_nic -L "$nic" combined 3
	all_pinned "more again: all are pinned" 60
	effective "more again"
	ip -n "$right" link set "$nic" down
	ip -n "$right" link set "$nic" up
	all_pinned "after down and up" 90
	unmanage "queues come and go"
}

test_dedicated() {
	manage rx-queues 2 rx-dedicated on
	check_until "a dedicated queue is out of the table" 10 eval \
		'[ "$(rss_table "$right" "$nic" | grep -c " 2$")" -le "$flows" ]'
	all_pinned "but for the flows that are pinned to it"
	check_until "which arrive there" 20 arrives_on 2
	streams_go_on "dedicated"
	unmanage "dedicated"
}

# What the driver makes of a fourth queue, which it has not begun with, is seen
# without ankus first.
test_late_queue() {
	local sound=1

	on_nic -L "$nic" combined 4
	on_nic -X "$nic" weight 0 0 0 1
	arrives_on 3 || sound=''
	on_nic -X "$nic" default
	manage rx-queues 3
	if [ -n "$sound" ]; then
		all_pinned "a queue more than at first: all are pinned to it"
		check_until "and arrive there" 20 arrives_on 3
	else
		diag "the driver gives the device the number of queues it had"
		check_each "such pins are ineffective, and why is told" 60 "$right" \
			$flows "$big" '(.rx_queue.state == "ineffective" and
			(.rx_queue.reason | test("seen elsewhere")))'
		check_each "the flows go to a CPU instead" 60 "$right" $flows \
			"$big" '.cpu.state == "verified"'
		check "as is counted" stat_is "$right" "$nic" '.ineffective > 0'
		check "and that the table is no use" dev_is "$right" "$nic" \
			'.rx_backends[1].last == ["tcp4"]'
	fi
	streams_go_on "a queue more"
	unmanage "a queue more"
	# Some drivers let the table name a queue that is gone.
	on_nic -L "$nic" combined 3
	manage
	all_pinned "with that one less"
	ankus -n "$right" dev del "$nic"
	check "and in the end the table names no other" eval \
		'! rss_table "$right" "$nic" | grep -vE " [012]$"'
	on_nic -X "$nic" default
}

test_teardown() {
	manage
	all_pinned "before the module goes"
	module_goes
	manage rx-queues 1-2 rx-dedicated on
	all_pinned "before the network namespace goes"
	namespace_goes
}

nic_find virtio_net '0x1000|0x1041' 52:54:00:00:09:00 52:54:00:00:09:01
# Built into the kernel, the driver has begun before there were CPUs.
[ "$(queue_count)" -eq 3 ] || on_nic -L "$nic" combined 3
nic_streams

test_pins
test_changes
test_dedicated
test_late_queue
test_teardown
finish
