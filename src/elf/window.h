// SPDX-License-Identifier: Apache-2.0
// Window: many small reads of a file, most often forwards, through the piece of it that was read last.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "elf/elf_file.h"

namespace subfloor::elf {

class Window {
 public:
  static constexpr std::size_t size = 256 << 10;

  explicit Window(const ElfFile& file) : file_(file) {}  // which outlives it

  // Copies what lies at this offset of the file; false where the file ends before.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] bool read(std::uint64_t offset, T& value) {
    if (!covers(offset, sizeof(T))) {
      start_ = offset;
      bytes_ = file_.bytes(offset, size);
      if (bytes_.size() < sizeof(T)) return false;
    }
    bytes_.copy(reinterpret_cast<char*>(&value), sizeof(T), offset - start_);
    return true;
  }

 private:
  [[nodiscard]] bool covers(std::uint64_t offset, std::size_t n) const {
    return offset >= start_ && offset - start_ <= bytes_.size() && bytes_.size() - (offset - start_) >= n;
  }

  const ElfFile& file_;
  std::uint64_t start_ = 0;
  std::string bytes_;
};

}  // namespace subfloor::elf
