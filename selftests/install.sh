#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# install.sh make|dkms: install as a user does, but below build/.
#
#   make   make install, modules_install: all is there, and of one version;
#          make uninstall: nothing is
#   dkms   dkms build, with folders of its own
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
PATH=$PATH:/usr/sbin:/sbin
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
to=$top/build/install
rm -rf "$to"

case ${1:-} in
make)
	make KERNEL=6.1 DESTDIR="$to" install modules_install
	for file in sbin/ankus share/man/man8/{ankus,ankus-dev}.8 \
		share/bash-completion/completions/ankus; do
		[ -s "$to/usr/local/$file" ] || { echo "no $file"; exit 1; }
	done
	"$to/usr/local/sbin/ankus" -V | grep -x "ankus $version"
	modinfo -F version "$to"/lib/modules/*/updates/ankus.ko | grep -x "$version"
	make KERNEL=6.1 DESTDIR="$to" uninstall
	left=$(find "$to" -not -type d)
	[ -z "$left" ] || { echo "left: $left"; exit 1; }
	;;
dkms)
	"$top/selftests/vm/deps.sh" dkms
	release='' kdir=''
	eval "$("$top/selftests/vm/kernel.sh" 6.1)"
	mkdir -p "$to"/{tree,modules,"source/ankus-$version"}
	git ls-files | tar -cT - | tar -xC "$to/source/ankus-$version"
	if ! dkms build "ankus/$version" -k "$release" \
		--kernelsourcedir "$kdir" --sourcetree "$to/source" \
		--dkmstree "$to/tree" --installtree "$to/modules"; then
		cat "$to/tree/ankus/$version/build/make.log"
		exit 1
	fi
	find "$to/tree" -name 'ankus.ko*' | grep .
	;;
*)
	echo "usage: install.sh make|dkms" >&2
	exit 2
	;;
esac
