#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links of a team: its ports are found, elephants spread over them, leave what
# fails or is disabled, come back, and stand aside where the team's mode is not
# one that spreads flows.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

for tool in iperf3 teamnl; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
modinfo team >/dev/null 2>&1 || skip_all "the kernel has no team driver"

team() {
	in_ns "$left" teamnl team0 "$@"
}

# team_port LINK: a port whose peer is a lower device of the bond.  It has the
# address of the team, which teamd sees to elsewhere.
team_port() {
	local address
	address=$(ip -n "$left" -j link show team0 | jq -r '.[0].address')
	ip -n "$left" link add "$1" address "$address" type veth \
		peer name "p-$1" netns "$right" &&
		ip -n "$left" link set "$1" master team0 &&
		ip -n "$right" link set "p-$1" master bond0 &&
		ip -n "$left" link set "$1" up &&
		ip -n "$right" link set "p-$1" up
}

# make_team MODE LINK...: a team in left over against a bond in right, which
# receives by all of its links and answers by the first: a port that is disabled
# does not receive, of which only LACP would tell the other side
make_team() {
	local mode=$1 link
	shift

	load_module "team_mode_$mode"
	ip -n "$left" link add team0 type team &&
		team setoption mode "$mode" &&
		ip -n "$right" link add bond0 type bond mode active-backup \
			miimon 50 all_slaves_active 1 || return
	for link; do
		team_port "$link" || return
	done
	address_pair "$left" team0 "$right" bond0
}

unmake_team() {
	ankus -n "$left" dev del team0
	ip -n "$left" link del team0
	ip -n "$right" link del bond0
	for link; do
		ip -n "$left" link del "$link"
	done
}

streams_go_on() {
	check "$1" tcp_go_on "$left" 5401 "$streams"
}

test_spread() {
	local link before after

	ankus -n "$left" dev add team0 mode steer rate 75kbit release 5s
	check_until "the ports are links" 30 links_are 4 true \
		'.auto and .state == "up" and .ifname == .name and
		 .upper_ifname == "team0" and .speed_bps == 10000000000'
	check "streams" tcp_start "$left" "$right" 10.0.0.2 5401 "$streams" 400K
	spread "elephants spread evenly" 8 4 2 2
	before=$(stat_of "$left" team0 link_packets)
	for link in up0 up1 up2 up3; do
		after=$(link_bytes "$left" "$link" tx)
		check_until "what is pinned to $link is sent by it" 20 eval \
			"[ \"\$(link_bytes \"\$left\" $link tx)\" -gt $((after + 50000)) ]"
	done
	check "all over links" stat_is "$left" team0 \
		".link_bypassed == 0 and .link_packets > $before"
	streams_go_on "all streams go on"
}

test_failover() {
	ip -n "$right" link set p-up1 down
	check_until "no carrier: the link is down" 20 link_is up1 \
		'.state == "down" and .reason == "no carrier"'
	check_until "no carrier: flows left it" 20 none_on up1
	streams_go_on "no carrier: no connection is lost"
	ip -n "$right" link set p-up1 up
	spread "and it takes flows back" 8 4 2 2

	check "a port is disabled" team setoption -p up2 enabled false
	check_until "disabled: the link is down" 20 link_is up2 \
		'.state == "down" and .reason == "not enabled by the team"'
	check_until "disabled: flows left it" 20 none_on up2
	streams_go_on "disabled: no connection is lost"
	check "and enabled" team setoption -p up2 enabled true
	check_until "enabled: the link is up" 20 link_is up2 '.state == "up"'
	spread "enabled: it takes flows back" 8 4 2 2

	ip -n "$left" link del up3
	check_until "deleted: no link" 20 links_are 3 true '.name != "up3"'
	spread "deleted: the others share the flows" 8 3 3 2
	streams_go_on "deleted: no connection is lost"
	check "a new port" team_port up3
	check_until "is a link" 20 link_is up3 '.state == "up"'
	spread "with flows" 8 4 2 2
}

test_by_hand() {
	check "a link by hand" \
		ankus -n "$left" link add fast dev up0 team team0 capacity 40mbit
	check_until "is what was asked for" 20 link_is fast '.ifname == "up0" and
		.capacity_bps == 40000000 and .state == "up"'
	check_fail "either a bond or a team" 1 '^ankus: .*either a bond or a team' \
		ankus -n "$left" link add x dev up1 bond team0 team team0
	check_fail "not of another team" 2 '^ankus: ' \
		ankus -n "$left" link add x dev lo team team0
	check "and goes" ankus -n "$left" link del fast
	check_until "then it is found again" 20 link_is up0 '.auto'
	spread "and used" 8 4 2 2
}

# Unload and team go under traffic: the streams are the team's own.
test_leave() {
	ankus -n "$left" dev del team0
	check "no links are left" links_are 0 true true
	streams_go_on "let go: the streams go on"
	ankus -n "$left" dev add team0 mode steer rate 75kbit release 5s
	spread "managed again" 8 4 2 2
	ip -n "$left" link del team0
	check_until "the team goes: so do its links" 20 links_are 0 true true
	check "and the device" eval \
		'[ "$(ankus -n "$left" -j dev show | jq length)" -eq 0 ]'
	tcp_stop 5401
	ip -n "$right" link del bond0
	for link in up0 up1 up2 up3; do
		ip -n "$left" link del "$link"
	done
}

# other_mode MODE REASON: a mode in which flows have their place already
other_mode() {
	if ! modinfo "team_mode_$1" >/dev/null 2>&1; then
		skip "$1" "this kernel has no such team mode"
		return
	fi
	make_team "$1" up0 up1
	# teamd would choose it
	[ "$1" != activebackup ] || team setoption activeport \
		"$(ip -n "$left" -j link show up0 | jq '.[0].ifindex')"
	ankus -n "$left" dev add team0 mode steer rate 75kbit release 5s
	check_until "$1: blocked, with the reason" 30 links_are 2 true \
		".state == \"blocked\" or .state == \"down\""
	check_until "$1: which is that of the mode" 10 links_are 1 \
		'.name == "up0"' ".reason == \"$2\""
	check "$1: a stream" tcp_start "$left" "$right" 10.0.0.2 5402 1 400K
	check_until "$1: it has no link" 30 flows_are "$left" 1 "$big" \
		'.link.state == "parked" and (.link.reason | length > 0)'
	check "$1: and goes on" tcp_go_on "$left" 5402 1
	tcp_stop 5402
	unmake_team up0 up1
}

left='' right='' streams=8
load_module bonding
load_module team
setup_ns left right
check "a team" make_team loadbalance up0 up1 up2 up3
load_module ankus
test_spread
test_failover
test_by_hand
test_leave
other_mode activebackup "team mode activebackup sends over one link at a time"
other_mode broadcast "team mode broadcast sends over all links at once"
finish
