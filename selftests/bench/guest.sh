#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh FILE [quick]: what the hooks of ankus and its peers cost, in a virtual
# machine whose clock counts instructions (run.sh -I).  Writes to FILE
#
#	cost NAME INSTRUCTIONS BASELINE
#	count NAME NUMBER
#
# and to "onset" beside it what onset.py prints.
#
# INSTRUCTIONS are those of a packet from pktgen's allocation of it
# to its end, and BASELINE is the name of the same traffic without a hook.
# What runs beside (the timer, the control loop of ankus) is in the figures.
#
# Received packets end in the filter of a UDP socket: they are delivered, so
# conntrack confirms their connections.  Sent ones end in a dummy device.
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../.." && pwd)/build
out=$1 quick=${2:-}
dev=bench0 port=9
# Packets of a measurement, and those before it that fill tables
warmup=50000 many=150000 count=60000
# Flows that begin to be large
onsets=200
[ -z "$quick" ] || many=100000 onsets=40

die() {
	echo "guest.sh: $*" >&2
	exit 1
}

# "NAME: RESULT" of each device
results() {
	grep -H '^Result:' /proc/net/pktgen/"$dev"@*
}

write() {
	echo "$2" >"/proc/net/pktgen/$1" || die "pktgen does not take '$2'"
}

# traffic QUEUE SOURCES ["random"|"tuples"]: packets from so many addresses,
# one after the other, at random, or with random ports beside
traffic() {
	local file=$dev@$1 last=$((0x0a800000 + $2 - 1)) setting
	for setting in "src_min 10.128.0.0" "src_max $(printf '%d.%d.%d.%d' \
		$((last >> 24)) $((last >> 16 & 255)) $((last >> 8 & 255)) $((last & 255)))" \
		"udp_src_min 1024" "udp_src_max $([ "${3:-}" = tuples ] && echo 65000 || echo 1024)" \
		"flag $([ -n "${3:-}" ] || echo !)IPSRC_RND" \
		"flag $([ "${3:-}" = tuples ] || echo !)UDPSRC_RND"; do
		write "$file" "$setting"
	done
}

# generators N MODE: N of them send by turns
generators() {
	local i setting
	write kpktgend_0 rem_device_all
	for ((i = 0; i < $1; i++)); do
		write kpktgend_0 "add_device $dev@$i"
		for setting in "clone_skb 0" "pkt_size 128" "delay 0" \
			"xmit_mode $2" "dst_mac $(cat /sys/class/net/$dev/address)" \
			"dst_min 10.9.0.1" "dst_max 10.9.0.1" \
			"udp_dst_min $port" "udp_dst_max $port"; do
			write "$dev@$i" "$setting"
		done
	done
}

# packets COUNT: so many of each generator; time and packets of all are left
# in $ns and $packets
packets() {
	local file us n
	for file in /proc/net/pktgen/"$dev"@*; do
		echo "count $1" >"$file"
	done
	write pgctrl start
	ns=0 packets=0
	while read -r us n; do
		# They run by turns, each until the last one ends.
		[ $((us * 1000)) -le $ns ] || ns=$((us * 1000))
		packets=$((packets + n))
	done <<<"$(results | sed -nE 's/.*OK: ([0-9]+)\(.*usec, ([0-9]+) .*/\1 \2/p')"
	[ $packets -ge "$1" ] || die "pktgen: $(results)"
}

# cost NAME BASELINE [PACKETS-BEFORE]
cost() {
	packets "${3:-$warmup}"
	packets $count
	echo "cost $1 $(awk "BEGIN { printf \"%.1f\", $ns / $packets }") $2" >>"$out"
}

# --- hooks -----------------------------------------------------------------

ankus() {
	"${ANKUS:-$build/ankus}" "$@"
}

ankus_on() {
	ankus dev add $dev "$@" || die "ankus dev add $dev $*"
}

ankus_off() {
	ankus dev del $dev || die "ankus dev del"
	ankus rule flush || die "ankus rule flush"
}

# flows_are FILTER: of ankus stats
flows_are() {
	ankus -j stats | gojq -e ".[0] | $1" >/dev/null ||
		die "not $1: $(ankus stats)"
}

ankus_rules() {
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "rule add pref $i proto tcp src 192.0.$((i / 250)).$((i % 250)) dport $i action ignore"
	done | ankus -batch - || die "ankus -batch"
}

# nft_on HOOK [RULE]
nft_on() {
	nft -f - <<-END || die "nft"
		table netdev bench {
			set flows {
				typeof ip saddr . udp sport . ip daddr . udp dport
				size 1048576
				flags dynamic
			}
			chain packets {
				type filter hook $1 device $dev priority 0
				${2:-}
			}
		}
	END
}

nft_off() {
	nft delete table netdev bench || die "nft delete"
}

nft_set='add @flows { ip saddr . udp sport . ip daddr . udp dport counter }'

# flower_on ingress|egress
flower_on() {
	local i
	tc qdisc add dev $dev clsact || die "clsact"
	for ((i = 1; i <= 64; i++)); do
		echo "filter add dev $dev $1 pref 1 protocol ip flower ip_proto udp src_ip 192.0.2.$i dst_port 4791 action ok"
	done | tc -batch - || die "tc -batch"
}

flower_off() {
	tc qdisc del dev $dev clsact || die "clsact"
}

# --- measurements ----------------------------------------------------------

# What ankus does to flows that it does not track, and to those it does; at a
# rate so high that all are mice, and one so low that 40 are elephants.  They
# stay so for long: while this waits for the host, the clock runs on.
measure_ankus() {
	local hook=$1

	traffic 0 1000
	cost "$hook.bare-1000" -
	ankus_on rate 100gbit
	cost "$hook.ankus-untracked-1000" "$hook.bare-1000"
	flows_are '.elephants == 0'
	ankus_off

	traffic 0 1000000 random
	cost "$hook.bare-1000000" -
	ankus_on rate 100gbit
	cost "$hook.ankus-untracked-1000000" "$hook.bare-1000000" $many
	flows_are '.elephants == 0'
	ankus_off

	traffic 0 40
	cost "$hook.bare-40" -
	ankus_on rate 1mbit hold 0ms release 60s
	packets $warmup
	cost "$hook.ankus-tracked" "$hook.bare-40"
	flows_are '.elephants == 40'
	ankus_off
}

measure_rules() {
	local n
	for n in 0 100 10000; do
		ankus_rules $n
		ankus_on rate 1mbit hold 0ms release 60s
		packets $warmup
		cost "$1.ankus-rules-$n" "$1.bare-40"
		flows_are '.elephants == 40'
		ankus_off
	done
}

# Elephants and packets of random tuples by turns.
measure_flood() {
	generators 2 netif_receive
	traffic 0 40
	traffic 1 8000000 tuples
	cost "$1.bare-flood" -
	ankus_on rate 1mbit hold 0ms release 60s
	packets $warmup
	cost "$1.ankus-flood" "$1.bare-flood" $many
	echo "count $1.elephants-after-flood $(ankus -j stats |
		gojq '.[0].elephants')" >>"$out"
	ankus_off
}

measure_peers() {
	local hook=$1

	traffic 0 1000
	nft_on "$hook"
	cost "$hook.nft-empty-chain" "$hook.bare-1000"
	nft_off
	nft_on "$hook" "$nft_set"
	cost "$hook.nft-dynamic-set-1000" "$hook.bare-1000"
	nft_off
	flower_on "$hook"
	cost "$hook.flower-64" "$hook.bare-1000"
	flower_off

	traffic 0 1000000 random
	nft_on "$hook" "$nft_set"
	cost "$hook.nft-dynamic-set-1000000" "$hook.bare-1000000"
	nft_off
}

# As if a rule asked for it, but without the rule
conntrack_on() {
	modprobe nf_conntrack enable_hooks=1 hashsize=262144 ||
		die "nf_conntrack"
	sysctl -qw net.netfilter.nf_conntrack_acct=1 \
		net.netfilter.nf_conntrack_max=1048576 || die "sysctl"
}

conntrack_off() {
	[ "$(sysctl -n net.netfilter.nf_conntrack_count)" -ge 1000 ] ||
		die "conntrack does not track"
	rmmod nf_conntrack || die "rmmod nf_conntrack"
}

measure_conntrack() {
	traffic 0 1000
	conntrack_on
	cost "$1.conntrack-1000" "$1.bare-1000"
	conntrack_off
	traffic 0 1000000 random
	conntrack_on
	cost "$1.conntrack-1000000" "$1.bare-1000000"
	conntrack_off
}

# A qdisc stands where there was none, so it is compared with the simplest.
measure_hhf() {
	traffic 0 1000
	tc qdisc add dev $dev root pfifo || die pfifo
	cost "$1.bare-pfifo" -
	tc qdisc replace dev $dev root hhf || die hhf
	cost "$1.hhf" "$1.bare-pfifo"
	tc qdisc del dev $dev root || die "tc qdisc del"
}

# How soon flows are found that begin to be large
measure_onset() {
	[ -d /sys/kernel/tracing/instances ] ||
		mount -t tracefs tracefs /sys/kernel/tracing || die "no tracefs"
	ulimit -n 4096 || die "ulimit"
	ip route add 10.8.0.0/16 dev $dev || die "no route"
	ankus_on rate 8mbit hold 0ms tick 100ms
	python3 "$here/onset.py" 8000000 100 $onsets >"${out%/*}/onset" ||
		die "onset.py"
	flows_are '.flows >= 1000'
	ankus_off
	ip route del 10.8.0.0/16 dev $dev || die "ip route del"
}

modprobe -a pktgen dummy || die "no pktgen or dummy"
ip link add $dev type dummy || die "no dummy device"
ip addr add 10.9.0.1/32 dev $dev || die "no address"
ip link set $dev up || die "not up"
# It says so when it is there.
coproc python3 "$here/sink.py" $port
sink=$COPROC_PID
read -r _ <&"${COPROC[0]}" || die "no socket"
insmod "${ANKUS_KO:-$build/${ANKUS_KERNEL:-6.1}/ankus.ko}" || die "no ankus.ko"

generators 1 netif_receive
measure_ankus ingress
if [ -z "$quick" ]; then
	measure_rules ingress
	measure_peers ingress
	measure_conntrack ingress
	traffic 0 1000
	cost ingress.bare-again ingress.bare-1000
	measure_flood ingress
fi
generators 1 queue_xmit
measure_ankus egress
[ -n "$quick" ] || {
	measure_peers egress
	measure_hhf egress
}
measure_onset
kill "$sink"
echo "end" >>"$out"
