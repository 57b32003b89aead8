#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh [LANE...]: everything that can be checked, in lanes:
#
#   build      module and test NIC for every kernel without a warning, the tool;
#              both for arm64; installing them, and by DKMS
#   lint       style.sh, and whether the generated files are up to date
#   bench      the targets of cost and accuracy that are quick to measure
#   kunit      the unit tests, in User Mode Linux with all checkers
#   6.1 6.12   the selftests on stock Debian kernels
#   7.3-debug  the selftests under KASAN, UBSAN, lockdep, with a leak scan
#
# Each lane fetches or builds what it needs.  What it printed is kept as
# build/log/LANE.tap; the output and the console of each selftest below
# build/log/KERNEL.  $TESTS names the selftests to run, by default all; $JOBS
# says how many at a time.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
log=$top/build/log
cd "$top" || exit 1
# What is made from here has nothing to do with the make that called.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

kernels="6.1 6.12 7.3-debug"
[ $# -gt 0 ] || set -- build lint bench kunit 6.1 6.12 7.3-debug
for lane; do
	case $lane in
	build | lint | bench | kunit | 6.1 | 6.12 | 7.3-debug) ;;
	*)
		echo "check.sh: unknown lane '$lane' (build lint bench kunit $kernels)" >&2
		exit 2
		;;
	esac
done

# step DESC CMD...: one result line for a command
step() {
	local desc=$1 began=$SECONDS out=$log/step.$BASHPID rc=0
	shift

	if "$@" >"$out" 2>&1; then
		echo "ok $desc ($((SECONDS - began)) s)"
	else
		echo "not ok $desc"
		tail -n 60 "$out" | sed 's/^/#   /'
		rc=1
	fi
	rm -f "$out"
	return $rc
}

# prepare DESC CMD...: the same for what comes before the tests: worth a line
# only when it took a while, a result only when it failed.
prepare() {
	local began=$SECONDS result
	result=$(step "$@") || { printf '%s\n' "$result"; return 1; }
	[ $((SECONDS - began)) -lt 5 ] || echo "# ${result#ok }"
}

# A guest whose command ended well is not yet one whose kernel was content.
# guest_result STATUS WHOSE CONSOLE
guest_result() {
	case $1 in
	122) echo "not ok $2: the guest kept running" ;;
	123) echo "not ok $2: the kernel did not complain (see $3)" ;;
	124) echo "not ok $2: the guest was done in time" ;;
	*) echo "ok $2: the kernel did not complain" ;;
	esac
}

# Lanes return 0 only when they came to their end and all was well there.

lane_build() {
	local kernel rc=0

	prepare "packages" selftests/vm/deps.sh build kernel arm64 || return
	for kernel in $kernels um; do
		prepare "kernel $kernel" selftests/vm/kernel.sh "$kernel" ||
			{ rc=1; continue; }
		step "ankus.ko for $kernel, W=1" \
			selftests/vm/module.sh "$kernel" ankus || rc=1
		[ "$kernel" = um ] || step "simnic.ko for $kernel, W=1" \
			selftests/vm/module.sh "$kernel" simnic || rc=1
	done
	for kernel in 6.1 6.12; do
		step "ankus.ko for $kernel on arm64, W=1" \
			selftests/arm64.sh module $kernel || rc=1
	done
	step "the tool" make tool || rc=1
	step "the tool on arm64" selftests/arm64.sh tool || rc=1
	step "the programs of the tests" make -s -C selftests || rc=1
	step "make install, modules_install, uninstall" \
		selftests/install.sh make || rc=1
	step "dkms build" selftests/install.sh dkms || rc=1
	return $rc
}

lane_lint() {
	local rc=0

	selftests/style.sh || rc=1
	step "generated files are up to date" \
		Documentation/netlink/regen.sh -c || rc=1
	return $rc
}

lane_bench() {
	prepare "packages" selftests/vm/deps.sh bench || return
	prepare "kernel 6.1" selftests/vm/kernel.sh 6.1 || return
	prepare "ankus.ko for 6.1" selftests/vm/module.sh 6.1 ankus || return
	prepare "the tool" make tool || return
	selftests/bench/bench.sh quick
}

lane_kunit() {
	local rc

	prepare "packages" selftests/vm/deps.sh build kernel || return
	prepare "kernel um" selftests/vm/kernel.sh um || return
	prepare "ankus.ko with unit tests" selftests/vm/module.sh um ankus || return
	selftests/vm/run.sh -k um -t 600 -L -l "$log/kunit.console" -- '
		insmod build/um/ankus.ko || exit
		cat /sys/kernel/debug/kunit/*/results
		rmmod ankus' >"$log/kunit.out" 2>&1
	rc=$?
	# Cases stand one level below their suite; deeper lines are parameters
	# of a case, and a failing one fails the case.
	awk '
		/^    # Subtest: / { suite = $3 }
		/^    (not )?ok / {
			result = $1 == "not" ? "not ok" : "ok"
			sub(/^    (not )?ok [0-9]+ /, "")
			print result " " suite ": " $0
			cases++
			next
		}
		/not ok |EXPECTATION FAILED|ASSERTION FAILED/ { print "#  " $0 }
		/^run\.sh: / { print "# " $0 }
		END { if (!cases) print "not ok unit tests ran" }
	' "$log/kunit.out"
	guest_result "$rc" kunit "$log/kunit.console"
	return "$rc"
}

# guests KERNEL TEST...: a line for each guest, with the tests that it runs.  On a
# stock kernel each test has its own, so that none inherits anything from
# another, and one that brings the kernel down takes no other with it.  To boot
# a debug kernel and to look for leaks takes as long as a short test: there,
# short ones share a guest, unless they name its devices.
guests() {
	local kernel=$1 test lines
	shift

	for test; do
		lines=1000
		case $kernel in
		*debug) grep -q '^# vm: ' "selftests/$test" ||
			lines=$(wc -l <"selftests/$test") ;;
		esac
		echo "$lines $test"
	done | awk '
		{
			for (i = 1; i <= n && sum[i] + $1 > 1000; i++)
				;
			if (i > n)
				n = i
			sum[i] += $1
			tests[i] = tests[i] (tests[i] == "" ? "" : " ") $2
		}
		END { for (i = 1; i <= n; i++) print tests[i] }'
}

# run_guest KERNEL TEST...: what they print appears as a whole when all are done
run_guest() {
	local kernel=$1 args=(-t 900) rc results tests name out
	shift
	tests=$*
	name=${tests// /+}
	out=$log/$kernel/$name

	case $kernel in
	*debug) args=(-t 2000 -L) ;;
	esac
	# A test may need a NIC, and says so itself.
	args+=(-o "selftests/$1" -l "$out.console")
	selftests/vm/run.sh -k "$kernel" "${args[@]}" -- \
		make -s -C selftests run_tests "TEST_PROGS=$tests" >"$out" 2>&1
	rc=$?
	results=$(cat "$out"; guest_result "$rc" "$name" "$out.console")
	# The runner's last line: without it, some tests had no chance to fail.
	if ! grep -q '^# Totals: ' <<<"$results"; then
		results+=$'\n'"not ok $name: all was run (status $rc)"
	elif [ "$rc" -ne 0 ] && ! grep -q '^not ok ' <<<"$results"; then
		results+=$'\n'"not ok $name: ended with status $rc"
	fi
	# One argument holds 128 KiB at most, and a failing test says more.
	flock "$log" cat <<<"$results"
}

lane_kernel() {
	local kernel=$1 jobs tests guest

	# Tests wait as much as they compute, but not on a debug kernel.
	case $kernel in
	*debug) jobs=${JOBS:-$(nproc)} ;;
	*) jobs=${JOBS:-$(($(nproc) + 1))} ;;
	esac
	prepare "packages" selftests/vm/deps.sh build vm test || return
	prepare "kernel $kernel" selftests/vm/kernel.sh "$kernel" || return
	prepare "modules for $kernel" selftests/vm/module.sh "$kernel" || return
	prepare "the tool" make tool || return
	prepare "the programs of the tests" make -s -C selftests || return
	mkdir -p "$log/$kernel"
	# The longest come first, so that none of them runs alone in the end.
	tests=${TESTS:-$(cd selftests && make -s list | xargs wc -l | sort -rn |
		awk '$2 != "total" { print $2 }')}
	# shellcheck disable=SC2086 # words
	while read -ra guest; do
		while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
			wait -n
		done
		run_guest "$kernel" "${guest[@]}" </dev/null &
	done <<<"$(guests "$kernel" $tests)"
	wait
}

# The tests of a lane: a nested result line each, and one for a script that
# failed without saying which of its tests did.
count() {
	awk '
		function result(line) {
			if (line ~ /^not ok/) { failed++; inner_failed++ }
			else if (line ~ /# SKIP/) skipped++
			else passed++
		}
		/^# selftests: / { inner = inner_failed = 0; next }
		/^# (not )?ok / { sub(/^# /, ""); result($0); inner++; next }
		/^(not )?ok [0-9]+ selftests: / {
			if (/^not ok/ && !inner_failed) failed++
			else if (!inner) result($0)
			next
		}
		/^(not )?ok / { inner_failed = 0; result($0) }
		END { print passed + 0, failed + 0, skipped + 0 }
	' "$1"
}

# failures LANE: what failed there, each with the first lines of what was said
# about it, which come behind the result
failures() {
	awk -v lane="$1" '
		/^# selftests: / { test = $NF ": "; inner = 0 }
		/^(# )?(not )?ok |^# Totals/ { more = 0 }
		# of a script that failed, only when none of its tests did
		/^(not )?ok [0-9]+ selftests: / { test = ""; if (inner) next }
		/^(# )?not ok / {
			sub(/^# /, "")
			print lane ": " test $0
			inner = more = 8
			next
		}
		more > 0 && /^# / { print "  " substr($0, 1, 300); more-- }
	' "$log/$1.tap"
}

# What is worth seeing while it runs: everything but single successes inside
# of scripts.
progress() {
	grep --line-buffered -vE '^# (ok |TAP version|1\.\.|selftests: )|^TAP version|^1\.\.|^make'
}

# run_lane LANE: its results are in LANE.tap then, status and seconds in LANE.end
run_lane() {
	local lane=$1 began=$SECONDS rc

	rm -rf "$log/$lane".* "${log:?}/$lane"
	case $lane in
	build) lane_build ;;
	lint) lane_lint ;;
	bench) lane_bench ;;
	kunit) lane_kunit ;;
	*) lane_kernel "$lane" ;;
	esac 2>&1 | tee "$log/$lane.tap" | progress
	rc=${PIPESTATUS[0]}
	echo "$rc $((SECONDS - began))" >"$log/$lane.end"
}

mkdir -p "$log"
table='' failures='' passed=0 failed=0 skipped=0 status=0
# Lint, bench and kunit need one CPU each and nothing of each other: they run
# beside each other, and are shown when their turn comes.
declare -A beside=()
for lane; do
	echo "== $lane"
	case $lane in
	lint | bench | kunit)
		for other; do
			case $other in
			lint | bench | kunit) ;;
			*) continue ;;
			esac
			[ -z "${beside[$other]:-}" ] || continue
			run_lane "$other" </dev/null >"$log/shown.$other" 2>&1 &
			beside[$other]=$!
		done
		wait "${beside[$lane]}"
		cat "$log/shown.$lane"
		;;
	*)
		wait
		run_lane "$lane"
		;;
	esac
	read -r rc seconds <"$log/$lane.end"
	read -r p f s <<<"$(count "$log/$lane.tap")"
	# A lane that found nothing to run did not pass.
	if [ $((p + s)) -eq 0 ] && [ "$f" -eq 0 ]; then
		echo "not ok $lane ran nothing"
		f=1
	elif [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then
		echo "not ok $lane did not come to its end (status $rc)"
		f=1
	fi
	[ "$f" -eq 0 ] || { status=1; failures+=$(failures "$lane")$'\n'; }
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	table+=$(printf '%-10s %7d %7d %8d %6d s  %s' "$lane" "$p" "$f" "$s" \
		"$seconds" "$([ "$f" -eq 0 ] && echo ok || echo FAILED)")$'\n'
done

[ -z "$failures" ] || printf '\n== what failed\n%s' "$failures"
echo
printf '%-10s %7s %7s %8s %8s\n' lane passed failed skipped time
printf '%s' "$table"
# Once more, by name alone: where only the end of the output is kept, this is it.
grep -v '^  #' <<<"$failures" | grep . | cut -c 1-200 | head -n 30
echo "logs: build/log"
echo "$passed passed, $failed failed, $skipped skipped" | tee "$log/summary"
[ $passed -gt 0 ] || status=1
exit $status
