#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lists that change while they are read, and many readers and writers at once.
#
# Functions are called by their names.
# shellcheck disable=SC2317,SC2329
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

[ -x "$NLRAW" ] || skip_all "no $NLRAW (make -C selftests)"

ns='' peer='' other=''
tmp=$(mktemp -d)
defer rm -rf "$tmp"

# What Linux gives to a reader of 4 KiB at a time is one page for each part.
raw() {
	nsenter --net="/run/netns/$ns" "$NLRAW" -d -b 4096 "$@"
}

# list COMMAND REQUEST: into $tmp/list; COMMAND runs after the first part
list() {
	raw ${1:+-c "$1"} "$2" >"$tmp/list" 2>&1
}

# The values of an attribute in that list.
listed() {
	sed -n "s/.* $1=\([0-9]*\) .*/\1/p" "$tmp/list"
}

ended_well() {
	tail -n 1 "$tmp/list" | grep -q ' end=0 '
}

# Is NLM_F_DUMP_INTR set in it?  The last line tells of all.
interrupted() {
	tail -n 1 "$tmp/list" | grep -q '^[0-9]* intr '
}

# Numbers that rise: none is there twice.
rising() {
	sort -nuc
}

# missing ATTRIBUTE FROM STEP TO: which of these values the list does not have
missing() {
	listed "$1" | sort >"$tmp/listed"
	seq "$2" "$3" "$4" | sort | comm -23 - "$tmp/listed" | paste -sd' '
}

# changed DESC COMMAND FROM TO: a change within the list of rules is told, no
# rule is there twice, and every tenth of FROM to TO, which nobody touched, once.
changed() {
	list "$2" rule-get+dump
	check "$1: the list ends well" ended_well
	check "$1: the reader is told" interrupted
	check "$1: each rule at most once, in order" eval 'listed pref | rising'
	check_is "$1: each untouched rule is there" "" "$(missing pref "$3" 10 "$4")"
}

test_rules() {
	local tool="$ANKUS -n $ns"

	seq 10 10 12000 | sed 's/.*/rule add pref & action auto/' | ankus -n "$ns" -b -
	list "" rule-get+dump
	check "quiet: the list ends well" ended_well
	check_not "quiet: it is not interrupted" interrupted
	check_is "quiet: each rule once, in order" "$(seq 10 10 12000 | cksum)" \
		"$(listed pref | cksum)"
	check "it takes many parts" [ "$(tail -n 1 "$tmp/list" | cut -d' ' -f1)" -gt 10 ]

	changed "a rule is added at the end" "$tool rule add pref 99999 action auto" 10 12000
	check_is "it is in the list, being behind what was read" 99999 "$(listed pref | tail -n 1)"
	changed "a rule is added in front" "$tool rule add pref 5 action auto" 10 12000
	changed "a rule is added between" "$tool rule add pref 6005 action auto" 10 12000
	changed "a rule is deleted that was read" "$tool rule del pref 10" 20 12000
	changed "a rule is deleted that was not read" "$tool rule del pref 12000" 20 11990
	check_is "it is not in the list" 99999 "$(listed pref | tail -n 1)"
	changed "a rule is replaced" "$tool rule replace pref 20 action ignore" 20 11990
	changed "many come and go" \
		"{ seq 8005 10 8995 | sed 's/.*/rule add pref & action auto/'
		seq 9000 10 11000 | sed 's/.*/rule del pref &/'; } | $tool -b -" 20 8990
	list "$ANKUS -n $other rule add pref 1 action auto" rule-get+dump
	check "a change in another namespace: the list ends well" ended_well
	check_not "a change in another namespace: the reader is not told" interrupted
	list "$tool rule flush" rule-get+dump
	check "all are deleted: the list ends well" ended_well
	check "all are deleted: the reader is told" interrupted
	list "" rule-get+dump
	check_is "and then there is none" "1 - end=0 -" "$(cat "$tmp/list")"
}

# Rules cost memory: there is an end to them.
test_rule_limit() {
	seq 16384 | sed 's/.*/rule-new pref=u32:&/' |
		nsenter --net="/run/netns/$ns" "$NLRAW" >"$tmp/answers"
	check_is "16384 rules are taken" 16384 "$(grep -c ^0 "$tmp/answers")"
	check_fail "one more is not" 2 '16384' ankus -n "$ns" rule add pref 16385 action auto
	check "but one in place of another is" ankus -n "$ns" rule replace pref 1 action ignore
	list "" rule-get+dump
	check_is "all of them are listed" "$(seq 16384 | cksum)" "$(listed pref | cksum)"
	check "all of them are flushed" ankus -n "$ns" rule flush
	check "and there is room again" ankus -n "$ns" rule add pref 16385 action auto
	ankus -n "$ns" rule flush
}

test_devs() {
	local i tool="$ANKUS -n $ns"

	for i in $(seq 60); do
		echo "link add e$i type dummy"
	done | ip -n "$ns" -b -
	for i in $(seq 60); do
		echo "dev add e$i tick 10s flows 64"
	done | ankus -n "$ns" -b -
	list "" dev-get+dump
	check_is "60 devices are listed" 60 "$(listed num-tx-queues | wc -l)"
	list "$tool dev del e1" dev-get+dump
	check "a device is let go: the list ends well" ended_well
	check "a device is let go: the reader is told" interrupted
	check "a device is let go: none is there twice" \
		eval 'listed ifindex | sort -n | rising'
	list "ip -n $ns link del e60" dev-get+dump
	check "a device is deleted: the reader is told" interrupted
	check_not "a device is deleted: it is not there" grep -q '"e60"' "$tmp/list"
	list "$tool dev set e2 mode steer" dev-get+dump
	check "a device is changed: the reader is told" interrupted
	list "$tool dev del e3" stats-get+dump
	check "the same for counters" interrupted
	list "" "dev-get+dump ifname=s:e5"
	check_is "a list of one device has one" '"e5"' \
		"$(sed -n 's/.* ifname=\("[^ ]*"\) .*/\1/p' "$tmp/list")"
	for i in $(seq 60); do
		echo "link del e$i"
	done | ip -n "$ns" -force -b - 2>"$tmp/ignored"
	list "" dev-get+dump
	check_is "with the devices all is gone" "1 - end=0 -" "$(cat "$tmp/list")"
}

# mice ADDRESS FIRST LAST [STOP]: a packet to each of these ports, once, or from
# a new port each time until there is a file STOP
mice() {
	ip netns exec "$ns" python3 - "$@" <<-'END'
		import os, socket, sys, time
		to, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		while True:
		    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    for port in range(first, last + 1):
		        try:
		            sock.sendto(b"x", (to, port))
		        except OSError:
		            pass    # nobody takes them
		    if len(sys.argv) < 5 or os.path.exists(sys.argv[4]):
		        break
		    time.sleep(0.05)
	END
}

elephant() {
	ip netns exec "$ns" python3 - 10.55.0.2 <<-'END'
		import socket, sys, time
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sock.bind(("", 4000))
		while True:
		    sock.sendto(b"x" * 1200, (sys.argv[1], 4001))
		    time.sleep(0.01)
	END
}

has_elephant() {
	list "" "flow-get+dump ifname=s:v0 state=u32:2"
	[ "$(listed sport)" = 4000 ]
}

# all_have PATTERN: every flow of the list, and there are some
all_have() {
	sed '$d' "$tmp/list" >"$tmp/flows"
	[ -s "$tmp/flows" ] && ! grep -qv -- "$1" "$tmp/flows"
}

test_flows() {
	local v0 w0 rate

	v0=$(ip -n "$ns" -j link show v0 | jq '.[0].ifindex')
	w0=$(ip -n "$ns" -j link show w0 | jq '.[0].ifindex')
	# Long enough that nothing is forgotten in between.
	ankus -n "$ns" dev add v0 rate 100kbit release 600s flows 8192
	ankus -n "$ns" dev add w0 rate 100kbit release 600s flows 8192
	mice 10.55.0.2 10001 11500
	mice 10.55.1.2 20001 20100
	elephant &
	disown
	check_until "an elephant among mice" 30 has_elephant
	check_is "state: the kernel sends nothing else" 1 "$(listed sport | wc -l)"

	list "" flow-get+dump
	check "the list of flows ends well" ended_well
	check_is "each flow of one device is there" "" "$(missing dport 10001 1 11500)"
	check_is "and each of the other" "" "$(missing dport 20001 1 20100)"
	check "each once" eval 'listed id | sort -n | rising'
	check "it takes many parts" [ "$(tail -n 1 "$tmp/list" | cut -d' ' -f1)" -gt 10 ]

	list "" "flow-get+dump ifname=s:w0"
	check "ifname: only flows of that device" all_have " ifindex=$w0 "
	check_is "ifname: all of them" "" "$(missing dport 20001 1 20100)"
	list "" "flow-get+dump ifindex=u32:$v0"
	check "ifindex: only flows of that device" all_have " ifindex=$v0 "
	check_is "ifindex: all of them" "" "$(missing dport 10001 1 11500)"
	list "" "flow-get+dump state=u32:0"
	check_is "state mouse: those above it as well" "" "$(missing dport 4001 1 4001)"
	rate=$(raw "flow-get+dump state=u32:2" | sed -n 's/.* rate-bps=\([0-9]*\) .*/\1/p')
	list "" "flow-get+dump rate-bps=u64:$((rate / 2))"
	check_is "rate: flows at or above it" 4000 "$(listed sport)"
	list "" "flow-get+dump rate-bps=u64:18446744073709551615"
	check_is "rate: none at the greatest" "1 - end=0 -" "$(cat "$tmp/list")"
	list "" "flow-get+dump ifname=s:w0 state=u32:2"
	check_is "filters hold together" "1 - end=0 -" "$(cat "$tmp/list")"
	list "$ANKUS -n $ns dev del w0" flow-get+dump
	check "a device is let go: the list ends well" ended_well
	check "a device is let go: the reader is told" interrupted
}

# New flows all the time, and old ones expire.
test_flow_churn() {
	local i mice well=0 twice=0

	ankus -n "$ns" dev del v0
	ankus -n "$ns" dev add v0 release 1s tick 20ms rate 100kbit
	mice 10.55.0.2 30001 30300 "$tmp/stop" &
	mice=$!
	# shellcheck disable=SC2016 # not yet
	check_until "flows come" 20 eval 'list "" flow-get+dump &&
		[ "$(listed id | wc -l)" -gt 300 ]'
	for i in $(seq 20); do
		list "" flow-get+dump
		! ended_well || well=$((well + 1))
		listed id | sort -n | rising 2>"$tmp/ignored" || twice=$((twice + 1))
	done
	check_is "lists end well while flows come and go" 20 $well
	check_is "no flow is there twice" 0 $twice
	check_json "flows did go" '.[0].flows_expired > 0' ankus -n "$ns" -j stats show dev v0
	touch "$tmp/stop"
	wait $mice
	rm "$tmp/stop"
	ankus -n "$ns" dev del v0
}

# Each writer has prefs of its own, which in the end are the odd ones of ten,
# and all of them fight for pref 1 to 5, two devices and a link.
writer() {
	local n=$1 round i

	for round in $(seq 6); do
		for i in $(seq 10); do
			echo "rule add pref $((n * 100 + i)) dport $i action auto"
			echo "rule add pref $((i % 5 + 1)) dport $n action ignore"
		done
		echo "dev set v0 mode $([ $(((n + round) % 2)) -eq 0 ] && echo steer || echo observe)"
		[ $((n % 5)) -ne 0 ] || echo "dev add w0 rate 100kbit"
		[ $((n % 5)) -ne 1 ] || echo "dev del w0"
		[ $((n % 5)) -ne 2 ] || echo "link add up dev p0"
		[ $((n % 5)) -ne 3 ] || echo "link del up"
		[ $((n % 5)) -ne 4 ] || echo "link set p0 capacity ${round}gbit"
		for i in $(seq 10); do
			echo "rule replace pref $((n * 100 + i)) dport $n action tx-queues $((i % 4))"
			echo "rule del pref $((i % 5 + 1))"
		done
		for i in 2 4 6 8 10; do
			echo "rule del pref $((n * 100 + i))"
		done
		echo "flow show dev v0 state elephant"
		[ "$round" -eq 6 ] || for i in 1 3 5 7 9; do
			echo "rule del pref $((n * 100 + i))"
		done
	done | ankus -n "$ns" -force -b - >"$tmp/writer.$n" 2>&1
}

# reader NAME: all lists over and over; notes those which end badly or have a
# rule twice
reader() {
	local op n=0

	while [ ! -e "$tmp/stop" ]; do
		for op in rule dev link flow stats; do
			raw $op-get+dump >"$tmp/$1.list" 2>&1
			n=$((n + 1))
			# A device may go between two parts of a list.
			tail -n 1 "$tmp/$1.list" | grep -qE ' end=0 ' ||
				echo "$op: $(tail -n 1 "$tmp/$1.list")" >>"$tmp/bad"
			[ $op != rule ] ||
				sed -n 's/.* pref=\([0-9]*\) .*/\1/p' "$tmp/$1.list" |
				rising 2>>"$tmp/bad"
		done
		echo $n >"$tmp/$1.count"
	done
}

steers() {
	ankus -n "$ns" -j flow show state elephant |
		jq -e 'any(.sport == 4000 and .tx_queue.current != null)'
}

test_concurrency() {
	local n expected writers=() readers=()

	ankus -n "$ns" dev add v0 rate 100kbit tick 20ms mode steer
	ankus -n "$ns" dev add bond0
	check_until "an elephant is pinned before" 30 steers
	for n in 1 2; do
		reader reader$n &
		readers+=($!)
	done
	for n in $(seq 20); do
		writer "$n" &
		writers+=($!)
	done
	wait "${writers[@]}"
	touch "$tmp/stop"
	wait "${readers[@]}"
	rm "$tmp/stop"
	diag "lists read meanwhile: $(cat "$tmp"/reader?.count | paste -sd' ')"
	check_not "every list ended well and had each rule once" test -s "$tmp/bad"

	expected=$(for n in $(seq 20); do
		for i in 1 3 5 7 9; do
			echo "$((n * 100 + i)) $n $((i % 4))"
		done
	done)
	check_is "each writer's own rules are what it left" "$expected" \
		"$(ankus -n "$ns" -j rule show | jq -r '.[] | select(.pref > 5) |
			"\(.pref) \(.dport_first) \(.tx_queues[0].first)"')"
	check_json "the rules that all fought for are there once or not at all" \
		'map(.pref) | . == unique' ankus -n "$ns" -j rule show
	check_json "the devices as well" \
		'map(.ifname) | index("v0") and (length == (unique | length))' ankus -n "$ns" -j dev show
	check_json "and each lower device is one link" \
		'map(.ifname) | sort == ["p0", "p1"]' ankus -n "$ns" -j link show
	check "everything still works: rule flush" ankus -n "$ns" rule flush
	check "everything still works: dev set" ankus -n "$ns" dev set v0 mode steer
	check_until "everything still works: the elephant is pinned" 30 steers
	check "everything still works: dev del" ankus -n "$ns" dev del v0
}

load_module ankus
load_module bonding
load_module dummy numdummies=0
setup_ns ns peer other

for dev in v:0 w:1; do
	ip -n "$ns" link add "${dev%:*}0" numtxqueues 4 numrxqueues 4 type veth \
		peer name "${dev%:*}1" netns "$peer" \
		numtxqueues 4 numrxqueues 4
	ip -n "$ns" addr add "10.55.${dev#*:}.1/24" dev "${dev%:*}0"
	ip -n "$peer" addr add "10.55.${dev#*:}.2/24" dev "${dev%:*}1"
	ip -n "$ns" link set "${dev%:*}0" up
	ip -n "$peer" link set "${dev%:*}1" up
done
ip -n "$ns" link add bond0 type bond mode balance-xor miimon 100
for port in p0 p1; do
	ip -n "$ns" link add $port type veth peer name $port netns "$peer"
	ip -n "$ns" link set $port master bond0
	ip -n "$peer" link set $port up
done
ip -n "$ns" link set bond0 up

test_rules
test_rule_limit
test_devs
test_flows
test_flow_churn
test_concurrency
finish
