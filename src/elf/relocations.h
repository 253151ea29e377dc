// SPDX-License-Identifier: Apache-2.0
// What the loader will write into a position-independent program.
#pragma once

#include <cstdint>
#include <optional>

#include "elf/elf_file.h"

namespace subfloor::elf {

// The address, relative to where the program is loaded, that the loader writes at this one. Reads at most 64 MiB of
// relocations.
[[nodiscard]] std::optional<std::uint64_t> relocated_word(const ElfFile& file, std::uint64_t address);

}  // namespace subfloor::elf
