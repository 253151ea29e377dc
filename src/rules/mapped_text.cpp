// SPDX-License-Identifier: Apache-2.0
#include "rules/mapped_text.h"

#include <algorithm>

namespace subfloor::rules {

Place MappedText::place(std::size_t offset) const {
  if (places_.empty()) return {};
  if (offset < places_.size()) return places_[offset];
  // A text that breaks off is pointed at where more was expected: behind its last character that is no blank.
  const std::size_t last = text_.find_last_not_of(" \t\r\n");
  Place end = places_[last == std::string::npos ? 0 : last];
  ++end.offset;
  return end;
}

void MappedText::append(char c, Place place) {
  text_ += c;
  places_.push_back(place);
}

void MappedText::append(std::string_view text, Place place) {
  text_ += text;
  places_.insert(places_.end(), text.size(), place);
}

void MappedText::append(const MappedText& other) { append(other, 0, other.size()); }

void MappedText::append(const MappedText& other, std::size_t begin, std::size_t count) {
  begin = std::min(begin, other.size());
  count = std::min(count, other.size() - begin);
  text_.append(other.text_, begin, count);
  const auto first = other.places_.begin() + static_cast<std::ptrdiff_t>(begin);
  places_.insert(places_.end(), first, first + static_cast<std::ptrdiff_t>(count));
}

MappedText MappedText::trimmed() const {
  MappedText result;
  const std::size_t begin = text_.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return result;
  result.append(*this, begin, text_.find_last_not_of(" \t\r\n") - begin + 1);
  return result;
}

}  // namespace subfloor::rules
