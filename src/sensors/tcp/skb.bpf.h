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

/* The buffer whose records are being written. */
struct skb_transfer {
	struct family_counters *count;
	const struct sk_buff *skb;
	struct flow *flow; /* of the next piece */
	struct part part;  /* what is left of it */
	__u32 offset;
	__u8 kind;
};

static __always_inline void deliver_skb_piece(struct skb_transfer *transfer, const struct sk_buff *skb)
{
	__u32 length = cut_piece(&transfer->part);

	deliver_piece(transfer->count, transfer->flow, &transfer->part, 0, transfer->kind, read_skb, skb,
		      transfer->offset + transfer->part.skip);
	go_on(&transfer->part, length, transfer->flow);
}

/* For bpf_loop: 0 goes on with the next piece, 1 ends. */
static __noinline long deliver_next_skb_piece(__u32 i, struct skb_transfer *transfer)
{
	if (!transfer->part.length)
		return 1;
	transfer->count->seen++;
	deliver_skb_piece(transfer, transfer->skb);
	return 0;
}

static __always_inline void deliver_skb(struct family_counters *count, struct flow *flow, const struct sk_buff *skb,
					__u32 offset, __u32 length, __u8 kind)
{
	struct skb_transfer transfer = {.count = count, .skb = skb, .flow = flow, .offset = offset, .kind = kind};

	if (!select_part(count, flow, length, &transfer.part))
		return;
	deliver_skb_piece(&transfer, skb);
	if (transfer.part.length)
		bpf_loop(TCP_PIECES_MAX - 1, deliver_next_skb_piece, &transfer, 0);
}
