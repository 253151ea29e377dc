/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Rung "cgroup": programs on the root control group, past which every packet of every socket of the host comes, in all
 * network namespaces. What is not UDP leaves after three loads. The sender is the current task; who receives is not
 * known before it answers.
 */
#pragma once

#include "sensors/udp/deliver.bpf.h"

/* Of the packet; payload is the offset of what follows the UDP header. */
struct packet {
	struct udp_endpoint source, destination;
	struct udp_ports ports;
	__u32 payload;
};

/* The length of the IP header, or 0 where it is not followed by one of UDP. Other headers of IPv6 are rare, and passed
 * over by nobody here. */
static __always_inline __u32 before_udp(const struct __sk_buff *skb)
{
	const __u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 20 > end)
		return 0;
	if (data[0] >> 4 == 4)
		return data[9] == IPPROTO_UDP ? (data[0] & 15) * 4 : 0;
	return data[0] >> 4 == 6 && data[6] == IPPROTO_UDP ? 40 : 0;
}

static __always_inline void read_addresses(struct packet *packet, const struct __sk_buff *skb, bool ipv4)
{
	__u8 ip[4];

	if (ipv4) {
		if (!bpf_skb_load_bytes(skb, 12, ip, 4))
			map_v4(&packet->source, ip);
		if (!bpf_skb_load_bytes(skb, 16, ip, 4))
			map_v4(&packet->destination, ip);
	} else {
		bpf_skb_load_bytes(skb, 8, packet->source.ip, 16);
		bpf_skb_load_bytes(skb, 24, packet->destination.ip, 16);
	}
	packet->source.port = bpf_ntohs(packet->ports.source);
	packet->destination.port = bpf_ntohs(packet->ports.destination);
}

struct place {
	const struct __sk_buff *skb;
	__u32 payload;
};

static __always_inline long read_packet(void *to, __u32 size, const void *from)
{
	const struct place *place = from;

	return bpf_skb_load_bytes(place->skb, place->payload, to, size);
}

static __always_inline __u64 current_task(void)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();

	return (__u64)BPF_CORE_READ(task, tgid) << 32 | (__u32)BPF_CORE_READ(task, pid);
}

/* Not inlined, so that what is not UDP need not make room for it. */
static __noinline int packet_passes(struct __sk_buff *skb, __u32 header, __u8 direction)
{
	/* The context is the packet itself, to who may read kernel memory. */
	const struct sock *sk = BPF_CORE_READ((const struct sk_buff *)skb, sk);
	struct packet packet = {};
	struct datagram found = {};
	struct place place;

	if (bpf_skb_load_bytes(skb, header, &packet.ports, sizeof(packet.ports)) || !wanted(&packet.ports, sk))
		return 0;
	read_addresses(&packet, skb, header != 40 || BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET);
	place.skb = skb;
	place.payload = header + UDP_HEADER;
	if (skb->len < place.payload)
		return 0;
	found.sk = sk;
	found.key = bpf_get_socket_cookie(skb);
	found.source = packet.source;
	found.destination = packet.destination;
	found.length = found.at_hand = skb->len - place.payload;
	found.direction = direction;
	deliver(&found, direction == UDP_DIRECTION_OUT ? current_task() : 0, read_packet, &place);
	return 0;
}

SEC("cgroup_skb/egress")
int cg_sent(struct __sk_buff *skb)
{
	__u32 header = before_udp(skb);

	if (header)
		packet_passes(skb, header, UDP_DIRECTION_OUT);
	return 1;
}

SEC("cgroup_skb/ingress")
int cg_received(struct __sk_buff *skb)
{
	__u32 header = before_udp(skb);

	if (header)
		packet_passes(skb, header, UDP_DIRECTION_IN);
	return 1;
}

SEC("cgroup/sock_release")
int cg_closed(struct bpf_sock *sk)
{
	if (sk->protocol == IPPROTO_UDP)
		announce_close(bpf_get_socket_cookie(sk));
	return 1;
}
