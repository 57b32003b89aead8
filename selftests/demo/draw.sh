#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# draw.sh SEED SOURCES DESTINATIONS: draw the ports and rates of a full mesh of
# streams between the sources and the destinations, one stream a line:
#
#   STREAM SOURCE DESTINATION PORT SOURCE_PORT RATE
#
# SOURCE and DESTINATION count from 1, PORT is the server's, RATE is 5000 to
# 7000 Mbit/s.  A draw follows from its seed alone: the SHA-256 of the seed and
# the stream's number.
set -euo pipefail

seed=$1 sources=$2 destinations=$3
declare -A used

n=0
for ((dst = 1; dst <= destinations; dst++)); do
	for ((src = 1; src <= sources; src++)); do
		n=$((n + 1))
		try=0
		# A source port serves one stream of a source only.
		while :; do
			hash=$(printf 'seed %d stream %d try %d' "$seed" $n $try |
				sha256sum)
			# Below the range which the kernel takes ports from.
			port=$((10000 + 0x${hash:0:8} % 20000))
			[ -n "${used[$src/$port]:-}" ] || break
			try=$((try + 1))
		done
		used[$src/$port]=1
		rate=$((5000 + 0x${hash:8:8} % 2001))
		echo "$n $src $dst $((5200 + src)) $port $rate"
	done
done
