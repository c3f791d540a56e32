/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <sched.h>
#include <spawn.h>

/*
 * GNU extensions of the C library. Swift's Glibc module is built without _GNU_SOURCE and so does not show them;
 * defining it here would not change that module.
 */

/* An anonymous file in memory; flag 1 is MFD_CLOEXEC. */
extern int memfd_create(const char *name, unsigned int flags);

/* Moves the calling thread into the namespace behind fd; nstype 0x40000000 is CLONE_NEWNET. */
extern int setns(int fd, int nstype);

/* The CPUs that a thread may run on; 0 is the calling thread. */
extern int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
extern int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);

/* Sets the calling thread's capabilities; header and data are struct __user_cap_header_struct and two of _data. */
extern int capset(void *header, const void *data);

/* Makes the spawned process close every descriptor from lowest on (glibc 2.34). */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest);
