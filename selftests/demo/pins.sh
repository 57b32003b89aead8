# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What ankus says of the flows it has pinned.

# pins_in_force NAMESPACE DEVICE link|rx_queue COUNT: whether that many
# elephants are pinned
pins_in_force() {
	# shellcheck disable=SC2016 # $kind and $count are jq's
	ankus -n "$1" -j flow show dev "$2" state elephant |
		gojq -e --arg kind "$3" --argjson count "$4" \
			'[.[][$kind] | select(.state == "installed" or
			 .state == "verified")] | length >= $count' >/dev/null
}

# pins_publish NAMESPACE DEVICE NAME
pins_publish() {
	local dir=/run/demo/$3-pins

	mkdir -p "$dir"
	if ! ankus -n "$1" -j flow show dev "$2" state elephant \
		>"$dir/flows.json" ||
		! ankus -n "$1" flow show dev "$2" state elephant sort rate \
			limit 12 >"$dir/flows.txt"; then
		fail "ankus cannot show its flows"
	fi
	publish "$dir" "$3-pins"
	event pins "$3"
}
