/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/perf_event.h>

#include <sys/syscall.h>
#include <unistd.h>

#include "uapi.h"

/* The name of a helper function after "bpf_", of those that the installed headers know; NULL of others. */
static inline const char *sk_helper_name(int number)
{
#define SK_NAME(name, ...) [BPF_FUNC_##name] = #name
	static const char *const names[] = { __BPF_FUNC_MAPPER(SK_NAME) };
#undef SK_NAME
	return number > 0 && number < (int)(sizeof(names) / sizeof(*names)) ? names[number] : 0;
}

/* bpf(2) with a command that libbpf does not know; variadic syscall() cannot be called from Swift. */
static inline int sk_bpf(int command, void *attr, unsigned int size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

/*
 * perf_event_open(2) for all processes on a CPU. Its attributes are bit fields, which Swift does not see in full; `every`
 * is a frequency in Hz or a number of events.
 */
static inline int sk_perf_event_open(__u32 type, __u64 config, __u64 config1, __u64 config2, __u64 every,
				     int every_is_frequency, int cpu)
{
	struct perf_event_attr attr = {
		.type = type, .size = sizeof(attr), .config = config, .config1 = config1, .config2 = config2,
		.sample_period = every, .freq = every_is_frequency != 0,
	};

	return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* A store of 1, 2, 4 or 8 bytes to a place aligned so, which another CPU sees whole. */
static inline void sk_store(void *at, const void *from, unsigned int size)
{
#define SK_STORE(type)								\
	do {									\
		type value;							\
		__builtin_memcpy(&value, from, sizeof(value));			\
		__atomic_store_n((type *)at, value, __ATOMIC_RELEASE);		\
	} while (0)
	switch (size) {
	case 8: SK_STORE(__u64); break;
	case 4: SK_STORE(__u32); break;
	case 2: SK_STORE(__u16); break;
	case 1: SK_STORE(__u8); break;
	}
#undef SK_STORE
}

/* Sets the bits of a mask in a byte; the others may change meanwhile and keep what they get. */
static inline void sk_merge_byte(void *at, unsigned char bits, unsigned char mask)
{
	unsigned char old = __atomic_load_n((unsigned char *)at, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n((unsigned char *)at, &old, (old & ~mask) | (bits & mask), 0,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/* setns(fd, CLONE_NEWNET): declared only under _GNU_SOURCE, which the import of glibc into Swift does not define. */
static inline int sk_enter_netns(int fd)
{
	return (int)syscall(SYS_setns, fd, 0x40000000);
}
