// SPDX-License-Identifier: Apache-2.0
#include "rules/definitions.h"

#include <algorithm>
#include <array>

namespace subfloor::rules {
namespace {

constexpr std::array<std::string_view, 8> priorities{"Emergency", "Alert",  "Critical",      "Error",
                                                     "Warning",   "Notice", "Informational", "Debug"};

bool same_letters(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) { return (x | 0x20) == (y | 0x20); };  // both are letters where it matters
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

}  // namespace

std::string_view to_string(Priority priority) { return priorities[static_cast<std::size_t>(priority)]; }

std::optional<Priority> parse_priority(std::string_view text) {
  if (same_letters(text, "info")) return Priority::informational;
  for (std::size_t i = 0; i < priorities.size(); ++i)
    if (same_letters(text, priorities[i])) return static_cast<Priority>(i);
  return std::nullopt;
}

}  // namespace subfloor::rules
