#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Admission: which flows get an entry in the table, that what is counted from
# then on is exact, and that neither floods nor a full table cost an elephant
# its entry.
#
# shellcheck disable=SC2317 # functions are arguments of check
#
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$(dirname "$0")/traffic.sh"

for tool in iperf3 python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

# flood COUNT [SIZE]: so many flows, a datagram each
flood() {
	in_ns "$left" python3 - "$1" "${2:-100}" <<-'END'
		import socket, sys

		count, size = map(int, sys.argv[1:])
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		for n in range(count):
		    if n % 50000 == 0:
		        sock.close()
		        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    sock.sendto(bytes(size), ("10.0.0.9", 10000 + n % 50000))
	END
}

test_small() {
	local received

	# An eighth of what 1 Mbit/s carries in a second is 15625 bytes; what was
	# counted is halved each second.
	ankus -n "$left" dev add v0 rate 1mbit tick 1s release 300s
	check_until "what earns an entry is known" 10 stat_is "$left" v0 \
		'.admit_bytes == 15625'
	received=$(link_packets "$right" v1 rx)
	check "many small flows" flood 2000
	check "get no entry" stat_is "$left" v0 \
		'.flows == 0 and .flows_added == 0 and .table_full == 0'
	check "are counted by the CPUs" stat_is "$left" v0 \
		'.sketch_packets >= 2000 and .untracked_packets < 100'
	check_json "each by its own" "
		([.[].sketch_packets] | add) >= 2000 and
		([.[].sketch_used] | add) >= 1000 and
		all(.sketch_counters == 40960 and .sketch_used <= 40960 and
			.flows_admitted == 0)" \
		ankus -n "$left" -j stats cpus dev v0
	check "and all were sent" [ \
		$(($(link_packets "$right" v1 rx) - received)) -ge 2000 ]
	check_until "what was counted fades" 30 faded
	udp_send "$left" 10.0.0.9 7001 1000 100
	check "a flow that carries more gets its entry" flows_are "$left" 1 \
		'.dport == 7001' '.bytes > 0 and .bytes <= 100 * 1028'
	check "no other does" stat_is "$left" v0 \
		'.flows == 1 and .flows_added == 1'
	ankus -n "$left" dev del v0
}

faded() {
	ankus -n "$left" -j stats cpus dev v0 |
		jq -e '[.[].sketch_used] | add == 0'
}

# From the entry on, what is counted is what TCP says that it has sent, with 20
# bytes of IP, 20 of TCP and 12 of timestamps for each packet.
test_exact() {
	local talk sport='' sent='' before after

	ankus -n "$left" dev add v0 rate 1mbit release 300s
	# shellcheck disable=SC2016 # for the inner program
	ip netns exec "$right" timeout 600 python3 -c '
import socket
conn = socket.create_server(("", 7000)).accept()[0]
while conn.recv(65536):
    pass' >"$lib_out/sink" 2>&1 </dev/null &
	disown
	check "a server" wait_until 20 tcp_listening "$right" 7000
	coproc talk { in_ns "$left" timeout 600 python3 -u -c '
import socket, struct, time
conn = socket.create_connection(("10.0.0.2", 7000))
def sent():
    while True:
        info = conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 216)
        unacked = struct.unpack_from("I", info, 24)[0]
        notsent = struct.unpack_from("I", info, 144)[0]
        if not unacked and not notsent:
            return struct.unpack_from("Q", info, 200)[0]
        time.sleep(0.02)
conn.sendall(bytes(100000))
begin = sent()
print(conn.getsockname()[1])
input()
conn.sendall(bytes(3000000))
print(sent() - begin)
input()' 2>"$lib_out/talk"; }
	read -r -t $((60 * lib_slow)) sport <&"${talk[0]}"
	check "a stream that has earned its entry" flows_are "$left" 1 \
		".sport == ${sport:-0}" '.bytes > 50000 and .dir == "out"'
	before=$(entry "$sport")
	echo >&"${talk[1]}"
	read -r -t $((60 * lib_slow)) sent <&"${talk[0]}"
	after=$(entry "$sport")
	echo >&"${talk[1]}"
	check "carries three megabytes" [ "${sent:-0}" -ge 3000000 ]
	check_is "and every byte of it is counted" "${sent:-none}" \
		$((${after% *} - ${before% *} - 52 * (${after#* } - ${before#* })))
	ankus -n "$left" dev del v0
}

# entry SPORT: "BYTES PACKETS" of a flow
entry() {
	ankus -n "$left" -j flow show |
		jq -r ".[] | select(.sport == $1) | \"\(.bytes) \(.packets)\""
}

test_flood() {
	local id added

	ankus -n "$left" dev add v0 rate 1mbit release 1s flows 64
	check "an elephant" tcp_start "$left" "$right" 10.0.0.2 5001 1 4mbit
	check_until "has its entry" 20 elephant_there
	id=$(elephant)
	added=$(stat_of "$left" v0 flows_added)
	# where it takes long it is a heavy pair of addresses, which has members
	ankus -n "$left" dev set v0 hold 60s
	check "a flood of twenty thousand flows" flood 20000
	check "takes no entries" stat_is "$left" v0 \
		".flows_added - $added < 20 and .flows < 32 and .table_full == 0"
	check_is "and the elephant keeps its own" "$id" "$(elephant)"
	check "its bytes are counted on" further "$id"
	tcp_stop 5001
	ankus -n "$left" dev del v0
}

elephant() {
	ankus -n "$left" -j flow show dir out state elephant |
		jq -r 'map(.id) | join(" ")'
}

elephant_there() {
	[[ $(elephant) =~ ^[0-9]+$ ]]
}

bytes_of() {
	ankus -n "$left" -j flow show "$1" | jq '.[0].bytes'
}

further() {
	local before
	before=$(bytes_of "$1")
	wait_until 20 more_than "$1" "$before"
}

more_than() {
	[ "$(bytes_of "$1")" -gt "$2" ]
}

# Flows that were fast fill a table of 64.  When they are slow they make room
# before they expire, and an elephant gets in.
test_crowded() {
	local n

	ankus -n "$left" dev add v0 rate 1mbit release 300s flows 64
	check_until "what earns an entry is known" 10 stat_is "$left" v0 \
		'.admit_bytes == 1562'
	for ((n = 0; n < 80; n++)); do
		udp_send "$left" 10.0.0.9 $((30000 + n)) 1000 4
	done
	check "eighty flows, each for a moment above what earns an entry" \
		stat_is "$left" v0 '.flows_added >= 60'
	check_until "make room when they are slow" 60 stat_is "$left" v0 \
		'.flows_evicted >= 4 and .flows <= 56 and .flows_expired == 0'
	check "an elephant" tcp_start "$left" "$right" 10.0.0.2 5002 1 4mbit
	check_until "finds a place among them" 20 elephant_there
	check "though they are there" stat_is "$left" v0 '.flows > 32'
	tcp_stop 5002
	ankus -n "$left" dev del v0

	ankus -n "$left" dev add v0 rate 1mbit release 300s flows 64 sketch 0
	flood 80
	check "without a sketch, small flows fill the table" stat_is "$left" v0 \
		'.flows == 64 and .table_full >= 16 and .flows_evicted == 0'
	check_json "and the CPUs have no counters" \
		'all(has("sketch_counters") | not)' \
		ankus -n "$left" -j stats cpus dev v0
	ankus -n "$left" dev del v0
}

# Devices come and go under traffic on all CPUs.
test_under_traffic() {
	local round well=0

	udp_start "$left" 10.0.0.9 9001 2000
	udp_start "$left" 10.0.0.9 9002 2000 100
	for round in 4k 64k 0 1m 256k; do
		quietly ankus -n "$left" dev add v0 rate 1mbit sketch $round \
			flows 64 && flood 500 &&
			quietly ankus -n "$left" dev del v0 && well=$((well + 1))
	done
	check_is "sketches of all sizes come and go under traffic" 5 $well
	udp_stop 9001
	udp_stop 9002
}

left='' right=''
setup_ns left right
quiet_ns "$left" "$right"
veth_pair "$left" "$right" 2
address_pair "$left" v0 "$right" v1
load_module ankus

test_small
test_exact
test_flood
test_crowded
test_under_traffic
finish
