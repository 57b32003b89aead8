# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Streams and looks at them for the tests of what rules ask for beside steering,
# to be sourced after traffic.sh.  Names of namespaces are those of the tests:
# $left sends to $right.
#
# app_start PORT ADDRESS KBIT [OPTION=VALUE...]
#                      an application with a stream, 0 for as fast as it gets,
#                      until app_stop PORT; options are mark, pace, priority, tos,
#                      txrehash
# app_tell PORT [OPTION=VALUE...]
#                      it changes options, and tells of all
# app_is PORT CONDITION
#                      of the options as it sees them
# sink_start NS PORT...
#                      takes what streams bring
# wire_is NS DEV PORT CONDITION [MARK MASK]
#                      there are packets to a port, and all are so; only those
#                      with a mark if one is given
# peek NS DEV PORT COUNT [MARK MASK]
#                      what such packets look like, each kind once
# acts PORT CONDITION [NS]
#                      of the actions of the flow to a port, by their names
# in_force PORT ACTION...
# rule WORDS...        in $left
# manage               v0 of $left, in mode steer

# shellcheck disable=SC2154 # of lib.sh and the tests
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

app_answers() {
	jq .n "$lib_out/app-$1" 2>/dev/null || echo 0
}

app_answered() {
	[ "$(app_answers "$1")" -gt "$2" ]
}

app_tell() {
	local n
	n=$(app_answers "$1")
	echo "${*:2} ." >"$lib_out/tell-$1"
	wait_until 20 app_answered "$1" "$n" && return
	cat "$lib_out/app-$1.log"
	return 1
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

# acts PORT CONDITION [NS]: of the actions of the flow to a port, by their names
acts() {
	flows_are "${3:-$left}" 1 ".dport == $1 and .dir == \"out\" and
		.state == \"elephant\"" "([.actions[] | {key: .action, value: .}] |
		from_entries | $2)"
}

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

manage() {
	ankus -n "$left" dev add v0 mode steer rate 100kbit release 2s
}

sink_start() {
	ip netns exec "$1" python3 "$lib_out/sink.py" "${@:2}" >"$lib_out/sink" \
		2>&1 </dev/null &
	disown
}
