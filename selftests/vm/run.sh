#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh -k KERNEL [OPTIONS] -- CMD...
#
# Boots a test kernel on the host's own root file system (read-only, below a
# tmpfs overlay: what the guest writes vanishes), runs CMD there as root in
# the current folder and copies its output here.  A single CMD is a line for
# the shell, several are a command and its arguments.
#
#   -k KERNEL   6.1, 6.12, 7.3-debug or um (default 6.1); see kernel.sh
#   -c CPUS     default 2; um: 1
#   -r MIB      memory; default 1024, with a debug kernel 1536
#   -t SECONDS  give up after that time; default 300
#   -q ARGS     more arguments for QEMU
#   -T ARGS     the same, of which netdevs tap0 and tap1 are: taps with several
#               queues, joined by a bridge, in a network namespace of QEMU's own
#               that goes with it; left out where the host has no taps
#   -o TEST     options that a test asks for, in lines "# vm: -c 3"; -c, -q, -T
#   -a ARGS     more arguments for the kernel
#   -A REGEX    console lines that look like a splat and are none
#   -L          look for memory leaks at the end (debug kernels)
#   -w DIR      a folder of the host which the guest may write to
#   -l FILE     keep the console log
#   -I          count instructions: one CPU, 1 ns of guest time = 1 instruction
#   -i          interactive: the terminal becomes CMD's (default CMD: bash)
#
# Exit status: CMD's own, or
#   122  the guest ended without telling a status
#   123  the kernel complained on the console: warning, oops, KASAN, lockdep,
#        leak, stall, ...
#   124  time is up
#
# In the guest, $ANKUS_KERNEL is KERNEL and build/ is in $PATH.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${ANKUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ankus}
kernel=6.1 cpus='' ram='' limit=300 qemu_args='' append='' allow='^$'
leaks='' writable='' log='' icount='' interactive='' tap_args=''
guest_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

die() {
	echo "run.sh: $*" >&2
	exit 2
}

# Options of a guest's hardware
machine_option() {
	case $1 in
	-c) cpus=$2 ;;
	-q) qemu_args+=" $2" ;;
	-T) tap_args+=" $2" ;;
	*) die "a test cannot ask for $1" ;;
	esac
}

while getopts k:c:r:t:q:T:o:a:A:Lw:l:Ii o; do
	case $o in
	k) kernel=$OPTARG ;;
	c | q | T) machine_option "-$o" "$OPTARG" ;;
	r) ram=$OPTARG ;;
	t) limit=$OPTARG ;;
	o)
		while read -r name value; do
			machine_option "$name" "$value"
		done < <(sed -n 's/^# vm: //p' "$OPTARG")
		;;
	a) append=$OPTARG ;;
	A) allow=$OPTARG ;;
	L) leaks=1 ;;
	w) writable=$(realpath "$OPTARG") || exit 2 ;;
	l) log=$OPTARG ;;
	I) icount=1 ;;
	i) interactive=1 ;;
	*) die "see the head of $0 for its options" ;;
	esac
done
shift $((OPTIND - 1))
[ -z "$icount" ] || cpus=1
[ $# -gt 0 ] || { [ -n "$interactive" ] && set -- bash; } || die "no command"

case $kernel in
*debug*) : "${ram:=1536}" ;;
*) : "${ram:=1024}" ;;
esac
uml=
[ "$kernel" != um ] || uml=1
# UML's own bring-up of a second CPU does not please lockdep.
: "${cpus:=$((uml ? 1 : 2))}"
[ -z "$uml$icount" ] || [ -z "$interactive" ] || die "-i works with QEMU's kernels only"

"$here/deps.sh" vm || exit 2
env=$("$here/kernel.sh" "$kernel") || exit 2
image='' modules='' release='' kdir=''
eval "$env"
emulator=()
if [ -z "$uml" ]; then
	env=$("$here/qemu.sh") || exit 2
	mapfile -t emulator <<<"$env"
fi

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ankus-vm.XXXXXX")
vm='' tail=''
# shellcheck disable=SC2317,SC2329 # called by the trap
cleanup() {
	[ -z "$vm" ] || kill "$vm" 2>/dev/null
	[ -z "$tail" ] || kill "$tail" 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
: "${log:=$tmp/console}"
: >"$log" || exit 2
: >"$tmp/out"

# The part of the initrd which depends on the kernel alone: busybox and the
# modules that the root file system takes.
make_base() {
	local base=$1 dir=$tmp/base n=0 file module
	mkdir -p "$dir"/{bin,mod,proc,sys,dev,ro,rw,new} "${base%/*}"
	cp "$(command -v busybox || echo /bin/busybox)" "$dir/bin/busybox"
	cp "$here/init" "$dir/init"
	chmod 755 "$dir/init"
	if [ -z "$uml" ]; then
		for module in virtio_pci 9pnet_virtio 9p overlay virtio_rng; do
			PATH=$PATH:/usr/sbin:/sbin modprobe \
				-d "${modules%/lib/modules/*}" -S "$release" \
				--show-depends "$module" 2>/dev/null
		done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' \
			>"$tmp/needed"
		while read -r file; do
			n=$((n + 1))
			module=$dir/mod/$(printf %02d $n).ko
			case $file in
			*.xz) xz -dc "$file" >"$module" ;;
			*.zst) zstd -qdc "$file" >"$module" ;;
			*) cp "$file" "$module" ;;
			esac
		done <"$tmp/needed"
	fi
	(cd "$dir" && find . | cpio -o -H newc --quiet | gzip -1) >"$base.$$" &&
		truncate -s %512 "$base.$$" && mv "$base.$$" "$base"
}

# Over 9p, the start of a program asks the host a few times for each of its
# files, and a test starts thousands.  So the guest gets copies of what tests
# start most, of the libraries that belong to it and of the modules that Python
# loads; all else is taken from the host's root.
programs="awk bash bridge cat cmp cp cut date dirname env ethtool false gojq
grep head insmod ip iperf3 ls mkdir mkfifo mktemp mv nsenter nstat paste python3
readlink rm rmmod sed seq sh sleep sort ss stat sysctl tail tc tee timeout touch
tr true unshare wc xargs"
python_modules="collections, ctypes, errno, fcntl, json, mmap, os, pickle, random, re, \
select, socket, struct, subprocess, sys, time"

# trail PATH: PATH, all that it is a link to, and the folders on the way; with
# no / in front
trail() {
	local path=$1 dir
	while :; do
		dir=$(cd "${path%/*}/" && pwd -P) || return
		path=${dir%/}/${path##*/}
		echo "${path#/}"
		while [ -n "$dir" ] && [ "$dir" != / ]; do
			echo "${dir#/}"
			dir=${dir%/*}
		done
		[ -L "$path" ] || return 0
		dir=$(readlink "$path")
		case $dir in
		/*) path=$dir ;;
		*) path=${path%/*}/$dir ;;
		esac
	done
}

# make_programs: an archive of them, for init
make_programs() {
	local name files=() file PATH=$guest_path

	for name in $programs; do
		file=$(type -P "$name") && files+=("$file")
	done
	for file in "$top/build/ankus" "$top/build/nlraw"; do
		[ ! -x "$file" ] || files+=("$file")
	done
	mapfile -t -O ${#files[@]} files < <(ldd "${files[@]}" 2>/dev/null |
		sed -nE 's/^[^/]*[[:space:]](\/[^ :]*) \(0x.*/\1/p' | sort -u)
	[ ! -f /etc/ld.so.cache ] || files+=(/etc/ld.so.cache)
	mapfile -t -O ${#files[@]} files < <(python3 -c "
import $python_modules
for module in list(sys.modules.values()):
    for name in '__file__', '__cached__':
        print(getattr(module, name, None) or '')" 2>/dev/null | grep '^/')
	# Where folders are links into /usr, these are on every path.
	for file in /bin /sbin /lib /lib64 "${files[@]}"; do
		[ -f "$file" ] || [ -L "$file" ] || continue
		trail "$file"
	done | sort -u >"$tmp/programs"
	(cd / && cpio -o -H newc --quiet) <"$tmp/programs" >"$tmp/programs.cpio"
}

# make_initrd FILE COMMAND-FILE WRITABLE TTY: the base and the command
make_initrd() {
	local base lock
	base=$cache/initrd/$kernel-$(cat "$here/init" "$image" |
		sha256sum | cut -c1-12).cpio.gz
	mkdir -p "$tmp/cmd"
	printf '%s=%q\n' VM_RELEASE "$release" VM_MODULES "$modules" \
		VM_WRITABLE "$3" VM_UML "$uml" VM_LEAKS "$leaks" \
		VM_OUT "$tmp" VM_TTY "$4" >"$tmp/cmd/cmd.env"
	cp "$2" "$tmp/cmd/cmd.sh"
	(cd "$tmp/cmd" && printf 'cmd.env\ncmd.sh\n' |
		cpio -o -H newc --quiet) >"$tmp/cmd.cpio"
	# One makes the base, also for those that start at the same time; what
	# nobody has used for a day goes.
	mkdir -p "$cache/initrd"
	exec {lock}>"$cache/initrd/lock"
	flock "$lock"
	if [ ! -s "$base" ]; then
		find "$cache/initrd" -name '*.cpio.gz*' -mmin +1440 -delete
		make_base "$base" || die "cannot make the initrd"
	fi
	touch "$base"
	cat "$base" "$tmp/cmd.cpio" >"$1"
	exec {lock}>&-
}

tty_size=
if [ -n "$interactive" ]; then
	size=$(stty size 2>/dev/null) || size='24 80'
	tty_size="rows ${size% *} cols ${size#* }"
fi

{
	printf 'export HOME=/root TERM=%q ANKUS_KERNEL=%q\n' \
		"${interactive:+${TERM:-dumb}}" "$kernel"
	printf 'export PATH=%q:%s\n' "$top/build" "$guest_path"
	# The caller's own settings for the tests go along.
	for name in ANKUS ANKUS_KO SIMNIC_KO ${!ANKUS_TEST_*}; do
		[ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
	done
	[ -z "$interactive" ] || echo "stty $tty_size"
	printf 'cd %q || exit 1\n' "$PWD"
	if [ $# -eq 1 ]; then
		echo "$1"
	else
		printf '%q ' "$@"
		echo
	fi
} >"$tmp/command"

# What makes the taps and then becomes QEMU.  They are in a namespace which no
# other run sees, and which ends with its last process.
tap_queues=4
# shellcheck disable=SC2016 # for the inner shell
tap_program='
	off=/proc/sys/net/ipv6/conf/default/disable_ipv6
	[ ! -w $off ] || echo 1 >$off
	ip link add br0 type bridge mcast_snooping 0 &&
		ip link set br0 up || exit
	for tap in tap0 tap1; do
		ip tuntap add "$tap" mode tap multi_queue &&
			ip link set "$tap" master br0 &&
			ip link set "$tap" up || exit
	done
	exec "$@"'
within=()

use_taps() {
	local tap
	within=(unshare -n sh -c "$tap_program" sh)
	if ! "${within[@]}" true >"$tmp/taps" 2>&1; then
		echo "run.sh: no taps here: $(head -n 1 "$tmp/taps")" >&2
		within=()
		return
	fi
	for tap in tap0 tap1; do
		qemu_args+=" -netdev tap,id=$tap,ifname=$tap,queues=$tap_queues"
		qemu_args+=",script=no,downscript=no,vhost=off"
	done
	qemu_args+=" $tap_args"
}

# qemu ACCELERATOR SECONDS INITRD ARGS...: SECONDS may be empty
qemu() {
	local accel=$1 initrd=$3 timeout=${2:+timeout -k 5 $2} machine time hz khz
	local stuck=''
	shift 3
	# That is a complaint: nothing more to wait for, but for who looks into it
	[ -n "$interactive" ] || stuck="hung_task_panic=1 softlockup_panic=1"
	case $accel in
	kvm)
		machine="-accel kvm -cpu host"
		time=
		;;
	icount)
		machine="-accel tcg,thread=single -icount shift=0,sleep=off -cpu max,la57=off"
		time="tsc=reliable tsc_early_khz=1000000"
		;;
	tcg)
		# Emulated, strings of bytes are moved one by one, so the kernel
		# is not to do so; and to switch between tasks is dear with
		# wide registers.
		machine="-accel tcg,thread=multi"
		machine+=" -cpu max,la57=off,erms=off,fsrm=off,xsave=off"
		append+=" clearcpuid=rep_good"
		# TCG hands the host's TSC through, so its rate is known, and
		# calibrating it under emulation goes wrong.
		khz=$(awk '/bogomips/ { printf "%d", $3 * 500; exit }' /proc/cpuinfo)
		time="tsc=reliable tsc_early_khz=$khz"
		# What follows from that for the first CPU, the others would
		# measure, for seconds.
		hz=$(sed -n 's/^CONFIG_HZ=//p' "$kdir/.config")
		time+=${hz:+ lpj=$((khz * 1000 / hz))}
		;;
	esac
	# What QEMU translated of a program serves again where the next process
	# has that at the same address: most programs start in half the time.
	# One CPU boots (maxcpus), as one of several: see qemu.sh.
	# shellcheck disable=SC2086 # words of arguments
	exec $timeout ${within[@]+"${within[@]}"} "${emulator[@]}" $machine -M q35 \
		-smp "$cpus,sockets=$cpus" -m "$ram" -nodefaults -display none \
		-no-reboot -kernel "$image" -initrd "$initrd" \
		-append "console=ttyS0 loglevel=5 panic=-1 oops=panic $stuck $time \
maxcpus=1 noreplace-smp no_timer_check net.ifnames=0 mitigations=off norandmaps ${leaks:+kmemleak=on slab_debug=F} $append" \
		-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-device virtio-rng-pci "$@"
}

# KVM may exist and yet not run a guest (nested, filtered): boot one, once per
# boot of the host, and remember.
accelerator() {
	local verdict lock
	verdict=$cache/kvm-$(cat /proc/sys/kernel/random/boot_id)
	if [ -n "$icount" ]; then
		echo icount
		return
	fi
	if [ -n "${ANKUS_ACCEL:-}" ]; then
		echo "$ANKUS_ACCEL"
		return
	fi
	exec {lock}>"$cache/.kvm.lock"
	flock "$lock"
	if [ ! -s "$verdict" ]; then
		rm -f "$cache"/kvm-*
		echo tcg >"$verdict.$$"
		if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
			echo "run.sh: trying KVM" >&2
			echo true >"$tmp/true"
			make_initrd "$tmp/probe" "$tmp/true" '' ''
			(qemu kvm 20 "$tmp/probe" -serial null \
				-serial "file:$tmp/probe.out" </dev/null >/dev/null 2>&1)
			! grep -qs '@@rc=0@@' "$tmp/probe.out" || echo kvm >"$verdict.$$"
			echo "run.sh: using $(cat "$verdict.$$")" >&2
		fi
		mv "$verdict.$$" "$verdict"
	fi
	exec {lock}>&-
	cat "$verdict"
}

accel=uml
if [ -n "$uml" ]; then
	make_initrd "$tmp/initrd" "$tmp/command" "$writable" ''
	# shellcheck disable=SC2086 # words of arguments
	timeout -k 5 "$limit" "$image" mem="${ram}M" ncpus="$cpus" seccomp=on \
		initrd="$tmp/initrd" con0=fd:0,fd:1 con=null noreboot loglevel=5 \
		panic=-1 ${leaks:+kmemleak=on slab_debug=F} $append \
		</dev/null >"$log" 2>&1 &
	vm=$!
else
	accel=$(accelerator) || exit 2
	[ -z "$tap_args" ] || use_taps
	make_programs || die "cannot make the archive of programs"
	make_initrd "$tmp/initrd" "$tmp/command" "$writable" "$tty_size"
	extra=()
	[ -z "$writable" ] || extra+=(
		-fsdev "local,id=writable,path=$writable,security_model=none,multidevs=remap"
		-device "virtio-9p-pci,fsdev=writable,mount_tag=writable")
	# shellcheck disable=SC2206 # words of arguments
	extra+=($qemu_args)
	if [ -n "$interactive" ]; then
		# In the foreground: the terminal is the guest's ttyS1.
		(qemu "$accel" '' "$tmp/initrd" -serial "file:$log" \
			-chardev stdio,id=tty,signal=off \
			-serial chardev:tty "${extra[@]}")
	else
		start() {
			qemu "$accel" "$limit" "$tmp/initrd" \
				-serial "file:$log" -serial "file:$tmp/out" \
				"${extra[@]}" </dev/null >"$tmp/qemu" 2>&1 &
			vm=$!
		}
		start
	fi
fi

splats='Kernel panic|Oops|BUG:|kernel BUG at|WARNING:|KASAN:|KCSAN:|UBSAN:|kmemleak: (unreferenced|[0-9]+ new)'
splats+='|INFO: (task|rcu|NMI|possible|trying|inconsistent)|rcu.*(stall|detected)|soft lockup'
splats+='|suspicious RCU|possible (circular|recursive|irq lock)|inconsistent lock state'
splats+='|unregister_netdevice: waiting|ref_tracker: |refcount_t:|ODEBUG:|list_(add|del) corruption'
splats+='|sleeping function|scheduling while atomic|general protection|page allocation failure'
splats+='|Objects remaining in|BUG .*: '
# complaints: what the kernel has said that it should not have
complaints() {
	grep -aE "$splats" "$log" | grep -avE -- "$allow"
}

# It boots in 5 to 20 s, on a busy machine in 60.
boot_limit=240
watch_boot() {
	local i

	for ((i = 0; i < boot_limit; i += 5)); do
		sleep 5
		kill -0 "$vm" || return
		! grep -qs '^@@up@@' "$tmp/out" || return
	done
	touch "$tmp/stuck"
	kill "$vm"
}

# Why is this guest to be booted again?  What kept it from coming up is then
# the emulation's fault: nothing of what is tested has run.
not_up() {
	[ "$accel" = tcg ] || return
	! grep -qs '^@@up@@' "$tmp/out" || return
	# Init sends such a guest away at once: see there.
	if grep -qs 'APIC timer disabled due to verification' "$log"; then
		echo "the guest lost its timer"
	elif [ -e "$tmp/stuck" ] && ! complaints >"$tmp/splats"; then
		echo "the guest did not come up in $boot_limit s"
	else
		return 1
	fi
}

ended=0 tries=5
while [ -n "$vm" ]; do
	# Shown while it runs; the last line, the status, is not for people.
	tail -n +1 -s 0.2 -f --pid="$vm" "$tmp/out" 2>/dev/null |
		sed -u '/^@@up@@/d; /^@@rc=[0-9]*@@/d; s/@@rc=[0-9]*@@.*//' &
	tail=$!
	[ "$accel" != tcg ] || watch_boot >/dev/null 2>&1 &
	wait "$vm"
	ended=$?
	vm=
	wait "$tail"
	tail=
	if [ $((tries -= 1)) -gt 0 ] && why=$(not_up); then
		echo "run.sh: $why, booting again; end of its console:" >&2
		tail -n 5 "$log" >&2
		rm -f "$tmp/stuck"
		: >"$tmp/out"
		start
	fi
done
[ ! -s "$tmp/qemu" ] || cat "$tmp/qemu" >&2
rc=$(sed -n 's/.*@@rc=\([0-9]*\)@@.*/\1/p' "$tmp/out" "$log" | tail -n 1)

if complaints >"$tmp/splats"; then
	echo "run.sh: the kernel complained:" >&2
	head -n 5 "$tmp/splats" >&2
	echo "run.sh: end of its console:" >&2
	tail -n 80 "$log" >&2
	exit 123
fi
if [ "$ended" -eq 124 ] || [ "$ended" -eq 137 ]; then
	echo "run.sh: not done after $limit s; end of the console:" >&2
	tail -n 20 "$log" >&2
	exit 124
fi
if [ -z "$rc" ]; then
	echo "run.sh: the guest ended without a status; end of the console:" >&2
	tail -n 20 "$log" >&2
	exit 122
fi
exit "$rc"
