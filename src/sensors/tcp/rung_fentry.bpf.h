/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Rung "fentry": the ends of the functions that move bytes through TCP and unix stream sockets, with their arguments
 * and their result. By then the bytes are copied, so that their pages are resident and their number is known. Types are
 * the kernel's own: what is read off them costs a load each, and no helper call.
 *
 *   send     tcp_sendmsg_locked, with the socket locked: write_seq is the position, whoever else sends. Its beginning
 *            notes the time, and nothing else.
 *   receive  tcp_recvmsg
 *   length   do_tcp_sendpages (before 6.5) and tcp_splice_read have no user memory to tell of
 *   unix     unix_stream_sendmsg, _recvmsg, _sendpage (before 6.5), _splice_read
 */
#pragma once

#include "sensors/tcp/announce.bpf.h"
#include "sensors/tcp/iterator.bpf.h"

#define SEND_STARTS 4096

/* When the send in progress on a socket began, by the socket's key: its lock is held meanwhile. Two sockets that meet
 * in one place cost one of them the beginning. */
struct send_start {
	__u64 key, time;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SEND_STARTS);
	__type(key, __u32);
	__type(value, struct send_start);
} send_starts SEC(".maps");

static __always_inline struct send_start *send_start_of(__u64 key)
{
	__u32 slot = key % SEND_STARTS;

	return bpf_map_lookup_elem(&send_starts, &slot);
}

/* length bytes went through a TCP socket, if it is one; message is null where no user memory holds them. */
static __always_inline void tcp_moved(struct sock *sk, __u8 direction, __u32 length, const struct msghdr *message)
{
	struct flow flow = {.direction = direction, .has_position = 1, .key = sk->__sk_common.skc_cookie.counter};
	struct user_content content = {};
	struct family_counters *count;
	struct send_start *start;
	struct tcp_sock *tcp;
	__u64 begin = 0;

	count = counters_of(direction == TCP_DIRECTION_OUT ? TCP_FAMILY_SEND : TCP_FAMILY_RECEIVE);
	if (!count || own_traffic() || !wanted(sk))
		return;
	if (!flow.key)
		flow.key = bpf_get_socket_cookie(sk);
	if (is_off(flow.key)) {
		count_filtered(count);
		return;
	}
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return;
	if (direction == TCP_DIRECTION_OUT) {
		flow.position = tcp->write_seq - length;
		flow.other_position = tcp->copied_seq;
		start = send_start_of(flow.key);
		if (start && start->key == flow.key) {
			begin = start->time;
			start->key = 0;
		}
	} else {
		flow.position = tcp->copied_seq;
		/* The call that takes the last bytes takes the FIN with them, which has a number of its own. */
		if (sk->__sk_common.skc_flags & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_DONE)) &&
		    flow.position == tcp->rcv_nxt)
			flow.position--;
		flow.position -= length;
		flow.other_position = tcp->write_seq;
	}
	if (message)
		content_of(message, true, length, &content);
	deliver_user(count, &flow, length, begin, &content);
}

SEC("fentry/tcp_sendmsg_locked")
int BPF_PROG(fx_tcp_send_begins, struct sock *sk)
{
	__u64 key = sk->__sk_common.skc_cookie.counter;
	struct send_start *start;

	if (is_off(key))
		return 0;
	start = send_start_of(key);
	if (start) {
		start->time = bpf_ktime_get_ns();
		start->key = key;
	}
	return 0;
}

SEC("fexit/tcp_sendmsg_locked")
int BPF_PROG(fx_tcp_sent, struct sock *sk, struct msghdr *message, size_t size, int ret)
{
	if (ret > 0)
		tcp_moved(sk, TCP_DIRECTION_OUT, ret, message);
	return 0;
}

SEC("fexit/do_tcp_sendpages")
int BPF_PROG(fx_tcp_sent_pages, struct sock *sk, struct page *page, int offset, size_t size, int flags, long ret)
{
	if (ret > 0)
		tcp_moved(sk, TCP_DIRECTION_OUT, ret, NULL);
	return 0;
}

/* The argument at a fixed place: the compiler may not compute one out of two, which the verifier refuses. */
#define ARGUMENT(ctx, number)                                          \
	({                                                             \
		__u64 _value;                                          \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                  \
			     : "=r"(_value)                            \
			     : "r"(ctx), "i"((number) * sizeof(__u64)) \
			     : "memory");                              \
		_value;                                                \
	})

SEC("fexit/tcp_recvmsg")
int fx_tcp_received(__u64 *ctx)
{
	int flags, ret;

	if (bpf_core_type_matches(struct proto___before_5_19)) {
		flags = ARGUMENT(ctx, 4);
		ret = ARGUMENT(ctx, 6);
	} else {
		flags = ARGUMENT(ctx, 3);
		ret = ARGUMENT(ctx, 5);
	}
	if (ret > 0 && !(flags & MSG_NOT_TAKEN))
		tcp_moved((struct sock *)ctx[0], TCP_DIRECTION_IN, ret,
			  flags & MSG_TRUNC ? NULL : (struct msghdr *)ctx[1]);
	return 0;
}

SEC("fexit/tcp_splice_read")
int BPF_PROG(fx_tcp_spliced, struct socket *socket, loff_t *position, struct pipe_inode_info *pipe, size_t length,
	     unsigned int flags, ssize_t ret)
{
	struct sock *sk = socket->sk;

	if (ret > 0 && sk)
		tcp_moved(sk, TCP_DIRECTION_IN, ret, NULL);
	return 0;
}

static __always_inline void unix_moved(struct socket *socket, __u8 direction, __u32 length,
				       const struct msghdr *message)
{
	struct family_counters *count = counters_of(TCP_FAMILY_UNIX);
	struct flow flow = {.direction = direction};
	struct user_content content = {};
	struct sock *sk = socket->sk;

	if (!unix_sockets || !count || !sk || sk->sk_type != SOCK_STREAM || own_traffic())
		return;
	flow.key = TCP_UNIX_KEY | socket->file->f_inode->i_ino;
	if (is_off(flow.key))
		return;
	announce_unix(sk, flow.key);
	if (message)
		content_of(message, true, length, &content);
	deliver_user(count, &flow, length, 0, &content);
}

SEC("fexit/unix_stream_sendmsg")
int BPF_PROG(fx_unix_sent, struct socket *socket, struct msghdr *message, size_t size, int ret)
{
	if (ret > 0)
		unix_moved(socket, TCP_DIRECTION_OUT, ret, message);
	return 0;
}

SEC("fexit/unix_stream_sendpage")
int BPF_PROG(fx_unix_sent_page, struct socket *socket, struct page *page, int offset, size_t size, int flags, long ret)
{
	if (ret > 0)
		unix_moved(socket, TCP_DIRECTION_OUT, ret, NULL);
	return 0;
}

SEC("fexit/unix_stream_recvmsg")
int BPF_PROG(fx_unix_received, struct socket *socket, struct msghdr *message, size_t size, int flags, int ret)
{
	struct sock *sk = socket->sk;

	if (ret > 0 && !(flags & MSG_NOT_TAKEN))
		unix_moved(socket, TCP_DIRECTION_IN, ret, message);
	else if (!ret && unix_sockets && sk && sk->sk_shutdown & RCV_SHUTDOWN && sk->sk_type == SOCK_STREAM &&
		 !own_traffic())
		announce_received(sk, 0, false);
	return 0;
}

SEC("fexit/unix_stream_splice_read")
int BPF_PROG(fx_unix_spliced, struct socket *socket, loff_t *position, struct pipe_inode_info *pipe, size_t length,
	     unsigned int flags, ssize_t ret)
{
	if (ret > 0)
		unix_moved(socket, TCP_DIRECTION_IN, ret, NULL);
	return 0;
}
