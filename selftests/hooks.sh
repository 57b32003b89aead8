# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For emulated machines in which ankus comes and goes under traffic, to be
# sourced.
#
# The first hook of its kind in the kernel and the end of the last one change
# the code of the packet path.  Emulated CPUs which run it at that moment may
# keep the breakpoint that is in it meanwhile (QEMU before 8.1, several CPUs),
# and hang.  So there is to be another hook, where no packet comes by.

# hooks_hold NS: keep netfilter's device hooks in use, by one in a namespace
# without traffic
hooks_hold() {
	local hook
	for hook in ingress egress; do
		echo "add table netdev hold"
		echo "add chain netdev hold $hook {
			type filter hook $hook device lo priority 0; }"
	done | nsenter --net="/run/netns/$1" nft -f -
}
