/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records and shared memory of sensor tcp. Read by both compilers. */
#pragma once

#include "bpf/abi/record.h"

enum tcp_record_kind {
	TCP_SOCKET_OPEN = 1,   /* struct tcp_socket_open, control ring */
	TCP_SOCKET_CLOSE = 2,  /* struct tcp_socket_close, control ring */
	TCP_RETRANSMIT = 3,    /* struct tcp_retransmit, control ring */
	TCP_DATA = 4,          /* struct tcp_data and content, data ring */
	TCP_UNIX_CONTENT = 5,  /* the same; names the sender, awaits the TCP_UNIX_RECEIVED of the same thread */
	TCP_UNIX_RECEIVED = 6, /* struct tcp_unix_received, data ring */
};

/* Index of the counters map. */
enum tcp_family { TCP_FAMILY_SEND, TCP_FAMILY_RECEIVE, TCP_FAMILY_UNIX, TCP_FAMILY_SOCKET, TCP_FAMILIES };

enum { TCP_DIRECTION_IN = 0, TCP_DIRECTION_OUT = 1 };
enum { TCP_SIDE_UNKNOWN = 0, TCP_SIDE_CONNECTED = 1, TCP_SIDE_ACCEPTED = 2 };

#define TCP_UNIX_KEY       (1ULL << 63) /* set in the keys of unix sockets: the rest is the inode number */
#define TCP_UNIX_PATH      108
#define TCP_CONTENT_MAX    4096 /* bytes of content in one record */
#define TCP_PIECES_MAX     256  /* records of one transfer, where all of it is wanted */
#define TCP_PIECES_UNKNOWN 64   /* where user space has not said yet */

struct tcp_endpoint {
	__u8 ip[16]; /* IPv4 as v4-mapped */
	__u16 port;  /* host byte order */
	__u16 pad;
};

struct tcp_socket_open {
	struct record_header header;
	__u64 key;
	__u64 peer; /* is_unix: key of the other end, 0 where unknown */
	struct tcp_endpoint local, remote;
	__u32 inbound_position, outbound_position; /* sequence numbers of the next bytes */
	__u32 net_namespace;
	__u32 pid; /* 0 where unknown */
	__u8 is_unix;
	__u8 side;        /* TCP_SIDE_… */
	__u8 old;         /* existed before the sensor was attached */
	__u8 path_length; /* of path, is_unix only; an abstract name begins with a NUL */
	__u8 pad[4];
	char path[TCP_UNIX_PATH];
	__u8 pad_end[4];
};
ABI_ASSERT(sizeof(struct tcp_socket_open) == 208, "tcp_socket_open has no hidden padding");

struct tcp_socket_close {
	struct record_header header;
	__u64 key;
	__u32 inbound_position, outbound_position;
	__u32 srtt_us, retransmits;
};
ABI_ASSERT(sizeof(struct tcp_socket_close) == 40, "tcp_socket_close has no hidden padding");

struct tcp_retransmit {
	struct record_header header;
	__u64 key;
};
ABI_ASSERT(sizeof(struct tcp_retransmit) == 24, "tcp_retransmit has no hidden padding");

/* Followed by `captured` bytes of content, the first of the `length` transferred. header.time is the end of the transfer. */
struct tcp_data {
	struct record_header header;
	__u64 key;
	__u64 begin;          /* ns; equal to header.time where it is not known */
	__u32 position;       /* sequence number of the first byte, has_position only */
	__u32 other_position; /* of the next byte of the other direction, has_position only */
	__u32 length;
	__u32 captured;
	__u32 pid, tid; /* 0 where unknown */
	__u8 direction;
	__u8 has_position;
	__u8 pad[2];
	__u32 sleeps;    /* of the thread, of its own accord, since it began; 0 where unknown */
	__u32 goroutine; /* its number, if it is Go; else it means nothing */
	__u8 pad_end[4];
};
ABI_ASSERT(sizeof(struct tcp_data) == 72, "tcp_data has no hidden padding");

/* One recvmsg on a unix socket ended: the TCP_UNIX_CONTENT records of this thread since its last belong to it. */
struct tcp_unix_received {
	struct record_header header;
	__u64 key, peer; /* peer 0 where it is gone */
	__u32 pid, tid;
	__u32 length; /* 0: the peer will write no more */
	__u8 peek;    /* MSG_PEEK: the bytes stay and will come again */
	__u8 over;    /* length 0: neither end will write any more */
	__u8 pad[2];
};
ABI_ASSERT(sizeof(struct tcp_unix_received) == 48, "tcp_unix_received has no hidden padding");

/* What user space wants of a socket. Written by it in shared memory, read by the programs: slot = key % TCP_STEER_SLOTS.
 * Socket cookies are consecutive numbers, so that collisions are rare; who loses one is simply copied in full. */
#define TCP_STEER_SLOTS 65536

enum { TCP_STEER_COPY = 0, TCP_STEER_SKIP = 1, TCP_STEER_OFF = 2 };
enum { TCP_DEPTH_UNKNOWN = 0, TCP_DEPTH_BEGINNINGS = 1, TCP_DEPTH_ALL = 2 };

struct tcp_steer {
	__u64 key;      /* 0 while empty or being changed */
	__u32 until[2]; /* per direction, TCP_STEER_SKIP: content is wanted again from this sequence number on */
	__u16 limit[2]; /* per direction: content bytes wanted of each transfer; 0: as many as a record holds */
	__u8 mode[2];   /* per direction */
	__u8 depth; /* messages begin only where transfers do, or anywhere in them: their content goes on in further records */
	__u8 pad;
};
ABI_ASSERT(sizeof(struct tcp_steer) == 24, "tcp_steer has no hidden padding");
