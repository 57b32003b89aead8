#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RX queue pins by the RSS table of a real driver that tells its key, and whose
# device puts the hash into packets (virtio_net; QEMU hashes and steers).
#
# vm: -T
# vm: -q -netdev tap,id=vn0,ifname=tap0,queues=4,script=no,downscript=no,vhost=off -netdev tap,id=vn1,ifname=tap1,queues=4,script=no,downscript=no,vhost=off -device virtio-net-pci,netdev=vn0,mac=52:54:00:00:09:00,mq=on,rss=on,hash=on,vectors=10 -device virtio-net-pci,netdev=vn1,mac=52:54:00:00:09:01,mq=on,rss=on,hash=on,vectors=10
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
flows=3

# nic_of MAC: the device with this address
nic_of() {
	ip -j link show | jq -r ".[] | select(.address == \"$1\").ifname"
}

table_is() {
	rss_all "$right" "$nic" >"$lib_out/now"
	cmp "$1" "$lib_out/now"
}

mac0=52:54:00:00:09:00 mac1=52:54:00:00:09:01
grep -qs 0x1000 /sys/bus/pci/devices/*/device ||
	grep -qs 0x1041 /sys/bus/pci/devices/*/device ||
	skip_all "no virtio NIC here: no /dev/net/tun (see the lines vm: in $0)"
modprobe virtio_net || skip_all "this kernel has no virtio_net"
wait_until 20 eval '[ -n "$(nic_of "$mac0")" ] && [ -n "$(nic_of "$mac1")" ]' ||
	skip_all "no two virtio NICs"
peer=$(nic_of $mac0) nic=$(nic_of $mac1)
left='' right=''
setup_ns left right
ip link set "$peer" netns "$left"
ip link set "$nic" netns "$right"
in_ns "$right" ethtool -L "$nic" combined 4
in_ns "$right" ethtool -K "$nic" gro off
address_pair "$left" "$peer" "$right" "$nic"
load_module ankus
wait_until 30 in_ns "$left" ping -c 1 -W 1 10.0.0.2
check "streams" tcp_start "$left" "$right" 10.0.0.2 5301 $flows 4M -l 8K

rss_all "$right" "$nic" >"$lib_out/before"
ankus -n "$right" dev add "$nic" mode steer rate 1mbit release 5s
check "there is an RSS table" dev_is "$right" "$nic" '.rx_backend == "rss"'
check_until "all are pinned and verified" 30 flows_are "$right" $flows "$big" \
	"$verified or $shared"
id=$(flow_id "$right" "$big and $verified")
for queue in 3 1; do
	check "pinned by hand" ankus -n "$right" flow pin "$id" queue $queue
	check_until "a stream goes to queue $queue" 20 flows_are "$right" 1 \
		".id == $id" "$verified and .rx_queue.observed == $queue"
done
check "the streams go on" tcp_go_on "$left" 5301 $flows
ankus -n "$right" dev del "$nic"
check "the table is as before" table_is "$lib_out/before"
finish
