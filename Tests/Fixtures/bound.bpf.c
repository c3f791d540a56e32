/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What libbpf adjusts to the running kernel: a CO-RE relocation and a value of the kernel's configuration. */
#include "fixture.h"

#include <bpf/bpf_core_read.h>

DEFINE_STATIC_KEY_FALSE(trace);

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

extern int LINUX_KERNEL_VERSION __kconfig;

int pid;

SEC("raw_tp/sys_enter")
int bound(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (static_branch_unlikely(&trace))
		pid = BPF_CORE_READ(task, pid) + (LINUX_KERNEL_VERSION > 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
