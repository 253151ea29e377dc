// SPDX-License-Identifier: Apache-2.0
// What a call carries beyond the fields that all protocols share, under OpenTelemetry's names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace subfloor {

// How far an attribute reaches; each includes those before it.
enum class Use : std::uint8_t {
  record,  // single calls: JSON lines, spans of single calls and of exemplars. Any number of values
  group,   // calls that differ in it are told apart in windows
  metric,  // a label in OpenTelemetry's convention: few values ("db.namespace")
};

// In order of arrival, as one block of text with offsets. Keys are static text.
class AttributeList {
 public:
  struct Item {
    std::string_view key, value;
    Use use;
    bool number;  // value is a decimal integer
  };

  void clear() {
    block_.clear();
    entries_.clear();
  }
  void add(std::string_view static_key, std::string_view value, Use use = Use::record) {
    add(static_key, value, use, false);
  }
  void add(std::string_view static_key, std::int64_t value, Use use = Use::record);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] Item operator[](std::size_t i) const;
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const;

  // Appends those of at least this use to text, so that equal lists give equal text.
  void append_to(std::string& text, Use least) const;

 private:
  struct Entry {
    std::string_view key;
    std::uint32_t value, value_size;
    Use use;
    bool number;
  };
  void add(std::string_view static_key, std::string_view value, Use use, bool number);

  std::string block_;
  std::vector<Entry> entries_;
};

// The items of a text that append_to() wrote; for_each(key, value, number).
template <class Visit>
void for_each_attribute(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const std::size_t key_end = text.find('\0');
    const std::size_t value_end = text.find('\0', key_end + 1);
    const std::string_view value = text.substr(key_end + 2, value_end - key_end - 2);
    visit(text.substr(0, key_end), value, text[key_end + 1] == 'n');
    text.remove_prefix(value_end + 1);
  }
}

}  // namespace subfloor
