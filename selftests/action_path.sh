#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A flow has another IPv6 flow label when its path loses packets, and no other
# flow, and not without losses.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=acting.sh
. "$(dirname "$0")/acting.sh"

for tool in ss tc python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

repaths() {
	stat_of "$left" v0 repaths
}

# The labels of a stream so far, one a line; TCP changes them by itself upon
# timeouts
note_labels() {
	peek "$right" v1 "$1" 20 | jq -r '.[].label' >>"$lib_out/labels"
}

labels() {
	sort -u "$lib_out/labels" | wc -l
}

test_repath() {
	local before

	in_ns "$left" ethtool -K v0 tso off gso off
	manage
	rule add pref 10 dport 5441-5443 action auto repath
	monitor_start "$left"
	app_start 5441 fd00::2 4000
	app_start 5442 10.0.0.2 4000
	app_start 5443 fd00::2 4000 txrehash=0
	check_until "IPv6: paths are watched" 20 in_force 5441 repath
	check_until "IPv4 has no label" 20 acts 5442 '.repath.state == "none" and
		.repath.reason == "IPv4 has no flow label"'
	check_until "a socket may keep its path" 20 acts 5443 \
		'.repath.state == "none" and (.repath.reason | test("SO_TXREHASH"))'
	: >"$lib_out/labels"
	note_labels 5441
	sleep 3
	note_labels 5441
	check_is "without losses there is one label" 1 "$(labels)"
	check_is "and no other path" 0 "$(repaths)"

	# more, and timeouts come so often that TCP itself is at it all the time
	tc -n "$left" qdisc add dev v0 root netem delay 2ms loss 5% limit 10000
	check_until "with losses another one" 60 eval '[ "$(repaths)" -ge 2 ]'
	check_until "on the wire" 20 eval 'note_labels 5441; [ "$(labels)" -ge 2 ]'
	check "the flow tells how often" acts 5441 '.repath.count >= 2 and
		.repath.count <= 8'
	check "an event tells of it" event_seen \
		'.event == "flow-repath" and .dport == 5441'
	check "and of no other flow" event_unseen \
		'.event == "flow-repath" and .dport != 5441'
	check_until "and text" 10 eval 'ankus -n "$left" flow show dir out |
		grep -qE "repath [2-8]"'
	tc -n "$left" qdisc del dev v0 root
	sleep 2
	before=$(repaths)
	sleep 4
	check_is "without losses it stays" "$before" "$(repaths)"
	check "the stream goes on" tcp_go_on "$left" 5441 1
	monitor_stop
	app_stop 5441
	app_stop 5442
	app_stop 5443
	rule flush
	ankus -n "$left" dev del v0
}

# --- all -------------------------------------------------------------------

left='' right=''
setup_ns left right
load_module ankus
veth_pair "$left" "$right" 2
address_pair "$left" v0 "$right" v1
sink_start "$right" 5441 5442 5443

test_repath
finish
