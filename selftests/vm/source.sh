#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# source.sh ARCH SOURCE OUTPUT FRAGMENT...: build a kernel of its source in
# OUTPUT: allnoconfig plus the fragments.  What is left there is OUTPUT/image,
# OUTPUT/lib/modules/RELEASE and, in OUTPUT/build, what module builds need.
# This file and the fragments are the recipe whose hash names the result.
set -euo pipefail

arch=$1 source=$2 output=$3
shift 3

die() {
	echo "source.sh: $*" >&2
	exit 1
}

mkdir -p "$output/build"
cat "$@" >"$output/allconfig"
log=$output/build.log
kmake() {
	make -s -C "$source" O="$output/build" ARCH="$arch" "$@" >>"$log" 2>&1 ||
		{ tail -n 30 "$log" >&2; die "make $* failed, see $log"; }
}

: >"$log"
kmake KCONFIG_ALLCONFIG="$output/allconfig" allnoconfig

# An option that did not stick would silently test less than is believed.
lost=$(grep -E '^CONFIG_[A-Za-z0-9_]+=[^n]' "$output/allconfig" | sort -u |
	grep -vxF -f "$output/build/.config" || true)
[ -z "$lost" ] || die "options not kept: ${lost//$'\n'/ }"

if [ "$arch" = um ]; then
	image=vmlinux
	kmake -j"$(nproc)" vmlinux modules
else
	image=arch/x86/boot/bzImage
	# Emulated, a check of each access is dear, and most of what tests do is
	# to start programs.  So those of mm, fs and arch are left to um: what is
	# checked here is whatever sees packets or objects of a network module.
	checked='net net/% drivers/net drivers/net/% lib lib/% kernel kernel/rcu kernel/time'
	kmake -j"$(nproc)" bzImage modules \
		stack_enable=0 \
		"KASAN_SANITIZE=\$(if \$(filter $checked,\$(obj)),,n)" \
		"UBSAN_SANITIZE=\$(if \$(filter $checked,\$(obj)),,n)"
fi
kmake INSTALL_MOD_PATH="$output" INSTALL_MOD_STRIP=1 modules_install
cp "$output/build/$image" "$output/image"

# Objects linked into the image are of no use to module builds.
find "$output/build" -path "$output/build/scripts" -prune -o \
	-path "$output/build/tools" -prune -o -type f \
	\( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name '*.ko' \) \
	-not -path '*/arch/*/kernel/module.lds*' -exec rm -f {} +
