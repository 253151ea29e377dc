// SPDX-License-Identifier: Apache-2.0
// For tests: packets and capture files as bytes, and a receiver that writes down what it is told.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "capture/connections.h"
#include "capture/decoder.h"

namespace subfloor::capture::testing {

// Numbers in network byte order.
inline std::string be16(unsigned value) { return {static_cast<char>(value >> 8U), static_cast<char>(value)}; }
inline std::string be32(std::uint32_t value) { return be16(value >> 16U) + be16(value & 0xffffU); }

struct Tcp {
  std::uint16_t from = 40000, to = 80;
  std::uint32_t sequence = 1, acknowledged = 0;
  std::string flags = "A";  // letters of S, A, F, R
  std::string payload = {};
  std::string options = {};  // a multiple of four bytes
};

inline std::string tcp(const Tcp& t) {
  unsigned flags = 0;
  for (const char flag : t.flags)
    flags |= flag == 'S' ? 2U : flag == 'A' ? 16U : flag == 'F' ? 1U : flag == 'R' ? 4U : 0U;
  return be16(t.from) + be16(t.to) + be32(t.sequence) + be32(t.acknowledged) +
         be16(static_cast<unsigned>((5 + t.options.size() / 4) << 12U) | flags) + be16(1024) + "\xde\xad" + be16(0) +
         t.options + t.payload;
}
inline std::string udp(std::uint16_t from, std::uint16_t to, std::string_view payload) {
  return be16(from) + be16(to) + be16(static_cast<unsigned>(8 + payload.size())) + be16(0) + std::string(payload);
}

// 10.0.0.1 → 10.0.0.2; where: flags and offset as in the header.
inline std::string ipv4(std::string_view payload, unsigned protocol = 6, unsigned id = 7, unsigned where = 0,
                        std::string_view options = "") {
  const auto header = static_cast<unsigned>(20 + options.size());
  return std::string(1, static_cast<char>(0x40 | header / 4)) + std::string(1, '\0') +
         be16(static_cast<unsigned>(header + payload.size())) + be16(id) + be16(where) + "\x40" +
         std::string(1, static_cast<char>(protocol)) + be16(0xbad) + be32(0x0a000001) + be32(0x0a000002) +
         std::string(options) + std::string(payload);
}
// 2001:db8::1 → 2001:db8::2
inline std::string ipv6(std::string_view payload, unsigned next = 6) {
  const std::string network = be32(0x20010db8) + std::string(8, '\0');
  return be32(0x60000000) + be16(static_cast<unsigned>(payload.size())) + std::string(1, static_cast<char>(next)) +
         "\x40" + network + be32(1) + network + be32(2) + std::string(payload);
}
inline std::string fragment_header(unsigned next, unsigned offset, bool more, std::uint32_t id) {
  return std::string(1, static_cast<char>(next)) + std::string(1, '\0') + be16(offset | (more ? 1U : 0U)) + be32(id);
}

inline std::string ethernet(std::string_view packet, unsigned type = 0x0800,
                            std::initializer_list<unsigned> tags = {}) {
  std::string frame(12, '\x02');
  for (const unsigned tag : tags) frame += be16(tag) + be16(5);
  return frame + be16(type) + std::string(packet);
}

// Writes down "tcp 10.0.0.1:40000 > 10.0.0.2:80 1+5 hello", "udp …".
class Heard final : public TransportReceiver {
 public:
  void on_tcp(const TcpSegment& s) override {
    lines.push_back(fmt::format("tcp {} > {} {}+{} {}", s.source.text(), s.destination.text(), s.sequence,
                                s.payload.length, s.payload.bytes));
  }
  void on_udp(const UdpDatagram& d) override {
    lines.push_back(
        fmt::format("udp {} > {} {}+{}", d.source.text(), d.destination.text(), d.payload.bytes, d.payload.length));
  }
  std::vector<std::string> lines;
};

// Writes down "open 1 10.0.0.2:80 < 10.0.0.1:40000", "1 in 5 hello" (length, then content), "1 in 7 -", "close 1 at 9".
class Told final : public sensors::Events {
 public:
  void on_socket_opened(const sensors::SocketOpened& o) override {
    lines.push_back(fmt::format("open {} {} < {}{}", o.connection.key, o.connection.local.text(),
                                o.connection.remote.text(), o.connection.joined_late ? " late" : ""));
    if (!o.connection.joined_late) positions = {o.inbound_position, o.outbound_position};
  }
  void on_stream_data(const sensors::StreamData& d) override {
    lines.push_back(
        fmt::format("{} {} {} {}", d.key, d.outbound ? "out" : "in", d.length, d.bytes.empty() ? "-" : d.bytes));
    times.push_back(d.end);
  }
  void on_socket_closed(const sensors::SocketClosed& c) override {
    lines.push_back(fmt::format("close {} at {}", c.key, c.when));
  }
  std::vector<std::string> lines;
  std::vector<Nanoseconds> times;
  std::pair<std::uint32_t, std::uint32_t> positions;
};

}  // namespace subfloor::capture::testing
