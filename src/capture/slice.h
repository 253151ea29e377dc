// SPDX-License-Identifier: Apache-2.0
// Slice: bytes of a packet of which only the first may have been captured.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace subfloor::capture {

struct Slice {
  std::string_view bytes;    // what was captured
  std::uint64_t length = 0;  // what passed: >= bytes.size()

  [[nodiscard]] bool has(std::size_t count) const { return bytes.size() >= count; }

  // Numbers in network byte order; only where has() said that they are there.
  [[nodiscard]] std::uint8_t u8(std::size_t at) const { return static_cast<std::uint8_t>(bytes[at]); }
  [[nodiscard]] std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(u8(at) << 8 | u8(at + 1)); }
  [[nodiscard]] std::uint32_t u32(std::size_t at) const {
    return static_cast<std::uint32_t>(u16(at)) << 16 | u16(at + 2);
  }

  // Drops the first bytes, captured or not.
  void skip(std::uint64_t count) {
    bytes.remove_prefix(static_cast<std::size_t>(std::min<std::uint64_t>(count, bytes.size())));
    length -= std::min(count, length);
  }
  // Drops what lies beyond.
  void trim(std::uint64_t new_length) {
    length = std::min(length, new_length);
    bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), length)));
  }
};

}  // namespace subfloor::capture
