# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A NIC with a stock driver, $nic in namespace $right, whose RX queues ankus pins
# by its RSS table, to be sourced after traffic.sh.  $flows streams come to it
# from $peer in $left, a NIC of the same kind.
#
# nic_find DRIVER PCI-DEVICE MAC0 MAC1
#                      sets $peer, $nic and $nic_parent, the folder of its device
#                      in /sys, or skips all; makes $left, $right
# nic_streams          addresses, module, streams; once the NIC is set up
# on_nic ARGS...       ethtool there
# rx_packets QUEUE     what the driver has counted; a test may have its own
# manage [WORDS...]    ankus takes over; $lib_out/before is the table then
# unmanage DESC        and leaves the table as it was
# table_is FILE        all that ethtool -x tells is as in there
# all_pinned DESC [SECONDS]
#                      each stream has a bucket that steers, or shares another's
# pin_by_hand ID QUEUE a stream is moved, and arrives there
# gather QUEUE         all are, and nearly nothing arrives elsewhere; then they
#                      are unpinned
# streams_go_on DESC   none of the connections was lost, and all get further
# module_goes, namespace_goes
#                      without anybody's word, the table is given back

# shellcheck disable=SC2154 # of lib.sh and the test
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
for tool in ethtool iperf3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

big='.dir == "in" and .state == "elephant"'
verified='(.rx_queue.state == "verified" and
	.rx_queue.observed == .rx_queue.target and .rx_queue.backend == "rss")'
shared='(.rx_queue.state == "parked" and (.rx_queue | has("shared_with")))'
left='' right='' peer='' nic=''

# nic_of MAC: the device with this address
nic_of() {
	ip -j link show | jq -r ".[] | select(.address == \"$1\").ifname"
}

nic_find() {
	local driver=$1
	nic_macs=("$3" "$4")

	grep -qsxE "$2" /sys/bus/pci/devices/*/device ||
		skip_all "no $driver NIC here (see the lines vm: in $0)"
	[ -d "/sys/bus/pci/drivers/$driver" ] || modprobe "$driver" 2>/dev/null ||
		skip_all "this kernel has no $driver"
	wait_until 20 eval '[ -n "$(nic_of "${nic_macs[0]}")" ] &&
		[ -n "$(nic_of "${nic_macs[1]}")" ]' ||
		skip_all "no two $driver NICs"
	peer=$(nic_of "${nic_macs[0]}") nic=$(nic_of "${nic_macs[1]}")
	# shellcheck disable=SC2034 # for the test
	nic_parent=$(readlink -f "/sys/class/net/$nic/device")
	setup_ns left right
	ip link set "$peer" netns "$left"
	ip link set "$nic" netns "$right"
	# so that packets are counted as they come
	on_nic -K "$nic" gro off
}

nic_streams() {
	address_pair "$left" "$peer" "$right" "$nic"
	in_ns "$right" sysctl -qw "net.ipv6.conf.$nic.keep_addr_on_down=1"
	load_module ankus
	wait_until 30 in_ns "$left" ping -c 1 -W 1 10.0.0.2
	check "streams" tcp_start "$left" "$right" 10.0.0.2 5301 "$flows" 4M \
		-l 8K
}

on_nic() {
	in_ns "$right" ethtool "$@"
}

rx_packets() {
	nic_counter "$right" "$nic" "rx_queue_$1_packets"
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
	check_until "$1" "${2:-30}" flows_are "$right" "$flows" "$big" \
		"$verified or $shared"
}

streams_go_on() {
	check "$1: the streams go on" tcp_go_on "$left" 5301 "$flows"
}

queue_count() {
	on_nic -l "$nic" | awk '$1 == "Combined:" { n = $2 } END { print n }'
}

# arrives_on QUEUE: nine of ten packets, as the driver counts
arrives_on() {
	local queue n before=() came=() sum=0
	n=$(queue_count)
	for ((queue = 0; queue < n; queue++)); do
		before[queue]=$(rx_packets "$queue")
	done
	sleep 2
	for ((queue = 0; queue < n; queue++)); do
		came[queue]=$(($(rx_packets "$queue") - before[queue]))
		sum=$((sum + came[queue]))
	done
	[ $sum -gt 50 ] && [ $((came[$1] * 10)) -ge $((sum * 9)) ] && return
	echo "the queues received ${came[*]} packets, not most of them queue $1"
	return 1
}

pin_by_hand() {
	check "pinned by hand" ankus -n "$right" flow pin "$1" queue "$2"
	check_until "a stream goes to queue $2" 20 flows_are "$right" 1 \
		".id == $1" "$verified and .rx_queue.observed == $2"
}

# What shares a bucket comes along.
gather() {
	local id
	for id in $(ankus -n "$right" -j flow show |
		jq ".[] | select($big and ($shared | not)) | .id"); do
		ankus -n "$right" flow pin "$id" queue "$1"
	done
	check_until "all streams go to queue $1" 30 flows_are "$right" "$flows" \
		"$big" ".rx_queue.observed == $1 and ($verified or $shared)"
	check_until "as the driver counts" 20 arrives_on "$1"
	for id in $(ankus -n "$right" -j flow show | jq ".[] | select($big) | .id"); do
		ankus -n "$right" flow unpin "$id"
	done
	check_until "unpinned, they go where the hash sends them" 20 flows_are \
		"$right" "$flows" "$big" '.rx_queue.state == "none"'
}

module_goes() {
	check "the module goes" unload_module ankus
	check "and the table is as before" table_is "$lib_out/before"
	streams_go_on "without the module"
	check "it comes again" insmod "$ANKUS_KO"
}

# The NIC comes back to the namespace that it is from.
namespace_goes() {
	tcp_stop 5301
	lib_delete_ns "$right"
	check_until "with the namespace, all is put back" 20 eval \
		'ethtool -x "$(nic_of "${nic_macs[1]}")" >"$lib_out/now" 2>&1 &&
			cmp "$lib_out/before" "$lib_out/now"'
	ip netns add "$right"
}
