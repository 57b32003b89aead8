#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What drivers are known to do wrong with rules, beyond rx_ntuple.sh: each is
# met by a state that an operator sees, a rule of nobody else is touched, and
# none of ours is left.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=nic.sh
. "$(dirname "$0")/nic.sh"

command -v ethtool >/dev/null || skip_all "no ethtool"

flows=6

# --- helpers ---------------------------------------------------------------

# retry: what was refused or parked is tried at once, not after its pause
retry() {
	local id
	for id in $(ankus -n "$right" -j flow show state elephant dir in |
			jq '.[].id'); do
		ankus -n "$right" flow pin "$id" auto
	done
}

# A flow, and a queue that it is not on: to pin it there takes the driver
elsewhere() {
	ankus -n "$right" -j flow show state elephant dir in | jq -r '.[0] |
		"\(.id) \(if .rx_queue.current == 1 then 2 else 1 end)"'
}

# all_are DESC SECONDS CONDITION
all_are() {
	check_until "$1" "$2" flows_are "$right" $flows "$big" "$3"
}

# Datagrams with something between addresses and ports, or of a given source
# port: sender OPTIONS SOURCE-PORT ADDRESS PORT
sender_pid=''
sender() {
	ip netns exec "$left" python3 -c '
import socket, sys, time
options, source, address, port = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(source)))
if options:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex(options))
while True:
    try:
        s.sendto(bytes(500), (address, int(port)))
    except OSError:
        pass
    time.sleep(0.01)' "$@" >/dev/null 2>&1 </dev/null &
	sender_pid=$!
	disown
}

sender_stop() {
	kill -9 "$sender_pid" 2>/dev/null
}

# XDP program that lets all pass, bound to s0 until xdp_unbind; by the core, as
# the driver has no XDP of its own
xdp_pid=''
xdp_bind() {
	ip netns exec "$right" python3 -c '
import ctypes, platform, socket, struct, sys, time
number = {"x86_64": 321}.get(platform.machine(), 280)
libc = ctypes.CDLL(None, use_errno=True)
def bpf(command, attr):
    attr = ctypes.create_string_buffer(attr, 128)
    fd = libc.syscall(number, command, attr, len(attr))
    if fd < 0:
        print("bpf: error %d" % ctypes.get_errno(), flush=True)
        sys.exit(1)
    return fd
# r0 = XDP_PASS; exit
program = ctypes.create_string_buffer(
    struct.pack("=BBhi", 0xb7, 0, 0, 2) + struct.pack("=BBhi", 0x95, 0, 0, 0))
license = ctypes.create_string_buffer(b"GPL")
fd = bpf(5, struct.pack("=IIQQ", 6, 2, ctypes.addressof(program),
                        ctypes.addressof(license)))
# BPF_LINK_CREATE of BPF_XDP, generic
link = bpf(28, struct.pack("=IIII", fd, socket.if_nametoindex("s0"), 37, 2))
print("bound", flush=True)
time.sleep(100000)' >"$lib_out/xdp" 2>&1 </dev/null &
	xdp_pid=$!
	disown
	wait_until 20 grep -qE "^b" "$lib_out/xdp" && grep -q bound "$lib_out/xdp" &&
		return
	cat "$lib_out/xdp"
	return 1
}

xdp_unbind() {
	kill -9 "$xdp_pid" 2>/dev/null
	wait_until 20 xdp_unbound
}

xdp_unbound() {
	! ip -n "$right" -d link show dev s0 | grep -q xdp
}

# --- tests -----------------------------------------------------------------

test_locations() {
	quirk loc-any-enospc on
	manage
	all_verified "loc-any-enospc: in slots that are free" 60
	check_until "loc-any-enospc: by a rule each" 20 ours_are $flows
	unmanage "loc-any-enospc"
	quirk loc-any-enospc off

	quirk loc-any-untold on
	manage
	all_verified "loc-any-untold: verified" 60
	check_until "loc-any-untold: by a rule each" 20 ours_are $flows
	check "loc-any-untold: the places are found out" \
		places_are_true
	unmanage "loc-any-untold"
	quirk loc-any-untold off

	# 2^31 slots are one bit, which says that the driver chooses
	quirk loc-any-refused on
	knob report_slots 2147483648
	manage
	all_verified "a table of 2^31 slots: verified" 60
	check_until "a table of 2^31 slots: by a rule each" 20 ours_are $flows
	unmanage "a table of 2^31 slots"

	knob report_slots 2147483647
	manage
	all_verified "a table of 2^31 - 1 slots: verified" 60
	unmanage "a table of 2^31 - 1 slots"

	knob report_slots 3
	manage
	all_are "a table smaller than its rules: parked" 60 \
		'.rx_queue.state == "parked" and .rx_queue.error == 28'
	check "a table smaller than its rules: has none of ours" ours_are 0
	unmanage "a table smaller than its rules"
	knob report_slots 4294967295
	quirk loc-any-refused off
}

# Is the rule of each flow where ankus says?
places_are_true() {
	local port location
	ankus -n "$right" -j flow show state elephant dir in |
		jq -r '.[] | "\(.dport) \(.rx_queue.location)"' >"$lib_out/places"
	[ -s "$lib_out/places" ] || return
	while read -r port location; do
		on_nic -n s0 rule "$location" | grep -q "Dest port: $port mask: 0x0" || {
			echo "$port is not at $location"
			return 1
		}
	done <"$lib_out/places"
}

# Rules of others in every slot, and what drivers say then
test_others_everywhere() {
	local location quirk

	knob slots 8
	for location in 1 2 3 4 6 7; do
		quietly on_nic -N s0 flow-type tcp4 dst-port $((9000 + location)) \
			action 1 loc "$location"
	done
	for quirk in '' full-einval full-ebusy; do
		[ -z "$quirk" ] || quirk "$quirk" on
		manage
		all_are "rules of others in every slot${quirk:+, $quirk}: parked" 60 \
			'.rx_queue.state == "parked" and .rx_queue.error == 28 and
			 (.rx_queue.reason | length > 0)'
		check "as counted" stat_is "$right" s0 ".parked == $flows and
			.rules_installed == 0"
		unmanage "rules of others in every slot${quirk:+, $quirk}"
		[ -z "$quirk" ] || quirk "$quirk" off
	done

	manage
	all_are "again: parked" 60 '.rx_queue.state == "parked"'
	for location in 1 2 3 4 6 7; do
		on_nic -N s0 delete "$location"
	done
	knob slots 64
	all_verified "when they have gone: verified" 120
	ankus -n "$right" dev del s0
	check_is "others' rules that are left" "$foreign_locations" "$(locations)"
}

# A full table is for the largest flows
test_priority() {
	local small='.dport < 5450' large='.dport >= 5450' before after

	knob slots 8
	manage
	check_until "room for 6: $flows are pinned" 60 flows_are "$right" $flows \
		"$big" "$verified"
	# 5 times the rate of the others
	mesh_start "$left" 10.0.0.9 5450 2 1000
	check_until "2 larger flows: they are pinned" 120 flows_are "$right" 2 \
		"$big and $large" "$verified"
	check_until "and 4 small ones" 60 flows_are "$right" 4 \
		"$big and $small and .rx_queue.state == \"verified\"" true
	check_until "the others made room" 20 flows_are "$right" 2 \
		"$big and $small and .rx_queue.state != \"verified\"" \
		'.rx_queue.state == "parked" and .rx_queue.error == 28 and
		 (.rx_queue.reason | length > 0)'
	check_until "by a rule each" 20 ours_are 6
	# None of about the same size drives another out.
	before=$(stat_of "$right" s0 rules_removed)
	sleep $((3 * lib_slow))
	after=$(stat_of "$right" s0 rules_removed)
	check_is "that is the end of it" "$before" "$after"
	mesh_stop 5450
	check_until "when the larger ones end, the small ones are back" 120 \
		flows_are "$right" $flows "$big and $small" "$verified"
	unmanage "a full table"
	knob slots 64
}

# A rule for TCP which takes UDP as well
test_protocol() {
	quirk ignore-proto on
	tcp_start "$left" "$right" 10.0.0.2 5301 1 400K -l 4K --cport 6301
	sender '' 6301 10.0.0.2 5301
	manage
	check_until "ignore-proto: one of two with the same ports is verified" 60 \
		flows_are "$right" 1 "$big and .sport == 6301 and
		.rx_queue.state == \"verified\"" true
	check_each "ignore-proto: the other refused, with error and reason" 60 \
		"$right" 1 "$big and .sport == 6301 and .rx_queue.state != \"verified\"" \
		'.rx_queue.state == "refused" and .rx_queue.error == 17 and
		 (.rx_queue.reason | length > 0)'
	unmanage "ignore-proto"
	sender_stop
	tcp_stop 5301
	quirk ignore-proto off
}

# Packets that the NIC's parser does not get through
test_extras() {
	quirk miss-extras on
	# four NOPs
	sender 01010101 6302 10.0.0.9 5302
	manage
	check_each "miss-extras: IP options: ineffective, with the reason" 60 \
		"$right" 1 "$big and .dport == 5302" \
		'.rx_queue.state == "ineffective" and (.rx_queue.reason | length > 0)'
	check_until "miss-extras: flows without are verified" 60 flows_are \
		"$right" $flows "$big and .dport != 5302" "$verified"
	unmanage "miss-extras, IP options"
	sender_stop

	ip -n "$left" link add link s0p name s0p.7 type vlan id 7
	ip -n "$left" addr add 10.7.0.1/24 dev s0p.7
	ip -n "$left" link set s0p.7 up
	ip -n "$left" neigh add 10.7.0.9 dev s0p.7 \
		lladdr "$(ip -n "$right" -j link show dev s0 | jq -r '.[0].address')"
	sender '' 6303 10.7.0.9 5303
	manage
	check_each "miss-extras: VLAN tag: ineffective, with the reason" 60 \
		"$right" 1 "$big and .dport == 5303" \
		'.rx_queue.state == "ineffective" and (.rx_queue.reason | length > 0)'
	quirk miss-extras off
	retry
	check_until "a NIC that looks behind the tag: verified" 120 flows_are \
		"$right" 1 "$big and .dport == 5303" "$verified"
	unmanage "miss-extras, VLAN tag"
	sender_stop
	ip -n "$left" link del s0p.7
}

# A rule to a queue outside of the RSS table, which the firmware takes for any:
# now and then a packet comes by the right one.
test_stray() {
	quirk stray-outside-rss on
	manage
	check_each "stray-outside-rss: ineffective, with the reason" 90 "$right" \
		$flows "$big" '.rx_queue.state == "ineffective" and
		(.rx_queue.reason | length > 0)'
	check "stray-outside-rss: never verified" stat_is "$right" s0 \
		'.verified == 0'
	on_nic -X s0 equal 8
	retry
	all_verified "with the queues in the table: verified" 120
	unmanage "stray-outside-rss"
	on_nic -X s0 equal 1
	quirk stray-outside-rss off
}

test_lost_inserts() {
	quirk lose-inserts on
	manage
	all_verified "lose-inserts: noticed and made up for" 120
	check "lose-inserts: counted" stat_is "$right" s0 '.rules_lost >= 1'
	check_until "lose-inserts: a rule each" 20 ours_are $flows
	unmanage "lose-inserts"
	quirk lose-inserts off
}

# Queues that go away while a rule is being inserted
test_channels() {
	local id queue

	manage
	all_verified "before queues go away" 60
	read -r id queue <<<"$(elsewhere)"
	knob insert_channels 4
	ankus -n "$right" flow pin "$id" queue "$queue"
	check_until "queues go away meanwhile: noticed" 30 dev_is "$right" s0 \
		'.num_rx_queues == 4'
	ankus -n "$right" flow pin "$id" auto
	check_until "all are on those that are left" 90 flows_are "$right" $flows \
		"$big" "$verified and .rx_queue.current < 4"
	check_until "by a rule each" 20 ours_are $flows
	on_nic -L s0 combined 8
	on_nic -X s0 equal 1
	unmanage "fewer queues"
}

# A device that goes away while a rule is being inserted
test_detached() {
	local id queue

	manage
	all_verified "before the device goes away" 60
	read -r id queue <<<"$(elsewhere)"
	knob insert_detaches 1
	ankus -n "$right" flow pin "$id" queue "$queue"
	sleep "$lib_slow"
	check "a device that is gone: told of in an answer" \
		ankus -n "$right" dev show s0
	knob attach 1
	ankus -n "$right" flow pin "$id" auto
	retry
	all_verified "back again: verified" 120
	check_until "by a rule each" 20 ours_are $flows
	read -r id queue <<<"$(elsewhere)"
	knob insert_detaches 1
	ankus -n "$right" flow pin "$id" queue "$queue"
	sleep "$lib_slow"
	knob attach 1
	unmanage "a device that was gone"
}

# Whatever the driver says: the state tells it, and nothing is left
test_every_errno() {
	local errno want bad=''

	quirk loc-any-refused on
	manage
	all_verified "before errors" 60
	ankus -n "$right" dev set s0 backend none
	check_until "no rules" 30 ours_are 0
	for ((errno = 1; errno <= 133; errno += 1 + lib_slow)); do
		case $errno in
		7 | 16 | 28) want='.rx_queue.state == "parked" and .rx_queue.error == 28' ;;
		*) want=".rx_queue.state == \"refused\" and .rx_queue.error == $errno" ;;
		esac
		knob insert_errno "$errno"
		ankus -n "$right" dev set s0 backend ntuple
		wait_until 20 flows_are "$right" $flows "$big" "$want" \
			>"$lib_out/errno" || bad+=" $errno"
		ankus -n "$right" dev set s0 backend none
	done
	[ -z "$bad" ] || lib_diag_file "$lib_out/errno"
	check_is "errors that are not told" '' "$bad"
	check "no rule of ours" ours_are 0
	knob insert_errno 0
	ankus -n "$right" dev set s0 backend ntuple
	all_verified "without errors: verified" 120
	unmanage "every error"
	quirk loc-any-refused off
}

# A driver that sleeps for seconds, and a device that is given up meanwhile
test_sleeper() {
	manage
	check_until "observed" 30 flows_are "$right" $flows "$big" true
	knob insert_delay_us 2000000
	ankus -n "$right" flow pin "$(ankus -n "$right" -j flow show \
		state elephant dir in | jq '.[0].id')" queue 4
	unmanage "a driver that sleeps for seconds"
	knob insert_delay_us 0
}

# Rules that an XDP program makes useless
test_xdp() {
	if ! xdp_bind && grep -q 'error 38' "$lib_out/xdp"; then
		skip "xdp-no-steer" "this kernel has no BPF"
		return
	fi
	xdp_unbind
	manage
	all_verified "before an XDP program is bound" 60
	check "an XDP program is bound" xdp_bind
	sleep "$lib_slow"
	all_verified "a NIC that steers all the same: verified" 60
	check "and no rule was doubted" stat_is "$right" s0 '.ineffective == 0'
	quirk xdp-no-steer on
	check_each "xdp-no-steer: ineffective, with the reason" 90 "$right" \
		$flows "$big" '.rx_queue.state == "ineffective" and
		(.rx_queue.reason | length > 0)'
	check_until "xdp-no-steer: the rules are removed" 120 ours_are 0
	check "it is not bound any more" xdp_unbind
	retry
	all_verified "without it: verified" 120
	unmanage "xdp-no-steer"
	quirk xdp-no-steer off
}

# Two devices, one table
test_shared() {
	local on_s1='.dport >= 5500'

	ip -n "$right" link add s1 type simnic &&
		ip -n "$right" link set s1p netns "$left"
	in_ns "$right" ethtool -K s1 ntuple on gro off
	in_ns "$right" ethtool -X s1 equal 1
	address_pair "$left" s1p "$right" s1 1
	echo s0 >/sys/kernel/debug/simnic/s1/share_table
	mesh_start "$left" 10.1.0.9 5500 $flows 200
	manage
	ankus -n "$right" dev add s1 mode steer rate 75kbit release 5s \
		rx-queues 1-7 backend ntuple
	check_until "a table of two devices: all flows are verified" 90 \
		flows_are "$right" $((2 * flows)) "$big" "$verified"
	check_until "by a rule each" 20 ours_are $((2 * flows))
	check "none was lost" stat_is "$right" s0 '.rules_lost == 0'
	check "on either" stat_is "$right" s1 '.rules_lost == 0'

	# The flows of s0 come by the other one: the rules are there, and another's
	ip -n "$left" neigh add 10.0.0.9 dev s1p \
		lladdr "$(ip -n "$right" -j link show dev s1 | jq -r '.[0].address')"
	ip -n "$left" route add 10.0.0.9 dev s1p src 10.0.0.1
	check_until "flows that change to the other device: verified there" 120 \
		flows_are "$right" $flows "$big and .ifname == \"s1\" and
		($on_s1 | not)" "$verified"
	check_until "still by a rule each" 20 ours_are $((2 * flows))
	ip -n "$left" route del 10.0.0.9 dev s1p
	check_until "and back" 120 flows_are "$right" $flows \
		"$big and .ifname == \"s0\"" "$verified"

	ankus -n "$right" dev del s1
	check_until "one device is given up: the other's are left" 20 \
		ours_are $flows
	sleep "$lib_slow"
	check "and not lost" flows_are "$right" $flows "$big" "$verified"
	mesh_stop 5500
	unmanage "a table of two devices"
	ip -n "$right" link del s1
	check_is "others' rules stay" "$foreign_locations" "$(locations)"
}

# Hardware that keeps its rules when the driver goes
test_kept() {
	quirk keep-rules on
	manage
	all_verified "before the module goes" 60
	check "it goes" unload_module ankus
	check "no rule of ours is left" ours_are 0
	check "it comes again" insmod "$ANKUS_KO"
	check "and finds none" ours_are 0
	manage
	all_verified "before the device goes" 60
	ip -n "$right" link del s0
	check "it comes again" simnic_pair "$left" "$right"
	check_is "with others' rules alone" "$foreign_locations" "$(locations)"

	quirk keep-rules on
	on_nic -K s0 gro off
	on_nic -X s0 equal 1
	address_pair "$left" s0p "$right" s0
	manage
	all_verified "before the network namespace goes" 60
	lib_delete_ns "$right"
	check_until "the device with it" 20 eval \
		'! ip -n "$left" link show dev s0p'
	ip netns add "$right"
	check "it comes again" simnic_pair "$left" "$right"
	check_is "with others' rules alone" "$foreign_locations" "$(locations)"
}

# --- run -------------------------------------------------------------------

left='' right=''
setup_ns left right
quiet_ns "$left" "$right"
nic_start
mesh_start "$left" 10.0.0.9 5400 $flows 200

test_locations
test_others_everywhere
test_priority
test_protocol
test_extras
test_stray
test_lost_inserts
test_channels
test_detached
test_every_errno
test_sleeper
test_xdp
test_shared
test_kept
finish
