// SPDX-License-Identifier: Apache-2.0
#include "rules/compiler.h"

#include <fmt/format.h>

#include "base/nearest.h"
#include "rules/parser.h"

namespace subfloor::rules {
namespace {

constexpr std::size_t deepest_macros = 100;

// An operand that must be in parentheses where the operator takes a list.
void append_value(MappedText& to, const ExceptionValue& value, bool list) {
  if (value.is_list) {
    to.append("(", value.place);
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      if (i > 0) to.append(", ", value.items[i].place);
      append_quoted(to, value.items[i].text);
    }
    return to.append(")", value.place);
  }
  if (list && value.text.text().starts_with('(')) return to.append(value.text);
  if (list) to.append("(", value.place);
  append_quoted(to, value.text);
  if (list) to.append(")", value.place);
}

void append_comparison(MappedText& to, const ExceptionValue& field, const ExceptionValue& comp,
                       const ExceptionValue& value) {
  const MappedText op = comp.text.trimmed();
  const bool modifier = op.text().find_first_of(" \t") != std::string::npos;
  const auto parsed = operator_of(op.text());
  to.append(field.text);
  to.append(" ", comp.place);
  to.append(op);
  to.append(" ", value.place);
  append_value(to, value, modifier || (parsed && takes_list(*parsed)));
}

// "(field in (a, b))", or "((f1 = a and f2 = b) or (…))"; empty where there are no values.
MappedText text_of(const ExceptionDefinition& exception) {
  MappedText text;
  if (exception.values.empty()) return text;
  if (!exception.fields->is_list) {
    ExceptionValue all{true, {}, exception.values, exception.values.front().place};
    append_comparison(text, *exception.fields, *exception.comps, all);
    return text;
  }
  for (const ExceptionValue& tuple : exception.values) {
    text.append(text.empty() ? "(" : " or (", tuple.place);
    for (std::size_t i = 0; i < tuple.items.size(); ++i) {
      if (i > 0) text.append(" and ", tuple.items[i].place);
      append_comparison(text, exception.fields->items[i], exception.comps->items[i], tuple.items[i]);
    }
    text.append(")", tuple.place);
  }
  return text;
}

}  // namespace

std::nullopt_t Compiler::fail(Place place, std::string message) {
  ++other_errors_;
  report_.error(place, std::move(message));
  return std::nullopt;
}

std::optional<NodeId> Compiler::compile_rule(const RuleDefinition& rule) {
  unknown_fields_ = other_errors_ = 0;
  visible_ = SIZE_MAX;
  std::vector<NodeId> parts;
  bool valid = true;
  const auto take = [&](std::optional<NodeId> part) {
    if (part) parts.push_back(*part);
    valid = valid && part.has_value();
  };
  take(compile_text(rule.condition));
  for (const ExceptionDefinition& exception : rule.exceptions) take(compile_exception(exception));
  if (!valid) return std::nullopt;
  const NodeId whole = program_.all_of(parts);
  if (program_.node(whole).depth <= Program::deepest) return whole;
  return fail(rule.condition.place(0), "with its macros, this condition is nested too deeply");
}

std::optional<NodeId> Compiler::compile_exception(const ExceptionDefinition& exception) {
  const MappedText text = text_of(exception);
  if (text.empty()) return program_.constant(true);
  const auto node = compile_text(text);
  if (!node) return std::nullopt;
  return program_.negation(*node);
}

std::optional<NodeId> Compiler::compile_text(const MappedText& text) {
  const auto resolved = lists_.resolve(text);
  if (!resolved) {
    ++other_errors_;
    return std::nullopt;
  }
  const auto expression = Parser(*resolved, report_).parse_condition();
  if (expression) return compile(*expression);
  ++other_errors_;
  return std::nullopt;
}

std::optional<NodeId> Compiler::compile(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::macro: return compile_macro(expression);
    case Expression::Kind::check: return compile_check(expression);
    case Expression::Kind::negation: {
      const auto inner = compile(expression.children.front());
      if (!inner) return std::nullopt;
      return program_.negation(*inner);
    }
    default: return compile_joined(expression);
  }
}

// All children are looked at, so that all that is wrong is said.
std::optional<NodeId> Compiler::compile_joined(const Expression& expression) {
  std::vector<NodeId> children;
  bool valid = true;
  for (const Expression& child : expression.children) {
    const auto node = compile(child);
    if (node) children.push_back(*node);
    valid = valid && node.has_value();
  }
  if (!valid) return std::nullopt;
  return expression.kind == Expression::Kind::all_of ? program_.all_of(children) : program_.any_of(children);
}

std::optional<NodeId> Compiler::compile_macro(const Expression& use) {
  const MacroDefinition* definition = find_named(macros_, use.macro);
  if (definition == nullptr) {
    Nearest nearest(use.macro);
    for (const MacroDefinition& macro : macros_) nearest.consider(macro.name);
    return fail(use.place, fmt::format("unknown macro '{}'{}", use.macro, nearest.text()));
  }
  if (definition->index >= visible_)
    return fail(use.place, fmt::format("macro '{}' is defined later: a macro sees earlier ones only", use.macro));
  Macro& macro = compiled_[use.macro];
  if (macro.busy) return fail(use.place, fmt::format("macro '{}' contains itself", use.macro));
  macro.used = true;
  if (!macro.done && depth_ >= deepest_macros)
    return fail(use.place, fmt::format("more than {} macros within each other", deepest_macros));
  if (!macro.done) compile_macro_text(*definition, macro);
  unknown_fields_ += macro.unknown_fields;
  other_errors_ += macro.other_errors;
  if (!macro.node) report_.error(use.place, fmt::format("macro '{}' has an error", use.macro));
  return macro.node;
}

void Compiler::compile_macro_text(const MacroDefinition& definition, Macro& macro) {
  const std::size_t visible = std::exchange(visible_, definition.visible);
  const std::size_t unknown = std::exchange(unknown_fields_, 0), others = std::exchange(other_errors_, 0);
  const std::string subject = report_.set_subject(fmt::format("macro '{}'", definition.name));
  macro.busy = true;
  ++depth_;
  macro.node = compile_text(definition.condition);
  if (macro.node && program_.node(*macro.node).depth > Program::deepest)
    macro.node = fail(definition.condition.place(0), "with its macros, this condition is nested too deeply");
  macro.busy = false;
  --depth_;
  macro.done = true;
  macro.unknown_fields = std::exchange(unknown_fields_, unknown);
  macro.other_errors = std::exchange(other_errors_, others);
  visible_ = visible;
  report_.set_subject(subject);
}

std::vector<const MacroDefinition*> Compiler::unused_macros() const {
  std::vector<const MacroDefinition*> unused;
  for (const MacroDefinition& macro : macros_) {
    const auto found = compiled_.find(macro.name);
    if (found == compiled_.end() || !found->second.used) unused.push_back(&macro);
  }
  return unused;
}

void Compiler::check_unused_macros() {
  for (const MacroDefinition* definition : unused_macros()) {
    Macro& macro = compiled_[definition->name];
    const std::size_t before = report_.count();
    if (!macro.done) compile_macro_text(*definition, macro);
    report_.demote_since(before);
  }
}

}  // namespace subfloor::rules
