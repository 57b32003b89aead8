# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The network of the receiving side, in two namespaces, over a pair of test
# NICs with 8 queues, receive hashing and an ntuple table:
#
#   sender: s0p ------------------------------ receiver: s0
#   10.1.0.1 .. 10.1.0.4                 10.1.0.101 .. 10.1.0.104

nic_queues=8
nic_source=10.1.0.%d
nic_destination=10.1.0.1%02d

# Real NICs draw their hash key at random. This is the key of the Toeplitz
# specification, so that the hash spreads a draw the same way every time.
nic_key=6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb
nic_key+=:ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:be:ac:01:fa

# nic_up GSO-BYTES
nic_up() {
	local n
	ip netns add sender && ip netns add receiver &&
		ip -n receiver link add s0 numrxqueues $nic_queues \
			numtxqueues $nic_queues type simnic &&
		ip -n receiver link set s0p netns sender || return 1
	for n in 1 2 3 4; do
		# shellcheck disable=SC2059 # the formats are ours
		ip -n sender addr add "$(printf $nic_source/24 $n)" dev s0p &&
			ip -n receiver addr add \
				"$(printf $nic_destination/24 $n)" dev s0 ||
			return 1
	done
	ip -n sender link set s0p gso_max_size "$1" up && ip -n receiver link set s0 up &&
		ip netns exec receiver ethtool -X s0 hkey $nic_key &&
		ip netns exec receiver ethtool -K s0 ntuple on
}
