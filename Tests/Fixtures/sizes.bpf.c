/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Programs with 1, 16 and 256 sites of one key: each counts the sites that are on. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(key);

#define SITE \
	if (static_branch_unlikely(&key)) \
		on++;
#define FOUR(x) x x x x

SEC("xdp")
int one(struct xdp_md *ctx)
{
	int on = 0;

	SITE
	return on;
}

SEC("xdp")
int sixteen(struct xdp_md *ctx)
{
	int on = 0;

	FOUR(FOUR(SITE))
	return on;
}

SEC("xdp")
int many(struct xdp_md *ctx)
{
	int on = 0;

	FOUR(FOUR(FOUR(FOUR(SITE))))
	return on;
}

char LICENSE[] SEC("license") = "GPL";
