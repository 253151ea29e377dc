// SPDX-License-Identifier: Apache-2.0
// MappedText: text whose every byte knows where in the files it was written, through YAML's folding and quoting,
// through appending, and through lists that were put in place of their names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/place.h"

namespace subfloor::rules {

class MappedText {
 public:
  MappedText() = default;
  // All of it from one place.
  MappedText(std::string_view text, Place place) { append(text, place); }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  // Of the byte; past the end, of what follows the last one.
  [[nodiscard]] Place place(std::size_t offset) const;

  void append(char c, Place place);
  void append(std::string_view text, Place place);
  void append(const MappedText& other);
  // `count` bytes of another from `begin` on.
  void append(const MappedText& other, std::size_t begin, std::size_t count);
  // Without blanks at either end.
  [[nodiscard]] MappedText trimmed() const;

 private:
  std::string text_;
  std::vector<Place> places_;
};

}  // namespace subfloor::rules
