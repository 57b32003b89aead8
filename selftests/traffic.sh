# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Networks, streams and counters of the tests that steer real traffic, to be
# sourced after lib.sh.  TCP comes from iperf3, paced by the kernel; UDP from
# bash itself, which sends exactly what it is told.
#
# in_ns NS CMD...      run CMD in a network namespace
# quiet_ns NS...       before it has devices: no packets but the test's
# veth_pair A B N      v0 in namespace A, v1 in B, N queues each
# bond_links A B MODE LINK...
#                      bond0 in A and B; LINK in A, its peer p-LINK in B
# simnic_pair A B      s0p in namespace A, s0 in B, with ntuple on
# address_pair A DEV B DEV [NET]
#                      10.NET.0.1 and fdNET::1 in A, 2 in B; what is sent to 9
#                      arrives in B and goes no further
# router A R B         vm in A, vl and vr in R, vm in B: 10.1.0.1 in A and
#                      10.2.0.2 in B reach each other by way of R
#
# tcp_start FROM TO ADDRESS PORT COUNT RATE [IPERF3-ARGS...]
#                      streams FROM->TO, each at RATE, until tcp_stop PORT
# tcp_go_on NS PORT COUNT
#                      NS sends COUNT streams, and all of them get further
# udp_start NS ADDRESS PORT KBIT [SIZE]
#                      datagrams at a rate that udp_rate PORT KBIT changes,
#                      until udp_stop PORT
# udp_send NS ADDRESS PORT SIZE COUNT
#                      exactly so many datagrams, at once
#
# mesh_start NS ADDRESS PORT COUNT KBIT [SIZE]
#                      COUNT flows to as many ports from PORT on, each at KBIT,
#                      until mesh_stop PORT
#
# flows_are NS COUNT SELECT CONDITION [SHOW-ARGS...]
#                      COUNT flows pass jq's SELECT, and all of them CONDITION
# check_each DESC SECONDS NS COUNT SELECT CONDITION
#                      each of COUNT flows passes CONDITION at some time: what
#                      failed is tried again, so not all do at the same time
# flow_id NS SELECT    the id of the first such flow, as soon as there is one
# stat_of NS DEV NAME  a counter of ankus
# link_bytes NS DEV tx|rx, rxq_bytes NS DEV QUEUE
# queue_bytes NS DEV, queue_load NS DEV [SECONDS], busiest_queue NS DEV
#                      of all TX queues, with mq as the root qdisc 1:
# snmp NS NAME...      sum of counters of the protocols
# calls_start FUNCTION, calls, calls_stop
#                      how often a function is called, on kernels that can
#                      trace them (calls_start fails without)
# device_state NS DEV  all that is set about a device, and nothing that counts
# nic_rules NS DEV     its ntuple rules
# rss_table NS DEV     "BUCKET QUEUE" of its indirection table
# rss_all NS DEV       all that ethtool -x tells
# quietly CMD...       without what CMD prints

# shellcheck disable=SC2154 # of lib.sh
traffic_dir=$lib_out
declare -A traffic_client=() udp_sender=() mesh_sender=()

# Unlike ip netns exec, without a /sys of its own: in half of the time.
in_ns() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" "$@"
}

quietly() {
	"$@" >/dev/null 2>&1
}

# --- networks --------------------------------------------------------------

# Hosts without addresses of their own ask for nothing.
quiet_ns() {
	local ns

	for ns; do
		in_ns "$ns" sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv6.conf.default.accept_ra=0 || return
	done
}

address_pair() {
	local a=$1 dev_a=$2 b=$3 dev_b=$4 net=${5:-0} mac
	ip -n "$a" addr add "10.$net.0.1/24" dev "$dev_a" &&
		ip -n "$b" addr add "10.$net.0.2/24" dev "$dev_b" &&
		ip -n "$a" addr add "fd0$net::1/64" dev "$dev_a" nodad &&
		ip -n "$b" addr add "fd0$net::2/64" dev "$dev_b" nodad &&
		ip -n "$a" link set "$dev_a" up &&
		ip -n "$b" link set "$dev_b" up || return 1
	# Nobody there answers, and nobody there asks either.
	mac=$(ip -n "$b" -j link show dev "$dev_b" | jq -r '.[0].address')
	ip -n "$a" neigh replace "10.$net.0.9" lladdr "$mac" dev "$dev_a" &&
		ip -n "$a" neigh replace "fd0$net::9" lladdr "$mac" dev "$dev_a"
}

router() {
	ip -n "$1" link add vm type veth peer name vl netns "$2" &&
		ip -n "$2" link add vr type veth peer name vm netns "$3" &&
		address_pair "$1" vm "$2" vl 1 &&
		address_pair "$2" vr "$3" vm 2 &&
		in_ns "$2" sysctl -qw net.ipv4.ip_forward=1 &&
		ip -n "$1" route add 10.2.0.0/24 via 10.1.0.2 &&
		ip -n "$3" route add 10.1.0.0/24 via 10.2.0.1
}

veth_pair() {
	ip -n "$1" link add v0 numtxqueues "$3" numrxqueues "$3" type veth \
		peer name v1 netns "$2" numtxqueues "$3" numrxqueues "$3" &&
		one_receiver "$1" v0 && one_receiver "$2" v1
}

# veth leaves what it gets to whatever CPU it is on, which reorders: a flow
# that is sent by two CPUs in turn is received by two.  NICs do not.
# one_receiver NS DEV [CPUS]: a mask with one CPU, the first by default
one_receiver() {
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$1" bash -c '
		for queue in /sys/class/net/"$1"/queues/rx-*; do
			echo "$2" >"$queue/rps_cpus" || exit
		done' _ "$2" "${3:-1}"
}

simnic_pair() {
	ip -n "$2" link add s0 type simnic &&
		ip -n "$2" link set s0p netns "$1" &&
		in_ns "$2" ethtool -K s0 ntuple on
}

bond_links() {
	local a=$1 b=$2 mode=$3 link ns
	shift 3

	for ns in "$a" "$b"; do
		ip -n "$ns" link add bond0 type bond mode "$mode" miimon 50 \
			xmit_hash_policy layer3+4 || return 1
		[ "$mode" != 802.3ad ] || ip -n "$ns" link set bond0 \
			type bond lacp_rate fast || return 1
	done
	for link; do
		bond_member "$a" "$b" "$link" || return 1
	done
}

bond_member() {
	ip -n "$1" link add "$3" type veth peer name "p-$3" netns "$2" &&
		ip -n "$1" link set "$3" master bond0 &&
		ip -n "$2" link set "p-$3" master bond0 &&
		ip -n "$1" link set "$3" up && ip -n "$2" link set "p-$3" up
}

# --- streams ---------------------------------------------------------------

# What runs in the background is started without in_ns: $! is to be its own.

tcp_listening() {
	in_ns "$1" ss -Hltn "sport = :$2" | grep -q .
}

# "LOCAL PEER BYTES" of the connections of a port on which a namespace sends;
# iperf3's control connection says little.
tcp_acked() {
	in_ns "$1" ss -tinHO state established \
		"( sport = :$2 or dport = :$2 )" |
		sed -nE 's/^ *[0-9]+ +[0-9]+ +([^ ]+) +([^ ]+) .* bytes_acked:([0-9]+) .*/\1 \2 \3/p' |
		awk '$3 > 20000'
}

tcp_running() {
	[ "$(tcp_acked "$1" "$2" | wc -l)" -eq "$3" ]
}

# All the connections in file $3 are still there and have got further.
tcp_further() {
	tcp_acked "$1" "$2" | awk '
		NR == FNR { from[$1 " " $2] = $3; n++; next }
		($1 " " $2) in from && $3 > from[$1 " " $2] + 16000 { further++ }
		END { exit !(n && further == n) }' "$3" -
}

tcp_start() {
	local from=$1 to=$2 address=$3 port=$4 count=$5 rate=$6
	shift 6

	ip netns exec "$to" iperf3 -s -1 -p "$port" >"$traffic_dir/server-$port" \
		2>&1 </dev/null &
	disown
	wait_until 20 tcp_listening "$to" "$port" || return 1
	ip netns exec "$from" iperf3 -c "$address" -p "$port" -P "$count" -l 16K \
		-t 3600 -i 0 --fq-rate "$rate" "$@" \
		>"$traffic_dir/client-$port" 2>&1 </dev/null &
	traffic_client[$port]=$!
	disown
	case " $* " in
	*" -R "*) from=$to ;;
	esac
	if ! wait_until 40 tcp_running "$from" "$port" "$count"; then
		tail -n 3 "$traffic_dir/client-$port" "$traffic_dir/server-$port"
		return 1
	fi
}

tcp_go_on() {
	local acked=$traffic_dir/acked-$2
	tcp_acked "$1" "$2" >"$acked"
	if [ "$(wc -l <"$acked")" -ne "$3" ]; then
		echo "$(wc -l <"$acked") of $3 streams are left"
		return 1
	fi
	wait_until 120 tcp_further "$1" "$2" "$acked"
}

# By signal 9: the sockets are closed all the same, and nothing is printed.
tcp_stop() {
	local pid=${traffic_client[$1]:-}
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	unset "traffic_client[$1]"
}

# A printf of bash is one write, and so one datagram.  It sends what is due at
# the rate of the moment, so that an interruption is made up for; in between it
# waits for a pipe into which nobody writes.
# shellcheck disable=SC2016 # for the inner shell
udp_program='
	exec 3>"/dev/udp/$1/$2" 4<>"$5" || exit
	due=0 last=${EPOCHREALTIME//[.,]/}
	while read -r kbit <"$4"; do
		now=${EPOCHREALTIME//[.,]/}
		due=$((due + (now - last) * kbit))
		last=$now
		[ $due -lt $((kbit * 1000000)) ] || due=$((kbit * 1000000))
		while [ $due -ge $(($3 * 8000)) ]; do
			printf "%0$3d" 0 >&3
			due=$((due - $3 * 8000))
		done
		read -rt 0.04 <&4
	done'

udp_rate() {
	echo "$2" >"$traffic_dir/rate-$1.new"
	mv "$traffic_dir/rate-$1.new" "$traffic_dir/rate-$1"
}

udp_start() {
	[ -p "$traffic_dir/pause" ] || mkfifo "$traffic_dir/pause"
	udp_rate "$3" "$4"
	ip netns exec "$1" bash -c "$udp_program" _ "$2" "$3" "${5:-1000}" \
		"$traffic_dir/rate-$3" "$traffic_dir/pause" \
		>"$traffic_dir/udp-$3" 2>&1 </dev/null &
	udp_sender[$3]=$!
	disown
}

udp_stop() {
	kill -9 "${udp_sender[$1]}" 2>/dev/null
	unset "udp_sender[$1]"
}

udp_send() {
	# shellcheck disable=SC2016 # for the inner shell
	in_ns "$1" bash -c '
		dd if=/dev/zero bs="$3" count="$4" status=none >"/dev/udp/$1/$2"' \
		_ "$2" "$3" "$4" "$5"
}

# One process for all flows, which send in turn; what it is late with is sent
# at once, but for more than a second of it.
mesh_program='
import socket, sys, time

address = sys.argv[1]
port, count, kbit, size = map(int, sys.argv[2:])
sockets = []
for i in range(count):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                      socket.SOCK_DGRAM)
    s.connect((address, port + i))
    sockets.append(s)
data = bytes(size)
step = size * 8 / (kbit * 1000) / count
due = time.monotonic()
i = 0
while True:
    now = time.monotonic()
    due = max(due, now - 1)
    while due <= now:
        try:
            sockets[i % count].send(data)
        except OSError:
            pass
        i += 1
        due += step
    time.sleep(0.02)
'

mesh_start() {
	ip netns exec "$1" python3 -c "$mesh_program" "$2" "$3" "$4" "$5" \
		"${6:-500}" >"$traffic_dir/mesh-$3" 2>&1 </dev/null &
	mesh_sender[$3]=$!
	disown
}

mesh_stop() {
	kill -9 "${mesh_sender[$1]}" 2>/dev/null
	unset "mesh_sender[$1]"
}

# --- what ankus says -------------------------------------------------------

flows_are() {
	local ns=$1
	shift

	ankus -n "$ns" -j flow show "${@:4}" >"$traffic_dir/flows" &&
		objects_are "$traffic_dir/flows" "$@"
}

# objects_are FILE COUNT SELECT CONDITION: of a list; shows it for the report
# of a failure
objects_are() {
	jq_or_show "$1" "[.[] | select($3)] | length == $2 and all(.[]; $4)" \
		".[] | del(.ifindex, .family, .dscp, .mark, .age_ms)" && return
	echo "wanted: $2 x ($3), each ($4); there are those above"
	return 1
}

check_each() {
	echo '[]' >"$traffic_dir/met"
	check_until "$1" "$2" flows_met "${@:3}"
}

# Those that pass are remembered by their ids, the first line of what jq tells
flows_met() {
	local met
	ankus -n "$1" -j flow show >"$traffic_dir/flows" &&
		jq -c "(\$met + [.[] | select($3) | select($4) | .id] | unique) as \$met |
			\$met, if [.[] | select($3)] | length == $2 and
				all(.[]; .id as \$id | any(\$met[]; . == \$id))
			then empty else \"there are:\", .[] end" \
			--argjson met "$(<"$traffic_dir/met")" \
			"$traffic_dir/flows" >"$traffic_dir/flows.met" &&
		{ read -r met && echo "$met" >"$traffic_dir/met" &&
			! read -r; } <"$traffic_dir/flows.met" && return
	echo "wanted: $2 x ($3), each at some time ($4)"
	cat "$traffic_dir/flows.met"
	return 1
}

flow_id() {
	local id

	for _ in {1..20}; do
		id=$(ankus -n "$1" -j flow show |
			jq "[.[] | select($2)][0].id // empty")
		[ -z "$id" ] || break
		sleep 0.5
	done
	[ -z "$id" ] || echo "$id"
}

stat_of() {
	ankus -n "$1" -j stats show dev "$2" | jq ".[0].$3"
}

# stat_is NS DEV CONDITION, such as '.moves > 3'
stat_is() {
	ankus -n "$1" -j stats show dev "$2" >"$traffic_dir/stats" || return 1
	jq -e ".[0] | $3" "$traffic_dir/stats" >/dev/null && return
	cat "$traffic_dir/stats"
	return 1
}

dev_is() {
	ankus -n "$1" -j dev show "$2" >"$traffic_dir/dev" || return 1
	jq -e ".[0] | $3" "$traffic_dir/dev" >/dev/null && return
	cat "$traffic_dir/dev"
	return 1
}

# monitor_start NS: events go to $traffic_dir/events, one object a line
monitor_start() {
	"$ANKUS" -n "$1" -j monitor >"$traffic_dir/events" 2>&1 </dev/null &
	traffic_monitor=$!
	disown
	# It listens once it is subscribed: a rule that is no use shows when.
	wait_until 20 monitor_hears "$1"
}

monitor_hears() {
	ankus -n "$1" rule add pref 4294967295 proto udp dport 1 action auto
	ankus -n "$1" rule del pref 4294967295
	event_seen '.event == "rule-del"'
}

monitor_stop() {
	kill "$traffic_monitor" 2>/dev/null
}

event_seen() {
	jq -es "any(.[]; $1)" "$traffic_dir/events" >/dev/null && return
	jq -c '[.event, .id, .ifname, .name, .pin_kind]' "$traffic_dir/events"
	return 1
}

event_unseen() {
	jq -es "any(.[]; $1) | not" "$traffic_dir/events" >/dev/null
}

# --- what the kernel says --------------------------------------------------

link_bytes() {
	ip -n "$1" -j -s link show dev "$2" | jq ".[0].stats64.$3.bytes"
}

link_packets() {
	ip -n "$1" -j -s link show dev "$2" | jq ".[0].stats64.$3.packets"
}

# "BYTES BYTES ..." of the qdiscs of a device's TX queues, below a root mq with
# handle 1:, all at one time
queue_bytes() {
	tc -n "$1" -j -s qdisc show dev "$2" | jq -r '
		[.[] | select(.parent // "" | startswith("1:"))] |
		sort_by(.parent) | map(.bytes) | join(" ")'
}

# What the queues sent in a while, likewise
queue_load() {
	local before after
	before=$(queue_bytes "$1" "$2")
	sleep "${3:-1}"
	after=$(queue_bytes "$1" "$2")
	awk -v b="$before" -v a="$after" 'BEGIN {
		n = split(a, to)
		split(b, from)
		for (i = 1; i <= n; i++)
			printf "%s%d", (i > 1 ? " " : ""), to[i] - from[i]
	}'
}

# mostly_on QUEUE NS DEV: nearly all that is sent is sent by one queue
mostly_on() {
	local load
	load=$(queue_load "$2" "$3")
	awk -v q="$1" '{
		for (i = 1; i <= NF; i++) sum += $i
		exit !(sum > 50000 && $(q + 1) > 0.95 * sum) }' <<<"$load" && return
	echo "the queues sent $load, not all by queue $1"
	return 1
}

# The queue that most is sent by
busiest_queue() {
	queue_load "$1" "$2" | awk '{
		for (i = 1; i <= NF; i++)
			if ($i > max) { max = $i; q = i - 1 }
		print q
	}'
}

rxq_bytes() {
	nic_counter "$1" "$2" "rx_queue_$3_bytes"
}

nic_counter() {
	in_ns "$1" ethtool -S "$2" | awk -v n="$3:" '$1 == n { print $2 }'
}

snmp() {
	local ns=$1
	shift
	# shellcheck disable=SC2016 # for jq
	in_ns "$ns" nstat -asz -j |
		jq '.kernel | [.[$ARGS.positional[]]] | add' --args "$@"
}

nic_rules() {
	in_ns "$1" ethtool -n "$2" 2>&1
}

rss_all() {
	in_ns "$1" ethtool -x "$2" 2>&1
}

# A line of ethtool -x has the queues of as many buckets as it has columns.
rss_table() {
	rss_all "$1" "$2" | awk '
		/^ *[0-9]+: / {
			sub(/:/, "", $1)
			for (i = 2; i <= NF; i++) print $1 + i - 2, $i
		}'
}

# How many rules there are
nic_rule_count() {
	nic_rules "$1" "$2" | grep -c '^Filter:'
}

traffic_tracing=/sys/kernel/tracing

calls_start() {
	grep -qsw function $traffic_tracing/available_tracers || return 1
	echo "$1" >$traffic_tracing/set_ftrace_filter &&
		echo function >$traffic_tracing/current_tracer
}

calls() {
	grep -c ' <-' $traffic_tracing/trace
}

calls_stop() {
	echo nop >$traffic_tracing/current_tracer
	echo >$traffic_tracing/set_ftrace_filter
}

device_state() {
	# The address of the link comes by itself, after a while.
	ip -n "$1" -j -d addr show dev "$2" |
		jq -c 'del(.[].addr_info[]? | select(.scope == "link"))'
	tc -n "$1" -j qdisc show dev "$2"
	tc -n "$1" -j filter show dev "$2" egress 2>/dev/null
	in_ns "$1" ethtool -k "$2"
	in_ns "$1" ethtool -l "$2" 2>&1
	in_ns "$1" ethtool -x "$2" 2>&1
	nic_rules "$1" "$2"
}
