// SPDX-License-Identifier: Apache-2.0
#include "sensors/udp/decoder.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/byte_reader.h"

namespace subfloor::sensors {
namespace {

Address address_of(const udp_endpoint& end) {
  Address address;
  std::copy(std::begin(end.ip), std::end(end.ip), address.ip.begin());
  address.port = end.port;
  return address;
}

}  // namespace

bool UdpDecoder::decode(const record_header& header, std::span<const std::byte> record) {
  switch (header.kind) {
    case UDP_DATAGRAM: return datagram(record);
    case UDP_SOCKET_CLOSE: return closed(record);
    default: return false;
  }
}

bool UdpDecoder::datagram(std::span<const std::byte> record) {
  ByteReader reader(record);
  udp_datagram fixed;
  std::string_view bytes;
  if (!reader.read(fixed) || !reader.read_text(fixed.captured, bytes) || fixed.captured > fixed.length) return false;
  if (fixed.direction > UDP_DIRECTION_OUT) return false;
  events_.on_datagram({.key = fixed.key,
                       .local = address_of(fixed.local),
                       .remote = address_of(fixed.remote),
                       .net_namespace = fixed.net_namespace,
                       .outbound = fixed.direction == UDP_DIRECTION_OUT,
                       .bytes = bytes,
                       .length = fixed.length,
                       .when = fixed.header.time,
                       .pid = fixed.pid,
                       .tid = fixed.tid,
                       .lost_before = lost_since(fixed)});
  return true;
}

bool UdpDecoder::lost_since(const udp_datagram& record) {
  const std::uint32_t place = std::uint32_t{record.header.cpu} << 1U | record.direction;
  return std::exchange(lost_[place], record.lost) != record.lost;
}

bool UdpDecoder::closed(std::span<const std::byte> record) {
  ByteReader reader(record);
  udp_socket_close fixed;
  if (!reader.read(fixed)) return false;
  events_.on_socket_closed({.key = fixed.key, .when = fixed.header.time});
  return true;
}

}  // namespace subfloor::sensors
