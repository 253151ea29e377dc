// SPDX-License-Identifier: Apache-2.0
// Records of sensor udp → events.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "sensors/sensor.h"
#include "sensors/udp/udp_abi.h"

namespace subfloor::sensors {

class UdpDecoder final : public Decoder {
 public:
  explicit UdpDecoder(Events& events) : events_(events) {}

  [[nodiscard]] bool decode(const record_header& header, std::span<const std::byte> record) override;

 private:
  [[nodiscard]] bool datagram(std::span<const std::byte> record);
  [[nodiscard]] bool closed(std::span<const std::byte> record);
  [[nodiscard]] bool lost_since(const udp_datagram& record);

  Events& events_;
  std::map<std::uint32_t, std::uint32_t> lost_;  // by CPU and direction, as last told; none at first
};

}  // namespace subfloor::sensors
