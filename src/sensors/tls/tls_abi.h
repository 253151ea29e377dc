/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records of sensor tls. Read by both compilers. */
#pragma once

#include "bpf/abi/record.h"

enum tls_record_kind {
	TLS_DATA = 1,      /* struct tls_data and plaintext */
	TLS_OVER = 2,      /* struct tls_over: the process gave the session up */
	TLS_ON_BEHALF = 3, /* struct tls_on_behalf: of Go, for whom another goroutine is about to write */
	TLS_HANDLER = 4,   /* struct tls_handler: of Go, who handles a request of HTTP/2 */
};

/* Index of the counters map. */
enum tls_family { TLS_FAMILY_READ, TLS_FAMILY_WRITE, TLS_FAMILY_ON_BEHALF, TLS_FAMILY_HANDLER, TLS_FAMILIES };

enum { TLS_DIRECTION_IN = 0, TLS_DIRECTION_OUT = 1 };

#define TLS_CONTENT_MAX 4096 /* bytes of content in one record */
#define TLS_PIECES_MAX  256  /* records of one call of the library */
#define TLS_TARGETS_MAX 1024 /* files attached to at one time */

/* Followed by `captured` bytes of plaintext, the first of the `length` that the call moved. header.time is its end. */
struct tls_data {
	struct record_header header;
	__u64 session;  /* the library's object for as long as it serves one connection: unlike all others, ever */
	__u64 socket;   /* the key of the socket it belongs to, where that is known; else 0 */
	__u64 entered;  /* ns: when the call began */
	__u64 since;    /* ns: from when on every call of the library is seen; 0: from after this one */
	__u32 position; /* of the first byte, counted from the first that was seen of the session */
	__u32 other_position; /* of the next byte of the other direction */
	__u32 length;
	__u32 captured;
	__u32 pid, tid;
	__u32 sleeps, goroutine; /* as in tcp_data */
	__u8 direction;
	__u8 pad[7];
};
ABI_ASSERT(sizeof(struct tls_data) == 88, "tls_data has no hidden padding");

struct tls_over {
	struct record_header header;
	__u64 session;
};
ABI_ASSERT(sizeof(struct tls_over) == 24, "tls_over has no hidden padding");

/* What a goroutine is about to write to this socket, plaintext or not, another one asked for. */
struct tls_on_behalf {
	struct record_header header;
	__u64 socket;
	__u64 asked;    /* ns: when it did */
	__u32 position; /* of the first byte: as in tls_data where it is plaintext of TLS, else a TCP sequence number */
	__u32 length;   /* the first byte of each record about it is below position + length */
	__u32 pid;
	__u32 goroutine; /* that asked */
	__u8 plaintext;
	__u8 pad[7];
};
ABI_ASSERT(sizeof(struct tls_on_behalf) == 56, "tls_on_behalf has no hidden padding");

/* A goroutine begins to handle the request of a stream of HTTP/2, or is done with that. */
struct tls_handler {
	struct record_header header;
	__u64 socket;
	__u32 stream; /* 0: done */
	__u32 pid;
	__u32 goroutine;
	__u32 pad;
};
ABI_ASSERT(sizeof(struct tls_handler) == 40, "tls_handler has no hidden padding");
