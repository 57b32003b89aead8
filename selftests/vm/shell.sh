#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# shell.sh [LINE]: inside a VM of run.sh, load the modules that were built for
# it and run a line of shell, or a shell.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
for module in ankus simnic; do
	insmod "$top/build/$ANKUS_KERNEL/$module.ko" || exit
done

if [ $# -gt 0 ]; then
	exec bash -c "$1"
fi
echo "Linux $(uname -r): ankus.ko and simnic.ko are loaded, ankus is in the PATH."
echo "What you write vanishes; 'exit' or ^D powers off."
exec bash --norc -i
