// SPDX-License-Identifier: Apache-2.0
// Where something stands in the rule files that were read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace subfloor::rules {

struct Place {
  std::uint32_t file = 0;    // index into Sources
  std::uint32_t offset = 0;  // in bytes
  bool operator==(const Place&) const = default;
};

struct Position {
  std::size_t line = 1, column = 1;  // as editors count; a column is a character
};

// One file, held for as long as anything may be said of it.
class Source {
 public:
  Source(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] Position position(std::uint32_t offset) const;
  // The line (from 1) without its end.
  [[nodiscard]] std::string_view line(std::size_t number) const;

 private:
  std::string name_, text_;
  std::vector<std::uint32_t> lines_;  // where each begins
};

using Sources = std::vector<Source>;

}  // namespace subfloor::rules
