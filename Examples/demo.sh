#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Flips the keys of a running program while packets flow. `make demo` calls it, with BIN naming the folder that holds
# keyctl and flowmon. All that it makes has its process id in the name, and goes when it ends, however it ends.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
BIN=${BIN:?names the folder of keyctl and flowmon}
[ "$(id -u)" = 0 ] || exec sudo env "PATH=$PATH" "BIN=$BIN" "$0" "$@"

keyctl=$BIN/keyctl
flowmon=$BIN/flowmon
object=$here/flowmon.bpf.o
name=flowmon-$$
sender=$name-tx
receiver=$name-rx
device=fm$$
source=198.51.100.1
target=198.51.100.2
pins=/sys/fs/bpf/keyctl/$name
work=$(mktemp -d)
jobs=()
loaded=

cleanup() {
	trap - EXIT
	# A second interrupt must not leave half of it behind.
	trap '' HUP INT PIPE TERM
	for job in "${jobs[@]}"; do kill "$job" 2>/dev/null || true; done
	wait 2>/dev/null || true
	[ -z "$loaded" ] || "$keyctl" unload "$name" || true
	ip netns del "$sender" 2>/dev/null || true
	ip netns del "$receiver" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
say() { printf '%s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# The command itself, shown and run; how long it took goes into the table at the end.
flip() {
	say "\$ keyctl $*"
	local before after
	before=$(date +%s%N)
	"$keyctl" "$@" >"$work/answer"
	after=$(date +%s%N)
	cat "$work/answer"
	printf '%-34s %8d.%03d   %s\n' "$*" $(((after - before) / 1000000)) $(((after - before) / 1000 % 1000)) \
		"$(head -1 "$work/answer")" >>"$work/times"
}

records() { grep -c "$1" "$work/events" || true; }

# How many records of a kind arrive within a second.
records_in_a_second() {
	local before
	before=$(records "$1")
	sleep 1
	say $(($(records "$1") - before))
}

# Turns a key on and off again; its records must start and stop. The first wait lets what is on its way arrive.
show_key() {
	local key=$1 kind=$2 during after
	title "$key: records start and stop"
	[ "$(records "$kind")" = 0 ] || fail "there are records of kind $kind with $key off"
	say "off: no record so far"
	flip enable "$name/$key"
	during=$(records_in_a_second "$kind")
	say "on: $during in a second, such as"
	grep -m 1 "$kind" "$work/events" || fail "no record with $key on"
	flip disable "$name/$key"
	sleep 0.2
	after=$(records_in_a_second "$kind")
	say "off: $after in a second"
	[ "$after" = 0 ] || fail "records go on with $key off"
}

packets() {
	"$flowmon" counters --collection "$name" | sed -n 's/.*PROTOCOL_ICMP:.*\.packets = (__u64)\([0-9]*\).*/\1/p'
}

# The code of account(), which holds the site of `accounting`, as the kernel runs it.
disassembly() {
	title "account(), with accounting $1"
	say "\$ keyctl dump"
	"$keyctl" dump "$pins/progs/flowmon" | grep -B 1 -A 6 -F "$name/accounting" ||
		"$keyctl" dump "$pins/progs/flowmon" | grep -B 1 -A 6 'key accounting\|accounting'
	say "\$ bpftool prog dump xlated"
	bpftool prog dump xlated pinned "$pins/progs/flowmon" | sed -n '/^int account(/,/exit/p'
}

send_udp() {
	while :; do
		echo hello >"/dev/udp/$target/7"
		echo hello >"/dev/udp/$target/9"
		sleep 0.05
	done 2>/dev/null
}
export -f send_udp
export target

title "two network namespaces and a veth pair"
ip netns add "$sender"
ip netns add "$receiver"
ip -n "$sender" link add "$device" type veth peer name "$device" netns "$receiver"
ip -n "$sender" addr add "$source/24" dev "$device"
ip -n "$receiver" addr add "$target/24" dev "$device"
ip -n "$sender" link set "$device" up
ip -n "$receiver" link set "$device" up
ip -n "$receiver" -br addr show dev "$device"

title "load flowmon and attach it"
say "\$ keyctl load flowmon.bpf.o --name $name --attach xdp:$device@$receiver"
loaded=yes
"$keyctl" load "$object" --name "$name" --attach "xdp:$device@$receiver"
say "\$ keyctl list"
"$keyctl" list

title "traffic: ping, and UDP to ports 7 and 9, of which 9 is blocked"
bpftool map update pinned "$pins/maps/blocked_ports" key 9 0 value 1
ip netns exec "$sender" ping -i 0.02 "$target" >"$work/ping" &
ping=$!
jobs+=("$ping")
ip netns exec "$sender" bash -c send_udp &
jobs+=($!)
"$flowmon" events --collection "$name" >"$work/events" 2>&1 &
jobs+=($!)
sleep 1

show_key debug_events packet_event
show_key drop_monitor drop_event
show_key flow_trace flow_event

disassembly on
title "accounting: counters stop, and go on from where they were"
first=$(packets)
sleep 0.5
second=$(packets)
flip disable "$name/accounting"
third=$(packets)
disassembly off
fourth=$(packets)
flip enable "$name/accounting"
sleep 0.5
fifth=$(packets)
say "pings counted: on $first, $second; off $third, $fourth; on again $fifth"
((first < second && second <= third && third == fourth && fourth < fifth)) || fail "the counters are not as they should be"
"$flowmon" counters --collection "$name"

title "one flip after the other, while the pings go on"
for _ in 1 2 3; do
	flip toggle "$name/debug_events"
	flip toggle "$name/debug_events"
done
say "\$ keyctl show $name/debug_events"
"$keyctl" show "$name/debug_events"

title "no ping was lost"
kill -INT "$ping"
wait "$ping" || true
tail -2 "$work/ping"
grep -q ' 0% packet loss' "$work/ping" || fail "pings were lost"

title "what each flip took, in milliseconds for the whole command, and what keyctl says of it"
cat "$work/times"
