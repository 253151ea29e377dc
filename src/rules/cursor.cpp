// SPDX-License-Identifier: Apache-2.0
#include "rules/cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace subfloor::rules {
namespace {

constexpr std::array<std::string_view, 8> transformers{"tolower", "toupper", "b64",    "basename",
                                                       "len",     "join",    "concat", "getopt"};

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }
// What regular expressions call [[:space:]].
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::size_t digits_end(std::string_view text, std::size_t from) {
  while (from < text.size() && is_digit(text[from])) ++from;
  return from;
}

}  // namespace

bool Cursor::blanks() {
  const std::size_t before = offset_;
  while (!at_end() && is_blank(text_[offset_])) ++offset_;
  return offset_ != before;
}

bool Cursor::literal(std::string_view text) {
  if (!rest().starts_with(text)) return false;
  offset_ += text.size();
  return true;
}

std::size_t Cursor::identifier_end(std::size_t from) const {
  if (from >= text_.size() || !is_letter(text_[from])) return from;
  while (from < text_.size() && is_word(text_[from])) ++from;
  return from;
}

std::optional<std::string> Cursor::identifier() {
  const std::size_t begin = offset_, end = identifier_end(begin);
  if (end == begin) return std::nullopt;
  offset_ = end;
  return std::string(text_.substr(begin, end - begin));
}

std::optional<std::string> Cursor::field_name() {
  const std::size_t begin = offset_;
  std::size_t end = identifier_end(begin);
  if (end == begin) return std::nullopt;
  std::size_t parts = 1;
  while (end < text_.size() && text_[end] == '.') {
    const std::size_t next = identifier_end(end + 1);
    if (next == end + 1) break;
    end = next;
    ++parts;
  }
  if (parts < 2) return std::nullopt;
  offset_ = end;
  return std::string(text_.substr(begin, end - begin));
}

template <class Accept>
std::optional<std::string> Cursor::while_accepted(Accept accept) {
  const std::size_t begin = offset_;
  while (!at_end() && accept(text_[offset_])) ++offset_;
  if (offset_ == begin) return std::nullopt;
  return std::string(text_.substr(begin, offset_ - begin));
}

std::optional<std::string> Cursor::bare_argument() {
  return while_accepted([](char c) { return !is_space(c) && c != '[' && c != ']' && c != '"' && c != '\''; });
}

std::optional<std::string> Cursor::bare_text() {
  return while_accepted(
      [](char c) { return !is_space(c) && c != '(' && c != ')' && c != '"' && c != '\'' && c != '=' && c != ','; });
}

// Decimal with an optional sign, point and signed exponent; or hexadecimal.
std::optional<std::string> Cursor::number() {
  const std::size_t begin = offset_;
  std::size_t end = begin;
  if (text_.substr(begin).size() > 2 && text_[begin] == '0' && (text_[begin + 1] | 0x20) == 'x' &&
      is_hex(text_[begin + 2])) {
    end += 2;
    while (end < text_.size() && is_hex(text_[end])) ++end;
  } else {
    if (end < text_.size() && (text_[end] == '+' || text_[end] == '-')) ++end;
    const std::size_t digits = end;
    end = digits_end(text_, end);
    if (end == digits) return std::nullopt;
    if (end < text_.size() && text_[end] == '.') end = digits_end(text_, end + 1);
    if (end + 2 < text_.size() && (text_[end] | 0x20) == 'e' && (text_[end + 1] == '+' || text_[end + 1] == '-') &&
        is_digit(text_[end + 2]))
      end = digits_end(text_, end + 2);
  }
  offset_ = end;
  return std::string(text_.substr(begin, end - begin));
}

std::optional<std::string> Cursor::transformer() {
  for (const std::string_view name : transformers) {
    if (!rest().starts_with(name) || !rest().substr(name.size()).starts_with('(')) continue;
    offset_ += name.size() + 1;
    return std::string(name);
  }
  return std::nullopt;
}

std::optional<Operator> Cursor::operator_among(std::span<const std::string_view> spellings) {
  for (const std::string_view spelling : spellings) {
    if (!rest().starts_with(spelling)) continue;
    const bool is_name = is_letter(spelling[0]);
    const std::size_t behind = offset_ + spelling.size();
    // "container" does not begin with "contains", nor "inode" with "in".
    if (is_name && behind < text_.size() && is_word(text_[behind])) continue;
    offset_ = behind;
    return operator_of(spelling);
  }
  return std::nullopt;
}

std::optional<Modifier> Cursor::modifier() {
  const std::size_t before = offset_;
  const auto word = identifier();
  const auto found = word ? modifier_of(*word) : std::nullopt;
  if (found && blanks()) return found;
  offset_ = before;
  return std::nullopt;
}

std::nullopt_t Cursor::fail(std::size_t offset, std::string problem) {
  problem_ = std::move(problem);
  problem_offset_ = offset;
  return std::nullopt;
}

// Takes what follows a backslash.
bool Cursor::unescape(char quote, std::string& into) {
  const std::size_t begin = offset_ - 1;
  const char c = peek();
  ++offset_;
  switch (c) {
    case 'b': into += '\b'; return true;
    case 'f': into += '\f'; return true;
    case 'n': into += '\n'; return true;
    case 'r': into += '\r'; return true;
    case 't': into += '\t'; return true;
    case '\\': into += '\\'; return true;
    case '/': into += '/'; return true;
    // Rules rely on this mistake of Falco's: a backslash before a blank stands for itself, and the blank is lost.
    case ' ': into += '\\'; return true;
    case '"':
    case '\'':
      if (c != quote) {
        fail(begin, fmt::format("\\{} is no escape between {} quotes", c, quote == '"' ? "double" : "single"));
        return false;
      }
      into += c;
      return true;
    case 'x': {
      unsigned char byte = 0;
      const std::string_view digits = rest().substr(0, 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) {
        fail(begin, "\\x takes two hexadecimal digits");
        return false;
      }
      into += static_cast<char>(byte);
      offset_ += 2;
      return true;
    }
    default: fail(begin, fmt::format("unknown escape '\\{}'", c)); return false;
  }
}

std::optional<std::string> Cursor::take_quoted() {
  const std::size_t begin = offset_;
  const char quote = peek();
  std::string value;
  ++offset_;
  while (!at_end()) {
    const char c = text_[offset_++];
    if (c == quote) return value;
    if (c != '\\') {
      value += c;
    } else if (at_end()) {
      break;
    } else if (!unescape(quote, value)) {
      return std::nullopt;
    }
  }
  return fail(begin, "this quote is never closed");
}

std::string Cursor::describe_next() const {
  if (at_end()) return "the end";
  std::size_t size = 1;
  if (is_word(peek()))
    while (size < rest().size() && (is_word(rest()[size]) || rest()[size] == '.')) ++size;
  return fmt::format("'{}'", rest().substr(0, std::min<std::size_t>(size, 40)));
}

}  // namespace subfloor::rules
