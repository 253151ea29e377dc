// SPDX-License-Identifier: Apache-2.0
// Where to put probes into a Go program: at the entry of a function and at each of its returns. Never on the return
// address: Go moves stacks, and would find an address of the kernel's there.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "elf/elf_file.h"
#include "elf/go_table.h"
#include "elf/go_version.h"

namespace subfloor::elf {

// Offsets in the file, as uprobes take them. At the entry the arguments are in registers; the entry may be passed
// twice in a call, if the stack has to grow.
struct GoProbePoints {
  std::uint64_t entry = 0;
  std::vector<std::uint64_t> returns;
};

class GoProgram {
 public:
  // Empty where the file is no Go program. The file outlives it.
  [[nodiscard]] static std::optional<GoProgram> read(const ElfFile& file);

  [[nodiscard]] const GoVersion& version() const { return version_; }

  // Of a function by its full name: "crypto/tls.(*Conn).Read". No value where the program has no such function; an
  // error, which says why, where it has one that must not be probed or whose arguments could not be found.
  [[nodiscard]] Result<std::optional<GoProbePoints>> probe_points(std::string_view function) const;

 private:
  GoProgram(const ElfFile& file, GoVersion version, std::optional<GoTable> table)
      : file_(&file), version_(std::move(version)), table_(table) {}
  [[nodiscard]] bool passes_in_registers() const;
  [[nodiscard]] Result<GoProbePoints> points_in(const GoFunction& function) const;

  const ElfFile* file_;
  GoVersion version_;
  std::optional<GoTable> table_;
};

}  // namespace subfloor::elf
