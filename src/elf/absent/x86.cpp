// SPDX-License-Identifier: Apache-2.0
#include "elf/x86.h"

namespace subfloor::elf::x86 {

const bool available = false;

Result<std::vector<std::uint32_t>> find_returns(std::string_view) {
  return fail("this build cannot read x86-64 instructions: it was made without libzydis-dev");
}

std::optional<Forwarding> forwarding(std::string_view) { return std::nullopt; }

}  // namespace subfloor::elf::x86
