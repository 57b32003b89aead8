#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RX queue pins by buckets of a NIC's RSS table: they steer, they are verified,
# no other bucket changes, and the table is given back byte for byte.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=nic.sh
. "$(dirname "$0")/nic.sh"

for tool in ethtool iperf3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

verified='(.rx_queue.state == "verified" and
	.rx_queue.current == .rx_queue.target and
	.rx_queue.observed == .rx_queue.current and
	.rx_queue.backend == "rss" and (.rx_queue | has("location")))'
# Two of several flows may well be in one bucket.
shared='(.rx_queue.state == "parked" and (.rx_queue | has("shared_with")) and
	(.rx_queue.reason | length > 0))'
flows=8

# --- helpers ---------------------------------------------------------------

manage() {
	rss_all "$right" s0 >"$lib_out/before"
	rss_table "$right" s0 >"$lib_out/table"
	ankus -n "$right" dev add s0 mode steer rate 75kbit release 5s \
		backend rss "$@"
}

table_is() {
	rss_all "$right" s0 >"$lib_out/now"
	cmp "$1" "$lib_out/now"
}

# unmanage DESC: and the table is as it was
unmanage() {
	ankus -n "$right" dev del s0
	check "$1: the table is as before" table_is "$lib_out/before"
}

# all_pinned DESC [SECONDS]
all_pinned() {
	check_until "$1" "${2:-30}" flows_are "$right" $flows "$big" \
		"$verified or $shared"
}

# A bucket that is pinned points to the queue of its flow, every other one to
# where it did.  No flow moves between the two looks.
buckets_agree() {
	ankus -n "$right" dev set s0 tick 10s
	sleep 1
	ankus -n "$right" -j flow show dir in >"$lib_out/pins"
	rss_table "$right" s0 >"$lib_out/changed"
	ankus -n "$right" dev set s0 tick 100ms
	jq -r '.[] | select(.rx_queue.backend == "rss") |
		"\(.rx_queue.location) \(.rx_queue.current)"' "$lib_out/pins" |
		awk 'FILENAME == "-" || FILENAME == "" { want[$1] = $2; pins++; next }
			FILENAME != last { last = FILENAME; file++ }
			file == 1 && !($1 in want) { want[$1] = $2 }
			file == 2 && want[$1] != $2 {
				print "bucket " $1 ": " $2 ", not " want[$1]
				bad = 1
			}
			END { exit bad || !pins }' \
			- "$lib_out/table" "$lib_out/changed"
}

# displace DESC: one flow goes to the next queue, by hand.  What hashing does may
# by chance be as even as can be, and then no bucket is changed.
displace() {
	local id bucket queue

	id=$(flow_id "$right" "$big and $verified")
	bucket=$(ankus -n "$right" -j flow show "$id" |
		jq '.[0].rx_queue.location')
	queue=$(awk -v b="$bucket" '$1 == b { print ($2 + 1) % 8 }' \
		"$lib_out/table")
	ankus -n "$right" flow pin "$id" queue "$queue"
	check_until "$1" 20 flows_are "$right" 1 ".id == $id" \
		"$verified and .rx_queue.observed == $queue"
}

streams_go_on() {
	check "$1: the streams go on" tcp_go_on "$left" 5301 3
}

# --- tests -----------------------------------------------------------------

test_observe() {
	rss_all "$right" s0 >"$lib_out/before"
	ankus -n "$right" dev add s0 rate 75kbit
	check "the backends are told, and what they lack" dev_is "$right" s0 '
		[.rx_backends[].backend] == ["ntuple", "rss"] and
		(.rx_backends[0].reason | test("ntuple is off")) and
		(.rx_backends[1] | has("reason") | not) and
		.rx_backends[1].size == 128 and .rx_backend == "rss"'
	check_until "observed elephants" 30 flows_are "$right" $flows "$big" \
		'.rx_queue.state == "none"'
	check "leave the table alone" table_is "$lib_out/before"
	ankus -n "$right" dev del s0
}

test_pins() {
	local id queue

	manage
	all_pinned "all are pinned and verified"
	# before the device is set anew, which makes it be learned again
	check_until "as is told" 10 dev_is "$right" s0 '.rx_rules == 0 and
		.rx_backends[1].used > 3 and (.rx_backends[1].works | length > 3)'
	check_until "by their buckets" 20 buckets_agree

	id=$(flow_id "$right" "$big and $verified")
	for queue in 7 2; do
		check "pinned by hand" ankus -n "$right" flow pin "$id" queue $queue
		check_until "a flow goes to queue $queue" 20 flows_are "$right" 1 \
			".id == $id" "$verified and .rx_queue.observed == $queue"
	done
	check_until "its bucket points there" 10 buckets_agree
	check "unpinned" ankus -n "$right" flow unpin "$id"
	check_until "its bucket is as before" 20 flows_are "$right" 1 \
		".id == $id" '.rx_queue.state == "none"'
	check_until "as are those of no flow" 10 buckets_agree
	check "given back" ankus -n "$right" flow pin "$id" auto
	all_pinned "it is pinned again"

	ankus -n "$right" dev set s0 rx-queues 5-6
	check_until "two queues are open to elephants" 60 flows_are "$right" \
		$flows "$big" "($verified and (.rx_queue.current | IN(5, 6))) or
			$shared"
	check_until "and no other bucket has changed" 10 buckets_agree
	ankus -n "$right" dev set s0 backend none
	check_until "without a backend, there are no pins" 20 stat_is "$right" s0 \
		'.pins_rx_queue == 0'
	check_until "and the table is as before" 10 table_is "$lib_out/before"
	ankus -n "$right" dev set s0 backend rss rx-queues all
	all_pinned "with it, all are pinned"
	streams_go_on "pins"
	unmanage "pins"
}

# Whether one of the two is pinned and the other is parked because of it: the ids
# of both, and the moves of the first.  All of one look, as it goes on.
two_share() {
	: >"$lib_out/two"
	ankus -n "$right" -j flow show >"$lib_out/flows" &&
		jq -r "[.[] | select((.dport == 5303 or .dport == 5305) and $big)] |
			(map(select($verified))[0]) as \$first |
			map(select($shared))[0] |
			select(\$first and .rx_queue.shared_with == \$first.id) |
			\"\(\$first.id) \(.id) \(\$first.rx_queue.moves)\"" \
			"$lib_out/flows" >"$lib_out/two"
	[ -s "$lib_out/two" ] || { cat "$lib_out/flows"; return 1; }
}

# bucket_has_owner ID: the flow whose pin this one's bucket is, and its moves
bucket_has_owner() {
	: >"$lib_out/owner"
	ankus -n "$right" -j flow show >"$lib_out/flows" &&
		jq -r "(.[] | select(.id == $1) | .rx_queue.shared_with // .id) as \$id |
			.[] | select(.id == \$id and $verified) |
			\"\(.id) \(.rx_queue.moves)\"" \
			"$lib_out/flows" >"$lib_out/owner"
	[ -s "$lib_out/owner" ] || { cat "$lib_out/flows"; return 1; }
}

# By addresses alone, the two UDP flows to one address are in one bucket.
test_shared() {
	local first second third first_moves third_moves

	on_nic -N s0 rx-flow-hash udp4 sd
	manage
	check_until "of two flows in a bucket, one is pinned, the other parked, with the reason" \
		60 two_share
	read -r first second first_moves <"$lib_out/two"
	check_until "and both arrive at the same queue" 20 eval '[ "$(ankus -n "$right" \
		-j flow show | jq "[.[] | select(.id == '"$first or .id == $second"') |
			.rx_queue.observed] | unique | length")" -eq 1 ]'
	sleep 6
	check "the bucket does not go to and fro" flows_are "$right" 1 \
		".id == $first" ".rx_queue.moves <= $first_moves + 1"
	# which then may be in the bucket of yet another one by chance
	ankus -n "$right" flow unpin "$first"
	check_until "when the first lets go, the other has the bucket" 30 \
		flows_are "$right" 1 ".id == $second" "$verified or ($shared and
			.rx_queue.shared_with != $first)"
	check_until "it is that one's, or still another one's" 20 \
		bucket_has_owner "$second"
	read -r third third_moves <"$lib_out/owner"
	sleep 8
	# It may be looked at just now, but then it has not moved either.
	check_until "with one that may not be pinned, nor does the bucket go to and fro" \
		20 flows_are "$right" 1 ".id == $third" \
		"$verified and .rx_queue.moves <= $third_moves + 1"
	unmanage "shared bucket"
	on_nic -N s0 rx-flow-hash udp4 sdfn
}

# What a driver may do wrong, and NICs that hash otherwise
test_quirks() {
	quirk rss-refused on
	manage
	# A flow that is to be where its bucket points has it without a change.
	check_each "rss-refused: refused, with error and reason" 30 "$right" \
		$flows "$big" "(.rx_queue.state == \"refused\" and
		.rx_queue.error == 22 and (.rx_queue.reason | length > 0)) or
		$verified or $shared"
	check "rss-refused: it is counted" stat_is "$right" s0 '.refused > 0'
	check "rss-refused: as is told of the device" dev_is "$right" s0 \
		'.rx_backends[1].error == 22'
	unmanage "rss-refused"
	quirk rss-refused off

	quirk rss-ignored on
	manage rx-queues 1-7
	check_each "rss-ignored: ineffective, with the reason" 40 "$right" \
		$flows "$big" "(.rx_queue.state == \"ineffective\" and
		(.rx_queue.reason | length > 0)) or $shared"
	check "rss-ignored: it is counted" stat_is "$right" s0 \
		'.ineffective > 0 and .verified == 0'
	streams_go_on "rss-ignored"
	unmanage "rss-ignored"
	quirk rss-ignored off

	quirk rss-xor on
	manage
	check "rss-xor: of no use, with the reason" dev_is "$right" s0 \
		'.rx_backend == "none" and (.rx_reason | test("Toeplitz")) and
		 (.rx_backends[1].reason | test("Toeplitz"))'
	unmanage "rss-xor"
	quirk rss-xor off

	quirk rss-no-key on
	manage
	all_pinned "rss-no-key: pinned by the hash that packets carry"
	unmanage "rss-no-key"
	on_nic -K s0 rxhash off
	manage
	all_pinned "and without that: by the kernel's own key"
	unmanage "rss-no-key and no hash"
	on_nic -K s0 rxhash on
	quirk rss-no-key off
}

# Somebody else's table stays.
test_foreign() {
	manage
	all_pinned "before somebody else changes the table"
	on_nic -X s0 equal 2
	rss_all "$right" s0 >"$lib_out/theirs"
	check_each "somebody else's table: the pins tell so" 30 "$right" $flows \
		"$big" '.rx_queue.state == "refused" and
		(.rx_queue.reason | test("ethtool -X"))'
	check "it is counted" stat_is "$right" s0 '.rules_lost > 3'
	check "and told of the device" dev_is "$right" s0 \
		'.rx_backends[1].reason | test("ethtool -X")'
	sleep 2
	check "nothing is written over it" table_is "$lib_out/theirs"
	streams_go_on "somebody else's table"
	ankus -n "$right" dev set s0 rx-queues 2-7
	all_pinned "when the operator says a word, flows are pinned by it" 60
	ankus -n "$right" dev set s0 rx-queues all
	on_nic -X s0 hkey "$(printf '%02x:' {1..39})28"
	rss_all "$right" s0 >"$lib_out/before"
	check_until "another key: noticed" 30 stat_is "$right" s0 '.rules_lost > 6'
	all_pinned "and by it, all are pinned again" 60
	ankus -n "$right" dev del s0
	rss_table "$right" s0 >"$lib_out/now"
	sed -n '/RSS hash key/,$!p' "$lib_out/theirs" >"$lib_out/theirs.table"
	check "in the end the table is theirs" table_like "$lib_out/theirs.table"

	on_nic -X s0 default
	manage
	all_pinned "before it is the default again"
	displace "a flow is where the default does not lead it"
	on_nic -X s0 default
	check_until "the default is no table of somebody" 30 stat_is "$right" s0 \
		'.rules_lost > 3'
	all_pinned "so all are pinned again" 60
	on_nic -X s0 equal 3
	rss_all "$right" s0 >"$lib_out/theirs"
	ankus -n "$right" dev del s0
	check "let go at once, it is theirs" table_is "$lib_out/theirs"
	on_nic -X s0 default
}

table_like() {
	rss_all "$right" s0 | sed -n '/RSS hash key/,$!p' | cmp - "$1"
}

# A driver that makes a new table
test_reset() {
	manage
	all_pinned "before there are fewer queues"
	on_nic -L s0 combined 4
	check_until "fewer queues: none is on one that is gone" 30 flows_are \
		"$right" $flows "$big" "($verified and .rx_queue.current < 4) or $shared"
	check "it is counted" stat_is "$right" s0 '.rules_lost > 3'
	streams_go_on "fewer queues"
	on_nic -L s0 combined 8
	check_until "more again: all are pinned" 40 stat_is "$right" s0 \
		'.rules_lost > 6'
	all_pinned "and verified"
	unmanage "queues come and go"

	quirk rss-lose-on-reset on
	manage
	all_pinned "before a reset"
	displace "a flow is where no new table leads it"
	knob reset 1
	check_until "a reset that loses the table: noticed" 20 stat_is "$right" s0 \
		'.rules_lost > 3'
	all_pinned "and made up for"
	check_until "as before" 10 buckets_agree
	quirk rss-lose-on-reset off
	ip -n "$right" link set s0 down
	ip -n "$right" link set s0 up
	all_pinned "after down and up" 60
	streams_go_on "reset"
	unmanage "reset"
}

# The end of ankus while flows are under way
test_unload() {
	manage
	all_pinned "before the module goes"
	check "it goes" unload_module ankus
	check "and the table is as before" table_is "$lib_out/before"
	streams_go_on "without the module"
	check "it comes again" insmod "$ANKUS_KO"
}

test_end() {
	manage
	all_pinned "before the streams end"
	tcp_stop 5301
	tcp_stop 5302
	udp_stop 5303
	udp_stop 5304
	udp_stop 5305
	check_until "without flows, no bucket is pinned" 30 dev_is "$right" s0 \
		'.rx_backends[1].used == 0'
	check_until "and the table is as before" 10 table_is "$lib_out/before"
	check "all that was pinned was let go" stat_is "$right" s0 \
		'.rules_installed == .rules_removed and .rules_lost == 0'
	unmanage "end"
}

# --- run -------------------------------------------------------------------

left='' right=''
setup_ns left right
# as nic_start does
load_module simnic ops_lock=1
simnic_pair "$left" "$right"
in_ns "$right" sysctl -qw net.ipv6.conf.s0.keep_addr_on_down=1
address_pair "$left" s0p "$right" s0
# so that packets are counted as they come
on_nic -K s0 gro off ntuple off
load_module ankus
# in small pieces: what is told apart is packets
check "streams" tcp_start "$left" "$right" 10.0.0.2 5301 3 400K -l 4K
check "and IPv6 streams" tcp_start "$left" "$right" fd00::2 5302 2 400K -l 4K
udp_start "$left" 10.0.0.9 5303 400
udp_start "$left" 10.0.0.9 5305 400
udp_start "$left" fd00::9 5304 400

test_observe
test_pins
test_shared
test_quirks
test_foreign
test_reset
test_unload
test_end
finish
