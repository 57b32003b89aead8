#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The test NIC does what it says: other tests believe it.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# In a network namespace of its own, where both ends of the pair are that is
# looked at packet by packet.
[ -n "${SIMNIC_NS:-}" ] || SIMNIC_NS=1 exec unshare --net "$0" "$@"
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

traffic=$lib_dir/simnic/traffic.py
for tool in ethtool iperf3 python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
ms_key=6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb
ms_key+=:ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:be:ac:01:fa

# --- helpers ---------------------------------------------------------------

# Both ends of s0 are here, for single packets; those of t0 in $left and $right,
# for sockets.  Rules and tables are those of the receiving ends, s0p and t0p.
on_right() {
	nsenter --net="/run/netns/$right" "$@"
}

# One for all: starting it takes longer than anything it does.
start_traffic_py() {
	mkfifo "$lib_out/to" "$lib_out/from"
	python3 "$traffic" s0 s0p <"$lib_out/to" >"$lib_out/from" &
	traffic_py_pid=$!
	defer kill $traffic_py_pid
	exec {to}>"$lib_out/to" {from}<"$lib_out/from"
}

# ask REQUEST...: JSON objects without their braces
ask() {
	local request line
	printf '{%s}\n' "$@" >&"$to"
	for ((request = 1; request <= $#; request++)); do
		read -r -t 60 line <&"$from" || return 1
		echo "$line"
	done
}

# queue_of PACKET
queue_of() {
	local answer
	answer=$(ask "$1")
	answer=${answer#*'"queue": '}
	echo "${answer%%,*}"
}

# ethtool exits with 0 for some refusals, so what it says counts too.
rule() {
	if ethtool -N s0p "$@" >"$lib_out/rule" 2>&1 &&
		! grep -qiE 'cannot|error|invalid|not supported' "$lib_out/rule"; then
		return 0
	fi
	cat "$lib_out/rule"
	return 1
}

check_refused() {
	local desc=$1 regex=$2
	shift 2
	if rule "$@" >"$lib_out/refusal"; then
		not_ok "$desc" "was accepted: $*"
	elif ! grep -qiE "$regex" "$lib_out/refusal"; then
		not_ok "$desc" "not refused by '$regex'"
		lib_diag_file "$lib_out/refusal"
	else
		ok "$desc"
	fi
}

# How many rules ethtool lists, and where
rules() {
	ethtool -n s0p | sed -n 's/^Total \([0-9]*\) rules/\1/p'
}

locations() {
	ethtool -n s0p | sed -n 's/^Filter: //p' | sort -n | paste -sd' '
}

# One by one, as the switch of the feature is something else to test.
delete_all_rules() {
	local location
	for location in $(locations); do
		rule delete "$location" || return 1
	done
}

quirk() {
	ethtool --set-priv-flags s0p "$@"
}

# in_ns NETNS CMD...: an empty NETNS is here
in_ns() {
	if [ -n "$1" ]; then
		nsenter --net="/run/netns/$1" "${@:2}"
	else
		"${@:2}"
	fi
}

# counter NETNS DEVICE NAME
counter() {
	in_ns "$1" ethtool -S "$2" | awk -v n="$3:" '$1 == n { print $2 }'
}

knob() {
	echo "$2" >"/sys/kernel/debug/simnic/s0p/$1"
}

# link NETNS DEVICE FILTER
link() {
	ip ${1:+-n "$1"} -j -d -s link show dev "$2" | jq -r ".[0] | $3"
}

has_carrier() {
	[ "$(link "$1" "$2" '.flags | contains(["LOWER_UP"])')" = true ]
}

# --- the pair --------------------------------------------------------------

test_create() {
	check "a pair can be created" ip link add s0 type simnic
	check_is "with 8 queues" "8 8" \
		"$(link '' s0 '"\(.num_rx_queues) \(.num_tx_queues)"')"
	check_is "and its peer too" "8 8" \
		"$(link '' s0p '"\(.num_rx_queues) \(.num_tx_queues)"')"
	check "or with another number" ip link add s1 \
		numrxqueues 64 numtxqueues 3 type simnic
	check_is "of each" "64 3" \
		"$(link '' s1p '"\(.num_rx_queues) \(.num_tx_queues)"')"
	check_fail "but not more than 64" 2 'at most 64 queues' \
		ip link add s2 numrxqueues 65 type simnic
	check_fail "or none" 2 '' ip link add s2 numrxqueues 0 type simnic
	check_fail "and names have room for the peer's" 2 "peer's name" \
		ip link add s23456789012345 type simnic
	ip link add sp type dummy
	check_fail "and the peer's name is free" 2 'exists' \
		ip link add s type simnic
	ip link del sp
	check_is "nothing is left of those" "s0 s0p s1 s1p" \
		"$(ip -j link show | jq -r '[.[].ifname] - ["lo"] |
			sort | join(" ")')"
	check "deleting the peer" ip link del s1p
	check_fail "deletes both" 1 'does not exist' \
		ip link show dev s1

	check "there is a link" ip link set s0 up
	check "when both" ip link set s0p up
	check_until "are up" 20 has_carrier '' s0
	ip link set s0 down
	check_not "and not when one is down" has_carrier '' s0p
	ip link set s0 up
	check_until "and again then" 20 has_carrier '' s0p
}

# --- ethtool ---------------------------------------------------------------

test_ethtool() {
	check_fail "ethtool -i" 0 '^driver: simnic$' ethtool -i s0
	check_fail "ethtool -l" 0 '^Combined:.*8$' ethtool -l s0
	check_fail "ethtool -g" 0 '^RX:.*1024$' ethtool -g s0
	check_fail "ethtool -x" 0 'with 8 RX ring' ethtool -x s0
	check_fail "ethtool -n" 0 '^Total 0 rules' ethtool -n s0
	check_fail "ethtool -k: ntuple is off" 0 '^ntuple-filters: off$' \
		ethtool -k s0
	check_fail "ethtool -S" 0 '^ +tx_queue_7_bytes: [0-9]+$' ethtool -S s0
	check_fail "ethtool --show-priv-flags" 0 '^no-steer +: off$' \
		ethtool --show-priv-flags s0
	check_fail "the link's speed" 0 'Speed: 100000Mb/s' ethtool s0
	check "can be set" ethtool -s s0 speed 25000 duplex full
	check_fail "and is that then" 0 'Speed: 25000Mb/s' ethtool s0

	check "ethtool -L" ethtool -L s0p combined 4
	check_fail "changes the number of queues" 0 'with 4 RX ring' \
		ethtool -x s0p
	check_is "and the table" "0 1 2 3" "$(ethtool -x s0p |
		awk '$1 == "0:" { print $2, $3, $4, $5 }')"
	check_is "which packets follow" "[0,1,2,3]" "$(spread | jq -c 'keys |
		map(tonumber)')"
	check_not "at most as many as there are" ethtool -L s0p combined 9
	check_not "and not none" ethtool -L s0p combined 0
	check "and back" ethtool -L s0p combined 8
	check_is "they are all used again" 8 "$(spread | jq length)"
	check "a table that the user set" ethtool -X s0p equal 2
	check "stays" ethtool -L s0p combined 4
	check_is "as it is" '["0","1"]' "$(spread | jq -c keys)"
	ethtool -L s0p combined 8
	check "until the default is asked for" ethtool -X s0p default
	check_is "again" 8 "$(spread | jq length)"

	check "ethtool -G" ethtool -G s0p rx 512
	check_fail "changes the ring" 0 '^RX:.*512$' ethtool -g s0p
	check_not "up to a limit" ethtool -G s0p rx 8193
	check_is "that was a reset" 1 "$(counter '' s0p resets)"
	check "ethtool --reset is one" ethtool --reset s0p all
	check "and debugfs has one" knob reset 1
	check_is "all are counted" 3 "$(counter '' s0p resets)"
	check_is "and packets still arrive" 8 "$(spread | jq length)"
}

# --- RSS -------------------------------------------------------------------

# The queues of 256 UDP flows: {"QUEUE": flows, ...}
spread() {
	local i packets=()
	for ((i = 0; i < 256; i++)); do
		packets+=('"family":4,"src":"10.0.0.1","dst":"10.0.0.2","dport":9,'"\"sport\":$((20000 + i * 7))")
	done
	ask "${packets[@]}" | jq -sc 'group_by(.queue) |
		map({ key: (.[0].queue | tostring), value: length }) | from_entries'
}

# vector FAMILY DST DPORT SRC SPORT HASH-OF-ADDRESSES HASH-WITH-PORTS, as in
# "Verifying the RSS hash calculation" of the Windows driver documentation;
# the table has 128 entries, and queue = index % 8
vector() {
	local packet proto hash queue wanted got

	for proto in tcp udp icmp; do
		hash=$7
		[ $proto != icmp ] || hash=$6
		queue=$((hash % 128 % 8))
		packet="\"family\":$1,\"dst\":\"$2\",\"dport\":$3,\"src\":\"$4\","
		packet+="\"sport\":$5,\"proto\":\"$proto\""
		wanted="$queue $hash"
		got=$(ask "$packet" | jq -r '"\(.queue) \(.hash)"')
		check_is "hash of $4 $5 to $2 $3 $proto" "$wanted" "$got"
	done
}

test_rss() {
	local got

	check "the key can be set" ethtool -X s0p hkey $ms_key
	check_fail "and is that then" 0 "^$ms_key" ethtool -x s0p

	vector 4 161.142.100.80 1766 66.9.149.187 2794 0x323e8fc2 0x51ccc178
	vector 4 65.69.140.83 4739 199.92.111.2 14230 0xd718262a 0xc626b0ea
	vector 4 12.22.207.184 38024 24.19.198.95 12898 0xd2d0a5de 0x5c2b394a
	vector 4 209.142.163.6 2217 38.27.205.30 48228 0x82989176 0xafc7327f
	vector 4 202.188.127.2 1303 153.39.163.191 44251 0x5d1809c5 0x10e828a2
	vector 6 3ffe:2501:200:3::1 1766 3ffe:2501:200:1fff::7 2794 \
		0x2cc18cd5 0x40207d3d
	vector 6 ff02::1 4739 3ffe:501:8::260:97ff:fe40:efab 14230 \
		0x0f0c461c 0xdde51bbf
	vector 6 fe80::200:f8ff:fe21:67cf 38024 \
		3ffe:1900:4545:3:200:f8ff:fe21:67cf 44251 0x4b61e985 0x02d1feef

	got='"family":4,"dst":"161.142.100.80","dport":1766,"src":"66.9.149.187"'
	got+=',"sport":2794,"proto":"tcp"'
	check_is "a fragment is hashed by its addresses" 0x323e8fc2 \
		"$(ask "$got,\"frag\":0" | jq -r .hash)"
	check_is "and so are later ones" 0x323e8fc2 \
		"$(ask "$got,\"frag\":64" | jq -r .hash)"
	check_is "a VLAN tag does not matter" 0x51ccc178 \
		"$(ask "$got,\"vlan\":5" | jq -r .hash)"
	check_is "nor do IP options" 0x51ccc178 \
		"$(ask "$got,\"options\":true" | jq -r .hash)"
	check "ports can be left out of the hash" \
		ethtool -N s0p rx-flow-hash tcp4 sd
	check_is "then addresses are it" 0x323e8fc2 "$(ask "$got" | jq -r .hash)"
	check "and be taken in again" ethtool -N s0p rx-flow-hash tcp4 sdfn
	check_is "with the ports" 0x51ccc178 "$(ask "$got" | jq -r .hash)"
	ethtool -K s0p rxhash off
	check_is "without receive hashing no hash, but the queue" "0 0x00000000" \
		"$(ask "$got" | jq -r '"\(.queue) \(.hash)"')"
	ethtool -K s0p rxhash on

	got='"family":6,"dst":"3ffe:2501:200:3::1","dport":1766,'
	got+='"src":"3ffe:2501:200:1fff::7","sport":2794,"proto":"udp"'
	check_is "extension headers do not matter" 0x40207d3d \
		"$(ask "$got,\"ext\":true" | jq -r .hash)"
	check_is "IPv6 fragments: addresses" 0x2cc18cd5 \
		"$(ask "$got,\"frag\":0" | jq -r .hash)"
	check_is "what is not IP goes to queue 0, without a hash" "0 0x00000000" \
		"$(ask '"ethertype":35000' | jq -r '"\(.queue) \(.hash)"')"

	check_is "256 flows use all queues, none more than twice its share" true \
		"$(spread | jq 'length == 8 and ([.[]] | max <= 64)')"
	ethtool -X s0p start 4 equal 2
	check_is "-X start 4 equal 2" '["4","5"]' "$(spread | jq -c keys)"
	ethtool -X s0p weight 6 0 0 1 0 0 0 1
	check_is "-X weight 6 0 0 1 0 0 0 1" true "$(spread |
		jq 'keys == ["0","3","7"] and .["0"] > 2 * (.["3"] + .["7"])')"
	check_not "but no queue that is not there" ethtool -X s0p equal 9
	ethtool -X s0p default
}

# --- ntuple ----------------------------------------------------------------

# steers DESC PACKET-THAT-MATCHES PACKET-THAT-DOES-NOT RULE...: to queue 6
steers() {
	local desc=$1 match=$2 other=$3
	shift 3

	check_is "$desc: not yet" 0 "$(queue_of "$match")"
	check "$desc: rule" rule flow-type "$@" action 6
	check_is "$desc: directed" 6 "$(queue_of "$match")"
	check_is "$desc: another packet is not" 0 "$(queue_of "$other")"
	rule delete 0
	check_is "$desc: no longer" 0 "$(queue_of "$match")"
}

test_ntuple() {
	local v4='"family":4,"src":"10.1.2.3","dst":"10.4.5.6","sport":1000'
	local v6='"family":6,"src":"fd00::1:2","dst":"fd00::3:4","sport":1000'
	local full4='src-ip 10.1.2.3 dst-ip 10.4.5.6 src-port 1000 dst-port 2000'
	local full6='src-ip fd00::1:2 dst-ip fd00::3:4 src-port 1000 dst-port 2000'
	local proto

	# All else goes to queue 0.
	ethtool -X s0p equal 1

	check_refused "no rules while the feature is off" 'not supported' \
		flow-type tcp4 dst-port 1 action 1
	check "turn it on" ethtool -K s0p ntuple on

	for proto in tcp udp sctp; do
		# shellcheck disable=SC2086 # words
		steers "${proto}4" "$v4,\"dport\":2000,\"proto\":\"$proto\"" \
			"$v4,\"dport\":2001,\"proto\":\"$proto\"" ${proto}4 $full4
		# shellcheck disable=SC2086 # words
		steers "${proto}6" "$v6,\"dport\":2000,\"proto\":\"$proto\"" \
			"$v6,\"dport\":2001,\"proto\":\"$proto\"" ${proto}6 $full6
	done
	# shellcheck disable=SC2086 # words
	steers "protocols are compared" "$v4,\"dport\":2000,\"proto\":\"tcp\"" \
		"$v4,\"dport\":2000,\"proto\":\"udp\"" tcp4 $full4
	# shellcheck disable=SC2086 # words
	steers "ports of fragments are not known" \
		"$v4,\"dport\":2000,\"proto\":\"udp\"" \
		"$v4,\"dport\":2000,\"proto\":\"udp\",\"frag\":0" udp4 $full4
	steers "ip4" "$v4,\"proto\":\"icmp\"" "$v4,\"proto\":\"udp\"" \
		ip4 src-ip 10.1.2.3 l4proto 1
	steers "ip4, first bytes of L4" "$v4,\"dport\":2000" "$v4,\"dport\":2001" \
		ip4 l4data 0x03e807d0
	steers "ip6" "$v6,\"proto\":\"icmp6\"" "$v6,\"proto\":\"udp\"" \
		ip6 dst-ip fd00::3:4 l4proto 58
	steers "TOS" "$v4,\"dport\":1,\"tos\":40" "$v4,\"dport\":1,\"tos\":32" \
		udp4 dst-port 1 tos 40
	steers "ether" '"ethertype":35063,"dmac":"020000000007"' \
		'"ethertype":35063,"dmac":"020000000002"' \
		ether dst 02:00:00:00:00:07 proto 0x88f7
	steers "ether, IP inside" "$v4,\"smac\":\"02:00:00:00:00:09\"" "$v4" \
		ether src 02:00:00:00:00:09

	steers "address mask" "$v4,\"dport\":7" \
		"${v4/10.1.2.3/10.1.3.3},\"dport\":7" \
		udp4 src-ip 10.1.2.0 m 0.0.0.255
	steers "port mask" "$v4,\"dport\":4098" "$v4,\"dport\":8194" \
		udp4 dst-port 0x1000 m 0x0fff
	steers "IPv6 address mask" "$v6,\"dport\":7" \
		"${v6/fd00::1:2/fd00::2:2},\"dport\":7" \
		udp6 src-ip fd00::1:0 m ::ffff

	check_refused "a queue that is not there" 'invalid' \
		flow-type tcp4 dst-port 1 action 8
	check_refused "a VLAN condition" 'not supported' \
		flow-type tcp4 dst-port 1 vlan 5 action 1
	check_refused "esp4" 'not supported' flow-type esp4 spi 1 action 1

	test_discard "$v4"
	test_locations "$v4"
	test_channels
	test_feature "$v4"
	ethtool -X s0p default
}

test_discard() {
	local before dropped
	before=$(counter '' s0p ntuple_drops)
	dropped=$(link '' s0p .stats64.rx.dropped)
	check "a rule can discard" rule flow-type udp4 dst-port 66 action -1
	check_is "what it matches" true "$(ask "$1,\"dport\":66" | jq .lost)"
	check_is "is counted" $((before + 1)) "$(counter '' s0p ntuple_drops)"
	check_is "as a drop" $((dropped + 1)) \
		"$(link '' s0p .stats64.rx.dropped)"
	delete_all_rules
}

test_locations() {
	local i

	check "a rule at location 9" rule flow-type udp4 dst-port 5 action 3 loc 9
	check "a wider one at location 4" rule flow-type udp4 action 4 loc 4
	check_is "the lower one wins" 4 "$(queue_of "$1,\"dport\":5")"
	check "one at any location" rule flow-type udp4 src-port 1000 action 5
	check_is "takes the lowest free one" "0 4 9" "$(locations)"
	check_is "and wins now" 5 "$(queue_of "$1,\"dport\":5")"
	check_refused "a location in use" 'busy' \
		flow-type udp4 dst-port 6 action 3 loc 9
	check_refused "the same match twice" 'exists' \
		flow-type udp4 dst-port 5 action 2 loc 10
	check_refused "a location beyond the table" 'invalid' \
		flow-type udp4 dst-port 6 action 3 loc 64
	check_refused "deleting what is not there" 'no such file' delete 11
	check "deleting what is" rule delete 4
	check_is "leaves the others" "0 9" "$(locations)"
	rule delete 0
	check_is "the higher one matches now" 3 "$(queue_of "$1,\"dport\":5")"
	delete_all_rules

	knob slots 4
	for i in 1 2 3 4; do
		rule flow-type tcp4 dst-port $i action 1 || break
	done
	check_is "a table of 4 takes 4 rules" 4 "$(rules)"
	check_refused "and no fifth" 'no space' flow-type tcp4 dst-port 5 action 1
	delete_all_rules
	knob slots 64
	check_is "every insert and delete is counted" \
		"$(counter '' s0p rules_inserted)" \
		"$(counter '' s0p rules_deleted)"
}

# Newer kernels refuse before they ask the driver, with an error of their own.
test_channels() {
	check "a rule to queue 7" rule flow-type tcp4 dst-port 7 action 7
	check_not "keeps queue 7" ethtool -L s0p combined 7
	check_fail "where it is" 0 'with 8 RX ring' ethtool -x s0p
	delete_all_rules
	check "until it is deleted" ethtool -L s0p combined 7
	ethtool -L s0p combined 8
	ethtool -X s0p equal 1
}

test_feature() {
	check "a rule" rule flow-type udp4 dst-port 5 action 3
	check "survives a reset" ethtool -G s0p rx 256
	check_is "and works" 3 "$(queue_of "$1,\"dport\":5")"
	ip link set s0p down
	ip link set s0p up
	wait_until 20 has_carrier '' s0
	check_is "and survives down and up" 3 "$(queue_of "$1,\"dport\":5")"
	ethtool -K s0p ntuple off
	check_is "but not the feature's end" "0 0" \
		"$(rules) $(queue_of "$1,\"dport\":5")"
	ethtool -K s0p ntuple on
	check_is "nor is it back with it" "0 0" \
		"$(rules) $(queue_of "$1,\"dport\":5")"
}

# --- quirks ----------------------------------------------------------------

test_quirks() {
	local v4='"family":4,"src":"10.1.2.3","dst":"10.4.5.6","sport":1000'
	local v6='"family":6,"src":"fd00::1","dst":"fd00::2","sport":1000'
	local before

	ethtool -X s0p equal 1
	v4+=',"dport":2000' v6+=',"dport":2000'
	rule flow-type udp4 dst-port 2000 action 6
	rule flow-type udp6 dst-port 2000 action 5

	quirk no-steer on
	check_is "no-steer: listed, not directing" "2 0 0" \
		"$(rules) $(queue_of "$v4") $(queue_of "$v6")"
	quirk no-steer off
	quirk no-steer-v6 on
	check_is "no-steer-v6: only IPv4 works" "2 6 0" \
		"$(rules) $(queue_of "$v4") $(queue_of "$v6")"
	quirk no-steer-v6 off
	check_is "both work without them" "6 5" \
		"$(queue_of "$v4") $(queue_of "$v6")"
	before=$(counter '' s0p rx_queue_6_packets)
	quirk no-rxq-record on
	check_is "no-rxq-record: the skb does not know" -1 "$(queue_of "$v4")"
	check_is "which queue it came from" $((before + 1)) \
		"$(counter '' s0p rx_queue_6_packets)"
	quirk no-rxq-record off

	quirk insert-eio on
	check_refused "insert-eio" 'input/output' flow-type tcp4 dst-port 1 action 1
	quirk insert-eio off
	quirk delete-eio on
	check_refused "delete-eio" 'input/output' delete 0
	quirk delete-eio off
	check_is "nothing changed" "0 1" "$(locations)"
	quirk table-full on
	check_refused "table-full" 'no space' flow-type tcp4 dst-port 1 action 1
	quirk table-full off
	quirk dup-rules on
	check "dup-rules" rule flow-type udp4 dst-port 2000 action 6
	quirk dup-rules off
	delete_all_rules

	quirk ignore-mask on
	rule flow-type udp4 src-ip 10.9.9.0 m 0.0.0.255 action 6
	check_is "ignore-mask: a /24 matches everything" 6 "$(queue_of "$v4")"
	delete_all_rules
	rule flow-type udp4 src-ip 10.9.9.0 action 6
	check_is "ignore-mask: but a full address does not" 0 "$(queue_of "$v4")"
	quirk ignore-mask off
	delete_all_rules

	quirk lose-on-reset on
	rule flow-type udp4 dst-port 2000 action 6
	ethtool -G s0p rx 300
	check_is "lose-on-reset: -G" 0 "$(rules)"
	rule flow-type udp4 dst-port 2000 action 6
	knob reset 1
	check_is "lose-on-reset: debugfs" "0 0" "$(rules) $(queue_of "$v4")"
	rule flow-type udp4 dst-port 2000 action 6
	ethtool -L s0p combined 7
	check_is "lose-on-reset: -L" 0 "$(rules)"
	ethtool -L s0p combined 8
	quirk lose-on-reset off
	quirk lose-on-down on
	rule flow-type udp4 dst-port 2000 action 6
	knob reset 1
	check_is "lose-on-down: not by a reset" 1 "$(rules)"
	ip link set s0p down
	check_is "lose-on-down: but then" 0 "$(rules)"
	ip link set s0p up
	quirk lose-on-down off

	quirk ntuple-off-accepts on
	ethtool -K s0p ntuple off
	check "ntuple-off-accepts" rule flow-type udp4 dst-port 2000 action 6
	wait_until 20 has_carrier '' s0
	check_is "ntuple-off-accepts: listed, not directing" "1 0" \
		"$(rules) $(queue_of "$v4")"
	ethtool -K s0p ntuple on
	check_is "ntuple-off-accepts: nor later" "1 0" \
		"$(rules) $(queue_of "$v4")"
	quirk ntuple-off-accepts off
	delete_all_rules

	test_quirks_location
	test_faults
	ethtool -X s0p default
}

# These are about what ethtool, the program, does with what it is told: without
# RX_CLS_LOC_SPECIAL it looks for a free slot itself, the last one first.
test_quirks_location() {
	quirk loc-any-refused on
	check "loc-any-refused: ethtool finds a slot" \
		rule flow-type tcp4 dst-port 1 action 1
	check_is "loc-any-refused: the last one" 63 "$(locations)"
	delete_all_rules
	quirk count-zero on
	check_not "count-zero: it finds none" \
		rule flow-type tcp4 dst-port 1 action 1
	check "count-zero: a given slot works" \
		rule flow-type tcp4 dst-port 1 action 1 loc 3
	delete_all_rules
	quirk count-zero off
	knob report_slots 8
	check "report_slots: the table looks smaller" \
		rule flow-type tcp4 dst-port 1 action 1
	check_is "report_slots: than it is" 7 "$(locations)"
	knob report_slots 4294967295
	delete_all_rules
	quirk loc-any-refused off

	quirk loc-any-only on
	check "loc-any-only: any" rule flow-type tcp4 dst-port 1 action 1
	check_refused "loc-any-only: explicit" 'invalid' \
		flow-type tcp4 dst-port 2 action 1 loc 5
	quirk loc-any-only off
	delete_all_rules
	# 2^31 is the flag that says that locations may be chosen for us, too.
	knob report_slots 2147483648
	check "report_slots: absurdly large" rule flow-type tcp4 dst-port 1 action 1
	delete_all_rules
	knob report_slots 4294967295
}

test_faults() {
	local begin
	knob fail_after 2
	knob insert_errno 12
	check "fail_after 2: the first" rule flow-type tcp4 dst-port 1 action 1
	check "fail_after 2: the second" rule flow-type tcp4 dst-port 2 action 1
	check_refused "fail_after 2: not the third" 'memory' \
		flow-type tcp4 dst-port 3 action 1
	knob insert_errno 0
	knob delete_errno 16
	check_refused "delete_errno" 'busy' delete 0
	knob delete_errno 0
	delete_all_rules
	knob insert_delay_us 300000
	begin=$(date +%s%N)
	check "insert_delay_us" rule flow-type tcp4 dst-port 1 action 1
	check_is "takes its time" true \
		"$([ $(($(date +%s%N) - begin)) -ge 300000000 ] && echo true)"
	knob insert_delay_us 0
	delete_all_rules
}

# --- sockets ---------------------------------------------------------------

# The queue of $right's end that most bytes came in on, since counters were
# kept in $1
busiest_queue() {
	on_right ethtool -S t0p | paste "$1" - |
		awk '/rx_queue_[0-9]+_bytes/ {
			n = $4 - $2
			if (n > max) { max = n; split($1, part, "_"); queue = part[3] }
		} END { print queue }'
}

# flow PROTO SRC SPORT DST DPORT: leaves queue, cpu, napi, received
flow() {
	local out
	on_right ethtool -S t0p >"$lib_out/before"
	out=$(ask "$(flow_request "$@")")
	queue=$(busiest_queue "$lib_out/before")
	cpu=$(jq .cpu <<<"$out")
	napi=$(jq .napi <<<"$out")
	received=$(jq .received <<<"$out")
	echo "$out"
	jq -e '.received > 0' <<<"$out" >/dev/null
}

flow_request() {
	local -a args=("$left" "$right" "$@")
	printf -v args '"%s",' "${args[@]}"
	echo "\"flow\":[${args%,}]"
}

# A queue's CPU is its number modulo the CPUs that are online.
test_sockets() {
	local cpus type proto src dst queue='' cpu='' napi='' received='' rss other
	cpus=$(nproc)

	on_right ethtool -K t0p ntuple on
	for type in tcp4 udp4 tcp6 udp6; do
		proto=${type%[46]}
		src=10.77.0.1 dst=10.77.0.2
		[ "$type" = "${proto}4" ] || src=fd77::1 dst=fd77::2
		check "$type: a flow" flow "$proto" $src 4001 $dst 4002
		rss=$queue
		check_is "$type: on its queue's CPU" $((rss % cpus)) "$cpu"
		other=$(((rss + 1) % 8))
		check "$type: a rule" on_right ethtool -N t0p flow-type "$type" \
			src-ip $src dst-ip $dst src-port 4001 dst-port 4002 \
			action $other loc 1
		check "$type: the flow again" flow "$proto" $src 4001 $dst 4002
		check_is "$type: follows the rule" "$other" "$queue"
		check_is "$type: to that queue's CPU" $((other % cpus)) "$cpu"
		check_is "$type: in whole" true \
			"$([ "$received" -ge 200000 ] && echo true)"
		on_right ethtool -N t0p delete 1
		check "$type: without the rule" flow "$proto" $src 4001 $dst 4002
		check_is "$type: it goes back" "$rss" "$queue"
	done
	test_napi_ids
	on_right ethtool -K t0p ntuple off
}

# The skb knows its NAPI whatever the driver forgot to record.
test_napi_ids() {
	local queue='' cpu='' napi='' received='' first

	on_right ethtool --set-priv-flags t0p no-rxq-record on
	flow udp 10.77.0.1 4001 10.77.0.2 4002
	first=$napi
	check_is "a NAPI id is seen" true "$([ "$napi" -gt 0 ] && echo true)"
	flow udp 10.77.0.1 4001 10.77.0.2 4002
	check_is "the same for the same queue" "$first" "$napi"
	on_right ethtool -N t0p flow-type udp4 dst-port 4002 \
		action $(((queue + 1) % 8)) loc 1
	flow udp 10.77.0.1 4001 10.77.0.2 4002
	check_is "another one for another" true \
		"$([ "$napi" -gt 0 ] && [ "$napi" -ne "$first" ] && echo true)"
	on_right ethtool -N t0p delete 1
	on_right ethtool --set-priv-flags t0p no-rxq-record off
}

# A new one: of a client that vanished with its device the old one waits to hear.
start_server() {
	stop_traffic
	wait_until 20 deaf || return
	ip netns exec "$right" iperf3 -s >/dev/null 2>&1 &
	iperf_pid=$!
	disown
	wait_until 60 listening
}

listening() {
	nsenter --net="/run/netns/$right" ss -Hltn 'sport = :5201' | grep -q .
}

deaf() {
	! listening
}

iperf() {
	ip netns exec "$left" iperf3 -c 10.77.0.2 -J "$@" >"$lib_out/iperf"
}

test_throughput() {
	local i
	start_server
	check "TCP" iperf -t 2 -P 4
	check_is "gets through" true \
		"$(jq '.end.sum_received.bytes > 1e5' "$lib_out/iperf")"
	check "and backwards" iperf -t 2 -R
	check_is "too" true "$(jq '.end.sum_received.bytes > 1e5' "$lib_out/iperf")"
	for i in "$left t0" "$right t0p"; do
		# shellcheck disable=SC2086 # two words
		ip netns exec ${i% *} ethtool -K ${i#* } tso off gso off gro off \
			tx off sg off rx off >/dev/null
	done
	check "without any offload" iperf -t 2
	check_is "also" true "$(jq '.end.sum_received.bytes > 1e5' "$lib_out/iperf")"
	# GRO takes packets apart which TCP keeps to send them again, if it is
	# given the same ones; a lossy receiver makes it send some again.
	on_right ethtool -K t0p rx on gro on >/dev/null
	on_right ethtool -G t0p rx 8
	check "single segments, GRO and loss" iperf -t 8 -P 4
	check_is "get through as well" true \
		"$(jq '.end.sum_received.bytes > 1e5' "$lib_out/iperf")"
	on_right ethtool -G t0p rx 1024
	for i in "$left t0" "$right t0p"; do
		# shellcheck disable=SC2086 # two words
		ip netns exec ${i% *} ethtool -K ${i#* } rx on tx on sg on tso on \
			gso on gro on >/dev/null
	done
}

# What one end sent, the other end received or dropped, by queue and in sum.
balanced() {
	local a="$1" ad="$2" b="$3" bd="$4" sent got sum

	sent=$(link "$a" "$ad" '.stats64.tx | "\(.packets) \(.bytes)"')
	got=$(link "$b" "$bd" '.stats64.rx | .packets + .dropped')
	echo "$ad sent $sent, $bd received or dropped $got"
	[ "${sent% *}" -eq "$got" ] || return 1
	sum=$(in_ns "$b" ethtool -S "$bd" | awk '
		/rx_queue_[0-9]+_packets/ { p += $2 }
		/rx_queue_[0-9]+_bytes/ { b += $2 }
		END { printf "%.0f %.0f", p, b }')
	echo "$bd received $sum by queue"
	[ "$sum" = "$(link "$b" "$bd" '.stats64.rx | "\(.packets) \(.bytes)"')" ] ||
		return 1
	sum=$(in_ns "$a" ethtool -S "$ad" | awk '
		/tx_queue_[0-9]+_packets/ { p += $2 }
		/tx_queue_[0-9]+_bytes/ { b += $2 }
		END { printf "%.0f %.0f", p, b }')
	echo "$ad sent $sum by queue"
	[ "$sum" = "$sent" ]
}

test_counters() {
	local received before

	check_until "every packet is accounted for" 30 balanced \
		"$left" t0 "$right" t0p
	check_until "in both directions" 30 balanced "$right" t0p "$left" t0

	# 40 segments at once, from the CPU of the queue: its ring of 8 cannot be
	# emptied before all of them were sent.
	on_right ethtool -G t0p rx 8
	on_right ethtool -X t0p equal 1
	ip netns exec "$left" ethtool -K t0 tx-udp-segmentation off
	before=$(counter "$right" t0p rx_queue_0_drops)
	taskset -cp 0 "$traffic_py_pid" >/dev/null
	received=$(ask "\"burst\":40,$(flow_request udp \
		10.77.0.1 4001 10.77.0.2 4002)" | jq .received)
	taskset -cp "0-$(($(nproc) - 1))" "$traffic_py_pid" >/dev/null
	check_is "a full ring drops the rest" "$((40 - received / 1000))" \
		"$(($(counter "$right" t0p rx_queue_0_drops) - before))"
	check_is "which is most of it" true \
		"$([ "$received" -ge 8000 ] && [ "$received" -lt 20000 ] && echo true)"
	check_until "and is accounted for" 30 balanced "$left" t0 "$right" t0p
	ip netns exec "$left" ethtool -K t0 tx-udp-segmentation on
	on_right ethtool -G t0p rx 1024
	on_right ethtool -X t0p default
}

# --- under traffic ---------------------------------------------------------

flowing() {
	local before
	before=$(link "$right" t0p .stats64.rx.bytes)
	sleep 0.3
	[ "$(link "$right" t0p .stats64.rx.bytes)" -gt $((before + 30000)) ]
}

# start_traffic [IPERF3-OPTIONS]: until it is killed
start_traffic() {
	start_server || return
	ip netns exec "$left" iperf3 -c 10.77.0.2 -t 600 -P 4 "$@" >/dev/null 2>&1 &
	traffic_pid=$!
	disown
	wait_until 60 flowing
}

stop_traffic() {
	kill -9 "$traffic_pid" 2>/dev/null
	kill -9 "$iperf_pid" 2>/dev/null
	return 0
}

connect() {
	ip -n "$left" link add t0 type simnic &&
	ip -n "$left" link set t0p netns "$right" &&
	ip -n "$left" addr add 10.77.0.1/24 dev t0 &&
	ip -n "$right" addr add 10.77.0.2/24 dev t0p &&
	ip -n "$left" addr add fd77::1/64 dev t0 nodad &&
	ip -n "$right" addr add fd77::2/64 dev t0p nodad &&
	ip -n "$left" link set t0 up &&
	ip -n "$right" link set t0p up &&
	wait_until 20 has_carrier "$left" t0
}

test_changes_under_traffic() {
	# Leave some CPU for the changes, of which there are many.
	local paced=(-b 4M --pacing-timer 20000)
	local i online=/sys/devices/system/cpu/cpu1/online

	check "streams" start_traffic "${paced[@]}"
	for i in 1 2; do
		on_right ethtool -L t0p combined $((i + 1))
		ip netns exec "$left" ethtool -L t0 combined $((8 - i))
		on_right ethtool -G t0p rx $((i * 100))
		on_right ethtool --reset t0p all >/dev/null
		on_right ethtool -X t0p equal 1
		on_right ethtool -X t0p hkey "$ms_key"
		on_right ethtool -X t0p default
	done
	on_right ethtool -L t0p combined 8
	check "survive changes of channels, rings, tables" wait_until 60 flowing
	on_right ethtool -K t0p ntuple on
	for i in {1..5}; do
		on_right ethtool -N t0p flow-type tcp4 dst-port 5201 \
			action $((i % 8)) loc 1
		on_right ethtool -N t0p delete 1
	done
	check "and of rules" wait_until 60 flowing
	ip -n "$right" link set t0p down
	ip -n "$right" link set t0p up
	wait_until 20 has_carrier "$left" t0
	ip -n "$left" link set t0 down
	ip -n "$left" link set t0 up
	check "and down and up" wait_until 60 flowing
	check_until "and all is accounted for" 60 stopped_and_balanced
	if [ -w $online ]; then
		check "streams again" start_traffic "${paced[@]}"
		check "a CPU goes offline" sh -c "echo 0 >$online"
		check "its queues go on elsewhere" wait_until 60 flowing
		check "and is back" sh -c "echo 1 >$online"
		check "with them" wait_until 60 flowing
	else
		skip "a CPU goes offline" "none can"
	fi
}

stopped_and_balanced() {
	kill -9 "$traffic_pid" 2>/dev/null
	balanced "$left" t0 "$right" t0p && balanced "$right" t0p "$left" t0
}

gone() {
	[ "$(ls /sys/kernel/debug/simnic 2>/dev/null)" = "$1" ]
}

test_teardown() {
	kill -9 "$traffic_pid" 2>/dev/null
	check "streams" start_traffic
	check "the end that receives is deleted" ip -n "$right" link del t0p
	check_fail "and the other with it" 1 'does not exist' \
		ip -n "$left" link show dev t0
	kill -9 "$traffic_pid" 2>/dev/null

	check "a new pair" connect
	check "with streams" start_traffic
	kill -9 "$iperf_pid"
	check "its receiver's namespace goes" lib_delete_ns "$right"
	check_until "and the pair with it" 60 gone "s0
s0p"
	check_fail "on both ends" 1 'does not exist' \
		ip -n "$left" link show dev t0
	kill -9 "$traffic_pid" 2>/dev/null

	ip netns add "$right"
	ip -n "$right" link set lo up
	check "another pair" connect
	check "with streams" start_traffic
	check "rmmod" rmmod simnic
	check_is "no device is left" "lo lo lo" \
		"$(for ns in '' "$left" "$right"; do
			in_ns "$ns" ip -j link show | jq -r '.[].ifname'
		done | paste -sd' ')"
	check_not "nor the folder in debugfs" test -e /sys/kernel/debug/simnic
	stop_traffic
}

# Everything that changes something, under the device's own lock.
test_ops_lock() {
	if [ "$(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -n 1)" != 6.15 ]; then
		skip "ops_lock=1" "no such lock before 6.15"
		return
	fi
	load_module simnic ops_lock=1
	check "ops_lock=1: a pair" connect
	test_changes_under_traffic
	check "ops_lock=1: deleted" ip -n "$left" link del t0
	stop_traffic
}

# --- run -------------------------------------------------------------------

left='' right='' iperf_pid='' traffic_pid=''
to='' from='' traffic_py_pid=''
load_module simnic
setup_ns left right
ip link set lo up
sysctl -qw net.ipv6.conf.default.disable_ipv6=1
defer stop_traffic

test_create
start_traffic_py
test_ethtool
test_rss
test_ntuple
test_quirks
check "a pair between namespaces" connect
test_sockets
test_throughput
test_counters
test_changes_under_traffic
test_teardown
test_ops_lock
finish
