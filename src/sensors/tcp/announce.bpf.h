/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Sockets coming and going. Attached on every rung. */
#pragma once

#include "sensors/tcp/deliver.bpf.h"

enum tcp_state { STATE_ESTABLISHED = 1, STATE_SYN_SENT = 2, STATE_SYN_RECV = 3, STATE_CLOSE = 7, STATE_LISTEN = 10 };

static __always_inline void describe_tcp(struct tcp_socket_open *open, const struct sock *sk, __u64 key)
{
	open->key = key;
	read_endpoints(open, sk);
	open->inbound_position = copied_seq(sk);
	open->outbound_position = write_seq(sk);
	open->net_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	fill_header(&open->header, bpf_ktime_get_ns(), sizeof(*open), TCP_SOCKET_OPEN);
}

static __always_inline void describe_unix(struct tcp_socket_open *open, const struct sock *sk, __u64 key)
{
	const struct sock *peer = BPF_CORE_READ((const struct unix_sock *)sk, peer);

	open->key = key;
	open->peer = peer ? unix_key(peer) : 0;
	open->is_unix = 1;
	read_unix_path(open, sk);
	open->net_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	fill_header(&open->header, bpf_ktime_get_ns(), sizeof(*open), TCP_SOCKET_OPEN);
}

#define CONNECTORS 1024

/* Who connects a socket, at the slot of its key: once it is established, anybody may be running. Where two meet, the
 * process of one is not known before it moves bytes. */
struct connector {
	__u64 key;
	__u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CONNECTORS);
	__type(key, __u32);
	__type(value, struct connector);
} connectors SEC(".maps");

static __always_inline struct connector *connector_of(__u64 key)
{
	__u32 slot = key % CONNECTORS;

	return bpf_map_lookup_elem(&connectors, &slot);
}

static __always_inline void note_connector(const struct sock *sk)
{
	__u64 key = bpf_get_socket_cookie((void *)sk);
	struct connector *connector = connector_of(key);

	if (connector) {
		connector->pid = current_process() >> 32;
		connector->key = key;
	}
}

/* TCP: at birth, with both sequence numbers, so that not a byte is missed. The cookie is made here for all hooks after. */
static __always_inline void announce_tcp(struct family_counters *count, const struct sock *sk, __u8 side)
{
	struct tcp_socket_open open = {};
	struct connector *connector;

	describe_tcp(&open, sk, bpf_get_socket_cookie((void *)sk));
	open.side = side;
	connector = side == TCP_SIDE_CONNECTED ? connector_of(open.key) : NULL;
	if (connector && connector->key == open.key)
		open.pid = connector->pid;
	submit_control(count, &open, sizeof(open));
}

static __noinline int tell_unix(const struct sock *sk, __u64 key)
{
	struct family_counters *count = counters_of(TCP_FAMILY_SOCKET);
	struct tcp_socket_open *open;

	if (!count)
		return 0;
	count->seen++;
	open = bpf_ringbuf_reserve(&control_ring, sizeof(*open), 0);
	if (!open) {
		count->ring_full++;
		return 0;
	}
	__builtin_memset(open, 0, sizeof(*open));
	describe_unix(open, sk, key);
	open->pid = current_process() >> 32;
	count->submitted++;
	bpf_ringbuf_submit(open, wake_flags(&control_ring, control_wake_bytes));
	return 0;
}

/* unix: whenever one moves that user space does not know yet. Told by a function of its own and written in place, so
 * that it adds nothing to the stack that the transfer takes. */
static __always_inline void announce_unix(const struct sock *sk, __u64 key)
{
	if (!steer_of(key))
		tell_unix(sk, key);
}

/* One read of a unix socket has ended, with length bytes, or 0 at the end of the stream. */
static __always_inline void announce_received(const struct sock *sk, __u32 length, bool peek)
{
	struct family_counters *count = counters_of(TCP_FAMILY_UNIX);
	const struct sock *peer = BPF_CORE_READ((const struct unix_sock *)sk, peer);
	struct tcp_unix_received record = {};
	__u64 who = current_process();

	record.key = unix_key(sk);
	if (!count || is_off(record.key))
		return;
	announce_unix(sk, record.key);
	record.peer = peer ? unix_key(peer) : 0;
	record.pid = who >> 32;
	record.tid = who;
	record.length = length;
	record.peek = peek;
	/* A 0 says that the peer will write no more. The connection is over where this end does not either, or nobody reads. */
	record.over = !length && (!peer || BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN ||
				  BPF_CORE_READ(peer, sk_shutdown) == (RCV_SHUTDOWN | SEND_SHUTDOWN));
	count->seen++;
	fill_header(&record.header, bpf_ktime_get_ns(), sizeof(record), TCP_UNIX_RECEIVED);
	submit_data(count, &record, sizeof(record), 0);
}

static __always_inline void announce_close(struct family_counters *count, const struct sock *sk, __u64 key)
{
	struct tcp_socket_close close = {
		.key = key,
		.inbound_position = copied_seq(sk),
		.outbound_position = write_seq(sk),
		.srtt_us = BPF_CORE_READ((const struct tcp_sock *)sk, srtt_us) >> 3,
		.retransmits = BPF_CORE_READ((const struct tcp_sock *)sk, total_retrans),
	};

	fill_header(&close.header, bpf_ktime_get_ns(), sizeof(close), TCP_SOCKET_CLOSE);
	submit_control(count, &close, sizeof(close));
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_established, const struct sock *sk, int old_state, int new_state)
{
	struct family_counters *count;

	if ((new_state != STATE_ESTABLISHED && new_state != STATE_SYN_SENT) || !is_tcp(sk))
		return 0;
	if (new_state == STATE_SYN_SENT) {
		note_connector(sk);
		return 0;
	}
	/* Unwanted ones get their cookie, too: their port may be wanted later. */
	bpf_get_socket_cookie((void *)sk);
	if (!wanted(sk) || elsewhere(sk))
		return 0;
	count = counters_of(TCP_FAMILY_SOCKET);
	if (!count)
		return 0;
	count->seen++;
	announce_tcp(count, sk, old_state == STATE_SYN_SENT ? TCP_SIDE_CONNECTED : TCP_SIDE_ACCEPTED);
	return 0;
}

/* The end is the end of the socket, not of its state: after a reset a process still reads what had arrived before it. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroyed, const struct sock *sk)
{
	struct family_counters *count = counters_of(TCP_FAMILY_SOCKET);
	__u64 key = tcp_key(sk);

	/* No key: it was never connected. Its ports are cleared by now, so that they cannot be asked. */
	if (!count || !key || elsewhere(sk))
		return 0;
	count->seen++;
	announce_close(count, sk, key);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmitted, const struct sock *sk)
{
	struct family_counters *count = counters_of(TCP_FAMILY_SOCKET);
	struct tcp_retransmit record = {};

	if (!count || !wanted(sk) || elsewhere(sk))
		return 0;
	record.key = tcp_key(sk);
	if (!record.key)
		return 0;
	count->seen++;
	fill_header(&record.header, bpf_ktime_get_ns(), sizeof(record), TCP_RETRANSMIT);
	submit_control(count, &record, sizeof(record));
	return 0;
}

/* Set while the agent only wants every socket to have its cookie. */
bool cookies_only;

/* Sockets older than the sensor, of all namespaces, with the process that holds them. Read once, through the iterator's fd. */
SEC("iter/task_file")
int sockets_of_tasks(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct tcp_socket_open open = {};
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	if (is_tcp(sk)) {
		if (sk->__sk_common.skc_state == STATE_LISTEN || sk->__sk_common.skc_state == STATE_CLOSE ||
		    sk->__sk_common.skc_state == STATE_SYN_SENT)
			return 0;
		bpf_get_socket_cookie(sk); /* for the hooks, before they are told to want this port */
		if (cookies_only || !wanted(sk))
			return 0;
		describe_tcp(&open, sk, bpf_get_socket_cookie(sk));
	} else if (!cookies_only && is_unix_stream(sk)) {
		describe_unix(&open, sk, unix_key(sk));
	} else {
		return 0;
	}
	open.old = 1;
	open.pid = tgid_of(task);
	if (!open.pid)
		return 0;
	bpf_seq_write(ctx->meta->seq, &open, sizeof(open));
	return 0;
}
