// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.h"

#include <algorithm>
#include <array>

namespace subfloor::sql {
namespace {

enum : std::uint8_t { space_class = 1, digit_class = 2, name_begin_class = 4, name_class = 8 };

constexpr std::array<std::uint8_t, 256> classes = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c <= ' ' || c == 0x7f) table[c] = space_class;  // control characters separate, and are not told
    if (c >= '0' && c <= '9') table[c] = digit_class | name_class;
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    if (letter) table[c] = name_begin_class | name_class;
  }
  table['$'] = name_class;
  return table;
}();

bool in(char c, std::uint8_t which) { return (classes[static_cast<unsigned char>(c)] & which) != 0; }
char lower(char c) { return static_cast<char>(c | 0x20); }

}  // namespace

bool Token::may_name() const {
  return whole && text.size() <= longest_name + (kind == Kind::quoted ? 2 : 0) &&
         std::none_of(text.begin(), text.end(), [](char c) { return in(c, space_class) && c != ' '; });
}

Lexer::Lexer(std::string_view statement, const Options& options)
    : text_(statement),
      mysql_(options.dialect == Dialect::mysql),
      cut_(options.cut),
      escapes_(options.backslash_escapes.value_or(mysql_)),
      doubtful_(!mysql_ && !options.backslash_escapes) {}

Token Lexer::next() {
  const bool space = blank();
  Token token;
  if (at_ < text_.size()) {
    const char c = peek();
    if (in(c, name_begin_class) || (mysql_ && c == '$')) {
      token = word();
    } else if (in(c, digit_class) || (c == '.' && in(peek(1), digit_class))) {
      token = number();
    } else if (c == '\'') {
      token = plain_string('\'');
    } else if (c == '"') {
      token = mysql_ ? plain_string('"') : quoted('"');
    } else if (c == '`' && mysql_) {
      token = quoted('`');
    } else if (c == '$') {
      token = dollar();
    } else {
      token = symbol();
    }
  }
  token.space = space;
  return token;
}

Token Lexer::make(Token::Kind kind, std::size_t begin, bool terminated) {
  const bool ends = at_ < text_.size() || !cut_;
  return {.kind = kind,
          .text = text_.substr(begin, at_ - begin),
          .whole = terminated || (kind == Token::Kind::word && ends)};
}

bool Lexer::blank() {
  const std::size_t begin = at_;
  while (at_ < text_.size()) {
    const char c = peek();
    if (in(c, space_class)) {
      ++at_;
    } else if (c == '/' && peek(1) == '*') {
      if (!begin_executable_comment()) skip_block_comment();
    } else if (c == '*' && peek(1) == '/' && in_executable_comment_) {
      in_executable_comment_ = false;
      at_ += 2;
    } else if (!skip_line_comment()) {
      break;
    }
  }
  return at_ > begin;
}

bool Lexer::skip_line_comment() {
  const char c = peek();
  if (!mysql_) {
    if (c != '-' || peek(1) != '-') return false;
    at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
    return true;
  }
  // MySQL wants white space behind the dashes: 5--3 is 8.
  const bool dashes = c == '-' && peek(1) == '-' && (at_ + 2 >= text_.size() || in(peek(2), space_class));
  if (c != '#' && !dashes) return false;
  at_ = std::min(text_.find('\n', at_), text_.size());
  return true;
}

void Lexer::skip_block_comment() {
  at_ += 2;
  std::size_t depth = 1;  // PostgreSQL nests them
  while (at_ < text_.size() && depth > 0) {
    if (peek() == '*' && peek(1) == '/') {
      --depth;
      at_ += 2;
    } else if (!mysql_ && peek() == '/' && peek(1) == '*') {
      ++depth;
      at_ += 2;
    } else {
      ++at_;
    }
  }
}

// /*!40101 SET … */ and MariaDB's /*M!100100 … */ are executed. 99999 and the like stand for "by no version": comments.
bool Lexer::begin_executable_comment() {
  if (!mysql_ || in_executable_comment_) return false;
  std::size_t ahead = 2;
  if (peek(ahead) == 'M') ++ahead;
  if (peek(ahead) != '!') return false;
  ++ahead;
  const std::size_t digits = ahead;
  unsigned version = 0;
  for (; ahead < digits + 6 && in(peek(ahead), digit_class); ++ahead) {
    version = version * 10 + static_cast<unsigned>(peek(ahead) - '0');
  }
  if (version >= 990'000 || (version >= 99'000 && version <= 99'999)) return false;
  at_ += ahead;
  in_executable_comment_ = true;
  return true;
}

Token Lexer::word() {
  const std::size_t begin = at_;
  const char first = lower(peek());
  if (peek(1) == '\'') {  // E'…', B'…', X'…', N'…'
    const bool escape = first == 'e' && !mysql_;
    if (escape || first == 'b' || first == 'x' || first == 'n') {
      at_ += 2;
      return first == 'n' ? string(escapes_, doubtful_) : string(escape, false);
    }
  }
  if (!mysql_ && first == 'u' && peek(1) == '&' && (peek(2) == '\'' || peek(2) == '"')) {
    at_ += 2;
    if (peek() == '"') return quoted('"');
    ++at_;
    return string(false, false);
  }
  while (at_ < text_.size() && in(peek(), name_class)) ++at_;
  return make(Token::Kind::word, begin, false);
}

// Takes everything that adheres to it: 1e-5, 0xff, 1_000, 2020_orders, 10.0.0.1.
Token Lexer::number() {
  const std::size_t begin = at_;
  const bool based = peek() == '0' && (lower(peek(1)) == 'x' || lower(peek(1)) == 'b' || lower(peek(1)) == 'o');
  while (at_ < text_.size()) {
    const char c = peek();
    if (!in(c, name_class) && c != '.') break;
    const bool exponent = !based && lower(c) == 'e' && (peek(1) == '-' || peek(1) == '+') && in(peek(2), digit_class);
    at_ += exponent ? 2 : 1;
  }
  return make(Token::Kind::number, begin, false);
}

// $1, or PostgreSQL's $tag$ … $tag$.
Token Lexer::dollar() {
  const std::size_t begin = at_;
  std::size_t end = at_ + 1;
  if (end < text_.size() && in(text_[end], digit_class)) {
    while (end < text_.size() && in(text_[end], digit_class)) ++end;
    at_ = end;
    return make(Token::Kind::placeholder, begin, true);
  }
  while (end < text_.size() && text_[end] != '$' && in(text_[end], name_class)) ++end;
  if (end == text_.size() && cut_) {  // perhaps a tag
    at_ = end;
    return make(Token::Kind::string, begin, false);
  }
  if (end == text_.size() || text_[end] != '$') return symbol();
  const std::string_view tag = text_.substr(begin, end + 1 - begin);
  const std::size_t close = text_.find(tag, end + 1);
  at_ = close == std::string_view::npos ? text_.size() : close + tag.size();
  return make(Token::Kind::string, begin, close != std::string_view::npos);
}

// Behind the opening quote, to behind the closing one, or to the end. Whether it was closed.
bool Lexer::skip_quoted(char quote, bool escapes, bool doubtful) {
  bool odd = false;  // an odd number of backslashes came just before
  for (; at_ < text_.size(); ++at_) {
    const char c = peek();
    if (c == '\\') {
      if (escapes) {
        ++at_;
      } else {
        odd = !odd;
      }
      continue;
    }
    if (c == quote) {
      if (odd && doubtful) break;
      if (peek(1) != quote) {
        ++at_;
        return true;
      }
      ++at_;
    }
    odd = false;
  }
  at_ = text_.size();
  return false;
}

Token Lexer::plain_string(char quote) {
  const std::size_t begin = at_++;
  if (quote == '\'') return string(escapes_, doubtful_);
  const bool closed = skip_quoted(quote, escapes_, doubtful_);
  return make(Token::Kind::string, begin, closed);
}

// Behind the opening quote. With its continuations, which are of its kind.
Token Lexer::string(bool escapes, bool doubtful) {
  const std::size_t begin = at_ - 1;
  bool closed = skip_quoted('\'', escapes, doubtful);
  while (closed && goes_on()) closed = skip_quoted('\'', escapes, doubtful);
  return make(Token::Kind::string, begin, closed);
}

bool Lexer::goes_on() {
  if (mysql_) return false;  // each is a string of its own there, of the same kind
  const std::size_t end = at_;
  bool newline = false;
  while (at_ < text_.size()) {
    const char c = peek();
    newline = newline || c == '\n' || c == '\r';
    if (in(c, space_class)) {
      ++at_;
    } else if (!skip_line_comment()) {
      break;
    }
  }
  if (newline && peek() == '\'') {
    ++at_;
    return true;
  }
  at_ = end;
  return false;
}

Token Lexer::quoted(char quote) {
  const std::size_t begin = at_++;
  const bool closed = skip_quoted(quote, false, false);
  return make(Token::Kind::quoted, begin, closed);
}

Token Lexer::symbol() {
  const std::size_t begin = at_++;
  const bool placeholder = mysql_ && text_[begin] == '?';
  return make(placeholder ? Token::Kind::placeholder : Token::Kind::symbol, begin, true);
}

}  // namespace subfloor::sql
