/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/btf.h>

#include <sys/syscall.h>
#include <unistd.h>

#include "uapi.h"

/* bpf(2) with a command that libbpf does not know; variadic syscall() cannot be called from Swift. */
static inline int sk_bpf(int command, void *attr, unsigned int size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

/* setns(fd, CLONE_NEWNET): declared only under _GNU_SOURCE, which the import of glibc into Swift does not define. */
static inline int sk_enter_netns(int fd)
{
	return (int)syscall(SYS_setns, fd, 0x40000000);
}
