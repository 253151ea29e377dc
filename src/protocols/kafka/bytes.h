// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace subfloor::protocols::kafka {

// The signed number that these one to eight bytes are, most significant first.
[[nodiscard]] inline std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  const int unused = 64 - 8 * static_cast<int>(bytes.size());
  return static_cast<std::int64_t>(value << unused) >> unused;
}

}  // namespace subfloor::protocols::kafka
