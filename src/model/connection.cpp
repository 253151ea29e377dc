// SPDX-License-Identifier: Apache-2.0
#include "model/connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace subfloor {
namespace {

constexpr std::array<std::uint8_t, 12> v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool Address::is_ipv4() const { return std::equal(v4_mapped.begin(), v4_mapped.end(), ip.begin()); }

std::string Address::ip_text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_ipv4()) {
    inet_ntop(AF_INET, ip.data() + v4_mapped.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, ip.data(), text.data(), text.size());
  }
  return text.data();
}

std::string Address::text() const {
  return is_ipv4() ? fmt::format("{}:{}", ip_text(), port) : fmt::format("[{}]:{}", ip_text(), port);
}

}  // namespace subfloor
