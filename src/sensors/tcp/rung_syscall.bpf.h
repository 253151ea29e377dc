/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Rung "syscall": the exit tracepoints of the system calls that move bytes through sockets. There is no hook at their
 * entry: the arguments still stand in the saved user registers, and at the exit the bytes were just copied, so that
 * their pages are resident and their number is known. Costs something on every system call of the host, and does not
 * see io_uring (its bytes are counted from the sequence numbers) nor 32-bit processes.
 */
#pragma once

#include <bpf/bpf_tracing.h>

#include "sensors/tcp/announce.bpf.h"

/* As user space lays them out on 64-bit machines. */
struct native_msghdr {
	__u64 name;
	__u32 name_length, pad;
	__u64 vector, segments;
	__u64 control, control_length;
	__u32 flags, pad2;
};

struct native_mmsghdr {
	struct native_msghdr header;
	__u32 length, pad;
};

static __always_inline struct pt_regs *user_registers(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* Where reading has come to. The call that takes the last bytes takes the FIN with them, which has a number of its own.
 */
static __always_inline __u32 read_position(const struct sock *sk)
{
	__u32 position = copied_seq(sk);
	bool ended =
		BPF_CORE_READ(sk, __sk_common.skc_flags) & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_DONE));

	return ended && position == BPF_CORE_READ((const struct tcp_sock *)sk, rcv_nxt) ? position - 1 : position;
}

/* length bytes went through the descriptor, and after them `behind` more in the same call, the last of them just now.
 * Not static, so that the verifier walks it once and not once a caller. */
__noinline int transferred_before(__u32 fd, __u8 direction, __u32 length, __u32 behind,
				  const struct user_content *content)
{
	struct flow flow = {.direction = direction};
	struct family_counters *count;
	struct sock *sk;

	if (!content || own_traffic())
		return 0;
	sk = sock_of_fd(fd);
	if (!sk)
		return 0;
	/* One call delivers for both families: what it keeps on the stack is there once. */
	if (is_unix_stream(sk)) {
		count = counters_of(TCP_FAMILY_UNIX);
		flow.key = unix_key(sk);
		if (!count || !unix_sockets || is_off(flow.key))
			return 0;
		announce_unix(sk, flow.key);
		goto deliver;
	}
	if (!is_tcp(sk) || !wanted(sk))
		return 0;
	count = counters_of(direction == TCP_DIRECTION_OUT ? TCP_FAMILY_SEND : TCP_FAMILY_RECEIVE);
	if (!count)
		return 0;
	flow.key = tcp_key(sk);
	if (!flow.key) {
		count->seen++;
		count->no_key++;
		return 0;
	}
	flow.has_position = 1;
	if (direction == TCP_DIRECTION_OUT) {
		flow.position = write_seq(sk) - length - behind;
		flow.other_position = copied_seq(sk);
	} else {
		flow.position = read_position(sk) - length - behind;
		flow.other_position = write_seq(sk);
	}
deliver:
	deliver_user(count, &flow, length, 0, content);
	return 0;
}

static __always_inline int transferred(__u32 fd, __u8 direction, __u32 length, const struct user_content *content)
{
	return transferred_before(fd, direction, length, 0, content);
}

/* A read gave nothing: the end of a unix stream, which no other hook tells of. Not static, so that its stack does not
 * add to that of its callers: older kernels allow 512 bytes for all that call each other. */
__noinline int read_nothing(__u32 fd)
{
	struct sock *sk = unix_sockets && !own_traffic() ? sock_of_fd(fd) : NULL;

	if (sk && is_unix_stream(sk) && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN)
		announce_received(sk, 0, false);
	return 0;
}

static __always_inline void buffer_transferred(long ret, __u8 direction, __u64 flags)
{
	struct pt_regs *regs = user_registers();
	struct user_content content = {
		.known = 1,
		.unix_only = !!(flags & MSG_TRUNC),
		.base = PT_REGS_PARM2_CORE_SYSCALL(regs),
	};

	if (ret > 0)
		transferred(PT_REGS_PARM1_CORE_SYSCALL(regs), direction, ret, &content);
	else if (!ret && direction == TCP_DIRECTION_IN)
		read_nothing(PT_REGS_PARM1_CORE_SYSCALL(regs));
}

static __always_inline void vector_transferred(long ret, __u8 direction)
{
	struct pt_regs *regs = user_registers();
	struct user_content content = {
		.known = 1,
		.base = PT_REGS_PARM2_CORE_SYSCALL(regs),
		.segments = PT_REGS_PARM3_CORE_SYSCALL(regs),
	};

	if (ret > 0)
		transferred(PT_REGS_PARM1_CORE_SYSCALL(regs), direction, ret, &content);
	else if (!ret && direction == TCP_DIRECTION_IN)
		read_nothing(PT_REGS_PARM1_CORE_SYSCALL(regs));
}

static __always_inline void message_transferred(__u32 fd, const struct native_msghdr *message, __u32 length,
						__u32 behind, __u8 direction, __u64 flags)
{
	struct user_content content = {
		.known = 1,
		.unix_only = direction == TCP_DIRECTION_IN && flags & MSG_TRUNC,
		.base = message->vector,
		.segments = message->segments,
	};

	transferred_before(fd, direction, length, behind, &content);
}

SEC("tracepoint")
int sys_exit_read(struct trace_event_raw_sys_exit *ctx)
{
	buffer_transferred(ctx->ret, TCP_DIRECTION_IN, 0);
	return 0;
}

SEC("tracepoint")
int sys_exit_write(struct trace_event_raw_sys_exit *ctx)
{
	buffer_transferred(ctx->ret, TCP_DIRECTION_OUT, 0);
	return 0;
}

SEC("tracepoint")
int sys_exit_readv(struct trace_event_raw_sys_exit *ctx)
{
	vector_transferred(ctx->ret, TCP_DIRECTION_IN);
	return 0;
}

SEC("tracepoint")
int sys_exit_writev(struct trace_event_raw_sys_exit *ctx)
{
	vector_transferred(ctx->ret, TCP_DIRECTION_OUT);
	return 0;
}

SEC("tracepoint")
int sys_exit_recvfrom(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = user_registers();
	__u64 flags = PT_REGS_PARM4_CORE_SYSCALL(regs);

	if (!(flags & MSG_NOT_TAKEN))
		buffer_transferred(ctx->ret, TCP_DIRECTION_IN, flags);
	return 0;
}

SEC("tracepoint")
int sys_exit_sendto(struct trace_event_raw_sys_exit *ctx)
{
	buffer_transferred(ctx->ret, TCP_DIRECTION_OUT, 0);
	return 0;
}

static __always_inline void one_message(long ret, __u8 direction)
{
	struct pt_regs *regs = user_registers();
	__u32 fd = PT_REGS_PARM1_CORE_SYSCALL(regs);
	__u64 flags = PT_REGS_PARM3_CORE_SYSCALL(regs);
	struct native_msghdr message;

	if (ret < 0 || (direction == TCP_DIRECTION_IN && flags & MSG_NOT_TAKEN))
		return;
	if (!ret) {
		if (direction == TCP_DIRECTION_IN)
			read_nothing(fd);
		return;
	}
	if (!bpf_probe_read_user(&message, sizeof(message), (void *)PT_REGS_PARM2_CORE_SYSCALL(regs)))
		message_transferred(fd, &message, ret, 0, direction, flags);
}

SEC("tracepoint")
int sys_exit_recvmsg(struct trace_event_raw_sys_exit *ctx)
{
	one_message(ctx->ret, TCP_DIRECTION_IN);
	return 0;
}

SEC("tracepoint")
int sys_exit_sendmsg(struct trace_event_raw_sys_exit *ctx)
{
	one_message(ctx->ret, TCP_DIRECTION_OUT);
	return 0;
}

#define MAX_MESSAGES      64
#define MAX_MESSAGES_5_16 8 /* without bpf_loop (5.17) the verifier walks every one of them, in every way it can go */

struct messages {
	__u64 base, flags;
	__u32 fd, behind; /* bytes of the messages that are still to come */
	__u8 direction;
};

/* For bpf_loop, as the next: 0 goes on with the next message, 1 ends. */
static long add_length(__u32 i, struct messages *all)
{
	__u32 length;
	const struct native_mmsghdr *message = (const void *)(all->base + i * sizeof(*message));

	if (!bpf_probe_read_user(&length, sizeof(length), &message->length))
		all->behind += length;
	return 0;
}

static long tell_message(__u32 i, struct messages *all)
{
	const struct native_mmsghdr *message = (const void *)(all->base + i * sizeof(*message));
	/* Not the whole header: older kernels allow 512 bytes of stack for all that call each other. */
	struct {
		__u64 vector, segments;
	} named;
	struct user_content content = {.known = 1};
	__u32 length;

	if (bpf_probe_read_user(&length, sizeof(length), &message->length) ||
	    bpf_probe_read_user(&named, sizeof(named), &message->header.vector))
		return 1;
	all->behind -= length;
	content.base = named.vector;
	content.segments = named.segments;
	content.unix_only = all->direction == TCP_DIRECTION_IN && all->flags & MSG_TRUNC;
	if (length)
		transferred_before(all->fd, all->direction, length, all->behind, &content);
	return 0;
}

static __always_inline void many_messages(long ret, __u8 direction)
{
	struct pt_regs *regs = user_registers();
	struct messages all = {
		.base = PT_REGS_PARM2_CORE_SYSCALL(regs),
		.flags = PT_REGS_PARM4_CORE_SYSCALL(regs),
		.fd = PT_REGS_PARM1_CORE_SYSCALL(regs),
		.direction = direction,
	};
	bool loops = bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop);

	if (ret <= 0 || (direction == TCP_DIRECTION_IN && all.flags & MSG_NOT_TAKEN))
		return;
	/* The position can be read only after the last message: the sizes of those to come count back from there. Where there
	 * are too many to walk, none has a place: their bytes show as a step in the position of the next record. */
	if (ret > (loops ? MAX_MESSAGES : MAX_MESSAGES_5_16))
		return;
	if (loops) {
		bpf_loop(ret, add_length, &all, 0);
		bpf_loop(ret, tell_message, &all, 0);
		return;
	}
	for (int i = 0; i < MAX_MESSAGES_5_16 && i < ret; i++)
		add_length(i, &all);
	for (int i = 0; i < MAX_MESSAGES_5_16 && i < ret; i++) {
		if (tell_message(i, &all))
			return;
	}
}

SEC("tracepoint")
int sys_exit_recvmmsg(struct trace_event_raw_sys_exit *ctx)
{
	many_messages(ctx->ret, TCP_DIRECTION_IN);
	return 0;
}

SEC("tracepoint")
int sys_exit_sendmmsg(struct trace_event_raw_sys_exit *ctx)
{
	many_messages(ctx->ret, TCP_DIRECTION_OUT);
	return 0;
}

/* No user memory holds these bytes: their number and time only. */
SEC("tracepoint")
int sys_exit_sendfile64(struct trace_event_raw_sys_exit *ctx)
{
	struct user_content nothing = {};

	if (ctx->ret > 0)
		transferred(PT_REGS_PARM1_CORE_SYSCALL(user_registers()), TCP_DIRECTION_OUT, ctx->ret, &nothing);
	return 0;
}

SEC("tracepoint")
int sys_exit_splice(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = user_registers();
	struct user_content nothing = {};

	if (ctx->ret <= 0)
		return 0;
	transferred(PT_REGS_PARM1_CORE_SYSCALL(regs), TCP_DIRECTION_IN, ctx->ret, &nothing);
	transferred(PT_REGS_PARM3_CORE_SYSCALL(regs), TCP_DIRECTION_OUT, ctx->ret, &nothing);
	return 0;
}
