#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# arm64.sh module KERNEL | tool: build for arm64 on another machine, with
# warnings as errors, by the command that README gives.  KERNEL is 6.1 or 6.12;
# Debian's headers and libraries of arm64 are fetched into the cache.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=${ANKUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ankus}/arm64
cross=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
cd "$here/.."

# is_arm64 FILE
is_arm64() {
	file -L "$1"
	file -L "$1" | grep -q aarch64
}

# The libraries of another architecture, without changing what is installed.
sysroot() {
	exec 9>"$root.lock"
	flock 9
	[ ! -d "$root" ] || return 0
	selftests/vm/apt.sh refresh
	rm -rf "$root".tmp*
	selftests/vm/apt.sh unpack "$root.tmp" libmnl-dev:arm64 libmnl0:arm64
	mv "$root.tmp" "$root"
}

case ${1:-} in
module)
	env=$(selftests/vm/kernel.sh "$2-arm64")
	kdir=
	eval "$env"
	make "${cross[@]}" KDIR="$kdir" W=1 KCFLAGS=-Werror module
	is_arm64 build/arm64/host/ankus.ko
	;;
tool)
	sysroot
	export PKG_CONFIG_SYSROOT_DIR=$root
	export PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig
	rm -rf build/arm64/tools build/arm64/ankus
	make "${cross[@]}" tool
	is_arm64 build/arm64/ankus
	;;
*)
	echo "usage: arm64.sh module KERNEL | tool" >&2
	exit 2
	;;
esac
