#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What rules ask for beside steering, as words, and of packets: priority, DSCP and
# mark, seen on the wire and in queueing disciplines.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=acting.sh
. "$(dirname "$0")/acting.sh"

for tool in ss tc python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

# tagged.py DEV MAC PORT: datagrams in frames that have their VLAN tag in the data
cat >"$lib_out/tagged.py" <<-'END'
	import socket, struct, sys, time

	dev, mac, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
	sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	sock.bind((dev, 0))
	udp = struct.pack("!HHHH", 4000, port, 1008, 0) + bytes(1000)
	ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0x02, 20 + len(udp), 1, 0, 64, 17, 0,
	                 socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.9"))
	total = sum(struct.unpack("!10H", ip))
	total = (total & 0xffff) + (total >> 16)
	ip = ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:]
	frame = (bytes.fromhex(mac.replace(":", "")) + sock.getsockname()[4] +
	         b"\x81\x00\x00\x05\x08\x00" + ip + udp)
	while True:
	    sock.send(frame)
	    time.sleep(0.01)
END

# Bytes of a band of the qdisc prio
band_bytes() {
	tc -n "$left" -s class show dev v0 | awk -v class="1:$1" '
		$1 == "class" { this = $3 == class }
		this && $1 == "Sent" { print $2 }'
}

band_grows() {
	local before
	before=$(band_bytes "$1")
	wait_until 5 eval '[ "$(band_bytes '"$1"')" -gt $(('"$before"' + 20000)) ]'
}

band_rests() {
	local before
	before=$(band_bytes "$1")
	sleep 1
	[ "$(band_bytes "$1")" -eq "$before" ]
}

# --- words ------------------------------------------------------------------

test_words_back() {
	local rule='pref 7 dev v0 proto tcp action tx-queues 1 pace 20Gbit priority 3 set-dscp cs1 set-mark 0x10/0xf0 repath'

	# shellcheck disable=SC2086 # words
	check "all of them at once" ankus -n "$left" rule add ${rule/Gbit/gbit}
	check "and behind auto" ankus -n "$left" rule add pref 8 action auto \
		set-mark 0x30/0x70 priority 0 set-dscp 0
	check "and some without auto" ankus -n "$left" rule add pref 9 action \
		pace 1.5gbit
	ankus -n "$left" rule show >"$lib_out/rules"
	check_is "they are shown as they were given" "$rule" \
		"$(head -n 1 "$lib_out/rules")"
	check_is "with auto" \
		"pref 8 action auto priority 0 set-dscp cs0 set-mark 0x30/0x70" \
		"$(sed -n 2p "$lib_out/rules")"
	check_json "in JSON" '.[0] | .pace_bps == 20000000000 and .priority == 3 and
		.set_dscp == 8 and .set_mark == 16 and .set_mark_mask == 240 and
		.repath' ankus -n "$left" -j rule show pref 7
	check_json "and what is not asked for is not there" '.[0] |
		.repath == false and (has("priority") or has("set_dscp") or
		has("set_mark") | not)' \
		ankus -n "$left" -j rule show pref 9
	rule flush
	sed 's/^/rule add /' "$lib_out/rules" >"$lib_out/batch"
	check "they are taken back from that" ankus -n "$left" -batch "$lib_out/batch"
	ankus -n "$left" rule show >"$lib_out/again"
	check "and are the same" cmp "$lib_out/rules" "$lib_out/again"
	rule flush
}

# --- packets ---------------------------------------------------------------

test_packets() {
	local mac

	ankus -n "$left" dev add v0 mode steer rate 100kbit release 2s
	tc -n "$left" qdisc add dev v0 root handle 1: prio bands 3 \
		priomap 0 0 0 2 0 0 0 0 0 0 0 0 0 0 0 0
	rule add pref 10 dport 5401-5405 action auto priority 3 set-dscp af11 \
		set-mark 0x10/0xf0
	app_start 5401 10.0.0.2 2000 mark=0x2
	app_start 5402 fd00::2 2000
	udp_start "$left" 10.0.0.9 5403 1000
	mac=$(ip -n "$right" -j link show dev v1 | jq -r '.[0].address')
	ip netns exec "$left" python3 "$lib_out/tagged.py" v0 "$mac" 5404 \
		>"$lib_out/tagged" 2>&1 </dev/null &
	app_pid[5404]=$!
	disown
	check_until "all are done for IPv4" 20 in_force 5401 priority set-dscp set-mark
	check_until "and for IPv6" 20 in_force 5402 priority set-dscp set-mark
	check_until "and for datagrams" 20 in_force 5403 priority set-dscp set-mark
	check_until "and in frames with a tag in the data" 20 \
		in_force 5404 priority set-dscp set-mark
	check_until "DSCP of IPv4 on the wire" 20 \
		wire_is "$right" v1 5401 '.dscp == 10'
	check_until "of IPv6" 20 wire_is "$right" v1 5402 '.dscp == 10'
	check_until "of datagrams" 20 wire_is "$right" v1 5403 '.dscp == 10'
	check_until "behind a tag, and ECN as it was" 20 \
		wire_is "$right" v1 5404 '.dscp == 10 and .ecn == 2'
	check_until "the mark of packets, and the application's bits" 20 \
		wire_is "$left" v0 5401 true 0x12 0xffffffff
	check_until "of datagrams" 20 \
		wire_is "$left" v0 5403 true 0x10 0xffffffff
	check "the priority" band_grows 3
	check "the application's priority stays" app_is 5401 '.priority == 0'
	check "streams go on" streams_further 5401 5402
	check "packets are counted" stat_is "$left" v0 '.action_packets > 20 and
		.action_packets_failed == 0 and .actions == 12'
	check "text tells of it" eval 'ankus -n "$left" flow show dir out |
		grep -q "priority 3, set-dscp af11, set-mark 0x10/0xf0"'
	check "datagrams have no socket to mark" acts 5403 \
		'."set-mark".reason | test("no local TCP socket")'
	check "the kernel has no bad checksum" eval \
		'[ "$(snmp "$right" IpInHdrErrors TcpInCsumErrors UdpInCsumErrors)" -eq 0 ]'

	rule replace pref 10 dport 5401-5405 action auto set-dscp ef
	check_until "replaced: another DSCP" 20 \
		wire_is "$right" v1 5401 '.dscp == 46'
	check_until "and no mark" 20 wire_is "$left" v0 5401 true 0x2 0xffffffff
	check_until "and no priority" 20 band_rests 3
	rule del pref 10
	check_until "deleted: none of it" 20 wire_is "$right" v1 5401 '.dscp == 0'
	check_until "behind a tag" 20 wire_is "$right" v1 5404 \
		'.dscp == 0 and .ecn == 2'
	check_until "and nothing is told of" 20 acts 5401 '. == {}'
	app_stop 5404
	udp_stop 5403
	app_stop 5402
	app_stop 5401
	tc -n "$left" qdisc del dev v0 root
	ankus -n "$left" dev del v0
}

streams_further() {
	local port
	for port; do
		tcp_go_on "$left" "$port" 1 || return
	done
}

# --- forwarded -------------------------------------------------------------

test_forwarded() {
	router "$left" "$middle" "$right"
	ankus -n "$middle" dev add vr mode steer rate 100kbit release 2s
	ankus -n "$middle" rule add pref 1 dport 5431 action auto pace 1gbit \
		set-dscp cs1 set-mark 0x3/0x3 repath
	app_start 5431 10.2.0.2 2000 tos=0x01
	check_until "a router sets the DSCP" 30 wire_is "$right" vm 5431 \
		'.dscp == 8'
	check "and the mark" wire_is "$middle" vr 5431 true 0x3 0xffffffff
	check_until "and tells that it has no socket" 10 acts 5431 \
		'.pace.state == "none" and .pace.reason == "no local TCP socket" and
		.repath.state == "none" and .repath.reason == "no local TCP socket"
		and ."set-dscp".state == "in-force"' "$middle"
	check "as statistics do" stat_is "$middle" vr '.actions_failed == 2'
	check "the stream goes on" tcp_go_on "$left" 5431 1
	ankus -n "$middle" dev del vr
	check_until "without the device there is nothing of it" 10 \
		wire_is "$right" vm 5431 '.dscp == 0'
	app_stop 5431
}

# --- all -------------------------------------------------------------------

left='' right='' middle=''
setup_ns left right middle
load_module ankus
veth_pair "$left" "$right" 2
address_pair "$left" v0 "$right" v1
sink_start "$right" 5401 5402 5431

test_words_back
test_packets
test_forwarded
finish
