// SPDX-License-Identifier: Apache-2.0
// For the fuzz targets.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <span>
#include <string_view>

namespace subfloor::fuzzing {

// Ends the program, which libFuzzer takes for a finding, where the condition does not hold.
inline void require(bool condition, std::source_location where = std::source_location::current()) {
  if (condition) return;
  std::fprintf(stderr, "%s:%u: what is required in %s does not hold\n", where.file_name(), where.line(),
               where.function_name());
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace subfloor::fuzzing
