// SPDX-License-Identifier: Apache-2.0
#include "rules/place.h"

#include <algorithm>

namespace subfloor::rules {

Source::Source(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
  lines_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i)
    if (text_[i] == '\n') lines_.push_back(static_cast<std::uint32_t>(i + 1));
}

Position Source::position(std::uint32_t offset) const {
  const auto next = std::upper_bound(lines_.begin(), lines_.end(), offset);
  const std::uint32_t begin = *(next - 1);
  const std::size_t end = std::min<std::size_t>(offset, text_.size());
  std::size_t column = 1;
  for (std::size_t i = begin; i < end; ++i)
    if ((text_[i] & 0xc0) != 0x80) ++column;  // the bytes that follow within a character of UTF-8 do not count
  return {static_cast<std::size_t>(next - lines_.begin()), column};
}

std::string_view Source::line(std::size_t number) const {
  if (number == 0 || number > lines_.size()) return {};
  const std::size_t begin = lines_[number - 1];
  std::string_view line = std::string_view(text_).substr(begin);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace subfloor::rules
