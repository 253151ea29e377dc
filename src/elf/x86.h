// SPDX-License-Identifier: Apache-2.0
// The instructions of x86-64, whose lengths differ: in zydis/, or where that library is not
// installed, in absent/, not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "elf/instructions.h"

namespace subfloor::elf::x86 {

extern const bool available;

// As the functions of instructions.h.
[[nodiscard]] Result<std::vector<std::uint32_t>> find_returns(std::string_view code);
[[nodiscard]] std::optional<Forwarding> forwarding(std::string_view code);

}  // namespace subfloor::elf::x86
