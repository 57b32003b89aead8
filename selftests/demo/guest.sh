#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh OUT: the part of the demo that runs in the VM.  It sets up networks,
# runs traffic and takes snapshots of the system's counters, which go to
# OUT/<phase>/; all arithmetic on them is done by report.py, outside.
#
# Its output is for report.py, too: a line that begins with '@' is an event,
# any other is shown as it is.
set -uo pipefail

out=$1
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../../build" && pwd)
total_mbps=240000
scale=

# Packets of 64 KiB would be long bursts at rates so small; this is room for
# five segments. Less takes more of the CPU than an emulated one has.
gso_bytes=8192

# Seconds.
probe_seconds=2
demand_seconds=3
phase_seconds=7
rx_phase_seconds=5
settle_seconds=2

mice_port=7777
mice_local_port=30000
mice_connections=64
mice_per_second=100

# shellcheck source=mesh.sh
. "$here/mesh.sh"
# shellcheck source=nic.sh
. "$here/nic.sh"
# shellcheck source=streams.sh
. "$here/streams.sh"
# shellcheck source=pins.sh
. "$here/pins.sh"

event() {
	echo "@$*"
}

fail() {
	streams_complaints
	event fail "$*"
	exit 1
}

# try_for SECONDS COMMAND...: until it succeeds
try_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt "$end" ] || return 1
		sleep 0.2
	done
}

# wait_for SECONDS WHAT COMMAND...: it has to succeed
wait_for() {
	local seconds=$1 what=$2
	shift 2
	try_for "$seconds" "$@" || fail "gave up waiting for $what"
}

# await_pins NAMESPACE DEVICE KIND COUNT: the report tells how many are there
await_pins() {
	event say "waiting for $4 pins"
	try_for 15 pins_in_force "$@" ||
		event say "not all pins are in force, measuring all the same"
}

# publish FOLDER NAME: hand over to the host
publish() {
	if ! cp -r "$1" "$out/$2" || ! sync -f "$out/$2"; then
		fail "cannot write to $out"
	fi
}

# snapshot NAMESPACE PHASE start|end [NIC]: before all other processes, so that
# the counters are read at about the same time
snapshot() {
	chrt -f 1 ip netns exec "$1" "$here/snapshot.sh" "/run/demo/$2/$3" "${4:-}" ||
		fail "cannot read the counters in $1"
}

# The scale at which this machine has several times the power needed, judged
# by a stream without segmentation offload, whose cost is in its packets.
choose_scale() {
	local mbps

	event say "measuring how fast this machine is"
	ip netns exec gpu iperf3 -s -1 -p $streams_first_port >/dev/null &
	wait_for 10 "iperf3" streams_serving gpu 1
	ip netns exec storage ethtool -K bond0 tso off gso off
	mbps=$(ip netns exec storage iperf3 -J -t $probe_seconds -p $streams_first_port \
		-B 10.0.0.1 -c 10.0.0.101 |
		gojq '.end.sum_received.bits_per_second / 1e6 | floor') ||
		fail "the first TCP stream did not get through"
	ip netns exec storage ethtool -K bond0 tso on gso on

	# All that the streams carry, scaled, is to be a twelfth of it. Where
	# that is too little, 1:4000 still gets along with a quarter.
	for scale in 400 1000 2000 4000; do
		[ $((total_mbps * 12 / scale)) -gt "$mbps" ] || break
	done
	[ $((total_mbps * 4 / scale)) -le "$mbps" ] || scale=8000
	event scale "$scale" "$mbps"
}

# tx_phase PHASE: mice run for as long as the phase is measured, before all
# other processes: theirs is to be the network's time, not that of a queue of
# eighty programs for two emulated CPUs.
tx_phase() {
	local name=$1 pairs=() n

	event say "measuring $phase_seconds s"
	for ((n = 0; n < 20; n++)); do
		pairs+=("10.0.0.$((n % 4 + 1))-10.0.0.$((n % 10 + 101))")
	done
	snapshot storage "$name" start
	ip netns exec storage chrt -f 1 "$build/demo/mice" client $mice_port \
		$mice_local_port $mice_connections $mice_per_second \
		$phase_seconds "${pairs[@]}" >"/run/demo/$name/mice.json" ||
		fail "the small requests did not get through"
	snapshot storage "$name" end
	publish "/run/demo/$name" "$name"
	event phase "$name"
}

tx_draw() {
	local draw=$1 table=$build/demo/draw-$1 count
	count=$(wc -l <"$table")

	event draw "$draw"
	mesh_limit $scale 20 || fail "cannot shape the links"
	ankus -n storage dev add bond0 mode observe \
		rate $((1000000000 / scale))bit || fail "ankus dev add failed"
	event say "starting $count streams"
	streams_start storage "$table" "$mesh_source" \
		"$mesh_destination" "$scale"
	wait_for 40 "$count streams" streams_running storage "$count"
	sleep 2

	event say "measuring what the hash asks of each link, unlimited"
	snapshot storage "tx-$draw-demand" start
	sleep $demand_seconds
	snapshot storage "tx-$draw-demand" end
	publish "/run/demo/tx-$draw-demand" "tx-$draw-demand"
	event phase "tx-$draw-demand"
	mesh_limit $scale || fail "cannot shape the links"
	sleep $settle_seconds
	tx_phase "tx-$draw-before"

	event say "ankus dev set bond0 mode steer"
	ankus -n storage dev set bond0 mode steer || fail "ankus dev set failed"
	await_pins storage bond0 link "$count"
	sleep $settle_seconds
	tx_phase "tx-$draw-after"
	pins_publish storage bond0 "tx-$draw"
	streams_running storage "$count" || fail "a stream ended early"

	ankus -n storage dev del bond0 || fail "ankus dev del failed"
	streams_stop
	wait_for 20 "the streams to stop" streams_stopped storage
}

tx() {
	local count
	count=$(wc -l <"$build/demo/draw-1")

	event say "building the network"
	mesh_up $gso_bytes || fail "cannot build the network"
	wait_for 20 "LACP" mesh_is_ready
	choose_scale
	event say "starting servers"
	streams_serve gpu "$build/demo/draw-1" "$mesh_destination"
	ip netns exec gpu chrt -f 1 "$build/demo/mice" server $mice_port &
	wait_for 40 "$count servers" streams_serving gpu "$count"
	for draw in 1 2 3; do
		tx_draw "$draw"
	done
}

rx() {
	local table=$build/demo/draw-rx count phase
	count=$(wc -l <"$table")

	event rx
	nic_up $gso_bytes || fail "cannot set up the test NIC"
	ankus -n receiver dev add s0 mode observe \
		rate $((1000000000 / scale))bit || fail "ankus dev add failed"
	streams_serve receiver "$table" "$nic_destination"
	wait_for 40 "$count servers" streams_serving receiver "$count"
	event say "starting $count streams"
	streams_start sender "$table" "$nic_source" \
		"$nic_destination" "$scale"
	wait_for 40 "$count streams" streams_running sender "$count"
	sleep $settle_seconds

	for phase in before after; do
		if [ $phase = after ]; then
			event say "ankus dev set s0 mode steer"
			ankus -n receiver dev set s0 mode steer ||
				fail "ankus dev set failed"
			await_pins receiver s0 rx_queue "$count"
			sleep $settle_seconds
		fi
		event say "measuring $rx_phase_seconds s"
		snapshot receiver rx-$phase start s0
		sleep $rx_phase_seconds
		snapshot receiver rx-$phase end s0
		publish /run/demo/rx-$phase rx-$phase
		event phase rx-$phase
	done
	pins_publish receiver s0 rx
	streams_running sender "$count" || fail "a stream ended early"
	streams_stop
}

mkdir -p /run/demo
for module in bonding veth sch_tbf; do
	modprobe $module || fail "cannot load $module"
done
for module in ankus simnic; do
	insmod "$build/$ANKUS_KERNEL/$module.ko" ||
		fail "cannot load $module"
done
accelerator=KVM
! grep -q 'model name.*TCG' /proc/cpuinfo || accelerator=TCG
event kernel "$(uname -r)" $accelerator
tx
rx
event end
