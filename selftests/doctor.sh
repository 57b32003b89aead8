#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the doctor finds, on a NIC with everything that it knows of amiss.  The
# interrupts are files that look like those of real drivers: simnic has none.
#
# Functions are called by their names, and $ in quotes is for jq or bash -c.
# shellcheck disable=SC2016,SC2317
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=traffic.sh
. "$lib_dir/traffic.sh"

left='' right='' balancer=''
tmp=$(mktemp -d)
defer rm -rf "$tmp"

# finds DESC STATUS FILTER CMD...: it ends with STATUS and says this in JSON
finds() {
	local desc=$1 wanted=$2 filter=$3 rc
	shift 3

	"$@" >"$lib_out/findings" 2>&1
	rc=$?
	if [ $rc -ne "$wanted" ]; then
		not_ok "$desc" "exit status $rc, not $wanted, of: $*"
	elif ! jq -e "$filter" "$lib_out/findings" >/dev/null; then
		not_ok "$desc" "jq does not accept: $filter"
	else
		ok "$desc"
		return
	fi
	lib_diag_file "$lib_out/findings"
}

# doctor DESC STATUS FILTER: of s0
doctor() {
	finds "$@" ankus -n "$right" -j doctor dev s0
}

# checks_are LIST: a filter: these and no others, in any order
checks_are() {
	echo "(map(.check) | sort | join(\" \") == \"$1\")"
}

# mended DESC: its own command takes the one finding away
mended() {
	jq -r '.[0].remedy' "$lib_out/findings" >"$tmp/remedy"
	check "$1: the command works" \
		env PATH="$(dirname "$ANKUS"):$PATH" ip netns exec "$right" sh "$tmp/remedy"
	doctor "$1: and mends it" 0 '. == []'
}

# in_queue FILE VALUE: of s0, below its folder of queues
in_queue() {
	ip netns exec "$right" sh -c 'echo "$1" >"/sys/class/net/s0/queues/$0"' "$@"
}

on_nic() {
	in_ns "$right" ethtool "$@"
}

set_s0() {
	ankus -n "$right" dev set s0 "$@"
}

test_words() {
	check_fail "no such word" 1 'unknown word "s0", expected dev' \
		ankus -n "$right" doctor s0
	check_fail "no device" 1 '"dev" needs a value' ankus -n "$right" doctor dev
	check_fail "not managed" 2 'not managed' ankus -n "$right" doctor dev s0
	finds "nothing is managed" 0 '. == []' ankus -n "$right" -j doctor
	check_is "in words: nothing at all" "" "$(ankus -n "$right" doctor)"
}

test_healthy() {
	check "s0 is managed" ankus -n "$right" dev add s0 mode steer
	doctor "it is well" 0 '. == []'
	check_is "in words" "s0: nothing found" "$(ankus -n "$right" doctor show dev s0)"
	finds "pretty as well" 0 '. == []' ankus -n "$right" -jp doctor
	finds "without privileges" 0 '. == []' ip netns exec "$right" \
		setpriv --inh-caps=-all --bounding-set=-all "$ANKUS" -j doctor
}

test_ntuple() {
	local name

	on_nic -K s0 ntuple off
	check_until "the reason is there" 10 check_has_reason
	doctor "ntuple is off" 3 'length == 1 and .[0] == {dev: "s0",
		severity: "warning", check: "ntuple-off",
		message: "ntuple is off, received flows are steered by RSS",
		remedy: "ankus dev set s0 ntuple on"}'
	check_fail "in words" 3 \
		'^s0: warning: ntuple-off: .*; to mend: ankus dev set s0 ntuple on$' \
		ankus -n "$right" doctor
	set_s0 mode observe
	doctor "nothing is steered then" 0 '. == []'
	set_s0 mode steer backend none
	doctor "nor with backend none" 0 '. == []'
	set_s0 backend ntuple
	doctor "backend ntuple: an error" 3 'length == 1 and .[0] == {dev: "s0",
		severity: "error", check: "ntuple-off",
		message: "received flows are not steered, ntuple is off",
		remedy: "ankus dev set s0 ntuple on"}'
	jq -r '.[0].remedy' "$lib_out/findings" >"$tmp/remedy"
	check "the command works" env PATH="$(dirname "$ANKUS"):$PATH" \
		ip netns exec "$right" sh "$tmp/remedy"
	check_until "and mends it" 10 ankus -n "$right" doctor
	set_s0 backend auto

	ip -n "$right" link add v0 numrxqueues 2 numtxqueues 2 type veth peer name v1
	ankus -n "$right" dev add v0 mode steer
	finds "a driver without rules is steered by CPUs" 0 '. == []' \
		ankus -n "$right" -j doctor dev v0
	ankus -n "$right" dev set v0 backend ntuple
	finds "or not at all" 3 "$(checks_are rx-not-steered) and
		.[0].severity == \"warning\" and
		.[0].message == \"received flows are not steered, the driver has no ntuple rules\" and
		.[0].remedy == \"ankus dev set v0 backend none\"" \
		ankus -n "$right" -j doctor dev v0
	check_fail "each device has its line" 3 '^s0: nothing found$' \
		ankus -n "$right" doctor
	finds "-j: of all devices" 3 'map(.dev) == ["v0"]' ankus -n "$right" -j doctor
	printf 'doctor dev v0\ndoctor dev s0\n' >"$tmp/batch"
	check_fail "a finding does not end a batch" 3 '^s0: nothing found$' \
		ankus -n "$right" -b "$tmp/batch"
	name=$(printf 'v$(id)\001')
	check "a device may have any name" ip -n "$right" link set v0 name "$name"
	finds "what a shell would read is quoted" 3 \
		".[0].remedy == \"ankus dev set 'v\$(id)\\u0001' backend none\"" \
		ankus -n "$right" -j doctor dev "$name"
	check_fail "and nothing for a terminal is printed" 3 '^v\$\(id\)\?: warning' \
		ankus -n "$right" doctor dev "$name"
	ip -n "$right" link del "$name"
}

check_has_reason() {
	ankus -n "$right" -j dev show s0 | jq -e '.[0].rx_backends[0].reason'
}

test_queues() {
	set_s0 rx-queues 2-5 tx-queues 6-7
	on_nic -L s0 combined 4
	doctor "queues that have gone" 3 'length == 2 and .[0] == {dev: "s0",
		severity: "warning", check: "queue-missing",
		message: "rx-queues: no queue 4-5, the device has 4 now",
		remedy: "ankus dev set s0 rx-queues 2-3"} and .[1] == {dev: "s0",
		severity: "error", check: "queue-missing",
		message: "tx-queues: no queue 6-7, the device has 4 now, none of those named",
		remedy: "ankus dev set s0 tx-queues all"}'
	set_s0 tx-queues all
	doctor "one of them" 3 'length == 1'
	mended "queues that have gone"
	set_s0 rx-queues all

	ankus -n "$right" -b - <<-'END'
		rule add pref 1 dev s0 proto udp action rx-queues 3-4
		rule add pref 2 proto sctp action tx-queues 9,12
		rule add pref 3 dev s0p action rx-queues 9
		rule add pref 4 dev s0 proto tcp action rx-queues 0-3
		rule add pref 5 dev s0 action ignore
	END
	doctor "rules that name such queues" 3 '(map(.severity) == ["warning", "error"])
		and (map(.check) | unique == ["queue-missing"])
		and (.[0].message == "rx-queues of rule pref 1: no queue 4, the device has 4 now")
		and (.[0].remedy | startswith("ankus rule replace pref 1 ... rx-queues 3 "))
		and (.[1].message | startswith("tx-queues of rule pref 2: no queue 9,12, "))'
	ankus -n "$right" rule flush
	on_nic -L s0 combined 8
	doctor "all is well again" 0 '. == []'
}

test_xps() {
	in_queue tx-3/xps_cpus 1
	doctor "XPS where nothing is forwarded" 0 '. == []'
	in_ns "$right" sysctl -qw net.ipv4.ip_forward=1
	doctor "XPS of a CPU" 3 "$(checks_are xps)"' and (.[0].message |
		startswith("xps_cpus of tx queue 3 goes before"))'
	mended "XPS of a CPU"
	in_queue tx-1/xps_rxqs 2
	in_queue tx-2/xps_rxqs 2
	doctor "XPS of RX queues" 3 "$(checks_are xps)"' and (.[0].message |
		startswith("xps_rxqs of tx queue 1-2 goes before"))'
	set_s0 mode observe
	doctor "not when nothing is steered" 0 '. == []'
	set_s0 tx-queues 0-3
	doctor "but when TX queues are named" 3 "$(checks_are xps)"
	mended "XPS of RX queues"
	set_s0 mode steer tx-queues all
	in_ns "$right" sysctl -qw net.ipv4.ip_forward=0
}

test_rps() {
	in_queue rx-0/rps_cpus 1
	in_queue rx-5/rps_cpus 3
	doctor "RPS" 3 "$(checks_are rps)"' and (.[0].message |
		startswith("RPS of rx queue 0,5 moves"))'
	set_s0 rx-queues 1-4
	doctor "on queues that elephants do not use" 0 '. == []'
	ankus -n "$right" rule add pref 1 action rx-queues 5
	doctor "that a rule lets them use" 3 "$(checks_are rps)"' and
		(.[0].remedy == "echo 0 >/sys/class/net/s0/queues/rx-5/rps_cpus")'
	mended "RPS"
	ankus -n "$right" rule flush
	set_s0 rx-queues all
	in_queue rx-0/rps_cpus 0
}

# The number of flows is shown in the first network namespace alone.
test_arfs() {
	local entries=/proc/sys/net/core/rps_sock_flow_entries

	in_queue rx-2/rps_flow_cnt 128
	doctor "what cannot be read is a note, and no finding" 0 \
		"$(checks_are arfs)"' and .[0].severity == "note" and
		(.[0] | has("remedy") | not)'
	check_fail "in words" 0 '^s0: not checked: arfs: cannot read .*sock_flow_entries$' \
		ankus -n "$right" doctor
	in_queue rx-2/rps_flow_cnt 0

	ip link add s1 type simnic
	ethtool -K s1 ntuple on
	ankus dev add s1
	echo 128 >/sys/class/net/s1/queues/rx-2/rps_flow_cnt
	finds "aRFS: not without its table" 0 '. == []' ankus -j doctor
	echo 1024 >$entries
	finds "aRFS" 3 "$(checks_are arfs)"' and (.[0].message |
		startswith("aRFS of rx queue 2 puts"))' ankus -j doctor
	ethtool -K s1 ntuple off
	finds "aRFS: not without ntuple" 0 '. == []' ankus -j doctor
	ethtool -K s1 ntuple on
	echo 0 >/sys/class/net/s1/queues/rx-2/rps_flow_cnt
	finds "aRFS: not without flows of a queue" 0 '. == []' ankus -j doctor
	echo 0 >$entries
	check "s1 has gone" ip link del s1
}

# Another namespace's /sys has nothing to say, not even of the same name.
test_sysfs() {
	in_queue rx-5/rps_cpus 1
	doctor "-n: the namespace's own /sys" 3 "$(checks_are rps)"
	finds "without its /sys: a note" 0 \
		'length == 1 and .[0].severity == "note" and .[0].check == "sysfs"' \
		in_ns "$right" "$ANKUS" -j doctor dev s0
	check "another s0 of the same number" ip link add s0 index \
		"$(ip -n "$right" -j link show s0 | jq '.[0].ifindex')" type dummy
	finds "with another s0 in /sys: a note" 0 "$(checks_are sysfs)" \
		in_ns "$right" "$ANKUS" -j doctor dev s0
	ip link del s0
	in_queue rx-5/rps_cpus 0
	check "nobody else sees that /sys" test ! -e /sys/class/net/s0
}

# Anything that has its name; balance ARGS..., unbalance
balance() {
	"$tmp/irqbalance" "$@" &
	balancer=$!
	wait_until 5 grep -q '^irqbalance$' /proc/$balancer/comm
}

unbalance() {
	kill $balancer
	wait $balancer 2>/dev/null
}

test_irqbalance() {
	mkfifo "$tmp/never"
	printf '#!/bin/bash\nread -r <"%s/never"\n' "$tmp" >"$tmp/irqbalance"
	chmod +x "$tmp/irqbalance"
	balance
	doctor "irqbalance, and all queues for elephants" 0 '. == []'
	set_s0 rx-queues 4-7
	doctor "irqbalance, and dedicated queues" 3 "$(checks_are irqbalance)"' and
		.[0].remedy == "systemctl stop irqbalance" and
		(.[0].message | contains("rx queue 4-7"))'
	unbalance
	doctor "it has ended" 0 '. == []'
	set_s0 rx-queues all
}

# with_irqs CPUS CMD...: on a machine of CPUS, with the interrupts of s0 that
# are in the file irqs: number, CPUs, name.  CPUs may be EFFECTIVE/ALLOWED, and
# nothing before the slash when the kernel does not tell.
with_irqs() {
	local irq cpus name

	rm -rf "$tmp/irq" "$tmp/msi"
	mkdir -p "$tmp/irq" "$tmp/msi"
	echo "$1" >"$tmp/online"
	shift
	while read -r irq cpus name; do
		mkdir -p "$tmp/irq/$irq/$name"
		echo "${cpus%/*}" >"$tmp/irq/$irq/effective_affinity_list"
		echo "${cpus#*/}" >"$tmp/irq/$irq/smp_affinity_list"
		echo msix >"$tmp/msi/$irq"
	done <"$tmp/irqs"
	ip netns exec "$right" bash -c '
		tmp=$0 place=$(cat "$0/place")
		real=$(realpath /sys/class/net/s0)
		mkdir -p "$tmp/real"
		mount --bind "$real" "$tmp/real" &&
			mount -t tmpfs none /sys/class/net &&
			mkdir -p "/sys/class/net/s0/$place" /sys/class/net/s0/device &&
			mount --bind "$tmp/msi" "/sys/class/net/s0/$place" &&
			ln -s "$tmp"/real/{queues,ifindex,address} /sys/class/net/s0 &&
			mount --bind "$tmp/irq" /proc/irq &&
			mount --bind "$tmp/online" /sys/devices/system/cpu/online ||
			exit 9
		"$@"' "$tmp" "$@"
}

# Queue N is N + 100, all on CPU 0, with the names of many drivers
driver_names() {
	cat <<-'END'
		100 0 s0-TxRx-0
		101 0 s0-rx-1
		102 0 i40e-s0-TxRx-2
		103 0 ice-s0-TxRx-3
		104 0 s0-Tx-Rx-4
		105 0 s0-fp-5
		106 0 s0-rxtx-6
		107 0 s0-Rx7
		108 0 s0
		109 0 s0-tx-1
		110 0 s0-event-2
		111 0 i40e-0000:01:00.0:misc
	END
}

test_irqs() {
	echo device/msi_irqs >"$tmp/place"
	set_s0 rx-queues 1-7

	driver_names >"$tmp/irqs"
	finds "interrupts by the names of drivers" 3 \
		"$(checks_are "$(yes irq-shared | head -n 7 | paste -sd' ')")"' and
		([range(1; 8) as $q | "IRQ \(100 + $q) of rx queue \($q) is for elephants, and CPU 0 serves rx queue 0 too"] == map(.message))
		and (map(.remedy) == [range(1; 8) | "echo \(.) >/proc/irq/\(100 + .)/smp_affinity_list"])' \
		with_irqs 0-7 "$ANKUS" -j doctor
	finds "more queues than CPUs" 3 \
		'map(.remedy[5:6]) == ["1", "2", "3", "1", "1", "1", "1"]' \
		with_irqs 0-3 "$ANKUS" -j doctor
	finds "one CPU: nothing to choose" 0 '. == []' \
		with_irqs 0 "$ANKUS" -j doctor

	printf '%s\n' '50 0 mlx5_async0@pci:0000:3b:00.0' \
		'51 0 mlx5_comp0@pci:0000:3b:00.0' \
		'52 2 mlx5_comp1@pci:0000:3b:00.0' \
		'53 0-1 mlx5_comp2@pci:0000:3b:00.0' >"$tmp/irqs"
	finds "mlx5" 3 'length == 1 and .[0].message ==
		"IRQ 53 of rx queue 2 is for elephants, and CPU 0 serves rx queue 0 too"
		and .[0].remedy == "echo 3 >/proc/irq/53/smp_affinity_list"' \
		with_irqs 0-3 "$ANKUS" -j doctor
	finds "no CPU is free: the last one is cleared" 3 '.[0].remedy ==
		"for i in 51; do echo 0 >/proc/irq/$i/smp_affinity_list; done; echo 1 >/proc/irq/53/smp_affinity_list"' \
		with_cleared
	printf '%s\n' '50 0 s0-TxRx-0' '51 1 s0-TxRx-1' '52 0 s9-TxRx-1' >"$tmp/irqs"
	finds "another port of the same card" 0 '. == []' \
		with_irqs 0-3 "$ANKUS" -j doctor

	printf '%s\n' '50 1 s0-TxRx-0' '51 1/2-3 s0-TxRx-1' \
		'52 3/1,3 s0-TxRx-2' '53 3/0-1 s0-TxRx-3' >"$tmp/irqs"
	finds "moved, with the next interrupt" 3 'length == 1 and .[0].message ==
		"IRQ 53 of rx queue 3 is for elephants, and CPU 1 serves rx queue 0 too"' \
		with_irqs 0-3 "$ANKUS" -j doctor

	printf '%s\n' '50 0 mana_q1@pci:7870:00:00.0' >"$tmp/irqs"
	finds "names that tell nothing: a note" 0 "$(checks_are irq-shared)"' and
		.[0].severity == "note" and (.[0].message | contains("mana_q1@"))' \
		with_irqs 0-3 "$ANKUS" -j doctor

	echo msi_irqs >"$tmp/place"
	printf '%s\n' '30 0 virtio1-config' '31 /1 virtio1-input.0' \
		'32 0 virtio1-output.0' '33 /1 virtio1-input.1' \
		'34 0 virtio1-output.1' '35 /0 virtio1-input.2' >"$tmp/irqs"
	finds "virtio: of the PCI device" 3 'length == 1 and .[0].remedy ==
		"echo 2 >/proc/irq/33/smp_affinity_list"' \
		with_irqs 0-2 "$ANKUS" -j doctor

	balance
	finds "irqbalance is told which to leave alone" 3 'any(.check == "irqbalance" and
		.remedy == "systemctl stop irqbalance, or restart it with IRQBALANCE_ARGS=\"--banirq=33 --banirq=35\"")' \
		with_irqs 0-2 "$ANKUS" -j doctor
	unbalance
	balance --foreground --banirq=33
	finds "one of them is not enough" 3 'any(.check == "irqbalance")' \
		with_irqs 0-2 "$ANKUS" -j doctor
	unbalance
	balance --banirq=33 -i 35
	finds "then it does" 3 "$(checks_are irq-shared)" \
		with_irqs 0-2 "$ANKUS" -j doctor
	unbalance
	set_s0 rx-queues all
	finds "without dedicated queues nothing of it matters" 0 '. == []' \
		with_irqs 0-2 "$ANKUS" -j doctor
}

with_cleared() {
	printf '%s\n' '51 0-1 mlx5_comp0@pci:0000:3b:00.0' \
		'53 0 mlx5_comp2@pci:0000:3b:00.0' >"$tmp/irqs"
	with_irqs 0-1 "$ANKUS" -j doctor
}

load_module ankus
load_module simnic
load_module dummy numdummies=0
setup_ns left right
simnic_pair "$left" "$right" || skip_all "no simnic"
ip -n "$left" link set s0p up
ip -n "$right" link set s0 up

test_words
test_healthy
test_ntuple
test_queues
test_xps
test_rps
test_arfs
test_sysfs
test_irqbalance
test_irqs
finish
