#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# runner.sh TEST...: run tests one after the other and print TAP as the
# kernel's kselftest runner does: one result per script, what the script
# printed before it, behind '# '.  Fails when one fails or none ran.
set -u

cd "$(dirname "$0")" || exit 1
timeout=$(sed -n 's/^timeout=//p' settings)
# Of one script that hangs, not all results should be lost.
[ ! -e /sys/kernel/debug/kmemleak ] || timeout=$((timeout * 2))

passed=0 failed=0 skipped=0 n=0
echo "TAP version 13"
echo "1..$#"
for test; do
	n=$((n + 1))
	echo "# selftests: ankus: $test"
	began=$SECONDS
	timeout -k 10 "$timeout" "./$test" </dev/null 2>&1 | sed -u 's/^/# /'
	rc=${PIPESTATUS[0]}
	took="$((SECONDS - began)) s"
	case $rc in
	0)
		passed=$((passed + 1))
		echo "ok $n selftests: ankus: $test ($took)"
		;;
	4)
		skipped=$((skipped + 1))
		echo "ok $n selftests: ankus: $test # SKIP"
		;;
	124 | 137)
		failed=$((failed + 1))
		echo "not ok $n selftests: ankus: $test # TIMEOUT $timeout s"
		;;
	*)
		failed=$((failed + 1))
		echo "not ok $n selftests: ankus: $test # exit=$rc ($took)"
		;;
	esac
done
echo "# Totals: pass:$passed fail:$failed skip:$skipped"
[ $failed -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
