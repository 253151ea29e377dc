// SPDX-License-Identifier: Apache-2.0
// A condition as it was written: the parser's result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/place.h"

namespace subfloor::rules {

enum class Operator : std::uint8_t {
  exists,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  glob,
  iglob,
  contains,
  icontains,
  bcontains,
  startswith,
  bstartswith,
  endswith,
  regex,
  in,
  intersects,
  pmatch,
};

// Before a list on the right of an operator for one text: how many of the list must match.
enum class Modifier : std::uint8_t { none, oneof, anyof, allof };

[[nodiscard]] std::string_view to_string(Operator op);
[[nodiscard]] std::string_view to_string(Modifier modifier);
// The operator, where the text is one as a whole ("startswith", "=").
[[nodiscard]] std::optional<Operator> operator_of(std::string_view text);
[[nodiscard]] std::optional<Modifier> modifier_of(std::string_view text);
// Whether its right side is a list without a modifier.
[[nodiscard]] constexpr bool takes_list(Operator op) { return op >= Operator::in; }

// What stands on either side of an operator.
struct Operand {
  enum class Kind : std::uint8_t { field, transformer, text, list };
  Kind kind = Kind::text;
  std::string text;  // the name of a field (with no argument) or transformer, or the value
  std::optional<std::string> argument;
  std::vector<Operand> items;  // of a transformer or a list
  Place place;
};

struct Expression {
  enum class Kind : std::uint8_t { any_of, all_of, negation, check, macro };
  Kind kind = Kind::check;
  std::vector<Expression> children;
  std::string macro;
  // Of a check.
  Operand left, right;
  Operator op = Operator::exists;
  Modifier modifier = Modifier::none;
  Place place;
  Place op_place;
};

}  // namespace subfloor::rules
