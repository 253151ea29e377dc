// SPDX-License-Identifier: Apache-2.0
// What a packet is wrapped in on its link.
#pragma once

#include <optional>

#include "capture/slice.h"

namespace subfloor::capture {

enum class Network : std::uint8_t { ipv4, ipv6, other };

struct Unwrapped {
  Network network;
  Slice packet;  // from the network header on
};

// link_type is libpcap's DLT_…
[[nodiscard]] bool known_link(int link_type);

// Nothing where the packet is too short for its own headers. VLAN tags, any number of them, are passed over.
[[nodiscard]] std::optional<Unwrapped> unwrap_link(int link_type, Slice packet);

}  // namespace subfloor::capture
