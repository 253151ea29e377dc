// SPDX-License-Identifier: Apache-2.0
// Hash of several fields at once, keyed, so that whoever chooses the paths can't choose the buckets.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace subfloor {

class FieldHash {
 public:
  explicit FieldHash(std::uint64_t seed) : state_(seed ^ 0x9e3779b97f4a7c15) {}

  void add(std::uint64_t value) { state_ = fold(state_ ^ value, multiplier); }

  void add(std::string_view text) {
    add(text.size());
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left > 8; at += 8, left -= 8) add(load<std::uint64_t>(at));
    // The rest in loads of fixed size, which may overlap: the length, added before, tells texts of equal loads apart.
    if (text.size() >= 8) {
      add(load<std::uint64_t>(text.data() + text.size() - 8));
    } else if (left >= 4) {
      add(load<std::uint32_t>(at) | std::uint64_t{load<std::uint32_t>(at + left - 4)} << 32);
    } else if (left > 0) {
      add(load<std::uint8_t>(at) | std::uint64_t{load<std::uint8_t>(at + left / 2)} << 8 |
          std::uint64_t{load<std::uint8_t>(at + left - 1)} << 16);
    }
  }

  [[nodiscard]] std::uint64_t value() const { return fold(state_, multiplier ^ state_); }

 private:
  static constexpr std::uint64_t multiplier = 0xa0761d6478bd642f;

  template <class T>
  static T load(const char* from) {
    T word;
    std::memcpy(&word, from, sizeof word);
    return word;
  }
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::uint64_t state_;
};

}  // namespace subfloor
