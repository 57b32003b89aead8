#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# TX queue pins: bytes go where they are pinned to, elephants spread, moves
# reorder nothing, and what is unpinned is the kernel's again.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

for tool in ethtool iperf3 nstat; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

big='.dir == "out" and .state == "elephant"'

# --- helpers ---------------------------------------------------------------

# The pin of the only elephant, or of the flow that $2 selects
pinned_to() {
	flows_are "$left" 1 "${2:-$big}" ".tx_queue.target == $1 and
		.tx_queue.current == $1 and (.tx_queue.state == \"installed\" or
		.tx_queue.state == \"verified\")"
}

verified_on() {
	flows_are "$left" 1 "${2:-$big}" \
		".tx_queue.current == $1 and .tx_queue.state == \"verified\""
}

# spread FLOWS QUEUES MOST: so many elephants on so many queues, on none of them
# more than MOST
spread() {
	ankus -n "$left" -j flow show state elephant dir out >"$lib_out/spread"
	jq -e "[.[].tx_queue.current] | length == $1 and all(.[]; . != null) and
		(group_by(.) | map(length) | length == $2 and max <= $3)" \
		"$lib_out/spread" >/dev/null && return
	jq -c '.[] | [.id, .dport, .rate_bps, .tx_queue]' "$lib_out/spread"
	return 1
}

# --- tests -----------------------------------------------------------------

test_pin() {
	local family=$1 address=$2 port=$3 id queue other

	check "$family: a stream" tcp_start "$left" "$right" "$address" "$port" 1 4M
	check_until "$family: an elephant" 20 flows_are "$left" 1 "$big" \
		".dport == $port and .family == \"$family\""
	check_until "$family: pinned and verified" 20 flows_are "$left" 1 "$big" \
		'.tx_queue.state == "verified" and .tx_queue.latency_us > 0 and
		 .tx_queue.current == .tx_queue.target'
	id=$(flow_id "$left" "$big")
	queue=$(ankus -n "$left" -j flow show "$id" | jq '.[0].tx_queue.current')
	check "$family: all its bytes use the queue" mostly_on "$queue" "$left" v0
	# 7.x forgets the queue of a socket that was silent for a while
	check_until "$family: which the socket is bound to" 10 flows_are \
		"$left" 1 "$big" ".tx_queue.observed == $queue"

	for other in 0 3; do
		check "$family: pinned to queue $other by hand" \
			ankus -n "$left" flow pin "$id" queue $other
		check_until "$family: it goes there" 10 pinned_to $other
		check "$family: with all its bytes" mostly_on $other "$left" v0
		check_until "$family: which is seen" 10 verified_on $other
	done
	check "$family: it stays there" flows_are "$left" 1 "$big" \
		'.pin_mode == "manual" and .tx_queue.moves >= 1 and
		 .tx_queue.move_reason == "manual" and .tx_queue.from == 0'
	check "$family: unpinned" ankus -n "$left" flow unpin "$id"
	check_until "$family: it has no pin" 10 flows_are "$left" 1 "$big" \
		'.pin_mode == "off" and .tx_queue.state == "none" and
		 (.tx_queue | has("current") | not)'
	sleep 1
	check "$family: and gets none" flows_are "$left" 1 "$big" \
		'.tx_queue.state == "none"'
	check "$family: given back" ankus -n "$left" flow pin "$id" auto
	check_until "$family: it is pinned again" 10 flows_are "$left" 1 "$big" \
		'.pin_mode == "auto" and .tx_queue.state == "verified"'
	tcp_stop "$port"
	check_until "$family: a stream that has ended is released" 20 \
		stat_is "$left" v0 '.elephants == 0 and .pins_tx_queue == 0'
}

# What is not pinned is sent as it would be without us: after unpinning by the
# queue that the socket's hash chooses, which is what it was before.
test_release() {
	local before id other

	ankus -n "$left" dev set v0 mode observe
	check "a stream that is not steered" \
		tcp_start "$left" "$right" 10.0.0.2 5020 1 4M
	before=$(busiest_queue "$left" v0)
	check "uses one queue" mostly_on "$before" "$left" v0
	other=$(((before + 1) % 4))
	ankus -n "$left" dev set v0 mode steer tx-queues $other
	check_until "steered, it uses another" 20 verified_on $other
	id=$(flow_id "$left" "$big")
	ankus -n "$left" flow unpin "$id"
	check_until "unpinned" 10 stat_is "$left" v0 '.pins_tx_queue == 0'
	# The kernel chooses anew when its own choice may be made anew.
	check_until "it is where it was" 20 mostly_on "$before" "$left" v0
	ankus -n "$left" flow pin "$id" auto
	check_until "steered again" 20 verified_on $other
	ankus -n "$left" dev set v0 mode observe
	check_until "mode observe takes the pin back" 10 \
		stat_is "$left" v0 '.pins_tx_queue == 0'
	check_until "and the flow is where it was" 20 mostly_on "$before" "$left" v0
	ankus -n "$left" dev set v0 mode steer
	check_until "and once more" 20 verified_on $other
	ankus -n "$left" dev del v0
	check_until "and so it is without us" 20 mostly_on "$before" "$left" v0
	tcp_stop 5020
	ankus -n "$left" dev add v0 mode steer rate 150kbit release 3s
}

# All queues send about the same
even_load() {
	local load
	load=$(queue_load "$left" v0 4)
	awk -v load="$load" 'BEGIN {
		n = split(load, a)
		for (i = 1; i <= n; i++) { sum += a[i]; if (a[i] > max) max = a[i] }
		exit !(n == 4 && sum > 400000 && max < 1.5 * sum / n) }' && return
	echo "the queues sent $load"
	return 1
}

# Of four queues the two in the middle send nearly all
inner_load() {
	local load
	load=$(queue_load "$left" v0 3)
	awk -v load="$load" 'BEGIN { split(load, a)
		exit !(a[2] + a[3] > 0.95 * (a[1] + a[2] + a[3] + a[4])) }' && return
	echo "the queues sent $load"
	return 1
}

test_spread() {
	check "4 streams" tcp_start "$left" "$right" 10.0.0.2 5030 4 1M
	check_until "take a queue each" 20 spread 4 4 1
	check_until "and so do their bytes" 30 even_load
	check "4 more" tcp_start "$left" "$right" fd00::2 5031 4 1M
	check_until "make it two each" 20 spread 8 4 2

	ankus -n "$left" dev set v0 tx-queues 1-2
	check_until "two queues are open to elephants" 60 spread 8 2 4
	check_until "no other one is used" 20 flows_are "$left" 8 "$big" \
		'.tx_queue.current == 1 or .tx_queue.current == 2'
	check_until "nor seen" 20 inner_load
	ankus -n "$left" rule add pref 10 dev v0 dir out dport 5031 \
		action tx-queues 2
	ankus -n "$left" rule add pref 20 dev v0 dir out dport 5030 action ignore
	check_until "a rule binds flows to a queue" 30 flows_are "$left" 4 \
		"$big and .dport == 5031" \
		'.tx_queue.current == 2 and .rule_pref == 10'
	check_until "or lets them alone" 20 flows_are "$left" 4 \
		"$big and .dport == 5030" \
		'.ignored and .tx_queue.state == "none" and .rule_pref == 20'
	ankus -n "$left" rule flush
	ankus -n "$left" dev set v0 tx-queues all
	check_until "without them, and with all queues, they spread" 40 spread 8 4 2
	check "all streams go on" tcp_go_on "$left" 5030 4
	check "of both families" tcp_go_on "$left" 5031 4
	tcp_stop 5030
	tcp_stop 5031
	check_until "all are released in the end" 20 \
		stat_is "$left" v0 '.elephants == 0 and .pins_tx_queue == 0'
}

# --- order -----------------------------------------------------------------

# Queues that hold packets back, so that one can overtake another: without
# segmentation offload, whose packets are large enough to come one at a time.
slow_queues() {
	local q
	for q in 1 2 3 4; do
		tc -n "$left" qdisc replace dev v0 parent 1:$q handle $((q + 10)): \
			tbf rate "${1}bit" burst 3k limit 1m || return 1
	done
}

fast_queues() {
	tc -n "$left" qdisc replace dev v0 root pfifo
	tc -n "$left" qdisc replace dev v0 root handle 1: mq
}

# Segments that arrived behind a later one.  Nothing is lost here, and what is
# sent twice comes too late for that.
reordered() {
	snmp "$right" TcpExtTCPOFOQueue
}

# moved_about MOVE: moves a stream to and fro; prints what that reordered
moved_about() {
	local before i
	before=$(reordered)
	for ((i = 0; i < 40; i++)); do
		"$1" $((i % 4)) || return
		sleep 0.2
	done
	echo $(($(reordered) - before))
}

by_pin() {
	ankus -n "$left" flow pin "$moved_id" queue "$1"
}

# As anybody can, without regard to what is in the queue
by_force() {
	tc -n "$left" actions replace action skbedit queue_mapping "$1" index 1
}

not_at_all() {
	:
}

# A stream in bursts, so that there are moments in which nothing is under way
# and others in which much is: it is moved in both.
test_order() {
	local moves

	in_ns "$left" ethtool -K v0 tso off gso off >/dev/null
	slow_queues 8m
	check "a stream in bursts" tcp_start "$left" "$right" 10.0.0.2 5040 1 0 \
		-b 2M -l 32K
	check_until "is pinned" 20 flows_are "$left" 1 "$big" \
		'.tx_queue.state == "verified"'
	moved_id=$(flow_id "$left" "$big")
	check_is "left alone, it keeps its order" 0 "$(moved_about not_at_all)"
	moves=$(stat_of "$left" v0 moves)
	check_is "moved to and fro, it does too" 0 "$(moved_about by_pin)"
	moves=$(($(stat_of "$left" v0 moves) - moves))
	check "having moved each time or so ($moves)" [ "$moves" -ge 16 ]

	ankus -n "$left" flow unpin "$moved_id"
	if quietly tc -n "$left" qdisc add dev v0 clsact &&
		quietly by_force 0 &&
		quietly tc -n "$left" filter add dev v0 egress matchall \
			action skbedit index 1; then
		moves=$(moved_about by_force)
		# Shows that disorder would be seen; it takes two busy queues.
		if [ "$moves" -gt 0 ]; then
			ok "moved by force, it would not"
		else
			skip "moved by force, it would not" \
				"the queues were never busy at the same time"
		fi
	else
		skip "moved by force, it would not" "no act_skbedit"
	fi
	quietly tc -n "$left" qdisc del dev v0 clsact
	tcp_stop 5040
	check_until "the stream is released" 20 stat_is "$left" v0 '.elephants == 0'
}

# A flow whose packets never cease to queue has no safe point.
test_waiting() {
	local flow='.dport == 5050 and .dir == "out"' id moves

	udp_start "$left" 10.0.0.9 5050 1000
	check_until "datagrams with gaps are pinned" 20 flows_are "$left" 1 \
		"$flow" '.tx_queue.state == "verified"'
	id=$(flow_id "$left" "$flow")
	ankus -n "$left" flow pin "$id" queue 1
	check_until "and moved" 20 verified_on 1 "$flow"
	ankus -n "$left" flow pin "$id" queue 2
	check_until "and again" 20 verified_on 2 "$flow"

	slow_queues 1m
	udp_rate 5050 2000
	check_until "a queue that never empties" 20 backlogged 2 50000
	moves=$(stat_of "$left" v0 moves)
	ankus -n "$left" flow pin "$id" queue 3
	sleep 2
	check "is not left" flows_are "$left" 1 "$flow" \
		'.tx_queue.target == 3 and .tx_queue.current == 2 and
		 .tx_queue.state == "wanted" and
		 .tx_queue.waited_us >= 2000000 and
		 (.tx_queue | has("safe_point") | not)'
	check "the move waits" stat_is "$left" v0 \
		".moves_waiting == 1 and .moves == $moves"
	check "while it is never empty" backlogged 2 3000
	udp_rate 5050 200
	check_until "until it is" 30 pinned_to 3 "$flow"
	check "then it has moved" stat_is "$left" v0 '.moves_waiting == 0'
	check_until "in a pause" 10 flows_are "$left" 1 "$flow" \
		'.tx_queue.from == 2 and .tx_queue.safe_point == "pause" and
		 .tx_queue.waited_us >= 2000000 and
		 (.tx_queue | has("after") | not)'
	udp_stop 5050
	fast_queues
	in_ns "$left" ethtool -K v0 tso on gso on >/dev/null
}

backlogged() {
	[ "$(tc -n "$left" -j -s qdisc show dev v0 | jq "[.[] |
		select(.parent == \"1:$(($1 + 1))\") | .backlog] | add")" -gt "$2" ]
}

# --- forwarding ------------------------------------------------------------

# From left over right to far: the packets have no socket here.
test_forward() {
	local q

	ip -n "$right" link add f0 numtxqueues 4 numrxqueues 4 type veth \
		peer name f1 netns "$far" numtxqueues 4 numrxqueues 4
	address_pair "$right" f0 "$far" f1 3
	tc -n "$right" qdisc replace dev f0 root handle 1: mq
	in_ns "$right" sysctl -qw net.ipv4.ip_forward=1
	ip -n "$left" route add 10.3.0.0/24 via 10.0.0.2
	ip -n "$far" route add 10.0.0.0/24 via 10.3.0.1
	ankus -n "$right" dev add f0 mode steer rate 150kbit release 3s

	check "a stream that is forwarded" \
		tcp_start "$left" "$far" 10.3.0.2 5060 1 4M
	check_until "is pinned where it leaves" 20 flows_are "$right" 1 "$big" \
		'.tx_queue.state == "verified" and .dport == 5060'
	for q in 1 3; do
		ankus -n "$right" flow pin "$(flow_id "$right" "$big")" queue $q
		check_until "goes to queue $q" 20 flows_are "$right" 1 "$big" \
			".tx_queue.current == $q and .tx_queue.state == \"verified\""
		check "with all its bytes" mostly_on $q "$right" f0
	done
	check "and goes on" tcp_go_on "$left" 5060 1
	tcp_stop 5060
	ankus -n "$right" dev del f0
}

# A device with one queue has nothing to choose from.
test_one_queue() {
	ip -n "$left" link add w0 type veth peer name w1 netns "$right"
	address_pair "$left" w0 "$right" w1 4
	ankus -n "$left" dev add w0 mode steer rate 150kbit
	udp_start "$left" 10.4.0.9 5070 1000
	check_until "on one queue nothing is pinned" 20 flows_are "$left" 1 \
		".dport == 5070 and $big" '.tx_queue.state == "none"'
	check_fail "and cannot be" 2 '^ankus: ' ankus -n "$left" \
		flow pin "$(flow_id "$left" '.dport == 5070')" queue 0
	udp_stop 5070
	ankus -n "$left" dev del w0
}

# --- run -------------------------------------------------------------------

left='' right='' far='' moved_id=''
setup_ns left right far
veth_pair "$left" "$right" 4
address_pair "$left" v0 "$right" v1
# Without us, a socket keeps to its hash, also when a slow machine is late.
in_ns "$left" sysctl -qw net.core.txrehash=0
tc -n "$left" qdisc replace dev v0 root handle 1: mq
load_module ankus
ankus -n "$left" dev add v0 mode steer rate 150kbit release 3s

test_pin inet 10.0.0.2 5010
test_pin inet6 fd00::2 5011
test_release
test_spread
test_order
test_waiting
test_forward
test_one_queue
check "no pin failed" stat_is "$left" v0 '.ineffective == 0 and .refused == 0'
finish
