// SPDX-License-Identifier: Apache-2.0
#include "protocols/kafka/topics.h"

#include <algorithm>
#include <cstring>

namespace subfloor::protocols::kafka {

TopicId topic_id(std::string_view bytes) {
  TopicId id{};
  std::memcpy(id.data(), bytes.data(), std::min(bytes.size(), id.size()));
  return id;
}

bool is_set(const TopicId& id) { return id != TopicId{}; }

std::string_view to_text(const TopicId& id, std::array<char, 22>& text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::uint32_t bits = 0;
  int waiting = 0;
  std::size_t size = 0;
  for (const char c : id) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (waiting += 8; waiting >= 6; waiting -= 6) text[size++] = digits[bits >> (waiting - 6) & 63];
  }
  text[size] = digits[bits << (6 - waiting) & 63];
  return {text.data(), text.size()};
}

bool is_topic_name(std::string_view text) {
  return !text.empty() && text.size() <= topic_name_limit && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

void TopicIds::learn(const TopicId& id, std::string_view name) {
  const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) { return each.id == id; });
  if (known != entries_.end()) {
    if (known->name != name) known->name = name;
  } else if (entries_.size() < topic_ids_limit) {
    entries_.push_back({id, std::string(name)});
  } else {
    entries_[oldest_].id = id;
    entries_[oldest_].name = name;
    oldest_ = (oldest_ + 1) % topic_ids_limit;
  }
}

std::string_view TopicIds::find(const TopicId& id) const {
  const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) { return each.id == id; });
  return known == entries_.end() ? std::string_view{} : std::string_view(known->name);
}

void Subject::clear() {
  named_ = has_id_ = current_named_ = current_has_id_ = false;
  topics_ = partitions_ = current_partitions_ = 0;
  name_.clear();
}

void Subject::name(std::string_view name) {
  if (!is_topic_name(name)) return;
  current_named_ = true;
  current_name_size_ = static_cast<std::uint8_t>(name.size());
  std::memcpy(current_name_.data(), name.data(), name.size());
}

void Subject::id(std::string_view bytes) {
  current_id_ = topic_id(bytes);
  current_has_id_ = is_set(current_id_);
}

void Subject::partition(std::int32_t index) {
  if (current_partitions_++ == 0) current_partition_ = index;
}

void Subject::end_topic() {
  const bool same = topics_ == 1 && named_ == current_named_ && has_id_ == current_has_id_ &&
                    (!named_ || name_ == current_name()) && (!has_id_ || id_ == current_id_);
  if (topics_ == 0) {
    named_ = current_named_;
    has_id_ = current_has_id_;
    id_ = current_id_;
    if (named_) name_ = current_name();
    partition_ = current_partition_;
  }
  if (topics_ == 0 || same) partitions_ += current_partitions_;
  if (!same) ++topics_;
  current_named_ = current_has_id_ = false;
  current_partitions_ = 0;
}

}  // namespace subfloor::protocols::kafka
