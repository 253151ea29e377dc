// SPDX-License-Identifier: Apache-2.0
// Conditions, and the fields of outputs, from text: Falco's grammar, by recursive descent.
#pragma once

#include <optional>

#include "rules/cursor.h"
#include "rules/diagnostic.h"
#include "rules/mapped_text.h"

namespace subfloor::rules {

class Parser {
 public:
  // The text must outlive the parser.
  Parser(const MappedText& text, Report& report) : text_(text), report_(report), cursor_(text.text()) {}

  // The whole text as a condition. Nothing where it is none, which has been reported at the place where it breaks off.
  [[nodiscard]] std::optional<Expression> parse_condition();
  // A field or a transformer that begins at the offset of the text, as outputs have them; end_offset() is behind it.
  [[nodiscard]] std::optional<Operand> parse_term_at(std::size_t offset);
  [[nodiscard]] std::size_t end_offset() const { return cursor_.offset(); }

 private:
  using Parsed = std::optional<Expression>;
  using ParsedOperand = std::optional<Operand>;

  // Counts how deep parentheses and transformers are nested, while one lives. Falco's rule loader goes 1000 calls deep,
  // five of which are one pair of parentheses.
  class Depth {
   public:
    explicit Depth(Parser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Parser& parser_;
  };
  static constexpr std::size_t deepest = 200;

  [[nodiscard]] Parsed parse_or();
  [[nodiscard]] Parsed parse_and();
  [[nodiscard]] Parsed parse_not();
  [[nodiscard]] Parsed parse_check();
  [[nodiscard]] Parsed parse_in_parentheses();
  // What follows "or" or "and": a blank and `parse`, or "(" and a whole expression.
  [[nodiscard]] Parsed parse_behind(std::string_view keyword, Parsed (Parser::*parse)());
  [[nodiscard]] Parsed parse_comparison(Operand left);
  [[nodiscard]] Parsed parse_text_comparison(Expression check);

  [[nodiscard]] ParsedOperand parse_field_or_transformer();
  [[nodiscard]] ParsedOperand parse_transformer(std::string name, Place place);
  [[nodiscard]] ParsedOperand parse_transformer_argument(bool lists_allowed);
  [[nodiscard]] ParsedOperand parse_transformer_list();
  // "val(FIELD)" or a transformer; nothing and no report where neither comes next.
  [[nodiscard]] ParsedOperand parse_dynamic_value();
  [[nodiscard]] bool at_dynamic_value() const;
  [[nodiscard]] ParsedOperand parse_number_value();
  [[nodiscard]] ParsedOperand parse_text_value();
  [[nodiscard]] ParsedOperand parse_list_value(std::string_view behind);
  [[nodiscard]] ParsedOperand parse_constant();
  [[nodiscard]] bool parse_argument(Operand& operand);
  [[nodiscard]] bool list_follows() const;

  [[nodiscard]] Place here() const { return text_.place(cursor_.offset()); }
  std::nullopt_t fail(std::string message);
  std::nullopt_t fail_at(std::size_t offset, std::string message);
  [[nodiscard]] bool expect(std::string_view literal, std::string_view why);

  const MappedText& text_;
  Report& report_;
  Cursor cursor_;
  std::size_t depth_ = 0;
};

}  // namespace subfloor::rules
