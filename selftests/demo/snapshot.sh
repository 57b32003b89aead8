#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# snapshot.sh DIR [NIC]: write the counters of the network namespace it runs
# in to DIR, as the system's own tools tell them, and the NIC's own counters.
set -euo pipefail

dir=$1 nic=${2:-}
mkdir -p "$dir"

tc -s -j qdisc show >"$dir/qdisc.json"
ip -s -j link show >"$dir/link.json"
[ -z "$nic" ] || ethtool -S "$nic" >"$dir/ethtool"
echo "$EPOCHREALTIME" >"$dir/time"
ss -tinHO state established >"$dir/ss"
echo "$(</proc/net/snmp)" >"$dir/snmp"
echo "$(</proc/stat)" >"$dir/stat"
