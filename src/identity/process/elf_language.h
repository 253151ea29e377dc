// SPDX-License-Identifier: Apache-2.0
// What language an executable was written in, from the traces that its compiler left.
#pragma once

#include "model/process.h"

namespace subfloor::identity {

// Reads at most some 15 MB of the file, most often some 100 kB; fd stays the caller's. Unknown where nothing tells,
// where it is no 64-bit ELF file, or a damaged one. C counts as C++.
[[nodiscard]] Language language_of_elf(int fd);

}  // namespace subfloor::identity
