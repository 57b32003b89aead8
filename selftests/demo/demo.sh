#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh: a storage mesh before and after ankus, in a virtual machine of this
# machine.  `make demo` calls it when everything is built.  The figures go to
# build/demo.json.  Exit status 0 says that they are all there, not that they
# are good.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../.." && pwd)/build
work=$build/demo
kernel=6.1
limit_seconds=400

die() {
	echo "demo.sh: $*" >&2
	exit 1
}

for file in "$build/ankus" "$build/$kernel/ankus.ko" "$build/$kernel/simnic.ko"; do
	[ -e "$file" ] || die "$file is missing: run 'make demo'"
done

rm -rf "$work" "$build/demo.json"
mkdir -p "$work/raw"
${CC:-gcc} -O2 -Wall -o "$work/mice" "$here/mice.c" ||
	die "cannot compile mice.c"
for seed in 1 2 3; do
	"$here/draw.sh" $seed 4 10 >"$work/draw-$seed"
done
"$here/draw.sh" 1 4 4 >"$work/draw-rx"

cat <<'TEXT'

  ankus demo: a storage server feeds GPU nodes

  4 storage addresses x 10 GPU nodes = 40 TCP streams of 5 to 7 Gbit/s over a bond of 4 links.
  Together the links could carry them with a fifth to spare, but a hash decides where each goes.
  Then ankus is told to steer, while the very same streams go on.  Beside them run mice: small
  requests, timed from question to answer.

TEXT
cpus=$(nproc)
[ "$cpus" -le 4 ] || cpus=4
mkfifo "$work/events"
"$here/../vm/run.sh" -k $kernel -c "$cpus" -t $limit_seconds -w "$work/raw" -- \
	bash "$here/guest.sh" "$work/raw" >"$work/events" &
vm=$!
trap 'kill $vm 2>/dev/null || :' EXIT
python3 -B "$here/report.py" "$work" "$work/demo.json" <"$work/events" ||
	die "failed; no figures written"
wait $vm || die "the virtual machine failed; no figures written"
mv "$work/demo.json" "$build/demo.json"
printf '  The figures, of each draw too: build/demo.json (took %d s)\n\n' $SECONDS
