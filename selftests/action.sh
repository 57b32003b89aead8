#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What rules ask for beside steering: pace, priority, DSCP, mark and path, seen
# on the wire, in queueing disciplines and by the application; and that what the
# application had, or sets meanwhile, is there after all.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

for tool in iperf3 ss tc python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
[ -x "$NLRAW" ] || skip_all "no $NLRAW (make -C selftests)"

# --- programs --------------------------------------------------------------

# An application: a stream, whose socket it is told to look at or to change.
# app.py ADDRESS PORT KBIT COMMANDS ANSWERS [OPTION=VALUE...]
cat >"$lib_out/app.py" <<-'END'
	import json, os, select, socket, struct, sys, time

	address, port, kbit, commands, answers = sys.argv[1:6]
	family = socket.AF_INET6 if ":" in address else socket.AF_INET
	names = {"mark": 36, "pace": 47, "priority": 12, "txrehash": 74}
	sock = socket.socket(family, socket.SOCK_STREAM)

	def put(word):
	    name, value = word.split("=")
	    value = int(value, 0)
	    if name == "tos":
	        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, value)
	    elif name == "pace":
	        sock.setsockopt(socket.SOL_SOCKET, 47, struct.pack("Q", value))
	    else:
	        sock.setsockopt(socket.SOL_SOCKET, names[name], value)

	def get(name):
	    size = 8 if name == "pace" else 4
	    raw = sock.getsockopt(socket.SOL_SOCKET, names[name], size)
	    return int.from_bytes(raw, sys.byteorder)

	for word in sys.argv[6:]:
	    put(word)
	while True:
	    try:
	        sock.connect((address, int(port)))
	        break
	    except ConnectionRefusedError:
	        time.sleep(0.1)
	sock.setblocking(False)
	fifo = os.open(commands, os.O_RDWR)
	data, n = b"x" * 16384, 0
	step = len(data) * 8 / (int(kbit) * 1000) if int(kbit) else 0
	due = time.monotonic()
	while True:
	    now = time.monotonic()
	    due = max(due, now - 1)
	    writers = [sock] if now >= due else []
	    ready = select.select([fifo], writers, [], max(due - now, 0))
	    if ready[1]:
	        try:
	            sock.send(data)
	        except BlockingIOError:
	            pass
	        due += step
	    if ready[0]:
	        for word in os.read(fifo, 4096).decode().split():
	            if "=" in word:
	                put(word)
	        n += 1
	        told = {name: get(name) for name in ("mark", "pace", "priority")}
	        told["n"] = n
	        with open(answers + ".new", "w") as f:
	            json.dump(told, f)
	        os.rename(answers + ".new", answers)
END

# sink.py PORT...: takes what streams bring, of whatever family
cat >"$lib_out/sink.py" <<-'END'
	import select, socket, sys

	socks = []
	for port in sys.argv[1:]:
	    sock = socket.create_server(("", int(port)), family=socket.AF_INET6,
	                                dualstack_ipv6=True)
	    socks.append(sock)
	listeners = set(socks)
	while True:
	    for sock in select.select(socks, [], [])[0]:
	        if sock in listeners:
	            socks.append(sock.accept()[0])
	            continue
	        try:
	            got = sock.recv(1 << 20)
	        except OSError:
	            got = b""
	        if not got:
	            socks.remove(sock)
	            sock.close()
END

# peek.py DEV PORT COUNT [MARK MASK]: what packets to a port look like on a
# device, only those with a mark if one is given: each kind once
cat >"$lib_out/peek.py" <<-'END'
	import ctypes, json, socket, struct, sys, time

	dev, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
	if len(sys.argv) > 4:
	    value, mask = (int(word, 0) for word in sys.argv[4:6])
	    ad_mark = 0xfffff000 + 20
	    code = [(0x20, 0, 0, ad_mark), (0x54, 0, 0, mask),
	            (0x15, 0, 1, value), (6, 0, 0, 65535), (6, 0, 0, 0)]
	    raw = b"".join(struct.pack("HBBI", *insn) for insn in code)
	    buf = ctypes.create_string_buffer(raw)
	    prog = struct.pack("HL", len(code), ctypes.addressof(buf))
	    sock.setsockopt(socket.SOL_SOCKET, 26, prog)
	sock.bind((dev, 3))
	sock.settimeout(0.5)
	kinds, n = {}, 0
	end = time.monotonic() + 4
	while n < count and time.monotonic() < end:
	    try:
	        frame = sock.recv(65535)
	    except TimeoutError:
	        continue
	    at, proto = 14, frame[12:14]
	    while proto == b"\x81\x00":
	        proto, at = frame[at + 2:at + 4], at + 4
	    if proto == b"\x08\x00":
	        tos, label = frame[at + 1], 0
	        l4 = at + (frame[at] & 15) * 4
	    elif proto == b"\x86\xdd":
	        word = int.from_bytes(frame[at:at + 4], "big")
	        tos, label, l4 = word >> 20 & 255, word & 0xfffff, at + 40
	    else:
	        continue
	    if int.from_bytes(frame[l4 + 2:l4 + 4], "big") != port:
	        continue
	    n += 1
	    kind = (tos >> 2, tos & 3, label)
	    kinds[kind] = kinds.get(kind, 0) + 1
	json.dump([{"dscp": k[0], "ecn": k[1], "label": k[2], "n": v}
	           for k, v in kinds.items()], sys.stdout)
END

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

# --- helpers ---------------------------------------------------------------

declare -A app_pid=()

# app_start PORT ADDRESS KBIT [OPTION=VALUE...]: 0 for as fast as it gets
app_start() {
	local port=$1
	shift
	rm -f "$lib_out/app-$port"
	mkfifo "$lib_out/tell-$port"
	ip netns exec "$left" python3 "$lib_out/app.py" "$1" "$port" "$2" \
		"$lib_out/tell-$port" "$lib_out/app-$port" "${@:3}" \
		>"$lib_out/app-$port.log" 2>&1 </dev/null &
	app_pid[$port]=$!
	disown
}

app_stop() {
	kill -9 "${app_pid[$1]}" 2>/dev/null
	rm -f "$lib_out/tell-$1"
}

# app_tell PORT [OPTION=VALUE...]: change options, and have them all told
app_tell() {
	local n
	n=$(jq .n "$lib_out/app-$1" 2>/dev/null || echo 0)
	echo "${*:2} ." >"$lib_out/tell-$1"
	wait_until 20 eval \
		'[ "$(jq .n "$lib_out/app-'"$1"'" 2>/dev/null || echo 0)" -gt '"$n"' ]' ||
		{ cat "$lib_out/app-$1.log"; return 1; }
}

# app_is PORT CONDITION: of the options that the application sees
app_is() {
	app_tell "$1" || return
	jq -e "$2" "$lib_out/app-$1" >/dev/null && return
	cat "$lib_out/app-$1"
	return 1
}

peek() {
	in_ns "$1" python3 "$lib_out/peek.py" "${@:2}"
}

# wire_is NS DEV PORT CONDITION [MARK MASK]: there are packets, and all are so
wire_is() {
	peek "$1" "$2" "$3" 12 "${@:5}" >"$lib_out/wire" || return
	jq -e "length > 0 and all(.[]; $4)" "$lib_out/wire" >/dev/null && return
	cat "$lib_out/wire"
	return 1
}

# wire_none NS DEV PORT MARK MASK: no packet has this mark
wire_none() {
	peek "$1" "$2" "$3" 1 "$4" "$5" >"$lib_out/wire" || return
	jq -e '. == []' "$lib_out/wire" >/dev/null
}

# acts PORT CONDITION [NS]: of the actions of the flow to a port, by their names
acts() {
	flows_are "${3:-$left}" 1 ".dport == $1 and .dir == \"out\" and
		.state == \"elephant\"" "([.actions[] | {key: .action, value: .}] |
		from_entries | $2)"
}

# in_force PORT ACTION... [-n NS]
in_force() {
	local action all=true
	for action in "${@:2}"; do
		all+=" and .\"$action\".state == \"in-force\""
	done
	acts "$1" "$all"
}

rule() {
	ankus -n "$left" rule "$@"
}

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

# --- what rules are told ---------------------------------------------------

refused() {
	local desc=$1 status=$2 regex=$3
	shift 3
	check_fail "$desc" "$status" "$regex" ankus -n "$left" rule add "$@"
}

test_words() {
	local a='pref 1 action auto'
	# shellcheck disable=SC2086 # words
	{
		refused "no pace of 0" 1 'pace: "0" is too slow' $a pace 0
		refused "none that is no rate" 1 'not a rate' $a pace fast
		refused "a priority that is too large" 1 'not a priority, 0 to 15' \
			$a priority 16
		refused "a DSCP that there is not" 1 'is too large, 63' \
			$a set-dscp 64
		refused "a DSCP of an unknown name" 1 'is not a DSCP' \
			$a set-dscp cs9
		refused "a mark with a mask of 0" 1 'mask of 0' \
			$a set-mark 0/0
		refused "a mark outside of its mask" 1 'bits that its mask leaves' \
			$a set-mark 0x100/0xf0
		refused "an action twice" 1 'given twice' $a repath repath
		refused "an unknown one" 1 'expected pace, priority' $a hurry
		refused "nothing for ignored flows" 1 'unexpected word "pace"' \
			pref 1 action ignore pace 1gbit
		refused "received flows are not paced" 1 '"pace" is for flows that are sent' \
			pref 1 dir in action auto pace 1gbit
		refused "nor is their DSCP set" 1 '"set-dscp" is for flows that are sent' \
			pref 1 dir in action auto set-dscp ef
		refused "UDP is not paced" 1 '"pace" is for tcp' \
			pref 1 proto udp action auto pace 1gbit
		refused "IPv4 has no flow label" 2 'IPv4 has no flow label' \
			pref 1 src 10.0.0.0/8 action auto repath
		refused "of either way to say IPv4" 2 'IPv4 has no flow label' \
			pref 1 family inet action auto repath
	}
	check_json "none of them is there" 'length == 0' ankus -n "$left" -j rule show
}

# raw WORDS: what the kernel says to a request that the tool would not send, and
# fails
raw() {
	echo "rule-new $*" | in_ns "$left" "$NLRAW" >"$lib_out/raw"
	cat "$lib_out/raw"
	grep -q '^0' "$lib_out/raw"
}

test_kernel() {
	local case words text
	for case in \
		'pace-bps=u64:0|8 kbit/s at least' \
		'pace-bps=u64:7999|8 kbit/s at least' \
		'priority=u32:16|priority' \
		'set-dscp=u8:64|set-dscp' \
		'set-mark=u32:1 set-mark-mask=u32:0|a mask of 0' \
		'set-mark=u32:0x100 set-mark-mask=u32:0xf0|outside its mask' \
		'set-mark-mask=u32:0xf0|without a mark' \
		'verdict=u32:1 priority=u32:1|ignores flows' \
		'verdict=u32:1 repath=flag|ignores flows' \
		'dir=u32:0 set-mark=u32:1|for dir in' \
		'proto=u8:17 pace-bps=u64:1000000|are for tcp' \
		'family=u16:2 repath=flag|no flow label'; do
		words=${case%|*} text=${case#*|}
		# shellcheck disable=SC2086 # words
		check_fail "the kernel refuses $words" 1 "$text" raw pref=u32:1 $words
	done
	check_json "none of them is there" 'length == 0' ankus -n "$left" -j rule show
}

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

# --- sockets ---------------------------------------------------------------

# What the application had is there
its_own() {
	app_is 5411 '.mark == 5 and .pace == 50000000'
}

# What the rule asks for is, and nothing else
given() {
	app_is 5411 '.mark == 0x15 and .pace == 250000' 2>/dev/null ||
		app_is 5411 '.mark == 21 and .pace == 250000'
}

# ss_pace PORT BPS: the limit that ss tells
ss_pace() {
	in_ns "$left" ss -tinHO "dport = :$1" >"$lib_out/ss"
	grep -qE "pacing_rate [^ /]*/$2bps " "$lib_out/ss" && return
	cat "$lib_out/ss"
	return 1
}

manage() {
	ankus -n "$left" dev add v0 mode steer rate 100kbit release 2s
}

ask() {
	ankus -n "$left" rule add pref 10 dport 5411 action auto pace 2mbit \
		set-mark 0x10/0xf0
}

test_sockets() {
	manage
	app_start 5411 10.0.0.2 0 mark=0x5 pace=50000000
	check_until "an elephant" 20 acts 5411 '. == {}'
	check "with its own settings" its_own
	ask
	check_until "they are changed" 30 given
	check_until "and told of" 20 in_force 5411 pace set-mark
	check "ss tells the rate" ss_pace 5411 2000000
	check "it is paced" paced 5411 2000
	check "and remains an elephant" in_force 5411 pace set-mark

	rule del pref 10
	check_until "back after rule del" 30 its_own
	ask
	check_until "once more" 30 given
	rule replace pref 10 dport 5411 action auto priority 1
	check_until "back after rule replace" 30 its_own
	rule del pref 10
	ask
	check_until "once more" 30 given
	ankus -n "$left" dev set v0 mode observe
	check_until "back after mode observe" 30 its_own
	ankus -n "$left" dev set v0 mode steer
	check_until "once more" 30 given
	flow=$(flow_id "$left" '.dport == 5411 and .dir == "out"')
	ankus -n "$left" flow unpin "$flow"
	check_until "back after flow unpin" 30 its_own
	ankus -n "$left" flow pin "$flow" auto
	check_until "once more" 30 given
	ankus -n "$left" dev del v0
	check "back after dev del" its_own
	manage
	check_until "once more" 30 given
	check "the stream goes on" tcp_go_on "$left" 5411 1
	unload_module ankus
	check "back when the module is gone" its_own
	check "the stream goes on" tcp_go_on "$left" 5411 1
	load_module ankus
}

# paced PORT KBIT: so much is acknowledged, give or take a lot
paced() {
	local before after began kbit
	sleep 1
	before=$(tcp_acked "$left" "$1" | awk '{ print $3 }')
	began=${EPOCHREALTIME//[.,]/}
	sleep 3
	after=$(tcp_acked "$left" "$1" | awk '{ print $3 }')
	kbit=$(((after - before) * 8000 / (${EPOCHREALTIME//[.,]/} - began)))
	echo "$kbit kbit/s"
	[ "$kbit" -gt $(($2 / 4)) ] && [ "$kbit" -lt $(($2 * 2)) ]
}

# What the application sets while a rule's is in force stays, whatever comes.
test_own() {
	manage
	ask
	check_until "given again" 30 given
	check "the application sets its own" app_tell 5411 mark=0x47 pace=40000000
	check_until "that is told of" 20 acts 5411 '.pace.state == "none" and
		.pace.reason == "the application has set its own" and
		."set-mark".state == "none" and
		."set-mark".reason == "the application has set its own"'
	check "and counted" stat_is "$left" v0 '.actions_overridden == 2'
	check "it stays" app_is 5411 '.mark == 71 and .pace == 40000000'
	check "packets have its mark" wire_is "$left" v0 5411 true 0x47 0xffffffff
	rule del pref 10
	check_until "the rule is gone" 20 acts 5411 '. == {}'
	check "it stays" app_is 5411 '.mark == 71 and .pace == 40000000'
	app_tell 5411 mark=0x5 pace=100000
	ask
	check_until "a lower rate of its own is kept" 20 acts 5411 \
		'.pace.state == "none" and (.pace.reason | test("no higher")) and
		."set-mark".state == "in-force"'
	check "as it is" app_is 5411 '.pace == 100000 and .mark == 21'
	app_tell 5411 pace=50000000
	check_until "until it is higher" 30 given
	check "the reasons in text" eval 'app_tell 5411 mark=0x5 &&
		wait_until 20 acts 5411 "(.\"set-mark\".state == \"none\")" &&
		ankus -n "$left" -d flow show dir out |
		grep -A 1 "set-mark 0x10/0xf0 none" |
		grep -q "reason: the application has set its own"'
	app_stop 5411
	check_until "without a socket there is nothing" 30 eval \
		'[ -z "$(flow_id "$left" ".dport == 5411 and (.actions | length) > 0")" ]'
	rule flush
	ankus -n "$left" dev del v0
}

# A mark leads to another route, and stays when the other device sees the flow.
test_route() {
	ip -n "$left" link add w0 type veth peer name w1 netns "$right"
	address_pair "$left" w0 "$right" w1 5
	ip -n "$left" rule add fwmark 0x10/0xf0 table 100
	ip -n "$left" route add 10.0.0.2 via 10.5.0.2 dev w0 table 100
	in_ns "$right" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.w1.rp_filter=0
	manage
	ankus -n "$left" dev add w0 mode steer rate 100kbit release 2s
	ask
	app_start 5411 10.0.0.2 2000 mark=0x5
	check_until "the mark leads to another device" 40 eval \
		'wire_is "$left" w0 5411 true'
	check_until "which goes on with it" 40 flows_are "$left" 1 \
		'.dport == 5411 and .dir == "out" and .ifname == "w0" and
		.state == "elephant"' \
		'any(.actions[]; .action == "set-mark" and .state == "in-force" and
		(has("reason") | not))'
	sleep 4
	check "and it remains there" wire_is "$left" w0 5411 true
	rule del pref 10
	check_until "until the rule goes" 40 wire_is "$left" v0 5411 true
	check "with its own mark" app_is 5411 '.mark == 5'
	app_stop 5411
	ankus -n "$left" dev del w0
	ankus -n "$left" dev del v0
	ip -n "$left" rule del fwmark 0x10/0xf0 table 100
	ip -n "$left" link del w0
}

# With fq it is that which paces; iperf3 has a rate of its own
test_iperf() {
	tc -n "$left" qdisc add dev v0 root fq
	manage
	rule add pref 10 dport 5421 action auto pace 1mbit
	check "a stream of iperf3 at 8 Mbit/s" tcp_start "$left" "$right" \
		10.0.0.2 5421 1 8M
	check_until "is paced by fq" 30 in_force_any 5421 pace
	check "at a lower rate" paced 5421 1000
	check "and goes on" tcp_go_on "$left" 5421 1
	rule flush
	check_until "its own rate is back" 20 ss_pace 5421 8000000
	tcp_stop 5421
	ankus -n "$left" dev del v0
	tc -n "$left" qdisc del dev v0 root
}

# iperf3 has a connection for control as well
in_force_any() {
	ankus -n "$left" -j flow show >"$lib_out/flows" || return
	jq -e "any(.[]; .dport == $1 and any(.actions[]; .action == \"$2\" and
		.state == \"in-force\"))" "$lib_out/flows"
}

# --- forwarded -------------------------------------------------------------

test_forwarded() {
	ip -n "$left" link add vm type veth peer name vl netns "$middle"
	ip -n "$middle" link add vr type veth peer name vm netns "$right"
	address_pair "$left" vm "$middle" vl 1
	address_pair "$middle" vr "$right" vm 2
	in_ns "$middle" sysctl -qw net.ipv4.ip_forward=1
	ip -n "$left" route add 10.2.0.0/24 via 10.1.0.2
	ip -n "$right" route add 10.1.0.0/24 via 10.2.0.1
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

# --- paths -----------------------------------------------------------------

repaths() {
	stat_of "$left" v0 repaths
}

# The labels of a stream so far, one a line; TCP changes them by itself upon
# timeouts
note_labels() {
	peek "$right" v1 "$1" 20 | jq -r '.[].label' >>"$lib_out/labels"
}

labels() {
	sort -u "$lib_out/labels" | wc -l
}

test_repath() {
	local before

	in_ns "$left" ethtool -K v0 tso off gso off
	manage
	rule add pref 10 dport 5441-5443 action auto repath
	monitor_start "$left"
	app_start 5441 fd00::2 4000
	app_start 5442 10.0.0.2 4000
	app_start 5443 fd00::2 4000 txrehash=0
	check_until "IPv6: paths are watched" 20 in_force 5441 repath
	check_until "IPv4 has no label" 20 acts 5442 '.repath.state == "none" and
		.repath.reason == "IPv4 has no flow label"'
	check_until "a socket may keep its path" 20 acts 5443 \
		'.repath.state == "none" and (.repath.reason | test("SO_TXREHASH"))'
	: >"$lib_out/labels"
	note_labels 5441
	sleep 3
	note_labels 5441
	check_is "without losses there is one label" 1 "$(labels)"
	check_is "and no other path" 0 "$(repaths)"

	tc -n "$left" qdisc add dev v0 root netem delay 2ms loss 15% limit 10000
	check_until "with losses another one" 60 eval '[ "$(repaths)" -ge 2 ]'
	check_until "on the wire" 20 eval 'note_labels 5441; [ "$(labels)" -ge 2 ]'
	check "the flow tells how often" acts 5441 '.repath.count >= 2 and
		.repath.count <= 8'
	check "an event tells of it" event_seen \
		'.event == "flow-repath" and .dport == 5441'
	check "and of no other flow" event_unseen \
		'.event == "flow-repath" and .dport != 5441'
	check_until "and text" 10 eval 'ankus -n "$left" flow show dir out |
		grep -qE "repath [2-8]"'
	tc -n "$left" qdisc del dev v0 root
	sleep 2
	before=$(repaths)
	sleep 4
	check_is "without losses it stays" "$before" "$(repaths)"
	check "the stream goes on" tcp_go_on "$left" 5441 1
	monitor_stop
	app_stop 5441
	app_stop 5442
	app_stop 5443
	rule flush
	ankus -n "$left" dev del v0
}

# --- all -------------------------------------------------------------------

left='' right='' middle=''
setup_ns left right middle
load_module ankus
veth_pair "$left" "$right" 2
address_pair "$left" v0 "$right" v1
ip netns exec "$right" python3 "$lib_out/sink.py" 5401 5402 5411 5431 5441 5442 \
	5443 >"$lib_out/sink" 2>&1 </dev/null &
disown

test_words
test_kernel
test_words_back
test_packets
test_sockets
test_own
test_route
test_iperf
test_forwarded
test_repath
finish
