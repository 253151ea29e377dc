/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Unix stream sockets on the tracepoint rung: both ends are on this host, and both streams are seen at the reader. */
#pragma once

#include "sensors/tcp/announce.bpf.h"
#include "sensors/tcp/skb.bpf.h"

/* The key of a sender, for when its last bytes are read after it was closed. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* struct sock *: an skb in the queue keeps it from being reused */
	__type(value, __u64);
} unix_senders SEC(".maps");

static __always_inline void unix_sent(struct sock *sk)
{
	__u64 address = (__u64)sk, key;

	if (!unix_sockets || own_traffic())
		return;
	key = unix_key(sk);
	if (!key || is_off(key))
		return;
	bpf_map_update_elem(&unix_senders, &address, &key, BPF_ANY);
	announce_unix(sk, key);
}

/* The offset into the skb is not passed. A reader that took less than was sent comes back for the rest: where it stands is
 * kept in the skb itself, which is brought up to date after this hook. */
static __always_inline __u32 unix_consumed(const struct sk_buff *skb)
{
	return BPF_CORE_READ((struct unix_skb_parms *)skb->cb, consumed);
}

static __always_inline void unix_content(const struct sk_buff *skb, const struct sock *sender, __u32 length)
{
	struct family_counters *count = counters_of(TCP_FAMILY_UNIX);
	struct flow flow = {.direction = TCP_DIRECTION_OUT};
	__u64 address = (__u64)sender, *known;

	if (!unix_sockets || !count || own_traffic())
		return;
	known = bpf_map_lookup_elem(&unix_senders, &address);
	flow.key = known ? *known : unix_key(sender);
	deliver_skb(count, &flow, skb, unix_consumed(skb), length, TCP_UNIX_CONTENT);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(tp_unix_received, struct sock *sk, int ret, int flags)
{
	if (sk->__sk_common.skc_family != AF_UNIX || sk->sk_type != SOCK_STREAM || ret < 0)
		return 0;
	if (!unix_sockets || own_traffic())
		return 0;
	announce_received(sk, ret, flags & MSG_PEEK);
	return 0;
}
