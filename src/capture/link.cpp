// SPDX-License-Identifier: Apache-2.0
#include "capture/link.h"

#include <net/ethernet.h>
#include <pcap/dlt.h>

namespace subfloor::capture {
namespace {

constexpr std::size_t ethernet_addresses = 12, vlan_tag = 4;
constexpr std::size_t cooked_header = 16, cooked_protocol = 14;
constexpr std::size_t cooked2_header = 20;
constexpr std::size_t loopback_header = 4;
constexpr std::uint16_t qinq_old = 0x9100;

bool is_vlan(std::uint16_t type) { return type == ETHERTYPE_VLAN || type == 0x88a8 || type == qinq_old; }

// `packet` begins behind the type.
std::optional<Unwrapped> by_type(std::uint16_t type, Slice packet) {
  while (is_vlan(type)) {
    if (!packet.has(vlan_tag)) return std::nullopt;
    type = packet.u16(2);
    packet.skip(vlan_tag);
  }
  if (type == ETHERTYPE_IP) return Unwrapped{Network::ipv4, packet};
  if (type == ETHERTYPE_IPV6) return Unwrapped{Network::ipv6, packet};
  return Unwrapped{Network::other, packet};
}

std::optional<Unwrapped> by_type_at(std::size_t type_at, std::size_t header, Slice packet) {
  if (!packet.has(header)) return std::nullopt;
  const std::uint16_t type = packet.u16(type_at);
  packet.skip(header);
  return by_type(type, packet);
}

std::optional<Unwrapped> by_version(Slice packet) {
  if (!packet.has(1)) return std::nullopt;
  const int version = packet.u8(0) >> 4;
  return Unwrapped{version == 4 ? Network::ipv4 : version == 6 ? Network::ipv6 : Network::other, packet};
}

// The address family is that of whatever system captured, in whatever byte order: only the small values are families.
std::optional<Unwrapped> by_family(Slice packet) {
  if (!packet.has(loopback_header)) return std::nullopt;
  const std::uint32_t value = packet.u32(0);
  const std::uint32_t family = value > 0xffff ? __builtin_bswap32(value) : value;
  packet.skip(loopback_header);
  switch (family) {
    case 2: return Unwrapped{Network::ipv4, packet};
    case 10:  // Linux
    case 24:  // NetBSD, OpenBSD
    case 28:  // FreeBSD
    case 30:  // macOS
      return Unwrapped{Network::ipv6, packet};
    default: return Unwrapped{Network::other, packet};
  }
}

}  // namespace

bool known_link(int link_type) {
  switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_NULL:
    case DLT_LOOP: return true;
    default: return false;
  }
}

std::optional<Unwrapped> unwrap_link(int link_type, Slice packet) {
  switch (link_type) {
    case DLT_EN10MB: return by_type_at(ethernet_addresses, ethernet_addresses + 2, packet);
    case DLT_LINUX_SLL: return by_type_at(cooked_protocol, cooked_header, packet);
    case DLT_LINUX_SLL2: return by_type_at(0, cooked2_header, packet);
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6: return by_version(packet);
    case DLT_NULL:
    case DLT_LOOP: return by_family(packet);
    default: return std::nullopt;
  }
}

}  // namespace subfloor::capture
