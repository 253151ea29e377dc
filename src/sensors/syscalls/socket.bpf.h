/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the kernel knows of a socket. */
#pragma once

#include <bpf/bpf_endian.h>

#include "sensors/syscalls/file.bpf.h"

static __always_inline void put_ipv4(__u8 *ip, __be32 address)
{
	ip[10] = ip[11] = 0xff;
	__builtin_memcpy(ip + 12, &address, 4);
}

static __noinline void note_socket(struct draft *draft, const struct sock *sk)
{
	struct syscalls_socket *told = &draft->record.socket;
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	told->family = family;
	told->type = BPF_CORE_READ(sk, sk_type);
	told->protocol = BPF_CORE_READ(sk, sk_protocol);
	told->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	told->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	draft->record.flags |= SYSCALLS_SOCKET;
	if (family != AF_INET && family != AF_INET6)
		return;
	told->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	told->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == AF_INET) {
		put_ipv4(told->local_ip, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		put_ipv4(told->remote_ip, BPF_CORE_READ(sk, __sk_common.skc_daddr));
		return;
	}
	BPF_CORE_READ_INTO(&told->local_ip, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&told->remote_ip, sk, __sk_common.skc_v6_daddr);
}

/* The name of a unix socket; of one without, that of the socket it is connected to. */
static __noinline __u32 append_unix_path(struct draft *draft, const struct sock *sk, __u32 at)
{
	struct unix_address *address = BPF_CORE_READ((const struct unix_sock *)sk, addr);
	const struct sock *peer = BPF_CORE_READ((const struct unix_sock *)sk, peer);
	__u32 length;

	if (!address && peer)
		address = BPF_CORE_READ((const struct unix_sock *)peer, addr);
	if (!address)
		return at;
	length = BPF_CORE_READ(address, len) - 2;
	if (length > 108 || bpf_probe_read_kernel(at_offset(draft, at), length, &address->name[0].sun_path))
		return at;
	draft->record.unix_path = slice(at, at + length);
	return at + length;
}
