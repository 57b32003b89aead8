#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tool: its words, messages, exit status, JSON, batches and events.
#
# Functions are called by their names, and $ in quotes is for jq or bash -c.
# shellcheck disable=SC2016,SC2317
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ns='' peer='' monitor='' id=''
tmp=$(mktemp -d)
defer rm -rf "$tmp"

# Words that make no sense, and what the message has to say of them.
usage_lines() {
	cat <<-'END'
		frob => "frob", expected dev, rule, link, flow, pair, queue, stats, doctor, monitor
		dev frob => "dev frob", expected add, set, del, show
		dev sho => "dev sho", expected
		dev add => missing device name
		dev add "" => "" is an empty name
		dev add sixteen-letters- => "sixteen-letters-" is too long
		dev add a/b => "a/b" is not a valid name
		dev del .. => ".." is not a valid name
		dev add e0 frob 1 => "frob", expected flows, sketch, mode, rx-queues
		dev add e0 rate => "rate" needs a value
		dev add e0 mode steer mode steer => "mode" is given twice
		dev add e0 mode fast => mode: "fast" is unknown, expected observe, steer
		dev add e0 backend gpu => backend: "gpu" is unknown, expected auto, ntuple, none, rss, cpu
		dev add e0 links some => links: "some" is unknown, expected auto, none
		dev set e0 flows 64 => "flows", expected mode
		dev set e0 => nothing to set
		dev del => missing device name
		dev del e0 e1 => unexpected word "e1"
		dev show e0 e1 => unexpected word "e1"
		dev add e0 rate 1gbti => rate: "1gbti" is not a rate
		dev add e0 rate 1g => rate: "1g" is not a rate
		dev add e0 rate 1..5gbit => rate: "1..5gbit" is not a rate
		dev add e0 rate gbit => rate: "gbit" is not a rate
		dev add e0 rate 1e9 => rate: "1e9" is not a rate
		dev add e0 rate 0x10 => rate: "0x10" is not a rate
		dev add e0 rate "1 gbit" => rate: "1 gbit" is not a rate
		dev add e0 rate 1,5gbit => rate: "1,5gbit" is not a rate
		dev add e0 rate "" => rate: "" is not a rate
		dev add e0 rate -1gbit => rate: "-1gbit" is negative
		dev add e0 rate 0 => rate: "0" is not above 0
		dev add e0 rate 18446744073709551616 => is too large
		dev add e0 rate 18446744.073710tbit => is too large
		dev add e0 rate 99999999999999999999999tbps => is too large
		dev add e0 rate 1.0000001gbit => has too many decimals
		dev add e0 hold 200 => hold: "200" is not a time with its unit
		dev add e0 hold 1500us => hold: "1500us" is not a whole number of milliseconds
		dev add e0 tick -1ms => tick: "-1ms" is negative
		dev add e0 release 4294967296ms => release: "4294967296ms" is too large
		dev add e0 low-entropy 0 => low-entropy: "0" is not above 0
		dev add e0 low-entropy 0.0001 => low-entropy: "0.0001" is not above 0
		dev add e0 low-entropy -1 => low-entropy: "-1" is negative
		dev add e0 low-entropy 2x => low-entropy: "2x" is not a number, such as 2 or 1.5
		dev add e0 low-entropy 4294968 => low-entropy: "4294968" is too large
		dev add e0 flows 4294967296 => flows: "4294967296" is too large
		dev add e0 flows 64k => flows: "64k" is not a number
		dev add e0 rx-queues "" => rx-queues: "" is not a list
		dev add e0 rx-queues , => rx-queues: "," is not a list
		dev add e0 rx-queues 1, => rx-queues: "1," is not a list
		dev add e0 rx-queues 1- => rx-queues: "1-" is not a list
		dev add e0 rx-queues 1--2 => rx-queues: "1--2" is not a list
		dev add e0 rx-queues 0x1 => rx-queues: "0x1" is not a list
		dev add e0 rx-queues "1 2" => rx-queues: "1 2" is not a list
		dev add e0 tx-queues -1 => tx-queues: "-1" is negative
		dev add e0 rx-queues 1024 => too large
		dev add e0 rx-queues 0-99999999999999999999 => is too large
		dev add e0 rx-queues 15-12 => end is before its start
		dev add e0 rx-queues 1-5,3 => has a queue twice
		dev add e0 rx-cpus , => rx-cpus: "," is not a list
		dev add e0 rx-cpus 1024 => too large
		flow pin 1 cpu x => is not a number
		rule frob => "rule frob", expected add, replace, del, show, flush
		rule add action auto => missing "pref"
		rule add pref 1 => missing "action"
		rule add pref 1 dev action => missing "action"
		rule add pref 1 action => "action" needs one of
		rule add pref 1 action frob => "frob", expected rx-queues, tx-queues, rx-cpus, links
		rule add pref 1 action ignore links p0 => unexpected word "links"
		rule add pref 1 action rx-queues all => rx-queues: "all"
		rule add pref -1 action auto => pref: "-1" is negative
		rule add pref 4294967296 action auto => pref: "4294967296" is too large
		rule add pref 1 dir up action auto => dir: "up" is unknown, expected in, out
		rule add pref 1 family ipx action auto => family: "ipx" is unknown, expected inet, inet6
		rule add pref 1 proto 256 action auto => proto: "256" is too large
		rule add pref 1 proto icmpx action auto => proto: "icmpx" is not a protocol
		rule add pref 1 src 10/8 action auto => src: "10/8" is not an address
		rule add pref 1 src 10.0.0.256 action auto => src: "10.0.0.256" is not an address
		rule add pref 1 src fe80::1%lo action auto => src: "fe80::1%lo" is not an address
		rule add pref 1 dst 10.0.0.0/33 action auto => dst: "10.0.0.0/33" has no valid prefix
		rule add pref 1 dst 10.0.0.0/ action auto => dst: "10.0.0.0/" has no valid prefix
		rule add pref 1 dst 10.0.0.0/8x action auto => dst: "10.0.0.0/8x" has no valid prefix
		rule add pref 1 dst ::/129 action auto => dst: "::/129" has no valid prefix
		rule add pref 1 src 10.0.0.1/8 action auto => src: "10.0.0.1/8" has address bits
		rule add pref 1 src 10.0.0.1 dst ::1 action auto => dst: "::1" is of another
		rule add pref 1 family inet6 src 10.0.0.1 action auto => src: "10.0.0.1" is of another
		rule add pref 1 sport 65536 action auto => sport: "65536" is too large
		rule add pref 1 dport 9-8 action auto => dport: "9-8" has its end before
		rule add pref 1 dport 9- action auto => dport: "9-" is not a port
		rule add pref 1 dport -9 action auto => dport: "-9" is negative
		rule add pref 1 dscp 64 action auto => dscp: "64" is too large
		rule add pref 1 dscp cs8 action auto => dscp: "cs8" is not a DSCP
		rule add pref 1 mark 0x100000000 action auto => mark: "0x100000000" is too large
		rule add pref 1 mark 0x10/0xf action auto => mark: "0x10/0xf" has bits
		rule add pref 1 mark 0x action auto => mark: "0x" is not a mark
		rule add pref 1 bytes 1x action auto => bytes: "1x" is not a size
		rule add pref 1 bytes 16777216t action auto => bytes: "16777216t" is too large
		rule add pref 1 action links p0, => links: "p0," is not a list
		rule add pref 1 action links p0,sixteen-letters- => is too long
		rule add pref 1 action auto links p0 => "links", expected pace, priority, set-dscp, set-mark, repath
		rule add pref 1 action auto pace => "pace" needs a value
		rule add pref 1 action auto pace 0 => pace: "0" is too slow
		rule add pref 1 action auto pace fast => pace: "fast" is not a rate
		rule add pref 1 action priority 16 => priority: "16" is not a priority, 0 to 15
		rule add pref 1 action priority high => priority: "high" is not a priority
		rule add pref 1 action set-dscp 64 => set-dscp: "64" is too large
		rule add pref 1 action set-dscp cs8 => set-dscp: "cs8" is not a DSCP
		rule add pref 1 action set-mark 0x1/0 => set-mark: "0x1/0" has bits
		rule add pref 1 action set-mark 0/0 => set-mark: "0/0" has a mask of 0
		rule add pref 1 action set-mark 0x100/0xf0 => set-mark: "0x100/0xf0" has bits
		rule add pref 1 action repath repath => "repath" is given twice
		rule add pref 1 action repath yes => unknown word "yes"
		rule add pref 1 action ignore repath => unexpected word "repath"
		rule add pref 1 dir in action auto pace 1gbit => "pace" is for flows that are sent
		rule add pref 1 dir in action set-dscp ef => "set-dscp" is for flows that are sent
		rule add pref 1 proto udp action pace 1gbit => "pace" is for tcp
		rule add pref 1 proto sctp action repath => "repath" is for tcp
		rule del => missing "pref"
		rule del pref 1 2 => "2", expected pref
		rule show dev e0 => "dev", expected pref
		rule flush pref 1 => "pref", expected dev
		link add => missing link name
		link add p0 => missing "dev"
		link add p0 dev p0 bond "" => bond: "" is an empty name
		link add p0 dev p0 capacity 0 => capacity: "0" is not above 0
		link set p0 => missing "capacity"
		link set p0 dev p1 => "dev", expected capacity
		link del => missing link name
		flow pin x queue 1 => flow id: "x" is not a number
		flow unpin 18446744073709551616 => flow id: "18446744073709551616" is too large
		flow unpin => missing flow id
		flow pin 1 => nowhere to pin to
		flow pin 1 auto queue 1 => unexpected word "queue"
		flow pin 1 queue -1 => queue: "-1" is negative
		flow show 1 dev e0 => unexpected word "dev"
		flow show state mammoth => state: "mammoth" is unknown, expected mouse, candidate, elephant
		flow show sort size => sort: "size" is unknown, expected rate, bytes, id, age, none
		flow show limit x => limit: "x" is not a number
		pair frob => "pair frob", expected show or help
		pair show x => "x", expected dev, state, dir, rate, sort, limit
		pair show 1x => pair id: "1x" is not a number
		pair show 18446744073709551616 => pair id: "18446744073709551616" is too large
		pair show 1 dev e0 => unexpected word "dev"
		pair show state candidate => state: "candidate" is unknown, expected mouse, elephant
		pair show dir up => dir: "up" is unknown, expected in, out
		pair show rate 0 => rate: "0" is not above 0
		pair show sort size => sort: "size" is unknown, expected rate, small, flows, bytes, id, age, none
		pair show limit -1 => limit: "-1" is negative
		queue frob => "frob", expected dev, dir
		queue show dir up => dir: "up" is unknown, expected in, out
		stats frob => "frob", expected dev
		doctor frob => unknown word "frob", expected dev
		doctor show frob => unknown word "frob", expected dev
		doctor dev => "dev" needs a value
		doctor dev a/b => dev: "a/b" is not a valid name
		monitor frob => "frob", expected dev, rule, link, flow, pair
		monitor rule => a batch cannot have it
	END
}

# Nothing of this may reach the kernel: without the module that would be
# another message and status 2.
test_usage() {
	local line i=0 messages

	usage_lines >"$tmp/usage"
	sed 's/ => .*//' "$tmp/usage" >"$tmp/words"
	ankus -force -b "$tmp/words" 2>"$tmp/said"
	check_is "nonsense of every kind is not sent" 1 $?
	mapfile -t messages <"$tmp/said"
	while IFS= read -r line; do
		if [[ ${messages[i]-} == "ankus: $tmp/words:$((i + 1)): "*"${line#* => }"* ]]; then
			ok "usage: ${line% => *}"
		else
			not_ok "usage: ${line% => *}" "said '${messages[i]-}'"
		fi
		i=$((i + 1))
	done <"$tmp/usage"

	check_fail "usage: nothing" 1 '^Usage: ankus' ankus
	check_fail "usage: an unknown option" 1 'unknown option "-x"' ankus -x dev show
	check_fail "usage: unknown letters" 1 'unknown option "-jx"' ankus -jx dev show
	check_fail "usage: no namespace" 1 '"-n" needs a value' ankus -n
	check_fail "usage: no file" 1 '"-b" needs a value' ankus -b
	check_fail "usage: -force alone" 1 '-force is for -batch' ankus -force dev show
	check_fail "usage: a batch and a command" 1 '"show"|"dev"' ankus -b - dev show

	# Every queue once, and more links than any request holds.
	check_fail "long values are taken" 2 'not loaded' ankus dev add e0 \
		rx-queues "$(seq -s, 0 2 1022)" tx-queues 0-1023
	check_fail "values that do not fit are refused" 1 'too long' \
		ankus rule add pref 1 action links "$(yes p0 | head -n 20000 | paste -sd,)"
}

test_help() {
	local object

	check "help" ankus help
	check "-help" ankus -help
	check "-V" ankus -V
	for object in dev rule link flow pair queue stats doctor monitor; do
		check "$object help" ankus "$object" help
		check_fail "$object help, and more" 1 'unexpected word "me"' \
			ankus "$object" help me
	done
	check_fail "help, and more" 1 'unexpected word "me"' ankus help me
	check_fail "-V, and more" 1 'unexpected word "dev"' ankus -V dev show
}

test_not_loaded() {
	local object

	for object in dev rule link flow pair queue stats doctor monitor; do
		check_fail "$object: not loaded" 2 \
			'^ankus: kernel module is not loaded \(modprobe ankus\)$' \
			ankus $object
	done
	check_fail "a change: not loaded" 2 'not loaded' ankus dev add lo
	check_fail "no such namespace" 2 'no-such-netns' ankus -n no-such-netns dev
	check_fail "no such batch" 2 'No such file' ankus -b "$tmp/none"
}

# in_ns CMD...: in the first namespace, without -n
in_ns() {
	nsenter --net="/run/netns/$ns" "$@"
}

# unprivileged CMD...: as root without a single capability
unprivileged() {
	in_ns setpriv --inh-caps=-all --bounding-set=-all "$@"
}

test_refused() {
	check_fail "no such device" 2 'no such device \(attribute ifname\)' \
		ankus -n "$ns" dev add nosuch
	check_fail "not managed" 2 'ankus: .*not managed' ankus -n "$ns" dev set v0 mode steer
	check_fail "not managed, to be shown" 2 'not managed' ankus -n "$ns" dev show v0
	check_fail "the limits of the contract are told" 2 \
		'\(attribute hold-ms, 60000 at most\)' \
		ankus -n "$ns" dev add v0 hold 61s
	check_fail "the attribute inside an attribute is named" 2 \
		'attribute rx-queues' ankus -n "$ns" dev add v0 rx-queues 1000
	check_json "nothing of it was applied" '. == []' ankus -n "$ns" -j dev show
	check_fail "no such rule" 2 'pref' ankus -n "$ns" rule del pref 7
	check_fail "no such link" 2 'link' ankus -n "$ns" link del p9
	check_fail "no such pair" 2 'no pair with this id \(attribute id\)' \
		ankus -n "$ns" pair show 4711
	check_fail "no such flow" 2 'flow' ankus -n "$ns" flow unpin 4711
	check_fail "output that cannot be written" 2 'cannot write the output' \
		bash -c '"$0" -n "$1" -j dev show >/dev/full' "$ANKUS" "$ns"
	check_fail "a reader that went away" 2 'cannot write the output' bash -c \
		'{ sleep 0.5; "$0" -n "$1" -j dev show; } | true; exit "${PIPESTATUS[0]}"' \
		"$ANKUS" "$ns"
}

test_permission() {
	local words

	for words in "dev add v0" "rule add pref 5 action auto" "rule flush" \
		"link set p0 capacity 1gbit" "flow unpin 1"; do
		# shellcheck disable=SC2086 # a list of words
		check_fail "unprivileged: $words" 2 'no permission.*CAP_NET_ADMIN' \
			unprivileged "$ANKUS" $words
	done
	for words in dev rule link flow pair queue stats doctor; do
		check "unprivileged: $words show" unprivileged "$ANKUS" $words show
	done
	check_fail "a namespace needs its own permission" 2 'cannot enter' \
		unprivileged "$ANKUS" -n "$ns" dev show
	check_json "the owner of a namespace may write" '.[0].pref == 5' \
		unshare -Urn bash -c '"$0" rule add pref 5 action auto && "$0" -j rule show' \
		"$ANKUS"
}

test_rules() {
	local rules=$tmp/rules before

	cat >"$rules" <<-'END'
		rule add pref 10 proto tcp dport 22 action ignore
		rule add pref 20 dev v0 dir in family inet proto udp src 10.0.0.0/8 dst 10.1.0.1 sport 443 dport 9000-9010 dscp cs1 mark 0x10/0xf0 rate 1.5gbit bytes 10m action rx-queues 0-3,7 tx-queues 1 links p0,p1
		rule add pref 30 src 2001:db8::/32 dscp 3 mark 0x1 rate 123456789 bytes 1000 action auto
		rule add pref 4294967295 proto 132 action auto
	END
	check "rules by a batch" ankus -n "$ns" -b "$rules"
	ankus -n "$ns" rule show | sed 's/^/rule add /' >"$tmp/saved"
	before=$(ankus -n "$ns" -j rule show)
	check "flush" ankus -n "$ns" rule flush
	check_json "nothing is left" '. == []' ankus -n "$ns" -j rule show
	check "what show prints is what add takes" ankus -n "$ns" -b "$tmp/saved"
	check_is "and comes to the same" "$before" "$(ankus -n "$ns" -j rule show)"
	check_json "a rule in full" '.[1] | del(.flows) == {
		pref: 20, ifname: "v0", dir: "in", family: "inet", proto: 17,
		src: "10.0.0.0", src_len: 8, dst: "10.1.0.1", dst_len: 32,
		sport_first: 443, sport_last: 443, dport_first: 9000,
		dport_last: 9010, dscp: 8, mark: 16, mark_mask: 240,
		rate_bps: 1500000000, bytes: 10485760, verdict: "auto",
		rx_queues: [{first: 0, last: 3}, {first: 7, last: 7}],
		tx_queues: [{first: 1, last: 1}], rx_cpus: [], link: ["p0", "p1"],
		repath: false}' \
		ankus -n "$ns" -j rule show
	check_json "one rule" 'length == 1 and .[0].src == "2001:db8::"' \
		ankus -n "$ns" -j rule show pref 30
	check_fail "an existing pref" 2 'exists' ankus -n "$ns" rule add pref 10 action auto
	check "replace" ankus -n "$ns" rule replace pref 10 action tx-queues 2
	check_json "replaced" '.[0].tx_queues == [{first: 2, last: 2}] and .[0].proto == null' \
		ankus -n "$ns" -j rule show pref 10
	check "flush those of a device" ankus -n "$ns" rule flush dev v0
	check_json "the others stay" 'map(.pref) == [10, 30, 4294967295]' \
		ankus -n "$ns" -j rule show
	check "flush all" ankus -n "$ns" rule flush
	check "the longest lists of queues" ankus -n "$ns" rule add pref 1 \
		action rx-queues "$(seq -s, 0 2 126)" tx-queues "$(seq -s, 1 16 1023)"
	check_json "are shown, alone" '.[0].rx_queues | length == 64' \
		ankus -n "$ns" -j rule show pref 1
	check_json "and in a list" '.[0].tx_queues | length == 64' \
		ankus -n "$ns" -j rule show
	check_fail "a longer one is refused" 2 'ranges.*\(attribute rx-queues\)' \
		ankus -n "$ns" rule replace pref 1 action rx-queues "$(seq -s, 0 2 128)"
	check "flush again" ankus -n "$ns" rule flush
}

# spec_keys OP [OPTIONAL...]: the attributes of a reply, as in JSON
spec_keys() {
	local op=$1
	shift
	# shellcheck disable=SC2016 # for jq
	jq -r --arg op "$op" '.operations.list[] | select(.name == $op) |
		.do.reply.attributes - $ARGS.positional |
		map(gsub("-"; "_")) | sort | join(" ")' "$tmp/spec" --args "$@"
}

# json_keys FILTER WORDS...: the names in one object with -s, less those in FILTER
json_keys() {
	local filter=$1
	shift
	ankus -n "$ns" -j -s "$@" | jq -r ".[0] | del($filter) | keys | join(\" \")"
}

# Names in JSON are those of the specification, all of them.
test_json() {
	local object

	python3 -c '
import json, sys, yaml
json.dump(yaml.safe_load(sys.stdin), sys.stdout)' \
		<"$lib_top/Documentation/netlink/specs/ankus.yaml" >"$tmp/spec"
	check_is "dev: all attributes" "$(spec_keys dev-get rx-reason)" \
		"$(json_keys .rx_reason dev show)"
	check_is "link: all attributes" "$(spec_keys link-get reason mark mark-mask)" \
		"$(json_keys .reason link show)"
	ankus -n "$ns" rule add pref 1 dev v0 dir out proto tcp src 2001:db8::/32 \
		dst 2001:db9::1 sport 443 dport 9000-9010 dscp cs1 mark 0x10/0xf0 \
		rate 1.5gbit bytes 10m action rx-queues 0 tx-queues 1 rx-cpus 0 \
		links p0 pace 1gbit priority 1 set-dscp cs1 set-mark 0x1/0x1 repath
	check_is "rule: all attributes" "$(spec_keys rule-get)" \
		"$(json_keys .x rule show pref 1)"
	ankus -n "$ns" rule del pref 1
	check_is "stats: all attributes" "$(spec_keys stats-get)" \
		"$(json_keys .x stats show)"
	check_is "stats cpus: all attributes" "$(spec_keys cpu-get)" \
		"$(json_keys .x stats cpus)"
	check_is "queue: all attributes" "$(spec_keys queue-get)" \
		"$(json_keys .x queue show)"
	check_is "flow: all attributes" \
		"$(spec_keys flow-get rule-pref rx-queue cpu tx-queue link tcp)" \
		"$(json_keys ".rule_pref, .rx_queue, .cpu, .tx_queue, .link" \
			flow show dir out)"
	check_is "pair: all attributes" "$(spec_keys pair-get)" \
		"$(json_keys .x pair show)"
	for object in dev rule link flow pair queue stats; do
		check_json "$object: an array" 'type == "array"' \
			ankus -n "$ns" -j $object show
		check_json "$object: the same when pretty" 'type == "array"' \
			ankus -n "$ns" -j -p -s -d $object show
	done
	check_is "pretty is indented" '    {' \
		"$(ankus -n "$ns" -jp dev show | sed -n 2p)"
	check_is "a path for -n" "$(ankus -n "$ns" -j rule show)" \
		"$(ankus -n "/run/netns/$ns" -j rule show)"
	check_is "-n and ip netns exec" "$(ankus -n "$ns" -j rule show)" \
		"$(ip netns exec "$ns" "$ANKUS" -j rule show)"
	check_json "another namespace has another state" '. == []' \
		ankus -n "$peer" -j dev show
}

test_dev() {
	check "dev add" ankus -n "$ns" dev add v0 rate 100kbit hold 0ms release 61500ms \
		tick 50ms flows 256 rx-queues 0-1,3 backend none low-entropy 1.5
	check_fail "twice" 2 'ankus: ' ankus -n "$ns" dev add v0
	check_json "as it was told" '.[0] | .ifname == "v0" and .mode == "observe" and
		.rate_bps == 100000 and .hold_ms == 0 and .release_ms == 61500 and
		.tick_ms == 50 and .flow_max == 256 and .backend == "none" and
		.low_entropy_permille == 1500 and .rx_queues == [{first: 0, last: 1}, {first: 3, last: 3}] and
		.tx_queues == [] and .num_tx_queues == 4' \
		ankus -n "$ns" -j dev show v0
	check_is "and in text" \
		"v0: mode observe rate 100Kbit hold 0ms release 61500ms tick 50ms flows 256 sketch 256k" \
		"$(ankus -n "$ns" dev show v0 | head -n 1)"
	check_fail "queues in text" 0 'rx-queues 0-1,3 tx-queues all rx-cpus all backend none ntuple off rx-dedicated off links auto low-entropy 1\.5$' \
		ankus -n "$ns" dev show
	check "dev set of CPUs" ankus -n "$ns" dev set v0 rx-cpus 0
	check_json "which are told" '.[0].rx_cpus == [{first: 0, last: 0}] and
		.[0].cpu_reason == "backend none"' ankus -n "$ns" -j dev show v0
	check_fail "also in text" 0 ' rx-cpus 0 ' ankus -n "$ns" dev show v0
	check "dev set" ankus -n "$ns" dev set v0 rx-queues all tx-queues 2-3 \
		rx-cpus all
	check_json "one word changes, the others stay" '.[0] | .rx_queues == [] and
		.tx_queues == [{first: 2, last: 3}] and .rate_bps == 100000' \
		ankus -n "$ns" -j dev show
	check "low-entropy can be turned off" ankus -n "$ns" dev set v0 low-entropy off
	check_fail "which is shown" 0 'low-entropy off$' ankus -n "$ns" dev show v0
	check "dev add of a bond" ankus -n "$ns" dev add bond0
	check_json "two devices" 'map(.ifname) | sort == ["bond0", "v0"]' \
		ankus -n "$ns" -j dev show
}

test_links() {
	check_until "links of the bond are found" 10 link_names '["p0","p1"]'
	check "link set" ankus -n "$ns" link set p0 capacity 2.5gbit
	check_json "has the capacity" '.[0] | .capacity_bps == 2500000000 and
		.speed_bps == 2500000000 and .auto and .upper_ifname == "bond0"' \
		ankus -n "$ns" -j link show p0
	check_fail "in text" 0 '^p0 +p0 +bond0 +auto +[a-z]+ +2\.5Gbit +[0-9.]+K?bit +0\.0%' \
		ankus -n "$ns" link show p0
	check_fail "details tell of the configuration" 0 'configured capacity 2.5Gbit' \
		ankus -n "$ns" -d link show
	check "link set to auto" ankus -n "$ns" link set p0 capacity auto
	check_json "is taken back" '.[0].capacity_bps == 0' ankus -n "$ns" -j link show p0
	check "link add by hand" ankus -n "$ns" link add uplink dev p1 bond bond0
	check_json "has its name" '.[0] | .ifname == "p1" and (.auto | not)' \
		ankus -n "$ns" -j link show uplink
	check "link del" ankus -n "$ns" link del uplink
	check_fail "a found one stays" 2 'found' ankus -n "$ns" link del p0
}

link_names() {
	[ "$(ankus -n "$ns" -j link show | jq -c 'map(.name) | sort')" = "$1" ]
}

listening() {
	in_peer ss -Hltn 'sport = 5201' | grep -q 5201
}

# flows FILTER WORDS...
flows() {
	local filter=$1
	shift
	ankus -n "$ns" -j flow show "$@" | jq -e "$filter" >/dev/null
}

# The largest flow that is sent is $id from here on.
test_flows() {
	in_peer iperf3 -s >/dev/null 2>&1 &
	wait_until 20 listening
	in_ns iperf3 -c 10.9.0.2 -u --bidir -b 2M -l 1000 -t 600 >/dev/null 2>&1 &
	check_until "an elephant" 30 flows \
		'any(.proto == 17 and .dport == 5201)' state elephant dir out
	id=$(ankus -n "$ns" -j flow show dir out |
		jq 'map(select(.proto == 17 and .dport == 5201)) | max_by(.bytes).id')

	check_json "by its id" "length == 1 and .[0].id == $id and
		.[0].src == \"10.9.0.1\" and .[0].family == \"inet\" and
		.[0].state == \"elephant\" and .[0].bytes > 0" \
		ankus -n "$ns" -j flow show "$id"
	check_fail "in text" 0 \
		"^ *$id +v0 +out +elephant +[0-9.]+[KM]bit +udp 10\\.9\\.0\\.1:[0-9]+ > 10\\.9\\.0\\.2:5201 " \
		ankus -n "$ns" flow show "$id"
	check_fail "with counters" 0 '^ +bytes [0-9]+ packets [0-9]+ age [0-9]' \
		ankus -n "$ns" -s flow show "$id"
	check_fail "with details" 0 '^ +dscp cs0 mark 0x0 pin-mode auto' \
		ankus -n "$ns" -d flow show "$id"
	check "no line is wider than a terminal" \
		bash -c '! "$0" -n "$1" -s -d flow show state elephant | grep -E ".{121}"' \
		"$ANKUS" "$ns"

	check_json "filter: direction" 'length > 0 and all(.dir == "in")' \
		ankus -n "$ns" -j flow show dir in
	check_json "filter: rate" '. == []' ankus -n "$ns" -j flow show rate 1tbit
	check_json "filter: device" '. == []' ankus -n "$ns" -j flow show dev bond0
	check_fail "filter: no such device" 2 'no such device' \
		ankus -n "$ns" flow show dev nosuch
	check_json "sorted by id" 'length > 1 and . == sort_by(.id)' \
		ankus -n "$ns" -j flow show sort id
	check_json "sorted by bytes" 'map(.bytes) as $b | $b == ($b | sort | reverse)' \
		ankus -n "$ns" -j flow show sort bytes
	check_json "sorted by rate" 'map(.rate_bps) as $r | $r == ($r | sort | reverse)' \
		ankus -n "$ns" -j flow show
	check_json "limited" 'length == 1' ankus -n "$ns" -j flow show limit 1
	check_json "limited by the kernel" 'length == 1' \
		ankus -n "$ns" -j flow show sort none limit 1
	check_json "of one direction" 'length > 0 and all(.dir == "out")' \
		ankus -n "$ns" -j flow show dir out
	check_json "of the other" 'all(.dir == "in")' \
		ankus -n "$ns" -j flow show dir in sort none
	check_json "limited to nothing" '. == []' ankus -n "$ns" -j flow show limit 0

	check "mode steer" ankus -n "$ns" dev set v0 mode steer tx-queues all
	check "pin by hand" ankus -n "$ns" flow pin "$id" queue 2
	check_until "is in force" 10 flows \
		'.[0] | .pin_mode == "manual" and .tx_queue.current == 2 and
		 .tx_queue.state != "wanted"' "$id"
	check_fail "in text" 0 "txq 2 (installed|verified), by hand\$" \
		ankus -n "$ns" flow show "$id"
	check_fail "its details" 0 '^ +txq target 2 current 2 ' \
		ankus -n "$ns" -d flow show "$id"
	check_fail "a queue that is not there" 2 'pin-queue' \
		ankus -n "$ns" flow pin "$id" queue 900
	check_fail "a link that is not there" 2 'pin-link' \
		ankus -n "$ns" flow pin "$id" link nosuch
	check "unpin" ankus -n "$ns" flow unpin "$id"
	check_until "is not pinned" 10 flows \
		'.[0] | .pin_mode == "off" and .tx_queue.current == null' "$id"
	check_fail "in text" 0 'unpinned by hand$' ankus -n "$ns" flow show "$id"
	check "back to the control loop" ankus -n "$ns" flow pin "$id" auto
	check_until "is pinned again" 10 flows \
		'.[0] | .pin_mode == "auto" and .tx_queue.current != null' "$id"
}

# The pair of that flow
test_pairs() {
	local pair

	pair=$(ankus -n "$ns" -j flow show "$id" | jq '.[0].pair')
	check_json "a flow tells of its pair" ".[0] | .pair == $pair and
		(.grouped | not)" ankus -n "$ns" -j flow show "$id"
	check_fail "in its details as well" 0 "^ +dscp cs0 mark 0x0 pin-mode auto pair $pair\$" \
		ankus -n "$ns" -d flow show "$id"
	check_json "a pair by its id" "length == 1 and (.[0] | .id == $pair and
		.ifname == \"v0\" and .dir == \"out\" and .family == \"inet\" and
		.src == \"10.9.0.1\" and .dst == \"10.9.0.2\" and
		.state == \"elephant\" and .grouped == false and .flows >= 1 and
		.elephants >= 1 and .bytes > 0 and .small_permille < 1000)" \
		ankus -n "$ns" -j pair show "$pair"
	check_fail "in text" 0 \
		"^ *$pair +v0 +out +elephant +[0-9.]+[KM]bit +[0-9.]+[KM]?bit +[0-9]+ +[0-9]+ +10\\.9\\.0\\.1 > 10\\.9\\.0\\.2\$" \
		ankus -n "$ns" pair show "$pair"
	check_fail "with counters" 0 '^ +bytes [0-9]+ age [0-9.]+.* idle [0-9]' \
		ankus -n "$ns" -s pair show "$pair"
	check_fail "with details" 0 '^ +small flows / threshold [0-9.]+$' \
		ankus -n "$ns" -d pair show "$pair"

	check_json "pairs by direction" 'length > 0 and all(.dir == "in")' \
		ankus -n "$ns" -j pair show dir in
	check_json "by state" 'length == 2 and all(.state == "elephant")' \
		ankus -n "$ns" -j pair show state elephant
	check_json "by rate" '. == []' ankus -n "$ns" -j pair show rate 1tbit
	check_json "by device" '. == []' ankus -n "$ns" -j pair show dev bond0
	check_fail "by no such device" 2 'no such device' \
		ankus -n "$ns" pair show dev nosuch
	check_json "sorted by id" 'length > 1 and . == sort_by(.id)' \
		ankus -n "$ns" -j pair show sort id
	check_json "sorted by rate" 'map(.rate_bps) as $r | $r == ($r | sort | reverse)' \
		ankus -n "$ns" -j pair show
	check_json "sorted by flows" 'map(.flows) as $f | $f == ($f | sort | reverse)' \
		ankus -n "$ns" -j pair show sort flows
	check_json "limited" 'length == 1' ankus -n "$ns" -j pair show limit 1
	check_json "limited by the kernel" 'length == 1' \
		ankus -n "$ns" -j pair show sort none limit 1
	check_json "limited to nothing" '. == []' ankus -n "$ns" -j pair show limit 0
	check_is "in a batch" "$pair $pair" "$(printf 'pair show %s\n' "$pair" "$pair" |
		ankus -n "$ns" -j -b - | jq '.[0].id' | paste -sd' ')"
	check_json "their number is in the counters" '.[0] | .pairs >= 2 and
		.memory_pairs > 0 and .memory_pairs % .pairs == 0 and
		.pairs_grouped == 0 and .out_effective_millipairs >= 1000' \
		ankus -n "$ns" -j stats show dev v0
}

test_stats() {
	check_json "of one device" 'length == 1 and .[0].ifname == "v0" and
		.[0].tx_bytes > 0 and .[0].elephants_seen > 0' \
		ankus -n "$ns" -j stats show dev v0
	check_json "of all" 'length == 2' ankus -n "$ns" -j stats
	check_fail "of none" 2 'no such device' ankus -n "$ns" stats dev nosuch
	check_json "of each CPU, together those of the device" '
		(map(.rx_packets) | add) as $cpus | length > 0 and
		all(.ifname == "v0" and .sketch_used <= .sketch_counters) and
		$cpus > 0' ankus -n "$ns" -j stats cpus dev v0
	check_fail "of the CPUs of none" 2 'no such device' \
		ankus -n "$ns" stats cpus dev nosuch
	check_fail "in text" 0 '^v0 +0 .* of [0-9]+ +0 +0$' ankus -n "$ns" stats cpus
	check_is "the same names in text" \
		"$(ankus -n "$ns" -j stats show dev v0 |
			jq -r '.[0] | del(.ifindex, .ifname) | keys[]')" \
		"$(ankus -n "$ns" stats show dev v0 |
			awk 'NR > 1 { gsub("-", "_", $1); print $1 }' |
			LC_ALL=C sort)"
}

test_queues() {
	check_json "of one device" 'length == 8 and all(.ifname == "v0")' \
		ankus -n "$ns" -j queue show dev v0
	check_json "of one direction" 'map([.dir, .queue]) ==
		[["out", 0], ["out", 1], ["out", 2], ["out", 3]]' \
		ankus -n "$ns" -j queue show dev v0 dir out
	check_json "of all" 'map(.ifname) | unique == ["bond0", "v0"]' \
		ankus -n "$ns" -j queue
	check_fail "of none" 2 'no such device' ankus -n "$ns" queue show dev nosuch
	check "open queues are set" ankus -n "$ns" dev set v0 tx-queues 2-3
	check_json "and shown" 'map(.open) == [false, false, true, true]' \
		ankus -n "$ns" -j queue show dev v0 dir out
	check_fail "in text" 0 \
		'^v0 +out +3 +yes +[0-9.]+[KM]?bit +[0-9.]+%? +[0-9.]+[KM]?bit +[0-9]+$' \
		ankus -n "$ns" queue show dev v0
	ankus -n "$ns" dev set v0 tx-queues all
	check_until "the balance is in a line above" 10 queue_balance
}

queue_balance() {
	ankus -n "$ns" queue show dev v0 dir out | sed -n 2p |
		grep -qE '^ +v0 out: imbalance [0-9.]+, to expect of hashing [0-9.]+$'
}

# batch STATUS REGEX [OPTIONS...]: of standard input
batch() {
	local desc=$1 status=$2 regex=$3
	shift 3
	check_fail "batch: $desc" "$status" "$regex" ankus -n "$ns" "$@" -b -
}

prefs() {
	check_is "batch: $1" "$2" "$(ankus -n "$ns" -j rule show | jq -c 'map(.pref)')"
	ankus -n "$ns" rule flush
}

test_batch() {
	check "batch: comments, quotes, continued lines" ankus -n "$ns" -b - <<-'END'
		# nothing but a comment

		rule add pref 1 action auto	# and one behind
		rule "add" pref '2' \
			action \
			auto
		  rule add pref 3 action links "p0,p1"
	END
	prefs "all of it is there" '[1,2,3]'

	batch "the first error ends it" 2 '^ankus: stdin:2: .*exists' <<-'END'
		rule add pref 1 action auto
		rule add pref 1 action auto
		rule add pref 2 action auto
	END
	prefs "what came before stays" '[1]'

	batch "nonsense ends it as well" 1 '^ankus: stdin:3: .*"autp"' <<-'END'
		rule add pref 1 \
			action auto
		rule add pref 2 action autp
		rule add pref 3 action auto
	END
	prefs "nothing of the line was applied" '[1]'

	batch "-force goes on" 2 'stdin:1: .*"frob"' -force <<-'END'
		frob
		rule del pref 99
		rule add pref 3 action auto
		rule
	END
	prefs "to the end" '[3]'

	batch "a quote that is not closed" 1 'stdin:1: .*quote' <<<'rule add pref "1 action auto'
	printf 'rule add pref 1 action auto\0x\n' >"$tmp/zero"
	check_fail "batch: a zero byte" 1 'zero:1: .*zero' ankus -n "$ns" -b "$tmp/zero"
	printf 'rule add pref 5 action auto' >"$tmp/open"
	check "batch: no newline at the end" ankus -n "$ns" -b "$tmp/open"
	prefs "its last line counts" '[5]'
	check_is "batch: JSON of each command" $'[]\n[]' \
		"$(printf 'rule show\nrule\n' | ankus -n "$ns" -j -b -)"
	check_fail "batch: a folder" 2 'cannot read' ankus -n "$ns" -b /
}

# Rules that change while they are listed: complete, or with a warning.
test_interrupted() {
	local i rules churn links

	# 300 long rules take several messages.
	links=$(seq -s, -f 'a-long-name-%02g' 16)
	seq 300 | sed "s/.*/rule add pref & proto tcp action links $links/" |
		ankus -n "$ns" -b -
	for i in $(seq 5000); do
		echo "rule add pref 5001 action auto"
		echo "rule del pref 5001"
	done >"$tmp/churn"
	"$ANKUS" -n "$ns" -b "$tmp/churn" &
	churn=$!
	for i in 1 2 3 4 5 6; do
		rules=$(ankus -n "$ns" -j rule show 2>"$tmp/warning" |
			jq '[.[].pref | select(. <= 300)] | unique | length')
		if [ -s "$tmp/warning" ]; then
			check_fail "list $i was interrupted and says so" 0 \
				'^ankus: warning: .*changed' cat "$tmp/warning"
		else
			check_is "list $i is complete" 300 "$rules"
		fi
	done
	kill "$churn" 2>/dev/null
	wait "$churn" 2>/dev/null
	check_json "in quiet each rule is listed once" \
		'map(.pref) | . == unique and (map(select(. <= 300)) | length == 300)' \
		ankus -n "$ns" -j rule show
	ankus -n "$ns" rule flush
}

# monitor NAME WORDS...: in the background, its output in $tmp/NAME
monitor() {
	local name=$1
	shift
	"$ANKUS" -n "$ns" "$@" >"$tmp/$name" 2>"$tmp/$name.err" &
	monitor=$!
	defer stop_monitor "$monitor"
	# It listens as soon as it shows what happens.
	wait_until 20 touch_rule "$tmp/$name"
}

touch_rule() {
	ankus -n "$ns" rule add pref 9 action auto
	ankus -n "$ns" rule del pref 9
	[ -s "$1" ]
}

stop_monitor() {
	kill -9 "$1" 2>/dev/null
	true
}

# stop_cleanly DESC SIGNAL
stop_cleanly() {
	local rc

	kill "-$2" "$monitor"
	wait "$monitor"
	rc=$?
	check_is "$1" 0 $rc
}

# events NAME FILTER: of the JSON in $tmp/NAME, as one array
events() {
	jq -s -e "$2" "$tmp/$1"
}

# What comes before all that had room has been read is lost as well.
goes_on() {
	ankus -n "$ns" rule add pref 79 action auto
	ankus -n "$ns" rule del pref 79
	events lost 'any(.pref == 79)'
}

test_monitor() {
	monitor all -j monitor
	ankus -n "$ns" rule add pref 77 action auto
	ankus -n "$ns" rule del pref 77
	ankus -n "$ns" dev set v0 tick 60ms
	ankus -n "$ns" link set p0 capacity 1gbit
	ankus -n "$ns" link set p0 capacity auto
	check_until "events of all kinds" 10 events all '
		any(.event == "rule-add" and .pref == 77) and
		any(.event == "rule-del" and .pref == 77) and
		any(.event == "dev-set" and .ifname == "v0") and
		any(.event == "link-set" and .name == "p0")'
	check "in their order" events all 'map(select(.pref == 77).event) ==
		["rule-add", "rule-del"]'
	stop_cleanly "ends cleanly when interrupted" INT
	check_is "one object a line" "$(wc -l <"$tmp/all")" "$(jq -c . "$tmp/all" | wc -l)"
	check_is "no message" "" "$(cat "$tmp/all.err")"

	monitor text -t monitor rule
	ankus -n "$ns" rule add pref 78 action auto
	ankus -n "$ns" dev set v0 tick 50ms
	ankus -n "$ns" rule del pref 78
	check_until "text with the time" 10 grep -qE \
		'^\[20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}\] rule-del pref 78$' \
		"$tmp/text"
	check_not "what was not asked for is not shown" grep -q dev- "$tmp/text"
	stop_cleanly "ends cleanly when terminated" TERM

	# While it sleeps its buffer overflows.
	monitor lost -j -t monitor
	kill -STOP "$monitor"
	for i in $(seq 2000); do
		echo "rule add pref 9 action auto"
		echo "rule del pref 9"
	done | ankus -n "$ns" -b -
	kill -CONT "$monitor"
	check_until "lost events are told" 30 events lost 'any(.event == "lost")'
	check_until "and it goes on" 10 goes_on
	check_fail "a message tells as well" 0 '^ankus: warning: events were lost' \
		cat "$tmp/lost.err"
	check "all have a time" events lost 'all(.timestamp)'
	stop_cleanly "ends cleanly after that" INT

	{
		"$ANKUS" -n "$ns" monitor rule
		touch "$tmp/ended"
	} | head -n 1 >"$tmp/reader" &
	wait_until 20 touch_rule "$tmp/reader"
	check_until "ends with its reader" 20 test -e "$tmp/ended"
	ankus -n "$ns" rule flush

	# Flow events come from the traffic: a new threshold makes elephants anew.
	monitor flows -j monitor
	ankus -n "$ns" dev set v0 rate 100gbit release 500ms
	check_until "a release" 30 events flows \
		"any(.event == \"flow-release\" and .id == $id)"
	ankus -n "$ns" dev set v0 rate 100kbit
	check_until "a flow in an event is complete" 30 events flows "
		any(.event == \"flow-elephant\" and .id == $id and .dport == 5201 and
			.state == \"elephant\" and .ifname == \"v0\")"
	check_until "a pin's event tells which" 30 events flows "
		map(select(.event == \"flow-pin\" and .id == $id)) |
		any(.pin_kind == \"tx_queue\" and .[.pin_kind].current != null)"
	stop_cleanly "ends cleanly again" INT
}

# streams FILE: eight small ones to the other side, until FILE is there
streams() {
	in_ns python3 - "$1" <<-'END'
		import os, socket, sys, time
		socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(8)]
		while not os.path.exists(sys.argv[1]):
		    for sock in socks:
		        try:
		            sock.sendto(b"x" * 1000, ("10.9.0.2", 9))
		        except OSError:
		            pass    # nobody takes them
		    time.sleep(0.02)
	END
}

# Together an elephant, of which the tool tells
test_pair_events() {
	local pair streams words

	# the rate that makes none an elephant has come to all
	check_until "no pair is grouped before" 30 eval \
		'ankus -n "$ns" -j stats show dev v0 | jq -e ".[0].pairs_grouped == 0"'
	monitor words monitor pair rule
	words=$monitor
	monitor pairs -j monitor pair rule
	# it lasts while the streams of a slow machine pause
	ankus -n "$ns" dev set v0 rate 600kbit release 30s
	streams "$tmp/enough" &
	streams=$!
	check_until "an event of a pair" 30 events pairs 'any(.event == "pair-elephant" and
		.ifname == "v0" and .dir == "out" and .dst == "10.9.0.2" and .grouped and
		.state == "elephant" and .small_bps > 0)'
	pair=$(events pairs 'map(select(.event == "pair-elephant"))[0].id')
	check_until "the pair is shown as such" 10 eval \
		'ankus -n "$ns" pair show "$pair" | grep -qE "^ *$pair +v0 +out +grouped "'
	check_until "its flows tell of it" 10 eval \
		'ankus -n "$ns" -d flow show | grep -qE " pair $pair grouped$"'
	check_json "and so do the counters" '.[0].pairs_grouped == 1' \
		ankus -n "$ns" -j stats show dev v0
	ankus -n "$ns" dev set v0 release 500ms
	touch "$tmp/enough"
	wait "$streams"
	check_until "an event when it is over" 30 events pairs \
		"any(.event == \"pair-release\" and .id == $pair)"
	stop_cleanly "the monitor of pairs ends cleanly" INT
	check "it shows nothing else" events pairs 'all(.event | test("^(pair|rule)-"))'
	check_until "the same in words" 10 grep -qE \
		"^pair-release $pair v0 out 10\.9\.0\.1 > 10\.9\.0\.2 rate [0-9.]+[KM]?bit small [0-9.]+[KM]?bit flows [0-9]+ elephants [0-9]+\$" \
		"$tmp/words"
	monitor=$words
	stop_cleanly "so does this one" INT
}

in_peer() {
	nsenter --net="/run/netns/$peer" "$@"
}

test_hostile() {
	# Whatever the words, the tool says something and ends by itself.
	local chars=$'%n%s"\'\\ /-,.:0x9\t\377\001\033[m#'
	local i word rc=0

	RANDOM=4711
	for i in $(seq 300); do
		word=
		while [ $((RANDOM % 6)) -ne 0 ]; do
			word+=${chars:RANDOM % ${#chars}:1}
		done
		printf 'rule add pref %s src %s sport %s action links %s frob\n' \
			"$word" "$RANDOM/$word" "$word-$RANDOM" "$word,$word"
		printf 'dev add %s rate %sgbit rx-queues %s-%s frob\n' \
			"$word" "$word" "$word" "$word"
	done >"$tmp/hostile"
	ankus -n "$ns" -force -b "$tmp/hostile" 2>"$tmp/hostile.err"
	rc=$?
	check "hostile words end with a status of the tool" test $rc -ge 1 -a $rc -le 2
	check_is "and a message each" 600 "$(grep -c '^ankus: ' "$tmp/hostile.err")"
	check_json "nothing of it was applied" '. == []' ankus -n "$ns" -j rule show
}

if [ ! -d /sys/module/ankus ]; then
	test_usage
	test_not_loaded
else
	skip "usage and the missing module" "the module is loaded"
fi
test_help

load_module ankus
load_module bonding
setup_ns ns peer
ip -n "$ns" link add v0 numtxqueues 4 numrxqueues 4 type veth \
	peer name v1 netns "$peer" numtxqueues 4 numrxqueues 4
ip -n "$ns" addr add 10.9.0.1/24 dev v0
ip -n "$peer" addr add 10.9.0.2/24 dev v1
ip -n "$ns" link set v0 up
ip -n "$peer" link set v1 up
ip -n "$ns" link add bond0 type bond mode balance-xor miimon 100
for port in p0 p1; do
	ip -n "$ns" link add $port type veth peer name $port netns "$peer"
	ip -n "$ns" link set $port master bond0
	ip -n "$peer" link set $port up
done
ip -n "$ns" link set bond0 up

test_refused
test_permission
test_rules
test_batch
test_hostile
test_dev
test_links
test_flows
test_pairs
test_json
test_stats
test_queues
test_monitor
test_pair_events
test_interrupted
check "dev del" ankus -n "$ns" dev del v0
check_json "is gone" 'map(.ifname) == ["bond0"]' ankus -n "$ns" -j dev show
finish
