// SPDX-License-Identifier: Apache-2.0
// How the two ends of what passes between sockets of this host find each other.
#pragma once

#include <cstdint>
#include <tuple>

#include "model/connection.h"

namespace subfloor::streams {

[[nodiscard]] inline bool is_loopback(const Address& address) {
  return address.is_ipv4() ? address.ip[12] == 127
                           : address.ip == Address{.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}.ip;
}

// Loopback addresses mean another host in each network namespace; others are taken to be unique. `reversed`: as the
// other end has it.
[[nodiscard]] inline std::tuple<std::uint32_t, Address, Address> ends_of(const Connection& connection, bool reversed) {
  const Address& first = reversed ? connection.remote : connection.local;
  const Address& second = reversed ? connection.local : connection.remote;
  return {is_loopback(first) ? connection.net_namespace : 0, first, second};
}

}  // namespace subfloor::streams
