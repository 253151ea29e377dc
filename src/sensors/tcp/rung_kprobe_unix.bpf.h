/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Unix stream sockets on rung "kprobe": as on the tracepoints, both ends' streams are told when the reader reads. */
#pragma once

#include "sensors/tcp/rung_kprobe.bpf.h"
#include "sensors/tcp/unix.bpf.h"

struct unix_stream_read_state {
	struct socket *socket;
	struct msghdr *msg;
	int flags;
} __attribute__((preserve_access_index));

SEC("kprobe/unix_stream_sendmsg")
int BPF_KPROBE(kp_unix_sent, struct socket *socket)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);

	if (is_unix_stream(sk))
		unix_sent(sk);
	return 0;
}

/* Nothing waits, and nobody will write: this call reads 0 bytes. */
SEC("kprobe/unix_stream_recvmsg")
int BPF_KPROBE(kp_unix_receive_begins, struct socket *socket, void *message, size_t size, int flags)
{
	const struct sock *sk = BPF_CORE_READ(socket, sk);

	if (BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN && !(flags & MSG_NOT_TAKEN) &&
	    !BPF_CORE_READ(sk, sk_receive_queue.qlen) && !own_traffic())
		announce_received(sk, 0, false);
	return 0;
}

static __always_inline void unix_read_begins(__u64 buffer, __u64 state)
{
	struct calls *mine = new_call(TCP_FAMILY_UNIX);
	struct family_counters *count;

	if (!mine)
		return;
	if (mine->state) { /* the probe on the end of the last one was not to be had */
		count = counters_of(TCP_FAMILY_UNIX);
		if (count) {
			count->seen++;
			count->map_full++;
		}
	}
	mine->buffer = buffer;
	mine->state = state;
}

static __always_inline void unix_read_ends(long ret, bool has_content)
{
	struct family_counters *count = counters_of(TCP_FAMILY_UNIX);
	struct flow flow = {.direction = TCP_DIRECTION_OUT};
	struct calls *mine = calls_of_thread(0);
	const struct unix_stream_read_state *state;
	struct user_content content = {};
	const struct sk_buff *buffer;
	struct sock *sender;
	__u64 *known;

	if (!mine || !mine->state)
		return;
	state = (const void *)mine->state;
	mine->state = 0;
	buffer = (const void *)mine->buffer;
	sender = BPF_CORE_READ(buffer, sk);
	if (ret <= 0 || !count || BPF_CORE_READ(state, flags) & MSG_NOT_TAKEN || own_traffic())
		return;
	known = bpf_map_lookup_elem(&unix_senders, &sender);
	flow.key = known ? *known : unix_key(sender);
	if (has_content)
		content_of(BPF_CORE_READ(state, msg), false, ret, &content);
	deliver_user_as(TCP_UNIX_CONTENT, count, &flow, ret, 0, &content);
	announce_received(BPF_CORE_READ(state, socket, sk), ret, false);
}

SEC("kprobe/unix_stream_read_actor")
int BPF_KPROBE(kp_unix_read_begins, __u64 buffer, int skip, int size, __u64 state)
{
	unix_read_begins(buffer, state);
	return 0;
}

SEC("kretprobe/unix_stream_read_actor")
int BPF_KRETPROBE(kp_unix_read_ends, int ret)
{
	unix_read_ends(ret, true);
	return 0;
}

SEC("kprobe/unix_stream_splice_actor")
int BPF_KPROBE(kp_unix_splice_begins, __u64 buffer, int skip, int size, __u64 state)
{
	unix_read_begins(buffer, state);
	return 0;
}

SEC("kretprobe/unix_stream_splice_actor")
int BPF_KRETPROBE(kp_unix_splice_ends, int ret)
{
	unix_read_ends(ret, false);
	return 0;
}
