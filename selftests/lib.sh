# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Helpers of the tests, to be sourced.  A test is a bash script which prints
# TAP and exits as kselftests do: 0 passed, 1 failed, 4 skipped.
#
#	. "$(dirname "$0")/lib.sh"
#	load_module ankus
#	setup_ns left right
#	check "a device can be added" ankus -n "$left" dev add veth0
#	check_fail "but not twice" 2 'exists' ankus -n "$left" dev add veth0
#	check_json "it observes" '.[0].mode == "observe"' ankus -n "$left" -j dev show
#	finish
#
# plan N               say beforehand how many tests there are (optional)
# ok DESC              a test passed
# not_ok DESC [WHY]    a test failed
# skip DESC REASON     a test was not run
# skip_all REASON      nothing here can be run; ends the script
# diag TEXT            a remark
# check DESC CMD...    passes when CMD succeeds; shows its output when not
# check_not DESC CMD.. passes when CMD fails
# check_fail DESC STATUS REGEX CMD...
#                      passes when CMD exits with STATUS and its output matches
# check_is DESC WANTED GOT
#                      passes when the two are the same
# check_json DESC FILTER CMD...
#                      passes when jq -e FILTER accepts the output of CMD
# wait_until SECONDS CMD...
#                      until CMD succeeds; on slow (debug) kernels longer
# check_until DESC SECONDS CMD...
# defer CMD...         run CMD when the script ends; the last one first
# setup_ns VAR...      make network namespaces, named by $VAR, for this script
# load_module NAME [PARAMS...], unload_module NAME
#                      ankus or simnic as built for this kernel, or a stock one
# long_backlog         a CPU that stands still for a while loses nothing of what
#                      veth and the like have left it to receive
# finish               ends every script: plan, cleanup, exit status

set -u

lib_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib_top=$(dirname "$lib_dir")
lib_build=$lib_top/build
: "${ANKUS:=$lib_build/ankus}"
: "${ANKUS_KO:=$lib_build/${ANKUS_KERNEL:-host}/ankus.ko}"
: "${NLRAW:=$lib_build/nlraw}"
: "${SIMNIC_KO:=$lib_build/${ANKUS_KERNEL:-host}/simnic.ko}"

lib_planned='' lib_run=0 lib_failed=0 lib_skipped=0 lib_finished=''
lib_deferred=()
lib_out=$(mktemp -d)

# The tool by its name alone, wherever it was built.
ankus() {
	"$ANKUS" "$@"
}

# The same language, but jq 1.6 takes an emulated machine five times as long to
# start, and jq -e has nothing against no input at all.
jq() {
	gojq "$@"
}

# jq_or_show FILE CONDITION REPORT: succeeds when CONDITION holds, else shows
# what REPORT gives, from one start of jq
jq_or_show() {
	local met=''
	jq -c "if ($2) then true else false, ($3) end" "$1" >"$1.said" &&
		read -r met <"$1.said" && [ "$met" = true ] && return
	sed 1d "$1.said"
	return 1
}

lib_taint() {
	# proprietary, out-of-tree and unsigned modules are not complaints:
	# what counts is a past oops (7) or warning (9), or a soft lockup (14)
	echo $(($(cat /proc/sys/kernel/tainted) & (1 << 7 | 1 << 9 | 1 << 14)))
}
lib_taint_before=$(lib_taint)

# Limits are given for an idle machine.  Emulated ones have others beside them,
# and debug kernels do in minutes what others do in seconds.
lib_slow=3
[ ! -e /sys/kernel/debug/kmemleak ] || lib_slow=8

# Nobody writes here: to wait without a process for it
mkfifo "$lib_out/never"
exec {lib_never}<>"$lib_out/never"

echo "TAP version 13"

plan() {
	lib_planned=$1
	echo "1..$1"
}

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

lib_diag_file() {
	head -n 40 "$1" | sed 's/^/#   /'
}

ok() {
	lib_run=$((lib_run + 1))
	echo "ok $lib_run $1"
}

not_ok() {
	lib_run=$((lib_run + 1))
	lib_failed=$((lib_failed + 1))
	echo "not ok $lib_run $1"
	[ $# -lt 2 ] || diag "$2"
}

skip() {
	lib_run=$((lib_run + 1))
	lib_skipped=$((lib_skipped + 1))
	echo "ok $lib_run $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	lib_finished=1
	exit 4
}

check() {
	local desc=$1 rc
	shift

	"$@" >"$lib_out/check" 2>&1
	rc=$?
	if [ $rc -eq 0 ]; then
		ok "$desc"
		return 0
	fi
	not_ok "$desc" "exit status $rc of: $*"
	lib_diag_file "$lib_out/check"
	return 1
}

check_not() {
	local desc=$1
	shift

	if "$@" >"$lib_out/check" 2>&1; then
		not_ok "$desc" "succeeded, and should not have: $*"
		lib_diag_file "$lib_out/check"
		return 1
	fi
	ok "$desc"
}

check_fail() {
	local desc=$1 wanted=$2 regex=$3 rc
	shift 3

	"$@" >"$lib_out/check" 2>&1
	rc=$?
	if [ $rc -ne "$wanted" ]; then
		not_ok "$desc" "exit status $rc, not $wanted, of: $*"
	elif ! grep -qE -- "$regex" "$lib_out/check"; then
		not_ok "$desc" "its output does not match '$regex': $*"
	else
		ok "$desc"
		return 0
	fi
	lib_diag_file "$lib_out/check"
	return 1
}

check_is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
		return 0
	fi
	not_ok "$1" "wanted '$2', got '$3'"
	return 1
}

check_json() {
	local desc=$1 filter=$2 rc
	shift 2

	"$@" >"$lib_out/check" 2>"$lib_out/errors"
	rc=$?
	if [ $rc -ne 0 ]; then
		not_ok "$desc" "exit status $rc of: $*"
	elif ! jq -e "$filter" "$lib_out/check" >"$lib_out/jq" 2>&1; then
		not_ok "$desc" "jq '$filter' does not accept the output of: $*"
		lib_diag_file "$lib_out/jq"
	else
		ok "$desc"
		return 0
	fi
	lib_diag_file "$lib_out/errors"
	lib_diag_file "$lib_out/check"
	return 1
}

wait_until() {
	# CMD may be a function, which sees the variables from here.
	local lib_deadline=$((SECONDS + $1 * lib_slow))
	shift

	local lib_asked lib_us lib_pause

	while
		lib_asked=${EPOCHREALTIME//[.,]/}
		! "$@" >/dev/null 2>&1
	do
		[ $SECONDS -lt $lib_deadline ] || return 1
		# At least half of a slow machine's time is for what is waited for.
		lib_us=$((${EPOCHREALTIME//[.,]/} - lib_asked))
		[ $lib_us -gt 100000 ] || lib_us=100000
		printf -v lib_pause %d.%06d $((lib_us / 1000000)) \
			$((lib_us % 1000000))
		read -rt "$lib_pause" -u "$lib_never"
	done
	return 0
}

check_until() {
	local desc=$1 limit=$2
	shift 2

	if wait_until "$limit" "$@"; then
		ok "$desc"
		return 0
	fi
	not_ok "$desc" "not within $((limit * lib_slow)) s: $*"
	"$@" >"$lib_out/check" 2>&1
	lib_diag_file "$lib_out/check"
	return 1
}

defer() {
	lib_deferred=("$(printf '%q ' "$@")" ${lib_deferred[@]+"${lib_deferred[@]}"})
}

lib_delete_ns() {
	local pids
	pids=$(ip netns pids "$1" 2>/dev/null)
	# shellcheck disable=SC2086 # a list
	[ -z "$pids" ] || kill -9 $pids 2>/dev/null
	ip netns del "$1"
}

setup_ns() {
	local var name
	for var; do
		name=$var-$$
		ip netns add "$name" || skip_all "network namespaces do not work"
		ip -n "$name" link set lo up
		printf -v "$var" %s "$name"
		defer lib_delete_ns "$name"
	done
}

load_module() {
	local name=$1 file=''
	shift

	case $name in
	ankus) file=$ANKUS_KO ;;
	simnic) file=$SIMNIC_KO ;;
	esac
	[ ! -d "/sys/module/$name" ] || return 0
	if [ -n "$file" ] && [ -f "$file" ]; then
		insmod "$file" "$@"
	else
		modprobe "$name" "$@"
	fi || {
		not_ok "load $name" "$file $*"
		finish
	}
	defer unload_module "$name"
}

long_backlog() {
	local was
	was=$(sysctl -n net.core.netdev_max_backlog)
	defer sysctl -qw "net.core.netdev_max_backlog=$was"
	sysctl -qw net.core.netdev_max_backlog=100000
}

unload_module() {
	[ -d "/sys/module/$1" ] || return 0
	wait_until 10 rmmod "$1" && return
	# The second time for what it says.
	rmmod "$1"
}

command -v gojq >/dev/null || skip_all "no gojq"

# A cleanup that fails is a failure of the test: whatever comes next would
# start from something else than it believes.
lib_cleanup() {
	local command
	for command in ${lib_deferred[@]+"${lib_deferred[@]}"}; do
		eval "$command" >"$lib_out/cleanup" 2>&1 || {
			diag "cleanup failed: $command"
			lib_diag_file "$lib_out/cleanup"
			lib_failed=$((lib_failed + 1))
		}
	done
	lib_deferred=()
}

lib_exit() {
	local rc=$?

	if [ -z "$lib_finished" ]; then
		echo "Bail out! ended with status $rc before its end"
		rc=1
	fi
	lib_cleanup
	rm -rf "$lib_out"
	[ "$lib_failed" -eq 0 ] || rc=1
	exit $rc
}
trap lib_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

finish() {
	local failed=$lib_failed

	lib_cleanup
	if [ "$lib_failed" -ne "$failed" ]; then
		not_ok "everything could be put back"
	fi
	if [ "$(lib_taint)" != "$lib_taint_before" ]; then
		not_ok "the kernel did not complain" \
			"$(dmesg | grep -E 'WARNING|BUG|Oops|lockup' | tail -n 5)"
	fi
	if [ -z "$lib_planned" ]; then
		echo "1..$lib_run"
	elif [ "$lib_planned" -ne "$lib_run" ]; then
		diag "$lib_planned tests were planned, $lib_run run"
		lib_failed=$((lib_failed + 1))
	fi
	lib_finished=1
	[ "$lib_failed" -eq 0 ] || exit 1
	[ "$lib_run" -eq 0 ] || [ "$lib_skipped" -lt "$lib_run" ] || exit 4
	exit 0
}
