// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/named.h"

#include <algorithm>
#include <utility>

#include "protocols/postgres/wire.h"

namespace subfloor::protocols::postgres {

Named::Entry* Named::look_up(std::string_view name) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

Known* Named::put(std::string_view name) {
  if (name.size() > name_limit) return nullptr;
  Entry* entry = look_up(name);
  if (entry == nullptr) {
    if (entries_.size() < most_) {
      entry = &entries_.emplace_back();
    } else {
      entry = &*std::min_element(entries_.begin(), entries_.end(),
                                 [](const Entry& a, const Entry& b) { return a.used < b.used; });
    }
    entry->name.assign(name);
  }
  text_ -= std::exchange(entry->text, 0);
  entry->known.clear();
  entry->used = ++clock_;
  return &entry->known;
}

void Named::filled(Known& known) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return &e.known == &known; });
  if (entry == entries_.end()) return;
  const std::size_t size = known.statement.text.size();
  if (text_ + size > most_text_) {
    std::string().swap(known.statement.text);
  } else {
    text_ += entry->text = size;
  }
}

const Known* Named::find(std::string_view name) {
  Entry* const entry = look_up(name);
  if (entry == nullptr) return nullptr;
  entry->used = ++clock_;
  return &entry->known;
}

void Named::erase(std::string_view name) {
  Entry* const entry = look_up(name);
  if (entry == nullptr) return;
  text_ -= std::exchange(entry->text, 0);
  if (name.empty()) return entry->known.clear();  // will be there again at once
  if (entry != &entries_.back()) *entry = std::move(entries_.back());
  entries_.pop_back();
}

void Named::clear() {
  entries_.clear();
  text_ = 0;
}

}  // namespace subfloor::protocols::postgres
