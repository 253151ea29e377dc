// SPDX-License-Identifier: Apache-2.0
// Checks: an operator between two operands.
#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "rules/compiler.h"

namespace subfloor::rules {
namespace {

bool is_field(const Term& term, FieldId id) { return term.kind == Term::Kind::field && term.field.id == id; }

std::vector<Literal> literals_of(const Operand& right) {
  std::vector<Literal> literals;
  if (right.kind == Operand::Kind::text) literals.push_back({right.text, right.place});
  for (const Operand& item : right.items) literals.push_back({item.text, item.place});
  return literals;
}

}  // namespace

std::optional<NodeId> Compiler::compile_check(const Expression& expression) {
  const auto left = compile_operand(expression.left, false);
  if (!left) return std::nullopt;
  const Term& term = program_.term(*left);
  if (const auto why = refusal(expression.op, term.type, term.shape))
    return fail(expression.op_place, fmt::format("{}, as '{}' is", *why, to_string(program_, *left)));
  Check check;
  check.left = *left;
  check.op = expression.op;
  check.modifier = expression.modifier;
  const bool dynamic =
      expression.right.kind == Operand::Kind::field || expression.right.kind == Operand::Kind::transformer;
  return dynamic ? compile_dynamic_check(std::move(check), expression)
                 : compile_constant_check(std::move(check), expression);
}

std::optional<NodeId> Compiler::compile_constant_check(Check check, const Expression& expression) {
  if (check.op != Operator::exists) {
    check.literals = literals_of(expression.right);
    for (const Literal& literal : check.literals)
      if (literal.text.find('\0') != std::string::npos) return fail(literal.place, "a value cannot have a zero byte");
    const Term& left = program_.term(check.left);
    check.matcher = make_matcher(check.op, check.modifier, left.type, check.literals, report_);
    if (!check.matcher) {
      ++other_errors_;
      return std::nullopt;
    }
    warn_of_constants(check, expression);
  }
  // Nothing is in an empty list, except a list that is empty itself.
  if (check.op != Operator::exists && check.literals.empty() && program_.term(check.left).shape != Shape::list)
    return program_.constant(false);
  if (const auto known = fold(check)) return known;
  return program_.add(std::move(check));
}

std::optional<NodeId> Compiler::compile_dynamic_check(Check check, const Expression& expression) {
  const Term left = program_.term(check.left);
  const bool plain = expression.op != Operator::regex && expression.op != Operator::pmatch &&
                     left.type != Type::network && (left.shape == Shape::single || left.shape == Shape::list) &&
                     !(left.kind == Term::Kind::field && info_of(left.field.id).flags.no_value);
  if (!plain)
    return fail(expression.right.place, fmt::format("'{} {}' compares with constants only",
                                                    to_string(program_, check.left), to_string(expression.op)));
  check.right = compile_operand(expression.right, true);
  if (!check.right) return std::nullopt;
  const Term& right = program_.term(*check.right);
  if (to_string(left.type) != to_string(right.type))
    return fail(expression.right.place,
                fmt::format("'{}' is {}, and '{}' is {}", to_string(program_, check.left), to_string(left.type),
                            to_string(program_, *check.right), to_string(right.type)));
  if (right.shape == Shape::list && !takes_list(check.op))
    return fail(expression.right.place,
                fmt::format("'{}' is a list: compare with in or intersects", to_string(program_, *check.right)));
  return program_.add(std::move(check));
}

// A constant that looks as if something else had been meant.
void Compiler::warn_of_constants(const Check& check, const Expression& expression) {
  const Term& left = program_.term(check.left);
  const bool event = is_field(left, "evt.type"_field) || is_field(left, "syscall.type"_field);
  const bool whole = check.op == Operator::equal || check.op == Operator::not_equal || check.op == Operator::in;
  for (const Literal& literal : check.literals) {
    if (event && whole && !find_event_type(literal.text)) {
      Nearest nearest(literal.text);
      for (const std::string_view name : event_names) nearest.consider(name);
      report_.warning(literal.place, fmt::format("there is no event '{}'{}", literal.text, nearest.text()));
    } else if (left.type == Type::text && resolve_field(literal.text, {}).field) {
      report_.warning(literal.place,
                      fmt::format("'{}' is a text here: the field's value is val({})", literal.text, literal.text));
    }
  }
  const bool one_name = expression.right.kind == Operand::Kind::list && check.literals.size() == 1 &&
                        check.literals[0].text.find('_') != std::string::npos;
  if (!one_name || event) return;
  Nearest nearest(check.literals[0].text);
  for (const ListDefinition& list : lists_.all()) nearest.consider(list.name);
  if (nearest.found())
    report_.warning(check.literals[0].place,
                    fmt::format("there is no list '{}', so it is a text{}", check.literals[0].text, nearest.text()));
}

NodeId Compiler::fold_event_type(const Check& check) const {
  const bool calls_only = is_field(program_.term(check.left), "syscall.type"_field);
  EventSet events;
  for (std::size_t i = 0; i < std::size(event_names); ++i) {
    if (calls_only && !is_system_call(static_cast<EventType>(i))) continue;
    if (!check.matcher || check.matcher->matches(Value(event_names[i]))) events.set(i);
  }
  return program_.event(events);
}

std::optional<NodeId> Compiler::fold(const Check& check) const {
  const Term& left = program_.term(check.left);
  if (is_field(left, "evt.type"_field) || is_field(left, "syscall.type"_field)) return fold_event_type(check);
  if (is_field(left, "evt.dir"_field))  // enter events are not told
    return program_.constant(!check.matcher || check.matcher->matches(Value(std::string_view("<"))));
  if (!is_field(left, "evt.num"_field) || check.modifier != Modifier::none) return std::nullopt;
  if (!check.matcher) return program_.constant(true);
  // It is never 0, which rules use to switch a part off: "evt.num=0", "evt.num>=0".
  const auto at = [&](std::uint64_t number) { return check.matcher->matches(Value(number)); };
  switch (check.op) {
    case Operator::equal:
    case Operator::in: {
      const bool zero =
          std::all_of(check.literals.begin(), check.literals.end(), [](const Literal& l) { return l.text == "0"; });
      return zero ? std::optional(program_.constant(false)) : std::nullopt;
    }
    case Operator::not_equal: return at(0) ? std::nullopt : std::optional(program_.constant(true));
    case Operator::less:
    case Operator::less_equal: return at(1) ? std::nullopt : std::optional(program_.constant(false));
    case Operator::greater:
    case Operator::greater_equal: return at(1) ? std::optional(program_.constant(true)) : std::nullopt;
    default: return std::nullopt;
  }
}

}  // namespace subfloor::rules
