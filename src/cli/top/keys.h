// SPDX-License-Identifier: Apache-2.0
// What a terminal sends, as keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace subfloor::cli {

struct Key {
  enum class Name : std::uint8_t { text, up, down, page_up, page_down, home, end, enter, escape, backspace };
  Name name = Name::text;
  std::string text = {};  // of Name::text: one character, UTF-8
  bool operator==(const Key&) const = default;
};

// A sequence that breaks off at the end is taken for the Escape key. What is not known is left out.
[[nodiscard]] std::vector<Key> read_keys(std::string_view bytes);

}  // namespace subfloor::cli
