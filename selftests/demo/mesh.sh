# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The network of the sending side, in two namespaces:
#
#   storage: bond0 (802.3ad, layer3+4) --- 4 links up0..up3 --- gpu: bond0
#   10.0.0.1 .. 10.0.0.4                                10.0.0.101 .. 10.0.0.110

mesh_links="up0 up1 up2 up3"
mesh_sources=4
mesh_destinations=10
mesh_source=10.0.0.%d
mesh_destination=10.0.0.1%02d
mesh_link_mbps=75000

# mesh_bond NAMESPACE GSO-BYTES LINK...
mesh_bond() {
	local ns=$1 gso_bytes=$2 link
	shift 2
	ip -n "$ns" link add bond0 type bond mode 802.3ad miimon 100 \
		lacp_rate fast xmit_hash_policy layer3+4
	for link; do
		ip -n "$ns" link set "$link" master bond0
	done
	ip -n "$ns" link set bond0 gso_max_size "$gso_bytes" up
}

# mesh_addresses NAMESPACE FORMAT COUNT
mesh_addresses() {
	local n
	for ((n = 1; n <= $3; n++)); do
		# shellcheck disable=SC2059 # the format is ours
		printf "addr add $2/24 dev bond0\n" "$n"
	done | ip -n "$1" -batch -
}

# mesh_up GSO-BYTES
mesh_up() {
	local link
	ip netns add storage
	ip netns add gpu
	for link in $mesh_links; do
		ip -n storage link add "$link" type veth \
			peer name "down${link#up}" netns gpu
	done
	# shellcheck disable=SC2086 # words
	mesh_bond storage "$1" $mesh_links
	mesh_bond gpu "$1" down0 down1 down2 down3
	mesh_addresses storage $mesh_source $mesh_sources
	mesh_addresses gpu $mesh_destination $mesh_destinations
}

# Whether LACP has put all four links of both ends to use.
mesh_is_ready() {
	local ns
	for ns in storage gpu; do
		[ "$(ip netns exec "$ns" grep -c 'port state: 63' \
			/proc/net/bonding/bond0)" -eq 8 ] || return 1
	done
}

# mesh_limit SCALE [FACTOR]: limit each link to its capacity, or FACTOR times
# that, with room for bursts of 10 ms and a queue of 50 ms (in packets of two
# segments, about what TCP sends over a full link).  The full queue drops the
# oldest packet: were it the newest, TCP would be told at once, being on the
# same machine, and would hold back instead of losing a packet as it does to a
# switch.
mesh_limit() {
	local link bytes=$((mesh_link_mbps * 125000 * ${2:-1} / $1))
	for link in $mesh_links; do
		echo "qdisc replace dev $link root handle 1: tbf rate ${bytes}bps \
burst $((bytes / 100)) limit $((bytes / 20))"
		echo "qdisc replace dev $link parent 1:1 handle 10: \
pfifo_head_drop limit $((bytes / 20 / (2 * 1514)))"
	done | tc -n storage -batch -
}
