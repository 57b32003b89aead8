#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RX queue pins by a NIC's rules: they steer, they are verified, other rules are
# not touched, and whatever a driver does wrong is noticed and told.
#
# shellcheck disable=SC2317 # functions are arguments of check
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

v4="$big and .family == \"inet\""
v6="$big and .family == \"inet6\""
flows=8 flows_v6=3

# --- helpers ---------------------------------------------------------------

snapshot() {
	case $1 in
	flows) ankus -n "$right" -j flow show dir in ;;
	queues) on_nic -S s0 | sed -nE \
		's/^ *rx_queue_([0-9]+)_bytes: ([0-9]+)$/{"queue":\1,"bytes":\2}/p' |
		jq -s . ;;
	esac >"$lib_out/$2"
}

# What each queue received lies between what its flows received in a shorter
# and in a longer time, whatever else a busy machine does in between.  No flow
# moves meanwhile: a tick is longer.
counters_agree() {
	local agree

	ankus -n "$right" dev set s0 tick 10s
	sleep 1
	counters_agree_now "$1"
	agree=$?
	ankus -n "$right" dev set s0 tick 100ms
	return "$agree"
}

counters_agree_now() {
	snapshot flows f0 && snapshot queues q0 && snapshot flows f1 && sleep 4 &&
		snapshot flows f2 && snapshot queues q1 && snapshot flows f3 ||
		return 1
	jq -n --slurpfile f0 "$lib_out/f0" --slurpfile f1 "$lib_out/f1" \
		--slurpfile f2 "$lib_out/f2" --slurpfile f3 "$lib_out/f3" \
		--slurpfile q0 "$lib_out/q0" --slurpfile q1 "$lib_out/q1" '
		def got($list; $queue): [$list[0][] |
			select(.rx_queue.current == $queue) |
			.bytes + 14 * .packets] | add;
		def counted($list; $queue): $list[0][] |
			select(.queue == $queue).bytes;
		[$f0[0][] | .rx_queue.current | select(. != null)] | unique |
		map({
			queue: .,
			least: (got($f2; .) - got($f1; .)),
			counted: (counted($q1; .) - counted($q0; .)),
			most: (got($f3; .) - got($f0; .)),
			still: ([$f0, $f3 | map(.[] |
				select(.state == "elephant") | [.id, .rx_queue.current]) |
				sort] | .[0] == .[1])
		})' >"$lib_out/agree"
	jq -e "length == $1 and all(.[]; .still and .least > 50000 and
		.counted > .least - 20000 and .counted < .most + 20000)" \
		"$lib_out/agree" >/dev/null && return
	jq -c .[] "$lib_out/agree"
	return 1
}

streams_go_on() {
	check "$1: the streams go on" tcp_go_on "$left" 5301 3
}

# --- tests -----------------------------------------------------------------

test_observe() {
	nic_rules "$right" s0 >"$lib_out/rules"
	ankus -n "$right" dev add s0 rate 75kbit
	check_until "observed elephants" 30 flows_are "$right" $flows "$big" \
		'.rx_queue.state == "none" and .rx_queue.observed == 0'
	check_until "IPv6 ones among them" 20 flows_are "$right" $flows_v6 "$v6" true
	sleep 1
	check "get no rule" rules_are 4
	check "nor a pin" stat_is "$right" s0 \
		'.pins_rx_queue == 0 and .rules_installed == 0'
	check_fail "not even by hand" 2 '^ankus: ' ankus -n "$right" flow pin \
		"$(flow_id "$right" "$big")" queue 1
	unmanage "observe"
}

test_pins() {
	local id

	manage
	check "the table is known" dev_is "$right" s0 '.rx_backend == "ntuple"
		and .rx_slots == 64 and (has("rx_reason") | not)'
	all_verified "all are pinned and verified"
	check_until "each by one rule" 20 ours_are $flows
	check_until "which is counted" 20 dev_is "$right" s0 ".rx_rules == $flows"
	check_until "in places of their own" 20 flows_are "$right" $flows "$big" \
		'.rx_queue.location | IN(0, 5, 62, 63) | not'
	check_until "the queues received what is pinned to them" 60 \
		counters_agree 7
	check_until "two at most on a queue" 20 spread_over 7 2

	id=$(flow_id "$right" "$v4")
	check "pinned by hand" ankus -n "$right" flow pin "$id" queue 0
	check_until "a flow goes there, too" 20 flows_are "$right" 1 ".id == $id" \
		'.rx_queue.state == "verified" and .rx_queue.observed == 0 and
		 .pin_mode == "manual" and .rx_queue.moves >= 1 and
		 .rx_queue.move_reason == "manual" and .rx_queue.from > 0 and
		 (.rx_queue.safe_point | IN("pause", "timeout"))'
	check_until "with the same number of rules" 20 ours_are $flows
	ankus -n "$right" flow unpin "$id"
	check_until "unpinned, it has none" 20 ours_are $((flows - 1))
	check_until "as it tells" 5 flows_are "$right" 1 ".id == $id" \
		'.rx_queue.state == "none" and .pin_mode == "off" and
		 (.rx_queue | has("location") | not)'
	ankus -n "$right" flow pin "$id" auto
	all_verified "given back, it has one"
	check_until "and all have" 20 ours_are $flows

	# One that is no elephant has a pin for as long as somebody says so.
	udp_start "$left" 10.0.0.9 5306 40
	check_until "a small flow" 20 flows_are "$right" 1 '.dport == 5306' \
		'.state != "elephant" and .packets > 10'
	id=$(flow_id "$right" '.dport == 5306')
	check "is pinned by hand" ankus -n "$right" flow pin "$id" queue 3
	check_until "and goes there" 20 flows_are "$right" 1 ".id == $id" \
		'.rx_queue.current == 3 and .rx_queue.observed == 3'
	check "given back" ankus -n "$right" flow pin "$id" auto
	check_until "it has no pin" 20 flows_are "$right" 1 ".id == $id" \
		'.rx_queue.state == "none" and (.rx_queue | has("location") | not)'
	udp_stop 5306
	check_until "nor a rule" 20 ours_are $flows

	ankus -n "$right" dev set s0 rx-queues 5-6
	check_until "two queues are open to elephants" 60 spread_over 2 4
	all_verified "which all use"
	check_until "no other" 20 flows_are "$right" $flows "$big" \
		'.rx_queue.current | IN(5, 6)'
	ankus -n "$right" rule add pref 10 dev s0 dir in dport 5301 \
		action rx-queues 5
	ankus -n "$right" rule add pref 20 dev s0 dir in dport 5302 action ignore
	ankus -n "$right" rule add pref 30 dev s0 dir in dport 5303 \
		action rx-queues 2
	check_until "a rule narrows them" 30 flows_are "$right" 3 \
		"$big and .dport == 5301" "$verified and .rx_queue.current == 5"
	check_until "or lets flows alone" 20 flows_are "$right" 2 \
		"$big and .dport == 5302" '.ignored and .rx_queue.state == "none"'
	check_until "or leaves them none, as is told" 20 flows_are "$right" 1 \
		"$big and .dport == 5303" '.rx_queue.state == "parked" and
		(.rx_queue.reason | length > 0)'
	check_until "flows without pins have no rules" 20 ours_are $((flows - 3))
	ankus -n "$right" rule flush
	ankus -n "$right" dev set s0 rx-queues all
	all_verified "without rules all are pinned" 60
	unmanage "pins"
}

# spread_over QUEUES MOST
spread_over() {
	ankus -n "$right" -j flow show state elephant dir in >"$lib_out/spread"
	jq -e "[.[].rx_queue.current | select(. != null)] |
		length == $flows and (group_by(.) | map(length) |
			length == $1 and max <= $2)" "$lib_out/spread" >/dev/null &&
		return
	jq -c '.[] | [.id, .dport, .rate_bps, .rx_queue]' "$lib_out/spread"
	return 1
}

test_backend_none() {
	manage backend none
	check "without a backend" dev_is "$right" s0 \
		'.rx_backend == "none" and (.rx_reason | length > 0)'
	check_until "no flow is pinned" 20 flows_are "$right" $flows "$big" \
		'.rx_queue.state == "none"'
	ankus -n "$right" dev set s0 backend auto
	all_verified "until there is one"
	ankus -n "$right" dev set s0 backend none
	check_until "and no longer" 20 ours_are 0
	check_until "and none has a pin" 10 stat_is "$right" s0 \
		'.pins_rx_queue == 0'
	ankus -n "$right" dev set s0 backend ntuple
	all_verified "or longer"
	unmanage "backend"
}

test_feature() {
	manage
	all_verified "with ntuple on"
	on_nic -K s0 ntuple off
	check_until "turned off, the reason is told" 10 dev_is "$right" s0 \
		'.rx_backend != "ntuple" and (.rx_reason | length > 0)'
	check_until "and no flow is pinned" 20 stat_is "$right" s0 \
		'.pins_rx_queue == 0 and .rules_lost > 0'
	check "there is no rule" rules_are 0
	streams_go_on "ntuple off"
	on_nic -K s0 ntuple on
	all_verified "turned on, all are pinned again" 60
	check "by as many rules" rules_are $flows
	ankus -n "$right" dev del s0
	check "and no more than these are removed" rules_are 0

	on_nic -K s0 ntuple off
	manage
	check "off from the beginning" dev_is "$right" s0 \
		'.rx_backend != "ntuple" and (.rx_reason | length > 0)'
	check_until "no flow is pinned" 20 flows_are "$right" $flows "$big" \
		'.rx_queue.state == "none"'
	on_nic -K s0 ntuple on
	all_verified "until it is turned on"
	ankus -n "$right" dev del s0
	check "no rule is left" rules_are 0
	foreign_rules

	quirk ntuple-off-accepts on
	on_nic -K s0 ntuple off
	manage
	check_until "a driver that takes rules while it is off" 20 \
		flows_are "$right" $flows "$big" '.rx_queue.state == "none"'
	check "gets none" rules_are 0
	ankus -n "$right" dev del s0
	quirk ntuple-off-accepts off
	on_nic -K s0 ntuple on
	foreign_rules
}

feature_is() {
	on_nic -k s0 | grep -qx "ntuple-filters: $1" && return
	on_nic -k s0 | grep ntuple
	return 1
}

# ankus turns it on when it is told to, and off again
test_feature_on() {
	on_nic -K s0 ntuple off
	check "told of a feature to turn on, in mode observe" \
		ankus -n "$right" dev add s0 rate 75kbit release 5s \
		rx-queues 1-7 backend ntuple ntuple on
	check "it stays off" feature_is off
	check "in mode steer" ankus -n "$right" dev set s0 mode steer
	check "it is on" feature_is on
	check "as is told" dev_is "$right" s0 '.ntuple == "on"'
	all_verified "turned on, all are pinned"
	ankus -n "$right" dev set s0 mode observe
	check_until "in mode observe it goes off" 30 feature_is off
	check "no rule is left" rules_are 0
	ankus -n "$right" dev set s0 mode steer
	all_verified "on again"
	ankus -n "$right" dev set s0 ntuple off
	check_until "not wanted any more, the reason is told" 30 dev_is "$right" \
		s0 '.rx_backend == "none" and (.rx_reason | test("ntuple is off"))'
	check "it is off" feature_is off
	ankus -n "$right" dev set s0 ntuple on
	all_verified "on again"
	ankus -n "$right" dev del s0
	check "let go, it is off" feature_is off

	manage ntuple on
	all_verified "on again"
	# where none of ours is
	check "a rule of somebody else" quietly on_nic -N s0 flow-type tcp4 \
		dst-port 9063 action 1 loc 63
	ankus -n "$right" dev del s0
	check "with rules of others it stays on" feature_is on
	check_is "and they stay" 63 "$(locations)"

	on_nic -K s0 ntuple off
	manage ntuple on
	on_nic -K s0 ntuple off
	on_nic -K s0 ntuple on
	sleep "$lib_slow"
	ankus -n "$right" dev del s0
	check "turned off and on by somebody else, it stays on" feature_is on
	foreign_rules

	ip -n "$right" link add d0 type dummy
	check_fail "a device that has none says so" 2 'no ntuple rules to turn on' \
		ankus -n "$right" dev add d0 mode steer ntuple on
	check_not "and is not managed" ankus -n "$right" dev show d0
	ip -n "$right" link del d0
}

test_full() {
	local calls id

	knob slots 8
	manage
	check_until "a table with room for 6: 6 are pinned" 30 flows_are "$right" \
		6 "$big and .rx_queue.state == \"verified\"" "$verified"
	check_until "the others parked, with the reason" 10 flows_are "$right" \
		$((flows - 6)) "$big and .rx_queue.state != \"verified\"" \
		'.rx_queue.state == "parked" and .rx_queue.error == 28 and
		 (.rx_queue.reason | length > 0) and
		 (.rx_queue | has("location") | not)'
	check_until "as counted" 10 stat_is "$right" s0 \
		".pins_rx_queue == 6 and .parked == $flows - 6"
	if calls_start simnic_set_rxnfc; then
		sleep 5
		calls=$(calls)
		calls_stop
		# Of each: after 1, 2, 4 ... seconds, in two ways
		check "they are not tried all the time ($calls)" [ "$calls" -le 24 ]
	else
		skip "they are not tried all the time" "no function tracer"
	fi
	streams_go_on "full table"
	knob slots 64
	all_verified "with more room, all are pinned" 120
	unmanage "full table"

	quirk table-full on
	manage
	check_until "a table that is full: parked" 30 flows_are "$right" $flows \
		"$big" '.rx_queue.state == "parked" and .rx_queue.error == 28'
	check "no rule of ours" ours_are 0
	quirk table-full off
	for id in $(ankus -n "$right" -j flow show state elephant dir in |
			jq '.[].id'); do
		ankus -n "$right" flow pin "$id" auto
	done
	all_verified "tried again, they are pinned" 120
	unmanage "table-full"
}

# Where drivers want rules to be
test_locations() {
	quirk loc-any-refused on
	manage
	all_verified "loc-any-refused: verified"
	check_is "loc-any-refused: places from the top" \
		"0 5 54 55 56 57 58 59 60 61 62 63" "$(locations)"
	unmanage "loc-any-refused"

	quirk count-zero on
	manage
	all_verified "and count-zero: verified"
	check "and count-zero: the size is unknown" dev_is "$right" s0 \
		'.rx_slots == 0'
	unmanage "loc-any-refused and count-zero"
	quirk count-zero off

	knob report_slots 2147483648
	manage
	all_verified "and 2^31 slots: verified"
	unmanage "loc-any-refused and 2^31 slots"
	knob report_slots 2147483647
	manage
	all_verified "and 2^31 - 1 slots: verified"
	unmanage "loc-any-refused and 2^31 - 1 slots"
	knob report_slots 4294967295
	quirk loc-any-refused off

	quirk loc-any-only on
	manage
	all_verified "loc-any-only: verified"
	unmanage "loc-any-only"
	quirk count-zero on
	manage
	all_verified "and count-zero: verified"
	unmanage "loc-any-only and count-zero"
	quirk count-zero off loc-any-only off
}

# Rules that are accepted, and do not do what they say
test_ineffective() {
	quirk no-steer on
	manage
	check_each "no-steer: ineffective, with the reason" 40 "$right" \
		$flows "$big" '.rx_queue.state == "ineffective" and
		(.rx_queue.reason | length > 0) and
		(.rx_queue | has("current") or has("location") | not)'
	# They are tried again, later and later: at last between any two tries
	check_until "no-steer: the rules are removed" 120 ours_are 0
	check "no-steer: it is counted" stat_is "$right" s0 \
		".ineffective >= $flows and .verified <= .pins_cpu and
		 .rules_removed >= $flows"
	streams_go_on "no-steer"
	unmanage "no-steer"
	quirk no-steer off

	quirk no-steer-v6 on
	manage
	check_until "no-steer-v6: IPv4 is verified" 30 flows_are "$right" \
		$((flows - flows_v6)) "$v4" "$verified"
	check_each "no-steer-v6: IPv6 is not" 40 "$right" $flows_v6 \
		"$v6" '.rx_queue.state == "ineffective" and
		(.rx_queue.reason | length > 0)'
	check_until "no-steer-v6: and has no rules" 120 ours_are $((flows - flows_v6))
	unmanage "no-steer-v6"
	quirk no-steer-v6 off

	quirk ignore-mask on
	manage
	all_verified "ignore-mask: verified, being exact"
	check_until "ignore-mask: on their own queues" 20 spread_over 7 2
	unmanage "ignore-mask"
	quirk ignore-mask off
}

# A driver that does not record the queue: the NAPI tells
test_no_record() {
	quirk no-rxq-record on
	manage
	check_until "no-rxq-record: verified by NAPI" 30 flows_are "$right" $flows \
		"$big" '.rx_queue.state == "verified" and
		(.rx_queue | has("observed") | not)'
	knob reset 1
	sleep 2
	check_until "no-rxq-record: also by another NAPI" 20 flows_are "$right" \
		$flows "$big" '.rx_queue.state == "verified"'
	check "no-rxq-record: no rule was doubted" stat_is "$right" s0 \
		'.ineffective == 0 and .rules_lost == 0'
	quirk no-steer on
	check_each "no-rxq-record: without steering, neither" 40 "$right" \
		$flows "$big" '.rx_queue.state == "ineffective"'
	quirk no-steer off
	unmanage "no-rxq-record"
	quirk no-rxq-record off
}

# Rules that vanish
test_lost() {
	local location id

	manage
	all_verified "before a rule is deleted"
	location=$(ankus -n "$right" -j flow show state elephant dir in |
		jq '.[0].rx_queue.location')
	on_nic -N s0 delete "$location"
	check_until "somebody deletes a rule of ours: noticed" 30 \
		stat_is "$right" s0 '.rules_lost == 1'
	all_verified "and made up for"
	check_until "by one rule" 20 ours_are $flows

	# where its packets would arrive without it
	id=$(flow_id "$right" "$v4")
	ankus -n "$right" flow pin "$id" queue 0
	check_until "a rule to where the hash sends the flow, too" 30 flows_are \
		"$right" 1 ".id == $id" \
		'.rx_queue.state == "verified" and .rx_queue.observed == 0'
	location=$(ankus -n "$right" -j flow show "$id" |
		jq '.[0].rx_queue.location')
	on_nic -N s0 delete "$location"
	check_until "somebody deletes that one: noticed" 60 \
		stat_is "$right" s0 '.rules_lost == 2'
	check_until "and made up for" 30 ours_are $flows
	unmanage "deleted rule"

	on_nic --set-priv-flags s0 lose-on-reset on
	manage
	all_verified "before a reset"
	knob reset 1
	check_until "a reset that loses rules: noticed" 30 \
		stat_is "$right" s0 ".rules_lost == $flows"
	all_verified "and made up for" 40
	check "by as many rules" rules_are $flows
	on_nic -G s0 rx 512
	check_until "by ethtool -G as well" 30 \
		stat_is "$right" s0 ".rules_lost == 2 * $flows"
	all_verified "and again" 40
	streams_go_on "lost rules"
	quirk lose-on-reset off
	ankus -n "$right" dev del s0
	check "no rule is left" rules_are 0
	foreign_rules

	quirk lose-on-down on
	manage
	all_verified "before it is down"
	ip -n "$right" link set s0 down
	ip -n "$right" link set s0 up
	check_until "down and up: noticed" 30 \
		stat_is "$right" s0 ".rules_lost == $flows"
	all_verified "and made up for" 60
	streams_go_on "down and up"
	quirk lose-on-down off
	ankus -n "$right" dev del s0
	check "no rule is left then" rules_are 0
	foreign_rules
}

# A place that was ours and is somebody else's now: the flow's own rule would
# be the same, so the other one is for another flow.
test_reused() {
	local id location i

	manage
	all_verified "before a place is taken over"
	id=$(flow_id "$right" "$v4")
	# time enough to be there first
	ankus -n "$right" dev set s0 tick 5s
	for ((i = 0; i < 20; i++)); do
		wait_until 20 has_place "$id" || break
		location=$(ankus -n "$right" -j flow show "$id" |
			jq '.[0].rx_queue.location')
		quietly on_nic -N s0 delete "$location"
		! foreign_at "$location" || break
	done
	ankus -n "$right" dev set s0 tick 100ms
	check_until "a place that was taken over: noticed" 30 \
		stat_is "$right" s0 '.rules_lost >= 1'
	all_verified "the flow has another place"
	check "the other rule is in its place" holds "$location" 9999
	ankus -n "$right" dev del s0
	check "and still is" holds "$location" 9999
	on_nic -N s0 delete "$location"
	nic_rules "$right" s0 >"$lib_out/after"
	check "that was the only difference" cmp "$lib_out/rules" "$lib_out/after"
}

has_place() {
	ankus -n "$right" -j flow show "$1" |
		jq -e '.[0].rx_queue | has("location")' >/dev/null
}

foreign_at() {
	on_nic -N s0 flow-type tcp4 dst-port 9999 action 1 loc "$1" 2>&1 |
		grep -q . && return 1
	holds "$1" 9999
}

# Whether the rule at a place is about a port
holds() {
	on_nic -n s0 rule "$1" | grep -qE "Dest port: $2 "
}

# Errors of a driver
test_errors() {
	local calls

	quirk insert-eio on
	manage
	check_each "insert-eio: refused, with error and reason" 30 \
		"$right" $flows "$big" \
		'.rx_queue.state == "refused" and .rx_queue.error == 5 and
		 (.rx_queue.reason | length > 0)'
	check "insert-eio: counted" stat_is "$right" s0 \
		".refused >= $flows and .rules_installed == 0"
	if calls_start simnic_set_rxnfc; then
		sleep 5
		calls=$(calls)
		calls_stop
		check "insert-eio: not tried all the time ($calls)" \
			[ "$calls" -le $((flows * 8)) ]
	else
		skip "insert-eio: not tried all the time" "no function tracer"
	fi
	streams_go_on "insert-eio"
	quirk insert-eio off
	all_verified "insert-eio: gone, all are pinned" 120
	unmanage "insert-eio"

	manage
	all_verified "before delete-eio"
	quirk delete-eio on
	ankus -n "$right" flow unpin "$(flow_id "$right" "$v4")"
	check_until "delete-eio: a rule that stays tells why" 20 flows_are \
		"$right" 1 '.pin_mode == "off"' '.rx_queue.error == 5 and
		(.rx_queue.reason | length > 0) and
		(.rx_queue | has("location"))'
	check_until "delete-eio: it is there" 20 ours_are $flows
	quirk delete-eio off
	check_until "delete-eio: gone, it is removed" 20 ours_are $((flows - 1))
	check_until "delete-eio: as it tells" 5 flows_are "$right" 1 \
		'.pin_mode == "off"' '.rx_queue.state == "none" and
		(.rx_queue | has("location") | not)'
	check_until "delete-eio: the others are pinned" 60 flows_are "$right" \
		$((flows - 1)) "$big and .pin_mode == \"auto\"" "$verified"
	quirk delete-eio on
	ankus -n "$right" dev del s0
	quirk delete-eio off
	left_behind
	unmanage_left "delete-eio"
}

# Rules that the driver did not let go of are named in the log.
left_behind() {
	local location
	ours=''
	for location in $(locations); do
		case " $foreign_locations " in
		*" $location "*) ;;
		*) ours+="$location " ;;
		esac
	done
}

unmanage_left() {
	local location named=0 n=0
	for location in $ours; do
		n=$((n + 1))
		! dmesg | grep -qE "s0: ankus: .*\\b$location\\b" ||
			named=$((named + 1))
		on_nic -N s0 delete "$location"
	done
	check_is "$1: what the driver kept is there" $((flows - 1)) $n
	check_is "$1: and named in the log" $n $named
	nic_rules "$right" s0 >"$lib_out/after"
	check "$1: the rules are as before then" \
		cmp "$lib_out/rules" "$lib_out/after"
}

# A driver that takes long holds up what needs rtnl, and nothing else.
test_slow() {
	local first=0 ticks=0 installed=0 i

	knob insert_delay_us 300000
	manage
	# All together they take 24 ticks.
	for ((i = 0; i < 400 && installed < flows; i++)); do
		read -r ticks installed <<<"$(ankus -n "$right" -j stats show dev s0 |
			jq -r '.[0] | "\(.ticks) \(.rules_installed)"')"
		[ "$installed" -gt 0 ] || first=$ticks
	done
	check "while rules are slow to install, measuring goes on" \
		[ $((ticks - first)) -ge 10 ]
	all_verified "slow rules work as well" 60
	check "which took rtnl" stat_is "$right" s0 '.rtnl_max_ns > 250000000'
	knob insert_delay_us 0
	unmanage "slow"
}

# A device whose driver has no rules
test_no_ntuple() {
	veth_pair "$left" "$right" 4
	address_pair "$left" v0 "$right" v1 1
	ankus -n "$right" dev add v1 mode steer rate 75kbit
	udp_start "$left" 10.1.0.9 5310 400
	check "no ntuple: the reason is told" dev_is "$right" v1 \
		'.rx_backend != "ntuple" and (.rx_reason | length > 0)'
	check_until "no ntuple: an elephant all the same" 20 flows_are "$right" 1 \
		"$big and .dport == 5310" '.rx_queue.state == "none"'
	udp_stop 5310
	ankus -n "$right" dev del v1
}

# The end of a flow is the end of its rule.
test_end() {
	manage
	all_verified "before the streams end"
	tcp_stop 5301
	tcp_stop 5302
	udp_stop 5303
	udp_stop 5304
	udp_stop 5305
	check_until "without flows there is no rule" 30 ours_are 0
	check "every one was removed" stat_is "$right" s0 \
		".rules_installed == $flows and .rules_removed == $flows and
		 .rules_lost == 0 and .pins_rx_queue == 0"
	unmanage "end"
}

# --- run -------------------------------------------------------------------

left='' right='' ours=''
setup_ns left right
nic_start
# in small pieces: what is told apart is packets
check "streams" tcp_start "$left" "$right" 10.0.0.2 5301 3 400K -l 4K
check "and IPv6 streams" tcp_start "$left" "$right" fd00::2 5302 2 400K -l 4K
udp_start "$left" 10.0.0.9 5303 400
udp_start "$left" 10.0.0.9 5305 400
udp_start "$left" fd00::9 5304 400

test_observe
test_pins
test_backend_none
test_feature
test_feature_on
test_full
test_locations
test_ineffective
test_no_record
test_lost
test_reused
test_errors
test_slow
test_no_ntuple
test_end
finish
