/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Drops the packets that rate.h counts on a netkit device, whose packets begin with the IP header. */
#include "rate.h"

#include <linux/pkt_cls.h>

SEC("tc")
int rate_netkit(struct __sk_buff *skb)
{
	return counted_ip((void *)(long)skb->data, (void *)(long)skb->data_end) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
