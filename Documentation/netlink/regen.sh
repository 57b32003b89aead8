#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# regen.sh [-c]: generate the uapi header and the kernel's policy tables from
# the netlink spec with the kernel's own generator; -c only compares what is
# committed with what would be generated.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
spec=Documentation/netlink/specs/ankus.yaml

check=
if [ "${1:-}" = -c ]; then
	check=1
	shift
fi
[ $# -eq 0 ] || { echo "usage: regen.sh [-c]" >&2; exit 2; }

"$top/selftests/vm/deps.sh" regen
source=
eval "$("$top/selftests/vm/kernel.sh" source)"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The generator looks for the schema next to the folder of the spec and for
# the root of a kernel tree, which it knows by MAINTAINERS, above it.
mkdir -p "$tmp/tree/${spec%/*}"
cp "$source"/Documentation/netlink/*.yaml "$tmp/tree/Documentation/netlink/"
cp "$top/$spec" "$tmp/tree/$spec"
: >"$tmp/tree/MAINTAINERS"

# generate FILE MODE PART
generate() {
	mkdir -p "$tmp/new/${1%/*}"
	PYTHONDONTWRITEBYTECODE=1 python3 \
		"$source/tools/net/ynl/pyynl/ynl_gen_c.py" \
		--spec "$tmp/tree/$spec" --mode "$2" "--$3" -o "$tmp/new/$1"
	# In this tree the command is another one.
	sed -i 's#^/\* To regenerate run: .* \*/$#/* To regenerate run: make regen */#' \
		"$tmp/new/$1"
}

generate uapi/linux/ankus.h uapi header
generate kmod/netlink_gen.h kernel header
generate kmod/netlink_gen.c kernel source

status=0
for file in uapi/linux/ankus.h kmod/netlink_gen.h kmod/netlink_gen.c; do
	if cmp -s "$tmp/new/$file" "$top/$file"; then
		continue
	elif [ -n "$check" ]; then
		diff -u --label "$file" --label "$file, generated from $spec" \
			"$top/$file" "$tmp/new/$file" || status=1
	else
		install -D -m 644 "$tmp/new/$file" "$top/$file"
		echo "regen.sh: wrote $file"
	fi
done
[ $status -eq 0 ] || echo "regen.sh: out of date, run: make regen" >&2
exit $status
