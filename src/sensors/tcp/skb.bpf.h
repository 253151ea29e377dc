/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Content that is still in a socket buffer. */
#pragma once

#include "sensors/tcp/deliver.bpf.h"

/* Weak: absent before 6.12, where only the rungs that do not need it load. */
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *pointer) __ksym __weak;

/* The bytes lie in page fragments as a rule: only the dynptr finds them. */
static __always_inline long read_skb(void *to, __u32 size, const void *from, __u64 offset)
{
	struct bpf_dynptr bytes;

	return bpf_dynptr_from_skb((struct __sk_buff *)from, 0, &bytes) ?: bpf_dynptr_read(to, size, &bytes, offset, 0);
}

static __always_inline void deliver_skb(struct family_counters *count, struct flow *flow, const struct sk_buff *skb,
					__u32 offset, __u32 length, __u8 kind)
{
	struct part part;

	if (select_part(count, flow, length, &part))
		deliver_piece(count, flow, &part, 0, kind, read_skb, skb, offset + part.skip);
}
