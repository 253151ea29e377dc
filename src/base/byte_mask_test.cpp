// SPDX-License-Identifier: Apache-2.0
#include "base/byte_mask.h"

#include <gtest/gtest.h>

#include <array>

namespace subfloor {
namespace {

TEST(ByteMask, TellsWhichBytesEqualTheOneSought) {
  std::array<char, mask_block> block{};
  std::uint64_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    // Few different values, near to each other, so that carries between bytes would show.
    constexpr std::array<char, 8> values{'\n', '\v', '\t', '\0', '\x01', '\x7f', '\x80', '\xff'};
    for (char& byte : block) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      byte = values[state >> 61];
    }
    for (const char c : values) {
      std::uint64_t expected = 0;
      for (std::size_t i = 0; i < block.size(); ++i) expected |= std::uint64_t{block[i] == c} << i;
      ASSERT_EQ(equal_mask(block.data(), c), expected);
      ASSERT_EQ(equal_mask_portable(block.data(), c), expected);
    }
  }
}

}  // namespace
}  // namespace subfloor
