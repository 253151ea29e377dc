// SPDX-License-Identifier: Apache-2.0
// Whether bytes look like the beginning of a command or of a reply.
#include <algorithm>
#include <cctype>

#include "protocols/redis/session.h"

namespace subfloor::protocols::redis {
namespace {

constexpr std::size_t longest_number = 20;

bool is_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Takes "<type><number>\r\n". `maybe_with_more`: the bytes end inside it.
Guess take_header(std::string_view& bytes, char type, std::int64_t& number) {
  if (bytes.empty()) return Guess::maybe_with_more;
  if (bytes.front() != type) return Guess::no;
  const std::size_t digits = std::min(bytes.find_first_not_of("0123456789", 1), bytes.size()) - 1;
  if (digits > longest_number) return Guess::no;
  const std::string_view end = bytes.substr(1 + digits, 2);
  if (!std::string_view("\r\n").starts_with(end)) return Guess::no;
  if (end.size() < 2) return digits > 0 || end.empty() ? Guess::maybe_with_more : Guess::no;
  const auto value = parse_number(bytes.substr(1, digits), false);
  if (!value) return Guess::no;
  number = *value;
  bytes.remove_prefix(1 + digits + 2);
  return Guess::yes;
}

Guess guess_array(std::string_view bytes) {
  std::int64_t arguments = 0, size = 0;
  if (const Guess guess = take_header(bytes, '*', arguments); guess != Guess::yes) return guess;
  if (arguments == 0) return Guess::no;
  if (const Guess guess = take_header(bytes, '$', size); guess != Guess::yes) return guess;
  if (size == 0 || size > 256) return Guess::no;
  const std::string_view name = bytes.substr(0, static_cast<std::size_t>(size));
  if (!is_text(name)) return Guess::no;
  if (name.size() < static_cast<std::size_t>(size)) return Guess::maybe_with_more;
  if (!std::string_view("\r\n").starts_with(bytes.substr(name.size(), 2))) return Guess::no;
  return find_command(name) != nullptr ? Guess::yes : Guess::likely;
}

// A known command in a line of its own. Other protocols have such words as well; nobody else says PING alone.
Guess guess_inline(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  std::string_view line = bytes.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!is_text(line)) return Guess::no;
  const std::size_t word_end = line.find(' ');
  const std::string_view word = line.substr(0, word_end);
  if (word_end == line.npos && end == bytes.npos)
    return word.size() <= longest_name &&
                   std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isalpha(c); })
               ? Guess::maybe_with_more
               : Guess::no;
  if (find_command(word) == nullptr) return Guess::no;
  if (word_end != line.npos && line.substr(word_end + 1).starts_with('/')) return Guess::no;  // HTTP's GET
  if (end == bytes.npos) return Guess::maybe_with_more;
  return equal_ignoring_case(line, "PING") ? Guess::yes : Guess::likely;
}

}  // namespace

Guess guess_command(std::string_view bytes) {
  if (bytes.empty()) return Guess::maybe_with_more;
  return bytes.front() == '*' ? guess_array(bytes) : guess_inline(bytes);
}

Guess guess_reply(std::string_view bytes) {
  if (bytes.empty()) return Guess::maybe_with_more;
  ReplyReader reader;
  constexpr std::string_view types = "+-:$*%~>|=!_#,(";
  if (types.find(bytes.front()) == types.npos) return Guess::no;
  const std::size_t end = bytes.find('\n');
  const std::string_view line = bytes.substr(0, end);
  if (bytes.front() != '+' && bytes.front() != '-' && line.size() > 1024) return Guess::no;
  if (!is_text(line.substr(0, line.size() - (line.ends_with('\r') ? 1 : 0)))) return Guess::no;
  if (end == bytes.npos) return Guess::maybe_with_more;
  return reader.take(bytes) == ReplyReader::Step::malformed ? Guess::no : Guess::yes;
}

}  // namespace subfloor::protocols::redis
