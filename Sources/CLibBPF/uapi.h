/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we need of the kernel's interface that is newer than the oldest libbpf-dev we build with (Debian 12's).
 * Names and values are those of include/uapi/linux/bpf.h; the prefix keeps them apart from a newer header's own.
 */
#pragma once

/* enum bpf_attach_type, Linux 6.6 and 6.7 */
#define SK_BPF_TCX_INGRESS 46
#define SK_BPF_TCX_EGRESS 47

/* enum bpf_link_type: what a link hangs on, beyond the header's last one */
#define SK_BPF_LINK_TYPE_NETFILTER 10
#define SK_BPF_LINK_TYPE_TCX 11
#define SK_BPF_LINK_TYPE_UPROBE_MULTI 12
#define SK_BPF_LINK_TYPE_NETKIT 13
#define SK_BPF_LINK_TYPE_SOCKMAP 14
