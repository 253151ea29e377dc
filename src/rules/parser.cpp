// SPDX-License-Identifier: Apache-2.0
#include "rules/parser.h"

#include <fmt/format.h>

#include <array>

namespace subfloor::rules {
namespace {

using namespace std::string_view_literals;

constexpr std::array ordering{"<="sv, "<"sv, ">="sv, ">"sv};
constexpr std::array equality{"=="sv, "="sv, "!="sv};
constexpr std::array textual{"glob"sv,       "iglob"sv,       "contains"sv, "icontains"sv, "bcontains"sv,
                             "startswith"sv, "bstartswith"sv, "endswith"sv, "regex"sv};
constexpr std::array listing{"intersects"sv, "in"sv, "pmatch"sv};
constexpr std::array unary{"exists"sv};

// One child stands for itself; several become one expression of that kind.
Expression joined(Expression::Kind kind, std::vector<Expression> children, Place place) {
  if (children.size() == 1) return std::move(children.front());
  Expression whole;
  whole.kind = kind;
  whole.children = std::move(children);
  whole.place = place;
  return whole;
}

}  // namespace

std::nullopt_t Parser::fail_at(std::size_t offset, std::string message) {
  report_.error(text_.place(offset), std::move(message));
  return std::nullopt;
}

std::nullopt_t Parser::fail(std::string message) { return fail_at(cursor_.offset(), std::move(message)); }

bool Parser::expect(std::string_view literal, std::string_view why) {
  if (cursor_.literal(literal)) return true;
  fail(fmt::format("expected '{}' {}, not {}", literal, why, cursor_.describe_next()));
  return false;
}

std::optional<Expression> Parser::parse_condition() {
  auto parsed = parse_or();
  if (!parsed) return std::nullopt;
  if (!cursor_.at_end()) return fail(fmt::format("expected 'and' or 'or' before {}", cursor_.describe_next()));
  return parsed;
}

Parser::Parsed Parser::parse_behind(std::string_view keyword, Parsed (Parser::*parse)()) {
  if (cursor_.blanks()) return (this->*parse)();
  if (cursor_.literal("(")) return parse_in_parentheses();
  return fail(fmt::format("expected a blank or '(' behind '{}'", keyword));
}

Parser::Parsed Parser::parse_or() {
  cursor_.blanks();
  const Place place = here();
  std::vector<Expression> children;
  auto child = parse_and();
  while (child) {
    children.push_back(std::move(*child));
    cursor_.blanks();
    if (!cursor_.literal("or")) return joined(Expression::Kind::any_of, std::move(children), place);
    child = parse_behind("or", &Parser::parse_and);
  }
  return std::nullopt;
}

Parser::Parsed Parser::parse_and() {
  cursor_.blanks();
  const Place place = here();
  std::vector<Expression> children;
  auto child = parse_not();
  while (child) {
    children.push_back(std::move(*child));
    cursor_.blanks();
    if (!cursor_.literal("and")) return joined(Expression::Kind::all_of, std::move(children), place);
    child = parse_behind("and", &Parser::parse_not);
  }
  return std::nullopt;
}

Parser::Parsed Parser::parse_not() {
  cursor_.blanks();
  const Place place = here();
  bool negated = false;
  Parsed child;
  while (true) {
    const std::size_t before = cursor_.offset();
    if (cursor_.literal("not(")) {
      negated = !negated;
      child = parse_in_parentheses();
      break;
    }
    if (cursor_.literal("not") && cursor_.blanks()) {
      negated = !negated;
      continue;
    }
    cursor_.go_to(before);
    child = parse_check();
    break;
  }
  if (!child || !negated) return child;
  Expression negation;
  negation.kind = Expression::Kind::negation;
  negation.place = place;
  negation.children.push_back(std::move(*child));
  return negation;
}

Parser::Parsed Parser::parse_in_parentheses() {
  const Depth depth(*this);
  if (depth_ > deepest) return fail(fmt::format("more than {} parentheses within each other", deepest));
  auto inner = parse_or();
  if (!inner) return std::nullopt;
  cursor_.blanks();
  if (!expect(")", "or 'and' or 'or'")) return std::nullopt;
  return inner;
}

Parser::Parsed Parser::parse_check() {
  if (cursor_.literal("(")) return parse_in_parentheses();
  const Place place = here();
  const std::size_t begin = cursor_.offset();
  const bool is_term = cursor_.field_name() || cursor_.transformer();
  cursor_.go_to(begin);
  if (is_term) {
    auto left = parse_field_or_transformer();
    if (!left) return std::nullopt;
    return parse_comparison(std::move(*left));
  }
  if (auto name = cursor_.identifier()) {
    Expression macro;
    macro.kind = Expression::Kind::macro;
    macro.macro = std::move(*name);
    macro.place = place;
    return macro;
  }
  return fail(fmt::format("expected a field, a macro or '(', not {}", cursor_.describe_next()));
}

Parser::Parsed Parser::parse_comparison(Operand left) {
  Expression check;
  check.place = left.place;
  check.left = std::move(left);
  cursor_.blanks();
  check.op_place = here();
  if (cursor_.operator_among(unary)) return check;
  ParsedOperand right;
  if (const auto order = cursor_.operator_among(ordering)) {
    check.op = *order;
    right = parse_number_value();
  } else if (const auto equal = cursor_.operator_among(equality)) {
    check.op = *equal;
    return parse_text_comparison(std::move(check));
  } else if (const auto text = cursor_.operator_among(textual)) {
    check.op = *text;
    if (!is_blank(cursor_.peek()))
      return fail(fmt::format("expected a blank behind '{}', not {}", to_string(*text), cursor_.describe_next()));
    return parse_text_comparison(std::move(check));
  } else if (const auto list = cursor_.operator_among(listing)) {
    check.op = *list;
    cursor_.blanks();
    right = at_dynamic_value() ? parse_dynamic_value() : parse_list_value(to_string(*list));
  } else {
    return fail(fmt::format("expected an operator behind '{}', not {}", check.left.text, cursor_.describe_next()));
  }
  if (!right) return std::nullopt;
  check.right = std::move(*right);
  return check;
}

// What follows an operator for one text: the text, or a modifier and a list.
Parser::Parsed Parser::parse_text_comparison(Expression check) {
  const bool blank = cursor_.blanks();
  const std::size_t before = cursor_.offset();
  ParsedOperand right;
  const auto modifier = blank ? cursor_.modifier() : std::nullopt;
  if (modifier && list_follows()) {
    check.modifier = *modifier;
    right = parse_list_value(to_string(*modifier));
  } else {
    cursor_.go_to(before);  // "proc.name = oneof" compares with a text
    right = parse_text_value();
  }
  if (!right) return std::nullopt;
  check.right = std::move(*right);
  return check;
}

// A list, or the name of one: not the "and" of "proc.name = oneof and …".
bool Parser::list_follows() const {
  Cursor ahead = cursor_;
  if (ahead.peek() == '(') return true;
  const auto word = ahead.identifier();
  return word && *word != "and" && *word != "or" && *word != "not";
}

bool Parser::at_dynamic_value() const {
  Cursor ahead = cursor_;
  return ahead.literal("val(") || ahead.transformer().has_value();
}

}  // namespace subfloor::rules
