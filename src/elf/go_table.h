// SPDX-License-Identifier: Apache-2.0
// GoTable: the table of functions that every Go program carries for its own stack traces (.gopclntab), stripped or not.
// Written by Go 1.16 and later; the older forms are told from no table at all by nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "elf/elf_file.h"
#include "elf/search.h"

namespace subfloor::elf {

struct GoFunction {
  std::uint64_t address = 0, size = 0;  // size: up to the next function, padding included
};

class GoTable {
 public:
  // By the section's name, or where there are no sections, by what its beginning looks like: then up to 512 MiB of the
  // file are read. The file outlives the table.
  [[nodiscard]] static std::optional<GoTable> find(const ElfFile& file);

  // Since Go 1.18 functions are noted relative to the beginning of the text.
  [[nodiscard]] bool relative() const { return relative_; }

  // The function of this name, where the text begins at the given address (of no meaning unless relative()).
  [[nodiscard]] std::optional<GoFunction> function(std::string_view name, std::uint64_t text) const;

  // Where the text may begin, likeliest first: position-independent programs and those linked by another linker say it
  // in different places.
  [[nodiscard]] std::vector<std::uint64_t> texts() const;

 private:
  struct Layout;
  GoTable(const ElfFile& file, std::uint64_t offset) : file_(&file), offset_(offset) {}
  [[nodiscard]] static std::optional<GoTable> at(const ElfFile& file, Range range);
  [[nodiscard]] static std::optional<GoTable> among_segments(const ElfFile& file);
  [[nodiscard]] std::optional<std::uint32_t> name_offset(std::string_view name) const;

  const ElfFile* file_;
  std::uint64_t offset_;  // of the table in the file
  bool relative_ = false;
  std::uint64_t functions_ = 0;  // how many
  std::uint64_t text_field_ = 0;  // what the header says
  Range names_{}, entries_{};  // in the file
};

}  // namespace subfloor::elf
