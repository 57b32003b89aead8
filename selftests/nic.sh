# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The NIC under test, simnic's s0 in namespace $right, to be sourced after
# traffic.sh: its rules, its faults, and ankus on it.  All that the hash steers
# goes to queue 0, and elephants may use all others: so a flow arrives on its
# queue because of its rule alone.
#
# nic_start            the pair s0p, s0 between $left and $right, with addresses,
#                      rules of somebody else, and both modules loaded
# on_nic ARGS...       ethtool there
# quirk FLAG on|off, knob FILE VALUE
#                      simnic's README.rst has what there is
# foreign_rules, locations, rules_are N, ours_are N
#                      the table of rules
# manage [WORDS...]    ankus takes over
# unmanage DESC        and leaves everything as it was
# all_verified DESC [SECONDS]
#                      $flows elephants, each by its rule on its queue
#
# Tests of other ways to steer have their own of the last three.

# shellcheck disable=SC2154 # of lib.sh and the test
# shellcheck disable=SC2034 # for the test
big='.dir == "in" and .state == "elephant"'
verified='.rx_queue.state == "verified" and
	.rx_queue.current == .rx_queue.target and
	.rx_queue.observed == .rx_queue.current and
	.rx_queue.backend == "ntuple" and (.rx_queue | has("location")) and
	.rx_queue.latency_us > 0'

on_nic() {
	in_ns "$right" ethtool "$@"
}

quirk() {
	on_nic --set-priv-flags s0 "$@"
}

knob() {
	echo "$2" >"/sys/kernel/debug/simnic/s0/$1"
}

# Rules of somebody else, at both ends of the table and in between
foreign_locations="0 5 62 63"
foreign_rules() {
	local location
	for location in $foreign_locations; do
		quietly on_nic -N s0 flow-type tcp4 dst-port $((9000 + location)) \
			action 1 loc "$location" || return
	done
}

locations() {
	nic_rules "$right" s0 | sed -n 's/^Filter: //p' | sort -n | paste -sd' '
}

# Without another backend to be tried next, unless a test says so
manage() {
	[ "${1:-}" = backend ] || set -- backend ntuple "$@"
	nic_rules "$right" s0 >"$lib_out/rules"
	ankus -n "$right" dev add s0 mode steer rate 75kbit release 5s \
		rx-queues 1-7 "$@"
}

# unmanage DESC: and what others had put into the table is in it, no more
unmanage() {
	ankus -n "$right" dev del s0
	nic_rules "$right" s0 >"$lib_out/after"
	check "$1: the rules are as before" cmp "$lib_out/rules" "$lib_out/after"
}

# all_verified DESC [SECONDS]
all_verified() {
	check_until "$1" "${2:-30}" flows_are "$right" "$flows" "$big" "$verified"
}

# Ours are there, each once, and nobody else's has gone
rules_are() {
	local count
	count=$(nic_rule_count "$right" s0)
	[ "$count" -eq "$1" ] && return
	echo "there are $count rules, at $(locations)"
	return 1
}

n_foreign=4
ours_are() {
	rules_are $((n_foreign + $1))
}

# Under the device's own lock, which kernels before 6.15 do not have; tests that
# do not begin here have it without
nic_start() {
	load_module simnic ops_lock=1
	simnic_pair "$left" "$right" || return
	in_ns "$right" sysctl -qw net.ipv6.conf.s0.keep_addr_on_down=1
	address_pair "$left" s0p "$right" s0
	# so that packets are counted as they come
	on_nic -K s0 gro off
	on_nic -X s0 equal 1
	foreign_rules
	load_module ankus
}
