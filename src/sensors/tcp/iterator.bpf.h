/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where the content of a transfer lies, from the iterator as the transfer left it. The kernel moves it forward by as
 * many bytes as it copied and never loses what lies behind: so nothing need be noted before, and no program runs then.
 */
#pragma once

#include "sensors/tcp/deliver.bpf.h"

struct iov_iter___before_5_14 {
	unsigned int type; /* with the direction in bit 0 */
} __attribute__((preserve_access_index));

struct iov_iter___before_6_4 {
	const struct iovec *iov;
} __attribute__((preserve_access_index));

enum { ITER_IOVEC_BEFORE_5_14 = 4 };

/* An iterator's fields, however the rung gets at them. */
struct iterator {
	__u64 bytes;              /* ITER_UBUF: where they are, else 0 */
	const void *vector;       /* ITER_IOVEC: the iovec it stands at, else null */
	const void *vector_field; /* where that is read */
	__u64 offset;             /* into the bytes or that iovec */
};

/* struct iovec, without relocation: user space has but one layout. */
struct segment {
	__u64 base, length;
};

struct walk {
	__u64 vector; /* of the segment last looked at */
	__u64 behind; /* bytes still to go back */
	__u64 offset; /* into that segment, once behind is 0 */
	__u32 segments;
	bool found;
};

/* For bpf_loop: back over one segment. */
static __noinline long walk_back(__u32 i, struct walk *walk)
{
	struct segment segment;

	walk->vector -= sizeof(segment);
	walk->segments++;
	if (bpf_probe_read_kernel(&segment, sizeof(segment), (const void *)walk->vector))
		return 1;
	if (segment.length < walk->behind) {
		walk->behind -= segment.length;
		return 0;
	}
	walk->offset = segment.length - walk->behind;
	walk->found = true;
	return 1;
}

/* The transfer began in a segment before the one where it ended. */
static __always_inline void find_segments(const struct iterator *now, __u32 length, struct user_content *content)
{
	struct walk walk = {.behind = length - now->offset, .segments = !!now->offset};

	/* Read once more, because the verifier may know it for a pointer, with which it allows no arithmetic. */
	if (bpf_probe_read_kernel(&walk.vector, sizeof(walk.vector), now->vector_field))
		return;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(MAX_SEGMENTS, walk_back, &walk, 0);
	} else {
#pragma clang loop unroll(full)
		for (__u32 i = 0; i < MAX_SEGMENTS_5_16; i++) {
			if (walk_back(i, &walk))
				break;
		}
	}
	content->base = walk.vector;
	content->offset = walk.offset;
	content->segments = walk.found ? walk.segments : 0;
}

/* Typed pointers are followed by a load; others take a helper call. */
#define FIELD(typed, pointer, field) ((typed) ? (pointer)->field : BPF_CORE_READ(pointer, field))
#define ADDRESS(pointer, field)      __builtin_preserve_access_index(&(pointer)->field)

static __always_inline void read_vector(const struct iov_iter *iter, bool typed, struct iterator *iterator)
{
	const struct iov_iter___before_6_4 *old = (const void *)iter;

	if (bpf_core_field_exists(iter->__iov)) {
		iterator->vector = FIELD(typed, iter, __iov);
		iterator->vector_field = ADDRESS(iter, __iov);
	} else {
		iterator->vector = FIELD(typed, old, iov);
		iterator->vector_field = ADDRESS(old, iov);
	}
}

static __always_inline void read_iterator(const struct iov_iter *iter, bool typed, struct iterator *iterator)
{
	const struct iov_iter___before_5_14 *old = (const void *)iter;
	__u8 type;

	iterator->offset = FIELD(typed, iter, iov_offset);
	if (!bpf_core_field_exists(iter->iter_type)) {
		if ((FIELD(typed, old, type) & ~1) == ITER_IOVEC_BEFORE_5_14)
			read_vector(iter, typed, iterator);
		return;
	}
	type = FIELD(typed, iter, iter_type);
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF))
		iterator->bytes = (__u64)FIELD(typed, iter, ubuf);
	else if (type == bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		read_vector(iter, typed, iterator);
}

/* Where length bytes lie that the iterator has just passed; not known for any but user memory (sendfile, splice, kernel
 * senders). */
static __always_inline void content_behind(const struct iterator *now, __u32 length, struct user_content *content)
{
	struct segment near[2]; /* the one it has left, and the one it stands at; either may not be there */

	__builtin_memset(content, 0, sizeof(*content));
	if (now->bytes) {
		content->known = 1;
		content->base = now->bytes;
		content->offset = now->offset - length;
		return;
	}
	if (!now->vector)
		return;
	content->known = 1;
	if (!bpf_probe_read_kernel(near, sizeof(near), now->vector - sizeof(*near))) {
		if (now->offset >= length) {
			content->base = near[1].base;
			content->offset = now->offset - length;
			return;
		}
		if (!now->offset && near[0].length >= length) {
			content->base = near[0].base;
			content->offset = near[0].length - length;
			return;
		}
	}
	content->vector_in_kernel = 1;
	find_segments(now, length, content);
}

/* Where the length bytes lie that a message has just passed. typed: the verifier knows the pointer's type. */
static __always_inline void content_of(const struct msghdr *message, bool typed, __u32 length,
				       struct user_content *content)
{
	struct iterator iterator = {};

	read_iterator(ADDRESS(message, msg_iter), typed, &iterator);
	content_behind(&iterator, length, content);
}
