#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# module.sh KERNEL [MODULE...] [-- MAKE-ARGS...]: build ankus.ko and simnic.ko
# for a test kernel as build/KERNEL/MODULE.ko.  KERNEL is one of kernel.sh's, or
# `host` for the headers in $KDIR (default: those of the running kernel).
# For the test kernels warnings are errors, and um's module carries the KUnit
# tests.
#
# $BUILD is another folder than build/, $TREE another name for the one below it,
# for builds with other flags which should leave the modules of the tests alone.
#
# Kbuild writes its products next to the sources, so each kernel has a tree of
# links to the sources of its own; make rebuilds what changed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

die() {
	echo "module.sh: $*" >&2
	exit 1
}

[ $# -gt 0 ] || die "usage: module.sh KERNEL [ankus|simnic...] [-- MAKE-ARGS...]"
kernel=$1
shift
wanted=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	wanted+=("$1")
	shift
done
[ $# -eq 0 ] || shift
[ ${#wanted[@]} -gt 0 ] || wanted=(ankus simnic)

# What an outer make was told is for it, not for kbuild, except for these.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES
args=(-s -j"$(nproc)")
take() {
	local name
	for name; do
		[ -z "${!name:-}" ] || args+=("$name=${!name}")
	done
}
take CC LLVM KUNIT V
cross=

if [ "$kernel" = host ]; then
	take W KCFLAGS ARCH CROSS_COMPILE
	cross=${CROSS_COMPILE:-}
	kdir=${KDIR:-/lib/modules/$(uname -r)/build}
	[ -f "$kdir/Makefile" ] || die "no kernel headers in $kdir
  for the running kernel:    apt-get install linux-headers-$(uname -r)
  for another one:           make KDIR=/path/to/its/headers
  for a stock kernel's test: make KERNEL=6.1   (or 6.12; fetched into the cache)"
else
	"$here/deps.sh" build
	env=$("$here/kernel.sh" "$kernel") || exit 1
	kdir=
	eval "$env"
	[ "$kernel" != um ] || args+=(ARCH=um KUNIT=1)
	args+=(W=1 KCFLAGS=-Werror)
fi

# Debian's headers name the compiler that built the kernel.
cc=$(sed -n 's/^CC *=.*)\(gcc-[0-9]*\)$/\1/p' "$kdir/.kernelvariables" 2>/dev/null || true)
if [ -n "$cc" ] && ! command -v "$cross$cc" >/dev/null; then
	args+=(CC="${cross}gcc")
fi

# link_tree FROM TO: a tree of links to the sources, and none that dangle
link_tree() {
	local from=$1 to=$2 file
	while read -r file; do
		mkdir -p "$to/${file%/*}"
		[ "$to/$file" -ef "$from/$file" ] ||
			ln -sfn "$from/$file" "$to/$file"
	done < <(cd "$from" && find . \( -name '*.[ch]' -o -name Kbuild \) \
		-not -name '*.mod.c')
	find "$to" -xtype l -delete
}

out=${BUILD:-$top/build}/${TREE:-$kernel}
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9
for module in "${wanted[@]}"; do
	tree=$out/$module
	mkdir -p "$tree"
	case $module in
	ankus)
		mkdir -p "$tree/kmod" "$tree/uapi"
		ln -sfn "$top/Kbuild" "$tree/Kbuild"
		ln -sfn "$top/dkms.conf" "$tree/dkms.conf"
		link_tree "$top/kmod" "$tree/kmod"
		link_tree "$top/uapi" "$tree/uapi"
		;;
	simnic)
		link_tree "$top/selftests/simnic" "$tree"
		;;
	*)
		die "unknown module '$module' (ankus simnic)"
		;;
	esac
	# Headers without a vmlinux cannot make BTF, which modules do without.
	make "${args[@]}" -C "$kdir" M="$tree" "$@" modules 9>&- \
		2> >(sed -u '/^Skipping BTF generation/d' >&2)
	cmp -s "$tree/$module.ko" "$out/$module.ko" ||
		cp "$tree/$module.ko" "$out/$module.ko"
done
