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
    for (; left >= 8; at += 8, left -= 8) add(load(at, 8));
    if (left != 0) add(load(at, left));
  }

  [[nodiscard]] std::uint64_t value() const { return fold(state_, multiplier ^ state_); }

 private:
  static constexpr std::uint64_t multiplier = 0xa0761d6478bd642f;

  static std::uint64_t load(const char* from, std::size_t size) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, size);
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
