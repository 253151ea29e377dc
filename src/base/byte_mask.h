// SPDX-License-Identifier: Apache-2.0
// Where a byte stands in a block of 64: many lines are found for the price of one memchr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace subfloor {

inline constexpr std::size_t mask_block = 64;

// Bit i: whether byte i of the 64 at `block` equals c.
[[nodiscard]] inline std::uint64_t equal_mask_portable(const char* block, char c) {
  constexpr std::uint64_t ones = 0x0101010101010101, low_bits = ones * 0x7f, gather = 0x0102040810204080;
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < mask_block; i += 8) {
    std::uint64_t word = 0;
    for (unsigned byte = 0; byte < 8; ++byte)
      word |= std::uint64_t{static_cast<unsigned char>(block[i + byte])} << (8 * byte);
    word ^= ones * static_cast<unsigned char>(c);  // what equals c is 0 now
    const std::uint64_t zeros = ~(((word & low_bits) + low_bits) | word | low_bits) >> 7;  // 1 in each byte that is 0
    mask |= (zeros * gather >> 56) << i;
  }
  return mask;
}

#ifdef __SSE2__
[[nodiscard]] inline std::uint64_t equal_mask(const char* block, char c) {
  const __m128i wanted = _mm_set1_epi8(c);
  std::uint64_t mask = 0;
#pragma GCC unroll 4
  for (unsigned i = 0; i < mask_block; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
    mask |= std::uint64_t{static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)))} << i;
  }
  return mask;
}
#else
[[nodiscard]] inline std::uint64_t equal_mask(const char* block, char c) { return equal_mask_portable(block, c); }
#endif

}  // namespace subfloor
