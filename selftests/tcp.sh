#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How connections fare, as their local sockets tell: each figure lies between
# what ss tells before and after it.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

for tool in iperf3 ss tc; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

# --- helpers ---------------------------------------------------------------

# told NS PORT: sums of what ss tells of the connections of a port that carry
# data, the control connections of iperf3 being left out
told() {
	in_ns "$1" ss -tinHO state established \
		"( sport = :$2 or dport = :$2 )" | awk '
		function of(name,  v) {
			if (!match($0, " " name ":[0-9./]+")) return 0
			v = substr($0, RSTART + length(name) + 2,
				   RLENGTH - length(name) - 2)
			sub(/.*\//, "", v)
			return v
		}
		of("bytes_acked") + of("bytes_received") > 20000 {
			n++
			retrans += of("retrans"); lost += of("lost")
			sent += of("bytes_sent"); again += of("bytes_retrans")
			reord += of("reord_seen"); ooo += of("rcv_ooopack")
		}
		END {
			printf "{\"flows\":%d,\"retransmits\":%d," \
				"\"bytes_sent\":%d,\"bytes_retrans\":%d," \
				"\"reord_seen\":%d,\"rcv_out_of_order\":%d}\n",
				n, retrans, sent, again, reord, ooo
		}'
}

# between NS PORT FILTER KEYS CMD...: of the output of CMD, jq's FILTER is a list
# of what is told, the sums of whose KEYS lie between what ss tells
between() {
	local ns=$1 port=$2 filter=$3 keys=$4
	shift 4
	told "$ns" "$port" >"$lib_out/before" &&
		"$@" >"$lib_out/tcp" && told "$ns" "$port" >"$lib_out/after" ||
		return
	jq -n --slurpfile b "$lib_out/before" --slurpfile a "$lib_out/after" \
		--slurpfile t "$lib_out/tcp" "(\$t[0] | [$filter]) as \$list |
		[$keys] | map(. as \$k | {k: \$k, least: \$b[0][\$k],
			is: (\$list | map(.[\$k]) | add), most: \$a[0][\$k]})" \
		>"$lib_out/between"
	jq -e 'length > 0 and all(.[]; .is != null and .least <= .is and
		.is <= .most)' "$lib_out/between" >/dev/null && return
	jq -c '.[]' "$lib_out/between"
	return 1
}

sent='"retransmits", "bytes_sent", "bytes_retrans", "reord_seen"'

show() {
	ankus -n "$1" -s -j "${@:2}"
}

# flows_tell NS PORT DIR KEYS
flows_tell() {
	between "$1" "$2" ".[] | select(.dir == \"$3\" and
		(.dport == $2 or .sport == $2)) | .tcp // empty" "$4" \
		show "$1" flow show dir "$3" rate 100kbit
}

# --- tests -----------------------------------------------------------------

# check_stream PORT NAME: one from left to right that loses something
check_stream() {
	local flow="select(.dport == $1 and .dir == \"out\")"

	check_until "$2: something is lost" 60 eval \
		'[ "$(told "$left" '"$1"' | jq .retransmits)" -ge 5 ]'
	check_until "$2: an elephant" 20 flows_are "$left" 1 \
		".dport == $1 and .state == \"elephant\"" true
	check "$2: the sender is told of as ss does" \
		flows_tell "$left" "$1" out "$sent"
	check "$2: and the receiver" \
		flows_tell "$right" "$1" in '"rcv_out_of_order"'
	show "$left" flow show dir out rate 100kbit >"$lib_out/flows"
	check "$2: what else there is" jq -e ".[] | $flow | .tcp |
		.srtt_us > 0 and .min_rtt_us > 0 and .min_rtt_us <= .srtt_us * 4
		and .cwnd >= 2 and .delivery_bps > 1000 and .lost >= 1 and
		.reordering >= 3 and .congestion_control == \"cubic\" and
		(has(\"rcv_rtt_us\") or has(\"flows\") | not)" "$lib_out/flows"
	show "$right" flow show dir in rate 100kbit >"$lib_out/flows"
	check "$2: of the receiver, its part alone" jq -e "
		.[] | select(.dport == $1) | .tcp | (keys - [\"rcv_rtt_us\",
		\"rcv_out_of_order\"]) == []" "$lib_out/flows"
}

test_flows() {
	local id

	check "a stream" tcp_start "$left" "$right" 10.0.0.2 5301 1 4M -C cubic
	check "and one over IPv6" tcp_start "$left" "$right" fd00::2 5302 1 4M \
		-C cubic
	udp_start "$left" 10.0.0.9 5303 2000
	check_stream 5301 IPv4
	check_stream 5302 IPv6
	check_until "a flow of datagrams" 20 flows_are "$left" 1 \
		'.dport == 5303 and .state == "elephant"' true
	show "$left" flow show >"$lib_out/flows"
	check "has nothing of the kind" jq -e '.[] | select(.dport == 5303) |
		has("tcp") | not' "$lib_out/flows"
	ankus -n "$left" -j flow show >"$lib_out/flows"
	check "nor has any that is not asked for" jq -e \
		'length >= 2 and all(.[]; has("tcp") | not)' "$lib_out/flows"
	id=$(flow_id "$left" '.dport == 5301 and .dir == "out"')
	check "one flow by its id" between "$left" 5301 '.[].tcp' "$sent" \
		show "$left" flow show "$id"
	check "in text" eval 'ankus -n "$left" -s flow show dir out |
		grep -qE "^ +tcp cubic rtt [0-9.]+m?u?s .*retransmits [0-9]+ \([0-9.e-]+%\) lost [0-9]+"'
	udp_stop 5303
}

test_rules() {
	ankus -n "$left" rule add pref 10 dev v0 dir out dport 5301 action auto
	ankus -n "$left" rule add pref 20 dev v0 dir out dport 5302 action auto
	ankus -n "$left" rule add pref 30 dev v0 dir out dport 9 action auto
	check_until "rules have decided" 20 flows_are "$left" 2 \
		'.dir == "out" and .rule_pref != null' true
	check "a rule's flows are summed up" between "$left" 5301 \
		'.[] | select(.pref == 10) | .tcp' "\"flows\", $sent" \
		show "$left" rule show
	check "one rule" between "$left" 5302 '.[].tcp' "\"flows\", $sent" \
		show "$left" rule show pref 20
	check "none" between "$left" 9 '.[] | select(.pref == 30) | .tcp' \
		'"flows"' show "$left" rule show
	check "in text" eval 'ankus -n "$left" -s rule show |
		grep -qE "^ +tcp flows 1 rtt .* retransmits [0-9]+"'
	# more rules than one walk over the flows serves
	seq 31 300 | sed 's/.*/rule add pref & dport & action auto/' \
		>"$lib_out/many"
	ankus -n "$left" -batch "$lib_out/many"
	ankus -n "$left" rule add pref 5000 dev v0 dir out dport 5301 action auto
	ankus -n "$left" rule del pref 10
	check_until "another rule has decided" 20 flows_are "$left" 1 \
		'.dport == 5301 and .dir == "out"' '.rule_pref == 5000'
	check "the last of many rules" between "$left" 5301 \
		'.[] | select(.pref == 5000) | .tcp' "\"flows\", $sent" \
		show "$left" rule show
	check "and one amid them" between "$left" 5302 \
		'.[] | select(.pref == 20) | .tcp' "\"flows\", $sent" \
		show "$left" rule show
	show "$left" rule show >"$lib_out/rules"
	check "the others have nothing" jq -e 'length == 273 and all(.[];
		.pref == 5000 or .pref == 20 or .tcp == {"flows": 0})' \
		"$lib_out/rules"
	ankus -n "$left" -j rule show >"$lib_out/rules"
	check "not without being asked" jq -e \
		'length == 273 and all(.[]; has("tcp") | not)' "$lib_out/rules"
	ankus -n "$left" rule flush
}

# A connection that ends while it is asked about
test_end() {
	tcp_stop 5301
	tcp_stop 5302
	check_until "without a socket there is nothing" 20 eval \
		'show "$left" flow show | jq -e "all(.[]; has(\"tcp\") | not)"'
	check "many short ones, and lists of them" short_ones
}

short_ones() {
	local i
	for ((i = 0; i < 3; i++)); do
		tcp_start "$left" "$right" 10.0.0.2 $((5310 + i)) 4 1M || return
		show "$left" flow show >"$lib_out/flows" &
		tcp_stop $((5310 + i))
		wait $! || return
	done
}

# A router has no socket of what it forwards.
test_forwarded() {
	router "$left" "$middle" "$right"
	ankus -n "$middle" dev add vl rate 100kbit
	check "a stream through a router" tcp_start "$left" "$right" 10.2.0.2 \
		5305 1 4M
	check_until "an elephant there" 20 flows_are "$middle" 1 \
		'.dport == 5305 and .state == "elephant"' true
	show "$middle" flow show >"$lib_out/flows"
	check "of which nothing is told" jq -e \
		'length > 0 and all(.[]; has("tcp") | not)' "$lib_out/flows"
	tcp_stop 5305
}

test_links() {
	local lower

	bond_links "$left" "$right" 802.3ad b0 b1
	address_pair "$left" bond0 "$right" bond0 3
	wait_until 40 in_ns "$left" ping -c 1 -W 1 10.3.0.2
	ankus -n "$left" dev add bond0 mode steer rate 300kbit links auto
	check "streams over a bond" tcp_start "$left" "$right" 10.3.0.2 5306 4 1M
	check_until "each on a link" 60 flows_are "$left" 4 \
		'.ifname == "bond0" and .state == "elephant" and .dir == "out"' \
		'.link.current != null'
	check "the flows of links are summed up" between "$left" 5306 \
		'.[].tcp' "\"flows\", $sent" show "$left" link show
	# a flow that is slowed down by what else runs here is let go for a while
	check_until "in text" 30 eval 'ankus -n "$left" -s link show |
		grep -qE "^ +tcp flows [0-9]+ rtt "'
	tcp_stop 5306

	# packets of the bond, as one of its lower devices sees them
	ankus -n "$left" dev del bond0
	for lower in b0 b1; do
		ankus -n "$left" dev add "$lower" rate 300kbit
	done
	check "a stream that is bound to the bond" tcp_start "$left" "$right" \
		10.3.0.2 5307 1 1M --bind-dev bond0
	check_until "is found by its lower device" 20 eval \
		'show "$left" flow show dir out rate 300kbit | jq -e "any(.[];
			.dport == 5307 and .ifname != \"bond0\" and
			.tcp.bytes_sent > 20000)"'
	tcp_stop 5307
}

left='' right='' middle=''
setup_ns left right middle
load_module ankus
veth_pair "$left" "$right" 2
address_pair "$left" v0 "$right" v1
in_ns "$left" ethtool -K v0 tso off gso off
tc -n "$left" qdisc add dev v0 root netem delay 5ms loss 2% limit 10000
ankus -n "$left" dev add v0 rate 100kbit release 5s
ankus -n "$right" dev add v1 rate 100kbit release 5s

test_flows
test_rules
test_end
ankus -n "$left" dev del v0
ip -n "$left" link del v0
test_forwarded
test_links
finish
