// SPDX-License-Identifier: Apache-2.0
// Fields and transformers.
#include <fmt/format.h>

#include <algorithm>

#include "rules/compiler.h"

namespace subfloor::rules {
namespace {

bool is_text(const Term& term) { return term.type == Type::text && term.shape == Shape::single; }
bool is_text_list(const Term& term) { return term.type == Type::text && term.shape == Shape::list; }

}  // namespace

std::optional<TermId> Compiler::compile_term(const Operand& operand) { return compile_operand(operand, false); }

std::optional<TermId> Compiler::compile_operand(const Operand& operand, bool within_transformer) {
  Term term;
  switch (operand.kind) {
    case Operand::Kind::field: return compile_field(operand, within_transformer);
    case Operand::Kind::transformer: return compile_transformer(operand);
    case Operand::Kind::text:
      term.kind = Term::Kind::constant;
      term.text = operand.text;
      return program_.add(std::move(term));
    case Operand::Kind::list: break;
  }
  term.kind = Term::Kind::list;
  term.shape = Shape::list;
  for (const Operand& item : operand.items) {
    const auto each = compile_operand(item, true);
    if (!each) return std::nullopt;
    if (!is_text(program_.term(*each))) return fail(item.place, "a list between parentheses is of texts");
    term.items.push_back(*each);
  }
  return program_.add(std::move(term));
}

// `as_value`: on the right of an operator, or within a transformer.
std::optional<TermId> Compiler::compile_field(const Operand& operand, bool as_value) {
  const FieldOutcome outcome = resolve_field(operand.text, operand.argument);
  if (!outcome.field) {
    ++(outcome.error.unknown ? unknown_fields_ : other_errors_);
    report_.error(operand.place, outcome.error.message);
    return std::nullopt;
  }
  const FieldInfo& info = info_of(outcome.field->id);
  const Shape shape = shape_of(*outcome.field);
  if (as_value && (info.flags.filter_only || info.flags.no_value || shape == Shape::any || shape == Shape::ends))
    return fail(operand.place,
                fmt::format("'{}' can stand on the left of an operator only", to_string(*outcome.field)));
  if (info.flags.deprecated)
    report_.warning(operand.place, fmt::format("'{}' is deprecated: {}", info.name, info.description));
  Term term;
  term.field = *outcome.field;
  term.type = info.type;
  term.shape = shape;
  return program_.add(std::move(term));
}

std::optional<TermId> Compiler::compile_transformer(const Operand& operand) {
  Term term;
  term.kind = Term::Kind::transformer;
  const auto transformer = transformer_of(operand.text);
  if (!transformer) return fail(operand.place, fmt::format("unknown transformer '{}'", operand.text));
  term.transformer = *transformer;
  for (const Operand& item : operand.items) {
    const auto each = compile_operand(item, true);
    if (!each) return std::nullopt;
    term.items.push_back(*each);
  }
  if (!check_transformer(term, operand)) return std::nullopt;
  return program_.add(std::move(term));
}

bool Compiler::check_transformer(Term& term, const Operand& operand) {
  std::vector<Term> items;
  for (const TermId item : term.items) items.push_back(program_.term(item));
  const auto refuse = [&](std::string_view takes) {
    fail(operand.place, fmt::format("{}() takes {}", operand.text, takes));
    return false;
  };
  if (operand.argument && term.transformer != Transformer::getopt)
    return fail(operand.place, fmt::format("{}() takes no argument in brackets", operand.text)), false;
  switch (term.transformer) {
    case Transformer::tolower:
    case Transformer::toupper:
    case Transformer::basename: return (items.size() == 1 && is_text(items[0])) || refuse("one text");
    case Transformer::b64:
      if (items.size() == 1 && items[0].shape == Shape::single) term.type = items[0].type;
      return (items.size() == 1 && (is_text(items[0]) || items[0].type == Type::bytes)) || refuse("one text, or bytes");
    case Transformer::len:
      term.type = Type::unsigned_integer;
      return (items.size() == 1 &&
              (items[0].shape == Shape::list || items[0].type == Type::text || items[0].type == Type::bytes)) ||
             refuse("one text, or a list");
    case Transformer::join:
      return (items.size() == 2 && is_text(items[0]) && is_text_list(items[1])) ||
             refuse("a separator and a list of texts");
    case Transformer::concat:
      return (items.size() >= 2 && std::all_of(items.begin(), items.end(), is_text)) || refuse("two texts or more");
    case Transformer::getopt:
      if (operand.argument && operand.argument->size() != 1) return refuse("one letter in brackets");
      term.text = operand.argument.value_or("");
      term.shape = operand.argument ? Shape::single : Shape::list;
      return (items.size() == 2 && is_text_list(items[0]) && is_text(items[1])) ||
             refuse("a list of arguments and the options, as getopt(3) does");
  }
  return false;
}

}  // namespace subfloor::rules
