// SPDX-License-Identifier: Apache-2.0
// IPv4 and IPv6 packets, down to what they carry.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>

#include "capture/slice.h"

namespace subfloor::capture {

using Ip = std::array<std::uint8_t, 16>;  // IPv4 as v4-mapped

struct IpPacket {
  Ip source{}, destination{};
  bool is_ipv4 = false;
  std::uint8_t protocol = 0;  // of the payload; IPv6 extension headers are passed over
  Slice payload;              // as long as the headers say; of a fragment, its part
  bool is_fragment = false;   // and then:
  std::uint32_t id = 0;
  std::uint32_t offset = 0;   // of the payload in the whole
  bool more = false;          // it is not the last part
};

// Nothing where the headers are malformed, or not captured whole. Checksums are not looked at: a sender that leaves
// them to its network card is captured before they are right.
[[nodiscard]] std::optional<IpPacket> parse_ipv4(Slice packet);
[[nodiscard]] std::optional<IpPacket> parse_ipv6(Slice packet);

// Passes over the extension headers of a reassembled packet. False where they are malformed.
[[nodiscard]] bool skip_extensions(IpPacket& packet);

}  // namespace subfloor::capture
