// SPDX-License-Identifier: Apache-2.0
// SQL's tokens, as far as it takes to tell names from literals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sql/sql.h"

namespace subfloor::sql {

struct Token {
  enum class Kind : std::uint8_t {
    end,
    word,         // keyword or name
    quoted,       // a name in quotes, with them
    string,       // a literal: text, bits, bytes
    number,       // a literal
    placeholder,  // $1 or ?
    symbol,       // one character
  };
  Kind kind = Kind::end;
  std::string_view text = {};
  bool space = false;  // white space or a comment came before it
  bool whole = true;   // false: it may go on behind the end
  [[nodiscard]] bool is(char symbol) const { return kind == Kind::symbol && text[0] == symbol; }
  // As a word, or in quotes: whole, no longer than names are, and without control characters.
  [[nodiscard]] bool may_name() const;
};

class Lexer {
 public:
  Lexer(std::string_view statement, const Options& options);

  [[nodiscard]] Token next();

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool blank();             // skips white space and comments; whether there were any
  [[nodiscard]] bool skip_line_comment();  // whether there was one
  void skip_block_comment();
  [[nodiscard]] bool begin_executable_comment();
  Token word();
  Token number();
  Token dollar();
  Token string(bool escapes, bool doubtful);
  Token quoted(char quote);
  Token symbol();
  [[nodiscard]] bool goes_on();  // PostgreSQL: the string does in the next line
  bool skip_quoted(char quote, bool escapes, bool doubtful);
  Token make(Token::Kind kind, std::size_t begin, bool terminated);
  Token plain_string(char quote);

  std::string_view text_;
  std::size_t at_ = 0;
  bool mysql_, cut_;
  bool escapes_;   // of plain strings
  bool doubtful_;  // nobody knows
  bool in_executable_comment_ = false;
};

}  // namespace subfloor::sql
