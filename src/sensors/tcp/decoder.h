// SPDX-License-Identifier: Apache-2.0
// Records of sensor tcp → events.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "sensors/sensor.h"
#include "sensors/tcp/tcp_abi.h"

namespace subfloor::sensors {

class TcpDecoder final : public Decoder {
 public:
  explicit TcpDecoder(Events& events) : events_(events) {}

  [[nodiscard]] bool decode(const record_header& header, std::span<const std::byte> record) override;

 private:
  // Content that a thread took from a unix socket, until the record that says from which, and whether it was a peek.
  struct Piece {
    SocketKey sender;
    std::string bytes;
    std::uint64_t length;
    Nanoseconds begin;
  };

  [[nodiscard]] bool socket_opened(std::span<const std::byte> record);
  [[nodiscard]] bool socket_closed(std::span<const std::byte> record);
  [[nodiscard]] bool data(std::span<const std::byte> record, bool unix_content);
  [[nodiscard]] bool unix_received(std::span<const std::byte> record);
  void deliver(const tcp_unix_received& received, const std::vector<Piece>& pieces);

  Events& events_;
  std::unordered_map<std::uint32_t, std::vector<Piece>> pending_;  // by thread
  std::size_t pending_bytes_ = 0;
};

}  // namespace subfloor::sensors
