// SPDX-License-Identifier: Apache-2.0
#include "capture/ip.h"

#include <netinet/in.h>

#include <algorithm>

namespace subfloor::capture {
namespace {

constexpr std::size_t ipv4_header = 20, ipv6_header = 40, fragment_header = 8;
constexpr std::uint16_t ipv4_more = 0x2000, ipv4_offset = 0x1fff;
constexpr int extension_limit = 16;
constexpr std::uint8_t mobility = 135, host_identity = 139, shim6 = 140;

Ip mapped(const Slice& packet, std::size_t at) {
  Ip ip{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::copy_n(packet.bytes.begin() + static_cast<std::ptrdiff_t>(at), 4, ip.begin() + 12);
  return ip;
}

Ip plain(const Slice& packet, std::size_t at) {
  Ip ip{};
  std::copy_n(packet.bytes.begin() + static_cast<std::ptrdiff_t>(at), 16, ip.begin());
  return ip;
}

bool read_fragment_header(IpPacket& packet) {
  if (!packet.payload.has(fragment_header)) return false;
  const std::uint16_t where = packet.payload.u16(2);
  packet.protocol = packet.payload.u8(0);
  packet.id = packet.payload.u32(4);
  packet.offset = where & ~7U;
  packet.more = (where & 1U) != 0;
  packet.is_fragment = packet.offset != 0 || packet.more;
  packet.payload.skip(fragment_header);
  return true;
}

}  // namespace

std::optional<IpPacket> parse_ipv4(Slice packet) {
  if (!packet.has(ipv4_header) || packet.u8(0) >> 4 != 4) return std::nullopt;
  const std::size_t header = (packet.u8(0) & 15U) * 4;
  // 0: longer than the field can say, on its way to a card that cuts it into segments.
  const std::uint64_t total = packet.u16(2) == 0 ? packet.length : packet.u16(2);
  if (header < ipv4_header || total < header) return std::nullopt;
  IpPacket parsed;
  parsed.is_ipv4 = true;
  parsed.source = mapped(packet, 12);
  parsed.destination = mapped(packet, 16);
  parsed.protocol = packet.u8(9);
  const std::uint16_t where = packet.u16(6);
  parsed.id = packet.u16(4);
  parsed.offset = (where & ipv4_offset) * 8U;
  parsed.more = (where & ipv4_more) != 0;
  parsed.is_fragment = parsed.offset != 0 || parsed.more;
  parsed.payload = packet;
  parsed.payload.trim(total);
  parsed.payload.skip(header);
  return parsed;
}

std::optional<IpPacket> parse_ipv6(Slice packet) {
  if (!packet.has(ipv6_header) || packet.u8(0) >> 4 != 6) return std::nullopt;
  IpPacket parsed;
  parsed.source = plain(packet, 8);
  parsed.destination = plain(packet, 24);
  parsed.protocol = packet.u8(6);
  const std::uint16_t length = packet.u16(4);
  parsed.payload = packet;
  parsed.payload.skip(ipv6_header);
  if (length != 0) parsed.payload.trim(length);  // 0: a jumbogram, or on its way to a card that cuts it
  if (!skip_extensions(parsed)) return std::nullopt;
  return parsed;
}

bool skip_extensions(IpPacket& packet) {
  if (packet.is_ipv4) return true;
  for (int i = 0; i < extension_limit && !packet.is_fragment; ++i) {
    std::size_t size = 0;
    switch (packet.protocol) {
      case IPPROTO_FRAGMENT:
        if (!read_fragment_header(packet)) return false;
        continue;
      case IPPROTO_HOPOPTS:
      case IPPROTO_ROUTING:
      case IPPROTO_DSTOPTS:
      case mobility:
      case host_identity:
      case shim6:
        if (!packet.payload.has(2)) return false;
        size = (packet.payload.u8(1) + 1U) * 8;
        break;
      case IPPROTO_AH:
        if (!packet.payload.has(2)) return false;
        size = (packet.payload.u8(1) + 2U) * 4;
        break;
      default: return true;
    }
    packet.protocol = packet.payload.u8(0);
    packet.payload.skip(size);
  }
  return packet.is_fragment;
}

}  // namespace subfloor::capture
