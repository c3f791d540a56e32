/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Compiles behind vmlinux.h, which has the kernel's own static_key, static_key_true and static_key_false. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "static_key.bpf.h"

DEFINE_STATIC_KEY_FALSE(behind_vmlinux);

/* Names the kernel's types, so that a header that hid or redefined them would not compile here. */
struct static_key_true *kernels_own_true;
struct static_key_false *kernels_own_false;

SEC("xdp")
int vmlinux(struct xdp_md *ctx)
{
	return static_branch_unlikely(&behind_vmlinux) ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
