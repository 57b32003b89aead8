# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Elephants: TCP streams by iperf3, paced by the kernel to the rates of a draw
# (see draw.sh).  They run until they are stopped.

streams_state=/run/demo/streams
streams_pids=$streams_state/pids
streams_first_port=5201
streams_last_port=5299

# A draw's rates are those on the wire; the kernel paces the payload.
streams_wire_bytes=1514
streams_payload_bytes=1448

# streams_serve NAMESPACE DRAW DESTINATION-FORMAT: one server per stream
streams_serve() {
	mkdir -p "$streams_state"
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$1" bash -c '
		while read -r _ _ dst port _; do
			printf -v address "$1" "$dst"
			iperf3 -s -B "$address" -p "$port" \
				>"$2/server-$dst-$port.log" 2>&1 </dev/null &
		done' _ "$3" "$streams_state" <"$2"
}

# streams_serving NAMESPACE COUNT: whether that many servers listen
streams_serving() {
	[ "$(ip netns exec "$1" ss -ltnH "sport ge :$streams_first_port and \
		sport le :$streams_last_port" | wc -l)" -eq "$2" ]
}

# streams_start NAMESPACE DRAW SOURCE-FORMAT DESTINATION-FORMAT SCALE
streams_start() {
	local factor=$(($5 * streams_wire_bytes))

	rm -f "$streams_pids" "$streams_state"/client-*.log
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$1" bash -c '
		while read -r n src dst port sport mbps; do
			printf -v from "$1" "$src"
			printf -v to "$2" "$dst"
			iperf3 -c "$to" -p "$port" -B "$from" --cport "$sport" \
				--fq-rate $((mbps * 1000000 * $3 / $4)) \
				-l 16K -t 3600 -i 0 --connect-timeout 10000 \
				>"$5/client-$n.log" 2>&1 </dev/null &
			echo $!
		done' _ "$3" "$4" $streams_payload_bytes $factor \
		"$streams_state" <"$2" >"$streams_pids"
}

# streams_running NAMESPACE COUNT: whether that many streams carry data
streams_running() {
	[ "$(ip netns exec "$1" ss -tinHO state established \
		"( sport lt :30000 and dport ge :$streams_first_port and \
		dport le :$streams_last_port )" |
		grep -c bytes_acked)" -eq "$2" ]
}

streams_stop() {
	# shellcheck disable=SC2046 # words
	kill $(cat "$streams_pids") 2>/dev/null
}

# streams_stopped NAMESPACE: whether no connection is left
streams_stopped() {
	[ -z "$(ip netns exec "$1" ss -tnHO state established \
		"( dport ge :$streams_first_port and \
		dport le :$streams_last_port )")" ]
}

# What the programs said, for the case that something went wrong.
streams_complaints() {
	grep -Hs error "$streams_state"/*.log | head -n 10
}
