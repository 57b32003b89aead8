# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The links of namespace $left and the elephants that $left sends, to be sourced
# after traffic.sh.
#
# manage DEV           in mode steer, elephants from 75 kbit/s on
# unmake_bond DEV...   delete devices of $left, and the bond of $right
# links_are COUNT SELECT CONDITION
#                      COUNT links pass jq's SELECT, and all of them CONDITION
# link_is NAME CONDITION
# spread DESC FLOWS LINKS MOST LEAST
#                      so many elephants are pinned to so many links, none has
#                      more than MOST of them or fewer than LEAST; the words in
#                      $of say which, such as (dev bond1): none, all devices'
# none_on LINK...      no elephant is pinned to these, and all $streams are

# shellcheck disable=SC2154 # of lib.sh and the test
big='.dir == "out" and .state == "elephant"'
of=()

manage() {
	ankus -n "$left" dev add "$1" mode steer rate 75kbit release 5s
}

unmake_bond() {
	local dev
	for dev; do
		ip -n "$left" link del "$dev"
	done
	ip -n "$right" link del bond0
}

links_are() {
	ankus -n "$left" -j link show >"$lib_out/links" &&
		objects_are "$lib_out/links" "$@"
}

link_is() {
	links_are 1 ".name == \"$1\"" "$2"
}

pinned() {
	ankus -n "$left" -j flow show state elephant dir out "${of[@]}" \
		>"$lib_out/pinned" &&
		jq_or_show "$lib_out/pinned" "[.[].link |
			select(.state == \"verified\" and
				.current == .target).link] |
			length == $1 and (group_by(.) | map(length) |
				length == $2 and max <= $3 and min >= $4)" \
			".[] | [.id, .dport, .rate_bps, .link]"
}

# Elephants may take long: what bond or team do before the links are known is
# not theirs to wait for.
spread() {
	local desc=$1
	shift
	check_until "$desc" 60 pinned "$@"
}

none_on() {
	local link filter=false
	for link; do
		filter+=" or .link.link == \"$link\""
	done
	flows_are "$left" "$streams" "$big" ".link.state == \"verified\" and
		.link.current == .link.target and ($filter | not)" "${of[@]}"
}
