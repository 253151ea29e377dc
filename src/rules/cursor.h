// SPDX-License-Identifier: Apache-2.0
// Cursor: the tokens of conditions, taken from a text one after the other.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rules/expression.h"

namespace subfloor::rules {

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  void go_to(std::size_t offset) { offset_ = offset; }
  [[nodiscard]] bool at_end() const { return offset_ >= text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[offset_]; }
  [[nodiscard]] std::string_view rest() const { return text_.substr(offset_); }

  // Each takes what it is called after and says whether it was there; otherwise nothing is taken.
  bool blanks();
  bool literal(std::string_view text);
  [[nodiscard]] std::optional<std::string> identifier();  // [a-zA-Z]+[a-zA-Z0-9_]*
  [[nodiscard]] std::optional<std::string> field_name();  // identifiers with a dot between each two
  [[nodiscard]] std::optional<std::string> bare_argument();
  [[nodiscard]] std::optional<std::string> bare_text();
  [[nodiscard]] std::optional<std::string> number();
  // "tolower(": the name, and the parenthesis is taken too.
  [[nodiscard]] std::optional<std::string> transformer();
  [[nodiscard]] std::optional<Operator> operator_among(std::span<const std::string_view> spellings);
  [[nodiscard]] std::optional<Modifier> modifier();

  // Whether a quote comes next; take_quoted() then takes all up to the quote that ends it, and undoes escapes. Where it
  // cannot, problem() says why, and problem_offset() where.
  [[nodiscard]] bool at_quote() const { return peek() == '"' || peek() == '\''; }
  [[nodiscard]] std::optional<std::string> take_quoted();
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::size_t problem_offset() const { return problem_offset_; }

  // What comes next as somebody would name it in a message: "'proc.name'", "the end".
  [[nodiscard]] std::string describe_next() const;

 private:
  [[nodiscard]] std::size_t identifier_end(std::size_t from) const;
  template <class Accept>
  [[nodiscard]] std::optional<std::string> while_accepted(Accept accept);
  std::nullopt_t fail(std::size_t offset, std::string problem);
  [[nodiscard]] bool unescape(char quote, std::string& into);

  std::string_view text_;
  std::size_t offset_ = 0;
  std::string problem_;
  std::size_t problem_offset_ = 0;
};

[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n'; }

}  // namespace subfloor::rules
