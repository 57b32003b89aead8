#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rules, with real flows: their order, what each condition matches, what the
# first match decides, and that a change reaches flows which run already.
#
# Functions are called by their names.
# shellcheck disable=SC2317,SC2329
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

left='' right=''
[ -x "$NLRAW" ] || skip_all "no $NLRAW (make -C selftests)"
tmp=$(mktemp -d)
defer rm -rf "$tmp"


# A packet of 4000 bytes every 50 ms is 640 kbit/s: an elephant above 100 kbit/s
# even where an emulated machine makes 50 ms long.
cat >"$tmp/traffic.py" <<-'END'
	# PROTO,SOURCE,SPORT,DESTINATION,DPORT[,tos=N][,mark=N] sends;
	# listen,PORT takes TCP connections and drops what they bring
	import select, socket, sys, time

	flows, listeners, peers = [], [], []

	def sender(words):
	    proto, src, sport, dst, dport = words[:5]
	    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
	    family = socket.AF_INET6 if ":" in src else socket.AF_INET
	    sock = socket.socket(family, kind)
	    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    for word in words[5:]:
	        name, value = word.split("=")
	        if name == "tos":
	            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, int(value, 0))
	        else:
	            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(value, 0))
	    sock.bind((src, int(sport)))
	    while True:
	        try:
	            sock.connect((dst, int(dport)))
	            break
	        except ConnectionRefusedError:
	            time.sleep(0.1)
	    sock.setblocking(False)
	    return sock

	for arg in sys.argv[1:]:
	    words = arg.split(",")
	    if words[0] == "listen":
	        sock = socket.socket()
	        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	        sock.bind(("", int(words[1])))
	        sock.listen()
	        listeners.append(sock)
	    else:
	        flows.append(sender(words))

	while True:
	    for sock in flows:
	        try:
	            sock.send(b"x" * 4000)
	        except OSError:
	            pass    # nobody takes UDP, and a full buffer is no harm
	    end = time.monotonic() + 0.05
	    while (left := end - time.monotonic()) > 0:
	        for sock in select.select(listeners + peers, [], [], left)[0]:
	            if sock in listeners:
	                peers.append(sock.accept()[0])
	            elif not sock.recv(1 << 20):
	                peers.remove(sock)
END

rule() {
	ankus -n "$left" rule "$@"
}

# The tracked flows by their source port: flow[1001]=" sport=1001 ... "
declare -A flow
read_flows() {
	local line sport
	nsenter --net="/run/netns/$left" "$NLRAW" -d flow-get+dump >"$tmp/flows"
	flow=()
	while read -r line; do
		sport=${line##* sport=}
		flow[${sport%% *}]=" $line "
	done <"$tmp/flows"
}

# flow_is SPORT WORD...: are these words said of that flow?  A word with a ! in
# front must not be.
flow_is() {
	local sport=$1 word
	shift
	read_flows
	for word; do
		case ${flow[$sport]-} in
		*" ${word#!} "*) [ "$word" = "${word#!}" ] || return 1 ;;
		*) [ "$word" != "${word#!}" ] || return 1 ;;
		esac
	done
}

# only SPORTS PATTERN: does PATTERN hold for these flows over v0 and no others?
only() {
	local sport
	read_flows
	# shellcheck disable=SC2053 # a pattern, not a text
	for sport in $all; do
		case " $1 " in
		*" $sport "*) [[ ${flow[$sport]-} == $2 ]] || return 1 ;;
		*) [[ ${flow[$sport]-} != $2 ]] || return 1 ;;
		esac
	done
}

# decides PREF SPORTS: does that rule, or "none", decide about these elephants
# and no others?
decides() {
	case $1 in
	none) only "$2" "* state=2 *" && only "" "* rule-pref=*" ;;
	*) only "$2" "* state=2 * rule-pref=$1 *" ;;
	esac
}

elephants() {
	only "$1" "* state=2 *"
}

# All that run over v0; 1008 and 1009 run over the bond.
all="1001 1002 1003 1004 1005 1006 7007"

# match FLOWS WORDS...: exactly FLOWS meet the condition
match() {
	local expected=$1
	shift
	rule replace pref 10 "$@" action ignore
	check_until "${*:-no condition} matches ${expected:-nothing}" 20 \
		decides 10 "$expected"
}

test_conditions() {
	match "$all"
	match "$all" dev v0
	match "" dev v1
	match "7007" dir in
	match "1001 1002 1003 1004 1005 1006" dir out
	match "1006" family inet6
	match "1001 1002 1003 1004 1005 7007" family inet
	match "1005" proto tcp
	match "1001 1002 1003 1004 1006 7007" proto udp
	match "" proto sctp
	match "1001 1003 1004 1005" src 10.66.0.1
	match "1001 1003 1004 1005 7007" src 10.66.0.0/25
	match "1002" src 10.66.0.128/25
	match "1001 1002 1003 1004 1005 7007" src 0.0.0.0/0
	match "7007" dst 10.66.0.1/32
	match "1001 1002 1003 1004 1005" dst 10.66.0.2/31
	match "1006" src fd66::/64
	match "1006" dst fd66::2
	match "" dst fd66::3
	match "1001" sport 1001
	match "1002 1003 1004" sport 1002-1004
	match "7007" sport 1010-65535
	match "1005" dport 7005
	match "1001 1002 7007" dport 0-7002
	match "1003" dscp cs1
	match "1001 1002 1004 1005 1006 7007" dscp cs0
	match "1004" mark 0x15
	match "1004" mark 0x5/0xf
	match "" mark 0x5
	match "1001 1002 1003 1005 1006 7007" mark 0/0x10
	# All conditions of a rule have to be met.
	match "1003" proto udp src 10.66.0.1 dscp cs1 dport 7000-7003
	match "" proto tcp dscp cs1
	rule flush
	check_until "without a rule none decides" 20 decides none "$all"
}

test_order() {
	rule add pref 20 sport 1001-1002 action auto
	check_until "a rule decides about flows that run already" 20 decides 20 "1001 1002"
	rule add pref 40 action ignore
	rule add pref 10 sport 1001 action ignore
	rule add pref 30 action auto
	check_json "rules are in the order of pref, whatever that of adding" \
		'map(.pref) == [10, 20, 30, 40]' ankus -n "$left" -j rule show
	check_until "the first match decides: 10" 20 decides 10 "1001"
	check_until "the first match decides: 20" 20 decides 20 "1002"
	check_until "the first match decides: 30" 20 decides 30 "1003 1004 1005 1006 7007"
	check_until "the first match decides: not 40" 20 decides 40 ""
	check_until "ignored is what a rule says" 20 flow_is 1001 ignored
	check "auto is not ignored" flow_is 1002 !ignored
	check_json "a rule counts the flows that it has matched" \
		'(.[0].flows >= 1) and .[1].flows >= 2' ankus -n "$left" -j rule show

	rule del pref 10
	check_until "a deleted rule hands over to the next" 20 decides 20 "1001 1002"
	check "and is forgotten" flow_is 1001 !ignored
	rule add pref 5 sport 1002 action ignore
	check_until "a new rule in front takes over" 20 decides 5 "1002"
	check_until "from the one behind" 20 decides 20 "1001"
	rule replace pref 20 sport 1003 action ignore
	check_until "a replaced rule decides anew" 20 decides 20 "1003"
	check_until "and lets go of what it does not match now" 20 \
		decides 30 "1001 1004 1005 1006 7007"
	rule replace pref 30 action ignore
	check_until "replaced by one with the same conditions" 20 flow_is 1004 ignored
	check_json "it counts the flows that it matches now" \
		'.[2].flows >= 5' ankus -n "$left" -j rule show
	rule replace pref 30 proto sctp action ignore
	check_until "replaced by one that matches nothing" 20 \
		decides 40 "1001 1004 1005 1006 7007"
	check_json "it counts from 0" '.[2].flows == 0' ankus -n "$left" -j rule show
	rule flush dev v0
	check_json "rules of one device are flushed, others stay" \
		'map(.pref) == [5, 20, 30, 40]' ankus -n "$left" -j rule show
	rule flush
	check_until "after a flush no rule decides" 20 decides none "$all"
}

test_rate() {
	rule add pref 10 sport 1001 rate 100mbit action auto
	check_until "a higher rate makes a flow no elephant" 20 elephants "${all#1001 }"
	check "its rule has decided" flow_is 1001 rule-pref=10
	rule del pref 10
	check_until "without the rule it is one again" 20 elephants "$all"

	ankus -n "$left" dev set v0 rate 100mbit
	check_until "a higher rate of the device releases all" 20 elephants ""
	rule add pref 10 sport 1002 rate 100kbit action auto
	check_until "a lower rate of a rule makes one of them an elephant" 20 elephants "1002"
	rule add pref 20 sport 1003-1004 rate 100kbit bytes 1t action auto
	rule add pref 30 proto tcp rate 100kbit action auto
	check_until "of flows that have carried enough" 20 elephants "1002 1005"
	check "and of no other" flow_is 1003 state=1 rule-pref=20
	rule replace pref 20 sport 1003-1004 rate 100kbit bytes 1k action auto
	check_until "which depends on the bytes" 20 elephants "1002 1003 1004 1005"
	rule flush
	check_until "without rules there is none" 20 elephants ""
	ankus -n "$left" dev set v0 rate 100kbit
	check_until "until the device's rate is back" 20 elephants "$all"
}

# in_queues SPORTS QUEUES: are the TX pins of all of them in force there?  In
# no queue when QUEUES is empty.
in_queues() {
	local sport queue
	read_flows
	for sport in $1; do
		queue=none
		if [[ ${flow[$sport]-} == *" tx-queue.current="* ]]; then
			queue=${flow[$sport]##* tx-queue.current=}
		fi
		case " ${2:-none} " in
		*" ${queue%% *} "*) ;;
		*) return 1 ;;
		esac
	done
}

# Bytes that the qdisc of a TX queue, counted from 0, has sent.
queue_bytes() {
	tc -n "$left" -s -j qdisc show dev v0 |
		jq "map(select(.parent | tostring | endswith(\":$(($1 + 1))\")))[0].bytes"
}

queue_carries() {
	[ "$(queue_bytes "$1")" -gt "$2" ]
}

test_queues() {
	local before sent="1001 1002 1003 1004 1005 1006"

	ankus -n "$left" dev set v0 mode steer
	check_until "without rules all are pinned" 30 in_queues "$sent" "0 1 2 3"
	rule add pref 10 sport 1001-1003 action tx-queues 2-3
	check_until "a rule's queues are the only ones for its flows" 30 \
		in_queues "1001 1002 1003" "2 3"
	rule replace pref 10 sport 1001-1003 action tx-queues 1
	check_until "they move when the rule changes" 30 in_queues "1001 1002 1003" 1
	rule add pref 5 proto tcp action tx-queues 0,3
	check_until "TCP does as well" 30 in_queues 1005 "0 3"
	check_until "that it took effect was seen" 30 flow_is 1001 tx-queue.state=3

	ankus -n "$left" dev set v0 tx-queues 0-2
	rule flush
	check_until "the queues of the device hold without a rule" 30 \
		in_queues "$sent" "0 1 2"
	rule add pref 10 sport 1004 action tx-queues 3
	check_until "a queue that the device does not allow is none" 30 flow_is 1004 \
		tx-queue.state=6 'tx-queue.reason="no usable queue"'
	ankus -n "$left" dev set v0 tx-queues all
	rule add pref 20 action tx-queues 0-2
	check_until "one flow alone in a queue" 30 in_queues 1004 3
	check_until "and the others elsewhere" 30 in_queues "${sent/1004 /}" "0 1 2"
	before=$(queue_bytes 3)
	check_until "the queue carries it" 20 queue_carries 3 "$((before + 20000))"

	rule replace pref 10 sport 1004 action ignore
	check_until "ignored, it is not pinned any more" 30 flow_is 1004 ignored \
		tx-queue.state=0
	check "to no queue" in_queues 1004 ""
	rule del pref 10
	check_until "not ignored, it is" 30 in_queues 1004 "0 1 2"
	rule flush
	ankus -n "$left" dev set v0 mode observe
	check_until "nothing is pinned in mode observe" 30 in_queues "$sent" ""
}

# over SPORT LINK: is the flow in force on that lower device?
over() {
	flow_is "$1" "link.current=${index[$2]}"
}

sent() {
	ip -n "$left" -s -j link show "$1" | jq '.[0].stats64.tx.bytes'
}

link_carries() {
	[ "$(sent "$1")" -gt "$2" ]
}

test_links() {
	local before port
	declare -A index
	for port in p0 p1; do
		index[$port]=$(ip -n "$left" -j link show $port | jq '.[0].ifindex')
	done

	# Written before the device is managed, and before the link has its name.
	rule add pref 5 dev bond0 sport 1009 action links later
	rule add pref 10 dev bond0 action links p0
	ankus -n "$left" dev add bond0 mode steer rate 100kbit hold 0ms \
		release 500ms tick 50ms
	check_until "a rule may come before its device" 30 flow_is 1008 rule-pref=10
	check_until "its flow goes over its link" 30 over 1008 p0
	check_until "a link that is not there is waited for" 30 flow_is 1009 \
		rule-pref=5 link.state=6 'link.reason="no usable link"'
	ankus -n "$left" link add later dev p1
	check_until "when it comes, the flow goes over it" 30 over 1009 p1
	check "by its name" flow_is 1009 'link.link="later"'
	check_until "that it took effect was seen" 30 flow_is 1009 link.state=3
	before=$(sent p1)
	check_until "the link carries it" 20 link_carries p1 "$((before + 20000))"

	rule replace pref 10 dev bond0 action links later
	check_until "a flow changes its link with the rule" 30 over 1008 p1
	rule replace pref 10 dev bond0 action links nosuch,p0
	check_until "of several links those that are there are used" 30 over 1008 p0
	ankus -n "$left" link del later
	check_until "when its link goes, a flow waits again" 30 flow_is 1009 \
		link.state=6 "!link.current=${index[p1]}"
	rule replace pref 5 dev bond0 sport 1009 action ignore
	check_until "ignored, it goes the bond's own way" 30 flow_is 1009 \
		ignored "!link.current=${index[p1]}"
	check "dev del: the bond" ankus -n "$left" dev del bond0
	check "rule flush" ankus -n "$left" rule flush
}

load_module ankus
load_module bonding
setup_ns left right

ip -n "$left" link add v0 mtu 9000 numtxqueues 4 numrxqueues 4 type veth \
	peer name v1 mtu 9000 netns "$right" numtxqueues 4 numrxqueues 4
for ns in "$left" "$right"; do
	ip -n "$ns" link add bond0 mtu 9000 type bond mode balance-xor miimon 100
done
for port in p0 p1; do
	ip -n "$left" link add $port mtu 9000 type veth \
		peer name $port mtu 9000 netns "$right"
	for ns in "$left" "$right"; do
		ip -n "$ns" link set $port master bond0
	done
done

# addresses NAMESPACE DEV HOST
addresses() {
	ip -n "$1" addr add "10.66.0.$3/24" dev "$2"
	ip -n "$1" addr add "fd66::$3/64" dev "$2" nodad
	ip -n "$1" addr add "10.67.0.$3/24" dev bond0
	ip -n "$1" link set "$2" up
	ip -n "$1" link set bond0 up
}
addresses "$left" v0 1
addresses "$right" v1 2
ip -n "$left" addr add 10.66.0.200/24 dev v0
tc -n "$left" qdisc replace dev v0 root mq

ip netns exec "$right" python3 "$tmp/traffic.py" listen,7005 \
	udp,10.66.0.2,7007,10.66.0.1,1007 &
ip netns exec "$left" python3 "$tmp/traffic.py" \
	udp,10.66.0.1,1001,10.66.0.2,7001 udp,10.66.0.200,1002,10.66.0.2,7002 \
	udp,10.66.0.1,1003,10.66.0.2,7003,tos=0x20 \
	udp,10.66.0.1,1004,10.66.0.2,7004,mark=0x15 \
	tcp,10.66.0.1,1005,10.66.0.2,7005 udp,fd66::1,1006,fd66::2,7006 \
	udp,10.67.0.1,1008,10.67.0.2,7008 udp,10.67.0.1,1009,10.67.0.2,7009 &

ankus -n "$left" dev add v0 rate 100kbit hold 0ms release 500ms tick 50ms
check_until "seven elephants" 60 elephants "$all"

test_order
test_conditions
test_rate
test_queues
test_links
finish
