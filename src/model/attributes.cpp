// SPDX-License-Identifier: Apache-2.0
#include "model/attributes.h"

#include <algorithm>

namespace subfloor {

void AttributeList::add(std::string_view static_key, std::string_view value, Use use, bool number) {
  const auto at = static_cast<std::uint32_t>(block_.size());
  entries_.push_back({static_key, at, static_cast<std::uint32_t>(value.size()), use, number});
  block_.append(value);
}

void AttributeList::add(std::string_view static_key, std::int64_t value, Use use) {
  add(static_key, std::to_string(value), use, true);
}

AttributeList::Item AttributeList::operator[](std::size_t i) const {
  const Entry& entry = entries_[i];
  return {entry.key, std::string_view(block_).substr(entry.value, entry.value_size), entry.use, entry.number};
}

std::optional<std::string_view> AttributeList::find(std::string_view key) const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (entries_[i].key == key) return (*this)[i].value;
  }
  return std::nullopt;
}

void AttributeList::append_to(std::string& text, Use least) const {
  for (std::size_t i = 0; i < size(); ++i) {
    const Item item = (*this)[i];
    if (item.use < least) continue;
    text.append(item.key).push_back('\0');
    text.push_back(item.number ? 'n' : 't');
    const std::size_t at = text.size();
    text.append(item.value);
    std::replace(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), '\0', ' ');  // ends an item
    text.push_back('\0');
  }
}

}  // namespace subfloor
