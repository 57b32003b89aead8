#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A million flows and ten thousand elephants on one device: the memory that they
# and their pairs of addresses take is what it says and no more, and a list of
# the elephants is one consistent pass.  On debug kernels a fiftieth of that.
#
# Functions are called by their names.
# shellcheck disable=SC2317,SC2329
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

[ -x "$NLRAW" ] || skip_all "no $NLRAW (make -C selftests)"
modprobe pktgen || skip_all "this kernel has no pktgen"
defer modprobe -r pktgen

table=1048576 mice=1000000 elephants=10000
if [ -e /sys/kernel/debug/kmemleak ]; then
	table=20480 mice=20000 elephants=200
	diag "a debug kernel: $mice flows and $elephants elephants"
fi

ns=''
slab=/sys/kernel/slab

# pktgen COUNT SETTING...: so many packets, received by d0; each differs from
# the one before, and none goes any further, as none is for this host
pktgen() {
	local count=$1 setting
	shift

	# shellcheck disable=SC2016 # for the inner shell
	{
		echo "kpktgend_0 rem_device_all"
		echo "kpktgend_0 add_device d0"
		for setting in "count $count" "clone_skb 0" "delay 0" \
			"xmit_mode netif_receive" \
			"dst_mac 02:00:00:00:00:99" "$@"; do
			echo "d0 $setting"
		done
		echo "pgctrl start"
	} | nsenter --net="/run/netns/$ns" bash -c '
		while read -r file setting; do
			echo "$setting" >"/proc/net/pktgen/$file" || exit
		done'
}

stat() {
	ankus -n "$ns" -j stats show dev d0 | jq ".[0].$1"
}

# Objects of a cache that are in use, or that are on a CPU to be used next
objects() {
	sed 's/ .*//' "$slab/$1/objects"
}

# near WANTED GOT: within 1 %, and what CPUs hold in stock
near() {
	local off=$(($1 - $2))
	[ "${off#-}" -le $(($1 / 100 + 2000)) ] && return
	echo "wanted about $1, got $2"
	return 1
}

freed() {
	near "$flows_before" "$(objects ankus_flow)" &&
		near "$control_before" "$(objects ankus_flow_ctl)" &&
		near "$pairs_before" "$(objects ankus_pair)"
}

# A flow that a slow machine looked at too late sends again.
are_elephants() {
	[ "$(stat elephants)" -eq "$elephants" ] && return
	echo "$(stat elephants) of $elephants"
	fat_packets
	return 1
}

fat_packets() {
	pktgen "$elephants" "pkt_size 1000" "src_min 10.9.0.1" "src_max 10.9.0.1" \
		"udp_src_min 5000" "udp_src_max 5000" "udp_dst_min 6000" \
		"udp_dst_max 6000" "dst_min 10.10.0.0" \
		"dst_max 10.10.$(((elephants - 1) / 256)).$(((elephants - 1) % 256))"
}

# Random sources, so many that nearly all or a part of them were drawn
pairs_known() {
	near $((elephants + $(awk -v draws="$mice" 'BEGIN {
		print int(65535 * (1 - exp(-draws / 65535)))
	}'))) "$(stat pairs)"
}

# The control loop takes seconds to look at all flows, or many on a busy machine.
pairs_are_all() {
	local pairs ticks
	pairs=$(stat pairs) ticks=$(stat ticks)
	wait_until 20 ticked $((ticks + 3)) && [ "$pairs" -eq "$(stat pairs)" ]
}

ticked() {
	[ "$(stat ticks)" -ge "$1" ]
}

# What the kernel sends: its parts, whether it told of a change, how it ended,
# how many flows there were and how many different ids
list() {
	nsenter --net="/run/netns/$ns" "$NLRAW" -d "$1" | awk '
		{
			for (i = 3; i <= NF; i++)
				if (index($i, "id=") == 1) {
					n++
					ids += !seen[$i]++
				}
			parts = $1
			told = $2 == "intr" ? "told" : "quiet"
			end = $3
		}
		END { printf "%s %s %d %d\n", end, told, n, ids }'
}

load_module ankus
setup_ns ns
ip -n "$ns" link add d0 type veth peer name d1
ip -n "$ns" link set d0 up
ip -n "$ns" link set d1 up
flows_before=$(objects ankus_flow)
control_before=$(objects ankus_flow_ctl)
pairs_before=$(objects ankus_pair)

# Two packets make an elephant, and one that stays
check "a device with a table of $table flows" ankus -n "$ns" dev add d0 sketch 0 \
	flows $table rate 1kbit hold 0ms release 3600s tick 1s
check_is "memory of the table: a pointer for each flow, and a bit" \
	$(((8 * 8 + 1) * $(awk -v n=$table '
		BEGIN { for (p = 1; p < n; p *= 2); print p }') / 8)) \
	"$(stat memory_table)"
check "traffic of $elephants flows" fat_packets
check_until "all are elephants" 60 are_elephants

check "no flow is large enough from here on" ankus -n "$ns" dev set d0 \
	rate 100gbit tick 10s
check "traffic of $mice flows" pktgen $mice "pkt_size 60" \
	"src_min 10.20.0.1" "src_max 10.20.255.255" "flag IPSRC_RND" \
	"flag UDPSRC_RND" "flag UDPDST_RND" "udp_src_min 1" "udp_src_max 65535" \
	"udp_dst_min 1" "udp_dst_max 65535" "dst_min 10.30.0.1" "dst_max 10.30.0.1"
flows=$(stat flows)
check "as many flows are tracked" near $((mice + elephants)) "$flows"
check_is "and as many elephants" "$elephants" "$(stat elephants)"

memory_flows=$(stat memory_flows) memory_control=$(stat memory_control)
diag "memory: table $(stat memory_table), flows $memory_flows, control $memory_control bytes"
check_is "memory of flows: so many times the size of one" \
	$((flows * $(cat $slab/ankus_flow/object_size))) "$memory_flows"
check "that is what the allocator has given out" \
	near "$flows" $(($(objects ankus_flow) - flows_before))
check_is "memory of control parts: that of elephants" \
	$((elephants * $(cat $slab/ankus_flow_ctl/object_size))) "$memory_control"
check "that is what the allocator has given out" \
	near "$elephants" $(($(objects ankus_flow_ctl) - control_before))

# The control loop finds the pairs of flows when it measures them.
check_until "their pairs of addresses are known" 60 pairs_known
check_until "and no more are found" 60 pairs_are_all
pairs=$(stat pairs)
check_is "memory of pairs: so many times the size of one" \
	$((pairs * $(cat $slab/ankus_pair/object_size))) "$(stat memory_pairs)"
check "that is what the allocator has given out" \
	near "$pairs" $(($(objects ankus_pair) - pairs_before))
check_is "a list of the pairs: each once, none missing" \
	"end=0 quiet $pairs $pairs" "$(list "pair-get+dump ifname=s:d0")"
diag "memory of $pairs pairs: $(stat memory_pairs) bytes"

check_is "a list of the elephants: each once, none missing, no change" \
	"end=0 quiet $elephants $elephants" \
	"$(list "flow-get+dump ifname=s:d0 state=u32:2")"
check_is "one with a limit" "end=0 quiet 100 100" \
	"$(list "flow-get+dump ifname=s:d0 state=u32:2 limit=u32:100")"
diag "longest hold of the lock for these lists: $(($(stat dump_max_ns) / 1000)) us"
check_is "a list of all flows that filters leave none of" "end=0 quiet 0 0" \
	"$(list "flow-get+dump ifname=s:d0 rate-bps=u64:18446744073709551615")"
diag "longest hold of the lock with that one: $(($(stat dump_max_ns) / 1000)) us"
diag "longest run of the control loop: $(($(stat tick_max_ns) / 1000)) us"

check "more traffic than the table has room for" pktgen $((mice / 10)) \
	"pkt_size 60" "src_min 10.40.0.1" "src_max 10.40.255.255" \
	"flag IPSRC_RND" "flag UDPSRC_RND" "flag UDPDST_RND" "udp_src_min 1" \
	"udp_src_max 65535" "udp_dst_min 1" "udp_dst_max 65535"
check "is counted" [ "$(stat table_full)" -gt $((mice / 40)) ]
check_is "the table is full and no more" $table "$(stat flows)"
check_is "its memory is bounded" \
	$((table * $(cat $slab/ankus_flow/object_size))) "$(stat memory_flows)"
check "in the allocator as well" near $table $(($(objects ankus_flow) - flows_before))
check_is "the elephants are still there" "end=0 quiet $elephants $elephants" \
	"$(list "flow-get+dump ifname=s:d0 state=u32:2")"

check "the device is let go" ankus -n "$ns" dev del d0
check_until "and all memory is free" 30 freed
finish
