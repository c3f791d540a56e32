/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <gelf.h>
#include <libelf.h>

/* libelf writes to a file descriptor only; glibc hides its memory file behind _GNU_SOURCE, which Swift does not set. */
extern int memfd_create(const char *name, unsigned int flags);
#define SK_MFD_CLOEXEC 1U
