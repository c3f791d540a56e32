/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <spawn.h>

/*
 * GNU extensions of the C library. Swift's Glibc module is built without _GNU_SOURCE and so does not show them;
 * defining it here would not change that module.
 */

/* An anonymous file in memory; flag 1 is MFD_CLOEXEC. */
extern int memfd_create(const char *name, unsigned int flags);

/* Moves the calling thread into the namespace behind fd; nstype 0x40000000 is CLONE_NEWNET. */
extern int setns(int fd, int nstype);

/* Sets the calling thread's capabilities; header and data are struct __user_cap_header_struct and two of _data. */
extern int capset(void *header, const void *data);

/* Makes the spawned process close every descriptor from lowest on (glibc 2.34). */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest);
