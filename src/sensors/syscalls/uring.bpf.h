/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Requests to io_uring: no system call shows them, and what is known when they are taken is what the kernel has copied
 * of the caller's arguments. They are told as the system call that does the same.
 */
#pragma once

#include "sensors/syscalls/arguments.bpf.h"

/* Sets an argument to a field of the request, where the kernel has that field. */
#define TAKE(i, type, field)                                                          \
	do {                                                                          \
		if (bpf_core_field_exists(((type *)0)->field))                        \
			args[i] = (__u64)BPF_CORE_READ((const type *)request, field); \
	} while (0)

/* The same of a path, whose text the kernel has copied. */
#define TAKE_PATH(i, type, field)                                                           \
	do {                                                                                \
		if (bpf_core_field_exists(((type *)0)->field))                              \
			args[i] = (__u64)BPF_CORE_READ((const type *)request, field, name); \
	} while (0)

static __noinline void note_names_of(__u64 *args, const void *request, __u8 op)
{
	switch (op) {
	case SYSCALLS_OP_RENAMEAT:
		TAKE(0, struct io_rename, old_dfd);
		TAKE_PATH(1, struct io_rename, oldpath);
		TAKE(2, struct io_rename, new_dfd);
		TAKE_PATH(3, struct io_rename, newpath);
		TAKE(4, struct io_rename, flags);
		break;
	case SYSCALLS_OP_LINKAT:
		TAKE(0, struct io_link, old_dfd);
		TAKE_PATH(1, struct io_link, oldpath);
		TAKE(2, struct io_link, new_dfd);
		TAKE_PATH(3, struct io_link, newpath);
		TAKE(4, struct io_link, flags);
		break;
	case SYSCALLS_OP_SYMLINKAT:
		TAKE_PATH(0, struct io_link, oldpath);
		TAKE(1, struct io_link, new_dfd);
		TAKE_PATH(2, struct io_link, newpath);
		break;
	case SYSCALLS_OP_UNLINKAT:
		TAKE(0, struct io_unlink, dfd);
		TAKE_PATH(1, struct io_unlink, filename);
		TAKE(2, struct io_unlink, flags);
		break;
	case SYSCALLS_OP_MKDIRAT:
		TAKE(0, struct io_mkdir, dfd);
		TAKE_PATH(1, struct io_mkdir, filename);
		TAKE(2, struct io_mkdir, mode);
		break;
	}
}

static __noinline void note_open_of(__u64 *args, const void *request, __u8 op)
{
	TAKE(0, struct io_open, dfd);
	TAKE_PATH(1, struct io_open, filename);
	if (op == SYSCALLS_OP_OPENAT2) {
		args[2] = (__u64) & ((const struct io_open *)request)->how;
		args[3] = 24; /* bytes that every kernel has of it */
		return;
	}
	TAKE(2, struct io_open, how.flags);
	TAKE(3, struct io_open, how.mode);
}

/* The arguments that the system call would have had; pointers are to the kernel's copies but for addresses. */
static __noinline void note_request(struct draft *draft, const struct io_kiocb *request, __u8 op)
{
	__u64 *args = draft->record.args;

	__builtin_memset(args, 0, sizeof(draft->record.args));
	switch (op) {
	case SYSCALLS_OP_OPENAT:
	case SYSCALLS_OP_OPENAT2:
		note_open_of(args, request, op);
		return;
	case SYSCALLS_OP_SOCKET:
		TAKE(0, struct io_socket, domain);
		TAKE(1, struct io_socket, type);
		TAKE(2, struct io_socket, protocol);
		return;
	case SYSCALLS_OP_CONNECT:
		TAKE(1, struct io_connect, addr);
		TAKE(2, struct io_connect, addr_len);
		break;
	case SYSCALLS_OP_BIND:
		/* The address has been copied to where no type of the kernel tells. */
		break;
	case SYSCALLS_OP_LISTEN:
		TAKE(1, struct io_listen, backlog);
		break;
	case SYSCALLS_OP_ACCEPT:
		TAKE(3, struct io_accept, flags);
		break;
	case SYSCALLS_OP_SENDMSG:
	case SYSCALLS_OP_RECVMSG:
		TAKE(1, struct io_sr_msg, umsg);
		break;
	default:
		note_names_of(args, request, op);
		return;
	}
	args[0] = (__u32)BPF_CORE_READ(request, cqe.fd);
}

/* Whether its first argument is a descriptor that it works on. */
static __always_inline bool works_on_fd(__u8 op)
{
	return op == SYSCALLS_OP_CONNECT || op == SYSCALLS_OP_BIND || op == SYSCALLS_OP_LISTEN ||
	       op == SYSCALLS_OP_ACCEPT || op == SYSCALLS_OP_SENDMSG || op == SYSCALLS_OP_RECVMSG;
}

/* Where the kernel keeps things is nobody's business. */
static __always_inline void forget_pointers(struct draft *draft, const struct syscalls_shape *shape)
{
	__u64 *args = draft->record.args;

#pragma clang loop unroll(full)
	for (int i = 0; i < SYSCALLS_TEXTS; i++) {
		if (shape->text[i])
			args[(shape->text[i] - 1) & 7] = 0;
	}
	if (shape->content)
		args[(shape->content - 1) & 7] = 0;
}
