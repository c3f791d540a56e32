/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * flowmon: an XDP program that counts a device's traffic, and looks closer where a static key says so.
 *
 *	accounting	on	packets and bytes per protocol, in map `counters`
 *	debug_events	off	a record of every packet and IPv6 extension header, into ring buffer `events`
 *	drop_monitor	off	a record of every packet that is dropped, and why
 *	flow_trace	off	a table of flows, in map `flows`, and a record of every new one
 *
 * Malformed packets, and those to a port in map `blocked_ports`, are dropped whatever the keys say.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "static_key.bpf.h"

DEFINE_STATIC_KEY_TRUE(accounting);
DEFINE_STATIC_KEY_FALSE(debug_events);
DEFINE_STATIC_KEY_FALSE(drop_monitor);
DEFINE_STATIC_KEY_FALSE(flow_trace);

#define MAX_EXTENSIONS 6
#define FRAGMENT_OFFSET 0x1fff

/*
 * The structs below start with a member that is not zero where any is: older libbpf takes a struct for empty, and leaves
 * it out when printing, if its first member is zero.
 */
enum protocol {
	PROTOCOL_OTHER = 1,
	PROTOCOL_ARP,
	PROTOCOL_ICMP,
	PROTOCOL_ICMPV6,
	PROTOCOL_TCP,
	PROTOCOL_UDP,
};

enum drop_reason {
	DROP_NOT,
	DROP_TRUNCATED,
	DROP_BAD_HEADER,
	DROP_BLOCKED_PORT,
};

/* a.b.c.d. No array of bytes: libbpf prints one as a string, to the first zero. */
struct ipv4 {
	__u8 a, b, c, d;
};

/* The eight groups of an IPv6 address as it is written, in host byte order. */
struct ipv6 {
	__u16 groups[8];
};

/* Ports are in host byte order. What a packet does not have is zero. */
struct flow {
	enum protocol protocol;
	struct ipv4 source;
	struct ipv4 destination;
	struct ipv6 source6;
	struct ipv6 destination6;
	__u16 source_port;
	__u16 destination_port;
};

struct packet {
	__u32 bytes;
	struct flow flow;
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct flow_state {
	__u64 first_ns;
	__u64 last_ns;
	__u64 packets;
	__u64 bytes;
};

/* What `events` carries. A record's first member says which: RECORD_x stands for struct x. */
enum record_kind {
	RECORD_packet_event = 1,
	RECORD_header_event,
	RECORD_drop_event,
	RECORD_flow_event,
};

struct packet_event {
	enum record_kind kind;
	struct packet packet;
	__u64 time_ns;
};

struct header_event {
	enum record_kind kind;
	__u8 next_header;
	__u8 header_bytes;
	__u16 offset;
};

struct drop_event {
	enum record_kind kind;
	enum drop_reason reason;
	struct packet packet;
};

struct flow_event {
	enum record_kind kind;
	struct flow flow;
};

/* Brings the records' types into BTF, which leaves out what only a function's body names. No loader makes it a map. */
union {
	struct packet_event packet;
	struct header_event header;
	struct drop_event drop;
	struct flow_event flow;
} record_types SEC(".record_types");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, enum protocol);
	__type(value, struct counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow);
	__type(value, struct flow_state);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u16);
	__type(value, __u8);
} blocked_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

static __always_inline void count(struct packet *packet)
{
	struct counter zero = {}, *counter;

	counter = bpf_map_lookup_elem(&counters, &packet->flow.protocol);
	if (!counter) {
		bpf_map_update_elem(&counters, &packet->flow.protocol, &zero, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&counters, &packet->flow.protocol);
		if (!counter)
			return;
	}
	__sync_fetch_and_add(&counter->packets, 1);
	__sync_fetch_and_add(&counter->bytes, packet->bytes);
}

static __noinline int account(struct packet *packet)
{
	if (static_branch_likely(&accounting))
		count(packet);
	return 0;
}

static __always_inline void trace(const struct flow *flow, __u32 bytes)
{
	__u64 now = bpf_ktime_get_ns();
	struct flow_state new = { now, now, 1, bytes };
	struct flow_state *state = bpf_map_lookup_elem(&flows, flow);
	struct flow_event *event;

	if (state) {
		state->last_ns = now;
		__sync_fetch_and_add(&state->packets, 1);
		__sync_fetch_and_add(&state->bytes, bytes);
		return;
	}
	bpf_map_update_elem(&flows, flow, &new, BPF_ANY);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return;
	event->kind = RECORD_flow_event;
	event->flow = *flow;
	bpf_ringbuf_submit(event, 0);
}

__noinline int trace_flow(struct packet *packet)
{
	/* The verifier looks at a global function by itself, where the argument may be NULL. */
	if (!packet)
		return 0;
	if (static_branch_unlikely(&flow_trace))
		trace(&packet->flow, packet->bytes);
	return 0;
}

static __always_inline void report_packet(const struct packet *packet)
{
	struct packet_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return;
	event->kind = RECORD_packet_event;
	event->packet = *packet;
	event->time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void report_header(__u8 next_header, __u8 bytes, __u16 offset)
{
	struct header_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return;
	event->kind = RECORD_header_event;
	event->next_header = next_header;
	event->header_bytes = bytes;
	event->offset = offset;
	bpf_ringbuf_submit(event, 0);
}

static __noinline int drop(struct packet *packet, enum drop_reason reason)
{
	struct drop_event *event;

	if (static_branch_unlikely(&drop_monitor)) {
		event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
		if (event) {
			event->kind = RECORD_drop_event;
			event->reason = reason;
			event->packet = *packet;
			bpf_ringbuf_submit(event, 0);
		}
	}
	return XDP_DROP;
}

static __always_inline enum drop_reason parse_ports(struct flow *flow, __u8 protocol, void *data, void *end)
{
	struct udphdr *udp = data;
	struct tcphdr *tcp = data;

	if (protocol == IPPROTO_ICMP) {
		flow->protocol = PROTOCOL_ICMP;
	} else if (protocol == IPPROTO_ICMPV6) {
		flow->protocol = PROTOCOL_ICMPV6;
	} else if (protocol == IPPROTO_UDP) {
		flow->protocol = PROTOCOL_UDP;
		if ((void *)(udp + 1) > end)
			return DROP_TRUNCATED;
		flow->source_port = bpf_ntohs(udp->source);
		flow->destination_port = bpf_ntohs(udp->dest);
	} else if (protocol == IPPROTO_TCP) {
		flow->protocol = PROTOCOL_TCP;
		if ((void *)(tcp + 1) > end)
			return DROP_TRUNCATED;
		if (tcp->doff < 5)
			return DROP_BAD_HEADER;
		flow->source_port = bpf_ntohs(tcp->source);
		flow->destination_port = bpf_ntohs(tcp->dest);
	}
	return DROP_NOT;
}

static __always_inline enum drop_reason parse_ipv4(struct flow *flow, void *data, void *end)
{
	struct iphdr *ip = data;

	if ((void *)(ip + 1) > end)
		return DROP_TRUNCATED;
	if (ip->version != 4 || ip->ihl < 5)
		return DROP_BAD_HEADER;
	__builtin_memcpy(&flow->source, &ip->saddr, sizeof(flow->source));
	__builtin_memcpy(&flow->destination, &ip->daddr, sizeof(flow->destination));
	/* Only a datagram's first fragment has ports. */
	if (ip->frag_off & bpf_htons(FRAGMENT_OFFSET))
		return DROP_NOT;
	return parse_ports(flow, ip->protocol, data + ip->ihl * 4, end);
}

static __always_inline enum drop_reason parse_ipv6(struct flow *flow, void *data, void *end)
{
	struct ipv6hdr *ip = data;
	__u32 offset = sizeof(*ip), i;
	__u8 next;

	if ((void *)(ip + 1) > end)
		return DROP_TRUNCATED;
	if (ip->version != 6)
		return DROP_BAD_HEADER;
	for (i = 0; i < 8; i++) {
		flow->source6.groups[i] = bpf_ntohs(ip->saddr.in6_u.u6_addr16[i]);
		flow->destination6.groups[i] = bpf_ntohs(ip->daddr.in6_u.u6_addr16[i]);
	}
	next = ip->nexthdr;
#pragma clang loop unroll(disable)
	for (i = 0; i < MAX_EXTENSIONS; i++) {
		struct ipv6_opt_hdr *extension = data + offset;
		__u32 bytes;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		if ((void *)(extension + 1) > end)
			return DROP_TRUNCATED;
		bytes = (extension->hdrlen + 1) * 8;
		if (static_branch_unlikely(&debug_events))
			report_header(next, bytes, offset);
		next = extension->nexthdr;
		offset += bytes;
	}
	return parse_ports(flow, next, data + offset, end);
}

static __always_inline enum drop_reason parse(struct packet *packet, void *data, void *end)
{
	struct ethhdr *eth = data;
	enum drop_reason reason = DROP_NOT;

	if ((void *)(eth + 1) > end)
		return DROP_TRUNCATED;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		reason = parse_ipv4(&packet->flow, eth + 1, end);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		reason = parse_ipv6(&packet->flow, eth + 1, end);
	else if (eth->h_proto == bpf_htons(ETH_P_ARP))
		packet->flow.protocol = PROTOCOL_ARP;
	if (reason == DROP_NOT && bpf_map_lookup_elem(&blocked_ports, &packet->flow.destination_port))
		reason = DROP_BLOCKED_PORT;
	return reason;
}

SEC("xdp")
int flowmon(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct packet packet = { .bytes = ctx->data_end - ctx->data, .flow.protocol = PROTOCOL_OTHER };
	enum drop_reason reason = parse(&packet, data, end);

	account(&packet);
	if (static_branch_unlikely(&debug_events))
		report_packet(&packet);
	if (reason != DROP_NOT)
		return drop(&packet, reason);
	trace_flow(&packet);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
