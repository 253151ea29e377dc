/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Rung "tracepoint": typed tracepoints inside the stack, none of which costs anything while no socket moves.
 *
 *   send     tcp_sendmsg_locked (6.16+) notes where the content lies; sock_send_length, after the copy, reads it: by then
 *            its pages are resident, the number of bytes is exact and the time is that of the end
 *   receive  skb_copy_datagram_iovec, from the skb
 *   unix     skb_copy_datagram_iovec has the content but may not know the receiver (a closed sender has no peer any more):
 *            sock_recv_length right after, in the same thread, names it and says whether it was only a peek
 */
#pragma once

#include "sensors/tcp/unix.bpf.h"

struct send_note {
	__u64 sock; /* 0: nothing noted */
	__u64 begin;
	__u32 position;
	__u32 end; /* sequence number after the last byte offered: tells a further step of one send from a new send */
	struct user_content content;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct send_note);
} send_notes SEC(".maps");

/* Loads through it need no helper call. The cast (6.2) is older than this rung. */
static __always_inline const struct tcp_sock *as_tcp(const struct sock *sk)
{
	return bpf_core_cast(sk, struct tcp_sock);
}

static __always_inline void note_content(struct user_content *content, const struct iov_iter *iter)
{
	__u8 type = iter->iter_type;

	__builtin_memset(content, 0, sizeof(*content));
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		content->base = (__u64)iter->ubuf + iter->iov_offset;
		content->known = 1;
	} else if (type == bpf_core_enum_value(enum iter_type, ITER_IOVEC)) {
		content->base = (__u64)iter->__iov;
		content->offset = iter->iov_offset;
		content->segments = iter->nr_segs;
		content->known = 1;
		content->vector_in_kernel = 1;
	}
}

SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(tp_send_begins, const struct sock *sk, const struct msghdr *msg)
{
	__u64 key = sk->__sk_common.skc_cookie.counter;
	struct send_note *note;
	__u32 position, end;

	if (is_off(key))
		return 0;
	note = bpf_task_storage_get(&send_notes, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!note) { /* the length is still counted at the end */
		struct family_counters *count = counters_of(TCP_FAMILY_SEND);

		if (count)
			count->unreadable++;
		return 0;
	}
	position = as_tcp(sk)->write_seq;
	end = position + (__u32)msg->msg_iter.count;
	if (note->sock == (__u64)sk && note->end == end)
		return 0;
	note->sock = (__u64)sk;
	note->begin = bpf_ktime_get_ns();
	note->position = position;
	note->end = end;
	note_content(&note->content, &msg->msg_iter);
	return 0;
}

static __always_inline void tcp_sent(struct sock *sk, __u32 length)
{
	struct family_counters *count = counters_of(TCP_FAMILY_SEND);
	struct flow flow = {.direction = TCP_DIRECTION_OUT, .has_position = 1};
	struct user_content nothing = {};
	struct send_note *note;
	bool noted;

	flow.key = bpf_get_socket_cookie(sk);
	if (!count || own_traffic() || !wanted(sk))
		return;
	if (is_off(flow.key)) {
		count_filtered(count);
		return;
	}
	note = bpf_task_storage_get(&send_notes, bpf_get_current_task_btf(), 0, 0);
	noted = note && note->sock == (__u64)sk;
	flow.position = noted ? note->position : as_tcp(sk)->write_seq - length;
	flow.other_position = as_tcp(sk)->copied_seq;
	deliver_user(count, &flow, length, noted ? note->begin : 0, noted ? &note->content : &nothing);
	if (noted)
		note->sock = 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(tp_send_ends, struct sock *sk, int ret, int flags)
{
	__u16 family = sk->__sk_common.skc_family;
	struct send_note *note;

	if (family == AF_UNIX) {
		if (ret > 0 && sk->sk_type == SOCK_STREAM)
			unix_sent(sk);
		return 0;
	}
	if ((family != AF_INET && family != AF_INET6) || sk->sk_protocol != IPPROTO_TCP || sk->sk_type != SOCK_STREAM)
		return 0;
	if (ret > 0) {
		tcp_sent(sk, ret);
		return 0;
	}
	note = bpf_task_storage_get(&send_notes, bpf_get_current_task_btf(), 0, 0);
	if (note)
		note->sock = 0;
	return 0;
}

static __always_inline void tcp_received(const struct sk_buff *skb, const struct sock *sk, __u32 length)
{
	struct family_counters *count = counters_of(TCP_FAMILY_RECEIVE);
	struct flow flow = {.direction = TCP_DIRECTION_IN, .has_position = 1};
	__u32 offset;

	if (!count || own_traffic() || !wanted(sk))
		return;
	flow.key = sk->__sk_common.skc_cookie.counter;
	if (!flow.key) {
		count->seen++;
		count->no_key++;
		return;
	}
	flow.position = as_tcp(sk)->copied_seq;
	flow.other_position = as_tcp(sk)->write_seq;
	offset = flow.position - bpf_core_cast(skb->cb, struct tcp_skb_cb)->seq;
	/* A peek beyond the first buffer: copied_seq has not moved. The bytes come again when they are read. */
	if (offset >= skb->len) {
		count_filtered(count);
		return;
	}
	deliver_skb(count, &flow, skb, offset, length, TCP_DATA);
}

SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(tp_receive, const struct sk_buff *skb, int length)
{
	const struct sock *sk = skb->sk;

	if (!sk || length <= 0)
		return 0;
	if (sk->__sk_common.skc_family == AF_UNIX) {
		if (sk->sk_type == SOCK_STREAM)
			unix_content(skb, sk, length);
	} else if (sk->sk_protocol == IPPROTO_TCP && sk->sk_type == SOCK_STREAM) {
		tcp_received(skb, sk, length);
	}
	return 0;
}
