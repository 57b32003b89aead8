#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh [-u] KERNEL: make sure that a test kernel is in the cache, and
# print where, as shell assignments:
#
#   image    what QEMU boots (for um: the program to run)
#   modules  the kernel's module folder, with modules.dep
#   kdir     what to give to module builds as KDIR
#   release  the kernel's release string
#   source   its source tree (self-built kernels only, empty otherwise)
#
# KERNEL is one of
#
#   6.1 6.12     stock Debian kernels: image and headers, unpacked
#   6.1-arm64 6.12-arm64
#                headers of Debian's arm64 kernels, to build modules on this
#                machine
#   7.3-debug    built from Debian's source with KASAN, UBSAN, lockdep, ...
#   um           User Mode Linux of that source, all checkers, KUnit
#   source       only that source tree
#
# -u asks apt for newer versions than the cache has.
#
# The cache is $ANKUS_CACHE, or ankus in $XDG_CACHE_HOME or ~/.cache.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${ANKUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ankus}
source_series=7.3

die() {
	echo "kernel.sh: $*" >&2
	exit 1
}

say() {
	echo "kernel.sh: $*" >&2
}

apt() {
	"$here/apt.sh" "$@"
}

# The newest package whose name matches a regular expression.
newest() {
	apt cache search --names-only "$1" | awk '{ print $1 }' | sort -V | tail -n 1
}

# Debian's headers name each other by absolute path, for /usr; make those
# paths point into the folder they were unpacked to.
relocate_headers() {
	local dir=$1 final=$2 release=$3
	local headers="$dir/usr/src/linux-headers-$release" link target

	# Included makefiles and wrapper scripts first, then symbolic links.
	grep -rlIE '(^|[^[:alnum:]._/-])/usr/(src|lib)/linux-' --include=Makefile \
		--include='.kernel*' --include='*.mk' "$headers" "$dir"/usr/src/*-common* |
		xargs -r sed -i -E \
			"s#(^|[^[:alnum:]._/-])/usr/(src|lib)/linux-#\1$final/usr/\2/linux-#g"
	find "$dir/usr/src" "$dir/lib/modules" "$dir/usr/lib" -type l \
		-lname '/usr/*' 2>/dev/null |
		while read -r link; do
			target=$(readlink "$link")
			ln -sfn "$final$target" "$link"
		done

	# With a vmlinux beside them, module builds would want pahole for BTF,
	# which modules load without.
	rm -f "$headers/vmlinux"
}

stock() {
	local series=$1 arch=$2 name=$3
	local dir="$cache/kernels/$name" tmp="$cache/kernels/.$name.tmp"
	local package release common kbuild modules image=linux-image
	local -a depends

	if [ -f "$dir/env" ] && [ -z "$update" ]; then
		return
	fi
	command -v depmod >/dev/null || PATH=$PATH:/usr/sbin:/sbin
	apt refresh ${update:+force}
	# What will not be booted is headers alone.
	[ "$arch" = amd64 ] || image=linux-headers
	package=$(newest "^$image-${series//./\\.}\\.[0-9]+(-[0-9]+)?(\\+deb[0-9.]+)?-$arch\$")
	[ -n "$package" ] || die "no stock kernel $name on the mirror"
	release=${package#"$image-"}
	if grep -qsx "release=$release" "$dir/env"; then
		return
	fi

	# The headers' own dependencies name the parts they need.
	mapfile -t depends < <(apt cache depends "linux-headers-$release:$arch" |
		sed 's/[<>]//g; s/:any$//; s/:[a-z0-9]*$//' |
		awk '$1 == "Depends:" { print $2 }')
	common=$(printf '%s\n' "${depends[@]}" | grep -E -- '-common(-|$)' | head -n 1)
	kbuild=$(printf '%s\n' "${depends[@]}" | grep -E '^linux-kbuild-' | head -n 1)
	if [ -z "$common" ] || [ -z "$kbuild" ]; then
		die "cannot tell what linux-headers-$release needs"
	fi

	say "fetching $package and what it needs"
	rm -rf "$tmp"*
	mkdir -p "$tmp"
	# The programs among the headers (kbuild) are to run here.
	apt unpack "$tmp" "linux-headers-$release:$arch" "$common" "$kbuild"
	[ "$arch" != amd64 ] || apt unpack "$tmp" "$package"
	relocate_headers "$tmp" "$dir" "$release"
	if [ "$arch" != amd64 ]; then
		printf '%s\n' image= modules= \
			"kdir=$dir/usr/src/linux-headers-$release" \
			"release=$release" source= >"$tmp/env"
		rm -rf "$dir"
		mv "$tmp" "$dir"
		return
	fi

	modules=lib/modules/$release
	[ -d "$tmp/$modules" ] || modules=usr/lib/modules/$release
	depmod -b "$tmp/${modules%/lib/modules/*}" "$release" 2>/dev/null ||
		depmod -b "$tmp" "$release"
	{
		echo "image=$dir/boot/vmlinuz-$release"
		echo "modules=$dir/$modules"
		echo "kdir=$dir/usr/src/linux-headers-$release"
		echo "release=$release"
		echo "source="
	} >"$tmp/env"
	rm -rf "$dir"
	mv "$tmp" "$dir"
}

source_tree() {
	local dir="$cache/source/$source_series" tmp="$cache/source/.$source_series.tmp"
	local package=linux-source-$source_series version

	if [ -f "$dir/.version" ] && [ -z "$update" ]; then
		return
	fi
	apt refresh ${update:+force}
	version=$(apt cache show "$package" | awk '$1 == "Version:" { print $2 }' |
		sort -V | tail -n 1)
	[ -n "$version" ] || die "no $package on the mirror"
	if [ "$(cat "$dir/.version" 2>/dev/null)" = "$version" ]; then
		return
	fi
	say "fetching $package $version"
	rm -rf "$tmp"*
	mkdir -p "$tmp" "$tmp.package"
	apt unpack "$tmp.package" "$package"
	tar -C "$tmp" -xJf "$tmp.package/usr/src/$package.tar.xz" --strip-components=1
	rm -rf "$tmp.package"
	echo "$version" >"$tmp/.version"
	rm -rf "$dir"
	mv "$tmp" "$dir"
}

# built NAME ARCH FRAGMENT...
built() {
	local name=$1 arch=$2 source="$cache/source/$source_series" hash dir release
	shift 2

	hash=$(cd "$here/configs" &&
		{ grep -hv '^#' "$@" | sort
		  cat ../source.sh "$source/.version"
		  gcc -dumpfullversion; } | sha256sum | cut -c1-12)
	dir=$cache/kernels/$name-$hash
	if [ ! -f "$dir/env" ]; then
		say "building $name (log: $dir/build.log); this takes minutes"
		rm -rf "$dir"
		(cd "$here/configs" && "$here/source.sh" "$arch" "$source" "$dir" "$@")
		release=$(cat "$dir/build/include/config/kernel.release")
		{
			echo "image=$dir/image"
			echo "modules=$dir/lib/modules/$release"
			echo "kdir=$dir/build"
			echo "release=$release"
			echo "source=$source"
		} >"$dir/env.tmp"
		mv "$dir/env.tmp" "$dir/env"
	fi
	touch "$dir/used"
	# Results of older recipes go once nobody has asked for them for a while.
	find "$cache/kernels" -mindepth 2 -maxdepth 2 -name used -mtime +14 \
		-path "*/$name-*" -printf '%h\n' | xargs -r rm -rf
	ln -sfn "$dir" "$cache/kernels/$name"
}

update=
while getopts u o; do
	case $o in
	u) update=1 ;;
	*) die "usage: kernel.sh [-u] 6.1|6.12|6.1-arm64|6.12-arm64|7.3-debug|um|source" ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || die "usage: kernel.sh [-u] 6.1|6.12|6.1-arm64|6.12-arm64|7.3-debug|um|source"
kernel=$1

mkdir -p "$cache/kernels" "$cache/source"

# locked NAME COMMAND...: two runs must not fetch or build the same thing.
locked() {
	local name=$1
	shift
	(
		flock -n 9 || { say "waiting for another run to finish with $name"; flock 9; }
		"$@"
	) 9>"$cache/.$name.lock"
}

case $kernel in
6.1 | 6.12)
	locked "$kernel" stock "$kernel" amd64 "$kernel"
	;;
6.1-arm64 | 6.12-arm64)
	locked "$kernel" stock "${kernel%-arm64}" arm64 "$kernel"
	;;
source)
	locked source source_tree
	echo "source=$cache/source/$source_series"
	exit 0
	;;
7.3-debug)
	locked source source_tree
	locked 7.3-debug built 7.3-debug x86_64 \
		common.config x86.config debug.config x86-debug.config
	;;
um)
	locked source source_tree
	locked um built um um common.config um.config debug.config um-debug.config
	;;
*)
	die "unknown kernel '$kernel' (6.1 6.12 6.1-arm64 6.12-arm64 7.3-debug um)"
	;;
esac
cat "$cache/kernels/$kernel/env"
