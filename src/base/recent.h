// SPDX-License-Identifier: Apache-2.0
// What was found last in a hash map, by a glance at its key: calls repeat themselves, and a long key need not be
// hashed again to be compared with the one it equals.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace subfloor {

// Enough of a text to tell it from most others: its length and last bytes.
[[nodiscard]] inline std::uint64_t glance(std::string_view text) {
  std::uint64_t word = 0;
  if (text.size() >= sizeof word) {
    std::memcpy(&word, text.data() + text.size() - sizeof word, sizeof word);
  } else {
    for (const char c : text) word = word << 8 | static_cast<unsigned char>(c);
  }
  return word + text.size();
}

// As ==, which gcc makes a call of.
[[nodiscard]] inline bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// One place for each of 256 sorts of glances. Whoever erases the entries clears it.
template <class Entry>
class Recent {
 public:
  // Null, or an entry whose key may be the one.
  [[nodiscard]] Entry*& at(std::uint64_t glances) { return entries_[glances * 0x9e3779b97f4a7c15 >> 56]; }
  void clear() { entries_.fill(nullptr); }

 private:
  std::array<Entry*, 256> entries_{};
};

}  // namespace subfloor
