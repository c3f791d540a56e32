/* SPDX-License-Identifier: GPL-2.0 */
/* The part of the selftests' test_progs.h that prog_tests/static_branches.c uses, so that the very file runs as a static
 * program in a guest that has nothing else.
 */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/types.h>
typedef __u16 __sum16;
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

extern int nr_failed, nr_checked;
bool test__start_subtest(const char *name);
void test__skip(void);
int write_sysctl(const char *sysctl, const char *value);

#define CHECK_(ok, name, fmt, ...) ({						\
	bool ___ok = (ok);							\
	__atomic_add_fetch(&nr_checked, 1, __ATOMIC_RELAXED);			\
	if (!___ok) {								\
		__atomic_add_fetch(&nr_failed, 1, __ATOMIC_RELAXED);		\
		printf("  %s:%d: %s: " fmt "\n", __func__, __LINE__, name, ##__VA_ARGS__); \
	}									\
	___ok;									\
})
#define ASSERT_CMP_(a, op, b, name) ({						\
	typeof(a) ___a = (a); typeof(b) ___b = (b);				\
	CHECK_(___a op ___b, name, "%lld, wanted " #op " %lld",			\
	       (long long)___a, (long long)___b); })
#define ASSERT_EQ(a, b, name) ASSERT_CMP_(a, ==, b, name)
#define ASSERT_NEQ(a, b, name) CHECK_((a) != (b), name, "equal")
#define ASSERT_GT(a, b, name) ASSERT_CMP_(a, >, b, name)
#define ASSERT_TRUE(a, name) CHECK_(!!(a), name, "false")
#define ASSERT_OK(a, name) ({ long long ___r = (a); CHECK_(___r == 0, name, "%lld (errno %d)", ___r, errno); })
#define ASSERT_OK_PTR(a, name) CHECK_((a) != NULL, name, "NULL")
#define ASSERT_OK_FD(a, name) ({ int ___f = (a); CHECK_(___f >= 0, name, "%d", ___f); })
