/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Rung "fentry": the functions through which UDP sends, and takes what was received out of the socket. Nothing but UDP
 * comes there, both are run by the process concerned, and addresses are what the socket knows, whatever is translated
 * after. Of a datagram too long for the packet's head (some 3,500 bytes) the rest is not copied.
 */
#pragma once

#include <bpf/bpf_tracing.h>

#include "sensors/udp/deliver.bpf.h"

struct skb_packet {
	const unsigned char *head, *data;
	__u32 length, in_pages;
	__u16 network, transport;
};

static __always_inline void read_skb(struct skb_packet *packet, const struct sk_buff *skb)
{
	packet->head = BPF_CORE_READ(skb, head);
	packet->data = BPF_CORE_READ(skb, data);
	packet->length = BPF_CORE_READ(skb, len);
	packet->in_pages = BPF_CORE_READ(skb, data_len);
	packet->network = BPF_CORE_READ(skb, network_header);
	packet->transport = BPF_CORE_READ(skb, transport_header);
}

static __always_inline void read_ends(struct datagram *found, const unsigned char *ip)
{
	__u8 version = 0;
	struct {
		__u8 source[4], destination[4];
	} v4;
	struct {
		__u8 source[16], destination[16];
	} v6;

	bpf_probe_read_kernel(&version, sizeof(version), ip);
	if (version >> 4 == 4) {
		bpf_probe_read_kernel(&v4, sizeof(v4), ip + 12);
		map_v4(&found->source, v4.source);
		map_v4(&found->destination, v4.destination);
	} else {
		bpf_probe_read_kernel(&v6, sizeof(v6), ip + 8);
		__builtin_memcpy(found->source.ip, v6.source, 16);
		__builtin_memcpy(found->destination.ip, v6.destination, 16);
	}
}

static __always_inline long read_memory(void *to, __u64 size, const void *from)
{
	return bpf_probe_read_kernel(to, size, from);
}

static __noinline int datagram_passes(const struct sock *sk, const struct sk_buff *skb, __u64 key, __u8 direction)
{
	const unsigned char *payload, *end;
	struct datagram found = {};
	struct skb_packet packet;
	struct udp_ports header;

	read_skb(&packet, skb);
	if (bpf_probe_read_kernel(&header, sizeof(header), packet.head + packet.transport) ||
	    !wanted(&header, BPF_CORE_READ(sk, __sk_common.skc_dport)))
		return 0;
	payload = packet.head + packet.transport + UDP_HEADER;
	end = packet.data + packet.length;
	read_ends(&found, packet.head + packet.network);
	found.source.port = bpf_ntohs(header.source);
	found.destination.port = bpf_ntohs(header.destination);
	found.sk = sk;
	found.key = key;
	found.direction = direction;
	if (end < payload)
		return 0;
	found.length = end - payload;
	found.at_hand = end - packet.in_pages > payload ? end - packet.in_pages - payload : 0;
	deliver(&found, current_process(), read_memory, payload);
	return 0;
}

/* Makes the socket's cookie, which only these hooks can: the packet's own pointer to the socket is not accepted. */
SEC("fentry/udp_sendmsg")
int BPF_PROG(fx_udp4_begins, struct sock *sk)
{
	bpf_get_socket_cookie(sk);
	return 0;
}

SEC("fentry/udpv6_sendmsg")
int BPF_PROG(fx_udp6_begins, struct sock *sk)
{
	bpf_get_socket_cookie(sk);
	return 0;
}

static __always_inline void sent(const struct sk_buff *skb)
{
	const struct sock *sk = BPF_CORE_READ(skb, sk);

	/* Raw sockets send here, too. */
	if (sk && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP && BPF_CORE_READ(sk, sk_type) == SOCK_DGRAM)
		datagram_passes(sk, skb, BPF_CORE_READ(sk, __sk_common.skc_cookie.counter), UDP_DIRECTION_OUT);
}

SEC("fentry/ip_send_skb")
int BPF_PROG(fx_sent4, struct net *net, struct sk_buff *skb)
{
	sent(skb);
	return 0;
}

SEC("fentry/ip6_send_skb")
int BPF_PROG(fx_sent6, struct sk_buff *skb)
{
	sent(skb);
	return 0;
}

/* length is negative where the datagram was only looked at. */
SEC("fentry/skb_consume_udp")
int BPF_PROG(fx_received, struct sock *sk, struct sk_buff *skb, int length)
{
	if (length >= 0)
		datagram_passes(sk, skb, bpf_get_socket_cookie(sk), UDP_DIRECTION_IN);
	return 0;
}

SEC("fentry/udp_destroy_sock")
int BPF_PROG(fx_closed4, struct sock *sk)
{
	announce_close(BPF_CORE_READ(sk, __sk_common.skc_cookie.counter));
	return 0;
}

SEC("fentry/udpv6_destroy_sock")
int BPF_PROG(fx_closed6, struct sock *sk)
{
	announce_close(BPF_CORE_READ(sk, __sk_common.skc_cookie.counter));
	return 0;
}
