/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The one way from a transfer to a record: every rung ends here. A rung finds out which stream, how many bytes and where
 * their content lies; what of it is wanted is decided here, by the steering table, before anything is copied.
 */
#pragma once

#include "bpf/kernel/rings.bpf.h"
#include "sensors/tcp/socket.bpf.h"

#define MAX_SEGMENTS      1024 /* as many as a system call takes */
#define MAX_SEGMENTS_5_16 16   /* without bpf_loop (5.17) the verifier walks every one of them */

COUNTERS(TCP_FAMILIES);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TCP_STEER_SLOTS);
	__type(key, __u32);
	__type(value, struct tcp_steer);
} steering SEC(".maps");

/* Where a record is put together. The programs run with preemption off, so one a CPU will do. Twice the content, so that
 * the verifier can see that an offset below TCP_CONTENT_MAX and a size of at most that stay inside. */
struct scratch {
	struct tcp_data record;
	char content[2 * TCP_CONTENT_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

const volatile __u32 content_limit = TCP_CONTENT_MAX;
const volatile bool unix_sockets = true;

/* Content in the memory of a process, as a system call names it. */
struct user_content {
	__u64 base;            /* of the bytes, or of an array of struct iovec */
	__u64 offset;          /* into the first segment */
	__u32 segments;        /* 0: base names the bytes; else how many struct iovec */
	__u8 known;            /* 0: no content (sendfile, splice) */
	__u8 unix_only;        /* MSG_TRUNC: TCP discards the bytes, unix sockets know nothing of the flag */
	__u8 vector_in_kernel; /* the iovecs themselves are in kernel memory */
};

static __always_inline struct family_counters *counters_of(__u32 family)
{
	return bpf_map_lookup_elem(&counters, &family);
}

static __always_inline struct tcp_steer *steer_of(__u64 key)
{
	__u32 slot = key % TCP_STEER_SLOTS;
	struct tcp_steer *steer = bpf_map_lookup_elem(&steering, &slot);

	return steer && key && steer->key == key ? steer : NULL;
}

static __always_inline bool is_off(__u64 key)
{
	struct tcp_steer *steer = steer_of(key);

	return steer && steer->mode[TCP_DIRECTION_IN] == TCP_STEER_OFF;
}

static __always_inline bool own_traffic(void)
{
	return bpf_get_current_pid_tgid() >> 32 == agent_tgid;
}

/* False where nothing of the transfer is wanted; else the bytes to leave out first, and how many to copy then, at most. */
static __always_inline bool plan(const struct flow *flow, __u32 length, __u32 *skip, __u32 *want)
{
	struct tcp_steer *steer = steer_of(flow->key);
	__u8 direction = flow->direction & 1;
	__s32 ahead;

	*skip = 0;
	*want = content_limit;
	if (!steer)
		return true;
	if (steer->limit[direction] && steer->limit[direction] < *want)
		*want = steer->limit[direction];
	if (steer->mode[direction] == TCP_STEER_OFF)
		return false;
	if (steer->mode[direction] == TCP_STEER_COPY || !flow->has_position)
		return true;
	ahead = steer->until[direction] - flow->position;
	if (ahead > (__s64)length)
		return false;
	if (ahead > 0)
		*skip = ahead; /* where it equals length, a record without bytes tells when the end was reached */
	return true;
}

struct copy_state {
	struct scratch *scratch;
	const struct user_content *from;
	__u64 offset; /* still to leave out */
	__u32 copied, want;
	bool fault;
};

/* For bpf_loop: 0 goes on with the next segment, 1 ends. */
static long copy_segment(__u32 i, struct copy_state *state)
{
	struct {
		__u64 base, length;
	} segment; /* struct iovec, without relocation: user space has but one layout */
	const void *vector = (const void *)(state->from->base + i * sizeof(segment));
	__u32 at = state->copied, n;
	long error;

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
	__u32 segments = state->from->segments;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(segments < MAX_SEGMENTS ? segments : MAX_SEGMENTS, copy_segment, state, 0);
		return;
	}
	for (__u32 i = 0; i < MAX_SEGMENTS_5_16 && i < segments; i++) {
		if (copy_segment(i, state))
			return;
	}
}

/* Copies up to want bytes, those after the first `skip`; returns how many. */
static __always_inline __u32 copy_user(struct scratch *scratch, const struct user_content *from, __u64 skip, __u32 want,
				       bool *fault)
{
	struct copy_state state = {.scratch = scratch, .from = from, .offset = from->offset + skip, .want = want};

	if (!want)
		return 0;
	barrier_var(want); /* else both tests become one of want - 1, which tells the verifier of 6.1 nothing of want */
	if (want > TCP_CONTENT_MAX)
		return 0;
	if (!from->segments) {
		if (!bpf_probe_read_user(scratch->content, want, (const void *)(from->base + state.offset)))
			return want;
		*fault = true;
		return 0;
	}
	copy_segments(&state);
	*fault = state.fault;
	return state.copied;
}

static __always_inline void fill_data(struct tcp_data *record, const struct flow *flow, __u32 length, __u64 begin)
{
	__u64 who = bpf_get_current_pid_tgid();

	record->key = flow->key;
	record->begin = begin;
	record->position = flow->position;
	record->other_position = flow->other_position;
	record->length = length;
	record->pid = who >> 32;
	record->tid = who;
	record->direction = flow->direction;
	record->has_position = flow->has_position;
}

static __always_inline void finish_data(struct family_counters *count, struct scratch *scratch, __u8 kind,
					__u32 captured)
{
	struct tcp_data *record = &scratch->record;
	__u64 now = bpf_ktime_get_ns();

	if (captured > TCP_CONTENT_MAX)
		captured = TCP_CONTENT_MAX;
	record->captured = captured;
	if (!record->begin)
		record->begin = now;
	fill_header(&record->header, now, sizeof(*record) + captured, kind);
	submit_data(count, record, sizeof(*record) + captured, captured);
}

/* A transfer of length bytes with its content in user memory; begin 0 where it is not known. */
static __always_inline void deliver_user(struct family_counters *count, struct flow *flow, __u32 length, __u64 begin,
					 const struct user_content *content)
{
	struct scratch *scratch;
	__u32 zero = 0, skip, want, captured = 0;
	bool fault = false;

	count->seen++;
	if (!plan(flow, length, &skip, &want)) {
		count->filtered++;
		return;
	}
	scratch = bpf_map_lookup_elem(&scratches, &zero);
	if (!scratch)
		return;
	flow->position += skip;
	length -= skip;
	if (want > length)
		want = length;
	if (content->known)
		captured = copy_user(scratch, content, skip, want, &fault);
	if (fault)
		count->unreadable++;
	fill_data(&scratch->record, flow, length, begin);
	finish_data(count, scratch, TCP_DATA, captured);
}
