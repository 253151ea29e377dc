/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The one way from a transfer to a record: every rung ends here. A rung finds out which stream, how many bytes and
 * where their content lies; what of it is wanted is decided here, by the steering table, before anything is copied.
 */
#pragma once

#include "bpf/kernel/goroutine.bpf.h"
#include "bpf/kernel/rings.bpf.h"
#include "sensors/tcp/content.bpf.h"
#include "sensors/tcp/socket.bpf.h"

COUNTERS(TCP_FAMILIES);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TCP_STEER_SLOTS);
	__type(key, __u32);
	__type(value, struct tcp_steer);
} steering SEC(".maps");

const volatile __u32 content_limit = TCP_CONTENT_MAX;
const volatile bool unix_sockets = true;

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

/* The agent's, or that of somebody who is not to be seen from where it is. */
static __always_inline bool own_traffic(void)
{
	return not_observed(current_process());
}

/* Of a socket of which nobody says whose it is. */
static __always_inline bool elsewhere(const struct sock *sk)
{
	return agent_pid_namespace && BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != agent_net_namespace;
}

/* What of a transfer becomes a record, or several. */
struct part {
	__u32 skip;   /* bytes to leave out first */
	__u32 length; /* of what follows */
	__u32 want;   /* how many bytes of its content to copy, at most */
	__u32 pieces; /* how many records it may become; the last tells of all that is left, copied or not */
};

/* A burst on a new socket comes before user space can say what it wants. It is copied as if all were wanted, so that
 * messages are found in it, for as long as half of the room is there: bulk that nobody understands must not push others
 * out. */
static __always_inline __u32 pieces_while_unknown(__u32 length)
{
	void *ring;

	if (length <= content_limit)
		return 1;
	ring = data_ring();
	return ring && room_for_whole_transfer(ring) ? TCP_PIECES_UNKNOWN : 1;
}

/* False where nothing of the transfer is wanted; else the bytes to leave out first, and how many to copy then, at most.
 */
static __always_inline bool plan(const struct flow *flow, __u32 length, struct part *part)
{
	struct tcp_steer *steer = steer_of(flow->key);
	__u8 direction = flow->direction & 1;
	__s32 ahead;

	part->skip = 0;
	part->want = content_limit;
	part->pieces = 1;
	if (!steer || steer->depth == TCP_DEPTH_UNKNOWN)
		part->pieces = pieces_while_unknown(length);
	if (!steer)
		return true;
	if (steer->depth == TCP_DEPTH_ALL)
		part->pieces = TCP_PIECES_MAX;
	if (steer->limit[direction] && steer->limit[direction] < part->want) {
		part->want = steer->limit[direction];
		part->pieces = 1;
	}
	if (steer->mode[direction] == TCP_STEER_OFF)
		return false;
	if (steer->mode[direction] == TCP_STEER_COPY || !flow->has_position)
		return true;
	ahead = steer->until[direction] - flow->position;
	if (ahead > (__s64)length)
		return false;
	if (ahead > 0)
		part->skip = ahead; /* where it equals length, a record without bytes tells when the end was reached */
	return true;
}

static __always_inline void fill_data(struct tcp_data *record, const struct flow *flow, __u32 length, __u64 begin,
				      __u64 now)
{
	__u64 who = current_process();

	record->key = flow->key;
	record->begin = begin ?: now;
	record->position = flow->position;
	record->other_position = flow->other_position;
	record->length = length;
	record->pid = who >> 32;
	record->tid = who;
	record->direction = flow->direction;
	record->has_position = flow->has_position;
	record->pad[0] = record->pad[1] = 0;
	record->sleeps = bpf_get_current_task_btf()->nvcsw;
	record->goroutine = current_goroutine();
	__builtin_memset(record->pad_end, 0, sizeof(record->pad_end));
}

static __always_inline void finish_data(struct tcp_data *record, __u8 kind, __u32 captured, __u64 now)
{
	record->captured = captured;
	fill_header(&record->header, now, sizeof(*record) + captured, kind);
}

/* Counts the transfer; false where nothing of it is wanted. */
static __always_inline bool select_part(struct family_counters *count, struct flow *flow, __u32 length,
					struct part *part)
{
	if (!plan(flow, length, part)) {
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
static __always_inline struct tcp_data *reserve_data(void *ring, __u32 content)
{
	enum { HEAD = sizeof(struct tcp_data) };

	if (content <= 256 - HEAD)
		return bpf_ringbuf_reserve(ring, 256, 0);
	if (content <= 512 - HEAD)
		return bpf_ringbuf_reserve(ring, 512, 0);
	if (content <= 1024 - HEAD)
		return bpf_ringbuf_reserve(ring, 1024, 0);
	if (content <= 2048 - HEAD)
		return bpf_ringbuf_reserve(ring, 2048, 0);
	return bpf_ringbuf_reserve(ring, HEAD + TCP_CONTENT_MAX, 0);
}

/* Makes a part what one record takes of it; returns how many bytes it was. In place, for what is on the stack adds up.
 */
static __always_inline __u32 cut_piece(struct part *part)
{
	__u32 length = part->length;

	if (part->pieces > 1 && length > part->want)
		part->length = part->want;
	return length;
}

/* Makes it what follows, up to the length that cut_piece() returned. */
static __always_inline void go_on(struct part *part, __u32 length, struct flow *flow)
{
	flow->position += part->length;
	part->skip += part->length;
	part->length = length - part->length;
	part->pieces--;
	if (part->want > part->length)
		part->want = part->length;
}

/* Where content comes from in one piece. */
typedef long (*read_piece)(void *to, __u32 size, const void *from, __u64 offset);

/* Writes the record where it will be read: its content is copied once. The time is taken before the room, or a record
 * with an earlier place could have a later time than the end of a socket with bytes in a later place. */
static __always_inline void deliver_piece(struct family_counters *count, const struct flow *flow, struct part *part,
					  __u64 begin, __u8 kind, read_piece read, const void *from, __u64 offset)
{
	__u64 now = bpf_ktime_get_ns();
	void *ring = data_ring();
	struct tcp_data *record;
	__u32 want = part->want;

	barrier_var(want);
	if (!ring || want > TCP_CONTENT_MAX)
		return;
	record = reserve_data(ring, want);
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
	bpf_ringbuf_submit(record, wake_flags(ring, data_wake_bytes));
}

static __always_inline void deliver_vector(struct family_counters *count, const struct flow *flow, struct part *part,
					   __u64 begin, __u8 kind, const struct user_content *content)
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

#define OFFSET_MAX \
	(1 << 29) /* more the verifier allows not to be added to what it takes for a typed pointer: ubuf, in 6.1 */

static __always_inline long read_user(void *to, __u32 size, const void *from, __u64 offset)
{
	barrier_var(offset);
	if (offset >= OFFSET_MAX)
		return -1;
	return bpf_probe_read_user(to, size, from + offset);
}

/* The transfer whose records are being written. */
struct transfer {
	struct family_counters *count;
	const struct user_content *content;
	struct flow *flow; /* of the next piece */
	struct part part;  /* what is left of it */
	__u64 begin;
	__u8 kind;
};

static __always_inline void deliver_user_piece(struct transfer *transfer)
{
	const struct user_content *content = transfer->content;
	__u32 length = cut_piece(&transfer->part);

	if (content->segments || content->vector_in_kernel)
		deliver_vector(transfer->count, transfer->flow, &transfer->part, transfer->begin, transfer->kind,
			       content);
	else
		deliver_piece(transfer->count, transfer->flow, &transfer->part, transfer->begin, transfer->kind,
			      read_user, (const void *)content->base, content->offset + transfer->part.skip);
	go_on(&transfer->part, length, transfer->flow);
}

/* For bpf_loop: 0 goes on with the next piece, 1 ends. */
static __noinline long deliver_next_user_piece(__u32 i, struct transfer *transfer)
{
	if (!transfer->part.length)
		return 1;
	transfer->count->seen++;
	deliver_user_piece(transfer);
	return 0;
}

/* A transfer of length bytes with its content in user memory; begin 0 where it is not known. */
static __always_inline void deliver_user_as(__u8 kind, struct family_counters *count, struct flow *flow, __u32 length,
					    __u64 begin, const struct user_content *content)
{
	struct transfer transfer = {.count = count, .content = content, .flow = flow, .begin = begin, .kind = kind};

	if (!select_part(count, flow, length, &transfer.part))
		return;
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		transfer.part.pieces = 1;
	if (!content->known || (content->unix_only && flow->has_position)) {
		transfer.part.pieces = 1;
		transfer.part.want = 0;
	}
	deliver_user_piece(&transfer);
	if (transfer.part.length && bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		bpf_loop(TCP_PIECES_MAX - 1, deliver_next_user_piece, &transfer, 0);
}

static __always_inline void deliver_user(struct family_counters *count, struct flow *flow, __u32 length, __u64 begin,
					 const struct user_content *content)
{
	deliver_user_as(TCP_DATA, count, flow, length, begin, content);
}
