/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The one way from a datagram to a record: every rung ends here. A rung finds the socket, the headers and the payload;
 * the ports decide what is wanted, before anything else is looked at.
 */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/kernel/rings.bpf.h"
#include "sensors/udp/udp_abi.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_DGRAM 2
#define IPPROTO_UDP 17
#define UDP_HEADER 8

COUNTERS(UDP_FAMILIES);

struct ports_filter {
  __u64 bits[1024];
};

/* The ports wanted, at either end, as a bitmap. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct ports_filter);
} ports SEC(".maps");

/* Sockets that user space has heard of, so that it is told of their end. One that falls out only waits there until its
 * flows are idle. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, __u8);
} told_of SEC(".maps");

/* As it stands in front of the payload. */
struct udp_ports {
  __be16 source, destination;
};

/* What a rung found out. */
struct datagram {
  __u64 key;
  const struct sock* sk;
  struct udp_endpoint source, destination;
  __u32 length;  /* of the payload */
  __u32 at_hand; /* how much of it the rung can read */
  __u8 direction;
};

static __always_inline struct family_counters* counters_of(__u32 family) {
  return bpf_map_lookup_elem(&counters, &family);
}

static __always_inline bool port_wanted(const struct ports_filter* filter, __u16 port) {
  return filter->bits[(port >> 6) & 1023] >> (port & 63) & 1;
}

/* By the ports in the packet, or the one that the socket is connected to: where addresses are translated they differ.
 */
static __always_inline bool wanted(const struct udp_ports* packet, __be16 connected) {
  struct ports_filter* filter;
  __u32 zero = 0;

  filter = bpf_map_lookup_elem(&ports, &zero);
  return filter && (port_wanted(filter, bpf_ntohs(packet->source)) ||
                    port_wanted(filter, bpf_ntohs(packet->destination)) || port_wanted(filter, bpf_ntohs(connected)));
}

static __always_inline void map_v4(struct udp_endpoint* end, const void* ip) {
  end->ip[10] = 0xff;
  end->ip[11] = 0xff;
  __builtin_memcpy(&end->ip[12], ip, 4);
}

/* What the socket itself says of an end, where it is bound or connected: the packet may have been translated. */
static __always_inline void read_remote(struct udp_endpoint* end, const struct sock* sk) {
  if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
    map_v4(end, &(__be32){BPF_CORE_READ(sk, __sk_common.skc_daddr)});
  else
    BPF_CORE_READ_INTO(&end->ip, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
}

static __always_inline bool is_zero(const struct in6_addr* ip) {
  const __u64* words = (const void*)ip;

  return !words[0] && !words[1];
}

static __always_inline void read_local(struct udp_endpoint* end, const struct sock* sk) {
  struct in6_addr ip;
  __be32 v4;

  if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
    v4 = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
    if (v4) map_v4(end, &v4);
    return;
  }
  BPF_CORE_READ_INTO(&ip, sk, __sk_common.skc_v6_rcv_saddr);
  if (!is_zero(&ip)) __builtin_memcpy(end->ip, &ip, sizeof(ip));
}

static __always_inline void fill_datagram(struct udp_datagram* record, const struct datagram* found) {
  const struct sock* sk = found->sk;
  __u16 dport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
  __u16 num = BPF_CORE_READ(sk, __sk_common.skc_num);

  record->key = found->key;
  record->local = found->direction == UDP_DIRECTION_OUT ? found->source : found->destination;
  record->remote = found->direction == UDP_DIRECTION_OUT ? found->destination : found->source;
  read_local(&record->local, sk);
  if (num) record->local.port = num;
  if (dport) {
    read_remote(&record->remote, sk);
    record->remote.port = dport;
  }
  record->net_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  record->length = found->length;
  record->direction = found->direction;
  __builtin_memset(record->pad, 0, sizeof(record->pad));
}

static __always_inline void remember(__u64 key) {
  __u8 yes = 1;

  if (!bpf_map_lookup_elem(&told_of, &key)) bpf_map_update_elem(&told_of, &key, &yes, BPF_ANY);
}

typedef long (*read_payload)(void* to, __u64 size, const void* from);

static __always_inline void finish_datagram(struct udp_datagram* record, const struct datagram* found,
                                            const struct family_counters* count, __u64 who, __u64 now, __u32 captured) {
  fill_datagram(record, found);
  record->pid = who >> 32;
  record->tid = who;
  record->captured = captured;
  record->lost = count->ring_full + count->no_key;
  fill_header(&record->header, now, sizeof(*record) + captured, UDP_DATAGRAM);
}

/* None of its content can be read here; that it went by is news. */
static __always_inline void deliver_without_content(const struct datagram* found, struct family_counters* count,
                                                    __u64 who, __u64 now) {
  struct udp_datagram record = {};

  count->unreadable++;
  finish_datagram(&record, found, count, who, now, 0);
  submit_data(count, &record, sizeof(record), 0);
}

/* Room for so much content, a constant and a power of two, with *want bytes of it, 1 at least; *want is then what could
 * be read. The record says how much of its room it uses. */
static __always_inline struct udp_datagram* reserve_and_read(void* ring, const __u64 room, __u32* want,
                                                             read_payload read, const void* from) {
  struct udp_datagram* record = bpf_ringbuf_reserve(ring, sizeof(*record) + room, 0);
  __u64 bytes = *want;

  if (!record) return NULL;
  /* The same number, in a form that verifiers of all ages understand, and compilers do not see through. */
  barrier_var(bytes);
  bytes = ((bytes - 1) & (room - 1)) + 1;
  if (read(record + 1, bytes, from)) *want = 0;
  return record;
}

static __always_inline void deliver_content(const struct datagram* found, struct family_counters* count, __u64 who,
                                            __u64 now, read_payload read, const void* from) {
  __u32 want = found->at_hand > UDP_CONTENT_MAX ? UDP_CONTENT_MAX : found->at_hand;
  struct udp_datagram* record;
  void* ring = data_ring();

  if (!ring) return;
  if (want <= 128)
    record = reserve_and_read(ring, 128, &want, read, from);
  else if (want <= 512)
    record = reserve_and_read(ring, 512, &want, read, from);
  else if (want <= 2048)
    record = reserve_and_read(ring, 2048, &want, read, from);
  else
    record = reserve_and_read(ring, UDP_CONTENT_MAX, &want, read, from);
  if (!record) {
    count->ring_full++;
    return;
  }
  if (!want) count->unreadable++;
  count->submitted++;
  count->bytes += want;
  finish_datagram(record, found, count, who, now, want);
  bpf_ringbuf_submit(record, wake_flags(ring, data_wake_bytes));
}

/* who: 0 where not known. */
static __always_inline void deliver(const struct datagram* found, __u64 who, read_payload read, const void* from) {
  struct family_counters* count =
      counters_of(found->direction == UDP_DIRECTION_OUT ? UDP_FAMILY_SEND : UDP_FAMILY_RECEIVE);
  __u64 now = bpf_ktime_get_ns();

  if (!count) return;
  count->seen++;
  if (who >> 32 == agent_tgid || !found->length) {
    count->filtered++;
    return;
  }
  if (!found->key) {
    count->no_key++;
    return;
  }
  remember(found->key);
  if (found->at_hand)
    deliver_content(found, count, who, now, read, from);
  else
    deliver_without_content(found, count, who, now);
}

static __always_inline void announce_close(__u64 key) {
  struct family_counters* count;
  struct udp_socket_close record = {.key = key};

  if (!key || !bpf_map_lookup_elem(&told_of, &key)) return;
  bpf_map_delete_elem(&told_of, &key);
  count = counters_of(UDP_FAMILY_SOCKET);
  if (!count) return;
  count->seen++;
  fill_header(&record.header, bpf_ktime_get_ns(), sizeof(record), UDP_SOCKET_CLOSE);
  submit_data(count, &record, sizeof(record), 0);
}
