#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# apt.sh COMMAND...: run an apt command on an apt state of its own, in the
# cache, which knows the suites the test kernels come from, and arm64's packages
# too (NAME:arm64).  The machine's own sources, lists and packages stay as they
# are.  The mirror is the one the machine itself uses.
#
#   apt.sh refresh [force]      fetch the lists, unless they are fresh
#   apt.sh cache ARGS...        apt-cache ARGS
#   apt.sh unpack DIR PACKAGE...
#                               download packages and unpack them into DIR
set -euo pipefail

cache=${ANKUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ankus}
state=$cache/apt
# For how many minutes a list is believed.
max_age=720

die() {
	echo "apt.sh: $*" >&2
	exit 1
}

opts=(-qq
	-o Dir::Etc::SourceList="$state/sources.list"
	-o Dir::Etc::SourceParts=/dev/null
	-o Dir::State::Lists="$state/lists"
	-o Dir::Cache="$state/cache"
	-o Dir::State::status=/var/lib/dpkg/status
	-o APT::Architectures::="$(dpkg --print-architecture)"
	-o APT::Architectures::=arm64
	-o APT::Get::List-Cleanup=true
	-o Acquire::Languages=none
	-o Acquire::Retries=3
	-o APT::Sandbox::User="$(id -un)")

# Prints RELEASE URI of the archives apt is set up for: Debian's own first
# (the origin is known once the machine has fetched lists).
archives() {
	# shellcheck disable=SC2016 # the format is apt's
	apt-get indextargets \
		--format '$(RELEASE) $(COMPONENT) $(REPO_URI) $(ORIGIN)' \
		'Identifier: Packages' |
		awk '$2 == "main" { print ($4 == "Debian") ? 0 : 1, $1, $3 }' |
		sort -s -k1,1n | cut -d' ' -f2-
}

write_sources() {
	local main security keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	local native options suite

	main=$(archives | awk '$1 !~ /[-\/]/ { print $2; exit }')
	security=$(archives | awk '$1 ~ /-security$/ { print $2; exit }')
	[ -n "$main" ] ||
		die "apt is not set up for a Debian archive (apt-get indextargets names none)"
	native=$(dpkg --print-architecture)
	options="arch=$native,arm64"
	[ ! -r $keyring ] || options+=" signed-by=$keyring"

	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	{
		for suite in bookworm bookworm-backports trixie-backports; do
			echo "deb [$options] $main $suite main"
		done
		[ -z "$security" ] ||
			echo "deb [$options] $security bookworm-security main"
	} >"$state/sources.list.$$"
	if cmp -s "$state/sources.list.$$" "$state/sources.list"; then
		rm "$state/sources.list.$$"
	else
		mv "$state/sources.list.$$" "$state/sources.list"
		rm -f "$state/fetched"
	fi
}

refresh() {
	local log=$state/log

	mkdir -p "$state"
	exec 9>"$state/lock"
	flock 9
	write_sources
	if [ "${1:-}" != force ] &&
	   [ -n "$(find "$state/fetched" -mmin -$max_age 2>/dev/null)" ]; then
		return
	fi
	echo "apt.sh: fetching package lists" >&2
	apt-get "${opts[@]}" -o APT::Update::Error-Mode=any update >"$log" 2>&1 ||
		{ cat "$log" >&2; die "could not fetch the package lists"; }
	touch "$state/fetched"
}

download() {
	local dir=$1
	shift

	(cd "$dir" && apt-get "${opts[@]}" download "$@" >log 2>&1)
}

# A list that is older than the mirror names files which are gone: fetch it
# anew then.
unpack() {
	local dir=$1 deb
	shift

	mkdir -p "$dir" "$dir.debs"
	if ! download "$dir.debs" "$@"; then
		refresh force
		download "$dir.debs" "$@" ||
			{ cat "$dir.debs/log" >&2; die "could not download $*"; }
	fi
	for deb in "$dir.debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$dir.debs"
}

cmd=${1:-}
[ $# -eq 0 ] || shift
case $cmd in
refresh) refresh "$@" ;;
cache) exec apt-cache "${opts[@]}" "$@" ;;
unpack) unpack "$@" ;;
*) die "usage: apt.sh refresh|cache|unpack [ARGS...]" ;;
esac
