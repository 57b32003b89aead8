#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh: make sure that there is a QEMU which emulates several CPUs well, and
# print its program and the arguments it needs, each on a line of its own.
#
# Before version 8.1, a page of code that one CPU was translating could be
# changed by another unnoticed.  A kernel changes its code when it boots and
# with each static key: CPUs then met a breakpoint that was long gone, which
# shows as "Oops: int3", or hung.  Where the machine's own QEMU is older, that
# of Debian's backports is unpacked in the cache; the machine stays as it is.
#
# In version 10.0, a CPU that changes the memory map, as PCI does, may free what
# another one is using: QEMU ends with a failed assertion, or the guest loses a
# timer.  So guests boot with one CPU, and the others come when the devices are
# there (see init).
#
# $QEMU names another program, and is taken as it is.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${ANKUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ankus}
dir=$cache/qemu
wanted=8.1
suite=bookworm-backports

die() {
	echo "qemu.sh: $*" >&2
	exit 1
}

# version PROGRAM
version() {
	"$1" --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
}

new_enough() {
	printf '%s\n' "$wanted" "$1" | sort -CV
}

unpacked() {
	local tmp=$cache/.qemu.tmp package packages=()

	mkdir -p "$cache"
	exec 9>"$cache/.qemu.lock"
	flock 9
	[ ! -x "$dir/usr/bin/qemu-system-x86_64" ] || return 0

	"$here/apt.sh" refresh
	for package in qemu-system-x86 qemu-system-common qemu-system-data seabios; do
		packages+=("$package/$suite")
	done
	echo "qemu.sh: fetching QEMU of $suite" >&2
	rm -rf "$tmp"*
	"$here/apt.sh" unpack "$tmp" "${packages[@]}"
	rm -rf "$dir"
	mv "$tmp" "$dir"
}

if [ -n "${QEMU:-}" ]; then
	echo "$QEMU"
	exit
fi

"$here/deps.sh" vm
own=qemu-system-x86_64
if new_enough "$(version $own)"; then
	echo $own
	exit
fi

unpacked
program=$dir/usr/bin/qemu-system-x86_64
got=$(version "$program") || die "$program does not run"
new_enough "$got" || die "$program is version $got, not $wanted or newer"
printf '%s\n' "$program" -L "$dir/usr/share/qemu" -L "$dir/usr/share/seabios"
