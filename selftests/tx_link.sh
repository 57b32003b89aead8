#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Link pins: the lower devices of a bond are found, elephants spread over them,
# leave what fails, come back, and stand aside for what the bond is to do.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

for tool in ethtool iperf3 python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

all_links="up0 up1 up2 up3"

# --- helpers ---------------------------------------------------------------

streams_go_on() {
	check "$1" tcp_go_on "$left" 5201 "$streams"
}

snapshot() {
	case $1 in
	flows) ankus -n "$left" -j flow show dir out ;;
	links) ip -n "$left" -j -s link show ;;
	esac >"$lib_out/$2"
}

# What each lower device sent lies between what its flows sent in a shorter and
# in a longer time, whatever else a busy machine does in between.
counters_agree() {
	snapshot flows f0 && snapshot links l0 && snapshot flows f1 && sleep 2 &&
		snapshot flows f2 && snapshot links l1 && snapshot flows f3 ||
		return 1
	jq -n --slurpfile f0 "$lib_out/f0" --slurpfile f1 "$lib_out/f1" \
		--slurpfile f2 "$lib_out/f2" --slurpfile f3 "$lib_out/f3" \
		--slurpfile l0 "$lib_out/l0" --slurpfile l1 "$lib_out/l1" '
		def sent($list; $lower): [$list[0][] |
			select(.link.current == $lower) |
			.bytes + 14 * .packets] | add;
		def counted($list; $lower): $list[0][] |
			select(.ifindex == $lower).stats64.tx.bytes;
		[$f0[0][] | .link.current | select(. != null)] | unique | map({
			lower: .,
			least: (sent($f2; .) - sent($f1; .)),
			counted: (counted($l1; .) - counted($l0; .)),
			most: (sent($f3; .) - sent($f0; .)),
			still: ([$f0, $f3 | map(.[] |
				select(.state == "elephant") | [.id, .link.current]) |
				sort] | .[0] == .[1])
		})' >"$lib_out/agree"
	jq -e "length == $1 and all(.[]; .still and .least > 50000 and
		.counted > .least - 20000 and .counted < .most + 20000)" \
		"$lib_out/agree" >/dev/null && return
	jq -c .[] "$lib_out/agree"
	return 1
}

# --- tests -----------------------------------------------------------------

test_found() {
	local link

	ankus -n "$left" dev add bond0 rate 75kbit release 5s
	for link in $all_links; do
		check_until "$link is found" 60 link_is "$link" '.auto and
			.state == "up" and .ifname == .name and
			.upper_ifname == "bond0" and .speed_bps == 10000000000 and
			.capacity_bps == 0 and (has("reason") | not)'
	done
	check "and nothing else is" links_are 4 true true
	check "streams" tcp_start "$left" "$right" 10.0.0.2 5201 "$streams" 400K
	check_until "are elephants" 30 flows_are "$left" "$streams" "$big" \
		'.link.state == "none" and .tx_queue.state == "none"'
	sleep 1
	check "which observing does not steer" stat_is "$left" bond0 \
		'.pins_link == 0 and .link_packets == 0'
}

test_spread() {
	ankus -n "$left" dev set bond0 mode steer
	spread "elephants spread evenly" 8 4 2 2
	check_until "the links know of them" 20 links_are 4 true \
		'.flows == 2 and .pinned_bps > 250000'
	check_until "the lower devices sent what is pinned to them" 60 \
		counters_agree 4
	check_until "all are counted" 20 stat_is "$left" bond0 \
		'.pins_link == 8 and .verified == 8'
	check "no packet took another way" stat_is "$left" bond0 \
		'.link_packets > 0 and
		 .link_bypassed == 0 and .failovers == 0'
	streams_go_on "all streams go on"
	check "IPv6 streams" tcp_start "$left" "$right" fd00::2 5206 4 400K
	spread "are spread with them" 12 4 3 3
	tcp_stop 5206
	spread "and leave evenly" 8 4 2 2
}

# Each hand-over to a tap has a direction and is seen once.
test_tap() {
	in_ns "$left" timeout 240 python3 -c '
import socket, struct
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
tap.bind(("bond0", 3))
tap.settimeout(60)
seen = {}
while len(seen) < 8 or min(seen.values()) < 20:
    data, addr = tap.recvfrom(64)
    if addr[1] != 0x800 or data[9] != 6 or addr[2] != socket.PACKET_OUTGOING:
        continue
    sport, dport = struct.unpack("!HH", data[20:24])
    if dport == 5201:
        seen[sport] = seen.get(sport, 0) + 1
print(seen)' >"$lib_out/tap" 2>&1
	check_is "a tap on the bond sees what all streams send" 0 $?
	check "which was sent over links meanwhile" stat_is "$left" bond0 \
		'.link_bypassed == 0'
}

told_in_text() {
	ankus -n "$left" -d flow show "$1" | grep -qE \
		"^ +last move: manual from up[0-9], waited [0-9.]+[mu]?s until tcp-idle; in [0-9]+m?s retransmits [0-9]+ reord-seen 0$"
}

test_by_hand() {
	local id from

	id=$(flow_id "$left" "$big and .link.link == \"up0\"")
	check "a flow is pinned by hand" \
		ankus -n "$left" flow pin "$id" link up3
	check_until "and goes there" 20 flows_are "$left" 1 ".id == $id" \
		'.link.link == "up3" and .link.state == "verified" and
		 .pin_mode == "manual" and .link.moves >= 1'
	check "as it tells, at a safe point" flows_are "$left" 1 ".id == $id" \
		'.link.move_reason == "manual" and .link.from_link != "up3" and
		 .link.waited_us != null and .link.safe_point == "tcp-idle"'
	check_until "and then how the flow fares" 10 flows_are "$left" 1 \
		".id == $id" '.link.after_ms >= 1000 and
		 .link.after.reord_seen == 0 and .link.after.retransmits != null'
	check "in text" told_in_text "$id"
	from=$(link_bytes "$left" up3 tx)
	streams_go_on "and on"
	check "over that link" [ "$(link_bytes "$left" up3 tx)" -gt "$from" ]
	check "and is left alone" flows_are "$left" 1 ".id == $id" \
		'.link.link == "up3"'
	ankus -n "$left" flow unpin "$id"
	check_until "unpinned, it is the bond's" 20 flows_are "$left" 1 \
		".id == $id" '.link.state == "none" and
		 (.link | has("current") | not)'
	ankus -n "$left" flow pin "$id" auto
	spread "given back, it is where there is room" 8 4 2 2

	ankus -n "$left" rule add pref 10 dev bond0 dir out dport 5201 \
		action links up0,up2
	check_until "a rule names links" 30 none_on up1 up3
	spread "which get half each" 8 2 4 4
	check_until "all flows tell the rule" 20 flows_are "$left" 8 "$big" '.rule_pref == 10'
	ankus -n "$left" rule replace pref 10 dev bond0 dir out dport 5201 \
		action ignore
	check_until "a rule lets them alone" 20 flows_are "$left" 8 "$big" \
		'.ignored and .link.state == "none"'
	ankus -n "$left" rule del pref 10
	spread "without it they spread" 8 4 2 2
}

test_links_by_hand() {
	local id

	check "a link by a name of its own" \
		ankus -n "$left" link add fast dev up0 capacity 40mbit
	check "takes the place of what was found" link_is fast '.ifname == "up0"
		and (.auto | not) and .capacity_bps == 40000000 and
		.speed_bps == 40000000 and .state == "up"'
	check "there are still four" links_are 4 true true
	check_until "so slow a link is left" 40 none_on fast
	spread "the others share its flows" 8 3 3 2
	check "its capacity can be set" ankus -n "$left" link set fast capacity auto
	check "to what the device tells" link_is fast '.speed_bps == 10000000000'
	check "it can be deleted" ankus -n "$left" link del fast
	check_until "then it is found again" 20 link_is up0 \
		'.auto and .state == "up"'
	check_fail "but what was found cannot" 2 '^ankus: ' \
		ankus -n "$left" link del up0
	spread "all links are used again" 8 4 2 2

	ankus -n "$left" dev set bond0 links none
	check_until "without finding there is none" 10 links_are 0 true true
	check_until "and no pin" 20 stat_is "$left" bond0 '.pins_link == 0'
	streams_go_on "the streams are the bond's"
	check "two links by hand" ankus -n "$left" link add a dev up1
	check "two" ankus -n "$left" link add b dev up2 bond bond0
	check_until "are all there is" 20 links_are 2 true '.state == "up" and
		(.auto | not)'
	spread "and share the flows" 8 2 4 4
	id=$(flow_id "$left" "$big")
	check "one of them by hand" ankus -n "$left" flow pin "$id" link a
	check_until "as wanted" 20 flows_are "$left" 1 ".id == $id" \
		'.link.link == "a" and .link.state == "verified"'
	ankus -n "$left" link del a
	check_until "without the link it has no other" 20 flows_are "$left" 1 \
		".id == $id" '.link.state == "parked" and
		 .link.reason == "the link is gone" and .pin_mode == "manual"'
	ankus -n "$left" flow pin "$id" auto
	check_until "one is left" 30 none_on a
	spread "with all of them" 8 1 8 8
	ankus -n "$left" link del b
	ankus -n "$left" dev set bond0 links auto
	check_until "all are found again" 20 links_are 4 '.auto' '.state == "up"'
	spread "and used" 8 4 2 2
}

test_capacity() {
	local link

	# One that finds no place is none of the others' business.
	ankus -n "$left" rule add pref 10 dev bond0 dir out dport 5208 \
		action links none-such
	udp_start "$left" 10.0.0.9 5208 400
	check_until "a link that does not exist: parked" 30 flows_are "$left" 1 \
		"$big and .dport == 5208" '.link.state == "parked"'
	for link in up0 up1 up2; do
		ankus -n "$left" link set $link capacity 100mbit
	done
	ankus -n "$left" link set up3 capacity 40mbit
	check_until "a link of two fifths gets less" 40 link_is up3 \
		'.flows == 1 and .speed_bps == 40000000'
	spread "the others share the rest" 8 4 3 1
	for link in $all_links; do
		ankus -n "$left" link set "$link" capacity auto
	done
	spread "equal ones get the same" 8 4 2 2
	udp_stop 5208
	ankus -n "$left" rule flush
	check_until "it is forgotten" 20 stat_is "$left" bond0 '.elephants == 8'
}

# What the bond sends by its hash is load as well.
test_other_load() {
	ankus -n "$left" rule add pref 10 dev bond0 dir out dport 5209 \
		action ignore
	udp_start "$left" 10.0.0.9 5209 1600
	check_until "a heavy flow that is let alone has no link" 30 flows_are \
		"$left" 1 "$big and .dport == 5209" \
		'.ignored and .link.state == "none"'
	check_until "the link that carries it is left to it" 60 links_are 1 \
		'.other_bps > 1000000' '.flows == 0'
	spread "the others share the elephants" 8 3 3 2
	check_until "in text as well" 60 eval \
		'ankus -n "$left" -d link show | grep -q "beside pinned flows 1\.[0-9]*Mbit"'
	udp_stop 5209
	ankus -n "$left" rule flush
	spread "without it all links have some" 8 4 2 2
	check_until "and carry nothing else" 30 links_are 4 true \
		'.other_bps < 100000'
}

# watch_link LINK: trace what it sends, when links are looked at because of a
# notification, and pins; LACP's own packets are small
watch_link() {
	local events=$traffic_tracing/events

	calls_start ankus_links_prune &&
		echo "name == \"$1\" && len > 200" \
			>"$events/net/net_dev_xmit/filter" &&
		echo 1 >"$events/net/net_dev_xmit/enable" &&
		echo 1 >"$events/ankus/ankus_pin/enable"
}

# watched DESC IFINDEX: how fast it was left, and that nothing came after that.  Until a
# flow has its new link it is the bond's, which may not have noticed yet.
watched() {
	local events=$traffic_tracing/events figures

	cp "$traffic_tracing/trace" "$lib_out/watched"
	echo 0 >"$events/net/net_dev_xmit/enable"
	echo 0 >"$events/net/net_dev_xmit/filter"
	echo 0 >"$events/ankus/ankus_pin/enable"
	calls_stop
	figures=$(awk -v dead="$2" '
		{
			for (i = 1; i <= NF; i++)
				if ($i ~ /^[0-9]+\.[0-9]+:$/)
					break
			time = $i + 0
			flow = have = want = ""
			for (i = 1; i <= NF; i++) {
				if ($i ~ /^id=/)
					flow = $i
				if ($i ~ /^have=/)
					have = $i
				if ($i ~ /^want=/)
					want = $i
			}
		}
		/ankus_links_prune/ && !noticed { noticed = time }
		# a tick may see it before others are told
		/ankus_pin:/ && / kind=link / && !noticed &&
			(have == "have=-1" || have == "have=" dead) &&
			want != "want=" dead { noticed = time }
		!noticed { next }
		/net_dev_xmit:/ { sent++; last = time }
		/ankus_pin:/ && / kind=link / {
			if (have == "have=-1" || have == "have=" dead) {
				left[flow] = time
				if (want != "want=-1" && want != "want=" dead &&
				    !(flow in placed))
					placed[flow] = decided = time
			} else if (flow in left) {
				delete left[flow]
				flows++
				moved = time
			}
		}
		END {
			printf "%d %.0f %d %.0f %.0f %d\n", sent,
				(sent ? last - noticed : 0) * 1e6, flows,
				(decided - noticed) * 1e6,
				(moved - noticed) * 1e6,
				flows && (!sent || last <= moved)
		}' "$lib_out/watched")
	# shellcheck disable=SC2086 # words
	set -- "$1" $figures
	diag "$1: since the notification, $2 packets over the link, the last after $3 us"
	diag "$1: $4 flows with another link, chosen after $5 us, by a packet after $6 us"
	check "$1: nothing is sent over it once its flows have others" [ "$7" -eq 1 ]
}

# fails LINK DESC REASON NS IP-ARGS...: a link fails
fails() {
	local link=$1 desc=$2 failovers ifindex watched=no
	shift 2
	ifindex=$(ip -n "$left" -j link show "$link" | jq '.[0].ifindex')
	failovers=$(stat_of "$left" bond0 failovers)
	watch_link "$link" && watched=yes
	ip -n "$@"
	check_until "$desc: the link is down" 20 link_is "$link" \
		'.state == "down" and .flows == 0 and has("reason")'
	check_until "$desc: flows left it" 20 none_on "$link"
	if [ $watched = yes ]; then
		watched "$desc" "$ifindex"
	else
		skip "$desc: how fast" "this kernel cannot trace functions"
	fi
	check "$desc: it is counted" stat_is "$left" bond0 \
		".failovers >= $failovers + 1"
	streams_go_on "$desc: no connection is lost"
}

# A flow pinned by hand has no other link to go to, and comes back to its own.
test_comes_back() {
	local id

	id=$(flow_id "$left" "$big")
	ankus -n "$left" flow pin "$id" link up2
	check_until "by hand on a link" 20 flows_are "$left" 1 ".id == $id" \
		'.link.link == "up2" and .link.state == "verified"'
	ip -n "$right" link set p-up2 down
	check_until "which fails: the flow is the bond's" 20 flows_are "$left" 1 \
		".id == $id" '.link.link == "up2" and .link.state == "wanted" and
		 (.link | has("current") | not) and (.link.reason | length > 0)'
	streams_go_on "by hand: no connection is lost"
	ip -n "$right" link set p-up2 up
	check_until "and comes back: so does the flow" 60 flows_are "$left" 1 \
		".id == $id" '.link.link == "up2" and .link.state == "verified"'
	ankus -n "$left" flow pin "$id" auto
	spread "given back, it is where there is room" 8 4 2 2
}

works_again() {
	check_until "$2: the link is up again" 60 link_is "$1" '.state == "up"'
	spread "$2: and takes flows back" 8 4 2 2
}

test_failover() {
	fails up1 "no carrier" "$right" link set p-up1 down
	ip -n "$right" link set p-up1 up
	works_again up1 "no carrier"
	fails up2 "administratively down" "$left" link set up2 down
	ip -n "$left" link set up2 up
	works_again up2 "administratively down"

	ip -n "$left" link set up1 nomaster
	check_until "out of the bond: no link" 20 links_are 3 true '.name != "up1"'
	check_until "out of the bond: flows left it" 20 none_on up1
	streams_go_on "out of the bond: no connection is lost"
	ip -n "$left" link set up1 down
	ip -n "$left" link set up1 master bond0
	ip -n "$left" link set up1 up
	works_again up1 "in the bond"

	ip -n "$left" link del up3
	check_until "deleted: no link" 20 links_are 3 true '.name != "up3"'
	spread "deleted: the others share the flows" 8 3 3 2
	streams_go_on "deleted: no connection is lost"
	bond_member "$left" "$right" up3
	works_again up3 "new"
}

# What a bond's own transmit path would do, steering must not bypass.
test_blocked() {
	tc -n "$left" qdisc replace dev bond0 root pfifo
	check_until "a qdisc on the bond blocks the links" 20 links_are 4 true \
		'.state == "blocked" and has("reason")'
	blocked "a qdisc"
	tc -n "$left" qdisc del dev bond0 root
	check_until "without it they are up" 20 links_are 4 true '.state == "up"'
	spread "and used" 8 4 2 2

	tc -n "$left" qdisc add dev bond0 clsact
	tc -n "$left" filter add dev bond0 egress matchall action pass
	check_until "so does a filter" 20 links_are 4 true \
		'.state == "blocked" and has("reason")'
	blocked "a filter"
	tc -n "$left" qdisc del dev bond0 clsact
	check_until "without it, too" 20 links_are 4 true '.state == "up"'
	spread "they are used" 8 4 2 2
}

blocked() {
	local packets

	check_until "$1: all flows are parked" 20 flows_are "$left" 8 "$big" \
		'.link.state == "parked" and (.link | has("current") | not) and
		 (.link.reason | length > 0)'
	check "$1: none is pinned" stat_is "$left" bond0 \
		'.pins_link == 0 and .parked == 8'
	packets=$(stat_of "$left" bond0 link_packets)
	streams_go_on "$1: the streams go on"
	check_is "$1: by the bond" "$packets" \
		"$(stat_of "$left" bond0 link_packets)"
}

test_all_down() {
	local link

	for link in $all_links; do
		ip -n "$right" link set "p-$link" down
	done
	check_until "all links are down" 20 links_are 4 true '.state == "down"'
	check_until "all flows are parked, or released" 40 stat_is "$left" bond0 \
		'.pins_link == 0 and .parked == .elephants'
	for link in $all_links; do
		ip -n "$right" link set "p-$link" up
	done
	check_until "all links are up" 60 links_are 4 true '.state == "up"'
	streams_go_on "no connection is lost"
	spread "and all are pinned" 8 4 2 2
}

test_monitor() {
	local event
	for event in \
		'.event == "link-add" and .name == "up0"' \
		'.event == "link-up" and .name == "up1"' \
		'.event == "link-down" and .name == "up2"' \
		'.event == "link-blocked" and .name == "up3"' \
		'.event == "link-del" and .name == "up1"' \
		'.event == "link-set" and .name == "up3"' \
		'.event == "flow-pin" and .pin_kind == "link"' \
		'.event == "flow-verify" and .link.link == "up0"' \
		'.event == "flow-move" and .pin_kind == "link"' \
		'.event == "flow-move" and .link.move_reason == "dead" and
			.link.from_link != null and .link.waited_us != null' \
		'.event == "flow-after-move" and .link.after_ms >= 1000 and
			.link.after.retransmits != null and
			.link.after.reord_seen != null' \
		'.event == "flow-fail" and .link.state == "parked"' \
		'.event == "flow-unpin" and .pin_kind == "link"'; do
		check_until "the monitor told: $event" 10 event_seen "$event"
	done
	check "moves are counted by reason" stat_is "$left" bond0 '
		.moves_dead >= 1 and .moves_manual >= 1 and .watched >= 1 and
		.moves == .moves_placed + .moves_rebalance + .moves_dead +
			.moves_closed + .moves_manual + .moves_restored'
}

# Not all modes choose by hash.
test_modes() {
	tcp_stop 5201
	ankus -n "$left" dev del bond0
	check "the links go with the device" links_are 0 true true
	ip -n "$left" link del bond0
	ip -n "$right" link del bond0
	make_bond balance-xor up0 up1
	ankus -n "$left" dev add bond0 mode steer rate 75kbit release 5s
	check_until "balance-xor: two links" 30 links_are 2 '.state == "up"' true
	check "balance-xor: streams" \
		tcp_start "$left" "$right" 10.0.0.2 5202 4 400K
	spread "balance-xor: spread" 4 2 2 2
	check_until "balance-xor: as the lower devices say" 60 counters_agree 2
	ip -n "$right" link set p-up0 down
	check_until "balance-xor: a link fails" 20 links_are 1 '.name == "up0"' \
		'.state == "down"'
	spread "balance-xor: and all use the other" 4 1 4 4
	check "balance-xor: no connection is lost" tcp_go_on "$left" 5202 4
	tcp_stop 5202
	ankus -n "$left" dev del bond0
	ip -n "$left" link del bond0
	ip -n "$right" link del bond0

	make_bond active-backup up0 up1
	ankus -n "$left" dev add bond0 mode steer rate 75kbit release 5s
	check "active-backup: streams" \
		tcp_start "$left" "$right" 10.0.0.2 5203 4 400K
	check_until "active-backup: elephants" 30 flows_are "$left" 4 "$big" true
	check_until "active-backup: blocked, with the reason" 10 links_are 1 \
		'.state == "blocked"' '.reason | length > 0'
	check "active-backup: none is up" links_are 0 '.state == "up"' true
	check_until "active-backup: no flow is pinned" 10 flows_are "$left" 4 \
		"$big" '.link.state == "parked" and .link.reason != null'
	check "active-backup: nothing is steered" stat_is "$left" bond0 \
		'.pins_link == 0 and .link_packets == 0'
	check_fail "active-backup: nor by hand" 2 '^ankus: ' \
		ankus -n "$left" link add x dev up0
	check "active-backup: the streams go on" tcp_go_on "$left" 5203 4
	tcp_stop 5203
	ankus -n "$left" dev del bond0
}

# --- run -------------------------------------------------------------------

# make_bond MODE LINK...: bonds of both sides, with the links that are there
make_bond() {
	local mode=$1 link
	shift
	for link; do
		quietly ip -n "$left" link del "$link"
	done
	bond_links "$left" "$right" "$mode" "$@"
	address_pair "$left" bond0 "$right" bond0
}

left='' right='' streams=8
load_module bonding
setup_ns left right
# shellcheck disable=SC2086 # words
make_bond 802.3ad $all_links
load_module ankus
monitor_start "$left"
test_found
test_spread
test_tap
test_by_hand
test_links_by_hand
test_capacity
test_other_load
test_failover
test_comes_back
test_blocked
test_all_down
test_monitor
test_modes
finish
