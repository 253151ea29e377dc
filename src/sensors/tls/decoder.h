// SPDX-License-Identifier: Apache-2.0
// Records of sensor tls → events.
#pragma once

#include <span>

#include "sensors/sensor.h"

namespace subfloor::sensors {

class TlsDecoder final : public Decoder {
 public:
  explicit TlsDecoder(Events& events) : events_(events) {}

  [[nodiscard]] bool decode(const record_header& header, std::span<const std::byte> record) override;

 private:
  Events& events_;
};

}  // namespace subfloor::sensors
