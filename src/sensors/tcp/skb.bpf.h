/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Content that is still in a socket buffer. */
#pragma once

#include "sensors/tcp/deliver.bpf.h"

/* Weak: absent before 6.12, where only the rungs that do not need it load. */
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *pointer) __ksym __weak;

/* The bytes lie in page fragments as a rule: only the dynptr finds them. */
static __always_inline __u32 copy_skb(struct scratch *scratch, const struct sk_buff *skb, __u32 offset, __u32 want,
				      bool *fault)
{
	struct bpf_dynptr bytes;

	if (want > TCP_CONTENT_MAX || !want)
		return 0;
	if (bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &bytes) ||
	    bpf_dynptr_read(scratch->content, want, &bytes, offset, 0)) {
		*fault = true;
		return 0;
	}
	return want;
}

static __always_inline void deliver_skb(struct family_counters *count, struct flow *flow, const struct sk_buff *skb,
					__u32 offset, __u32 length, __u8 kind)
{
	struct scratch *scratch;
	__u32 zero = 0, skip, want, captured;
	bool fault = false;

	count->seen++;
	if (!plan(flow, length, &skip, &want)) {
		count->filtered++;
		return;
	}
	scratch = bpf_map_lookup_elem(&scratches, &zero);
	if (!scratch)
		return;
	flow->position += skip;
	length -= skip;
	if (want > length)
		want = length;
	captured = copy_skb(scratch, skb, offset + skip, want, &fault);
	if (fault)
		count->unreadable++;
	fill_data(&scratch->record, flow, length, 0);
	finish_data(count, scratch, kind, captured);
}
