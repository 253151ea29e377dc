/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Rung "kprobe": where functions can be probed, but their ends not cheaply and not reliably. A return probe needs an
 * instance for each thread inside the function, of which there are some ten: a few threads that wait for data would blind
 * it to all others. So none is put on a function that waits. Instead:
 *
 *   send     tcp_sendmsg_locked notes the message; release_sock, which comes next while the socket is still locked, sees how
 *            far its iterator has moved. do_tcp_sendpages (before 6.5) has no user memory to tell of.
 *   receive  tcp_recvmsg notes the message; tcp_rcv_space_adjust comes after each buffer that was copied.
 *            tcp_splice_read has no user memory to tell of.
 *   unix     unix_stream_read_actor and its like for splice, which do not wait: both ends' streams are told when the reader
 *            reads. unix_stream_recvmsg sees where there will be nothing more to read.
 */
#pragma once

#include <bpf/bpf_tracing.h>

#include "sensors/tcp/announce.bpf.h"
#include "sensors/tcp/iterator.bpf.h"

/* The frame of the longest way from tcp_recvmsg to the end of a copy: what is further off is another call. */
#define FRAMES_MAX 2048

/* What a thread is about. */
struct call {
	__u64 sock;    /* 0: nothing */
	__u64 stack;   /* at its beginning */
	__u64 message; /* 0: no user memory */
	__u64 left;    /* bytes that the iterator had left when last seen */
	__u64 begin;
	__u32 position; /* of the next byte, when last seen */
};

struct calls {
	struct call send, receive;
	__u64 buffer, state; /* of unix_stream_read_actor */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct calls);
} calls SEC(".maps");

static __always_inline struct calls *calls_of_thread(__u64 flags)
{
	return bpf_task_storage_get(&calls, bpf_get_current_task_btf(), 0, flags);
}

/* Where there is no room for the note. */
static __always_inline struct calls *new_call(__u32 family)
{
	struct calls *mine = calls_of_thread(BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct family_counters *count = mine ? NULL : counters_of(family);

	if (count) {
		count->seen++;
		count->map_full++;
	}
	return mine;
}

static __always_inline void note_call(struct call *call, struct pt_regs *ctx, const struct sock *sk,
				      const struct msghdr *message, __u32 position)
{
	call->sock = (__u64)sk;
	call->stack = PT_REGS_SP(ctx);
	call->message = (__u64)message;
	call->left = message ? BPF_CORE_READ(message, msg_iter.count) : 0;
	call->position = position;
}

/* What a call has moved since it was last seen, now that the next byte of its direction has this position. */
static __always_inline __u32 moved_since(struct call *call, __u32 position)
{
	const struct msghdr *message = (const void *)call->message;
	__u64 left, moved;

	if (message) {
		left = BPF_CORE_READ(message, msg_iter.count);
		moved = call->left - left;
		if (moved > call->left)
			return 0;
		call->left = left;
	} else {
		moved = position - call->position;
	}
	call->position = position;
	return moved;
}

static __always_inline void tcp_call_moved(struct call *call, const struct sock *sk, __u8 direction)
{
	bool out = direction == TCP_DIRECTION_OUT;
	__u32 next = out ? write_seq(sk) : copied_seq(sk), length = moved_since(call, next);
	struct flow flow = {.direction = direction, .has_position = 1, .position = next - length};
	struct user_content content = {};
	struct family_counters *count;

	if (!length || (__s32)length < 0 || own_traffic() || !wanted(sk))
		return;
	count = counters_of(out ? TCP_FAMILY_SEND : TCP_FAMILY_RECEIVE);
	if (!count)
		return;
	flow.key = tcp_key(sk);
	if (!flow.key) {
		count->seen++;
		count->no_key++;
		return;
	}
	if (is_off(flow.key)) {
		count_filtered(count);
		return;
	}
	flow.other_position = out ? copied_seq(sk) : write_seq(sk);
	if (call->message)
		content_of((const void *)call->message, false, length, &content);
	deliver_user(count, &flow, length, call->begin, &content);
}

static __always_inline void tcp_send_begins(struct pt_regs *ctx, const struct sock *sk, const struct msghdr *message)
{
	struct family_counters *count;
	struct calls *mine;

	if (is_off(tcp_key(sk))) {
		count = counters_of(TCP_FAMILY_SEND);
		if (count)
			count_filtered(count);
		return;
	}
	mine = new_call(TCP_FAMILY_SEND);
	if (!mine)
		return;
	note_call(&mine->send, ctx, sk, message, write_seq(sk));
	mine->send.begin = bpf_ktime_get_ns();
}

SEC("kprobe/tcp_sendmsg_locked")
int BPF_KPROBE(kp_tcp_send_begins, const struct sock *sk, const struct msghdr *message)
{
	tcp_send_begins(ctx, sk, message);
	return 0;
}

SEC("kprobe/do_tcp_sendpages")
int BPF_KPROBE(kp_tcp_send_pages_begins, const struct sock *sk)
{
	tcp_send_begins(ctx, sk, NULL);
	return 0;
}

/* From the function that called the one that was noted, its stack stands where it stood then; from further in, it waits for
 * room and will go on; from further out, the message may be gone and only the positions are left. */
SEC("kprobe/release_sock")
int BPF_KPROBE(kp_tcp_send_ends, const struct sock *sk)
{
	struct calls *mine = calls_of_thread(0);
	struct call *call;

	if (!mine || mine->send.sock != (__u64)sk)
		return 0;
	call = &mine->send;
	if (PT_REGS_SP(ctx) > call->stack)
		call->message = 0;
	tcp_call_moved(call, sk, TCP_DIRECTION_OUT);
	if (PT_REGS_SP(ctx) >= call->stack)
		call->sock = 0;
	return 0;
}

SEC("kprobe/tcp_recvmsg")
int BPF_KPROBE(kp_tcp_receive_begins, const struct sock *sk, const struct msghdr *message)
{
	__u64 fourth = PT_REGS_PARM4(ctx), fifth = PT_REGS_PARM5(ctx);
	__u32 flags = bpf_core_type_matches(struct proto___before_5_19) ? fifth : fourth;
	struct calls *mine = new_call(TCP_FAMILY_RECEIVE);

	if (!mine)
		return 0;
	mine->receive.sock = 0;
	if (!(flags & MSG_NOT_TAKEN))
		note_call(&mine->receive, ctx, sk, flags & MSG_TRUNC ? NULL : message, copied_seq(sk));
	return 0;
}

SEC("kprobe/tcp_splice_read")
int BPF_KPROBE(kp_tcp_splice_begins, struct socket *socket)
{
	struct calls *mine = new_call(TCP_FAMILY_RECEIVE);
	const struct sock *sk = BPF_CORE_READ(socket, sk);

	if (mine)
		note_call(&mine->receive, ctx, sk, NULL, copied_seq(sk));
	return 0;
}

/* Others also read, and in the midst of a thread that has read before: in interrupts, by mapping pages. */
static __always_inline void forget_receive(const struct sock *sk)
{
	struct calls *mine = calls_of_thread(0);

	if (mine && mine->receive.message && mine->receive.sock == (__u64)sk)
		mine->receive.sock = 0;
}

SEC("kprobe/tcp_read_sock")
int BPF_KPROBE(kp_tcp_read_sock, const struct sock *sk)
{
	forget_receive(sk);
	return 0;
}

SEC("kprobe/tcp_zerocopy_receive")
int BPF_KPROBE(kp_tcp_zerocopy_receive, const struct sock *sk)
{
	forget_receive(sk);
	return 0;
}

SEC("kprobe/tcp_rcv_space_adjust")
int BPF_KPROBE(kp_tcp_received, const struct sock *sk)
{
	struct calls *mine = calls_of_thread(0);

	if (mine && mine->receive.sock == (__u64)sk && mine->receive.stack - PT_REGS_SP(ctx) < FRAMES_MAX)
		tcp_call_moved(&mine->receive, sk, TCP_DIRECTION_IN);
	return 0;
}
