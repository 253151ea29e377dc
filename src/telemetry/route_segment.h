// SPDX-License-Identifier: Apache-2.0
// What a segment of an HTTP path is by its looks: a word, or a value that tells calls apart and routes not.
#pragma once

#include <cstddef>
#include <string_view>

namespace subfloor {

inline constexpr std::size_t longest_word = 40;  // bytes of a segment that may be a word

struct RouteSegment {
  // Of a value what stands for it, static; of a word the word itself, which points into the path.
  std::string_view text;
  std::string_view extension = {};  // goes behind: ".json", static; or empty
  bool word = false;
};

// {id}: numbers, UUIDs, hexadecimal, base64-like and long texts, anything with four digits; {date}; {email}; {file}
// with its extension: pictures, style sheets and their kin; {param}: what is escaped or a sentence. All else is a word:
// letters, few digits, . - _ ~ : @ ! $. What follows a ';' is left out.
[[nodiscard]] RouteSegment classify_segment(std::string_view segment);

}  // namespace subfloor
