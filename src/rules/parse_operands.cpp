// SPDX-License-Identifier: Apache-2.0
// What stands on either side of an operator.
#include <fmt/format.h>

#include "rules/parser.h"

namespace subfloor::rules {
namespace {

constexpr std::size_t deepest_transformers = 100;

}  // namespace

std::optional<Operand> Parser::parse_term_at(std::size_t offset) {
  cursor_.go_to(offset);
  return parse_field_or_transformer();
}

// "[ARGUMENT]", where there is one.
bool Parser::parse_argument(Operand& operand) {
  if (!cursor_.literal("[")) return true;
  auto argument = cursor_.at_quote() ? cursor_.take_quoted() : cursor_.bare_argument();
  if (!argument) {
    if (cursor_.problem().empty()) {
      fail(fmt::format("expected an argument of '{}' between [ and ]", operand.text));
    } else {
      fail_at(cursor_.problem_offset(), cursor_.problem());
    }
    return false;
  }
  operand.argument = std::move(argument);
  return expect("]", fmt::format("behind the argument of '{}'", operand.text));
}

Parser::ParsedOperand Parser::parse_field_or_transformer() {
  const Place place = here();
  if (auto transformer = cursor_.transformer()) return parse_transformer(std::move(*transformer), place);
  Operand field{Operand::Kind::field, {}, {}, {}, place};
  auto name = cursor_.field_name();
  if (!name) return fail(fmt::format("expected a field, not {}", cursor_.describe_next()));
  field.text = std::move(*name);
  if (!parse_argument(field)) return std::nullopt;
  return field;
}

// Behind "NAME(".
Parser::ParsedOperand Parser::parse_transformer(std::string name, Place place) {
  const Depth depth(*this);
  if (depth_ > deepest_transformers)
    return fail(fmt::format("more than {} transformers within each other", deepest_transformers));
  Operand transformer{Operand::Kind::transformer, std::move(name), {}, {}, place};
  do {
    cursor_.blanks();
    auto argument = parse_transformer_argument(true);
    if (!argument) return std::nullopt;
    transformer.items.push_back(std::move(*argument));
    cursor_.blanks();
  } while (cursor_.literal(","));
  if (!expect(")", fmt::format("that closes '{}('", transformer.text))) return std::nullopt;
  if (!parse_argument(transformer)) return std::nullopt;
  return transformer;
}

Parser::ParsedOperand Parser::parse_transformer_argument(bool lists_allowed) {
  const Place place = here();
  if (auto number = cursor_.number()) return Operand{Operand::Kind::text, std::move(*number), {}, {}, place};
  if (cursor_.at_quote()) return parse_constant();
  if (lists_allowed && cursor_.literal("(")) return parse_transformer_list();
  Cursor ahead = cursor_;
  if (ahead.transformer() || ahead.field_name()) return parse_field_or_transformer();
  return fail(
      fmt::format("expected a field, a transformer, a number or a quoted text, not {}", cursor_.describe_next()));
}

// Behind "(".
Parser::ParsedOperand Parser::parse_transformer_list() {
  Operand list{Operand::Kind::list, {}, {}, {}, here()};
  cursor_.blanks();
  if (cursor_.literal(")")) return list;
  do {
    cursor_.blanks();
    auto item = parse_transformer_argument(false);
    if (!item) return std::nullopt;
    list.items.push_back(std::move(*item));
    cursor_.blanks();
  } while (cursor_.literal(","));
  if (!expect(")", "that closes the list")) return std::nullopt;
  return list;
}

Parser::ParsedOperand Parser::parse_dynamic_value() {
  if (!cursor_.literal("val(")) return parse_field_or_transformer();
  cursor_.blanks();
  const Place place = here();
  auto name = cursor_.field_name();
  if (!name) return fail(fmt::format("expected a field within val(), not {}", cursor_.describe_next()));
  Operand field{Operand::Kind::field, std::move(*name), {}, {}, place};
  if (!parse_argument(field)) return std::nullopt;
  cursor_.blanks();
  if (!expect(")", "that closes 'val('")) return std::nullopt;
  return field;
}

Parser::ParsedOperand Parser::parse_number_value() {
  cursor_.blanks();
  if (at_dynamic_value()) return parse_dynamic_value();
  const Place place = here();
  if (auto number = cursor_.number()) return Operand{Operand::Kind::text, std::move(*number), {}, {}, place};
  return fail(fmt::format("expected a number, a transformer or val(), not {}", cursor_.describe_next()));
}

Parser::ParsedOperand Parser::parse_text_value() {
  if (at_dynamic_value()) return parse_dynamic_value();
  return parse_constant();
}

Parser::ParsedOperand Parser::parse_constant() {
  Operand value{Operand::Kind::text, {}, {}, {}, here()};
  if (cursor_.at_quote()) {
    auto quoted = cursor_.take_quoted();
    if (!quoted) return fail_at(cursor_.problem_offset(), cursor_.problem());
    value.text = std::move(*quoted);
    return value;
  }
  auto bare = cursor_.bare_text();
  if (!bare) return fail(fmt::format("expected a value, not {}", cursor_.describe_next()));
  value.text = std::move(*bare);
  return value;
}

// "(A, B)". A list's name has been replaced by now, so what is left of names is of none that exists.
Parser::ParsedOperand Parser::parse_list_value(std::string_view behind) {
  cursor_.blanks();
  Operand list{Operand::Kind::list, {}, {}, {}, here()};
  if (!cursor_.literal("(")) {
    const std::size_t before = cursor_.offset();
    if (const auto name = cursor_.identifier()) return fail_at(before, fmt::format("unknown list '{}'", *name));
    return fail(fmt::format("expected '(' or a list's name behind '{}', not {}", behind, cursor_.describe_next()));
  }
  cursor_.blanks();
  if (cursor_.literal(")")) return list;
  do {
    cursor_.blanks();
    auto item = parse_constant();
    if (!item) return std::nullopt;
    list.items.push_back(std::move(*item));
    cursor_.blanks();
  } while (cursor_.literal(","));
  if (!expect(")", "or ',' in the list")) return std::nullopt;
  return list;
}

}  // namespace subfloor::rules
