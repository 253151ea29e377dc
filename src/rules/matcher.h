// SPDX-License-Identifier: Apache-2.0
// Matcher: an operator with what stands on its right, compiled for values of one type.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/diagnostic.h"
#include "rules/expression.h"
#include "rules/value.h"

namespace subfloor::rules {

// A constant as it was written.
struct Literal {
  std::string text;
  Place place;
};

class Matcher {
 public:
  virtual ~Matcher() = default;
  // Of one value, which is neither absent nor unknown nor a list. Of another type than the field's: false.
  [[nodiscard]] virtual bool matches(const Value& value) const = 0;
};

using MatcherPtr = std::unique_ptr<const Matcher>;

// Why the operator is none for such values: "'contains' does not compare numbers"; nothing where it is one.
[[nodiscard]] std::optional<std::string> refusal(Operator op, Type type, Shape shape);

// Null where a literal is none of the type, which is reported at its place.
[[nodiscard]] MatcherPtr make_matcher(Operator op, Modifier modifier, Type type, const std::vector<Literal>& literals,
                                      Report& report);

// The parts of it, by type.
[[nodiscard]] MatcherPtr make_text_matcher(Operator op, const std::vector<Literal>& literals, Report& report);
[[nodiscard]] MatcherPtr make_number_matcher(Operator op, Type type, const std::vector<Literal>& literals,
                                             Report& report);
[[nodiscard]] MatcherPtr make_address_matcher(Operator op, Type type, const std::vector<Literal>& literals,
                                              Report& report);

// Two values that are both of the event: `left op right`. False where they cannot be compared.
[[nodiscard]] bool compare(Operator op, const Value& left, const Value& right);
[[nodiscard]] bool compare_texts(Operator op, std::string_view left, std::string_view right);

// Any of 64-bit, signed or not.
using WideNumber = __int128;
[[nodiscard]] std::optional<WideNumber> number_of(const Value& value);
[[nodiscard]] bool compare_numbers(Operator op, WideNumber left, WideNumber right);

}  // namespace subfloor::rules
