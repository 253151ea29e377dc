/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From a call of a TLS library to a record. A way of attaching finds out which object of the library, which buffer and
 * how many bytes; all that follows is the same for all.
 */
#pragma once

#include <bpf/bpf_core_read.h>

#include "bpf/kernel/goroutine.bpf.h"
#include "bpf/kernel/rings.bpf.h"
#include "bpf/kernel/who.bpf.h"
#include "sensors/tls/tls_abi.h"

COUNTERS(TLS_FAMILIES);

#define SESSIONS_MAX 65536

/* What a library calls one connection: an address in a process. */
struct session_key {
	__u64 object;
	__u32 tgid;
	__u32 is_socket; /* object is a socket's key */
};

struct session {
	__u64 id;
	__u32 position[2]; /* per direction, of the next byte */
};

/* Those that are not used any more and never told so are pushed out by others. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SESSIONS_MAX);
	__type(key, struct session_key);
	__type(value, struct session);
} sessions SEC(".maps");

/* By the number of the file that is attached to: from when on it is, with all its functions. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TLS_TARGETS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} attached_since SEC(".maps");

/* One transfer of plaintext. */
struct transfer {
	struct family_counters *count;
	struct session *session;
	__u64 socket;
	__u64 buffer;
	__u64 entered;
	__u64 since;
	__u32 goroutine;
	__u32 length; /* still to be told of */
	__u32 pieces; /* records that are left to tell it in */
	__u8 direction;
};

static __always_inline struct family_counters *counters_of(__u8 direction)
{
	__u32 family = direction == TLS_DIRECTION_OUT ? TLS_FAMILY_WRITE : TLS_FAMILY_READ;

	return bpf_map_lookup_elem(&counters, &family);
}

static __always_inline __u32 target_of(void *ctx)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_attach_cookie) ? bpf_get_attach_cookie(ctx)
											: 0;
}

static __always_inline bool own_traffic(void)
{
	return not_observed(current_process());
}

static __always_inline struct session_key session_key_of(__u64 object)
{
	struct session_key key = {.object = object, .tgid = bpf_get_current_pid_tgid() >> 32};

	return key;
}

static __always_inline struct session *session_of(struct session_key key)
{
	struct session *known = bpf_map_lookup_elem(&sessions, &key);
	struct session fresh = {};

	if (known)
		return known;
	/* No two on one CPU at one time; the clock has 56 bits for over two years of uptime. */
	fresh.id = (__u64)bpf_get_smp_processor_id() << 56 | (bpf_ktime_get_ns() & ((1ULL << 56) - 1));
	bpf_map_update_elem(&sessions, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sessions, &key);
}

static __always_inline struct tls_data *reserve_data(void *ring, __u32 content)
{
	enum { HEAD = sizeof(struct tls_data) };

	if (content <= 256 - HEAD)
		return bpf_ringbuf_reserve(ring, 256, 0);
	if (content <= 1024 - HEAD)
		return bpf_ringbuf_reserve(ring, 1024, 0);
	return bpf_ringbuf_reserve(ring, HEAD + TLS_CONTENT_MAX, 0);
}

/* The next record of the transfer; the last one tells of all that is left, copied or not. With registers of its own: on the
 * stack of a caller the verifier of 6.1 loses that what was compared with the size of a record is what is copied. */
static __noinline int deliver_piece(struct transfer *transfer)
{
	__u8 direction = transfer->direction & 1;
	__u64 now = bpf_ktime_get_ns(), who = current_process();
	__u32 length = transfer->length, want;
	struct tls_data *record;
	void *ring = data_ring();

	if (transfer->pieces > 1 && length > TLS_CONTENT_MAX)
		length = TLS_CONTENT_MAX;
	want = length;
	if (want > TLS_CONTENT_MAX)
		want = TLS_CONTENT_MAX;
	barrier_var(want);
	if (want > TLS_CONTENT_MAX)
		return 0;
	transfer->count->seen++;
	record = ring ? reserve_data(ring, want) : NULL;
	if (!record) {
		transfer->count->ring_full++;
	} else {
		if (bpf_probe_read_user(record + 1, want, (const void *)transfer->buffer)) {
			transfer->count->unreadable++;
			want = 0;
		}
		record->session = transfer->session->id;
		record->socket = transfer->socket;
		record->entered = transfer->entered;
		record->since = transfer->since;
		record->position = transfer->session->position[direction];
		record->other_position = transfer->session->position[!direction];
		record->length = length;
		record->captured = want;
		record->pid = who >> 32;
		record->tid = who;
		record->sleeps = bpf_get_current_task_btf()->nvcsw;
		record->goroutine = transfer->goroutine;
		record->direction = direction;
		__builtin_memset(record->pad, 0, sizeof(record->pad));
		fill_header(&record->header, now, sizeof(*record) + want, TLS_DATA);
		transfer->count->submitted++;
		transfer->count->bytes += want;
		bpf_ringbuf_submit(record, wake_flags(ring, data_wake_bytes));
	}
	transfer->session->position[direction] += length; /* told or not: what was lost shows as a step */
	transfer->buffer += length;
	transfer->length -= length;
	transfer->pieces--;
	return 0;
}

/* For bpf_loop: 0 goes on with the next piece, 1 ends. */
static __noinline long deliver_next_piece(__u32 i, struct transfer *transfer)
{
	if (!transfer->length)
		return 1;
	deliver_piece(transfer);
	return 0;
}

/* socket: its key, where it is known to which one the session belongs; else 0. goroutine: its number, else 0. */
static __always_inline void deliver_of(struct session *session, __u64 socket, __u64 buffer, __u32 length,
				       __u8 direction, __u64 entered, __u32 target, __u32 goroutine)
{
	struct transfer transfer = {.count = counters_of(direction),
				    .session = session,
				    .socket = socket,
				    .buffer = buffer,
				    .entered = entered,
				    .goroutine = goroutine,
				    .length = length,
				    .pieces = 1,
				    .direction = direction};
	__u64 *since = bpf_map_lookup_elem(&attached_since, &target);
	void *ring = data_ring();

	if (!transfer.count)
		return;
	if (!transfer.session) {
		transfer.count->seen++;
		transfer.count->map_full++;
		return;
	}
	transfer.since = since ? *since : 0;
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		deliver_piece(&transfer);
		return;
	}
	/* All of it, for messages may begin anywhere. */
	if (ring && room_for_whole_transfer(ring))
		transfer.pieces = TLS_PIECES_MAX;
	deliver_piece(&transfer);
	if (transfer.length)
		bpf_loop(TLS_PIECES_MAX - 1, deliver_next_piece, &transfer, 0);
}

static __always_inline void deliver(__u64 object, __u64 buffer, __u32 length, __u8 direction, __u64 entered,
				    __u32 target)
{
	deliver_of(session_of(session_key_of(object)), 0, buffer, length, direction, entered, target, 0);
}

/* Of a session that is known by its socket: then that is what it is called. */
static __always_inline void deliver_of_socket(__u64 socket, __u64 buffer, __u32 length, __u8 direction, __u64 entered,
					      __u32 target, __u32 goroutine)
{
	struct session_key key = session_key_of(socket);

	key.is_socket = 1;
	deliver_of(session_of(key), socket, buffer, length, direction, entered, target, goroutine);
}

/* The library's object is gone, or will serve another connection. */
static __always_inline void end_session(__u64 object)
{
	struct session_key key = session_key_of(object);
	struct session *session = bpf_map_lookup_elem(&sessions, &key);
	struct tls_over over = {};
	void *ring = data_ring();

	if (!session)
		return;
	over.session = session->id;
	fill_header(&over.header, bpf_ktime_get_ns(), sizeof(over), TLS_OVER);
	/* Where there is no room for it, the socket's end tells the same. */
	if (ring)
		submit(ring, data_wake_bytes, &over, sizeof(over));
	bpf_map_delete_elem(&sessions, &key);
}
