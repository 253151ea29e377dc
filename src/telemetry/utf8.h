// SPDX-License-Identifier: Apache-2.0
// Text from the wire may be any bytes; what exporters write must be UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace subfloor::utf8 {

inline constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

struct Step {
  std::size_t size;  // bytes of the character, or of the longest beginning of one where it is ill-formed; at least 1
  bool valid;
};

// The character at the front of text, which must not be empty.
[[nodiscard]] Step step(std::string_view text);

// text with U+FFFD in place of ill-formed sequences and of control characters.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace subfloor::utf8
