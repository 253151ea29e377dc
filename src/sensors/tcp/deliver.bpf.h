/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The one way from a transfer to a record: every rung ends here. A rung finds out which stream, how many bytes and
 * where their content lies; what of it is wanted is decided here, by the steering table, before anything is copied.
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

const volatile __u32 content_limit = TCP_CONTENT_MAX;
const volatile bool unix_sockets = true;

/* Content in the memory of a process, as a system call names it. */
struct user_content {
	__u64 base;            /* of the bytes, or of an array of struct iovec */
	__u64 offset;          /* into the first segment */
	__u32 segments;        /* 0: base names the bytes; else how many struct iovec */
	__u8 known;            /* 0: no content (sendfile, splice) */
	__u8 unix_only;        /* MSG_TRUNC: TCP discards the bytes, unix sockets know nothing of the flag */
	__u8 vector_in_kernel; /* base names iovecs, even if none, and they are in kernel memory */
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

/* One that is left out as a whole. */
static __always_inline void count_filtered(struct family_counters *count)
{
	count->seen++;
	count->filtered++;
}

static __always_inline bool own_traffic(void)
{
	return bpf_get_current_pid_tgid() >> 32 == agent_tgid;
}

/* False where nothing of the transfer is wanted; else the bytes to leave out first, and how many to copy then, at most.
 */
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

/* A function of its own: inlined, the compiler may give the loop an edge that kernels of that age refuse. */
static __noinline long copy_segments_5_16(struct copy_state *state, __u32 segments)
{
	for (__u32 i = 0; i < MAX_SEGMENTS_5_16 && i < segments; i++) {
		if (copy_segment(i, state))
			break;
	}
	return 0;
}

static __always_inline void copy_segments(struct copy_state *state)
{
	__u32 segments = state->from->segments;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		bpf_loop(segments < MAX_SEGMENTS ? segments : MAX_SEGMENTS, copy_segment, state, 0);
	else
		copy_segments_5_16(state, segments);
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

static __always_inline void fill_data(struct tcp_data *record, const struct flow *flow, __u32 length, __u64 begin,
				      __u64 now)
{
	__u64 who = bpf_get_current_pid_tgid();

	record->key = flow->key;
	record->begin = begin ?: now;
	record->position = flow->position;
	record->other_position = flow->other_position;
	record->length = length;
	record->pid = who >> 32;
	record->tid = who;
	record->direction = flow->direction;
	record->has_position = flow->has_position;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
}

static __always_inline void finish_data(struct tcp_data *record, __u8 kind, __u32 captured, __u64 now)
{
	record->captured = captured;
	fill_header(&record->header, now, sizeof(*record) + captured, kind);
}

/* What of a transfer becomes a record. */
struct part {
	__u32 skip;   /* bytes to leave out first */
	__u32 length; /* of what follows */
	__u32 want;   /* how many bytes of its content to copy, at most */
};

/* Counts the transfer; false where nothing of it is wanted. */
static __always_inline bool select_part(struct family_counters *count, struct flow *flow, __u32 length,
					struct part *part)
{
	if (!plan(flow, length, &part->skip, &part->want)) {
		count_filtered(count);
		return false;
	}
	count->seen++;
	flow->position += part->skip;
	part->length = length - part->skip;
	if (part->want > part->length)
		part->want = part->length;
	return true;
}

/* Room in the ring for a record with so much content. The verifier wants constants. A record says itself how much of
 * its room it uses; the next larger size is at most twice what is needed. */
static __always_inline struct tcp_data *reserve_data(__u32 content)
{
	enum { HEAD = sizeof(struct tcp_data) };

	if (content <= 256 - HEAD)
		return bpf_ringbuf_reserve(&data_ring, 256, 0);
	if (content <= 512 - HEAD)
		return bpf_ringbuf_reserve(&data_ring, 512, 0);
	if (content <= 1024 - HEAD)
		return bpf_ringbuf_reserve(&data_ring, 1024, 0);
	if (content <= 2048 - HEAD)
		return bpf_ringbuf_reserve(&data_ring, 2048, 0);
	return bpf_ringbuf_reserve(&data_ring, HEAD + TCP_CONTENT_MAX, 0);
}

/* Where content comes from in one piece. */
typedef long (*read_piece)(void *to, __u32 size, const void *from, __u64 offset);

/* Writes the record where it will be read: its content is copied once. The time is taken before the room, or a record
 * with an earlier place could have a later time than the end of a socket with bytes in a later place. */
static __always_inline void deliver_piece(struct family_counters *count, const struct flow *flow,
					  const struct part *part, __u64 begin, __u8 kind, read_piece read,
					  const void *from, __u64 offset)
{
	__u64 now = bpf_ktime_get_ns();
	struct tcp_data *record;
	__u32 want = part->want;

	barrier_var(want);
	if (want > TCP_CONTENT_MAX)
		return;
	record = reserve_data(want);
	if (!record) {
		count->ring_full++;
		return;
	}
	if (want && read(record + 1, want, from, offset)) {
		count->unreadable++;
		want = 0;
	}
	count->submitted++;
	count->bytes += want;
	fill_data(record, flow, part->length, begin, now);
	finish_data(record, kind, want, now);
	bpf_ringbuf_submit(record, wake_flags(&data_ring, data_wake_bytes));
}

static __always_inline void deliver_vector(struct family_counters *count, const struct flow *flow,
					   const struct part *part, __u64 begin, __u8 kind,
					   const struct user_content *content)
{
	__u32 index = flow->direction | !flow->has_position << 1, captured;
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &index);
	bool fault = false;
	__u64 now;

	if (!scratch)
		return;
	captured = copy_vector(scratch, content, part->skip, part->want, &fault);
	if (fault)
		count->unreadable++;
	if (captured > TCP_CONTENT_MAX)
		captured = TCP_CONTENT_MAX;
	now = bpf_ktime_get_ns();
	fill_data(&scratch->record, flow, part->length, begin, now);
	finish_data(&scratch->record, kind, captured, now);
	submit_data(count, &scratch->record, sizeof(struct tcp_data) + captured, captured);
}

static __always_inline long read_user(void *to, __u32 size, const void *from, __u64 offset)
{
	return bpf_probe_read_user(to, size, from + offset);
}

/* A transfer of length bytes with its content in user memory; begin 0 where it is not known. */
static __always_inline void deliver_user_as(__u8 kind, struct family_counters *count, struct flow *flow, __u32 length,
					    __u64 begin, const struct user_content *content)
{
	struct part part;

	if (!select_part(count, flow, length, &part))
		return;
	if (!content->known)
		part.want = 0;
	if (content->segments || content->vector_in_kernel)
		deliver_vector(count, flow, &part, begin, kind, content);
	else
		deliver_piece(count, flow, &part, begin, kind, read_user, (const void *)content->base,
			      content->offset + part.skip);
}

static __always_inline void deliver_user(struct family_counters *count, struct flow *flow, __u32 length, __u64 begin,
					 const struct user_content *content)
{
	deliver_user_as(TCP_DATA, count, flow, length, begin, content);
}
