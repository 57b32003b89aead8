#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Backend auto: a flow that one backend cannot steer is tried with the next at
# once, why is kept, and what a device never does for a type of flow is learned.
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

by_ntuple='(.rx_queue.state == "verified" and .rx_queue.backend == "ntuple")'
by_rss='(.rx_queue.state == "verified" and .rx_queue.backend == "rss" and
	.rx_queue.observed == .rx_queue.target)'
shared='(.rx_queue.state == "parked" and (.rx_queue | has("shared_with")))'
# Some of the flows may share a bucket: the second one is tried with rules again
# and again, and what is told of it is how that ended
taken='(.rx_queue.failed | any(.backend == "rss" and .error == 28))'
flows=8

manage() {
	rss_all "$right" s0 >"$lib_out/before"
	ankus -n "$right" dev add s0 mode steer rate 75kbit release 5s "$@"
}

# unmanage DESC: neither rules nor buckets are left
unmanage() {
	ankus -n "$right" dev del s0
	rss_all "$right" s0 >"$lib_out/after"
	check "$1: the RSS table is as before" \
		cmp "$lib_out/before" "$lib_out/after"
	check_is "$1: there is no rule" 0 "$(nic_rule_count "$right" s0)"
}

# failed REGEX: what is kept of ntuple
failed() {
	echo ".rx_queue.failed | length >= 1 and .[0].backend == \"ntuple\" and
		(.[0].reason | test(\"$1\"))"
}

test_words() {
	manage
	check "both backends are there" dev_is "$right" s0 \
		'.rx_backend == "ntuple" and (has("rx_reason") | not) and
		 ([.rx_backends[] | has("reason")] | any | not)'
	check_until "all are pinned by the first" 30 flows_are "$right" $flows \
		"$big" "$by_ntuple and (.rx_queue.failed | length == 0)"
	check "it is known to work" dev_is "$right" s0 '.rx_backends[0].works |
		contains(["tcp4", "udp4", "tcp6", "udp6"])'
	ankus -n "$right" dev set s0 backend rss
	check "one alone, when it is named" dev_is "$right" s0 \
		'.rx_backend == "rss" and (.rx_backends[0].reason | length > 0)'
	for id in $(ankus -n "$right" -j flow show state elephant dir in |
			jq '.[].id'); do
		ankus -n "$right" flow unpin "$id"
		ankus -n "$right" flow pin "$id" auto
	done
	check_until "what is pinned from then on is by it" 40 flows_are "$right" \
		$flows "$big" "$by_rss or $shared"
	unmanage "backends by name"

	on_nic -K s0 ntuple off
	manage backend ntuple
	check "without the one that is named, no other serves" dev_is "$right" \
		s0 '.rx_backend == "none" and (.rx_reason | test("ntuple is off"))'
	unmanage "ntuple is off"
	on_nic -K s0 ntuple on
}

test_full() {
	echo 3 >/sys/kernel/debug/simnic/s0/slots
	manage
	check_until "a table with room for 3: they are pinned" 30 flows_are \
		"$right" 3 "$big and $by_ntuple" true
	check_until "the others by the next backend, at once" 30 flows_are \
		"$right" $((flows - 3)) "$big and ($by_ntuple | not)" \
		"($by_rss or $shared) and ($(failed "table is full"))"
	check "in text as well" eval \
		'ankus -n "$right" -d flow show | grep -q "ntuple: the rule table is full"'
	echo 64 >/sys/kernel/debug/simnic/s0/slots
	unmanage "full table"
}

# Accepted without effect: removed, then the next one.
test_ineffective() {
	# All that the hash steers goes to queue 0.
	on_nic -X s0 equal 1
	quirk no-steer on
	manage rx-queues 1-7
	# Three TCP streams over IPv4 have it learned, for half a minute.
	check_until "no-steer: it is learned" 60 dev_is "$right" s0 \
		'.rx_backends[0].last | index("tcp4") != null'
	check "in text as well" eval \
		'ankus -n "$right" -d dev show s0 | grep -q "last for .*tcp4"'
	check "streams" tcp_start "$left" "$right" 10.0.0.2 5307 1 400K -l 4K
	check_until "a new flow is tried with the other one first" 30 flows_are \
		"$right" 1 "$big and .dport == 5307" \
		"($by_rss and (.rx_queue.failed | length == 0)) or $taken"
	tcp_stop 5307
	check_until "no-steer: all end by the next backend" 60 flows_are "$right" \
		$flows "$big" "$by_rss or $taken"
	check_until "no-steer: the rules are removed" 20 \
		eval '[ "$(nic_rule_count "$right" s0)" -le "$(ankus -n "$right" \
			-j flow show dir in | jq "[.[] | select($taken)] | length")" ]'
	check "no-steer: what was wrong is kept" eval \
		'[ "$(ankus -n "$right" -j flow show | jq "[.[] |
			select($by_rss and ($(failed "seen elsewhere")))] |
			length")" -ge 3 ]'
	check "no-steer: it is counted" stat_is "$right" s0 '.ineffective >= 3'
	check "the streams go on" tcp_go_on "$left" 5301 3
	quirk no-steer off
	on_nic -K s0 ntuple off
	on_nic -K s0 ntuple on
	check_until "when the device changes, that is forgotten" 20 dev_is \
		"$right" s0 '.rx_backends[0].last | length == 0'
	unmanage "no-steer"
	on_nic -X s0 default
}

test_refused() {
	quirk insert-eio on
	manage
	check_until "insert-eio: all end by the next backend" 40 flows_are \
		"$right" $flows "$big" "($by_rss or $shared) and
		($(failed refused)) and .rx_queue.failed[0].error == 5"
	check "insert-eio: trouble says nothing about a type" dev_is "$right" \
		s0 '.rx_backends[0].last | length == 0'
	unmanage "insert-eio"
	quirk rss-refused on
	manage rx-queues 7
	check_each "both refused: the state of the last, and both reasons" 40 \
		"$right" $flows "$big" '(.rx_queue.state == "refused" and
		.rx_queue.error == 22 and (.rx_queue.failed | length == 2)) or
		'"$by_rss or $shared"
	unmanage "both refused"
	quirk insert-eio off rss-refused off
}

left='' right=''
setup_ns left right
load_module simnic
simnic_pair "$left" "$right"
address_pair "$left" s0p "$right" s0
on_nic -K s0 gro off
load_module ankus
check "streams" tcp_start "$left" "$right" 10.0.0.2 5301 3 400K -l 4K
check "and IPv6 streams" tcp_start "$left" "$right" fd00::2 5302 2 400K -l 4K
udp_start "$left" 10.0.0.9 5303 400
udp_start "$left" 10.0.0.9 5305 400
udp_start "$left" fd00::9 5304 400

test_words
test_full
test_ineffective
test_refused
finish
