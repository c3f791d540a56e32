/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One object in many versions, each made of what the Makefile defines for it. A program returns `base` and 1 where `deny`
 * is on, else `base` and 2, and counts its runs in `hits` and `total`.
 */
#include "fixture.h"

#ifndef BASE
#define BASE 0
#endif
#ifndef ENTRIES
#define ENTRIES 4
#endif
#ifndef PROGRAMS
#define PROGRAMS P(0, first) P(1, second)
#endif
#ifdef TC
#define SECTION "tc"
#define CONTEXT struct __sk_buff
#else
#define SECTION "xdp"
#define CONTEXT struct xdp_md
#endif

#ifdef CONSTANT
#undef static_branch_unlikely
#define static_branch_unlikely(at) (*(at))
const volatile _Bool deny;
#elif defined(ON)
DEFINE_STATIC_KEY_TRUE(deny);
#else
DEFINE_STATIC_KEY_FALSE(deny);
#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ENTRIES);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

#ifdef MAP
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} MAP SEC(".maps");
#endif

#ifdef DEVICES
/* The kernel gives it a flag that no author does. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} DEVICES SEC(".maps");
#endif

__u64 total;
#ifdef LITERAL
/* In the code and not in .rodata: then two versions have all maps in common. */
enum { base = BASE };
#else
const volatile __u32 base = BASE;
#endif

#ifdef OTHER
__u64 OTHER;

__u64 *use(void)
{
	return &OTHER;
}
#endif

#ifdef KEY
DEFINE_STATIC_KEY_TRUE(KEY);

SEC("xdp")
int heeds(void *ctx)
{
	return static_branch_likely(&KEY);
}
#endif

#define P(SLOT, NAME)						\
	SEC(SECTION)						\
	int NAME(CONTEXT *ctx)					\
	{							\
		__u32 slot = SLOT;				\
		__u64 *n = bpf_map_lookup_elem(&hits, &slot);	\
								\
		if (n)						\
			__sync_fetch_and_add(n, 1);		\
		total++;					\
		return (static_branch_unlikely(&deny) ? 1 : 2) + base; \
	}

PROGRAMS

char LICENSE[] SEC("license") = "GPL";
