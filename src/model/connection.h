// SPDX-License-Identifier: Apache-2.0
// One end of a connection, as a process on this host holds it: of a stream, or of datagrams to and from one peer.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace subfloor {

enum class Transport : std::uint8_t { tcp, unix_stream, udp };

struct Address {
  // IPv6, or IPv4 as v4-mapped ::ffff:a.b.c.d; all zero where unknown.
  std::array<std::uint8_t, 16> ip{};
  std::uint16_t port = 0;  // host byte order

  auto operator<=>(const Address&) const = default;

  [[nodiscard]] bool known() const { return *this != Address{}; }
  [[nodiscard]] bool is_ipv4() const;
  // "127.0.0.1" or "::1"; v4-mapped addresses print as IPv4.
  [[nodiscard]] std::string ip_text() const;
  // "127.0.0.1:80" or "[::1]:80".
  [[nodiscard]] std::string text() const;
};

// Kernel-wide name of a socket: its cookie; for a unix socket its inode number with the top bit set.
using SocketKey = std::uint64_t;

struct Connection {
  SocketKey key = 0;
  SocketKey peer = 0;            // the other end where that is on this host and was found, else 0
  Transport transport = Transport::tcp;
  Address local, remote;         // tcp, udp
  std::string unix_path;         // unix_stream: the listener's path, "@name" if abstract, empty if unnamed
  std::uint32_t net_namespace = 0;  // inode number, 0 where unknown
  bool tls = false;              // what is told of it went through TLS
  bool joined_late = false;      // older than the agent: its first bytes were not seen
  Nanoseconds opened = 0;        // 0 where unknown
  std::uint32_t srtt_us = 0;     // smoothed round-trip time when last heard of, 0 where unknown
  std::uint32_t retransmits = 0; // segments, so far
};

}  // namespace subfloor
