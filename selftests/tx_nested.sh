#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bonds in a bond, all of them managed: each spreads what it is given over its
# own links.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

command -v iperf3 >/dev/null || skip_all "no iperf3"

# A bond outer of in0 (up0, up1) and in1 (up2, up3); right receives by all links and
# answers by the first
make_nested() {
	local i bond

	ip -n "$right" link add bond0 type bond mode active-backup miimon 50 \
		all_slaves_active 1 || return
	for bond in outer in0 in1; do
		ip -n "$left" link add "$bond" type bond mode balance-xor \
			miimon 50 xmit_hash_policy layer3+4 || return
	done
	for i in 0 1 2 3; do
		ip -n "$left" link add "up$i" type veth peer name "p-up$i" \
			netns "$right" &&
			ip -n "$left" link set "up$i" master in$((i / 2)) &&
			ip -n "$right" link set "p-up$i" master bond0 &&
			ip -n "$left" link set "up$i" up &&
			ip -n "$right" link set "p-up$i" up || return
	done
	ip -n "$left" link set in0 master outer &&
		ip -n "$left" link set in1 master outer &&
		ip -n "$left" link set in0 up && ip -n "$left" link set in1 up &&
		address_pair "$left" outer "$right" bond0
}

test_nested() {
	local dev

	check "bonds in a bond" make_nested
	for dev in outer in0 in1; do
		manage $dev
	done
	check_until "the outer one's links are bonds" 30 links_are 2 \
		'.upper_ifname == "outer"' '.state == "up" and
			(.ifname == "in0" or .ifname == "in1")'
	check_until "theirs are the devices" 30 links_are 4 \
		'.upper_ifname == "in0" or .upper_ifname == "in1"' '.state == "up"'
	check "streams" tcp_start "$left" "$right" 10.0.0.2 5201 "$streams" 400K
	of=(dev outer)
	spread "spread over the bonds" 8 2 4 4
	for dev in in0 in1; do
		of=(dev "$dev")
		spread "$dev: and over its links" 4 2 2 2
	done
	check "all streams go on" tcp_go_on "$left" 5201 "$streams"
	for dev in outer in0 in1; do
		check "$dev: no packet took another way" stat_is "$left" $dev \
			'.link_packets > 0 and .link_bypassed == 0'
	done

	ip -n "$right" link set p-up2 down
	of=(dev in1)
	spread "a link fails: its bond's flows use the other" 4 1 4 4
	check "which is up for the outer bond" link_is in1 '.state == "up"'
	ip -n "$right" link set p-up3 down
	check_until "both fail: so does the link of the outer bond" 20 \
		link_is in1 '.state == "down" and .reason == "no carrier"'
	of=(dev outer)
	spread "all flows use the other bond" 8 1 8 8
	of=(dev in0)
	spread "spread over its links" 8 2 4 4
	check "no connection is lost" tcp_go_on "$left" 5201 "$streams"
	of=()
	tcp_stop 5201
	unmake_bond outer in0 in1 up0 up1 up2 up3
	check_until "nothing is left" 20 eval \
		'[ "$(ankus -n "$left" -j dev show | jq length)" -eq 0 ]'
}

left='' right='' streams=8
load_module bonding
setup_ns left right
load_module ankus
test_nested
finish
