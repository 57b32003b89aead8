#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Forty flows on four links, when the rates of some of them change: how even the
# links are over the second that begins a second later, and that they are in the
# end.  Changes of each kind: $ANKUS_TEST_ROUNDS, or 1.
#
# shellcheck disable=SC2016,SC2317 # functions are arguments of check, or evaluated
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"
# shellcheck source=links.sh
. "$(dirname "$0")/links.sh"

command -v python3 >/dev/null || skip_all "no python3"

links=(up0 up1 up2 up3)
flows=40
rounds=${ANKUS_TEST_ROUNDS:-1}

# Flow number i sends to port 7000 + i, between 5/6 and 7/6 of KBIT.  Each line
# "FACTOR FLOW..." changes some to FACTOR times that.
sender_program='
import os, random, socket, sys, time

count, kbit, size = map(int, sys.argv[2:])
random.seed(1)
sockets, step, due, usual = [], [], [], []
now = time.monotonic()
for i in range(count):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((sys.argv[1], 7000 + i))
    s.setblocking(False)
    sockets.append(s)
    usual.append(size * 8 / (kbit * 1000 * random.uniform(5 / 6, 7 / 6)))
    step.append(usual[i])
    due.append(now + random.uniform(0, usual[i]))
os.set_blocking(0, False)
data = bytes(size)
words = b""
while True:
    words += sys.stdin.buffer.raw.read(4096) or b""
    line, newline, rest = words.partition(b"\n")
    if newline:
        words = rest
        factor, *some = line.split()
        for i in map(int, some):
            step[i] = usual[i] / float(factor) if float(factor) else None
            due[i] = max(due[i], now)
    now = time.monotonic()
    for i in range(count):
        # what is late is sent at once, but for more than a second of it
        due[i] = max(due[i], now - 1)
        while step[i] and due[i] <= now:
            try:
                sockets[i].send(data)
            except OSError:
                pass
            due[i] += step[i]
    time.sleep(0.01)
'

sender_start() {
	mkfifo "$lib_out/words"
	ip netns exec "$left" python3 -c "$sender_program" 10.0.0.2 "$flows" \
		"$1" 200 <"$lib_out/words" >"$lib_out/sender" 2>&1 &
	sender=$!
	disown
	exec {words}>"$lib_out/words"
	defer kill -9 "$sender"
}

# bytes_of_links: "BYTES BYTES ...", all at one time
bytes_of_links() {
	ip -n "$left" -j -s link show | jq -r '[.[] |
		select(.ifname | IN("up0", "up1", "up2", "up3")) |
		.stats64.tx.bytes] | join(" ")'
}

# uneven SECONDS: sets $imbalance to that of what the links send, in thousandths
uneven() {
	local before after
	before=$(bytes_of_links)
	sleep "$1"
	after=$(bytes_of_links)
	imbalance=$(awk -v b="$before" -v a="$after" 'BEGIN {
		n = split(a, to)
		split(b, from)
		for (i = 1; i <= n; i++) {
			sent = to[i] - from[i]
			sum += sent
			if (sent > most) most = sent
		}
		print int(sum ? most * n * 1000 / sum + 0.5 : 0)
	}')
}

# even MOST: in thousandths
even() {
	uneven 2
	[ "$imbalance" -gt 0 ] && [ "$imbalance" -le "$1" ]
}

# changes DESC FACTOR FLOW...: what they send changes, and changes back
changes() {
	local desc=$1 factor=$2 at_once
	shift 2

	echo "$factor $*" >&"$words"
	uneven 0.5
	at_once=$imbalance
	sleep 0.4
	uneven 1
	diag "imbalance $desc: at once $at_once, from a second on $imbalance"
	check_until "$desc: the links are even" 20 even 1050
	echo "1 $*" >&"$words"
	check_until "$desc no more: likewise" 20 even 1050
}

left='' right='' imbalance='' sender='' words=''
# A debug kernel has no time for as many packets
[ "$lib_slow" -le 3 ] && kbit=120 || kbit=24
load_module bonding
setup_ns left right
load_module ankus
bond_links "$left" "$right" balance-xor "${links[@]}"
address_pair "$left" bond0 "$right" bond0
sender_start "$kbit"
ankus -n "$left" dev add bond0 mode observe rate "$((kbit / 2))kbit" release 5s
check_until "all flows are seen" 60 flows_are "$left" $flows "$big" true
uneven 2
diag "imbalance without ankus: $imbalance"
ankus -n "$left" dev set bond0 mode steer
check_until "all flows have a link" 60 flows_are "$left" $flows "$big" \
	'.link.state == "verified"'
check_until "the links are even" 30 even 1020
diag "imbalance at rest: $imbalance"
for ((round = 0; round < rounds; round++)); do
	first=$((round * 7 % flows)) some=''
	for i in 1 2 3 4 5; do
		some+=" $(((first + i * 3) % flows))"
	done
	changes "a flow doubles" 2 "$first"
	# shellcheck disable=SC2086 # words
	changes "five flows double" 2 $some
	changes "a flow halves" 0.5 "$first"
	# shellcheck disable=SC2086 # words
	changes "five flows are silent" 0 $some
done
finish
