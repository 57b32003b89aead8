#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Pairs of addresses: a mesh of many small flows is seen and steered as the
# elephant that it is, small flows beside an elephant are not, bytes are exact or
# estimated closely, rules hold, and what is let go under traffic leaves nothing.
#
# shellcheck disable=SC2317,SC2329 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

# pair_is NS DEV ADDRESS CONDITION: the pair with this destination
pair_is() {
	ankus -n "$1" -j pair show dev "$2" >"$traffic_dir/pairs" || return 1
	jq -e "[.[] | select(.dst == \"$3\")] | length == 1 and all(.[]; $4)" \
		"$traffic_dir/pairs" >/dev/null && return
	cat "$traffic_dir/pairs"
	return 1
}

# pair_flows_are NS DEV ADDRESS COUNT CONDITION: the flows that say they are of
# that pair
pair_flows_are() {
	local id
	id=$(ankus -n "$1" -j pair show dev "$2" |
		jq ".[] | select(.dst == \"$3\").id")
	[ -n "$id" ] && flows_are "$1" "$4" ".dst == \"$3\"" ".pair == $id and $5"
}

no_elephants_to() {
	ankus -n "$1" -j flow show state elephant | jq -e "all(.[]; .dst != \"$2\")"
}

# Flows of 50 kbit/s are nothing to the sketch where 1.1 Mbit/s is the threshold.
test_mesh() {
	mesh_start "$left" 10.0.0.9 7000 32 50
	check_until "flows far below the threshold are an elephant together" 40 \
		pair_is "$left" v0 10.0.0.9 '.grouped and .state == "elephant" and
			.rate_bps > 1100000 and .rate_bps < 2300000 and
			.small_bps > 1100000 and .small_permille > 800 and
			.src == "10.0.0.1" and .dir == "out" and .ifname == "v0"'
	check_until "all are tracked for that, and elephants as part of it" 60 \
		pair_flows_are "$left" v0 10.0.0.9 32 \
		'.state == "elephant" and .grouped and .rate_bps < 200000'
	check_until "as the pair says" 20 pair_is "$left" v0 10.0.0.9 \
		'.flows == 32 and .elephants == 32 and .grouped'
	check "it was told" event_seen '.event == "pair-elephant" and
		.dst == "10.0.0.9" and .ifname == "v0" and .grouped'
	check_until "they are one effective pair, and many effective flows" 30 \
		stat_is "$left" v0 '.out_effective_millipairs >= 1000 and
			.out_effective_millipairs < 1300 and
			.out_effective_milliflows > 20000 and
			.pairs >= 1 and .pairs_grouped == 1 and
			.pair_samples > 0 and .memory_pairs > 0'
	check_until "where they are received it is the same" 60 \
		pair_flows_are "$right" v1 10.0.0.9 32 \
		'.state == "elephant" and .grouped and .dir == "in"'
	check_json "a list of pairs has what was asked for" \
		'length == 1 and .[0].grouped' \
		ankus -n "$left" -j pair show dev v0 dir out state elephant rate 100kbit limit 1
}

spread() {
	ankus -n "$left" -j queue show dev v0 dir out | jq -e '
		(map(.flows) | add) == 32 and all(.[]; .flows >= 6 and .flows <= 10)'
}

test_steered() {
	ankus -n "$left" dev set v0 mode steer
	check_until "they are spread over the queues" 60 spread
	check_each "and each is verified on its own" 60 "$left" 32 \
		'.dst == "10.0.0.9"' '.tx_queue.state == "verified" and
		 .tx_queue.target == .tx_queue.observed'
	ankus -n "$left" dev set v0 tx-queues 2-3
	check_until "over those that are open alone" 60 flows_are "$left" 32 \
		'.dst == "10.0.0.9"' '.tx_queue.target >= 2'
	ankus -n "$left" dev set v0 tx-queues all mode observe
	check_until "and left alone when nothing is to be steered" 30 \
		flows_are "$left" 32 '.dst == "10.0.0.9"' '.tx_queue.target == null'
}

test_release() {
	mesh_stop 7000
	check_until "without traffic the pair is no elephant any more" 60 \
		event_seen '.event == "pair-release" and .dst == "10.0.0.9"'
	check_until "nor are its flows" 30 no_elephants_to "$left" 10.0.0.9
	check_until "and is forgotten with them" 60 stat_is "$left" v0 \
		'.pairs == 0 and .pairs_grouped == 0 and .memory_pairs == 0 and
		 .flows == 0 and .elephants == 0'
}

# On the side that has no sketch each flow is tracked from its first packet on
test_bytes() {
	ankus -n "$right" dev del v1
	ankus -n "$right" dev add v1 rate 1100kbit hold 300ms release 60s sketch 0
	mesh_start "$left" 10.0.0.9 7100 20 40
	check_until "without a sketch all are tracked" 30 pair_is "$right" v1 \
		10.0.0.9 '.flows == 20 and .bytes > 100000'
	mesh_stop 7100
	check_until "the bytes of a pair are those of its flows, exactly" 20 \
		bytes_exact
	check "none of them was sampled" stat_is "$right" v1 '.pair_samples == 0'
	ankus -n "$right" dev del v1
	ankus -n "$right" dev add v1 rate 1100kbit hold 300ms release 1s
}

bytes_exact() {
	local pair flows
	pair=$(ankus -n "$right" -j pair show dev v1 |
		jq '.[] | select(.dst == "10.0.0.9").bytes')
	flows=$(ankus -n "$right" -j flow show dev v1 |
		jq '[.[] | select(.dst == "10.0.0.9").bytes] | add')
	echo "$pair in the pair, $flows in the flows"
	[ "$pair" -gt 100000 ] && [ "$pair" -eq "$flows" ]
}

# 64 flows of 65 KB, each too small for the table; 215 samples of all
test_estimate() {
	ankus -n "$left" dev set v0 rate 400mbit hold 10s release 60s
	in_ns "$left" python3 -c '
import socket
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(64)]
for i in range(64):
    s[i].connect(("10.0.0.8", 7200 + i))
for n in range(47):
    for one in s:
        one.send(bytes(1372))
'
	check_until "what no flow is tracked of is estimated closely" 20 \
		pair_is "$left" v0 10.0.0.8 '.bytes > 3000000 and .bytes < 5400000'
	check "and is no elephant, as it does not last" pair_is "$left" v0 10.0.0.8 \
		'.state == "mouse" and (.grouped | not)'
	ankus -n "$left" dev set v0 rate 1100kbit hold 300ms release 1s
}

# An elephant between two hosts makes no elephant of a login between them.
test_beside() {
	udp_start "$left" 10.0.0.7 7300 2500
	mesh_start "$left" 10.0.0.7 7310 6 40
	check_until "a pair with an elephant is one" 40 pair_is "$left" v0 \
		10.0.0.7 '.elephants == 1 and .state == "elephant" and
			.rate_bps > 1200000'
	sleep 3
	check_until "what is small beside it is told apart" 30 pair_is "$left" v0 \
		10.0.0.7 '.small_bps > 100000 and .small_bps < 700000 and
			(.grouped | not) and .elephants == 1'
	check "and is not steered for that" event_unseen \
		'.event == "pair-elephant" and .dst == "10.0.0.7"'
	udp_stop 7300
	mesh_stop 7310
}

test_below() {
	mesh_start "$left" 10.0.0.6 7400 10 50
	check_until "a mesh below the threshold is known" 40 pair_is "$left" v0 \
		10.0.0.6 '.rate_bps > 300000 and .rate_bps < 800000'
	sleep 2
	check "and no elephant" pair_is "$left" v0 10.0.0.6 '.state == "mouse" and
		(.grouped | not) and .elephants == 0'
	check "nor any of its flows" no_elephants_to "$left" 10.0.0.6
	ankus -n "$left" rule add pref 10 dst 10.0.0.6 rate 250kbit action auto
	check_until "a rule's threshold is that of its flows" 60 pair_is "$left" \
		v0 10.0.0.6 '.grouped and .small_permille > 1000 and
			.elephants > 0'
	ankus -n "$left" rule replace pref 10 dst 10.0.0.6 action ignore
	check_until "what a rule says to ignore is no part of a mesh" 60 \
		pair_is "$left" v0 10.0.0.6 '.grouped | not'
	check_until "and no elephant" 30 no_elephants_to "$left" 10.0.0.6
	ankus -n "$left" rule del pref 10
	mesh_stop 7400
}

test_ipv6() {
	mesh_start "$left" fd00::9 7500 32 50
	check_until "IPv6 is no different" 60 pair_flows_are "$left" v0 fd00::9 \
		32 '.state == "elephant" and .grouped'
	mesh_stop 7500
}

# As many hosts as there are, no more memory is taken than was said.
test_bounded() {
	ankus -n "$left" dev del v0
	ankus -n "$left" dev add v0 rate 1100kbit flows 64 sketch 0
	ip -n "$left" route add 10.9.0.0/16 via 10.0.0.9
	in_ns "$left" python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(40):
    for i in range(200):
        s.sendto(bytes(1000), ("10.9.0.%d" % i, 9))
'
	check_until "there are no more pairs than flows may be" 20 stat_is \
		"$left" v0 '.pairs <= 64 and .pairs > 30 and .pairs_full > 0'
	ankus -n "$left" dev del v0
}

test_torn_down() {
	local i

	mesh_start "$left" 10.0.0.9 7600 32 50
	for i in 1 2 3 4; do
		ankus -n "$left" dev add v0 mode steer rate 500kbit hold 0ms \
			release 200ms tick 20ms
		wait_until 20 pair_is "$left" v0 10.0.0.9 .grouped
		ankus -n "$left" dev del v0 || break
	done
	check_is "a device with a grouped pair comes and goes" "$i" 4
	ankus -n "$left" dev add v0 mode steer rate 500kbit hold 0ms
	check_until "and is grouped" 30 pair_is "$left" v0 10.0.0.9 .grouped
	check "its network device goes under traffic" ip -n "$left" link del v0
	check "and nothing is managed any more" test -z \
		"$(ankus -n "$left" dev show)"
	mesh_stop 7600
}

# --- run -------------------------------------------------------------------

left='' right=''
setup_ns left right
load_module ankus
quiet_ns "$left" "$right"
veth_pair "$left" "$right" 4
address_pair "$left" v0 "$right" v1
mac=$(ip -n "$right" -j link show dev v1 | jq -r '.[0].address')
for host in 6 7 8; do
	ip -n "$left" neigh add "10.0.0.$host" lladdr "$mac" dev v0
done

monitor_start "$left"
check "a device" ankus -n "$left" dev add v0 rate 1100kbit hold 300ms release 1s
check "and its peer" ankus -n "$right" dev add v1 rate 1100kbit hold 300ms release 1s
test_mesh
test_steered
test_release
test_bytes
test_estimate
test_beside
test_below
test_ipv6
test_bounded
test_torn_down
monitor_stop
finish
