#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# style.sh [CHECK...]: what can be said of the sources without running them,
# as TAP.  Checks: checkpatch clang-format sparse shellcheck layers tree.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
cd "$top" || exit 1

"$here/vm/deps.sh" lint build || exit 1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
n=0 failed=0

# result DESC FILE: a check passed when it had nothing to say
result() {
	n=$((n + 1))
	if [ -s "$2" ]; then
		failed=$((failed + 1))
		echo "not ok $n $1"
		sed 's/^/#   /' "$2"
	else
		echo "ok $n $1"
	fi
}

# Our own C files, but for generated ones.
c_files() {
	find kmod tools selftests -name '*.[ch]' -not -name 'netlink_gen.[ch]' \
		-not -name '*.mod.c' 2>/dev/null | sort
}

shell_files() {
	local file
	find . -path ./.git -prune -o -path ./build -prune -o -type f -print |
		sort | while read -r file; do
		case $file in
		*.sh | ./tools/completion/*) echo "$file" ;;
		*.*) ;;
		*) ! head -n 1 "$file" | grep -qE '^#!.*(/| )(ba|busybox )?sh' ||
			echo "$file" ;;
		esac
	done
	echo ./.ci/run
}

# checkpatch DESC IGNORED-TYPES: of the files on standard input
checkpatch() {
	xargs -r perl "$source/scripts/checkpatch.pl" --no-tree --strict --terse \
		--quiet --no-summary --show-types --ignore "$2" -f \
		>"$out/checkpatch" 2>"$out/errors" || [ -s "$out/checkpatch" ] ||
		cp "$out/errors" "$out/checkpatch"
	# Names that are not ours to choose.
	sed -i -E '/Avoid CamelCase: <(Qdisc|PRI[a-zA-Z0-9]+|_Alignas|_Static_assert)>/d' \
		"$out/checkpatch"
	result "checkpatch --strict: $1" "$out/checkpatch"
}

check_checkpatch() {
	local source='' all kernel events programs

	eval "$("$here/vm/kernel.sh" source)"
	# kzalloc_obj() is younger than the kernels we support; loops over lists
	# name their arguments several times; what a lock guards is said in the
	# kernel-doc of its struct.
	all=ALLOC_WITH_SIZEOF,MACRO_ARG_REUSE,UNCOMMENTED_DEFINITION
	# These three take conditional includes and version tests for comparisons.
	# What a macro is for may be an argument that only older kernels take.
	kernel=$all,LINUX_VERSION_CODE,CONSTANT_COMPARISON,SPACING,MACRO_ARG_UNUSED
	# TRACE_EVENT() takes lists of declarations and statements, which are no
	# arguments of functions, and names of enums come from lists of macros.
	events=$all,COMPLEX_MACRO,MACRO_ARG_UNUSED,TRAILING_SEMICOLON
	events+=,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
	# Programs have no __printf, kstrtoul or __func__ to print.
	programs=$all,PREFER_DEFINED_ATTRIBUTE_MACRO,CONSIDER_KSTRTO,SSCANF_TO_KSTRTO
	programs+=,EMBEDDED_FUNCTION_NAME,PREFER_KERNEL_TYPES

	checkpatch "kernel code" $all < <(c_files |
		grep -vE '^tools/|^selftests/((demo|bench)/|[^/]*$)|/(compat|trace)\.h$')
	checkpatch compat.h "$kernel" < <(c_files | grep -E '/compat\.h$')
	checkpatch trace.h "$events" < <(c_files | grep -E '/trace\.h$')
	checkpatch programs "$programs" < <(c_files |
		grep -E '^tools/|^selftests/((demo|bench)/|[^/]*$)')
}

# one_spaced FILE: a statement a line, without what line breaks and indentation
# there are, and without what clang-format knows of C++ rather than of C
one_spaced() {
	tr '\n\t' '  ' <"$1" | sed -E 's/\\ //g' | tr -s ' ' | sed -E \
		's/ ?\? ?: ?/ ?: /g
		 s/(\(struct [a-z_]+\)) \{/\1{/g
		 s/\bdelete \(/delete(/g
		 s/([;{}]) /\1\n/g'
}

# With the kernel's own .clang-format, but only spaces within lines: in breaking
# lines it ends some with an open parenthesis, which checkpatch --strict refuses,
# and it pulls aligned tables apart.  What TRACE_EVENT() takes is no C to it.
check_clang_format() {
	local source='' file

	eval "$("$here/vm/kernel.sh" source)"
	sed -e 's/^ColumnLimit:.*/ColumnLimit: 0/' \
		-e 's/^ReflowComments:.*/ReflowComments: false/' \
		-e 's/^SortIncludes:.*/SortIncludes: Never/' \
		"$source/.clang-format" >"$out/clang-format"
	c_files | grep -v '/trace\.h$' | while read -r file; do
		clang-format --style="file:$out/clang-format" "$file" \
			>"$out/formatted" || echo "$file: not formatted"
		one_spaced "$file" >"$out/ours"
		one_spaced "$out/formatted" |
			diff "$out/ours" - | sed -n "s#^[<>]#$file: &#p"
	done >"$out/format" 2>&1
	result "clang-format: spaces" "$out/format"
}

# Sparse checks while it compiles, in a tree of its own.  It does not know
# __has_include, which is asked only for headers that 6.1 does not have.
check_sparse() {
	local module
	for module in ankus simnic; do
		TREE=sparse "$here/vm/module.sh" 6.1 $module -- C=2 \
			CF="-D'__has_include(header)=0'" \
			>"$out/sparse" 2>&1 || echo "the build failed" >>"$out/sparse"
		sed -i "s#^$top/build/sparse/ankus/##
			s#^$top/build/sparse/simnic/#selftests/simnic/#" "$out/sparse"
		# 6.1 declares without const what generated tables point to.
		sed -i '/^kmod\/netlink_gen\.c:.*(different modifiers)/,+2d' \
			"$out/sparse"
		result "sparse: $module" "$out/sparse"
	done
}

check_shellcheck() {
	shell_files | xargs shellcheck -x -P SCRIPTDIR >"$out/shell" 2>&1
	result "shellcheck" "$out/shell"
}

# The noun of a file of kmod/ and the layer it stands in.
layer_of() {
	case $1 in
	ask | damp | key | packet | sketch | rate | repath | entropy | group | match | place | rss_table | toeplitz) echo 0 ;;
	dev | flow | pair | rule | link | balance | rss | cpu_queue | tcp | trace) echo 1 ;;
	action | move | steer | steer_rx | nic | rx_backend | rx_queue | rx_feature | rx_ntuple | rx_rss | rx_cpu | \
		tx_queue | tx_link | tx_mark) echo 2 ;;
	main | manage | control | classify | assign | hook | netlink* | event) echo 3 ;;
	compat) echo any ;;
	*) echo unknown ;;
	esac
}

check_layers() {
	local file noun layer included

	for file in kmod/*.[ch]; do
		noun=$(basename "${file%.[ch]}")
		layer=$(layer_of "$noun")
		case $layer in
		any) continue ;;
		unknown)
			echo "$file: in no layer: name it in selftests/style.sh"
			continue
			;;
		esac
		sed -n 's/^#[ \t]*include "\(.*\)\.h".*/\1/p' "$file" |
			while read -r included; do
			case $(layer_of "$(basename "$included")") in
			any) ;;
			unknown) echo "$file: includes $included.h, in no layer" ;;
			*) [ "$(layer_of "$(basename "$included")")" -le "$layer" ] ||
				echo "$file: layer $layer includes $included.h above it" ;;
			esac
		done
		# Pure code: neither devices nor locks.
		[ "$layer" -ne 0 ] || grep -nHE \
			'include <linux/(netdevice|rtnetlink|spinlock|mutex|rcupdate)\.h>' "$file"
	done >"$out/layers"
	result "layers: lower ones include no higher ones" "$out/layers"

	only 'LINUX_VERSION_CODE|KERNEL_VERSION\(|UTS_RELEASE' \
		'kmod/compat\.h' "kernel versions are tested in compat.h only"
	only '\bethtool_ops\b' 'kmod/(compat|nic|rx_ntuple|rx_rss)\.[ch]' \
		"ethtool_ops are for rx_ntuple, rx_rss and what they share only"
	only 'nf_(un)?register_net_hooks?\b' 'kmod/hook\.[ch]' \
		"hooks are registered in hook.c only"
	only 'include "netlink_gen\.h"' 'kmod/netlink[a-z_]*\.[ch]' \
		"netlink_gen.h is included by netlink*.c only"
	only_below tools 'libmnl' 'tools/(netlink|route)\.[ch]' \
		"libmnl is included by tools/netlink.c and tools/route.c only"
	grep -rnE 'include .*(ankus|kmod)' selftests/simnic --include='*.[ch]' \
		>"$out/simnic" 2>/dev/null
	result "simnic includes nothing of ankus" "$out/simnic"
}

# only REGEX FILES DESC: in kmod/, REGEX occurs in FILES and nowhere else
only() {
	only_below kmod "$@"
}

only_below() {
	grep -rnE --include='*.[ch]' -- "$2" "$1" 2>/dev/null |
		grep -vE -- "^($3):" >"$out/only"
	result "$4" "$out/only"
}

check_tree() {
	git ls-files 2>/dev/null |
		grep -E '\.(ko|o|a|mod|mod\.c|cmd|deb|img|gz|xz|pyc)$|(^|/)(Module\.symvers|modules\.order)$' \
		>"$out/products"
	result "no build products in the tree" "$out/products"

	for file in Kbuild Makefile $(c_files) $(shell_files) kmod/netlink_gen.[ch] \
		uapi/linux/*.h; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: ' ||
			echo "$file: no SPDX line"
	done >"$out/spdx"
	result "every source names its licence" "$out/spdx"

	grep -rnE '\b(TODO|FIXME|XXX)\b' kmod tools selftests uapi \
		--include='*.[ch]' --include='*.sh' --exclude=style.sh >"$out/marks"
	result "no marks left behind" "$out/marks"
}

[ $# -gt 0 ] || set -- checkpatch clang-format sparse shellcheck layers tree
for check; do
	case $check in
	checkpatch | sparse | shellcheck | layers | tree) "check_$check" ;;
	clang-format) check_clang_format ;;
	*) echo "style.sh: unknown check '$check'" >&2; exit 2 ;;
	esac
done
echo "1..$n"
[ $failed -eq 0 ]
