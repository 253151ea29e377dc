/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The socket behind a number that a process calls a file by. Include after vmlinux.h. */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define AF_UNIX     1
#define AF_INET     2
#define AF_INET6    10
#define SOCK_STREAM 1
#define IPPROTO_TCP 6

#define S_IFMT   0170000
#define S_IFSOCK 0140000

/* The file behind a descriptor of the current process, or null. */
static __always_inline struct file *file_of_fd(__u32 fd)
{
	/* Typed pointers are followed without a helper call: most descriptors are no sockets, and that is all they cost. */
	struct fdtable *table = bpf_get_current_task_btf()->files->fdt;
	struct file *file;

	if (fd >= table->max_fds || bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd))
		return NULL;
	return file;
}

/* The socket of it, or null where it is something else. */
static __always_inline struct sock *sock_of_file(struct file *file)
{
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline struct sock *sock_of_fd(__u32 fd)
{
	return sock_of_file(file_of_fd(fd));
}

static __always_inline bool is_tcp(const struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	/* A raw socket may carry the protocol number of TCP, too. */
	return (family == AF_INET || family == AF_INET6) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP &&
	       BPF_CORE_READ(sk, sk_type) == SOCK_STREAM;
}

/* What TCP sockets are known by; 0 where nobody has asked for it yet. */
static __always_inline __u64 tcp_key(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}
