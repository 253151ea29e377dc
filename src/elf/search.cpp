// SPDX-License-Identifier: Apache-2.0
#include "elf/search.h"

#include <string.h>  // memmem

#include <algorithm>
#include <string>

namespace subfloor::elf {
namespace {

constexpr std::uint64_t piece_size = 1 << 20;

}  // namespace

bool search(const ElfFile& file, Range range, std::string_view needle,
            const std::function<bool(std::uint64_t)>& found) {
  // Each piece begins with the end of the one before: the needle may lie across.
  while (range.size >= needle.size()) {
    const std::string piece = file.bytes(range.offset, std::min(range.size, piece_size));
    if (piece.size() < needle.size()) return false;
    const char* from = piece.data();
    const char* const end = piece.data() + piece.size();
    while (const void* at = ::memmem(from, static_cast<std::size_t>(end - from), needle.data(), needle.size())) {
      from = static_cast<const char*>(at);
      if (found(range.offset + static_cast<std::uint64_t>(from - piece.data()))) return true;
      ++from;
    }
    const std::uint64_t step = piece.size() - (needle.size() - 1);
    range.offset += step;
    range.size -= step;
  }
  return false;
}

}  // namespace subfloor::elf
