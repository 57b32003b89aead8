#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Malformed and unusual headers through both hooks: none is changed, read
# beyond its end or taken for a flow that it is not of.
#
# HEADERS_SEED and HEADERS_COUNT: of the frames that are made at random; those
# of the table in headers/cases.py are always there.
#
# setup_ns assigns; functions are called by name.
# shellcheck disable=SC2154,SC2317,SC2329
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

headers=$lib_dir/headers/run.py
seed=${HEADERS_SEED:-1} count=${HEADERS_COUNT:-1000}
tmp=$lib_out
devs="v0 w0 t0 x0 t1 y0"

# bridge NAME FROM TO: all that FROM receives is sent by TO, nothing the other
# way, and nothing is learned or answered
bridge_make() {
	ip -n "$near" link add "$1" type bridge mcast_snooping 0 stp_state 0 &&
		ip -n "$near" link set "$2" master "$1" &&
		ip -n "$near" link set "$3" master "$1" &&
		ip -n "$near" link set "$2" type bridge_slave learning off \
			flood off mcast_flood off bcast_flood off &&
		ip -n "$near" link set "$3" type bridge_slave learning off &&
		device_up "$near" "$1"
}

# Jumbo frames pass, and no host has something to say of its own.  The MTU is
# what model.py takes it for.
device_up() {
	ip netns exec "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1" &&
		ip -n "$1" link set "$2" mtu 9500 up
}

# The ends in far are where frames arrive, or v1, whence v0 receives them.
make_devices() {
	local pair dev
	for pair in v w x y; do
		ip -n "$near" link add "${pair}0" numtxqueues 2 type veth \
			peer name "${pair}1" numrxqueues 2 netns "$far" || return
	done
	ip -n "$near" tuntap add t0 mode tap &&
		ip -n "$near" tuntap add t1 mode tap vnet_hdr || return
	# As it comes out of the tap, not as GRO makes it.
	ip netns exec "$near" ethtool -K t0 gro off || return
	for dev in $devs; do
		device_up "$near" "$dev" || return
	done
	for dev in v1 w1 x1 y1; do
		device_up "$far" "$dev" || return
	done
	bridge_make br0 v0 w0 && bridge_make br1 t0 x0 &&
		bridge_make br2 t1 y0
}

# Every flow is an elephant after its second packet, and stays one: the packets
# that follow are steered.
manage() {
	ankus -n "$near" dev add "$1" mode steer rate 1bit hold 0s \
		release 3600s flows 65536
}

manage_all() {
	local dev
	for dev in $devs; do
		manage "$dev" || return
	done
}

send_all() {
	"$headers" send "$seed" "$count" "$near" "$far" "$tmp/$1"
}

# Each result of the judge is one of ours.
judged() {
	local line what='' why=''
	while IFS= read -r line; do
		case $line in
		'# '*)
			why+=${line#??}$'\n'
			continue
			;;
		esac
		judged_one "$what" "$why"
		what=$line why=''
	done <"$tmp/judged"
	judged_one "$what" "$why"
}

judged_one() {
	case $1 in
	'not ok '*) not_ok "${1#not ok }" "$2" ;;
	'ok '*) ok "${1#ok }" ;;
	esac
}

load_module ankus
load_module bridge
load_module tun
setup_ns near far
check "devices are there" make_devices
# One large packet is hundreds of small ones behind the device that segments it.
check "long queues" long_backlog
diag "seed $seed, $count frames at random"
check "all frames pass the kernel by itself" send_all without
check "the devices are managed" manage_all
check "all frames pass ankus" send_all with
ankus -n "$near" -j flow show >"$tmp/flows"
ankus -n "$near" -j stats show >"$tmp/stats"
check_json "flows were steered meanwhile" '.[0].pins_tx_queue > 10' \
	ankus -n "$near" -j stats show dev v0
check "what became of them can be told" \
	sh -c "'$headers' judge '$seed' '$count' '$tmp/without' '$tmp/with' \
		'$tmp/flows' '$tmp/stats' >'$tmp/judged'"
judged
for dev in $devs; do
	check "$dev is let go" ankus -n "$near" dev del "$dev"
done
finish
