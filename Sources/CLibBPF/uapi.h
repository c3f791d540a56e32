/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we need of the kernel's interface that is newer than the oldest libbpf-dev we build with (Debian 12's).
 * Names and values are those of include/uapi/linux/bpf.h; the prefix keeps them apart from a newer header's own.
 */
#pragma once

/* enum bpf_attach_type, Linux 6.6 and 6.7 */
#define SK_BPF_TCX_INGRESS 46
#define SK_BPF_TCX_EGRESS 47
#define SK_BPF_TRACE_UPROBE_MULTI 48
#define SK_BPF_NETKIT_PRIMARY 54
#define SK_BPF_NETKIT_PEER 55

/*
 * attr of BPF_PROG_QUERY, Linux 6.6: a hook's target is a cgroup's or map's descriptor, or an interface's index. An
 * older kernel refuses what it does not know if it is not zero.
 */
struct sk_prog_query_attr {
	__u32 target;
	__u32 attach_type;
	__u32 query_flags;
	__u32 attach_flags;
	__aligned_u64 prog_ids;
	__u32 count;
	__u32 pad;
	__aligned_u64 prog_attach_flags;
	__aligned_u64 link_ids;
	__aligned_u64 link_attach_flags;
	__u64 revision;
};

/* attr of BPF_PROG_ATTACH, Linux 6.6 */
struct sk_prog_attach_attr {
	__u32 target;
	__u32 prog_fd;
	__u32 attach_type;
	__u32 attach_flags;
	__u32 replace_fd;
	__u32 relative_fd;
	__u64 expected_revision;
};

_Static_assert(sizeof(struct sk_prog_query_attr) == 64, "attr.query");
_Static_assert(sizeof(struct sk_prog_attach_attr) == 32, "attr of BPF_PROG_ATTACH");

/*
 * The proposed interface of kernel-patches. The command's number is nowhere here: it is read from the running kernel's
 * BTF, and so are the places of the new members of struct bpf_prog_info.
 */

/* attr.static_branch of BPF_STATIC_BRANCH_UPDATE */
struct sk_static_branch_attr {
	__u32 prog_fd;
	__u32 flags;
	__aligned_u64 branches;
	__u32 count;
	__u32 failed;
};

/* struct bpf_static_branch: insn_off as loaded; offs are 0 or the site's target */
struct sk_static_branch {
	__u32 insn_off;
	__s16 expected_off;
	__s16 new_off;
};

/* struct bpf_static_branch_info */
struct sk_static_branch_info {
	__u32 insn_off;
	__u32 func_index;
	__u32 func_start;
	__s16 target_off;
	__s16 current_off;
	__u64 jited_addr;
};

_Static_assert(sizeof(struct sk_static_branch_attr) == 24, "attr.static_branch");
_Static_assert(sizeof(struct sk_static_branch) == 8, "struct bpf_static_branch");
_Static_assert(sizeof(struct sk_static_branch_info) == 24, "struct bpf_static_branch_info");

/* enum bpf_link_type: what a link hangs on, beyond the header's last one */
#define SK_BPF_LINK_TYPE_NETFILTER 10
#define SK_BPF_LINK_TYPE_TCX 11
#define SK_BPF_LINK_TYPE_UPROBE_MULTI 12
#define SK_BPF_LINK_TYPE_NETKIT 13
#define SK_BPF_LINK_TYPE_SOCKMAP 14
