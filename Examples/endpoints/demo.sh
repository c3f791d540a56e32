#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A program for each of many endpoints, made of one template: each with its own id, address and policy mark as constants.
# One command flips `debug` in all of them. `make demo-endpoints` calls it, with BIN naming the folder that holds keyctl.
# All that it makes has its process id in the name, and goes when it ends, however it ends.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
BIN=${BIN:?names the folder of keyctl}
COUNT=${COUNT:-200}
[ "$(id -u)" = 0 ] || exec sudo env "PATH=$PATH" "BIN=$BIN" "COUNT=$COUNT" "$0" "$@"

keyctl=$BIN/keyctl
name=endpoints-$$
host=$name-host
work=$(mktemp -d)
loaded=

cleanup() {
	trap - EXIT
	# A second interrupt must not leave half of it behind.
	trap '' HUP INT PIPE TERM
	[ -z "$loaded" ] || "$keyctl" unload -q "$name" || true
	ip netns list | sed -n "s/^\($name-[a-z0-9]*\).*/netns del \1/p" | ip -force -batch - 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
say() { printf '%s\n' "$*"; }
fail() { printf 'endpoints: %s\n' "$*" >&2; exit 1; }
show() { say "\$ keyctl $*"; "$keyctl" "$@"; }
((COUNT >= 1 && COUNT <= 250)) || fail "COUNT is from 1 to 250"

# Some endpoints to look at: the first, one in the middle, the last.
few=(0 $((COUNT / 2)) $((COUNT - 1)))

# A packet of endpoint $1, from the address $2 or its own.
send() {
	nsenter --net="/run/netns/$name-$1" ping -q -c 1 -W 1 ${2:+-I "$2"} "10.66.$1.1" >/dev/null 2>&1
}

# What `debug` has written about endpoint $1.
report() {
	bpftool -j map lookup pinned "/sys/fs/bpf/keyctl/$name/maps/reports" \
		key $(($1 & 255)) $(($1 >> 8)) 0 0 | sed 's/.*"formatted":{"key":\([0-9]*\),"value":\(.*\)}}/\1: \2/'
}

value() { "$keyctl" get "$name/$2" --instance "$1" | sed 's/.*=//'; }

title "$COUNT endpoints, each in a network namespace of its own"
{
	say "netns add $host"
	for ((i = 0; i < COUNT; i++)); do say "netns add $name-$i"; done
} | ip -batch -
for ((i = 0; i < COUNT; i++)); do
	say "link add ep$i netns $host type veth peer name eth0 netns $name-$i"
done | ip -batch -
for ((i = 0; i < COUNT; i++)); do
	say "address add 10.66.$i.1/30 dev ep$i"
	say "link set ep$i up"
done | ip -n "$host" -batch -
for ((i = 0; i < COUNT; i++)); do
	ip -n "$name-$i" -batch - <<-END
		address add 10.66.$i.2/30 dev eth0
		address add 10.99.0.1/32 dev eth0
		link set eth0 up
	END
done

title "one template, without compiler, ELF and libbpf's objects from here on"
say "\$ keyctl template build endpoint.bpf.o -o endpoint.skt"
"$keyctl" template build "$here/endpoint.bpf.o" -o "$work/endpoint.skt"

title "an instance for each endpoint"
say "\$ keyctl load endpoint.skt --name $name --instances $COUNT --share-map reports \\"
say "    --set 'endpoint_id={i}' --set 'address=[10,66,{i},2]' --set 'policy_mark=10{i}' \\"
say "    --attach 'tcx-ingress:ep{i}@$host'"
loaded=yes
"$keyctl" load "$work/endpoint.skt" --name "$name" --instances "$COUNT" --share-map reports \
	--set 'endpoint_id={i}' --set 'address=[10,66,{i},2]' --set 'policy_mark=10{i}' \
	--attach "tcx-ingress:ep{i}@$host"
show list "$name/*"
for i in "${few[@]}"; do show get "$name/*" --instance "$i"; done

title "each lets its endpoint send from its own address, and from no other"
for i in "${few[@]}"; do
	send "$i" || fail "endpoint $i cannot send"
	! send "$i" 10.99.0.1 || fail "endpoint $i sends from another's address"
	say "endpoint $i: passed $(value "$i" passed), spoofed $(value "$i" spoofed)"
	[ "$(value "$i" passed)" -ge 1 ] && [ "$(value "$i" spoofed)" -ge 1 ] || fail "the counters are not as they should be"
	[ "$(report "$i" | sed 's/.*"packets":\([0-9]*\).*/\1/')" = 0 ] || fail "there is a report with debug off"
done

title "debug, over all of them with one command"
show enable "$name/debug"
for i in "${few[@]}"; do
	send "$i" || fail "endpoint $i cannot send"
	report "$i"
	report "$i" | grep -q "\"mark\":10$i,\"from\":\[10,66,$i,2\]" || fail "endpoint $i is not told as it should be"
done
show disable "$name/debug"

title "another policy mark, for a few of them and for all"
show set "$name/policy_mark=7" --instance "${few[2]}"
show set "$name/policy_mark=5"
for i in "${few[@]}"; do [ "$(value "$i" policy_mark)" = 5 ] || fail "endpoint $i has another mark"; done

title "one endpoint goes"
show unload "$name" --instance "${few[1]}"
show list "$name/debug"
