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
	struct flow flow; /* of the next piece */
	struct part rest;
	__u32 offset;
	__u8 kind;
};

static __always_inline void deliver_skb_piece(struct skb_transfer *transfer, const struct sk_buff *skb, bool last)
{
	struct part piece;

	take_piece(&transfer->rest, &piece, last);
	deliver_piece(transfer->count, &transfer->flow, &piece, 0, transfer->kind, read_skb, skb,
		      transfer->offset + piece.skip);
	transfer->flow.position += piece.length;
}

/* For bpf_loop: 0 goes on with the next piece, 1 ends. */
static __noinline long deliver_next_skb_piece(__u32 i, struct skb_transfer *transfer)
{
	if (!transfer->rest.length)
		return 1;
	transfer->count->seen++;
	deliver_skb_piece(transfer, transfer->skb, i + 2 >= TCP_PIECES_MAX);
	return 0;
}

static __always_inline void deliver_skb(struct family_counters *count, struct flow *flow, const struct sk_buff *skb,
					__u32 offset, __u32 length, __u8 kind)
{
	struct skb_transfer transfer = {.count = count, .skb = skb, .offset = offset, .kind = kind};

	if (!select_part(count, flow, length, &transfer.rest))
		return;
	transfer.flow = *flow;
	deliver_skb_piece(&transfer, skb, false);
	if (transfer.rest.length)
		bpf_loop(TCP_PIECES_MAX - 1, deliver_next_skb_piece, &transfer, 0);
}
