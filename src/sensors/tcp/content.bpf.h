/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Content in the memory of a process: where it lies, and how what lies in many pieces is put together. */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "sensors/tcp/tcp_abi.h"

#define MAX_SEGMENTS      1024 /* as many as a system call takes */
#define MAX_SEGMENTS_5_16 16   /* without bpf_loop (5.17) the verifier walks every one of them */

/* Content in the memory of a process, as a system call names it. */
struct user_content {
	__u64 base;            /* of the bytes, or of an array of struct iovec */
	__u64 offset;          /* into the first segment */
	__u32 segments;        /* 0: base names the bytes; else how many struct iovec */
	__u8 known;            /* 0: no content (sendfile, splice) */
	__u8 unix_only;        /* MSG_TRUNC: TCP discards the bytes, unix sockets know nothing of the flag */
	__u8 vector_in_kernel; /* base names iovecs, even if none, and they are in kernel memory */
};

/* Where the content of many pieces is put together. Twice the content, so that the verifier can see that an offset
 * below TCP_CONTENT_MAX and a size of at most that stay inside. */
struct scratch {
	struct tcp_data record;
	char content[2 * TCP_CONTENT_MAX];
};

/* One a CPU for TCP and for unix sockets, each way: a program on a function (unlike one on a tracepoint) can be
 * preempted by a task in which another of them runs. That the same one runs again the kernel prevents. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct copy_state {
	struct scratch *scratch;
	const struct user_content *from;
	__u64 offset;       /* still to leave out */
	__u16 copied, want; /* small: the stack of all frames together is */
	bool fault;
};

/* For bpf_loop: 0 goes on with the next segment, 1 ends. */
static __noinline long copy_segment(__u32 i, struct copy_state *state)
{
	struct {
		__u64 base, length;
	} segment; /* struct iovec, without relocation: user space has but one layout */
	const void *vector = (const void *)(state->from->base + i * sizeof(segment));
	__u32 at = state->copied, n;
	long error;

	if (i >= state->from->segments)
		return 1;
	if (state->from->vector_in_kernel)
		error = bpf_probe_read_kernel(&segment, sizeof(segment), vector);
	else
		error = bpf_probe_read_user(&segment, sizeof(segment), vector);
	if (error) {
		state->fault = true;
		return 1;
	}
	if (segment.length <= state->offset) {
		state->offset -= segment.length;
		return 0;
	}
	segment.base += state->offset;
	segment.length -= state->offset;
	state->offset = 0;
	n = state->want - at;
	if (n > segment.length)
		n = segment.length;
	if (at >= TCP_CONTENT_MAX || n > TCP_CONTENT_MAX)
		return 1;
	if (bpf_probe_read_user(&state->scratch->content[at], n, (const void *)segment.base)) {
		state->fault = true;
		return 1;
	}
	state->copied = at + n;
	return state->copied >= state->want;
}

static __always_inline void copy_segments(struct copy_state *state)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(MAX_SEGMENTS, copy_segment, state, 0);
		return;
	}
	/* Unrolled: the compiler may give a loop an edge that kernels refuse up to 6.1. */
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < MAX_SEGMENTS_5_16; i++) {
		if (copy_segment(i, state))
			return;
	}
}

/* Copies up to want bytes, those after the first `skip`; returns how many. */
static __always_inline __u32 copy_vector(struct scratch *scratch, const struct user_content *from, __u64 skip,
					 __u32 want, bool *fault)
{
	struct copy_state state = {.scratch = scratch, .from = from, .offset = from->offset + skip, .want = want};

	if (!want)
		return 0;
	copy_segments(&state);
	*fault = state.fault || !from->segments;
	return state.copied;
}
