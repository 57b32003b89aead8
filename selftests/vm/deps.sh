#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh [GROUP...]: install the Debian packages that a part of the project
# needs, and nothing when they are there already.  Without a group: all.
#
#   build   the module and the tool
#   arm64   the same for arm64, on another machine
#   kernel  building a kernel from source
#   vm      booting a kernel in QEMU
#   test    what the tests call inside the VM
#   dkms    building the module as DKMS does
#   regen   generating code from the netlink spec
#   lint    make style
#   demo    make demo (build + vm + traffic tools)
#   bench   make bench (build + vm + what ankus is compared with, and a plot)
set -euo pipefail

die() {
	echo "deps.sh: $*" >&2
	exit 1
}

packages() {
	case $1 in
	build)	echo gcc make libc6-dev pkg-config libmnl-dev libelf1 kmod perl ;;
	arm64)	packages build
		echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross file ;;
	kernel)	echo gcc make libc6-dev bc bison flex libelf-dev libssl-dev \
		     cpio xz-utils kmod perl python3 patch ;;
	vm)	echo qemu-system-x86 busybox-static cpio gzip xz-utils zstd \
		     kmod file util-linux iproute2 ;;
	test)	echo iproute2 ethtool iperf3 gojq iputils-ping python3 \
		     python3-yaml procps util-linux libteam-utils nftables ;;
	dkms)	echo dkms ;;
	regen)	echo python3 python3-yaml python3-jsonschema ;;
	lint)	echo shellcheck sparse clang-format perl python3 ;;
	demo)	packages build; packages vm
		echo iproute2 ethtool iperf3 gojq python3 procps \
		     util-linux ;;
	bench)	packages build; packages vm
		echo iproute2 ethtool gojq nftables procps python3 gnuplot-nox \
		     fonts-dejavu-core ;;
	*)	die "unknown group '$1' (build arm64 kernel vm test dkms regen lint demo bench)" ;;
	esac
}

for tool in apt-get dpkg-query; do
	command -v $tool >/dev/null || die "no $tool: this works on Debian only"
done

[ $# -gt 0 ] || set -- build kernel vm test dkms regen lint
wanted=
for group; do
	wanted+=" $(packages "$group")" || exit 1
done

# libelf1 became libelf1t64 in Debian 13, which provides the old name.
missing=$(
	# shellcheck disable=SC2086 # a list of words
	printf '%s\n' $wanted | sort -u | grep -vxF -f <(
		dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' |
			awk '$1 == "installed" {
				for (i = 2; i <= NF; i++) {
					gsub(/[,()]/, "", $i)
					print $i
				}
			}') || true)
[ -n "$missing" ] || exit 0
# Runs at the same time take turns: apt does not wait for all of its own locks.
exec 9>"${TMPDIR:-/tmp}/ankus-deps.lock"
flock 9
list=$(echo "$missing" | tr '\n' ' ')

root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null ||
		die "not root and no sudo; as root: apt-get install $list"
	root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1
}

echo "deps.sh: installing $list" >&2
# The package lists are fetched only when they are absent, or so old that what
# they name is no longer on the mirror.
# shellcheck disable=SC2086 # a list of words
if ! apt install --no-install-recommends $missing; then
	apt update || { cat "$log" >&2; die "apt-get update failed"; }
	apt install --no-install-recommends $missing ||
		{ cat "$log" >&2; die "could not install: $list"; }
fi
