// SPDX-License-Identifier: Apache-2.0
// What must be known of a function's machine code before a probe is put into it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace subfloor::elf {

// Whether the returns of programs for this machine can be found: for x86-64 it takes a library.
[[nodiscard]] bool can_read_instructions(std::uint16_t machine);

// The offsets of all instructions in the code of one function that return from it, in order. Fails where any byte of
// it makes no sense: then nothing must be probed.
[[nodiscard]] Result<std::vector<std::uint32_t>> find_returns(std::uint16_t machine, std::string_view code);

// A Go function begins by comparing the stack that is left with what it needs. The offset of the branch that follows:
// arguments are still where the caller put them, and the kernel need not step over the instruction, since it can do
// what a branch does by itself. Empty where the code begins with something else, and so is no such function.
[[nodiscard]] std::optional<std::uint32_t> stack_check_branch(std::uint16_t machine, std::string_view code);

}  // namespace subfloor::elf
