#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lists that change while they are read, and many readers and writers at once.
#
# Functions are called by their names.
# shellcheck disable=SC2317,SC2329
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

[ -x "$NLRAW" ] || skip_all "no $NLRAW (make -C selftests)"

ns='' peer='' other=''
tmp=$(mktemp -d)
defer rm -rf "$tmp"

# What Linux gives to a reader of 4 KiB at a time is one page for each part.
raw() {
	nsenter --net="/run/netns/$ns" "$NLRAW" -d -b 4096 "$@"
}

# list COMMAND REQUEST ATTRIBUTE [FROM STEP TO]: reads a list; COMMAND runs after
# the first part of it.  Sets
#	end	how it ended: 0 or the name of an errno
#	told	yes when a part has NLM_F_DUMP_INTR
#	parts	how many there were
#	n	messages with ATTRIBUTE, its values in $values
#	twice	values that were there before, disorder: that are below one
#	missing	of FROM to TO, those that were not there
list() {
	raw ${1:+-c "$1"} "$2" >"$tmp/list" 2>&1
	end='' told='' parts='' n='' values='' twice='' disorder='' missing=''
	eval "$(awk -v attr="$3" -v from="${4:-1}" -v step="${5:-1}" \
		-v to="${6:-0}" '
		{
			for (i = 3; i <= NF; i++) {
				if (index($i, attr "=") != 1)
					continue
				v = substr($i, length(attr) + 2)
				gsub(/"/, "", v)
				printf "%s%s", n ? " " : "values=\"", v
				twice += seen[v]++ > 0
				disorder += n++ && v + 0 < last
				last = v + 0
			}
			parts = $1
			told = $2 == "intr" ? "yes" : "no"
			end = $3
		}
		END {
			for (v = from; v <= to; v += step)
				if (!(v in seen))
					missing = missing " " v
			sub("end=", "", end)
			gsub(/[^A-Z0-9]/, "?", end)
			printf "%s", n ? "\"\n" : ""
			printf "end=%s told=%s parts=%d n=%d twice=%d disorder=%d\n",
				end, told, parts, n, twice, disorder
			printf "missing=\"%s\"\n", substr(missing, 2)
		}' "$tmp/list")"
}

# changed DESC COMMAND FROM TO: a change within the list of rules is told, no
# rule is there twice, and every tenth of FROM to TO, which nobody touched, once.
changed() {
	list "$2" rule-get+dump pref "$3" 10 "$4"
	check_is "$1: the list ends well" 0 "$end"
	check_is "$1: the reader is told" yes "$told"
	check_is "$1: each rule at most once, in order" "0 0" "$twice $disorder"
	check_is "$1: each untouched rule is there" "" "$missing"
}

test_rules() {
	local tool="$ANKUS -n $ns"

	seq 10 10 12000 | sed 's/.*/rule add pref & action auto/' | ankus -n "$ns" -b -
	list "" rule-get+dump pref 10 10 12000
	check_is "quiet: the list ends well" 0 "$end"
	check_is "quiet: the reader is not told of a change" no "$told"
	check_is "quiet: each rule once, in order" "1200 0 0" "$n $twice $disorder"
	check_is "quiet: none is missing" "" "$missing"
	check "quiet: it takes many parts" [ "$parts" -gt 10 ]

	changed "a rule is added at the end" "$tool rule add pref 99999 action auto" 10 12000
	check_is "it is in the list, being behind what was read" 99999 "${values##* }"
	changed "a rule is added in front" "$tool rule add pref 5 action auto" 10 12000
	changed "a rule is added between" "$tool rule add pref 6005 action auto" 10 12000
	changed "a rule is deleted that was read" "$tool rule del pref 10" 20 12000
	changed "a rule is deleted that was not read" "$tool rule del pref 12000" 20 11990
	check_is "it is not in the list" "" "$(grep ' pref=12000 ' "$tmp/list")"
	changed "a rule is replaced" "$tool rule replace pref 20 action ignore" 20 11990
	changed "many come and go" \
		"{ seq 8005 10 8995 | sed 's/.*/rule add pref & action auto/'
		seq 9000 10 11000 | sed 's/.*/rule del pref &/'; } | $tool -b -" 20 8990
	list "$ANKUS -n $other rule add pref 1 action auto" rule-get+dump pref
	check_is "a change in another namespace is not told" "0 no" "$end $told"
	list "$tool rule flush" rule-get+dump pref
	check_is "all are deleted: the list ends well and tells it" "0 yes" "$end $told"
	list "" rule-get+dump pref
	check_is "and then there is none" "0 no 0 1" "$end $told $n $parts"
}

# Rules cost memory: there is an end to them.
test_rule_limit() {
	seq 16384 | sed 's/.*/rule-new pref=u32:&/' |
		nsenter --net="/run/netns/$ns" "$NLRAW" >"$tmp/answers"
	check_is "16384 rules are taken" 16384 "$(grep -c ^0 "$tmp/answers")"
	check_fail "one more is not" 2 '16384' ankus -n "$ns" rule add pref 16385 action auto
	check "but one in place of another is" ankus -n "$ns" rule replace pref 1 action ignore
	list "" rule-get+dump pref 1 1 16384
	check_is "all of them are listed" "16384 0 0 " "$n $twice $disorder $missing"
	check "all of them are flushed" ankus -n "$ns" rule flush
	check "and there is room again" ankus -n "$ns" rule add pref 16385 action auto
	ankus -n "$ns" rule flush
}

test_devs() {
	local tool="$ANKUS -n $ns"

	seq 60 | sed 's/.*/link add e& type dummy/' | ip -n "$ns" -b -
	seq 60 | sed 's/.*/dev add e& tick 10s flows 64/' | ankus -n "$ns" -b -
	list "" dev-get+dump ifindex
	check_is "60 devices are listed" "60 0" "$n $twice"
	list "$tool dev del e1" dev-get+dump ifindex
	check_is "a device is let go: the list ends well and tells it" "0 yes" "$end $told"
	check_is "a device is let go: none is there twice" 0 "$twice"
	list "ip -n $ns link del e60" dev-get+dump ifname
	check_is "a device is deleted: the reader is told" "0 yes" "$end $told"
	check_is "a device is deleted: it is not there" "" "$(grep '"e60"' "$tmp/list")"
	list "$tool dev set e2 mode steer" dev-get+dump ifindex
	check_is "a device is changed: the reader is told" "0 yes" "$end $told"
	list "$tool dev del e3" stats-get+dump ifindex
	check_is "a device is let go: the reader of counters is told" "0 yes" "$end $told"
	list "" "dev-get+dump ifname=s:e5" ifname
	check_is "a list of one device has one" "1 e5" "$n $values"
	seq 60 | sed 's/.*/link del e&/' | ip -n "$ns" -force -b - 2>"$tmp/ignored"
	list "" dev-get+dump ifindex
	check_is "with the devices all is gone" "0 no 0" "$end $told $n"
}

test_links() {
	local tool="$ANKUS -n $ns" i

	for i in $(seq 60); do
		[ $((i % 30)) -ne 1 ] ||
			echo "link add wide$((i / 31)) type bond mode balance-xor"
		echo "link add l$i type dummy"
		echo "link set l$i master wide$((i / 31))"
	done | ip -n "$ns" -b -
	printf 'dev add wide%d tick 10s flows 64\n' 0 1 | ankus -n "$ns" -b -
	list "" link-get+dump ifindex
	check_is "60 links are listed" "0 no 60 0" "$end $told $n $twice"
	# The second part is ready when the first one is read.
	check "in more than two parts" [ "$parts" -gt 2 ]
	list "$tool link set l60 capacity 1gbit" link-get+dump ifindex
	check_is "a link is changed: the reader is told" "0 yes" "$end $told"
	list "ip -n $ns link del l60" link-get+dump name
	check_is "a link goes: the list ends well and tells it" "0 yes" "$end $told"
	check_is "a link goes: none is there twice" 0 "$twice"
	check_is "a link goes: it is not there" "" "$(grep 'name="l60"' "$tmp/list")"
	list "" link-get+dump ifindex
	check_is "59 links are left" "0 no 59" "$end $told $n"
	printf 'dev del wide%d\n' 0 1 | ankus -n "$ns" -b -
	{ seq 59 | sed 's/.*/link del l&/'
		printf 'link del wide%d\n' 0 1; } | ip -n "$ns" -b -
}

# Of two devices with 100 and 30 queues a direction
test_queues() {
	local tool="$ANKUS -n $ns" i

	for i in 0:100 1:30; do
		ip -n "$ns" link add "q${i%:*}" numtxqueues "${i#*:}" \
			numrxqueues "${i#*:}" type dummy
		ankus -n "$ns" dev add "q${i%:*}" tick 10s flows 64
	done
	list "" queue-get+dump queue 0 1 99
	check_is "260 queues are listed" "0 no 260 " "$end $told $n $missing"
	check "in more than two parts" [ "$parts" -gt 2 ]
	list "" "queue-get+dump ifname=s:q1" queue 0 1 29
	check_is "those of one device" "0 60 " "$end $n $missing"
	list "" "queue-get+dump ifname=s:q0 dir=u32:1" queue 0 1 99
	check_is "of one direction, each once and in order" "0 100 0 0 " \
		"$end $n $twice $disorder $missing"
	list "$tool dev del q1" queue-get+dump queue
	check_is "a device is let go: the list ends well and tells it" "0 yes" "$end $told"
	list "ip -n $ns link del q0" queue-get+dump queue
	check_is "a device is deleted: likewise" "0 yes" "$end $told"
	ip -n "$ns" link del q1
}

# mice ADDRESS FIRST LAST [STOP]: a packet to each of these ports, once, or from
# a new port each time until there is a file STOP
mice() {
	ip netns exec "$ns" python3 - "$@" <<-'END'
		import os, socket, sys, time
		to, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		while True:
		    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    for port in range(first, last + 1):
		        try:
		            sock.sendto(b"x", (to, port))
		        except OSError:
		            pass    # nobody takes them
		    if len(sys.argv) < 5 or os.path.exists(sys.argv[4]):
		        break
		    time.sleep(0.05)
	END
}

elephant() {
	ip netns exec "$ns" python3 - 10.55.0.2 <<-'END'
		import socket, sys, time
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sock.bind(("", 4000))
		while True:
		    try:
		        sock.sendto(b"x" * 1200, (sys.argv[1], 4001))
		    except OSError:
		        break   # the end of the network is the end of the test
		    time.sleep(0.01)
	END
}

has_elephant() {
	list "" "flow-get+dump ifname=s:v0 state=u32:2" sport
	[ "$values" = 4000 ]
}

test_flows() {
	local v0 w0 rate

	v0=$(ip -n "$ns" -j link show v0 | jq '.[0].ifindex')
	w0=$(ip -n "$ns" -j link show w0 | jq '.[0].ifindex')
	# Long enough that nothing is forgotten in between.
	ankus -n "$ns" dev add v0 rate 100kbit release 600s flows 8192 sketch 0
	ankus -n "$ns" dev add w0 rate 100kbit release 600s flows 8192 sketch 0
	mice 10.55.0.2 10001 11500
	mice 10.55.1.2 20001 20100
	elephant &
	disown
	check_until "state: of an elephant among mice the kernel sends no other" 30 \
		has_elephant

	list "" flow-get+dump dport 10001 1 11500
	check_is "the list of flows ends well" 0 "$end"
	check_is "each flow of one device is there" "" "$missing"
	check "it takes many parts" [ "$parts" -gt 10 ]
	list "" flow-get+dump dport 20001 1 20100
	check_is "each of the other" "" "$missing"
	list "" flow-get+dump id
	check_is "each once" 0 "$twice"

	list "" "flow-get+dump ifname=s:w0" dport 20001 1 20100
	check_is "ifname: all flows of that device" "" "$missing"
	check_is "ifname: and no others" "" "$(grep id= "$tmp/list" | grep -v " ifindex=$w0 ")"
	list "" "flow-get+dump ifindex=u32:$v0" dport 10001 1 11500
	check_is "ifindex: all flows of that device" "" "$missing"
	check_is "ifindex: and no others" "" "$(grep id= "$tmp/list" | grep -v " ifindex=$v0 ")"
	list "" "flow-get+dump state=u32:0" dport 4001 1 4001
	check_is "state mouse: those above it as well" "" "$missing"
	list "" "flow-get+dump state=u32:2" rate-bps
	rate=${values%% *}
	list "" "flow-get+dump rate-bps=u64:$((rate / 2))" sport
	check_is "rate: flows at or above it" 4000 "$values"
	list "" "flow-get+dump rate-bps=u64:18446744073709551615" id
	check_is "rate: none at the greatest" "0 0" "$end $n"
	list "" "flow-get+dump ifname=s:w0 state=u32:2" id
	check_is "filters hold together" "0 0" "$end $n"
	list "$ANKUS -n $ns dev del w0" flow-get+dump id
	check_is "a device is let go: the list ends well and tells it" "0 yes" "$end $told"
}

# fat ADDRESS FIRST LAST: a large packet to each of these ports, of the same flows
# each time
fat() {
	ip netns exec "$ns" python3 - "$@" <<-'END'
		import socket, sys
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sock.bind(("", 4002))
		for port in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
		    try:
		        sock.sendto(b"x" * 1200, (sys.argv[1], port))
		    except OSError:
		        pass    # nobody takes them
	END
}

# elephants COUNT: so many are there, each once, of the ports 10001 and up; those
# that a slow machine looked at too late send again
elephants() {
	list "" "flow-get+dump ifname=s:w0 state=u32:2" dport 10001 1 $((10000 + $1))
	[ "$end $n $twice" = "0 $1 0" ] && [ -z "$missing" ] && return
	echo "end $end, $n flows, $twice twice, missing: $missing"
	fat 10.55.1.2 10001 $((10000 + $1))
	return 1
}

# elephants_changed DESC COMMAND: it is told, and all those that stay are there
elephants_changed() {
	list "$2" "flow-get+dump ifname=s:w0 state=u32:2" dport 10001 1 11000
	check_is "$1: the list ends well" 0 "$end"
	check_is "$1: the reader is told" yes "$told"
	check_is "$1: each at most once" 0 "$twice"
	check_is "$1: each that stayed" "" "$missing"
}

# Lists of elephants do not look at mice, and the kernel ends them where asked.
test_elephants() {
	local tool="$ANKUS -n $ns" first last mouse

	# the second packet is enough, and stays so
	ankus -n "$ns" dev add w0 rate 1kbit hold 0ms release 600s flows 8192 tick 20ms
	check_until "a thousand flows become elephants" 60 elephants 1000
	list "" "flow-get+dump ifname=s:w0 state=u32:2" id
	check_is "in a list of elephants each is there once" "0 no 1000 0" \
		"$end $told $n $twice"
	check_is "the first ones first" 0 "$disorder"
	check "it takes many parts" [ "$parts" -gt 10 ]
	first=${values%% *} last=${values##* }

	list "" "flow-get+dump ifname=s:w0 state=u32:1" dport 10001 1 11000
	check_is "candidate and above: each" "0 " "$twice $missing"
	list "" "flow-get+dump ifname=s:w0 state=u32:0" dport 10001 1 11000
	check_is "mouse and above: each" "0 " "$twice $missing"
	list "" "flow-get+dump ifname=s:w0 state=u32:2 dir=u32:1" id
	check_is "sent ones: each" "0 1000 0" "$end $n $twice"
	list "" "flow-get+dump ifname=s:w0 state=u32:2 dir=u32:0" id
	check_is "received ones: none" "0 0" "$end $n"
	list "" "flow-get+dump ifname=s:w0 state=u32:2 limit=u32:1" id
	check_is "limit: one" "0 1" "$end $n"
	list "" "flow-get+dump ifname=s:w0 state=u32:2 limit=u32:123" id
	check_is "limit: over many parts" "0 123 0" "$end $n $twice"
	list "" "flow-get+dump limit=u32:123" id
	check_is "limit: of all flows" "0 123 0" "$end $n $twice"
	list "" "flow-get+dump ifname=s:w0 state=u32:2 limit=u32:1000" id
	check_is "limit: as many as there are" "0 1000" "$end $n"
	list "" "flow-get+dump ifname=s:w0 state=u32:2 limit=u32:4294967295" id
	check_is "limit: more than there are" "0 1000" "$end $n"
	list "" "flow-get+dump limit=u32:10 dir=u32:0" id
	check_is "limit: of what the filters leave" "0 0" "$end $n"

	elephants_changed "the first one changes" "$tool flow unpin $first"
	elephants_changed "the last one changes" "$tool flow unpin $last"
	elephants_changed "new ones come" "ip netns exec $ns bash -c '
		for i in {1..50}; do
			exec 3>/dev/udp/10.55.1.2/\$((20000 + i))
			for packet in 1 2 3; do
				printf %01200d 0 >&3
			done
		done 2>/dev/null
		sleep 2'"

	# One by its id, with a control part and without
	check_json "the last one by its id" ".[0].id == $last" \
		ankus -n "$ns" -j flow show "$last"
	mouse=$(ankus -n "$ns" -j flow show dev v0 sort none |
		jq '[.[] | select(.dport == 11000)][0].id')
	check_json "a mouse of the other device by its id" \
		".[0] | .id == $mouse and .state == \"mouse\" and .ifname == \"v0\"" \
		ankus -n "$ns" -j flow show "$mouse"
	check_fail "nobody's id" 2 'no flow with this id' ankus -n "$ns" flow show 999999999
	check "a mouse can be unpinned" ankus -n "$ns" flow unpin "$mouse"
	check_json "and is found among the elephants' kind" \
		".[0] | .id == $mouse and .pin_mode == \"off\"" \
		ankus -n "$ns" -j flow show "$mouse"
	list "" "flow-get+dump ifname=s:v0 state=u32:1" dport
	check_not "but not in a list of candidates" grep -w 11000 <<<"$values"
	ankus -n "$ns" dev del w0
}

# hosts PREFIX COUNT SIZE [STOP]: a packet to each of so many addresses, once, or
# to other ones each time until there is a file STOP
hosts() {
	ip netns exec "$ns" python3 - "$@" <<-'END'
		import os, socket, sys, time
		count, size = int(sys.argv[2]), int(sys.argv[3])
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sock.bind(("", 4003))
		n = 0
		while True:
		    for i in range(n, n + count):
		        to = f"{sys.argv[1]}.{i // 250 % 250}.{i % 250 + 1}"
		        try:
		            sock.sendto(b"x" * size, (to, 9))
		        except OSError:
		            pass    # nobody takes them
		    n += count
		    if len(sys.argv) < 5 or os.path.exists(sys.argv[4]):
		        break
		    time.sleep(0.2)
	END
}

# heavy COUNT: so many pairs have an elephant; those that a slow machine looked at
# too late send again
heavy() {
	list "" "pair-get+dump ifname=s:w0 state=u32:2" id
	[ "$end $n $twice" = "0 $1 0" ] && return
	echo "end $end, $n pairs, $twice twice"
	hosts 10.57 "$1" 1200
	return 1
}

# all_pairs COUNT: so many are known, each once and in order
all_pairs() {
	list "" "pair-get+dump ifname=s:w0" id
	[ "$end $n $twice $disorder" = "0 $1 0 0" ] && return
	echo "end $end, $n pairs, $twice twice, $disorder not in order"
	return 1
}

# Two devices: 1600 pairs of addresses, 200 of them with an elephant, and the one
# of the other tests.
test_pairs() {
	local tool="$ANKUS -n $ns" first last before rate w0

	w0=$(ip -n "$ns" -j link show w0 | jq '.[0].ifindex')
	ip -n "$ns" route add 10.56.0.0/15 via 10.55.1.2
	ankus -n "$ns" dev add w0 rate 4kbit hold 0ms release 600s flows 8192 tick 20ms sketch 0
	hosts 10.56 1400 1
	check_until "pairs with an elephant" 60 heavy 200
	check_until "each pair is listed, once and in order" 20 all_pairs 1600
	check "it takes many parts" [ "$parts" -gt 10 ]
	before=$values first=${values%% *} last=${values##* }

	list "" "pair-get+dump ifindex=u32:$w0" id
	check_is "ifindex: likewise" "$before" "$values"
	check_is "ifindex: and no others" "" "$(grep id= "$tmp/list" | grep -v " ifindex=$w0 ")"
	list "" "pair-get+dump ifname=s:w0 state=u32:0" id
	check_is "state mouse: all" "$before" "$values"
	list "" "pair-get+dump ifname=s:w0 state=u32:1" id
	check_is "state candidate: those above it" "0 200 0" "$end $n $twice"
	list "" "pair-get+dump ifname=s:w0 dir=u32:1" id
	check_is "sent: all" "$before" "$values"
	list "" "pair-get+dump ifname=s:w0 dir=u32:0" id
	check_is "received: none" "0 0" "$end $n"
	list "" "pair-get+dump ifname=s:v0 state=u32:2" rate-bps
	rate=${values%% *}
	list "" "pair-get+dump rate-bps=u64:$((rate / 2))" id
	check_is "rate: pairs at or above it" "0 1" "$end $n"
	list "" "pair-get+dump rate-bps=u64:18446744073709551615" id
	check_is "rate: none at the greatest" "0 0" "$end $n"
	list "" "pair-get+dump ifname=s:w0 rate-bps=u64:$((rate / 2))" id
	check_is "filters hold together" "0 0" "$end $n"
	list "" "pair-get+dump ifname=s:w0 limit=u32:1" id
	check_is "limit: one" "0 1" "$end $n"
	list "" "pair-get+dump limit=u32:1001" id
	check_is "limit: over many parts" "0 1001 0" "$end $n $twice"
	list "" "pair-get+dump ifname=s:w0 state=u32:2 limit=u32:150" id
	check_is "limit: of what the filters leave" "0 150 0" "$end $n $twice"
	list "" "pair-get+dump ifname=s:w0 limit=u32:4294967295" id
	check_is "limit: more than there are" "$before" "$values"
	list "" pair-get+dump id
	check_is "of all devices: each once" "0 0" "$end $twice"
	check "and those of the other, too" [ "$n" -gt 1600 ]

	check_json "the first one by its id" ".[0].id == $first" \
		ankus -n "$ns" -j pair show "$first"
	check_json "the last one by its id" ".[0].id == $last" \
		ankus -n "$ns" -j pair show "$last"
	check_fail "nobody's id" 2 'no pair with this id' ankus -n "$ns" pair show 999999999

	list "$(declare -f hosts); ns=$ns; hosts 10.56 1500 1; sleep 2" \
		"pair-get+dump ifname=s:w0" id
	check_is "new ones come: the list ends well, each once and in order" "0 0 0" \
		"$end $twice $disorder"
	check_is "new ones come: those that stay are there" "$before" \
		"${values:0:${#before}}"
	check_is "new ones come: so are they, being behind what was read" 1700 "$n"
	list "$tool dev set w0 rate 5kbit" "pair-get+dump ifname=s:w0" id
	check_is "the device is changed: the reader is told" "0 yes" "$end $told"
	list "$tool dev del w0" pair-get+dump id
	check_is "a device is let go: the list ends well and tells it" "0 yes" "$end $told"
	check_is "a device is let go: none is there twice" 0 "$twice"
	list "" pair-get+dump id
	check_is "the pairs of the other are left" "0 0" "$end $twice"
	check "and no more" [ "$n" -lt 10 ]
}

few_pairs() {
	list "" "pair-get+dump ifname=s:w0" id
	[ "$n" -eq 0 ]
}

many_pairs() {
	list "" "pair-get+dump ifname=s:w0" id
	[ "$n" -gt 200 ]
}

# New pairs all the time, and old ones go.
test_pair_churn() {
	local i hosts well=0 bad=0

	ankus -n "$ns" dev add w0 release 1s tick 20ms rate 100kbit sketch 0
	hosts 10.56 100 1 "$tmp/stop" &
	hosts=$!
	check_until "pairs come" 20 many_pairs
	for i in $(seq 20); do
		list "" "pair-get+dump ifname=s:w0" id
		[ "$end" != 0 ] || well=$((well + 1))
		bad=$((bad + twice + disorder))
	done
	check_is "lists end well while pairs come and go" 20 $well
	check_is "no pair is there twice, or out of order" 0 $bad
	touch "$tmp/stop"
	wait $hosts
	rm "$tmp/stop"
	check_until "without flows all of them go" 30 few_pairs
	ankus -n "$ns" dev del w0
	list "" "pair-get+dump ifname=s:w0" id
	check_is "a device that is not managed has none" "0 0" "$end $n"
}

many_flows() {
	list "" flow-get+dump id
	[ "$n" -gt 300 ]
}

flows_went() {
	ankus -n "$ns" -j stats show dev v0 | jq -e '.[0].flows_expired > 0'
}

# New flows all the time, and old ones expire.
test_flow_churn() {
	local i mice well=0 again=0

	ankus -n "$ns" dev del v0
	ankus -n "$ns" dev add v0 release 3s tick 20ms rate 100kbit sketch 0
	mice 10.55.0.2 30001 30300 "$tmp/stop" &
	mice=$!
	check_until "flows come" 20 many_flows
	for i in $(seq 20); do
		list "" flow-get+dump id
		[ "$end" != 0 ] || well=$((well + 1))
		again=$((again + twice))
	done
	check_is "lists end well while flows come and go" 20 $well
	check_is "no flow is there twice" 0 $again
	check_until "flows did go" 20 flows_went
	touch "$tmp/stop"
	wait $mice
	rm "$tmp/stop"
	ankus -n "$ns" dev del v0
}

# Each writer has prefs of its own, which in the end are the odd ones of ten,
# and all of them fight for pref 1 to 5, two devices and a link.
writer() {
	local n=$1 round i

	for round in $(seq 6); do
		for i in $(seq 10); do
			echo "rule add pref $((n * 100 + i)) dport $i action auto"
			echo "rule add pref $((i % 5 + 1)) dport $n action ignore"
		done
		echo "dev set v0 mode $([ $(((n + round) % 2)) -eq 0 ] && echo steer || echo observe)"
		[ $((n % 5)) -ne 0 ] || echo "dev add w0 rate 100kbit"
		[ $((n % 5)) -ne 1 ] || echo "dev del w0"
		[ $((n % 5)) -ne 2 ] || echo "link add up dev p0"
		[ $((n % 5)) -ne 3 ] || echo "link del up"
		[ $((n % 5)) -ne 4 ] || echo "link set p0 capacity ${round}gbit"
		for i in $(seq 10); do
			echo "rule replace pref $((n * 100 + i)) dport $n action tx-queues $((i % 4))"
			echo "rule del pref $((i % 5 + 1))"
		done
		for i in 2 4 6 8 10; do
			echo "rule del pref $((n * 100 + i))"
		done
		echo "flow show dev v0 state elephant"
		[ "$round" -eq 6 ] || for i in 1 3 5 7 9; do
			echo "rule del pref $((n * 100 + i))"
		done
	done | ankus -n "$ns" -force -b - >"$tmp/writer.$n" 2>&1
}

# reader NAME: all lists over and over; notes those which end badly or have a
# rule twice
reader() {
	local op end told parts n=0 values twice disorder missing

	tmp=$tmp/$1
	mkdir "$tmp"
	while [ ! -e "$tmp/../stop" ]; do
		for op in rule dev link flow pair stats queue cpu; do
			list "" $op-get+dump pref
			[ "$end" = 0 ] || echo "$op: $end" >>"$tmp/../bad"
			[ $op != rule ] || [ "$twice$disorder" = 00 ] ||
				echo "$twice twice, $disorder not in order" >>"$tmp/../bad"
			echo $op >>"$tmp/../read"
		done
	done
}

steers() {
	ankus -n "$ns" -j flow show state elephant |
		jq -e 'any(.sport == 4000 and .tx_queue.current != null)'
}

test_concurrency() {
	local n expected writers=() readers=()

	ankus -n "$ns" dev add v0 rate 100kbit tick 20ms mode steer
	ankus -n "$ns" dev add bond0
	check_until "an elephant is pinned before" 30 steers
	for n in 1 2; do
		reader reader$n &
		readers+=($!)
	done
	for n in $(seq 20); do
		writer "$n" &
		writers+=($!)
	done
	wait "${writers[@]}"
	touch "$tmp/stop"
	wait "${readers[@]}"
	rm "$tmp/stop"
	diag "lists read meanwhile: $(wc -l <"$tmp/read")"
	check_is "every list ended well and had each rule once" "" \
		"$(cat "$tmp/bad" 2>"$tmp/ignored")"

	expected=$(for n in $(seq 20); do
		for i in 1 3 5 7 9; do
			echo "$((n * 100 + i)) $n $((i % 4))"
		done
	done)
	check_is "each writer's own rules are what it left" "$expected" \
		"$(ankus -n "$ns" -j rule show | jq -r '.[] | select(.pref > 5) |
			"\(.pref) \(.dport_first) \(.tx_queues[0].first)"')"
	check_json "the rules that all fought for are there once or not at all" \
		'map(.pref) | . == unique' ankus -n "$ns" -j rule show
	check_json "the devices as well" \
		'map(.ifname) | index("v0") and (length == (unique | length))' ankus -n "$ns" -j dev show
	check_json "and each lower device is one link" \
		'map(.ifname) | sort == ["p0", "p1"]' ankus -n "$ns" -j link show
	check "everything still works: rule flush" ankus -n "$ns" rule flush
	check "everything still works: dev set" ankus -n "$ns" dev set v0 mode steer
	check_until "everything still works: the elephant is pinned" 30 steers
	check "everything still works: dev del" ankus -n "$ns" dev del v0
}

load_module ankus
load_module bonding
load_module dummy numdummies=0
setup_ns ns peer other

for dev in v:0 w:1; do
	ip -n "$ns" link add "${dev%:*}0" numtxqueues 4 numrxqueues 4 type veth \
		peer name "${dev%:*}1" netns "$peer" \
		numtxqueues 4 numrxqueues 4
	ip -n "$ns" addr add "10.55.${dev#*:}.1/24" dev "${dev%:*}0"
	ip -n "$peer" addr add "10.55.${dev#*:}.2/24" dev "${dev%:*}1"
	ip -n "$ns" link set "${dev%:*}0" up
	ip -n "$peer" link set "${dev%:*}1" up
done
ip -n "$ns" link add bond0 type bond mode balance-xor miimon 100
for port in p0 p1; do
	ip -n "$ns" link add $port type veth peer name $port netns "$peer"
	ip -n "$ns" link set $port master bond0
	ip -n "$peer" link set $port up
done
ip -n "$ns" link set bond0 up

test_rules
test_rule_limit
test_devs
test_links
test_queues
test_flows
test_elephants
test_pairs
test_pair_churn
test_flow_churn
test_concurrency
finish
