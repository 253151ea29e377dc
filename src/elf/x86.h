// SPDX-License-Identifier: Apache-2.0
// The instructions of x86-64, whose lengths differ: in zydis/, or where that library is not
// installed, in absent/, not at all.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace subfloor::elf::x86 {

extern const bool available;

// As elf::find_returns().
[[nodiscard]] Result<std::vector<std::uint32_t>> find_returns(std::string_view code);

}  // namespace subfloor::elf::x86
