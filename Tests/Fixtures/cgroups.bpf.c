/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Programs for a cgroup's hooks: the key chooses between allowing (off) and forbidding. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(forbid);

#define DECIDES(name, context)                                     \
	int name(struct context *ctx)                              \
	{                                                          \
		return static_branch_unlikely(&forbid) ? 0 : 1;    \
	}

SEC("cgroup_skb/ingress")
DECIDES(on_ingress, __sk_buff)

SEC("cgroup_skb/egress")
DECIDES(on_egress, __sk_buff)

SEC("cgroup/sock_create")
DECIDES(on_create, bpf_sock)

SEC("cgroup/post_bind4")
DECIDES(on_bind, bpf_sock)

SEC("cgroup/connect4")
DECIDES(on_connect, bpf_sock_addr)

SEC("cgroup/setsockopt")
DECIDES(on_option, bpf_sockopt)

SEC("cgroup/dev")
DECIDES(on_device, bpf_cgroup_dev_ctx)

SEC("cgroup/sysctl")
DECIDES(on_sysctl, bpf_sysctl)

SEC("sockops")
DECIDES(on_state, bpf_sock_ops)

char LICENSE[] SEC("license") = "GPL";
