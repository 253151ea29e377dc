/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records of sensor udp. Read by both compilers. */
#pragma once

#include "bpf/abi/record.h"

enum udp_record_kind {
	UDP_DATAGRAM = 1,     /* struct udp_datagram and content, data ring */
	UDP_SOCKET_CLOSE = 2, /* struct udp_socket_close, data ring: so that it stays behind what the socket moved */
};

/* Index of the counters map. */
enum udp_family { UDP_FAMILY_SEND, UDP_FAMILY_RECEIVE, UDP_FAMILY_SOCKET, UDP_FAMILIES };

enum { UDP_DIRECTION_IN = 0, UDP_DIRECTION_OUT = 1 };

#define UDP_CONTENT_MAX 4096 /* bytes of content in one record */

struct udp_endpoint {
	__u8 ip[16]; /* IPv4 as v4-mapped */
	__u16 port;  /* host byte order */
	__u16 pad;
};

/* Followed by `captured` bytes of content, the first of `length`. */
struct udp_datagram {
	struct record_header header;
	__u64 key;
	struct udp_endpoint local, remote;
	__u32 net_namespace;
	__u32 pid, tid; /* 0 where unknown */
	__u32 length;
	__u32 captured;
	__u32 lost; /* how many this CPU could not tell of so far in this direction */
	__u8 direction;
	__u8 pad[7];
};
ABI_ASSERT(sizeof(struct udp_datagram) == 96, "udp_datagram has no hidden padding");

/* A socket that moved wanted datagrams is gone. */
struct udp_socket_close {
	struct record_header header;
	__u64 key;
};
ABI_ASSERT(sizeof(struct udp_socket_close) == 24, "udp_socket_close has no hidden padding");
