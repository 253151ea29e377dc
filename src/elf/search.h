// SPDX-License-Identifier: Apache-2.0
// Where in a part of a file some bytes stand.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "elf/elf_file.h"

namespace subfloor::elf {

struct Range {
  std::uint64_t offset = 0, size = 0;  // in the file, bytes
};

// Calls found with the offset in the file of each place in the range, in order, where the needle (not empty, at most
// 4 KiB) stands, until found returns true. Holds 1 MiB of the file at a time. Says whether found did.
bool search(const ElfFile& file, Range range, std::string_view needle, const std::function<bool(std::uint64_t)>& found);

}  // namespace subfloor::elf
