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

// What a function calls first, of one that hands on its first two arguments as they are.
struct Forwarding {
  std::int64_t target = 0;       // relative to the beginning of the function
  bool fourth_on_stack = false;  // the fourth argument is a place on its own stack; else its own fourth
};

// Empty where it does anything else with these arguments, or where that cannot be told.
[[nodiscard]] std::optional<Forwarding> forwarding(std::uint16_t machine, std::string_view code);

// The offset of an instruction at the beginning of a function's code that the kernel can carry out by itself, where all
// is still as the caller left it. A probe there costs one exception: at any other instruction it costs two, which in a
// virtual machine is many times as much.
[[nodiscard]] std::optional<std::uint32_t> cheap_entry(std::uint16_t machine, std::string_view code);

}  // namespace subfloor::elf
