#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A real driver whose device takes an RSS table and does not steer by it
# (vmxnet3 in QEMU): pins end as ineffective, and the table is given back.
#
# vm: -q -netdev hubport,hubid=8,id=vx0 -netdev hubport,hubid=8,id=vx1 -device vmxnet3,netdev=vx0,mac=52:54:00:00:08:00 -device vmxnet3,netdev=vx1,mac=52:54:00:00:08:01
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
flows=2

# nic_of MAC: the device with this address
nic_of() {
	ip -j link show | jq -r ".[] | select(.address == \"$1\").ifname"
}

mac0=52:54:00:00:08:00 mac1=52:54:00:00:08:01
grep -qs 0x07b0 /sys/bus/pci/devices/*/device ||
	skip_all "no vmxnet3 NIC here (see the line vm: in $0)"
modprobe vmxnet3 || skip_all "this kernel has no vmxnet3"
wait_until 20 eval '[ -n "$(nic_of "$mac0")" ] && [ -n "$(nic_of "$mac1")" ]' ||
	skip_all "no two vmxnet3 NICs"
peer=$(nic_of $mac0) nic=$(nic_of $mac1)
left='' right=''
setup_ns left right
ip link set "$peer" netns "$left"
ip link set "$nic" netns "$right"
in_ns "$right" ethtool -K "$nic" gro off
address_pair "$left" "$peer" "$right" "$nic"
load_module ankus
wait_until 30 in_ns "$left" ping -c 1 -W 1 10.0.0.2
check "streams" tcp_start "$left" "$right" 10.0.0.2 5301 $flows 4M -l 8K

rss_all "$right" "$nic" >"$lib_out/before"
ankus -n "$right" dev add "$nic" mode steer rate 1mbit release 5s rx-queues 1
check "there is an RSS table" dev_is "$right" "$nic" '.rx_backend == "rss"'
# Both may be in one bucket.
check_each "pins are ineffective, with the reason" 60 "$right" $flows "$big" '
	(.rx_queue.state == "ineffective" and
	 (.rx_queue.reason | test("seen elsewhere"))) or
	(.rx_queue.state == "parked" and (.rx_queue | has("shared_with")))'
check "as is counted" stat_is "$right" "$nic" '.ineffective > 0 and .verified == 0'
check "the streams go on" tcp_go_on "$left" 5301 $flows
ankus -n "$right" dev del "$nic"
rss_all "$right" "$nic" >"$lib_out/after"
check "the table is as before" cmp "$lib_out/before" "$lib_out/after"
finish
