// SPDX-License-Identifier: Apache-2.0
// Go programs have their TLS in themselves.
#pragma once

#include <optional>

#include "base/result.h"
#include "elf/elf_file.h"
#include "sensors/tls/functions.h"

namespace subfloor::sensors::tls {

// What is put where in a Go program with crypto/tls, in the order in which it is to be attached. No value where it is
// no such program; an error where it is one that cannot be read.
[[nodiscard]] Result<std::optional<Functions>> find_go_functions(const elf::ElfFile& file);

}  // namespace subfloor::sensors::tls
