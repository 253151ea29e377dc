// SPDX-License-Identifier: Apache-2.0
// Conditions back as text.
#include <fmt/format.h>

#include "rules/cursor.h"
#include "rules/program.h"

namespace subfloor::rules {
namespace {

std::string quoted(std::string_view text) {
  Cursor cursor(text);
  if (cursor.bare_text() && cursor.at_end()) return std::string(text);
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string listed(const std::vector<Literal>& literals) {
  std::string result = "(";
  for (const Literal& literal : literals) result += (result.size() > 1 ? ", " : "") + quoted(literal.text);
  return result + ")";
}

std::string text_of(const EventSet& events) {
  const bool few = events.count() <= all_events().count() / 2;
  const EventSet shown = few ? events : all_events() & ~events;
  std::string names;
  for (std::size_t i = 0; i < std::size(event_names); ++i)
    if (shown.test(i)) names += (names.empty() ? "" : ", ") + std::string(event_names[i]);
  const std::string check = shown.count() == 1 ? "evt.type = " + names : fmt::format("evt.type in ({})", names);
  return few ? check : "not " + check;
}

std::string text_of(const Program& program, const Check& check) {
  std::string text = fmt::format("{} {}", to_string(program, check.left), to_string(check.op));
  if (check.op == Operator::exists) return text;
  if (check.modifier != Modifier::none) text += fmt::format(" {}", to_string(check.modifier));
  if (check.right) {
    const std::string right = to_string(program, *check.right);
    return text + (program.term(*check.right).kind == Term::Kind::field ? " val(" + right + ")" : " " + right);
  }
  const bool list = takes_list(check.op) || check.modifier != Modifier::none;
  return text + " " + (list ? listed(check.literals) : quoted(check.literals.front().text));
}

class Writer {
 public:
  Writer(const Program& program, std::size_t limit) : program_(program), limit_(limit) {}

  void write(NodeId id, bool parentheses) {
    if (text_.size() > limit_) return;
    const Node& node = program_.node(id);
    switch (node.kind) {
      case Node::Kind::never: text_ += "never"; break;
      case Node::Kind::always: text_ += "always"; break;
      case Node::Kind::event: text_ += text_of(node.events); break;
      case Node::Kind::check: text_ += text_of(program_, program_.check(node)); break;
      case Node::Kind::negation:
        text_ += "not ";
        write(node.children.front(), true);
        break;
      case Node::Kind::all_of:
      case Node::Kind::any_of: write_joined(node, parentheses); break;
    }
  }

  std::string take() {
    if (text_.size() <= limit_) return std::move(text_);
    text_.resize(limit_);
    return text_ + "…";
  }

 private:
  void write_joined(const Node& node, bool parentheses) {
    const std::string_view between = node.kind == Node::Kind::all_of ? " and " : " or ";
    if (parentheses) text_ += '(';
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      if (i > 0) text_ += between;
      write(node.children[i], true);
    }
    if (parentheses) text_ += ')';
  }

  const Program& program_;
  std::size_t limit_;
  std::string text_;
};

}  // namespace

std::string to_string(const Program& program, TermId id) {
  const Term& term = program.term(id);
  if (term.kind == Term::Kind::field) return to_string(term.field);
  if (term.kind == Term::Kind::constant) return quoted(term.text);
  std::string text = term.kind == Term::Kind::list ? "(" : fmt::format("{}(", to_string(term.transformer));
  for (std::size_t i = 0; i < term.items.size(); ++i) text += (i > 0 ? ", " : "") + to_string(program, term.items[i]);
  text += ')';
  if (!term.text.empty()) text += fmt::format("[{}]", term.text);
  return text;
}

std::string to_string(const Program& program, NodeId node, std::size_t limit) {
  Writer writer(program, limit);
  writer.write(node, false);
  return writer.take();
}

}  // namespace subfloor::rules
