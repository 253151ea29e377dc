// SPDX-License-Identifier: Apache-2.0
#include "capture/decoder.h"

#include <netinet/in.h>

#include "capture/link.h"

namespace subfloor::capture {
namespace {

constexpr std::size_t tcp_header = 20, udp_header = 8;
constexpr std::uint8_t flag_fin = 1, flag_syn = 2, flag_rst = 4, flag_ack = 16;

}  // namespace

void PacketDecoder::on_packet(const Packet& packet) {
  ++counters_.packets;
  if (packet.content.length > packet.content.bytes.size()) ++counters_.truncated;
  const auto unwrapped = unwrap_link(link_type_, packet.content);
  if (unwrapped && unwrapped->network == Network::other) {
    ++counters_.other;
    return;
  }
  std::optional<IpPacket> ip;
  if (unwrapped)
    ip = unwrapped->network == Network::ipv4 ? parse_ipv4(unwrapped->packet) : parse_ipv6(unwrapped->packet);
  if (ip && ip->is_fragment) {
    ip = fragments_.add(*ip, packet.time);
    if (!ip) return;
    if (!skip_extensions(*ip) || ip->is_fragment) ip.reset();
  }
  if (!ip || !on_ip(*ip, packet.time)) ++counters_.malformed;
}

bool PacketDecoder::on_ip(const IpPacket& packet, Nanoseconds time) {
  switch (packet.protocol) {
    case IPPROTO_TCP: return on_tcp(packet, time);
    case IPPROTO_UDP: return on_udp(packet, time);
    default: ++counters_.other; return true;
  }
}

bool PacketDecoder::on_tcp(const IpPacket& packet, Nanoseconds time) {
  const Slice& header = packet.payload;
  if (!header.has(tcp_header)) return false;
  const std::size_t size = (header.u8(12) >> 4U) * 4U;
  if (size < tcp_header || size > header.length) return false;
  const std::uint8_t flags = header.u8(13);
  TcpSegment segment{.time = time,
                     .source = {packet.source, header.u16(0)},
                     .destination = {packet.destination, header.u16(2)},
                     .sequence = header.u32(4),
                     .acknowledged = header.u32(8),
                     .syn = (flags & flag_syn) != 0,
                     .ack = (flags & flag_ack) != 0,
                     .fin = (flags & flag_fin) != 0,
                     .reset = (flags & flag_rst) != 0,
                     .payload = header};
  segment.payload.skip(size);
  ++counters_.tcp;
  receiver_.on_tcp(segment);
  return true;
}

bool PacketDecoder::on_udp(const IpPacket& packet, Nanoseconds time) {
  const Slice& header = packet.payload;
  if (!header.has(udp_header)) return false;
  UdpDatagram datagram{.time = time,
                       .source = {packet.source, header.u16(0)},
                       .destination = {packet.destination, header.u16(2)},
                       .payload = header};
  if (header.u16(4) >= udp_header) datagram.payload.trim(header.u16(4));
  datagram.payload.skip(udp_header);
  ++counters_.udp;
  receiver_.on_udp(datagram);
  return true;
}

}  // namespace subfloor::capture
