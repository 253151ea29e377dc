/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which goroutine does what for whom, in Go's net/http.
 *
 * Clients: a goroutine asks, another one writes: that of the connection (HTTP/1), or
 * one for the stream (HTTP/2). Where it asks, it is noted by what both know: the connection or the request. Where that
 * is about to be written, a record tells which bytes of which socket these will be. That they are told of by their
 * place makes a record that is lost a call left unconnected, never one connected falsely.
 *
 * Servers: of HTTP/1, the goroutine that reads a request handles it. Of HTTP/2, it is one for each stream, and records
 * tell which when it begins and when it is over: then what is at the same place in memory will be another goroutine.
 *
 * Attached only while somebody follows traces. Probed are the same places as in crypto/tls.
 */
#pragma once

#include "sensors/tls/go.bpf.h"

#define GO_ASKERS_MAX 16384

/* As net/http lays them out, in 1.19 and 1.23 alike: an interface and behind it, where it speaks TLS, what was agreed on. That
 * the interface is one shows in the socket that is found behind it. */
struct go_http_connection {
	__u64 table, data;
	__u64 tls_state;
};
#define GO_HTTP1_CONNECTION 80 /* in a persistConn: behind an interface, a pointer, three strings and a bool */
#define GO_HTTP2_CONNECTION 8  /* in an http2ClientConn: behind a pointer */
#define GO_HTTP2_SERVED     16 /* in an http2serverConn: the connection, behind two pointers */
#define GO_HTTP2_STREAM_ID  8  /* in an http2stream: behind a pointer */

/* By an address that means one thing at a time in its process: a persistConn, a Request, a goroutine. */
struct go_asker_key {
	__u64 address;
	__u32 tgid;
	__u32 pad;
};

struct go_asker {
	__u64 when;
	__u32 goroutine;
	__u32 pad;
};

/* Who asked last. What is not asked for again is pushed out by others. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GO_ASKERS_MAX);
	__type(key, struct go_asker_key);
	__type(value, struct go_asker);
} go_askers SEC(".maps");

/* By the number of the file that is attached to: from when on all of this is, too; 0: not. What was noted before is of
 * another time, and of another program perhaps. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TLS_TARGETS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} followed_since SEC(".maps");

static __always_inline struct go_asker_key go_asker_key_of(__u64 address)
{
	struct go_asker_key key = {.address = address, .tgid = bpf_get_current_pid_tgid() >> 32};

	return key;
}

static __always_inline void go_note_asker(__u64 address, const struct go_asker *asker)
{
	struct go_asker_key key = go_asker_key_of(address);

	/* Rather nobody than who asked before. */
	if (bpf_map_update_elem(&go_askers, &key, asker, BPF_ANY))
		bpf_map_delete_elem(&go_askers, &key);
}

/* False where nobody is known to have asked. */
static __always_inline bool go_asker_at(struct pt_regs *ctx, __u64 address, struct go_asker *asker)
{
	struct go_asker_key key = go_asker_key_of(address);
	struct go_asker *found = bpf_map_lookup_elem(&go_askers, &key);
	__u32 target = target_of(ctx);
	__u64 *since = bpf_map_lookup_elem(&followed_since, &target);

	if (!found || !since || !*since || found->when < *since)
		return false;
	*asker = *found;
	return true;
}

static __always_inline void go_asks(struct pt_regs *ctx, __u64 address)
{
	struct go_asker asker = {.when = bpf_ktime_get_ns(), .goroutine = goroutine_number(GO_GOROUTINE(ctx))};

	if (own_traffic() || GO_STACK_TOO_SMALL(ctx))
		return;
	go_note_asker(address, &asker);
}

/* The socket under a net.Conn, which may be wrapped in others, TLS among them. */
static __always_inline struct sock *go_sock_under(__u64 connection)
{
	struct go_interface inner;
	struct sock *sk;
	__u64 net;

#pragma clang loop unroll(full)
	for (int i = 0; i < GO_WRAPPINGS_MAX; i++) {
		if (bpf_probe_read_user(&net, sizeof(net), (const void *)connection))
			return NULL;
		sk = go_sock_at(net);
		if (sk)
			return sk;
		if (bpf_probe_read_user(&inner, sizeof(inner), (const void *)connection))
			return NULL;
		connection = inner.data;
	}
	return NULL;
}

/* The next byte that goes into this connection, and `length` with it, are for whom they were asked for by. */
static __always_inline void go_tell_on_behalf(__u64 connection, const struct go_asker *asker, __u32 length)
{
	__u32 family = TLS_FAMILY_ON_BEHALF;
	struct family_counters *count = bpf_map_lookup_elem(&counters, &family);
	struct tls_on_behalf told = {.asked = asker->when, .length = length, .goroutine = asker->goroutine};
	struct go_http_connection http;
	struct session_key key;
	struct session *session;
	struct sock *sk = NULL;

	if (!count)
		return;
	count->seen++;
	if (!bpf_probe_read_user(&http, sizeof(http), (const void *)connection)) {
		sk = go_sock_under(http.data);
		if (sk)
			told.socket = tcp_key(sk);
	}
	if (!told.socket) {
		count->no_key++;
		return;
	}
	if (http.tls_state) {
		key = session_key_of(told.socket);
		key.is_socket = 1;
		session = session_of(key);
		if (!session) {
			count->map_full++;
			return;
		}
		told.plaintext = 1;
		told.position = session->position[TLS_DIRECTION_OUT];
	} else {
		told.position = BPF_CORE_READ((const struct tcp_sock *)sk, write_seq);
	}
	told.pid = bpf_get_current_pid_tgid() >> 32;
	fill_header(&told.header, bpf_ktime_get_ns(), sizeof(told), TLS_ON_BEHALF);
	submit_data(count, &told, sizeof(told), 0);
}

/* func (pc *persistConn) roundTrip(req *transportRequest) (*Response, error) */
SEC("uprobe")
int go_http1_asks(struct pt_regs *ctx)
{
	go_asks(ctx, GO_ARGUMENT_1(ctx));
	return 0;
}

/* func (w persistConnWriter) Write(p []byte) (int, error): a struct of nothing but a *persistConn */
SEC("uprobe")
int go_http1_writes(struct pt_regs *ctx)
{
	__u64 connection = GO_ARGUMENT_1(ctx), length = GO_ARGUMENT_3(ctx);
	struct go_asker asker;

	if (own_traffic() || GO_STACK_TOO_SMALL(ctx) || !length || length >= 1ULL << 31)
		return 0;
	if (go_asker_at(ctx, connection, &asker))
		go_tell_on_behalf(connection + GO_HTTP1_CONNECTION, &asker, length);
	return 0;
}

/* func (cc *http2ClientConn) roundTrip(req *Request, …), before 1.20 RoundTrip(req *Request) */
SEC("uprobe")
int go_http2_asks(struct pt_regs *ctx)
{
	go_asks(ctx, GO_ARGUMENT_2(ctx));
	return 0;
}

/* func (cs *http2clientStream) encodeAndWriteHeaders(req *Request) error: by the stream's goroutine, which then waits
 * for its turn to write. */
SEC("uprobe")
int go_http2_begins(struct pt_regs *ctx)
{
	struct go_asker asker;

	if (own_traffic() || GO_STACK_TOO_SMALL(ctx))
		return 0;
	if (go_asker_at(ctx, GO_ARGUMENT_2(ctx), &asker)) {
		go_note_asker(GO_GOROUTINE(ctx), &asker);
	} else {
		struct go_asker_key key = go_asker_key_of(GO_GOROUTINE(ctx));

		bpf_map_delete_elem(&go_askers, &key);
	}
	return 0;
}

/* func (cc *http2ClientConn) writeHeaders(streamID uint32, endStream bool, maxFrameSize int, hdrs []byte) error: it is
 * its turn. */
SEC("uprobe")
int go_http2_writes(struct pt_regs *ctx)
{
	struct go_asker_key key = go_asker_key_of(GO_GOROUTINE(ctx));
	struct go_asker asker;

	if (own_traffic() || GO_STACK_TOO_SMALL(ctx))
		return 0;
	if (!go_asker_at(ctx, GO_GOROUTINE(ctx), &asker))
		return 0;
	bpf_map_delete_elem(&go_askers, &key); /* trailers come by here, too, but do not begin a request */
	go_tell_on_behalf(GO_ARGUMENT_1(ctx) + GO_HTTP2_CONNECTION, &asker, 1);
	return 0;
}

/* The number of the stream that a http2responseWriter is for, which holds no more than a pointer to what begins with a
 * pointer to the stream; 0 where that cannot be read. */
static __always_inline __u32 go_stream_of(__u64 writer)
{
	__u64 state, stream;
	__u32 id;

	if (bpf_probe_read_user(&state, sizeof(state), (const void *)writer) ||
	    bpf_probe_read_user(&stream, sizeof(stream), (const void *)state) ||
	    bpf_probe_read_user(&id, sizeof(id), (const void *)(stream + GO_HTTP2_STREAM_ID)))
		return 0;
	return id;
}

/* func (sc *http2serverConn) runHandler(rw *http2responseWriter, req *Request, handler func(ResponseWriter, *Request))
 */
SEC("uprobe")
int go_http2_handles(struct pt_regs *ctx)
{
	__u32 family = TLS_FAMILY_HANDLER;
	struct family_counters *count = bpf_map_lookup_elem(&counters, &family);
	struct tls_handler told = {.goroutine = goroutine_number(GO_GOROUTINE(ctx))};
	struct go_interface connection;
	struct sock *sk = NULL;

	if (!count || own_traffic() || GO_STACK_TOO_SMALL(ctx))
		return 0;
	count->seen++;
	if (!bpf_probe_read_user(&connection, sizeof(connection), (const void *)GO_ARGUMENT_1(ctx) + GO_HTTP2_SERVED))
		sk = go_sock_under(connection.data);
	if (sk)
		told.socket = tcp_key(sk);
	told.stream = go_stream_of(GO_ARGUMENT_2(ctx));
	if (!told.socket || !told.stream) {
		count->no_key++;
		return 0;
	}
	told.pid = bpf_get_current_pid_tgid() >> 32;
	fill_header(&told.header, bpf_ktime_get_ns(), sizeof(told), TLS_HANDLER);
	submit_data(count, &told, sizeof(told), 0);
	return 0;
}

/* By the ring that does not drop: what is not heard of this would be taken for the other goroutine's. */
SEC("uprobe")
int go_http2_handled(struct pt_regs *ctx)
{
	__u32 family = TLS_FAMILY_HANDLER;
	struct family_counters *count = bpf_map_lookup_elem(&counters, &family);
	struct tls_handler told = {.pid = bpf_get_current_pid_tgid() >> 32,
				   .goroutine = goroutine_number(GO_GOROUTINE(ctx))};

	if (!count || own_traffic())
		return 0;
	count->seen++;
	fill_header(&told.header, bpf_ktime_get_ns(), sizeof(told), TLS_HANDLER);
	submit_control(count, &told, sizeof(told));
	return 0;
}
