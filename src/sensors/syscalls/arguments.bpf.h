/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the caller's arguments point at. All of it may change under the kernel's eyes: facts come from its own objects. */
#pragma once

#include "sensors/syscalls/socket.bpf.h"

#define AT_FDCWD (-100)

struct native_msghdr {
	__u64 name;
	__u32 name_length, padding;
};

struct compat_msghdr {
	__u32 name, name_length;
};

/* By its number from 1; an array in a map, so any index is in bounds once it is masked. */
static __always_inline __u64 argument(const struct draft *draft, __u8 number)
{
	const __u64 *args = draft->record.args;

	return args[(number - 1) & 7];
}

static __always_inline __u32 append_user_text(struct draft *draft, __u32 i, __u64 from, __u32 at, __u32 *left)
{
	__u32 room = *left;
	long length;

	if (room < 1 || room > SYSCALLS_MAX_TEXTS) {
		draft->record.flags |= SYSCALLS_TEXT_TRUNCATED << i;
		return at;
	}
	length = draft->record.flags & SYSCALLS_URING
			 ? bpf_probe_read_kernel_str(at_offset(draft, at), room, (const void *)from)
			 : bpf_probe_read_user_str(at_offset(draft, at), room, (const void *)from);
	if (length <= 0 || length > SYSCALLS_MAX_TEXTS) {
		draft->record.flags |= SYSCALLS_TEXT_UNREADABLE << i;
		return at;
	}
	/* Whoever filled the room may have had more to say. */
	if (length == room)
		draft->record.flags |= SYSCALLS_TEXT_TRUNCATED << i;
	draft->record.text[i] = slice(at, at + length - 1);
	*left = room - length;
	return at + length;
}

static __noinline __u32 append_texts(struct draft *draft, const struct syscalls_shape *shape, __u32 at)
{
	__u32 left = SYSCALLS_MAX_TEXTS;

#pragma clang loop unroll(full)
	for (int i = 0; i < SYSCALLS_TEXTS; i++) {
		if (shape->text[i])
			at = append_user_text(draft, i, argument(draft, shape->text[i]), at, &left);
	}
	return at;
}

static __always_inline const struct path *directory_path(__u64 fd)
{
	struct file *file;

	if ((__s32)fd == AT_FDCWD)
		return &bpf_get_current_task_btf()->fs->pwd;
	file = file_of_fd(fd);
	return file ? &file->f_path : NULL;
}

static __always_inline bool is_relative(struct draft *draft, struct syscalls_slice text)
{
	return text.length && *at_offset(draft, text.offset) != '/';
}

/* The directory that text i starts from, where it does not start from the root. */
static __noinline __u32 append_directory(struct draft *draft, __u32 where, __u32 i, __u32 at)
{
	const struct path *path;
	__u32 end;

	path = directory_path(where == SYSCALLS_CWD ? (__u64)AT_FDCWD : argument(draft, where));
	if (!path)
		return at;
	end = append_path(draft, path, at, SYSCALLS_MAX_DIRECTORY);
	if (draft->walk.end != WALK_ROOT)
		draft->record.flags |= SYSCALLS_DIRECTORY_TRUNCATED << i;
	*at_offset(draft, end) = 0; /* so that the root itself is something, too */
	draft->record.directory[i & 1] = slice(at, end + 1);
	return end + 1;
}

static __noinline __u32 append_directories(struct draft *draft, const struct syscalls_shape *shape, __u32 at)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < SYSCALLS_DIRECTORIES; i++) {
		if (shape->directory[i] && is_relative(draft, draft->record.text[i]))
			at = append_directory(draft, shape->directory[i], i, at);
	}
	return at;
}

static __always_inline long read_msghdr(const struct draft *draft, __u64 from, __u64 *name, __u32 *length)
{
	struct native_msghdr native;
	struct compat_msghdr compat;
	long error;

	if (draft->record.flags & SYSCALLS_IA32) {
		error = bpf_probe_read_user(&compat, sizeof(compat), (const void *)from);
		*name = compat.name;
		*length = compat.name_length;
		return error;
	}
	error = bpf_probe_read_user(&native, sizeof(native), (const void *)from);
	*name = native.name;
	*length = native.name_length;
	return error;
}

static __noinline bool has_address(const struct draft *draft, const struct syscalls_shape *shape)
{
	__u64 from = shape->address ? argument(draft, shape->address) : 0;
	__u32 length;

	if (from && shape->flags & SYSCALLS_ADDRESS_IS_MSGHDR && read_msghdr(draft, from, &from, &length))
		return true; /* who knows */
	return from;
}

/* The sockaddr that the caller gave, or was given. */
static __noinline __u32 append_address(struct draft *draft, const struct syscalls_shape *shape, __u32 at)
{
	__u64 from = argument(draft, shape->address);
	__u32 length = shape->address_length ? argument(draft, shape->address_length) : 0;
	long error = 0;
	__u64 size;

	if (!from)
		return at;
	if (shape->flags & SYSCALLS_ADDRESS_IS_MSGHDR)
		error = read_msghdr(draft, from, &from, &length);
	else if (shape->flags & SYSCALLS_LENGTH_IS_POINTER)
		error = bpf_probe_read_user(&length, sizeof(length),
					    (const void *)argument(draft, shape->address_length));
	if (!from || !length)
		return at;
	size = bounded(length, SYSCALLS_MAX_ADDRESS);
	if (error || bpf_probe_read_user(at_offset(draft, at), size, (const void *)from)) {
		draft->record.flags |= SYSCALLS_ADDRESS_UNREADABLE;
		return at;
	}
	draft->record.address = slice(at, at + size);
	return at + size;
}

static __noinline __u32 append_content(struct draft *draft, const struct syscalls_shape *shape, __u32 at)
{
	const void *from = (const void *)argument(draft, shape->content);
	__u64 length = shape->content_length;
	long error;

	if (!length)
		length = draft->record.result > 0 ? draft->record.result : 0;
	length = bounded(length, SYSCALLS_MAX_CONTENT);
	error = draft->record.flags & SYSCALLS_URING ? bpf_probe_read_kernel(at_offset(draft, at), length, from)
						     : bpf_probe_read_user(at_offset(draft, at), length, from);
	if (error) {
		draft->record.flags |= SYSCALLS_CONTENT_UNREADABLE;
		return at;
	}
	draft->record.content = slice(at, at + length);
	return at + length;
}
