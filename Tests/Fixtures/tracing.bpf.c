/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Programs for hooks of perf events and raw tracepoints, whose links cannot replace a program. */
#include "events.h"

SEC("raw_tp/sys_enter")
int raw(struct bpf_raw_tracepoint_args *ctx)
{
	count_numbered(first_argument((void *)ctx->args[0]));
	return 0;
}

SEC("tp_btf/sys_enter")
int typed(__u64 *ctx)
{
	count_numbered(first_argument((void *)ctx[0]));
	return 0;
}

/* events/syscalls/sys_enter_getpgid/format */
struct enter_event {
	__u64 common;
	long id;
	__u64 args[6];
};

SEC("tp/syscalls/sys_enter_getpgid")
int tracepoint(struct enter_event *ctx)
{
	count_numbered(ctx->args[0]);
	return 0;
}

SEC("uprobe/libc.so.6:getpgid")
int uprobe(void *ctx)
{
	count_numbered(first_argument(ctx));
	return 0;
}

SEC("uretprobe/libc.so.6:getpgid")
int uretprobe(void *ctx)
{
	count_own();
	return 0;
}

SEC("kprobe/__x64_sys_getpgid")
int kprobe(void *ctx)
{
	count_numbered(first_argument((void *)first_argument(ctx)));
	return 0;
}

SEC("kretprobe/__x64_sys_getpgid")
int kretprobe(void *ctx)
{
	count_own();
	return 0;
}

SEC("perf_event")
int sample(void *ctx)
{
	count_own();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
