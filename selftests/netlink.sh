#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The netlink contract: whatever is wrong with a request, it is refused with
# the right error and a message that names the attribute, and changes nothing;
# who may write; what a namespace keeps to itself; allocations that fail; and a
# client that knows the specification alone.
#
# Functions are called by their names, and $ in quotes is for jq or bash -c.
# shellcheck disable=SC2016,SC2317,SC2329
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ns='' peer=''
[ -x "$NLRAW" ] || skip_all "no $NLRAW (make -C selftests)"
tmp=$(mktemp -d)
defer rm -rf "$tmp"
# Other users have to reach it as well.
chmod 755 "$tmp"
cp "$NLRAW" "$tmp/nlraw"
NLRAW=$tmp/nlraw
spec=$lib_top/Documentation/netlink/specs/ankus.yaml

in_ns() {
	nsenter --net="/run/netns/$ns" "$@"
}

# What a request may change, and must not when it is refused
state() {
	local object
	for object in dev rule link; do
		ankus -n "$ns" -j $object show
	done | jq -c 'map(del(.flows, .elephants, .pinned_bps, .tx_bps, .other_bps,
		.imbalance_permille, .expected_permille))'
}

# requests CMD...: send the requests of $tmp/cases, lines of
# ERRNO|ATTRIBUTE|STATE|DESCRIPTION|REQUEST
# and compare with the kernel's answer.  ATTRIBUTE may be "any"; a message is
# asked for with every error, but for "none", where the kernel's own code
# answers before any handler.  Lists end without naming an attribute on 6.1.
requests() {
	local wanted attr state desc request errno named is message

	cut -d'|' -f5 "$tmp/cases" | "$@" "$NLRAW" -s >"$tmp/answers" 2>"$tmp/errors"
	check_is "nlraw got an answer to each request" \
		"$(wc -l <"$tmp/cases")" "$(wc -l <"$tmp/answers")" ||
		lib_diag_file "$tmp/errors"
	while IFS='|' read -r wanted attr state desc request <&3 &&
		IFS=$'\t' read -r errno named is message <&4; do
		if [ "$errno" != "$wanted" ]; then
			not_ok "$desc" "$request: wanted $wanted, got $errno ($message)"
		elif [ "$is" != "$state" ]; then
			not_ok "$desc" "$request: the state is $is, not $state"
		elif [ "$attr" = none ] || [ "$errno" = 0 ]; then
			ok "$desc"
		elif [ "$message" = - ]; then
			not_ok "$desc" "$request: $errno without a message"
		elif [ "$attr" != any ] && [ "$attr" != "$named" ]; then
			not_ok "$desc" "$request: names $named, not $attr ($message)"
		else
			ok "$desc"
		fi
	done 3<"$tmp/cases" 4<"$tmp/answers"
}

# Out of the specification: for each operation and each of its attributes all
# that the types and limits there forbid, and all attributes it does not take.
# Each request would be a good one without that.
spec_cases() {
	python3 - "$spec" "$id" "$pair" <<-'END'
		import sys, yaml

		loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
		spec = yaml.load(open(sys.argv[1]), loader)
		sets = {s["name"]: {a["name"]: a for a in s["attributes"]}
		        for s in spec["attribute-sets"]}
		enums = {d["name"]: len(d["entries"])
		         for d in spec["definitions"] if d["type"] == "enum"}
		flow = "u64:" + sys.argv[2]
		good = {
		    "dev-get": {"ifname": "s:m0"},
		    "dev-new": {"ifname": "s:n0", "rate-bps": "u64:1000000"},
		    "dev-set": {"ifname": "s:m0", "rate-bps": "u64:1000000"},
		    "dev-del": {"ifname": "s:m0"},
		    "rule-get": {"pref": "u32:10"},
		    "rule-new": {"pref": "u32:15"},
		    "rule-del": {"pref": "u32:10"},
		    "rule-flush": {},
		    "link-get": {"name": "s:mine"},
		    "link-new": {"name": "s:new", "ifname": "s:p2"},
		    "link-set": {"name": "s:mine", "capacity-bps": "u64:5"},
		    "link-del": {"name": "s:mine"},
		    "flow-get": {"id": flow},
		    "flow-pin": {"id": flow},
		    "flow-unpin": {"id": flow},
		    "pair-get": {"id": "u64:" + sys.argv[3]},
		    "stats-get": {"ifname": "s:m0"},
		    "cpu-get": {"ifname": "s:m0", "cpu": "u32:0"},
		    "queue-get": {"ifname": "s:m0", "dir": "u32:0", "queue": "u32:0"},
		}
		size = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}

		def zeros(n):
		    return "x:" + "00" * n

		def bad(attr):
		    """What is wrong, the error, the value"""
		    kind, checks = attr["type"], attr.get("checks", {})
		    top = checks.get("max", enums.get(attr.get("enum"), 0) - 1)
		    multi = attr.get("multi-attr")
		    if kind in size:
		        n = size[kind]
		        yield "too short", "EINVAL", zeros(n - 1)
		        yield "too long", "EINVAL", zeros(n + 1)
		        if "min" in checks:
		            yield "below the least", "ERANGE", f"{kind}:{checks['min'] - 1}"
		        if top >= 0:
		            yield "out of range", "ERANGE", f"{kind}:{top + 1}"
		            yield "far out of range", "ERANGE", f"{kind}:{(1 << 8 * n) - 1}"
		    elif kind == "string":
		        error = "ERANGE" if multi else "EINVAL"
		        yield "without a byte", error, "x:"
		        yield "too long", error, "s:" + "x" * (checks["max-len"] + 1)
		        if not multi:
		            yield "not terminated", "EINVAL", "t:m0"
		    elif kind == "binary":
		        yield "too long", "ERANGE", zeros(checks["max-len"] + 1)
		        for n in (0, 3, 5, 15):
		            yield f"of {n} bytes", "EINVAL", zeros(n)
		    elif kind == "flag":
		        yield "with a value", "ERANGE", "u32:1"
		    elif kind == "nest":
		        yield "not marked as nested", "EINVAL", "x:0800010000000000"
		        yield "with a number in its place", "EINVAL", "u32:1"
		    else:
		        sys.exit(f"how to spoil a {kind}?")

		def bad_nests():
		    yield "first too short", "first", "EINVAL", "{first=x:000000}"
		    yield "last too long", "last", "EINVAL", "{first=u32:0,last=x:0000000000}"
		    yield "first out of range", "first", "ERANGE", "{first=u32:1024}"
		    yield "last out of range", "last", "ERANGE", "{first=u32:0,last=u32:1024}"
		    yield "no first", "", "EINVAL", "{last=u32:1}"
		    yield "end before start", "", "EINVAL", "{first=u32:3,last=u32:1}"
		    yield "unknown attribute inside", "#9", "EINVAL", "{first=u32:0,#9=u32:0}"
		    yield "nested bit inside", "first", "EINVAL", "{~first=u32:0}"

		def some(attr):
		    kind = attr["type"]
		    if kind in size:
		        return zeros(size[kind])
		    return {"string": "s:m0", "flag": "flag", "nest": "{first=u32:0}",
		            "pad": "x:"}.get(kind, zeros(4))

		def case(op, what, errno, attr, change):
		    attrs = dict(good[op.split("+")[0]])
		    if "+dump" in op:
		        attrs = {}
		    attrs.pop(attr.split(".")[0], None)
		    words = [f"{k}={v}" for k, v in attrs.items()]
		    print("|".join([errno, attr, "same", f"{op}: {what}: {errno}",
		                    " ".join([op] + words + [change])]))

		for op in spec["operations"]["list"]:
		    if "do" not in op:
		        continue
		    taken = op["do"]["request"]["attributes"]
		    modes = [op["name"]] + [op["name"] + "+dump"] * ("dump" in op)
		    for mode in modes:
		        for name in taken:
		            attr = sets[op["attribute-set"]][name]
		            for what, errno, value in bad(attr):
		                case(mode, f"{name} {what}", errno, name, f"{name}={value}")
		            if attr["type"] == "nest":
		                for what, inner, errno, value in bad_nests():
		                    where = f"{name}.{inner}" if inner else name
		                    case(mode, f"{name} with {what}", errno, where,
		                         f"{name}={value}")
		            else:
		                case(mode, f"{name} marked as nested", "EINVAL", name,
		                     f"~{name}={some(attr)}")
		        for name, attr in sets[op["attribute-set"]].items():
		            if name not in taken:
		                case(mode, f"{name} is not its own", "EINVAL", name,
		                     f"{name}={some(attr)}")
		        case(mode, "attribute 0", "EINVAL", "#0", "#0=u32:0")
		        case(mode, "attribute 200", "EINVAL", "#200", "#200=u32:0")
		        case(mode, "a byte behind the attributes", "EINVAL", "none",
		             "@tail=00000000")
		        case(mode, "an attribute that runs over the end", "EINVAL", "none",
		             "@tail=4000020000000000")
		        case(mode, "the reserved field in use", "EINVAL", "none", "@reserved=1")
	END
}

test_spec() {
	local before
	before=$(state)
	spec_cases >"$tmp/cases"
	requests in_ns
	check_is "after all of that nothing has changed" "$before" "$(state)"
}

# What no type tells: names of what is not there, values that do not go
# together.  Indices are unique on this machine, see the end.
meaning_cases() {
	local op

	for op in dev-get dev-set dev-del stats-get; do
		cat <<-END
			EINVAL|any|same|$op: no device named|$op
			ENODEV|ifname|same|$op: unknown name|$op ifname=s:nosuch
			ENODEV|ifname|same|$op: empty name|$op ifname=s:
			ENODEV|ifindex|same|$op: unknown index|$op ifindex=u32:99999
			ENODEV|ifindex|same|$op: index 0|$op ifindex=u32:0
			ENODEV|ifindex|same|$op: index beyond int|$op ifindex=u32:4294967295
			ENODEV|ifname|same|$op: name of a device of another namespace|$op ifname=s:far0
			ENODEV|ifindex|same|$op: index of a device of another namespace|$op ifindex=u32:4711
			ENOENT|ifname|same|$op: device that is not managed|$op ifname=s:n0
			ENOENT|ifindex|same|$op: likewise by index|$op ifindex=u32:4712
			EINVAL|ifname|same|$op: name and index of two devices|$op ifindex=u32:4712 ifname=s:m0
		END
	done
	for op in dev-get stats-get cpu-get flow-get queue-get pair-get; do
		cat <<-END
			ENODEV|any|same|$op dump: unknown name|$op+dump ifname=s:nosuch
			ENODEV|any|same|$op dump: unknown index|$op+dump ifindex=u32:99999
			ENODEV|any|same|$op dump: index of a device of another namespace|$op+dump ifindex=u32:4711
			EINVAL|any|same|$op dump: name and index of two devices|$op+dump ifindex=u32:4712 ifname=s:m0
			0|-|same|$op dump: device that is not managed has nothing to show|$op+dump ifname=s:n0
		END
	done
	cat <<-'END'
		EINVAL|any|same|cpu-get: no CPU named|cpu-get ifname=s:m0
		EINVAL|any|same|cpu-get: no device named|cpu-get cpu=u32:0
		ENOENT|cpu|same|cpu-get: a CPU that there cannot be|cpu-get ifname=s:m0 cpu=u32:4294967295
		ENOENT|ifname|same|cpu-get: device that is not managed|cpu-get ifname=s:n0 cpu=u32:0
		EINVAL|any|same|cpu-get dump: one CPU|cpu-get+dump cpu=u32:0
		ERANGE|sketch-bytes|same|dev-new: sketch of less than 4096 bytes|dev-new ifname=s:n0 sketch-bytes=u32:2048
		ERANGE|sketch-bytes|same|dev-new: sketch of a size that is no power of two|dev-new ifname=s:n0 sketch-bytes=u32:12288
		EINVAL|any|same|dev-new: no device named|dev-new mode=u32:0
		ENODEV|ifname|same|dev-new: unknown name|dev-new ifname=s:nosuch
		ENODEV|ifindex|same|dev-new: unknown index|dev-new ifindex=u32:99999
		ENODEV|ifname|same|dev-new: name of a device of another namespace|dev-new ifname=s:far0
		ENODEV|ifindex|same|dev-new: index of a device of another namespace|dev-new ifindex=u32:4711
		EINVAL|ifname|same|dev-new: name and index of two devices|dev-new ifindex=u32:4712 ifname=s:m0
		EEXIST|ifname|same|dev-new: a device that is managed|dev-new ifname=s:m0
		EOPNOTSUPP|ifname|same|dev-new: the loopback device|dev-new ifname=s:lo
	END
	for op in "dev-new ifname=s:n0" "dev-set ifname=s:m0"; do
		cat <<-END
			ERANGE|release-ms|same|${op% *}: an hour and a millisecond|$op release-ms=u32:3600001
			ERANGE|rate-bps|same|${op% *}: rate 0|$op rate-bps=u64:0
			ERANGE|tick-ms|same|${op% *}: tick of 9 ms|$op tick-ms=u32:9
			ERANGE|low-entropy-permille|same|${op% *}: a thousand times the bins and more|$op low-entropy-permille=u32:1000001
			ERANGE|tick-ms|same|${op% *}: a bad value beside a good one|$op mode=u32:1 hold-ms=u32:77 tick-ms=u32:0
			ERANGE|rx-queues|same|${op% *}: RX queue that the device does not have|$op rx-queues={first=u32:0} rx-queues={first=u32:3,last=u32:4}
			ERANGE|tx-queues|same|${op% *}: TX queue that the device does not have|$op rx-queues={first=u32:0} tx-queues={first=u32:4}
			ERANGE|rx-cpus|same|${op% *}: CPUs that the machine does not have|$op rx-cpus={first=u32:0,last=u32:1023}
			EINVAL|rx-queues|same|${op% *}: all queues and some more|$op rx-queues={} rx-queues={first=u32:0}
			EINVAL|tx-queues|same|${op% *}: some queues and all the others|$op tx-queues={first=u32:0} tx-queues={}
		END
	done
	cat <<-'END'
		ERANGE|flow-max|same|dev-new: a table for 63 flows|dev-new ifname=s:n0 flow-max=u32:63

		EINVAL|any|same|rule-get: no rule named|rule-get
		ENOENT|pref|same|rule-get: unknown pref|rule-get pref=u32:11
		EINVAL|any|same|rule-del: no rule named|rule-del
		ENOENT|pref|same|rule-del: unknown pref|rule-del pref=u32:11
		0|-|same|rule-flush: of a device without rules|rule-flush ifname=s:n0
		EINVAL|any|same|rule-new: no pref|rule-new verdict=u32:0
		EINVAL|any|same|rule-new: no pref to replace|rule-new replace=flag verdict=u32:0
		EEXIST|pref|same|rule-new: a pref that is taken|rule-new pref=u32:10
		EINVAL|ifname|same|rule-new: an empty device name|rule-new pref=u32:15 ifname=s:
		EINVAL|family|same|rule-new: family 0|rule-new pref=u32:15 family=u16:0
		EINVAL|family|same|rule-new: family 7|rule-new pref=u32:15 family=u16:7
		EINVAL|proto|same|rule-new: protocol 1|rule-new pref=u32:15 proto=u8:1
		EINVAL|src|same|rule-new: source not of the family|rule-new pref=u32:15 family=u16:10 src=x:0a000001
		EINVAL|src|same|rule-new: source not of the family, likewise|rule-new pref=u32:15 family=u16:2 src=x:20010db8000000000000000000000001
		EINVAL|dst|same|rule-new: addresses of two families|rule-new pref=u32:15 src=x:0a000001 dst=x:20010db8000000000000000000000001
		EINVAL|src|same|rule-new: bits behind the prefix|rule-new pref=u32:15 src=x:0a000001 src-len=u8:31
		EINVAL|dst|same|rule-new: bits behind the prefix, IPv6|rule-new pref=u32:15 dst=x:20010db8000000000000000000000001 dst-len=u8:64
		ERANGE|src-len|same|rule-new: prefix of 33 bits|rule-new pref=u32:15 src=x:0a000001 src-len=u8:33
		ERANGE|dst-len|same|rule-new: prefix of 128 bits for IPv4|rule-new pref=u32:15 dst=x:0a000001 dst-len=u8:128
		EINVAL|src-len|same|rule-new: prefix length alone|rule-new pref=u32:15 src-len=u8:8
		EINVAL|dst-len|same|rule-new: prefix length alone, likewise|rule-new pref=u32:15 dst-len=u8:0
		EINVAL|sport-last|same|rule-new: last port alone|rule-new pref=u32:15 sport-last=u16:5
		EINVAL|dport-last|same|rule-new: last port alone, likewise|rule-new pref=u32:15 dport-last=u16:5
		ERANGE|sport-last|same|rule-new: ports that end before they begin|rule-new pref=u32:15 sport-first=u16:6 sport-last=u16:5
		ERANGE|dport-last|same|rule-new: likewise|rule-new pref=u32:15 dport-first=u16:65535 dport-last=u16:0
		EINVAL|mark|same|rule-new: mark outside its mask|rule-new pref=u32:15 mark=u32:16 mark-mask=u32:15
		EINVAL|mark|same|rule-new: mark with mask 0|rule-new pref=u32:15 mark=u32:0 mark-mask=u32:0
		EINVAL|mark-mask|same|rule-new: mask alone|rule-new pref=u32:15 mark-mask=u32:15
		ERANGE|rate-bps|same|rule-new: rate 0|rule-new pref=u32:15 rate-bps=u64:0
		EINVAL|link|same|rule-new: empty name of a link|rule-new pref=u32:15 link=s:p0 link=s:
		E2BIG|link|same|rule-new: 17 links|rule-new pref=u32:15 link=s:1 link=s:2 link=s:3 link=s:4 link=s:5 link=s:6 link=s:7 link=s:8 link=s:9 link=s:10 link=s:11 link=s:12 link=s:13 link=s:14 link=s:15 link=s:16 link=s:17
		EINVAL|verdict|same|rule-new: ignore, and where to|rule-new pref=u32:15 verdict=u32:1 rx-queues={first=u32:0}
		EINVAL|verdict|same|rule-new: ignore, and over which link|rule-new pref=u32:15 verdict=u32:1 link=s:p0
		ERANGE|pace-bps|same|rule-new: a pace of 0|rule-new pref=u32:15 pace-bps=u64:0
		ERANGE|pace-bps|same|rule-new: a pace that is too slow|rule-new pref=u32:15 pace-bps=u64:7999
		ERANGE|priority|same|rule-new: priority 16|rule-new pref=u32:15 priority=u32:16
		ERANGE|set-dscp|same|rule-new: set-dscp 64|rule-new pref=u32:15 set-dscp=u8:64
		EINVAL|set-mark-mask|same|rule-new: set-mark with mask 0|rule-new pref=u32:15 set-mark=u32:0 set-mark-mask=u32:0
		EINVAL|set-mark|same|rule-new: set-mark outside its mask|rule-new pref=u32:15 set-mark=u32:256 set-mark-mask=u32:240
		EINVAL|set-mark-mask|same|rule-new: mask of set-mark alone|rule-new pref=u32:15 set-mark-mask=u32:240
		EINVAL|priority|same|rule-new: ignore, and what to do|rule-new pref=u32:15 verdict=u32:1 priority=u32:1
		EINVAL|repath|same|rule-new: ignore, and another path|rule-new pref=u32:15 verdict=u32:1 repath=flag
		EINVAL|set-mark|same|rule-new: a mark for received flows|rule-new pref=u32:15 dir=u32:0 set-mark=u32:1
		EINVAL|set-dscp|same|rule-new: a DSCP for received flows|rule-new pref=u32:15 dir=u32:0 set-dscp=u8:1
		EINVAL|pace-bps|same|rule-new: a pace for UDP|rule-new pref=u32:15 proto=u8:17 pace-bps=u64:1000000
		EINVAL|repath|same|rule-new: another path for SCTP|rule-new pref=u32:15 proto=u8:132 repath=flag
		EINVAL|repath|same|rule-new: a flow label of IPv4|rule-new pref=u32:15 family=u16:2 repath=flag
		EINVAL|repath|same|rule-new: likewise, by address|rule-new pref=u32:15 src=x:0a000001 repath=flag
		EINVAL|proto|same|rule-new: a bad rule replaces none|rule-new replace=flag pref=u32:10 proto=u8:1

		EINVAL|any|same|rule-get dump: one rule is no list|rule-get+dump pref=u32:10
		EINVAL|any|same|link-get dump: one link is no list|link-get+dump name=s:mine
		EINVAL|any|same|flow-get dump: one flow is no list|flow-get+dump id=u64:1
		EINVAL|any|same|pair-get dump: one pair is no list|pair-get+dump id=u64:1
		EINVAL|any|same|queue-get dump: one queue is no list|queue-get+dump queue=u32:1
		EINVAL|any|same|queue-get: no device named|queue-get dir=u32:0 queue=u32:0
		ENODEV|ifname|same|queue-get: unknown device|queue-get ifname=s:nosuch dir=u32:0 queue=u32:0
		ENOENT|ifname|same|queue-get: device that is not managed|queue-get ifname=s:n0 dir=u32:0 queue=u32:0
		EINVAL|any|same|queue-get: no direction named|queue-get ifname=s:m0 queue=u32:0
		EINVAL|any|same|queue-get: no queue named|queue-get ifname=s:m0 dir=u32:1
		ERANGE|queue|same|queue-get: queue that the device does not have|queue-get ifname=s:m0 dir=u32:1 queue=u32:4

		EINVAL|any|same|link-get: no link named|link-get
		ENOENT|name|same|link-get: unknown name|link-get name=s:nosuch
		EINVAL|any|same|link-new: no name|link-new ifname=s:p2
		EINVAL|any|same|link-new: empty name|link-new name=s: ifname=s:p2
		EINVAL|any|same|link-new: no device named|link-new name=s:new
		ENODEV|ifname|same|link-new: unknown device|link-new name=s:new ifname=s:nosuch
		ENODEV|ifindex|same|link-new: unknown index|link-new name=s:new ifindex=u32:99999
		ENODEV|ifindex|same|link-new: index of a device of another namespace|link-new name=s:new ifindex=u32:4711
		EINVAL|ifname|same|link-new: name and index of two devices|link-new name=s:new ifindex=u32:4712 ifname=s:p2
		ENODEV|upper-ifname|same|link-new: unknown upper device|link-new name=s:new ifname=s:p2 upper-ifname=s:nosuch
		ENODEV|upper-ifindex|same|link-new: upper device of another namespace|link-new name=s:new ifname=s:p2 upper-ifindex=u32:4711
		ENOENT|upper-ifname|same|link-new: upper device that is not managed|link-new name=s:new ifname=s:p2 upper-ifname=s:n0
		EINVAL|upper-ifname|same|link-new: upper name and index of two devices|link-new name=s:new ifname=s:p2 upper-ifindex=u32:4712 upper-ifname=s:bond0
		EOPNOTSUPP|upper-ifname|same|link-new: upper device that is no bond|link-new name=s:new ifname=s:p2 upper-ifname=s:m0
		EINVAL|ifname|same|link-new: not below that bond|link-new name=s:new ifname=s:n0 upper-ifname=s:bond0
		ENOENT|ifname|same|link-new: below no bond|link-new name=s:new ifname=s:n0
		EEXIST|name|same|link-new: a name that is taken|link-new name=s:p0 ifname=s:p2
		EINVAL|any|same|link-new: a mark without a mask|link-new name=s:new ifname=s:m0 mark=u32:1
		EINVAL|mark|same|link-new: a mask of no bits|link-new name=s:new ifname=s:m0 mark=u32:1 mark-mask=u32:0
		EINVAL|mark|same|link-new: no mark|link-new name=s:new ifname=s:m0 mark=u32:0 mark-mask=u32:3
		EINVAL|mark|same|link-new: a mark beside its mask|link-new name=s:new ifname=s:m0 mark=u32:4 mark-mask=u32:3
		EOPNOTSUPP|mark|same|link-new: a mark below a bond|link-new name=s:new ifname=s:p2 upper-ifname=s:bond0 mark=u32:1 mark-mask=u32:3
		ENOENT|ifname|same|link-new: by a mark, not managed|link-new name=s:new ifname=s:n0 mark=u32:1 mark-mask=u32:3
		EEXIST|ifname|same|link-new: a device that is a link|link-new name=s:new ifname=s:p1
		EINVAL|any|same|link-set: no link named|link-set capacity-bps=u64:1
		ENOENT|name|same|link-set: unknown name|link-set name=s:nosuch capacity-bps=u64:1
		EINVAL|any|same|link-set: nothing to set|link-set name=s:mine
		EINVAL|any|same|link-del: no link named|link-del
		ENOENT|name|same|link-del: unknown name|link-del name=s:nosuch
		EBUSY|name|same|link-del: a link that was found by itself|link-del name=s:p0

		EINVAL|any|same|flow-get: no flow named|flow-get
		ENOENT|id|same|flow-get: unknown id|flow-get id=u64:999999999
		EINVAL|any|same|flow-pin: no flow named|flow-pin pin-queue=u32:0
		ENOENT|id|same|flow-pin: unknown id|flow-pin id=u64:999999999 pin-queue=u32:0
		ENOENT|id|same|flow-pin: the largest id|flow-pin id=u64:18446744073709551615
		EINVAL|any|same|flow-unpin: no flow named|flow-unpin
		ENOENT|id|same|flow-unpin: unknown id|flow-unpin id=u64:999999999

		EINVAL|any|same|pair-get: no pair named|pair-get
		EINVAL|any|same|pair-get: what a list takes names none|pair-get ifname=s:m0 dir=u32:1 state=u32:0 rate-bps=u64:1 limit=u32:1
		ENOENT|id|same|pair-get: unknown id|pair-get id=u64:999999999
		ENOENT|id|same|pair-get: id 0|pair-get id=u64:0
		ENOENT|id|same|pair-get: the largest id|pair-get id=u64:18446744073709551615

		EOPNOTSUPP|none|same|an operation that does not exist|#99
		EOPNOTSUPP|none|same|an event is no operation|dev-ntf
		EOPNOTSUPP|none|same|what has no list|rule-new+dump
		EINVAL|none|same|a message shorter than its header|dev-get @cut=2
	END
	cat <<-END
		EOPNOTSUPP|id|same|flow-pin: the device only observes|flow-pin id=u64:$id pin-queue=u32:1
		0|-|changed|(the device steers)|dev-set ifname=s:m0 mode=u32:1
		ERANGE|pin-queue|same|flow-pin: queue that the device does not have|flow-pin id=u64:$id pin-queue=u32:4
		ENOENT|pin-link|same|flow-pin: unknown link|flow-pin id=u64:$id pin-link=s:nosuch
		ENOENT|pin-link|same|flow-pin: link of another device|flow-pin id=u64:$id pin-link=s:mine
		EOPNOTSUPP|pin-link|same|flow-pin: a received flow has no link|flow-pin id=u64:$in pin-link=s:mine
		EOPNOTSUPP|pin-cpu|same|flow-pin: a sent flow has no CPU|flow-pin id=u64:$id pin-cpu=u32:0
		ERANGE|pin-cpu|same|flow-pin: a CPU number that is none|flow-pin id=u64:$id pin-cpu=u32:1024
		EOPNOTSUPP|pin-queue|same|flow-pin: received flows are not steered|flow-pin id=u64:$in pin-queue=u32:1
		0|-|changed|(the device observes)|dev-set ifname=s:m0 mode=u32:0
	END
}

test_meaning() {
	local before
	before=$(state)
	meaning_cases | grep . >"$tmp/cases"
	requests in_ns
	check_is "after all of that nothing has changed" "$before" "$(state)"
}

# The other side of each limit, and proof that a request can change something.
test_good() {
	local before
	before=$(state)
	cat >"$tmp/cases" <<-END
		0|-|changed|dev-new: all defaults|dev-new ifname=s:n0
		0|-|changed|dev-del: by name|dev-del ifname=s:n0
		0|-|changed|dev-new: by index, least values|dev-new ifindex=u32:4712 mode=u32:0 rx-queues={first=u32:0} tx-queues={first=u32:0,last=u32:0} rate-bps=u64:1 hold-ms=u32:0 release-ms=u32:0 backend=u32:0 links=u32:0 tick-ms=u32:10 flow-max=u32:64 low-entropy-permille=u32:0
		0|-|same|dev-get: by index|dev-get ifindex=u32:4712
		0|-|same|dev-get: by both|dev-get ifindex=u32:4712 ifname=s:n0
		0|-|same|stats-get: by index|stats-get ifindex=u32:4712
		0|-|same|cpu-get: by index|cpu-get ifindex=u32:4712 cpu=u32:1
		0|-|same|queue-get: the first, by index|queue-get ifindex=u32:4712 dir=u32:0 queue=u32:0
		0|-|same|queue-get: the last|queue-get ifname=s:n0 dir=u32:1 queue=u32:3
		0|-|same|queue-get dump: of one direction|queue-get+dump ifname=s:n0 dir=u32:1
		0|-|changed|dev-set: greatest values|dev-set ifname=s:n0 mode=u32:1 rx-queues={first=u32:0,last=u32:3} tx-queues={first=u32:0} tx-queues={first=u32:3} rate-bps=u64:18446744073709551615 hold-ms=u32:60000 release-ms=u32:3600000 backend=u32:4 links=u32:1 tick-ms=u32:10000 low-entropy-permille=u32:1000000
		0|-|changed|dev-set: all queues again|dev-set ifname=s:n0 rx-queues={} tx-queues={} rx-cpus={}
		0|-|changed|dev-del: by index|dev-del ifindex=u32:4712
		0|-|changed|dev-new: the largest table and sketch|dev-new ifname=s:n0 flow-max=u32:1048576 sketch-bytes=u32:4194304
		0|-|changed|dev-del: likewise|dev-del ifname=s:n0
		0|-|changed|dev-new: the smallest sketch|dev-new ifname=s:n0 sketch-bytes=u32:4096
		0|-|changed|dev-del: with it|dev-del ifname=s:n0
		0|-|changed|dev-new: no sketch|dev-new ifname=s:n0 sketch-bytes=u32:0
		0|-|changed|dev-del: without it|dev-del ifname=s:n0
		ENOENT|ifname|same|dev-del: not twice|dev-del ifname=s:n0
		0|-|changed|rule-new: pref alone|rule-new pref=u32:0
		0|-|changed|rule-new: greatest values|rule-new pref=u32:4294967295 ifname=s:fifteen-letters dir=u32:1 family=u16:10 proto=u8:132 src=x:20010db8000000000000000000000001 src-len=u8:128 dst=x:20010db8000000000000000000000000 dst-len=u8:32 sport-first=u16:0 sport-last=u16:65535 dport-first=u16:65535 dscp=u8:63 mark=u32:4294967295 rate-bps=u64:18446744073709551615 bytes=u64:18446744073709551615 verdict=u32:0 rx-queues={first=u32:1023} tx-queues={first=u32:0,last=u32:1023} link=s:fifteen-letters link=t:2 link=s:3 link=s:4 link=s:5 link=s:6 link=s:7 link=s:8 link=s:9 link=s:10 link=s:11 link=s:12 link=s:13 link=s:14 link=s:15 link=s:16
		0|-|same|rule-get: by pref|rule-get pref=u32:4294967295
		0|-|changed|rule-new: least values of actions|rule-new pref=u32:17 pace-bps=u64:8000 priority=u32:0 set-dscp=u8:0 set-mark=u32:0 repath=flag
		0|-|changed|rule-new: greatest ones|rule-new pref=u32:18 pace-bps=u64:18446744073709551615 priority=u32:15 set-dscp=u8:63 set-mark=u32:4294967295 set-mark-mask=u32:4294967295
		0|-|changed|rule-del: the one|rule-del pref=u32:17
		0|-|changed|rule-del: the other|rule-del pref=u32:18
		0|-|changed|rule-new: replace|rule-new replace=flag pref=u32:0 verdict=u32:1
		0|-|same|rule-new: replace by the same|rule-new replace=flag pref=u32:0 verdict=u32:1
		0|-|changed|rule-new: replace what is not there|rule-new replace=flag pref=u32:16
		0|-|changed|rule-del: by pref|rule-del pref=u32:16
		0|-|changed|rule-del: the first|rule-del pref=u32:0
		0|-|changed|rule-flush: of one device|rule-flush ifname=s:fifteen-letters
		0|-|same|rule-flush: not twice|rule-flush ifname=s:fifteen-letters
		0|-|changed|link-set: a capacity|link-set name=s:mine capacity-bps=u64:18446744073709551615
		0|-|changed|link-set: the device's own|link-set name=s:mine capacity-bps=u64:0
		0|-|changed|link-new: takes over what was found|link-new name=s:new ifname=s:p2 capacity-bps=u64:5
		0|-|same|link-get: by name|link-get name=s:new
		0|-|changed|link-del: it is found again|link-del name=s:new
		0|-|same|flow-get: by id|flow-get id=u64:$id
		0|-|same|flow-unpin: a flow|flow-unpin id=u64:$id
		0|-|same|pair-get: by id|pair-get id=u64:$pair
		0|-|same|pair-get dump: least values|pair-get+dump ifname=s:m0 dir=u32:0 state=u32:0 rate-bps=u64:0 limit=u32:1
		0|-|same|pair-get dump: greatest values|pair-get+dump ifname=s:m0 dir=u32:1 state=u32:2 rate-bps=u64:18446744073709551615 limit=u32:4294967295
	END
	requests in_ns
	check_is "after all of that everything is as before" "$before" "$(state)"
}

# The largest rule that there can be fits into any answer.
test_large() {
	local queues links
	queues=$(seq 0 2 126 | sed 's/.*/rx-queues={first=u32:&}/' | tr '\n' ' ')
	links=$(seq 100000000000001 100000000000016 | sed 's/.*/link=s:&/' | tr '\n' ' ')
	cat >"$tmp/cases" <<-END
		E2BIG|rx-queues|same|rule-new: 65 ranges of queues|rule-new pref=u32:30 $queues rx-queues={first=u32:128}
		0|-|changed|rule-new: 64 ranges of RX and of TX queues, 16 links|rule-new pref=u32:30 $queues ${queues//rx-/tx-} $links
		0|-|same|rule-get: it is answered|rule-get pref=u32:30
	END
	requests in_ns
	in_ns "$NLRAW" -d -b 4096 rule-get+dump >"$tmp/dump"
	check_fail "a list with it ends well for a reader of 4 KiB at a time" 0 \
		'end=0' tail -n 1 "$tmp/dump"
	check_is "and has every rule" "10 20 30" \
		"$(sed -n 's/.* pref=\([0-9]*\).*/\1/p' "$tmp/dump" | paste -sd' ')"
	check_json "none of it is missing" '.[0] | (.rx_queues | length == 64) and
		(.tx_queues | length == 64) and (.link | length == 16)' \
		ankus -n "$ns" -j rule show pref 30
	check "rule-del: it goes" ankus -n "$ns" rule del pref 30
}

writes="dev-new ifname=s:n0
dev-set ifname=s:m0 rate-bps=u64:4711
dev-del ifname=s:m0
rule-new pref=u32:15
rule-new replace=flag pref=u32:10
rule-del pref=u32:10
rule-flush
link-new name=s:new ifname=s:p2
link-set name=s:mine capacity-bps=u64:5
link-del name=s:mine
flow-pin id=u64:1
flow-unpin id=u64:1"

# permission DESC CMD...: reads work, writes do not
permission() {
	local desc=$1 op
	shift
	{
		# shellcheck disable=SC2001 # a pattern for each line
		sed "s/^\([^ ]*\).*/EPERM|none|same|\1: refused $desc|&/" <<<"$writes"
		for op in dev rule link flow pair stats queue cpu; do
			echo "0|-|same|$op-get: allowed $desc|$op-get+dump"
		done
		echo "0|-|same|dev-get: allowed $desc|dev-get ifname=s:m0"
		echo "0|-|same|flow-get: allowed $desc|flow-get id=u64:$id"
		echo "0|-|same|pair-get: allowed $desc|pair-get id=u64:$pair"
	} >"$tmp/cases"
	requests in_ns "$@"
}

test_permission() {
	local before
	before=$(state)
	permission "to another user" \
		setpriv --reuid=65534 --regid=65534 --clear-groups
	permission "without CAP_NET_ADMIN" \
		setpriv --inh-caps=-net_admin --bounding-set=-net_admin
	permission "to the root of a user namespace" unshare -Ur
	check_is "after all of that nothing has changed" "$before" "$(state)"

	# Who owns the namespace may do everything there.
	# shellcheck disable=SC2086 # a list of words
	unshare -Urn sh -c '
		ip link add n0 type veth peer name n1
		printf "%s\n" "dev-new ifname=s:n0 flow-max=u32:16385" \
			"dev-new ifname=s:n0 flow-max=u32:16384" "rule-new pref=u32:1" \
			"dev-set ifname=s:n0 mode=u32:1" "dev-get ifname=s:n0" \
			"rule-flush" "dev-del ifname=s:n0" | "$1" -s' sh "$NLRAW" \
		>"$tmp/answers" 2>&1
	check_is "the owner of a namespace may write, but not ask for all memory" \
		"EPERM same,0 changed,0 changed,0 changed,0 same,0 changed,0 changed" \
		"$(cut -f1,3 "$tmp/answers" | tr '\t\n' ' ,' | sed 's/,$//')"
}

test_namespaces() {
	local other='' before index

	setup_ns other
	before=$(state)
	check_json "rules of one namespace are not seen in another" '. == []' \
		ankus -n "$other" -j rule show
	check_json "nor its devices" '. == []' ankus -n "$other" -j dev show
	check_json "nor its links" '. == []' ankus -n "$other" -j link show
	check_json "nor its flows" '. == []' ankus -n "$other" -j flow show
	check_fail "nor one of them by its id" 2 'no flow with this id' \
		ankus -n "$other" flow show "$id"
	check_json "nor its pairs" '. == []' ankus -n "$other" -j pair show
	check_fail "nor one of them by its id" 2 'no pair with this id' \
		ankus -n "$other" pair show "$pair"
	check_json "nor its counters" '. == []' ankus -n "$other" -j stats show
	check_json "nor its queues" '. == []' ankus -n "$other" -j queue show

	# The same names and numbers mean different things.
	ip -n "$other" link add m0 index 4712 type veth peer name m1
	ankus -n "$other" dev add m0 rate 7mbit
	ankus -n "$other" rule add pref 10 proto tcp action ignore
	check_json "a device of the same name is another" \
		'length == 1 and .[0].rate_bps == 7000000' ankus -n "$other" -j dev show
	check "it may go by itself" ankus -n "$other" dev set m0 mode steer
	check "a flush is for its own namespace" ankus -n "$other" rule flush
	check_is "the first namespace is as before" "$before" "$(state)"

	# Moved with all its settings, a device is a new one elsewhere.
	ip -n "$other" link set m0 netns "$peer"
	check_json "a device that moves away is let go" '. == []' \
		ankus -n "$other" -j dev show
	check_json "and is not managed where it went" '. == []' \
		ankus -n "$peer" -j dev show
	index=$(ip -n "$peer" -j link show m0 | jq '.[0].ifindex')
	check "there it can be managed" ankus -n "$peer" dev add m0
	check_json "under its index there" ".[0].ifindex == $index" \
		ankus -n "$peer" -j dev show
	ankus -n "$peer" rule add pref 1 action auto
	ip -n "$peer" link del m0
	check_json "a device that is deleted is let go" '. == []' \
		ankus -n "$peer" -j dev show
	check_json "its namespace keeps the rules" 'length == 1' \
		ankus -n "$peer" -j rule show
	ankus -n "$peer" rule flush
}

# A namespace that goes with all it has takes it along: what is left behind
# would keep its devices, and the module, for ever.
test_namespace_exit() {
	local i name=gone-$$

	for i in 1 2 3; do
		ip netns add "$name"
		ip -n "$name" link add g0 numtxqueues 4 type veth \
			peer name g1 netns "$peer" numrxqueues 4
		ip -n "$name" addr add 10.77.0.1/24 dev g0
		ip -n "$name" link set g0 up
		ip -n "$peer" link set g1 up
		ankus -n "$name" dev add g0 mode steer rate 1
		seq 100 | sed 's/.*/rule add pref & action tx-queues 1/' |
			ankus -n "$name" -b -
		ip netns exec "$name" bash -c 'echo >/dev/udp/10.77.0.2/9' 2>/dev/null
		ip netns del "$name"
		wait_until 20 eval '! ip -n "$peer" link show g1' ||
			not_ok "namespace $i is gone with its devices"
	done
	check_json "a namespace of the same name begins empty" '. == []' \
		bash -c 'ip netns add "$1"; "$0" -n "$1" -j rule show; ip netns del "$1"' \
		"$ANKUS" "$name"
}

# Each allocation of each request fails once: it is refused and changes
# nothing, or is done as a whole.
test_no_memory() {
	local op n refused whole lost mute torn before
	local fault=/sys/kernel/debug/failslab

	if [ ! -e /proc/self/fail-nth ] || [ ! -d $fault ]; then
		skip "requests whose allocations fail" "this kernel has no failslab"
		return
	fi
	before=$(state)
	# Every kmalloc(), also one that may sleep, and no stack dumps.
	echo N >$fault/ignore-gfp-wait
	echo 0 >$fault/verbose
	in_ns "$NLRAW" -f >"$tmp/answers" 2>"$tmp/errors" <<-END
		dev-get ifname=s:m0
		stats-get ifname=s:m0
		cpu-get ifname=s:m0 cpu=u32:0
		queue-get ifname=s:m0 dir=u32:0 queue=u32:0
		rule-get pref=u32:10
		link-get name=s:mine
		flow-get id=u64:$id
		pair-get id=u64:$pair
		dev-new ifname=s:n0 rx-queues={first=u32:1} mode=u32:1 / dev-del ifname=s:n0
		dev-set ifname=s:m0 rate-bps=u64:5 mode=u32:1 tx-queues={first=u32:1} / dev-set ifname=s:m0 rate-bps=u64:1000000 mode=u32:0 tx-queues={}
		! dev-new ifname=s:n0
		dev-del ifname=s:n0 / dev-new ifname=s:n0
		! dev-del ifname=s:n0
		rule-new pref=u32:15 src=x:0a000000 src-len=u8:8 link=s:p0 / rule-del pref=u32:15
		rule-new replace=flag pref=u32:15 / rule-del pref=u32:15
		! rule-new pref=u32:15 proto=u8:6 dport-first=u16:9000 dport-last=u16:9010
		rule-new replace=flag pref=u32:15 / rule-new replace=flag pref=u32:15 proto=u8:6 dport-first=u16:9000 dport-last=u16:9010
		rule-del pref=u32:15 / rule-new pref=u32:15 proto=u8:6 dport-first=u16:9000 dport-last=u16:9010
		! rule-del pref=u32:15
		! rule-new pref=u32:40 ifname=s:only
		rule-flush ifname=s:only / rule-new pref=u32:40 ifname=s:only
		! rule-flush ifname=s:only
		link-new name=s:new ifname=s:p2 capacity-bps=u64:5 / link-del name=s:new
		link-set name=s:mine capacity-bps=u64:5 / link-set name=s:mine capacity-bps=u64:0
		! link-new name=s:new ifname=s:p2
		link-del name=s:new / link-new name=s:new ifname=s:p2
		! link-del name=s:new
		! dev-set ifname=s:m0 mode=u32:1
		flow-pin id=u64:$id pin-queue=u32:1
		flow-pin id=u64:$id
		flow-unpin id=u64:$id
		! dev-set ifname=s:m0 mode=u32:0
	END
	check_is "nlraw tried all requests" 22 "$(wc -l <"$tmp/answers")" ||
		lib_diag_file "$tmp/errors"
	while IFS=$'\t' read -r op n refused whole lost mute torn; do
		diag "$op: $n allocations, $refused refused, $whole done, $lost without an answer"
		check "$op: allocations were tried" [ "$n" -gt 2 ]
		check_is "$op: all or nothing, whichever allocation fails" 0 "$torn"
		# Generic netlink itself needs memory, before it calls anybody.
		check "$op: a message each time" [ "$mute" -le 1 ]
	done <"$tmp/answers"
	check_is "after all of that everything is as before" "$before" "$(state)"
}

# A client that was not written for us and knows the specification alone: the
# kernel's own.
test_ynl() {
	local pyynl='' dir

	for dir in "${ANKUS_TEST_SOURCE:-}" \
		"${XDG_CACHE_HOME:-$HOME/.cache}"/ankus/source/* \
		/usr/src/linux-source-* /lib/modules/*/source; do
		[ ! -f "$dir/tools/net/ynl/pyynl/cli.py" ] ||
			pyynl=$dir/tools/net/ynl/pyynl
	done
	if [ -z "$pyynl" ]; then
		skip "the kernel's own client" \
			"no kernel source with tools/net/ynl/pyynl (ANKUS_TEST_SOURCE)"
		return
	fi

	check_json "its command line: dev-get" '.[0] | .ifname == "m0" and
		.mode == "observe" and ."rate-bps" == 1000000 and ."num-tx-queues" == 4' \
		in_ns python3 "$pyynl/cli.py" --spec "$spec" --no-schema \
		--output-json --dump dev-get --json '{"ifname": "m0"}'

	in_ns python3 - "$pyynl" "$spec" "$id" "$pair" >"$tmp/ynl" 2>"$tmp/errors" <<-'END'
		import json, sys
		sys.path.insert(0, sys.argv[1])
		from lib import NlError, YnlFamily

		ynl = YnlFamily(sys.argv[2], schema="")
		flow = int(sys.argv[3])
		said = {}

		def refused(op, attrs):
		    try:
		        ynl.do(op, attrs)
		    except NlError as e:
		        return {"errno": e.error, **e.nl_msg.extack}
		    return {"errno": 0}

		ynl.ntf_subscribe("events")
		ynl.do("dev-new", {"ifname": "n0", "mode": "steer", "backend": "none",
		                   "rx-queues": [{"first": 0, "last": 1}, {"first": 3}],
		                   "rate-bps": 5000000})
		said["dev"] = ynl.do("dev-get", {"ifname": "n0"})
		ynl.do("dev-del", {"ifname": "n0"})
		ynl.do("rule-new", {"pref": 50, "ifname": "m0", "dir": "out", "proto": 6,
		                    "src": "10.88.0.0", "src-len": 16, "dst": "10.88.0.2",
		                    "dport-first": 1, "dport-last": 2, "verdict": "auto",
		                    "tx-queues": [{"first": 1, "last": 2}],
		                    "link": ["p0", "p1"]})
		said["rule"] = ynl.do("rule-get", {"pref": 50})
		ynl.do("rule-new", {"pref": 50, "src": "2001:db8::", "src-len": 32,
		                    "replace": True})
		said["rules"] = ynl.dump("rule-get", {})
		ynl.do("rule-del", {"pref": 50})
		said["links"] = ynl.dump("link-get", {})
		said["flow"] = ynl.do("flow-get", {"id": flow})
		said["flows"] = ynl.dump("flow-get", {"ifname": "m0", "state": "mouse"})
		said["fast"] = ynl.dump("flow-get", {"rate-bps": 1 << 40})
		said["pair"] = ynl.do("pair-get", {"id": int(sys.argv[4])})
		said["pairs"] = ynl.dump("pair-get", {"ifname": "m0", "dir": "in"})
		said["stats"] = ynl.dump("stats-get", {})
		said["queue"] = ynl.do("queue-get", {"ifname": "m0", "dir": "out", "queue": 3})
		said["queues"] = ynl.dump("queue-get", {"ifname": "m0", "dir": "in"})
		said["twice"] = refused("rule-new", {"pref": 10})
		said["range"] = refused("dev-set", {"ifname": "m0",
		                                    "tx-queues": [{"first": 1024}]})
		ynl.check_ntf()
		said["events"] = []
		while not ynl.async_msg_queue.empty():
		    said["events"].append(ynl.async_msg_queue.get())
		json.dump(said, sys.stdout, default=str)
	END
	check_is "its library understands all that it is told" "" \
		"$(cat "$tmp/errors")"
	check_json "dev-new and dev-get, queues in nests" '.dev | .mode == "steer" and
		.backend == "none" and ."rate-bps" == 5000000 and
		."rx-queues" == [{first: 0, last: 1}, {first: 3, last: 3}] and
		(has("tx-queues") | not)' cat "$tmp/ynl"
	check_json "rule-new and rule-get, everything that was set" '.rule == {
		pref: 50, ifname: "m0", dir: "out", family: 2, proto: 6,
		src: "10.88.0.0", "src-len": 16, dst: "10.88.0.2", "dst-len": 32,
		"dport-first": 1, "dport-last": 2, verdict: "auto",
		"tx-queues": [{first: 1, last: 2}], link: ["p0", "p1"], flows: 0}' \
		cat "$tmp/ynl"
	check_json "rule-new that replaces" '.rules | map(.pref) == [10, 20, 50] and
		.[2].src == "2001:db8::" and (.[2] | has("dst") | not)' cat "$tmp/ynl"
	check_json "link-get" '.links | map(select(.name == "mine"))[0] |
		.ifname == "p1" and ."upper-ifname" == "bond0" and (has("auto") | not)' \
		cat "$tmp/ynl"
	check_json "flow-get" ".flow.id == $id and .flow.dir == \"out\" and
		.flow.dst == \"10.88.0.2\" and .flow.dport == 9 and
		.flow.packets >= 1" cat "$tmp/ynl"
	check_json "flow-get, a list" ".flows | any(.id == $id)" cat "$tmp/ynl"
	check_json "flow-get, a filter" '.fast == []' cat "$tmp/ynl"
	check_json "flow-get, its pair" ".flow.pair == $pair and
		(.flow | has(\"grouped\") | not)" cat "$tmp/ynl"
	check_json "pair-get" ".pair | .id == $pair and .dir == \"out\" and
		.src == \"10.88.0.1\" and .dst == \"10.88.0.2\" and
		.state == \"mouse\" and (has(\"grouped\") | not) and .flows >= 1 and
		.elephants == 0 and .\"small-permille\" < 1000" cat "$tmp/ynl"
	check_json "pair-get, a filter" '.pairs | length == 1 and
		(.[0] | .dir == "in" and .src == "10.88.0.2")' cat "$tmp/ynl"
	check_json "stats-get" '.stats | map(.ifname) | sort == ["bond0", "m0"]' \
		cat "$tmp/ynl"
	check_json "queue-get" '.queue | .ifname == "m0" and .dir == "out" and
		.queue == 3 and has("open")' cat "$tmp/ynl"
	check_json "queue-get, a filter" '.queues | map(.queue) == [0, 1, 2, 3] and
		all(.dir == "in")' cat "$tmp/ynl"
	check_json "an error, its message and attribute" '.twice | .errno == 17 and
		(.msg | length > 0) and ."bad-attr" == ".pref"' cat "$tmp/ynl"
	check_json "an error inside of a nest" '.range | .errno == 34 and
		."bad-attr" == ".tx-queues.first"' cat "$tmp/ynl"
	check_json "events" '.events | map([.name, .msg.event, .msg.ifname // .msg.pref]) |
		. as $all | all(["dev-ntf", "dev-add", "n0"], ["dev-ntf", "dev-del", "n0"],
			["rule-ntf", "rule-add", 50], ["rule-ntf", "rule-replace", 50],
			["rule-ntf", "rule-del", 50]; . as $one | $all | any(. == $one))' \
		cat "$tmp/ynl"
}

load_module ankus
load_module bonding
setup_ns ns peer

# Two managed devices, one that is not, one of another namespace, links found
# and made, rules, and a flow in each direction that nothing lets expire.
ip -n "$peer" link add far0 index 4711 type veth peer name far1
ip -n "$ns" link add n0 index 4712 numtxqueues 4 numrxqueues 4 type veth \
	peer name n1 netns "$peer" numtxqueues 4 numrxqueues 4
ip -n "$ns" link add m0 numtxqueues 4 numrxqueues 4 type veth \
	peer name m1 netns "$peer" numtxqueues 4 numrxqueues 4
ip -n "$ns" link add bond0 type bond mode balance-xor miimon 100
for port in p0 p1 p2; do
	ip -n "$ns" link add $port type veth peer name $port netns "$peer"
	ip -n "$ns" link set $port master bond0
	ip -n "$peer" link set $port up
done
ip -n "$ns" link set bond0 up
ip -n "$ns" addr add 10.88.0.1/24 dev m0
ip -n "$peer" addr add 10.88.0.2/24 dev m1
ip -n "$ns" link set m0 up
ip -n "$peer" link set m1 up

carries_flows() {
	in_ns bash -c 'echo x >/dev/udp/10.88.0.2/9' 2>/dev/null
	ip netns exec "$peer" bash -c 'echo x >/dev/udp/10.88.0.1/9' 2>/dev/null
	id=$(ankus -n "$ns" -j flow show dir out | jq '.[0].id // empty')
	in=$(ankus -n "$ns" -j flow show dir in | jq '.[0].id // empty')
	pair=$(ankus -n "$ns" -j flow show dir out | jq '.[0].pair // empty')
	[ -n "$id" ] && [ -n "$in" ] && [ -n "$pair" ]
}

check "a device with flows" ankus -n "$ns" dev add m0 rate 1mbit release 3600s sketch 0
check "a bond" ankus -n "$ns" dev add bond0
check "a link by hand" ankus -n "$ns" link add mine dev p1
check "rules" ankus -n "$ns" -b - <<-'END'
	rule add pref 10 proto udp dport 5000 action ignore
	rule add pref 20 proto tcp dport 9000-9010 action tx-queues 1-2
END
id='' in='' pair=''
check_until "flows" 20 carries_flows

test_spec
test_meaning
test_good
test_large
test_permission
test_namespaces
test_namespace_exit
test_ynl
test_no_memory
finish
