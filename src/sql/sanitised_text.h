// SPDX-License-Identifier: Apache-2.0
// A statement's text without its literals, for db.query.text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sql/keywords.h"
#include "sql/lexer.h"

namespace subfloor::sql {

class SanitisedText {
 public:
  SanitisedText(Dialect dialect, std::string& into) : dialect_(dialect), text_(into) {}

  void add(const Token& token, Word word);

 private:
  void add_literal(const Token& token);
  void add_name(const Token& token, Word word);
  void add_symbol(const Token& token);
  void enter_or_leave(char symbol);
  void write(bool space, std::string_view what);
  void write_held_comma();

  enum class Previous { begin, operand, string, in, other };

  const Dialect dialect_;
  std::string& text_;
  Previous previous_ = Previous::begin;
  bool full_ = false;
  bool first_word_ = true;  // of a statement
  bool may_set_ = false;    // in CREATE and ALTER: SET may follow
  bool setting_ = false;    // in SET, or behind such: the words behind "=" and TO are values, quoted or not
  bool values_ = false;     // here they are
  Token sign_;              // held back: a number's own goes with it
  Token comma_;             // held back: the elements of an IN list are told once
  bool list_literal_ = false;  // the list's last element was a literal
  unsigned depth_ = 0, list_depth_ = 0;  // of parentheses; of the innermost IN list's elements, 0 in none
};

}  // namespace subfloor::sql
