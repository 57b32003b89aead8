#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links by mark: routes that a mark chooses, over several devices without a bond.
# The tool makes the rules and routes, elephants spread over the devices, each
# pin is seen to hold, sockets keep what their applications set, and nothing of
# it is left behind.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

for tool in iperf3 python3 ss; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

streams=8
modprobe -q dummy || true

# --- helpers ---------------------------------------------------------------

# Two ways from left to a router in the middle, which hashing chooses between,
# and one from there to the right.
ways() {
	local i ns

	for i in 1 2; do
		ip -n "$left" link add "w$i" type veth peer name "m$i" \
			netns "$middle" &&
			address_pair "$left" "w$i" "$middle" "m$i" "$i" &&
			one_receiver "$middle" "m$i" || return 1
	done
	ip -n "$middle" link add m9 type veth peer name r0 netns "$right" &&
		address_pair "$middle" m9 "$right" r0 9 &&
		in_ns "$middle" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1 &&
		ip -n "$right" route add default via 10.9.0.1 &&
		ip -n "$right" route add default via fd09::1 &&
		in_ns "$left" sysctl -qw net.ipv4.fib_multipath_hash_policy=1 \
			net.ipv6.fib_multipath_hash_policy=1 || return 1
	for ns in "$left" "$middle"; do
		in_ns "$ns" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.default.rp_filter=0
	done
	# an address of no way, as hosts have it whose routes come from a fabric
	ip -n "$left" addr add 10.8.0.1/32 dev lo &&
		ip -n "$left" addr add fd08::1/128 dev lo &&
		ip -n "$middle" route add 10.8.0.1 via 10.1.0.1 &&
		ip -n "$middle" route add fd08::1 via fd01::1 &&
		ip -n "$left" route add default src 10.8.0.1 \
			nexthop via 10.1.0.2 dev w1 nexthop via 10.2.0.2 dev w2 &&
		ip -n "$left" route add default src fd08::1 \
			nexthop via fd01::2 dev w1 nexthop via fd02::2 dev w2
}

add_links() {
	ankus -n "$left" link add up1 dev w1 via 10.1.0.2,fd01::2 &&
		ankus -n "$left" link add up2 dev w2 via 10.2.0.2,fd02::2
}

# What routing has, but for what the kernel makes of addresses that become valid
routing() {
	ip -n "$left" rule show
	ip -n "$left" -6 rule show
	ip -n "$left" route show table all | grep -v "proto kernel"
	ip -n "$left" -6 route show table all | grep -v "proto kernel"
}

routing_is() {
	routing | diff "$1" -
}

no_marks() {
	! in_ns "$left" ss -Htne | grep fwmark
}

streams_go_on() {
	check "$1: the streams go on" tcp_go_on "$left" 5201 6
	check "$1: those of IPv6 as well" tcp_go_on "$left" 5202 2
}

# --- tests -----------------------------------------------------------------

test_words() {
	check_fail "a device that nobody manages" 2 'not managed' \
		ankus -n "$left" link add up1 dev w1 via 10.1.0.2
	check "leaves no rule" routing_is "$lib_out/routing"
	ankus -n "$left" dev add w1 mode steer rate 200kbit release 5s
	check_fail "no address" 1 'via: "here" is no IPv4 or IPv6 address' \
		ankus -n "$left" link add up1 dev w1 via here
	check_fail "two of one family" 1 'second gateway' \
		ankus -n "$left" link add up1 dev w1 via 10.1.0.2,10.1.0.9
	check_fail "a gateway that is not there" 2 'cannot add a route via 10.7' \
		ankus -n "$left" link add up1 dev w1 via 10.7.0.1
	check_fail "a mark of no bits" 1 'is none' \
		ankus -n "$left" link add up1 dev w1 mark 0/0xf0
	check_fail "a table without routes" 1 'table.*via' \
		ankus -n "$left" link add up1 dev w1 mark 0x10/0xf0 table 7
	ip -n "$left" rule add pref 77 fwmark 0x10/0x10 lookup 77
	check_fail "a mark that somebody's rule looks at" 2 \
		'collides with an IPv4 rule, "77: fwmark 0x10/0x10 lookup 77"' \
		ankus -n "$left" link add up1 dev w1 via 10.1.0.2
	ip -n "$left" rule del pref 77
	ip -n "$left" -6 rule add pref 78 fwmark 0 lookup main 2>/dev/null
	ip -n "$left" -6 rule add pref 79 fwmark 0x20/0xf0 lookup 77
	check_fail "one of IPv6" 2 'IPv6 rule, "79: fwmark 0x20/0xf0 lookup 77"' \
		ankus -n "$left" link add up1 dev w1 mark 0x20/0xf0
	ip -n "$left" -6 rule del pref 79
	ip -n "$left" -6 rule del pref 78 2>/dev/null
	ip -n "$left" route add 10.77.0.0/24 dev w1 table 24001
	check_fail "a table of somebody" 2 'table 24001 has routes of others' \
		ankus -n "$left" link add up1 dev w1 via 10.1.0.2
	ip -n "$left" route del 10.77.0.0/24 dev w1 table 24001
	ankus -n "$left" rule add pref 1 dport 9 action set-mark 0x30/0x30
	check_fail "bits that a rule sets" 2 'rule sets bits' \
		ankus -n "$left" link add up1 dev w1 mark 0x10/0xf0
	ankus -n "$left" rule flush
	check "nothing is left of all that" routing_is "$lib_out/routing"
}

test_add() {
	check "two links" add_links
	check "have marks" links_are 2 true '.mark_mask == 240 and
		.state == "up" and .upper_ifname == "w1"'
	check "of their own" link_is up2 '.mark == 32 and .ifname == "w2"'
	check "a rule leads there" eval 'ip -n "$left" route get 10.9.0.2 \
		mark 0x20 | grep -q "via 10.2.0.2 dev w2"'
	check "of both families" eval 'ip -n "$left" route get fd09::2 \
		mark 0x10 | grep -q "via fd01::2 dev w1"'
	check "but not what has a route of its own" eval 'ip -n "$left" \
		route get 10.1.0.2 mark 0x20 | grep -q "dev w1"'
	check_fail "one device, one link" 2 'a link already' \
		ankus -n "$left" link add up3 dev w2 via 10.2.0.2
	check_fail "one mark, one link" 2 'that of link "up2"' \
		ankus -n "$left" link add up3 dev m7 via 10.2.0.2 mark 0x20/0xf0
	check_fail "no rule sets these bits" 2 'links are chosen by bits' \
		ankus -n "$left" rule add pref 1 action set-mark 0x30/0x30
	check "the others are whole" eval 'ip -n "$left" rule show |
		grep -c "fwmark 0x.0/0xf0" | grep -qx 4'
}

test_spread() {
	check "streams" tcp_start "$left" "$right" 10.9.0.2 5201 6 1M
	check "and over IPv6" tcp_start "$left" "$right" fd09::2 5202 2 1M
	spread "half of them on each" 8 2 5 3
	check_until "by marks of their sockets" 20 eval 'n=0; for p in 5201 5202; do
		n=$((n + $(in_ns "$left" ss -Htne "dport = :$p" |
			grep -cE "fwmark:0x[12]0\b"))); done; [ "$n" -ge 8 ]'
	check_until "nothing goes another way" 30 stat_is "$left" w1 \
		'.link_bypassed == 0 and .link_packets > 100'
}

test_move() {
	local id link

	id=$(flow_id "$left" "$big and .dport == 5201")
	for link in up2 up1 up2; do
		check "by hand" ankus -n "$left" flow pin "$id" link $link
		check_until "to $link" 30 flows_are "$left" 1 ".id == $id" \
			".link.state == \"verified\" and .link.link == \"$link\""
	done
	check "given back" ankus -n "$left" flow pin "$id" auto
	streams_go_on "moved"
}

test_fail() {
	ip -n "$middle" link set m2 down
	check_until "no carrier" 20 link_is up2 '.state == "down"'
	check_until "all leave" 60 none_on up2
	streams_go_on "one way left"
	ip -n "$middle" link set m2 up
	check_until "it is back" 20 link_is up2 '.state == "up"'
	spread "as are the flows" 8 2 5 3
}

# Routes that do not do what the mark says: told, and nothing is lost
test_astray() {
	ip -n "$left" rule add pref 5 fwmark 0x20/0xf0 lookup 5
	ip -n "$left" route add default via 10.1.0.2 dev w1 table 5
	check_until "somebody's rule leads the mark elsewhere: seen" 60 eval \
		'ankus -n "$left" -j flow show dir out | jq -e "any(.[]; .link |
		.state == \"ineffective\" and (.reason | test(\"seen elsewhere\")))"'
	check_until "and seen beforehand" 60 eval \
		'ankus -n "$left" -j flow show dir out | jq -e "any(.[]; .link |
		.state == \"refused\" and (.reason | test(\"routes lead\")))"'
	streams_go_on "elsewhere"
	ip -n "$left" rule del pref 5
	ip -n "$left" route flush table 5
	spread "without it, they are as before" 8 2 5 3
}

test_end() {
	check "a link goes" ankus -n "$left" link del up2
	check "no socket has its mark" eval '! in_ns "$left" ss -Htne |
		grep "fwmark:0x20"'
	check "nor has a rule" eval '! ip -n "$left" rule show | grep 0x20'
	check "it comes back" ankus -n "$left" link add up2 dev w2 \
		via 10.2.0.2,fd02::2
	spread "with its flows" 8 2 5 3
	check "its device goes" ip -n "$left" link del w2
	# of IPv4, the kernel drops a route of which one next hop goes so
	ip -n "$left" route add default src 10.8.0.1 via 10.1.0.2
	check_until "and the link with it" 20 links_are 1 true '.name == "up1"'
	check_until "no socket has its mark" 20 eval '! in_ns "$left" ss -Htne |
		grep "fwmark:0x20"'
	check "all ends" ankus -n "$left" dev del w1
	check "no socket is marked" no_marks
	check "nor is any rule left" eval '! { ip -n "$left" rule show
		ip -n "$left" -6 rule show; } | grep fwmark'
	streams_go_on "without ankus"
}

# --- run -------------------------------------------------------------------

left='' right='' middle=''
setup_ns left right middle
check "two ways" ways
load_module ankus
routing >"$lib_out/routing"
test_words
test_add
test_spread
test_move
test_fail
test_astray
test_end
finish
