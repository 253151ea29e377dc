// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Sensor tls: what processes write to and read from their TLS libraries, at the library's own functions: where a call
 * begins its arguments are noted, where it returns the bytes that it moved are copied. The same programs are attached
 * to every file that has the functions, by uprobe.multi or one by one.
 */
#include "vmlinux.h"

#include <bpf/bpf_tracing.h>

#include "sensors/tls/deliver.bpf.h"
#include "sensors/tls/go_http.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define THREADS_MAX 16384
#define FRAMES_MAX  2  /* TLS within TLS: to a proxy, and through it */
#define RETURN_PAST 16 /* by so much, at most, is the stack shorter when the call has returned */

struct frame {
	__u64 object, buffer;
	__u64 moved_at; /* where the call stores how many bytes it moved; 0: it returns their number */
	__u64 entered;
	__u64 stack;
	__u64 direction;
};

struct calls {
	__u64 depth;
	struct frame frames[FRAMES_MAX];
};

/* The calls that a thread is in. Threads that are gone are pushed out by others. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, THREADS_MAX);
	__type(key, __u32);
	__type(value, struct calls);
} calls SEC(".maps");

static __always_inline void enter(struct pt_regs *ctx, __u8 direction, __u64 object, __u64 buffer, __u64 moved_at)
{
	struct frame frame = {.object = object,
			      .buffer = buffer,
			      .moved_at = moved_at,
			      .entered = bpf_ktime_get_ns(),
			      .stack = PT_REGS_SP(ctx),
			      .direction = direction};
	__u32 thread = bpf_get_current_pid_tgid();
	struct calls fresh = {.depth = 1}, *mine;
	struct family_counters *count;

	if (own_traffic())
		return;
	mine = bpf_map_lookup_elem(&calls, &thread);
	if (!mine) {
		fresh.frames[0] = frame;
		if (bpf_map_update_elem(&calls, &thread, &fresh, BPF_ANY)) {
			count = counters_of(direction);
			if (count) {
				count->seen++;
				count->map_full++;
			}
		}
		return;
	}
	/* One whose return was not seen (a signal's long jump) is no frame of the stack any more. */
	if (mine->depth > 1 && mine->frames[1].stack <= frame.stack)
		mine->depth = 1;
	if (mine->depth > 0 && mine->frames[0].stack <= frame.stack)
		mine->depth = 0;
	if (mine->depth == 0) {
		mine->frames[0] = frame;
		mine->depth = 1;
	} else if (mine->depth == 1) {
		mine->frames[1] = frame;
		mine->depth = 2;
	}
}

/* The frame that this return is of, which is over with it; false where its beginning was not seen. */
static __always_inline bool take_frame(struct pt_regs *ctx, struct frame *frame)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct calls *mine = bpf_map_lookup_elem(&calls, &thread);
	__u64 stack = PT_REGS_SP(ctx);

	if (!mine)
		return false;
	if (mine->depth > 1 && stack - mine->frames[1].stack <= RETURN_PAST) {
		*frame = mine->frames[1];
		mine->depth = 1;
		return true;
	}
	if (mine->depth > 0 && stack - mine->frames[0].stack <= RETURN_PAST) {
		*frame = mine->frames[0];
		mine->depth = 0;
		return true;
	}
	return false;
}

static __always_inline void leave(struct pt_regs *ctx, __s64 result)
{
	struct frame frame;
	__u64 moved = 0;

	if (!take_frame(ctx, &frame))
		return;
	if (frame.moved_at) {
		if (result <= 0 || bpf_probe_read_user(&moved, sizeof(moved), (const void *)frame.moved_at))
			return;
	} else if (result > 0) {
		moved = result;
	}
	if (!moved || moved >= 1ULL << 31)
		return;
	deliver(frame.object, frame.buffer, moved, frame.direction, frame.entered, target_of(ctx));
}

/* int SSL_read(SSL *, void *, int), int SSL_write(SSL *, const void *, int) */
SEC("uprobe")
int BPF_UPROBE(read_begins, void *object, void *buffer)
{
	enter(ctx, TLS_DIRECTION_IN, (__u64)object, (__u64)buffer, 0);
	return 0;
}

SEC("uprobe")
int BPF_UPROBE(write_begins, void *object, const void *buffer)
{
	enter(ctx, TLS_DIRECTION_OUT, (__u64)object, (__u64)buffer, 0);
	return 0;
}

SEC("uretprobe")
int BPF_URETPROBE(int_returns, int result)
{
	leave(ctx, result);
	return 0;
}

/* int SSL_read_ex(SSL *, void *, size_t, size_t *), and likewise to write */
SEC("uprobe")
int BPF_UPROBE(read_ex_begins, void *object, void *buffer, size_t size, size_t *moved)
{
	enter(ctx, TLS_DIRECTION_IN, (__u64)object, (__u64)buffer, (__u64)moved);
	return 0;
}

SEC("uprobe")
int BPF_UPROBE(write_ex_begins, void *object, const void *buffer, size_t size, size_t *moved)
{
	enter(ctx, TLS_DIRECTION_OUT, (__u64)object, (__u64)buffer, (__u64)moved);
	return 0;
}

/* ssize_t gnutls_record_recv(gnutls_session_t, void *, size_t), and likewise to send: begun as SSL_read and SSL_write
 */
SEC("uretprobe")
int BPF_URETPROBE(long_returns, long result)
{
	leave(ctx, result);
	return 0;
}

/* void SSL_free(SSL *), int SSL_clear(SSL *), void gnutls_deinit(gnutls_session_t) */
SEC("uprobe")
int BPF_UPROBE(session_ends, void *object)
{
	if (!own_traffic())
		end_session((__u64)object);
	return 0;
}
