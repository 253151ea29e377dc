// SPDX-License-Identifier: Apache-2.0
#include "sql/sanitised_text.h"

namespace subfloor::sql {
using Kind = Token::Kind;

void SanitisedText::add(const Token& token, Word word) {
  if (full_) return;
  if (sign_.kind != Kind::end) {
    const bool of_number = token.kind == Kind::number && !token.space;
    if (!of_number) {
      write_held_comma();
      write(sign_.space, sign_.text);
    }
    const bool space = sign_.space;
    sign_ = {};
    if (of_number) return add_literal({.kind = Kind::number, .space = space});
  }
  switch (token.kind) {
    case Kind::string:
    case Kind::number:
    case Kind::placeholder: add_literal(token); break;
    case Kind::word:
    case Kind::quoted: add_name(token, word); break;
    case Kind::symbol: add_symbol(token); break;
    case Kind::end: break;
  }
}

void SanitisedText::add_literal(const Token& token) {
  const bool string = token.kind == Kind::string;
  if (string && previous_ == Previous::string) return;  // 'one string' 'in two pieces'
  previous_ = string ? Previous::string : Previous::operand;
  const bool in_list = depth_ == list_depth_ && depth_ > 0;
  if (in_list && list_literal_ && comma_.kind != Kind::end) {
    comma_ = {};
    return;
  }
  write_held_comma();
  write(token.space, token.kind == Kind::placeholder && !in_list ? token.text : "?");
  list_literal_ = in_list;
}

void SanitisedText::add_name(const Token& token, Word word) {
  write_held_comma();
  if (first_word_) {
    setting_ = word == Word::set;
    may_set_ = word == Word::define;
    first_word_ = false;
  } else if (may_set_ && word == Word::set) {
    setting_ = true;
  }
  const bool value = values_ || (token.kind == Kind::word && word == Word::boolean) || !token.may_name();
  if (dialect_ == Dialect::mysql) values_ = false;
  if (setting_ && word == Word::to) values_ = true;
  write(token.space, value ? "?" : token.text);
  const bool in = token.kind == Kind::word && word == Word::in;
  const bool operator_like = token.kind == Kind::word && operand_follows(word);
  previous_ = in ? Previous::in : operator_like ? Previous::other : Previous::operand;
}

void SanitisedText::add_symbol(const Token& token) {
  const char symbol = token.text[0];
  if (symbol == ',' && depth_ == list_depth_ && depth_ > 0 && list_literal_) {
    comma_ = token;
    previous_ = Previous::other;
    return;
  }
  const bool binary = previous_ == Previous::operand || previous_ == Previous::string;
  if ((symbol == '-' || symbol == '+') && !binary) {
    sign_ = token;
    return;
  }
  if (symbol != ')') write_held_comma();
  comma_ = {};
  enter_or_leave(symbol);
  write(token.space, token.text);
  if (symbol == '=' && setting_) values_ = true;
  if (symbol == ';') first_word_ = true, setting_ = may_set_ = values_ = false;
  previous_ = symbol == ')' || symbol == ']' || symbol == '}' ? Previous::operand : Previous::other;
}

void SanitisedText::enter_or_leave(char symbol) {
  list_literal_ = false;
  if (symbol == '(') {
    ++depth_;
    if (previous_ == Previous::in) list_depth_ = depth_;
  } else if (symbol == ')' && depth_ > 0) {
    if (list_depth_ == depth_) list_depth_ = 0;
    --depth_;
  }
}

void SanitisedText::write_held_comma() {
  list_literal_ = false;
  if (comma_.kind == Kind::end) return;
  write(comma_.space, comma_.text);
  comma_ = {};
}

void SanitisedText::write(bool space, std::string_view what) {
  const bool gap = space && !text_.empty();
  if (text_.size() + what.size() + (gap ? 1 : 0) > longest_text) {
    full_ = true;
    return;
  }
  if (gap) text_ += ' ';
  text_ += what;
}

}  // namespace subfloor::sql
