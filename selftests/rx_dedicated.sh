#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Dedicated queues: those of rx-queues are taken out of the RSS table, so that
# only pinned flows use them, and are given back to it.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=nic.sh
. "$(dirname "$0")/nic.sh"

for tool in ethtool iperf3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

pinned='(.rx_queue.state == "verified" and
	.rx_queue.observed == .rx_queue.target and
	(.rx_queue.current | IN(6, 7)))'
shared='(.rx_queue.state == "parked" and (.rx_queue | has("shared_with")))'
flows=5

add() {
	rss_all "$right" s0 >"$lib_out/before"
	ankus -n "$right" dev add s0 rate 75kbit release 5s "$@"
}

table_is() {
	rss_all "$right" s0 >"$lib_out/now"
	cmp "$1" "$lib_out/now"
}

# table_without MOST QUEUE...: so many of its buckets at most point to these
# queues, and the others have nearly as many each as any other
table_without() {
	local most=$1
	shift
	rss_table "$right" s0 | awk -v most="$most" -v apart="$*" '
		BEGIN { n = split(apart, list); for (i in list) out[list[i]] = 1 }
		{ count[$2]++ }
		END {
			min = 1000
			for (q in count)
				if (q in out) sum += count[q]
				else {
					if (count[q] > max) max = count[q]
					if (count[q] < min) min = count[q]
				}
			for (q in count) print q, count[q]
			exit sum > most || max > min + 1 + most
		}'
}

unmanage() {
	ankus -n "$right" dev del s0
	check "$1: the table is as before" table_is "$lib_out/before"
	check_is "$1: there is no rule" 0 "$(nic_rule_count "$right" s0)"
}

test_words() {
	rss_all "$right" s0 >"$lib_out/before"
	check_fail "all queues cannot be dedicated" 2 'some to the other flows' \
		ankus -n "$right" dev add s0 rx-dedicated on
	check_fail "nor all of them by number" 2 'some to the other flows' \
		ankus -n "$right" dev add s0 rx-queues 0-7 rx-dedicated on
	veth_pair "$left" "$right" 4
	check_fail "nor without an RSS table" 2 'no RSS table' \
		ankus -n "$right" dev add v1 rx-queues 2-3 rx-dedicated on
	add rx-queues 6-7 rx-dedicated on
	check "it is told" dev_is "$right" s0 '.rx_dedicated == "on"'
	check "and in text" eval 'ankus -n "$right" dev show s0 |
		grep -q "rx-dedicated on"'
	sleep 1
	check "mode observe changes nothing" table_is "$lib_out/before"
	check_fail "all queues cannot be set later" 2 'some to the other flows' \
		ankus -n "$right" dev set s0 rx-queues all
	ankus -n "$right" dev set s0 mode steer
	check_until "mode steer does" 10 table_without 0 6 7
	check "as is told" dev_is "$right" s0 '.rx_backends[1].dedicated == 32'
	ankus -n "$right" dev set s0 rx-queues 0-1,7
	check_until "other queues: these are out" 10 table_without 0 0 1 7
	ankus -n "$right" dev set s0 mode observe
	check_until "mode observe again: as before" 10 table_is "$lib_out/before"
	ankus -n "$right" dev set s0 mode steer
	check_until "and out again" 10 table_without 0 0 1 7
	ankus -n "$right" dev set s0 rx-dedicated off
	check_until "off: as before" 10 table_is "$lib_out/before"
	ankus -n "$right" dev set s0 rx-dedicated on rx-queues 6-7
	check_until "on: out" 10 table_without 0 6 7
	unmanage "words"
}

test_pins() {
	local backend

	on_nic -K s0 ntuple on
	for backend in ntuple rss; do
		add mode steer rx-queues 6-7 rx-dedicated on backend $backend
		check_until "$backend: the elephants are on dedicated queues" 30 \
			flows_are "$right" $flows "$big" "$pinned or $shared"
		check_until "$backend: no other bucket is" 10 table_without \
			"$([ $backend = rss ] && echo $flows || echo 0)" 6 7
		udp_start "$left" 10.0.0.9 5310 20
		check_until "$backend: a small flow" 20 flows_are "$right" 1 \
			'.dport == 5310 and .packets > 10' \
			'.rx_queue.state == null or .rx_queue.state == "none"'
		udp_stop 5310
		ankus -n "$right" dev set s0 rx-dedicated off
		check_until "$backend: off, the elephants stay" 20 flows_are \
			"$right" $flows "$big" "$pinned or $shared"
		check "$backend: the streams go on" tcp_go_on "$left" 5301 3
		unmanage "$backend"
	done
	on_nic -K s0 ntuple off
}

test_changes() {
	add mode steer rx-queues 6-7 rx-dedicated on backend none
	check_until "without a backend, too" 10 table_without 0 6 7
	on_nic -X s0 equal 8
	rss_all "$right" s0 >"$lib_out/theirs"
	check_until "somebody else's table: noticed" 20 dev_is "$right" s0 \
		'.rx_backends[1].reason | length > 0'
	check_until "as it is counted" 10 stat_is "$right" s0 '.rules_lost == 1'
	sleep 2
	check "it stays" table_is "$lib_out/theirs"
	on_nic -X s0 default
	check_until "the default is nobody's: out of it again" 20 \
		table_without 0 6 7
	on_nic -L s0 combined 7
	check_until "fewer queues: the one that is left is out" 20 \
		table_without 0 6
	on_nic -L s0 combined 8
	check_until "more: both are" 20 table_without 0 6 7
	on_nic --set-priv-flags s0 rss-lose-on-reset on
	echo 1 >/sys/kernel/debug/simnic/s0/reset
	check_until "a reset: out again" 20 table_without 0 6 7
	on_nic --set-priv-flags s0 rss-lose-on-reset off
	unmanage "changes"

	on_nic --set-priv-flags s0 rss-refused on
	add mode steer rx-queues 6-7 rx-dedicated on
	check_until "refused: told of the device" 20 dev_is "$right" s0 \
		'.rx_backends[1].error == 22'
	check "refused: in text" eval 'ankus -n "$right" -d dev show s0 |
		grep -q "table refused"'
	on_nic --set-priv-flags s0 rss-refused off
	check_until "not refused any more: out, but for pins" 20 table_without \
		$flows 6 7
	unmanage "refused"
}

left='' right=''
setup_ns left right
load_module simnic
simnic_pair "$left" "$right"
address_pair "$left" s0p "$right" s0
on_nic -K s0 gro off ntuple off
load_module ankus
test_words
check "streams" tcp_start "$left" "$right" 10.0.0.2 5301 3 400K -l 4K
udp_start "$left" 10.0.0.9 5303 400
udp_start "$left" fd00::9 5304 400
test_pins
test_changes
finish
