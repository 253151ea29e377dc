// SPDX-License-Identifier: Apache-2.0
#include "elf/relocations.h"

#include <algorithm>

#include "elf/window.h"

namespace subfloor::elf {
namespace {

constexpr std::uint64_t max_relocations = (64 << 20) / sizeof(Elf64_Rela);
constexpr std::uint64_t max_dynamic = 64 << 10;

struct Table {
  std::uint64_t address = 0, size = 0;
};

Table table_of(const ElfFile& file) {
  const std::string entries = file.bytes(file.dynamic().offset, std::min(file.dynamic().size, max_dynamic));
  Table table;
  for (std::size_t i = 0; (i + 1) * sizeof(Elf64_Dyn) <= entries.size(); ++i) {
    const auto entry = item<Elf64_Dyn>(entries, i);
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_RELA) table.address = entry.d_un.d_ptr;
    if (entry.d_tag == DT_RELASZ) table.size = entry.d_un.d_val;
  }
  return table;
}

std::uint32_t relative_type(std::uint16_t machine) {
  return machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE;
}

}  // namespace

std::optional<std::uint64_t> relocated_word(const ElfFile& file, std::uint64_t address) {
  const Table table = table_of(file);
  const auto offset = file.offset_of(table.address);
  if (!offset) return std::nullopt;
  Window window(file);
  const std::uint64_t count = std::min(table.size / sizeof(Elf64_Rela), max_relocations);
  for (std::uint64_t i = 0; i < count; ++i) {
    Elf64_Rela relocation{};
    if (!window.read(*offset + i * sizeof relocation, relocation)) return std::nullopt;
    if (relocation.r_offset == address && ELF64_R_TYPE(relocation.r_info) == relative_type(file.machine()))
      return static_cast<std::uint64_t>(relocation.r_addend);
  }
  return std::nullopt;
}

}  // namespace subfloor::elf
