/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the programs of sensor tcp read off a socket. */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "bpf/kernel/descriptor.bpf.h"
#include "sensors/tcp/tcp_abi.h"

#define RCV_SHUTDOWN  1
#define SEND_SHUTDOWN 2
#define MSG_PEEK      2
#define MSG_TRUNC     0x20
#define MSG_NOT_TAKEN \
	0x2003 /* MSG_PEEK, MSG_OOB, MSG_ERRQUEUE: what was read is still there, or was never in the stream */

/* Which stream, and where in it. */
struct flow {
	__u64 key;
	__u32 position; /* of the next byte of this direction */
	__u32 other_position;
	__u8 direction;
	__u8 has_position;
};

/* tcp_recvmsg had one argument more, before its flags. */
struct proto___before_5_19 {
	int (*recvmsg)(struct sock *sk, struct msghdr *message, size_t length, int no_block, int flags,
		       int *address_length);
};

struct ports_filter {
	__u64 bits[1024];
};

/* The ports wanted, as a bitmap; consulted only where filter_ports is set. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ports_filter);
} ports SEC(".maps");

/* Not constant: the agent changes it, and the map, when its configuration is reloaded. */
bool filter_ports;

static __always_inline bool port_wanted(const struct ports_filter *filter, __u16 port)
{
	return filter->bits[(port >> 6) & 1023] >> (port & 63) & 1;
}

/* sk may be any pointer to a socket, of a trusted kind or not. */
static __always_inline bool wanted(const struct sock *sk)
{
	struct ports_filter *filter;
	__u32 zero = 0;

	if (!filter_ports)
		return true;
	filter = bpf_map_lookup_elem(&ports, &zero);
	return filter && (port_wanted(filter, BPF_CORE_READ(sk, __sk_common.skc_num)) ||
			  port_wanted(filter, bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport))));
}

static __always_inline bool is_unix_stream(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX && BPF_CORE_READ(sk, sk_type) == SOCK_STREAM;
}

/* 0 where the socket is no file any more (closed, its last bytes still queued at the peer). */
static __always_inline __u64 unix_key(const struct sock *sk)
{
	struct socket_alloc *socket = (void *)BPF_CORE_READ(sk, sk_socket);

	return socket ? TCP_UNIX_KEY | BPF_CORE_READ(socket, vfs_inode.i_ino) : 0;
}

static __always_inline __u32 copied_seq(const struct sock *sk)
{
	return BPF_CORE_READ((const struct tcp_sock *)sk, copied_seq);
}

static __always_inline __u32 write_seq(const struct sock *sk)
{
	return BPF_CORE_READ((const struct tcp_sock *)sk, write_seq);
}

static __always_inline void map_v4(struct tcp_endpoint *end, __be32 ip)
{
	end->ip[10] = 0xff;
	end->ip[11] = 0xff;
	__builtin_memcpy(&end->ip[12], &ip, sizeof(ip));
}

static __always_inline void read_endpoints(struct tcp_socket_open *open, const struct sock *sk)
{
	open->local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	open->remote.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		map_v4(&open->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_v4(&open->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&open->local.ip, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&open->remote.ip, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
}

/* The name a unix socket, or failing that its peer, is bound to: an accepted one carries its listener's. */
static __always_inline void read_unix_path(struct tcp_socket_open *open, const struct sock *sk)
{
	struct unix_address *address = BPF_CORE_READ((const struct unix_sock *)sk, addr);
	struct sock *peer;
	__s32 length;

	if (!address) {
		peer = BPF_CORE_READ((const struct unix_sock *)sk, peer);
		address = peer ? BPF_CORE_READ((const struct unix_sock *)peer, addr) : NULL;
	}
	if (!address)
		return;
	length = BPF_CORE_READ(address, len) - (__s32)sizeof(__u16); /* less the family */
	if (length <= 0 || length > TCP_UNIX_PATH)
		return;
	open->path_length = length;
	bpf_probe_read_kernel(open->path, TCP_UNIX_PATH,
			      (const char *)address + bpf_core_field_offset(struct unix_address, name) + sizeof(__u16));
}
