#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A router and a container host: flows that have no socket where they are
# steered, from the receive queue of a NIC to the links of a bond; with NAT and
# from a container behind a bridge, too.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

for tool in ethtool iperf3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

came='.dir == "in" and .state == "elephant"'
sent='.link.state == "verified" and .link.current == .link.target'

# client - s0, left, bond0 - right
setup() {
	simnic_pair "$client" "$left" &&
		address_pair "$client" s0p "$left" s0 &&
		in_ns "$left" ethtool -X s0 equal 1 &&
		bond_links "$left" "$right" balance-xor up0 up1 up2 up3 &&
		address_pair "$left" bond0 "$right" bond0 5 &&
		in_ns "$left" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1 &&
		ip -n "$client" route add 10.5.0.0/24 via 10.0.0.2 &&
		ip -n "$client" route add fd05::/64 via fd00::2 &&
		ip -n "$right" route add 10.0.0.0/24 via 10.5.0.1 &&
		ip -n "$right" route add fd00::/64 via fd05::1
}

go_on() {
	check "$1" tcp_go_on "$client" 5501 4
}

test_router() {
	local link from

	check "streams through the router" \
		tcp_start "$client" "$right" 10.5.0.2 5501 4 400K
	check "and IPv6 streams" \
		tcp_start "$client" "$right" fd05::2 5502 2 400K
	spread "they spread over the links" "$streams" 4 2 1
	check_until "and come by a queue of their own" 60 flows_are "$left" \
		"$streams" "$came" '.rx_queue.state == "verified" and
			 .rx_queue.backend == "ntuple" and
			 .rx_queue.observed == .rx_queue.target'
	for link in up0 up1 up2 up3; do
		from=$(link_bytes "$left" "$link" tx)
		check_until "some are sent by $link" 20 eval \
			"[ \"\$(link_bytes \"\$left\" $link tx)\" -gt $((from + 40000)) ]"
	done
	check "none took another way" stat_is "$left" bond0 \
		'.link_packets > 0 and .link_bypassed == 0'
	check "nobody here has a socket of them" eval \
		"[ \"\$(ankus -n \"\$left\" -j -s flow show dev bond0 dir out |
			jq '[.[] | select(has(\"tcp\"))] | length')\" -eq 0 ]"
	check "TCP goes on" tcp_go_on "$client" 5501 4
	check "and TCP over IPv6" tcp_go_on "$client" 5502 2
}

test_failover() {
	streams=6
	ip -n "$right" link set p-up1 down
	check_until "a link fails: forwarded flows leave it" 30 none_on up1
	go_on "no connection is lost"
	ip -n "$right" link set p-up1 up
	spread "it comes back, and they with it" 6 4 2 1
	tcp_stop 5502
}

# A flow without TCP here moves when it pauses.
test_datagrams() {
	udp_start "$client" 10.5.0.9 5505 400
	check_until "datagrams: a queue and a link" 60 eval \
		'flows_are "$left" 1 "$came and .dport == 5505" \
			".rx_queue.state == \"verified\"" &&
		 flows_are "$left" 1 "$big and .dport == 5505" "$sent"'
	udp_stop 5505
}

# On one side of NAT a flow has another address than on the other.
test_nat() {
	in_ns "$left" nft -f - 2>"$lib_out/nft" <<-'END' || {
		table ip nat {
			chain out {
				type nat hook postrouting priority 100;
				oifname "bond0" tcp dport 5503 masquerade
			}
		}
	END
		skip "NAT" "no nftables, or no NAT in this kernel"
		return
	}
	check "a stream behind NAT" \
		tcp_start "$client" "$right" 10.5.0.2 5503 1 400K
	check_until "is sent by a link, from the router's address" 60 flows_are \
		"$left" 1 "$big and .dport == 5503" "$sent and .src == \"10.5.0.1\""
	check_until "and received by a queue, from its own" 60 flows_are "$left" 1 \
		"$came and .dport == 5503" '.src == "10.0.0.1" and
		 .rx_queue.state == "verified"'
	check "it goes on" tcp_go_on "$client" 5503 1
	tcp_stop 5503
	in_ns "$left" nft delete table ip nat
}

# Its socket is in another namespace, so here it is one that is forwarded.
test_container() {
	ip -n "$left" link add br0 type bridge &&
		ip -n "$left" link add h0 type veth peer name c0 netns "$box" &&
		ip -n "$left" link set h0 master br0 &&
		ip -n "$left" addr add 10.7.0.1/24 dev br0 &&
		ip -n "$left" link set br0 up && ip -n "$left" link set h0 up &&
		ip -n "$box" addr add 10.7.0.2/24 dev c0 &&
		ip -n "$box" link set c0 up &&
		ip -n "$box" route add default via 10.7.0.1 &&
		ip -n "$right" route add 10.7.0.0/24 via 10.5.0.1
	check_is "a container" 0 $?
	check "which sends streams" \
		tcp_start "$box" "$right" 10.5.0.2 5504 2 400K
	check_until "that have links" 60 flows_are "$left" 2 \
		"$big and .dport == 5504" "$sent and .src == \"10.7.0.2\""
	check "they go on" tcp_go_on "$box" 5504 2
	ip netns pids "$box" | xargs -r kill -9
	ip -n "$box" link del c0
	tcp_stop 5504
	go_on "the container goes, the others go on"
}

test_leave() {
	ankus -n "$left" dev del bond0
	go_on "without the bond managed they go on"
	ankus -n "$left" dev del s0
	go_on "and without the NIC"
	check_is "no rule is left" 0 "$(nic_rules "$left" s0 | grep -c '^Filter')"
}

client='' left='' right='' box='' streams=6
load_module bonding
load_module bridge
load_module simnic
setup_ns client left right box
check "a router" setup
load_module ankus
ankus -n "$left" dev add bond0 mode steer rate 75kbit release 5s
ankus -n "$left" dev add s0 mode steer rate 75kbit release 5s rx-queues 1-7
test_router
test_failover
test_datagrams
test_nat
test_container
test_leave
finish
