#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What rules ask for of sockets: pace and mark, seen by the application and from
# outside; and that what the application had, or sets meanwhile, is there after
# all that may happen.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=acting.sh
. "$(dirname "$0")/acting.sh"

for tool in iperf3 ss tc python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

# What the application had is there
its_own() {
	app_is 5411 '.mark == 5 and .pace == 50000000'
}

# What the rule asks for is, and nothing else
given() {
	app_is 5411 '.mark == 0x15 and .pace == 250000' 2>/dev/null ||
		app_is 5411 '.mark == 21 and .pace == 250000'
}

# ss_pace PORT BPS: the limit that ss tells
ss_pace() {
	in_ns "$left" ss -tinHO "dport = :$1" >"$lib_out/ss"
	grep -qE "pacing_rate [^ /]*/$2bps " "$lib_out/ss" && return
	cat "$lib_out/ss"
	return 1
}

ask() {
	ankus -n "$left" rule add pref 10 dport 5411 action auto pace 2mbit \
		set-mark 0x10/0xf0
}

test_sockets() {
	manage
	app_start 5411 10.0.0.2 0 mark=0x5 pace=50000000
	check_until "an elephant" 20 acts 5411 '. == {}'
	check "with its own settings" its_own
	ask
	check_until "they are changed" 30 given
	check_until "and told of" 20 in_force 5411 pace set-mark
	check "ss tells the rate" ss_pace 5411 2000000
	check "it is paced" paced 5411 2000
	check "and remains an elephant" in_force 5411 pace set-mark

	rule del pref 10
	check_until "back after rule del" 30 its_own
	ask
	check_until "once more" 30 given
	rule replace pref 10 dport 5411 action auto priority 1
	check_until "back after rule replace" 30 its_own
	rule del pref 10
	ask
	check_until "once more" 30 given
	ankus -n "$left" dev set v0 mode observe
	check_until "back after mode observe" 30 its_own
	ankus -n "$left" dev set v0 mode steer
	check_until "once more" 30 given
	flow=$(flow_id "$left" '.dport == 5411 and .dir == "out"')
	ankus -n "$left" flow unpin "$flow"
	check_until "back after flow unpin" 30 its_own
	ankus -n "$left" flow pin "$flow" auto
	check_until "once more" 30 given
	ankus -n "$left" dev del v0
	check "back after dev del" its_own
	manage
	check_until "once more" 30 given
	check "the stream goes on" tcp_go_on "$left" 5411 1
	unload_module ankus
	check "back when the module is gone" its_own
	check "the stream goes on" tcp_go_on "$left" 5411 1
	load_module ankus
}

# paced PORT KBIT: so much is acknowledged, give or take a lot
paced() {
	local before after began kbit
	sleep 1
	before=$(tcp_acked "$left" "$1" | awk '{ print $3 }')
	began=${EPOCHREALTIME//[.,]/}
	sleep 3
	after=$(tcp_acked "$left" "$1" | awk '{ print $3 }')
	kbit=$(((after - before) * 8000 / (${EPOCHREALTIME//[.,]/} - began)))
	echo "$kbit kbit/s"
	[ "$kbit" -gt $(($2 / 4)) ] && [ "$kbit" -lt $(($2 * 2)) ]
}

# What the application sets while a rule's is in force stays, whatever comes.
test_own() {
	manage
	ask
	check_until "given again" 30 given
	check "the application sets its own" app_tell 5411 mark=0x47 pace=40000000
	check_until "that is told of" 20 acts 5411 '.pace.state == "none" and
		.pace.reason == "the application has set its own" and
		."set-mark".state == "none" and
		."set-mark".reason == "the application has set its own"'
	check "and counted" stat_is "$left" v0 '.actions_overridden == 2'
	check "it stays" app_is 5411 '.mark == 71 and .pace == 40000000'
	check "packets have its mark" wire_is "$left" v0 5411 true 0x47 0xffffffff
	rule del pref 10
	check_until "the rule is gone" 20 acts 5411 '. == {}'
	check "it stays" app_is 5411 '.mark == 71 and .pace == 40000000'
	app_tell 5411 mark=0x5 pace=100000
	ask
	check_until "a lower rate of its own is kept" 20 acts 5411 \
		'.pace.state == "none" and (.pace.reason | test("no higher")) and
		."set-mark".state == "in-force"'
	check "as it is" app_is 5411 '.pace == 100000 and .mark == 21'
	app_tell 5411 pace=50000000
	check_until "until it is higher" 30 given
	check "the reasons in text" eval 'app_tell 5411 mark=0x5 &&
		wait_until 20 acts 5411 "(.\"set-mark\".state == \"none\")" &&
		ankus -n "$left" -d flow show dir out |
		grep -A 1 "set-mark 0x10/0xf0 none" |
		grep -q "reason: the application has set its own"'
	app_stop 5411
	check_until "without a socket there is nothing" 30 flows_are "$left" 0 \
		'.dport == 5411 and (.actions | length) > 0' true
	rule flush
	ankus -n "$left" dev del v0
}

# A mark leads to another route, and stays when the other device sees the flow.
test_route() {
	ip -n "$left" link add w0 type veth peer name w1 netns "$right"
	address_pair "$left" w0 "$right" w1 5
	ip -n "$left" rule add fwmark 0x10/0xf0 table 100
	ip -n "$left" route add 10.0.0.2 via 10.5.0.2 dev w0 table 100
	in_ns "$right" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.w1.rp_filter=0
	manage
	ankus -n "$left" dev add w0 mode steer rate 100kbit release 2s
	ask
	app_start 5411 10.0.0.2 2000 mark=0x5
	check_until "the mark leads to another device" 40 eval \
		'wire_is "$left" w0 5411 true'
	check_until "which goes on with it" 40 flows_are "$left" 1 \
		'.dport == 5411 and .dir == "out" and .ifname == "w0" and
		.state == "elephant"' \
		'any(.actions[]; .action == "set-mark" and .state == "in-force" and
		(has("reason") | not))'
	sleep 4
	check "and it remains there" wire_is "$left" w0 5411 true
	rule del pref 10
	check_until "until the rule goes" 40 wire_is "$left" v0 5411 true
	check "with its own mark" app_is 5411 '.mark == 5'
	app_stop 5411
	ankus -n "$left" dev del w0
	ankus -n "$left" dev del v0
	ip -n "$left" rule del fwmark 0x10/0xf0 table 100
	ip -n "$left" link del w0
}

# With fq it is that which paces; iperf3 has a rate of its own
test_iperf() {
	tc -n "$left" qdisc add dev v0 root fq
	manage
	rule add pref 10 dport 5421 action auto pace 1mbit
	check "a stream of iperf3 at 8 Mbit/s" tcp_start "$left" "$right" \
		10.0.0.2 5421 1 8M
	check_until "is paced by fq" 30 in_force_any 5421 pace
	check "at a lower rate" paced 5421 1000
	check "and goes on" tcp_go_on "$left" 5421 1
	rule flush
	check_until "its own rate is back" 20 ss_pace 5421 8000000
	tcp_stop 5421
	ankus -n "$left" dev del v0
	tc -n "$left" qdisc del dev v0 root
}

# iperf3 has a connection for control as well
in_force_any() {
	ankus -n "$left" -j flow show >"$lib_out/flows" || return
	jq -e "any(.[]; .dport == $1 and any(.actions[]; .action == \"$2\" and
		.state == \"in-force\"))" "$lib_out/flows"
}

# A namespace goes with its sockets, and its end of a veth takes the other along:
# none is held for longer.
test_namespace() {
	local left=gone-$$ pid

	ip netns add "$left"
	ip -n "$left" link add v0 type veth peer name g1 netns "$right"
	address_pair "$left" v0 "$right" g1 6
	manage
	rule add pref 10 dport 5411 action auto pace 4mbit set-mark 0x10/0xf0
	app_start 5411 10.6.0.2 2000
	check_until "in force in another namespace" 40 in_force 5411 pace set-mark
	pid=${app_pid[5411]}
	app_stop 5411
	wait_until 20 eval '[ ! -d "/proc/'"$pid"'" ]'
	ip netns del "$left"
	check_until "which goes, and nothing keeps it" 60 \
		check_gone "$right" g1
}

check_gone() {
	! ip -n "$1" link show "$2"
}

# --- all -------------------------------------------------------------------

left='' right=''
setup_ns left right
load_module ankus
veth_pair "$left" "$right" 2
address_pair "$left" v0 "$right" v1
sink_start "$right" 5411

test_sockets
test_own
test_route
test_iperf
test_namespace
finish
