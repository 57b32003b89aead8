#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Entropy and imbalance: so many equal flows are so many effective ones, what is
# not tracked counts, the events when there are too few, and the load of queues.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

command -v ethtool >/dev/null || skip_all "no ethtool"

# flows_start COUNT [ADDRESS]: equal ones, which go on until flows_stop
flows_start() {
	local i
	for ((i = 0; i < $1; i++)); do
		udp_start "$left" "${2:-10.0.0.9}" $((6000 + i)) 200 500
	done
}

flows_stop() {
	local port
	for port in "${!udp_sender[@]}"; do
		[ "$port" -lt $((6000 + ${1:-0})) ] || udp_stop "$port"
	done
}

# adds_up NS DEV in|out PIN: the loads of the queues add up to the rates of the
# flows whose queue is known, give or take what a run of the control loop between
# the two changes.  What veth received from TX queue 0 comes from no queue.
adds_up() {
	local rates
	rates=$(ankus -n "$1" -j flow show dev "$2" dir "$3" |
		jq "[.[] | select(.$4.observed != null).rate_bps] | add // 0")
	ankus -n "$1" -j queue show dev "$2" dir "$3" >"$traffic_dir/queues"
	jq -e "(map(.load_bps) | add) as \$sum | \$sum > 0.9 * $rates and
		\$sum < 1.1 * $rates and (map(.share_permille) | add) > 990 and
		all(.[]; .share_permille <= 1000 and
			.share_permille >= (.load_bps * 999 / \$sum | floor) and
			.pinned_bps <= .load_bps)" "$traffic_dir/queues" >/dev/null &&
		return
	echo "the flows have $rates bit/s, the queues:"
	jq -c '.[] | [.queue, .load_bps, .share_permille]' "$traffic_dir/queues"
	return 1
}

test_equal() {
	check "nothing is sent, so there are no flows" stat_is "$left" v0 \
		'.out_entropy_millibits == 0 and .out_effective_milliflows == 0 and
		 .out_low_entropy == 0 and .tx_queues_imbalance_permille == 0'
	flows_start 8
	check_until "eight equal flows are eight effective ones" 30 \
		stat_is "$left" v0 '.out_effective_milliflows > 7000 and
			.out_effective_milliflows < 8600 and
			.out_entropy_millibits > 2800 and
			.out_entropy_millibits < 3110 and
			.out_evenness_permille > 850'
	check_until "also where they are received" 30 stat_is "$right" v1 \
		'.in_effective_milliflows > 7000 and .in_effective_milliflows < 8600'
	check_until "their rate is that of what is sent" 30 stat_is "$left" v0 \
		'.out_bps > 1200000 and .out_bps < 2300000'
	# 8 balls in 4 bins: 1.769
	check_until "hashing them over four queues would be uneven" 30 \
		stat_is "$left" v0 '.tx_queues_expected_permille > 1650 and
			.tx_queues_expected_permille < 1900'
	check_until "the load of TX queues adds up to them" 30 adds_up "$left" v0 out tx_queue
	check_until "and that of RX queues" 30 adds_up "$right" v1 in rx_queue
	check_json "queues tell of the balance of all" \
		'map(.imbalance_permille) | unique | length == 1 and .[0] >= 1000' \
		ankus -n "$right" -j queue show dev v1 dir in
}

queue_imbalance() {
	ankus -n "$right" -j queue show dev v1 dir in | jq -e '
		(map(.load_bps) | max * length * 1000 / add) as $is |
		.[0].imbalance_permille as $said |
		$said > $is * 0.95 and $said < $is * 1.05'
}

pinned() {
	ankus -n "$left" -j queue show dev v0 dir out | jq -e '
		(map(.flows) | add) == 8 and
		all(.[]; .flows == 2 and .pinned_bps > 0 and .pinned_bps <= .load_bps)'
}

test_steered() {
	check_until "the imbalance is that of the loads" 20 queue_imbalance
	ankus -n "$left" dev set v0 mode steer
	check_until "placed, two flows are pinned to each queue" 60 pinned
	check_until "and the queues are even" 30 stat_is "$left" v0 \
		'.tx_queues_imbalance_permille < 1200'
	ankus -n "$left" dev set v0 tx-queues 1-3
	check_json "what is not open to elephants is shown so" \
		'map(.open) == [false, true, true, true]' \
		ankus -n "$left" -j queue show dev v0 dir out
	ankus -n "$left" dev set v0 mode observe tx-queues all
}

# entropy_event NAME COUNT CONDITION: the COUNTth event of this name
entropy_event() {
	jq -es "[.[] | select(.event == \"$1\")] | length == $2 and (last | $3)" \
		"$traffic_dir/events"
}

test_low() {
	local of='.ifname == "v0" and .dir == "out" and .bins == 4 and .mode == "observe"'

	ankus -n "$left" dev set v0 low-entropy 1
	sleep 2
	check "twice as many flows as queues are no event" event_unseen \
		'.event == "low-entropy" and .ifname == "v0"'
	flows_stop 2
	check_until "two flows are too few" 30 entropy_event low-entropy 1 \
		"$of and .effective_milliflows < 4000"
	check "which can be read as well" stat_is "$left" v0 '.out_low_entropy == 1'
	check_until "two flows are two effective ones" 30 stat_is "$left" v0 \
		'.out_effective_milliflows > 1800 and .out_effective_milliflows < 2300'
	flows_stop
	flows_start 8
	check_until "eight are enough again" 60 entropy_event entropy-normal 1 \
		"$of and .effective_milliflows >= 4500"
	check "and that is told once" entropy_event low-entropy 1 true
	check "as can be read" stat_is "$left" v0 '.out_low_entropy == 0'
	ankus -n "$left" dev set v0 low-entropy 3
	check_until "unless three times as many are asked for" 30 \
		entropy_event low-entropy 2 "$of and .low_entropy_permille == 3000"
	flows_stop
	check_until "nothing to spread is nothing to complain of" 60 \
		entropy_event entropy-normal 2 "$of"
	ankus -n "$left" dev set v0 low-entropy off
	flows_start 1
	check_until "one flow" 30 stat_is "$left" v0 \
		'.out_effective_milliflows > 0 and .out_effective_milliflows < 1200 and
		 .out_bps > 100000'
	sleep 2
	check "is no event when nobody asks" entropy_event low-entropy 2 true
	flows_stop
}

# Fragments are no flows: they count as flows of an eighth of the threshold.
test_untracked() {
	ankus -n "$left" dev set v0 rate 800kbit
	udp_start "$left" 10.0.0.9 6100 1000 4000
	check_until "what has no flows counts as some" 30 stat_is "$left" v0 \
		'.out_effective_milliflows > 7000 and
		 .out_effective_milliflows < 14000'
	check_until "while none is tracked" 20 stat_is "$left" v0 '.elephants == 0 and
		.candidates == 0'
	udp_stop 6100
}

links_are() {
	ankus -n "$left" -j link show | jq -e "length == 2 and all(.[]; $1)"
}

link_text() {
	ankus -n "$left" link show | sed -n 2p |
		grep -qE '^ +bond0: imbalance [12][0-9.]*, to expect of hashing 2$'
}

test_links() {
	load_module bonding
	bond_links "$left" "$right" balance-xor la lb
	address_pair "$left" bond0 "$right" bond0 1
	ankus -n "$left" dev add bond0 rate 100kbit hold 300ms release 1s
	udp_start "$left" 10.1.0.9 6200 800 500
	check_until "one flow over two links uses one" 60 stat_is "$left" bond0 \
		'.links_imbalance_permille > 1800 and
		 .links_expected_permille == 2000 and
		 .out_effective_milliflows < 1300'
	check_until "links tell so" 30 links_are '.imbalance_permille > 1800 and
		.expected_permille == 2000'
	check_until "in text as well" 10 link_text
	check_until "one flow is too few for two links" 30 event_seen \
		'.event == "low-entropy" and .ifname == "bond0" and .bins == 2'
	udp_stop 6200
	ankus -n "$left" dev del bond0
}

# --- run -------------------------------------------------------------------

left='' right=''
setup_ns left right
load_module ankus
quiet_ns "$left" "$right"
veth_pair "$left" "$right" 4
address_pair "$left" v0 "$right" v1
# Hosts do tell which groups they joined, for a second.
sleep $((2 * lib_slow))

monitor_start "$left"
# Flows that start one after the other are few at first.
check "a device" ankus -n "$left" dev add v0 rate 100kbit hold 300ms release 1s \
	low-entropy off
check "and its peer" ankus -n "$right" dev add v1 rate 100kbit
test_equal
test_steered
test_low
test_untracked
test_links
monitor_stop
finish
