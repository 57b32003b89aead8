#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [quick]: what detection costs and how exact it is, beside what else
# could do it.  `make bench` calls it when everything is built.
#
#   cost      instructions of a packet, in a virtual machine that counts them
#   accuracy  who finds which elephants, the module's own code and peers
#   speed     nanoseconds on this machine, caches included
#   nics      how fast elephants get their rules into NICs
#   moves     whether moves between RX queues and CPUs reorder TCP
#
# Prints tables and which targets are met; the figures go to build/bench.json,
# a plot to build/bench.png.  With "quick", only the module's own targets on
# the smaller workloads, printed as TAP; `make check` does that.
#
# Exit status 0: every target is met.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$top/build
work=$build/bench
kernel=6.1
quick=${1:-}

die() {
	echo "bench.sh: $*" >&2
	exit 1
}

# The module's own sources as a program: what they include of the kernel is
# named here and stands in shim.h.
compile() {
	local flags header pure=(sketch rate)
	local peers=(lines.c ankus.c randomadmission.c spacesaving.c heavykeeper.c
		elastic.c countmin.c)

	rm -rf "$work/include"
	mkdir -p "$work/include/linux"
	for header in $(cd "$top/kmod" && sed -nE 's#^\#include <linux/(.*)>#\1#p' \
		key.h "${pure[@]/%/.h}" "${pure[@]/%/.c}" | sort -u); do
		echo '#include "shim.h"' >"$work/include/linux/$header"
	done
	# As the kernel is compiled, as far as it matters for speed
	flags=(-std=gnu11 -O2 -fno-strict-aliasing -Wall -Wextra -Werror
		-Wno-missing-field-initializers
		-I"$work/include" -I"$here" -I"$top/kmod")
	for header in "${pure[@]}"; do
		${CC:-gcc} "${flags[@]}" -mgeneral-regs-only -c \
			-o "$work/$header.o" "$top/kmod/$header.c" || return
	done
	cd "$here"
	${CC:-gcc} "${flags[@]}" -o "$work/accuracy" accuracy.c detector.c \
		truth.c workload.c sizes.c "${peers[@]}" "$work/sketch.o" \
		"$work/rate.o" -lm || return
	${CC:-gcc} "${flags[@]}" -o "$work/speed" speed.c workload.c sizes.c \
		"${peers[@]}" "$work/sketch.o" -lm
}

guest() {
	"$here/../vm/run.sh" -k $kernel -I -r 1536 -t 1800 -w "$work/raw" -- \
		bash "$here/guest.sh" "$work/raw/cost" ${quick:+"$quick"}
}

# Debian mounts both by itself, a guest does not.
# shellcheck disable=SC2016 # for the guest
nics() {
	"$here/../vm/run.sh" -k $kernel -I -r 1536 -t 1800 -- '
		mountpoint -q /sys/kernel/debug ||
			mount -t debugfs debugfs /sys/kernel/debug
		mountpoint -q /sys/kernel/tracing ||
			mount -t tracefs tracefs /sys/kernel/tracing
		python3 -B selftests/bench/nics.py'
}

moves() {
	ANKUS_TEST_SECONDS=60 "$here/../vm/run.sh" -k $kernel -t 1800 -- \
		selftests/rx_moves.sh
}

needed=("$build/ankus" "$build/$kernel/ankus.ko")
[ -n "$quick" ] || needed+=("$build/$kernel/simnic.ko")
for file in "${needed[@]}"; do
	[ -e "$file" ] || die "$file is missing: run 'make bench'"
done
rm -rf "$work"
[ -n "$quick" ] || rm -f "$build/bench.json" "$build/bench.png"
mkdir -p "$work/raw"
compile || die "cannot compile"

guest >"$work/guest.log" 2>&1 &
vm=$!
trap 'kill $vm 2>/dev/null || :' EXIT
if [ -n "$quick" ]; then
	"$work/accuracy" -q >"$work/raw/accuracy" || die "accuracy failed"
else
	echo "measuring; this takes about ten minutes on two CPUs" >&2
	# Alone on its CPU, or nearly so: the best of many turns counts.
	"$work/speed" >"$work/raw/speed" || die "speed failed"
	"$work/accuracy" >"$work/raw/accuracy" || die "accuracy failed"
	"$work/accuracy" -s >"$work/raw/sweep" || die "accuracy -s failed"
	(cd "$top" && nics) >"$work/raw/nics" 2>"$work/nics.log" || {
		cat "$work/nics.log" >&2
		die "the virtual machine with NICs failed"
	}
	(cd "$top" && moves) >"$work/moves.log" 2>&1 || {
		cat "$work/moves.log" >&2
		die "the test of moves failed"
	}
	sed -n 's/^# \(moves .*\)/\1/p' "$work/moves.log" >"$work/raw/moves"
fi
wait $vm || {
	cat "$work/guest.log" >&2
	die "the virtual machine failed"
}
trap - EXIT
status=0
python3 -B "$here/report.py" "$work" ${quick:+"$quick"} || status=$?
[ -n "$quick" ] || {
	mv "$work/bench.json" "$build/bench.json"
	(cd "$work" && gnuplot "$here/plot.gp") || die "gnuplot failed"
	mv "$work/bench.png" "$build/bench.png"
	printf 'figures: build/bench.json, plot: build/bench.png (took %d s)\n' $SECONDS
	cat "$work/summary"
}
exit $status
