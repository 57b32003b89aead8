#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tracepoints: each event is seen when what it tells of happens, with the values
# that netlink tells.
#
# Functions are called by their names.
# shellcheck disable=SC2317,SC2329
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$lib_dir/traffic.sh"

tracefs=/sys/kernel/tracing
# What is traced is kept here, as reading takes it away
trace=$lib_out/trace
: >"$trace"

left='' right=''

# An instance of our own: nobody else's events, and none of ours left behind
trace_on() {
	mkdir "$tracefs/instances/ankus" || return 1
	defer rmdir "$tracefs/instances/ankus"
	tracefs=$tracefs/instances/ankus
	echo 8192 >"$tracefs/buffer_size_kb"
}

# events [NAME]: what was traced so far, one "NAME KEY=VALUE..." a line
events() {
	timeout 0.5 cat $tracefs/trace_pipe | tee "$lib_out/read" |
		sed -nE 's/^.* (ankus_[a-z_]+): /\1 /p' >>"$trace"
	! grep -q 'LOST' "$lib_out/read" || echo "events were lost"
	grep -E "^${1:-ankus_.*} " "$trace"
}

# value KEY LINE: reason is the last one, and all that follows
value() {
	case $1 in
	reason) sed -nE 's/.* reason=//p' <<<"$2" ;;
	*) sed -nE "s/.* $1=([^ ]*).*/\1/p" <<<"$2" ;;
	esac
}

# seen NAME REGEX...: an event that matches all of them; the last one is $line
line=''
seen() {
	local name=$1 regex
	shift

	events "$name" >"$lib_out/seen"
	for regex; do
		grep -E -- "$regex( |$)" "$lib_out/seen" >"$lib_out/seen.new"
		mv "$lib_out/seen.new" "$lib_out/seen"
	done
	line=$(tail -n 1 "$lib_out/seen")
	[ -n "$line" ] && return
	events "$name"
	return 1
}

enable() {
	echo "$1" >$tracefs/events/ankus/enable
}

test_format() {
	local event

	check_is "there are six events" \
		"ankus_flow_admit ankus_flow_admit_fail ankus_flow_state ankus_kick ankus_pin ankus_verify" \
		"$(cd $tracefs/events/ankus && echo ankus_*)"
	for event in "$tracefs"/events/ankus/ankus_*; do
		check_is "${event##*/} begins with device and flow" \
			"dev id dir proto family sport dport src dst" \
			"$(sed -nE 's/^\tfield:.* ([a-z_]+)(\[.*\])?;\toffset.*/\1/p' \
				"$event/format" | grep -v '^common_' |
				head -n 9 | paste -sd ' ')"
	done
	# perf and others read numbers there, and not our names for them
	check_not "the format has no name of an enum" \
		grep -h 'ANKUS_' $tracefs/events/ankus/*/format
}

elephant='.state == "elephant" and .dport == 5301'

# A flow that crosses the threshold does not wait for the tick.
test_kick() {
	ankus -n "$left" dev add v0 rate 20kbit tick 10s hold 0ms
	enable 1
	check_until "the control loop has run" 10 stat_is "$left" v0 '.ticks > 0'
	# The threshold carries 25,000 bytes in a tick.
	udp_send "$left" 10.0.0.9 5401 1000 18
	check_not "18 KB do not kick it" seen ankus_kick dport=5401
	udp_send "$left" 10.0.0.9 5402 1000 75
	check_until "75 KB do" 10 seen ankus_kick dev=v0 dir=out proto=17 \
		'dst=10.0.0.9:5402' 'served=[01]'
	check "when they are as many, those in the sketch included" \
		[ "$(value bytes "$line")" -gt 18750 -a "$(value bytes "$line")" -le 25000 ]
	check_until "and the flow is an elephant" 20 seen ankus_flow_state \
		"id=$(value id "$line")" new=elephant
	check "kicks are counted" stat_is "$left" v0 '.kicks == 1'
	ankus -n "$left" dev del v0
}

# Who is told by netlink, and who by a trace, is told the same.
test_flow() {
	local flow id

	enable 1
	check "a stream of TCP" tcp_start "$left" "$right" 10.0.0.2 5301 1 3mbit
	check_until "becomes an elephant" 30 flows_are "$left" 1 "$elephant" true
	flow=$(ankus -n "$left" -j flow show state elephant |
		jq -c "[.[] | select($elephant)][0]")
	id=$(jq .id <<<"$flow")

	check_until "ankus_flow_admit tells of it" 10 seen ankus_flow_admit "id=$id"
	check_is "its device, direction and protocol" "v0 out 6" \
		"$(value dev "$line") $(value dir "$line") $(value proto "$line")"
	check_is "its addresses and ports" \
		"$(jq -r '"\(.src):\(.sport) \(.dst):\(.dport)"' <<<"$flow")" \
		"$(value src "$line") $(value dst "$line")"
	check_is "once" 1 "$(events ankus_flow_admit | grep -c " id=$id ")"
	# Any but the SYN, which is too small for that
	check "and the length of the packet that earned the entry" \
		[ "$(value bytes "$line")" -ge 52 -a "$(value bytes "$line")" -le 65575 ]

	check_until "ankus_flow_state: it becomes a candidate" 10 \
		seen ankus_flow_state "id=$id" old=mouse new=candidate
	check_until "ankus_flow_state: it becomes an elephant" 10 \
		seen ankus_flow_state "id=$id" old=candidate new=elephant
	check_is "by the threshold of the device" 500000 "$(value threshold_bps "$line")"
	check "with a rate above it" [ "$(value rate_bps "$line")" -ge 500000 ]
	check "and bytes that it has carried" [ "$(value bytes "$line")" -gt 10000 ]
	check_is "its addresses and ports" \
		"$(jq -r '"\(.src):\(.sport) \(.dst):\(.dport)"' <<<"$flow")" \
		"$(value src "$line") $(value dst "$line")"
}

pin_verified() {
	flows_are "$left" 1 "$elephant" '.tx_queue.state == "verified"'
}

test_pin() {
	local id queue

	check_not "no event of a pin so far" grep -qE '^ankus_(pin|verify) ' "$trace"
	check "steering" ankus -n "$left" dev set v0 mode steer
	check_until "the elephant's pin is verified" 60 pin_verified
	id=$(flow_id "$left" "$elephant")
	queue=$(ankus -n "$left" -j flow show "$id" | jq '.[0].tx_queue.current')

	check_until "ankus_pin: wanted" 10 seen ankus_pin "id=$id" kind=tx-queue \
		state=wanted "want=$queue" have=-1
	check_until "ankus_pin: installed" 10 seen ankus_pin "id=$id" \
		state=installed "want=$queue" "have=$queue"
	check_until "ankus_pin: verified" 10 seen ankus_pin "id=$id" \
		state=verified "want=$queue" "have=$queue" error=0
	check_until "ankus_verify: verified" 10 seen ankus_verify "id=$id" \
		kind=tx-queue result=verified "bin=$queue" error=0

	queue=$(((queue + 1) % 4))
	check "pinned to another queue" ankus -n "$left" flow pin "$id" queue $queue
	check_until "its pin is verified there" 60 flows_are "$left" 1 "$elephant" \
		".tx_queue.state == \"verified\" and .tx_queue.current == $queue"
	check_until "ankus_verify: there" 10 seen ankus_verify "id=$id" \
		result=verified "bin=$queue"
	check "unpinned" ankus -n "$left" flow unpin "$id"
	check_until "ankus_pin: being taken back" 10 seen ankus_pin "id=$id" \
		want=-1 "have=$queue" state=wanted 'reason=being taken back'
	check_until "ankus_pin: none" 20 seen ankus_pin "id=$id" \
		want=-1 have=-1 state=none
}

# Each pin in $trace as the last event of it says
pins_traced() {
	events ankus_pin | sed -nE \
		's/.* id=([0-9]+) .* kind=([^ ]+) want=([^ ]+) have=([^ ]+) state=([^ ]+) .*/\1 \2 \3 \4 \5/p' |
		awk '{ last[$1 " " $2] = $0 }
		END { for (pin in last) print last[pin] }' |
		grep -v ' none$' | sort
}

pins_told() {
	ankus -n "$left" -j flow show | jq -r '.[] | . as $flow |
		(["rx-queue", .rx_queue], ["tx-queue", .tx_queue], ["link", .link]) |
		select(.[1] and .[1].state != "none") |
		"\($flow.id) \(.[0]) \(.[1].target // -1) \(.[1].current // -1) \(.[1].state)"' |
		sort
}

same_pins() {
	local told

	told=$(pins_told)
	[ -n "$told" ] && [ "$told" = "$(pins_traced)" ] && return
	echo "told: $told"
	echo "traced: $(pins_traced)"
	return 1
}

# Links: what netlink calls them is the ifindex of the lower device
test_links() {
	local id

	bond_links "$left" "$right" balance-xor l0 l1 &&
		address_pair "$left" bond0 "$right" bond0 1
	check "a bond is managed" ankus -n "$left" dev add bond0 mode steer \
		rate 500kbit tick 50ms
	check "two streams over it" tcp_start "$left" "$right" 10.1.0.2 5302 2 3mbit
	check_until "are pinned to links" 60 flows_are "$left" 2 \
		'.ifname == "bond0" and .state == "elephant" and .dport == 5302' \
		'.link.state == "verified"'
	id=$(flow_id "$left" '.ifname == "bond0" and .state == "elephant"')
	check_until "ankus_verify: a link" 10 seen ankus_verify "id=$id" dev=bond0 \
		kind=link result=verified \
		"bin=$(ankus -n "$left" -j flow show "$id" | jq '.[0].link.current')"
	check_until "the events of pins end in what netlink tells of all of them" 30 \
		same_pins
	tcp_stop 5302
}

# A NIC that refuses rules, and one that takes them and does as it likes
test_rx() {
	local id queue

	simnic_pair "$left" "$right" && address_pair "$left" s0p "$right" s0 2
	in_ns "$right" ethtool --set-priv-flags s0 no-steer on
	check "a NIC is managed" ankus -n "$right" dev add s0 backend ntuple \
		rate 500kbit tick 50ms
	check "a stream that it receives" tcp_start "$left" "$right" 10.2.0.2 5303 1 3mbit
	check_until "becomes an elephant" 30 flows_are "$right" 1 \
		'.state == "elephant" and .dport == 5303' true
	queue=$(ankus -n "$right" -j flow show state elephant |
		jq '.[0].rx_queue.observed')
	check "it is to go where RSS does not send it" ankus -n "$right" \
		dev set s0 mode steer rx-queues $(((queue + 1) % 4))
	check_until "ankus_verify: rules without effect" 60 seen ankus_verify \
		dev=s0 kind=rx-queue result=ineffective error=0 \
		'reason=accepted, but packets were seen elsewhere'
	id=$(value id "$line")
	check_json "is told of that flow" ".[0].dport == 5303" \
		ankus -n "$right" -j flow show "$id"
	check_until "ankus_pin: as well" 10 seen ankus_pin dev=s0 "id=$id" state=ineffective \
		want=-1
	check "the NIC is let go" ankus -n "$right" dev del s0
	in_ns "$right" ethtool --set-priv-flags s0 no-steer off
	echo 5 >/sys/kernel/debug/simnic/s0/insert_errno
	check "a NIC that fails is managed" ankus -n "$right" dev add s0 mode steer \
		backend ntuple rate 500kbit tick 50ms
	check_until "ankus_verify: refused, with its errno" 60 seen ankus_verify \
		dev=s0 kind=rx-queue result=refused error=5
	tcp_stop 5303
	ankus -n "$right" dev del s0
}

test_admit_fail() {
	ankus -n "$left" dev del v0
	check "a small table" ankus -n "$left" dev add v0 flows 64 release 600s sketch 0
	# shellcheck disable=SC2016 # for the inner shell
	in_ns "$left" bash -c 'for port in {6001..6100}; do
			printf %0100d 0 >"/dev/udp/10.0.0.9/$port"
		done'
	check_until "ankus_flow_admit_fail: the table is full" 10 seen \
		ankus_flow_admit_fail dev=v0 id=0 dir=out proto=17 bytes=128 error=28 \
		reason=table-full
	check_is "as often as it is counted" "$(stat_of "$left" v0 table_full)" \
		"$(events ankus_flow_admit_fail | grep -c ' dev=v0 ')"
}

test_end() {
	local before

	enable 0
	events >"$lib_out/all"
	before=$(wc -l <"$trace")
	udp_send "$left" 10.0.0.9 7000 100 3
	events >"$lib_out/all"
	check_is "what is turned off tells nothing" "$before" "$(wc -l <"$trace")"
	tcp_stop 5301
	ankus -n "$left" dev del v0
	ankus -n "$left" dev del bond0
	enable 1
	check "the module goes while its events are on" unload_module ankus
	check_not "and they go with it" [ -d $tracefs/events/ankus ]
}

load_module ankus
[ -d $tracefs/events/ankus ] || skip_all "this kernel has no tracepoints"
load_module simnic
load_module bonding
setup_ns left right
check "a trace of its own" trace_on || finish
veth_pair "$left" "$right" 4
in_ns "$left" tc qdisc replace dev v0 root handle 1: mq
address_pair "$left" v0 "$right" v1

test_format
test_kick
ankus -n "$left" dev add v0 rate 500kbit tick 50ms
test_flow
test_pin
test_links
test_rx
test_admit_fail
test_end
finish
