// SPDX-License-Identifier: Apache-2.0
#include "rules/expression.h"

#include <array>

namespace subfloor::rules {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, 19> operators{
    "exists",    "=",         "!=",         "<",           "<=",       ">",     ">=", "glob",       "iglob", "contains",
    "icontains", "bcontains", "startswith", "bstartswith", "endswith", "regex", "in", "intersects", "pmatch"};
constexpr std::array<std::string_view, 4> modifiers{"", "oneof", "anyof", "allof"};

}  // namespace

std::string_view to_string(Operator op) { return operators[static_cast<std::size_t>(op)]; }

std::string_view to_string(Modifier modifier) { return modifiers[static_cast<std::size_t>(modifier)]; }

std::optional<Operator> operator_of(std::string_view text) {
  if (text == "==") return Operator::equal;
  for (std::size_t i = 0; i < operators.size(); ++i)
    if (operators[i] == text) return static_cast<Operator>(i);
  return std::nullopt;
}

std::optional<Modifier> modifier_of(std::string_view text) {
  for (std::size_t i = 1; i < modifiers.size(); ++i)
    if (modifiers[i] == text) return static_cast<Modifier>(i);
  return std::nullopt;
}

}  // namespace subfloor::rules
