/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Go's crypto/tls. Probed is the branch by which (*Conn).Read and .Write go and get more stack if theirs is too small, and
 * each return of Read. A call belongs to a goroutine, not to a thread: it may begin on one and return on another.
 *
 * What is written is told of when the call begins. At its end would be too late: by then another goroutine may have read
 * the answer. A call that fails has sent at most a part of it, and nothing can be sent after it.
 */
#pragma once

#include "bpf/kernel/descriptor.bpf.h"
#include "sensors/tls/deliver.bpf.h"

#define GO_CALLS_MAX     65536
#define GO_WRAPPINGS_MAX 4
#define GO_ENTRY_MAX     32 /* from where a function begins to where it is probed, at most */

/* Arguments and results in registers since Go 1.17, on arm64 since 1.18. */
#if defined(__TARGET_ARCH_x86)
#define GO_ARGUMENT_1(ctx)      ((ctx)->ax)
#define GO_ARGUMENT_2(ctx)      ((ctx)->bx)
#define GO_ARGUMENT_3(ctx)      ((ctx)->cx)
#define GO_RESULT(ctx)          ((ctx)->ax)
#define GO_PLACE(ctx)           ((ctx)->ip)
#define GO_STACK_TOO_SMALL(ctx) (!!((ctx)->flags & 0x41)) /* jbe: carry or zero */
#elif defined(__TARGET_ARCH_arm64)
#define GO_ARGUMENT_1(ctx)      ((ctx)->user_regs.regs[0])
#define GO_ARGUMENT_2(ctx)      ((ctx)->user_regs.regs[1])
#define GO_ARGUMENT_3(ctx)      ((ctx)->user_regs.regs[2])
#define GO_RESULT(ctx)          ((ctx)->user_regs.regs[0])
#define GO_PLACE(ctx)           ((ctx)->user_regs.pc)
#define GO_STACK_TOO_SMALL(ctx) (((ctx)->user_regs.pstate & 0x60000000) != 0x20000000) /* b.ls: no carry, or zero */
#endif

struct go_call_key {
	__u64 goroutine;
	__u32 tgid;
	__u32 pad;
};

struct go_call {
	__u64 socket;
	__u64 buffer; /* on_stack: counted down from the top of the goroutine's stack, which may move */
	__u64 capacity;
	__u64 entered;
	__u64 on_stack;
};

/* Reads that have begun. Goroutines that are gone are pushed out by others. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GO_CALLS_MAX);
	__type(key, struct go_call_key);
	__type(value, struct go_call);
} go_calls SEC(".maps");

/* As Go lays them out, in all releases that pass arguments in registers. */
struct go_interface {
	__u64 table, data;
};

struct go_interface_table {
	__u64 interface, type;
	__u32 hash, pad;
	__u64 methods[8]; /* of net.Conn, by name: Close LocalAddr Read RemoteAddr SetDeadline SetReadDeadline
			   * SetWriteDeadline Write */
};
#define GO_METHOD_READ  2
#define GO_METHOD_WRITE 7

/* net.netFD and what it begins with, poll.FD. */
struct go_net_fd {
	__u64 state; /* of the lock; its lowest bit: closed */
	__u64 waiters;
	__u64 fd;
	__u64 poll[2]; /* the poller's own description: the second since Go 1.21, the first before */
	__u64 modes[2];
	__u64 family, type;
};

struct go_poll_desc {
	__u64 next;
	__u64 fd;
};

static __always_inline bool go_polls(__u64 description, __u64 fd)
{
	struct go_poll_desc poll;

	return !bpf_probe_read_user(&poll, sizeof(poll), (const void *)description) && poll.fd == fd;
}

/* The socket that a net.netFD at this address stands for; null where there is none. That it is one shows in what
 * agrees: its descriptor is what the poller polls, is a TCP socket, and of the family that it says. */
static __always_inline struct sock *go_sock_at(__u64 address)
{
	struct go_net_fd net;
	struct sock *sk;

	if (bpf_probe_read_user(&net, sizeof(net), (const void *)address))
		return NULL;
	if (net.state & 1 || net.fd > 0x7fffffff || net.type != SOCK_STREAM)
		return NULL;
	if (!go_polls(net.poll[1], net.fd) && !go_polls(net.poll[0], net.fd))
		return NULL;
	sk = sock_of_fd(net.fd);
	if (!sk || !is_tcp(sk) || BPF_CORE_READ(sk, __sk_common.skc_family) != net.family)
		return NULL;
	return sk;
}

/* Its key; 0 where there is none. */
static __always_inline __u64 go_socket_at(__u64 address)
{
	struct sock *sk = go_sock_at(address);

	return sk ? tcp_key(sk) : 0;
}

/* The socket under a tls.Conn, whose first field is the net.Conn that it encrypts for; 0 where it is not found. That may be
 * a *net.TCPConn, or a type that begins with a net.Conn in its turn, but not another tls.Conn, whose socket carries what
 * that one encrypts. */
static __always_inline __u64 go_socket_of(__u64 connection, __u64 place, __u32 method)
{
	struct go_interface_table table;
	struct go_interface inner;
	__u64 interface = 0, net, key;

#pragma clang loop unroll(full)
	for (int i = 0; i < GO_WRAPPINGS_MAX; i++) {
		if (bpf_probe_read_user(&inner, sizeof(inner), (const void *)connection) ||
		    bpf_probe_read_user(&table, sizeof(table), (const void *)inner.table))
			return 0;
		if (interface && table.interface != interface)
			return 0;
		interface = table.interface;
		if (place - table.methods[method] <= GO_ENTRY_MAX)
			return 0;
		if (bpf_probe_read_user(&net, sizeof(net), (const void *)inner.data))
			return 0;
		key = go_socket_at(net);
		if (key)
			return key;
		connection = inner.data;
	}
	return 0;
}

static __always_inline struct go_call_key go_call_key_of(struct pt_regs *ctx)
{
	struct go_call_key key = {.goroutine = GO_GOROUTINE(ctx), .tgid = bpf_get_current_pid_tgid() >> 32};

	return key;
}

static __always_inline __u64 go_stack(struct pt_regs *ctx, __u64 *lowest)
{
	struct {
		__u64 lowest, top;
	} stack; /* what a goroutine's description begins with */

	if (bpf_probe_read_user(&stack, sizeof(stack), (const void *)GO_GOROUTINE(ctx)))
		return 0;
	*lowest = stack.lowest;
	return stack.top;
}

static __always_inline void go_count_unjoined(__u8 direction)
{
	struct family_counters *count = counters_of(direction);

	if (!count)
		return;
	count->seen++;
	count->no_key++;
}

/* func (c *Conn) Read(b []byte) (int, error) */
SEC("uprobe")
int go_read_begins(struct pt_regs *ctx)
{
	struct go_call_key key = go_call_key_of(ctx);
	struct go_call call = {.buffer = GO_ARGUMENT_2(ctx), .capacity = GO_ARGUMENT_3(ctx)};
	__u64 top, lowest = 0;

	if (own_traffic() || GO_STACK_TOO_SMALL(ctx))
		return 0;
	top = go_stack(ctx, &lowest);
	if (call.buffer >= lowest && call.buffer < top) {
		call.on_stack = 1;
		call.buffer = top - call.buffer;
	}
	call.entered = bpf_ktime_get_ns();
	call.socket = go_socket_of(GO_ARGUMENT_1(ctx), GO_PLACE(ctx), GO_METHOD_READ);
	if (bpf_map_update_elem(&go_calls, &key, &call, BPF_ANY)) {
		struct family_counters *count = counters_of(TLS_DIRECTION_IN);

		if (count) {
			count->seen++;
			count->map_full++;
		}
	}
	return 0;
}

SEC("uprobe")
int go_read_returns(struct pt_regs *ctx)
{
	struct go_call_key key = go_call_key_of(ctx);
	struct go_call *begun, call;
	__u64 moved = GO_RESULT(ctx); /* less than 0: more than any buffer holds */
	__u64 lowest;

	begun = bpf_map_lookup_elem(&go_calls, &key);
	if (!begun)
		return 0; /* it began before the programs were attached */
	call = *begun;
	bpf_map_delete_elem(&go_calls, &key);
	if (!moved || moved > call.capacity || moved >= 1ULL << 31)
		return 0;
	if (!call.socket) {
		go_count_unjoined(TLS_DIRECTION_IN);
		return 0;
	}
	if (call.on_stack)
		call.buffer = go_stack(ctx, &lowest) - call.buffer;
	deliver_of_socket(call.socket, call.buffer, moved, TLS_DIRECTION_IN, call.entered, target_of(ctx),
			  goroutine_number(GO_GOROUTINE(ctx)));
	return 0;
}

/* func (c *Conn) Write(b []byte) (int, error) */
SEC("uprobe")
int go_write_begins(struct pt_regs *ctx)
{
	__u64 length = GO_ARGUMENT_3(ctx), socket;

	if (own_traffic() || GO_STACK_TOO_SMALL(ctx) || !length || length >= 1ULL << 31)
		return 0;
	socket = go_socket_of(GO_ARGUMENT_1(ctx), GO_PLACE(ctx), GO_METHOD_WRITE);
	if (!socket) {
		go_count_unjoined(TLS_DIRECTION_OUT);
		return 0;
	}
	deliver_of_socket(socket, GO_ARGUMENT_2(ctx), length, TLS_DIRECTION_OUT, bpf_ktime_get_ns(), target_of(ctx),
			  goroutine_number(GO_GOROUTINE(ctx)));
	return 0;
}
