// SPDX-License-Identifier: Apache-2.0
// Which Go a program was built with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "elf/elf_file.h"

namespace subfloor::elf {

struct GoVersion {
  int major = 0, minor = 0;  // 0.0 where the text does not say
  std::string text;          // "go1.23.5": printable, at most 64 characters; empty where it could not be read
  auto operator<=>(const GoVersion&) const = default;
};

// What the linker left for `go version`: it survives stripping. Reads at most 64 MiB. Empty where there is no such
// thing: no Go program, or one from before Go 1.13.
[[nodiscard]] std::optional<GoVersion> go_version(const ElfFile& file);

// "go1.23.5", "go1.22.12 X:boringcrypto", "devel go1.24-1234567 …".
[[nodiscard]] GoVersion parse_go_version(std::string_view text);

}  // namespace subfloor::elf
