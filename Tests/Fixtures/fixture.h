/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What every fixture includes: the kernel's types, libbpf's helpers, the header under test. */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "static_key.bpf.h"
