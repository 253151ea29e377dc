// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/wire.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace subfloor::protocols::postgres {
namespace {

// Lengths are those of messages: they count themselves, not the type.
struct Type {
  char type = 0;
  std::uint32_t shortest = 0;
  std::uint32_t longest = 0;
  std::size_t wanted = 0;  // bytes of content
};

constexpr std::uint32_t large = longest_message;
constexpr std::size_t names = 2 * (name_limit + 2);

constexpr Type frontend_types[] = {
    {'Q', 5, large, statement_limit},
    {'P', 8, large, statement_limit + name_limit + 1},
    {'B', 12, large, names},
    {'D', 6, 1024, name_limit + 2},
    {'E', 9, 1024, name_limit + 1},
    {'C', 6, 1024, name_limit + 2},
    {'S', 4, 4, 0},
    {'H', 4, 4, 0},
    {'X', 4, 4, 0},
    {'F', 14, large, 0},
    {'d', 4, large, 0},
    {'c', 4, 4, 0},
    {'f', 5, 65536, 0},
    {'p', 5, 65536, 0},
};

constexpr Type backend_types[] = {
    {'R', 8, 65536, 0},  {'K', 12, 512, 0}, {'S', 6, 65536, 192}, {'Z', 5, 5, 1},       {'T', 6, large, 0},
    {'D', 6, large, 0},  {'C', 5, 256, 64}, {'I', 4, 4, 0},       {'E', 5, large, 192}, {'N', 5, large, 0},
    {'A', 10, 65536, 0}, {'1', 4, 4, 0},    {'2', 4, 4, 0},       {'3', 4, 4, 0},       {'n', 4, 4, 0},
    {'t', 6, 262150, 0}, {'s', 4, 4, 0},    {'G', 7, 8192, 0},    {'H', 7, 8192, 0},    {'W', 7, 8192, 0},
    {'d', 4, large, 0},  {'c', 4, 4, 0},    {'V', 8, large, 0},   {'v', 12, 65536, 0},
};

using Table = std::array<Type, 128>;

template <std::size_t size>
constexpr Table table_of(const Type (&types)[size]) {
  Table table{};
  for (const Type& type : types) table[static_cast<std::size_t>(type.type)] = type;
  return table;
}
constexpr Table frontend = table_of(frontend_types);
constexpr Table backend = table_of(backend_types);

const Type& find(Side side, char type) {
  static constexpr Type none{};
  const auto at = static_cast<unsigned char>(type);
  return at < 128 ? (side == Side::frontend ? frontend : backend)[at] : none;
}

bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool printable(char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; }

// A text, of which as much is there as the content has.
bool texts(std::string_view content, int count) {
  for (; count > 0; --count) {
    const std::size_t end = content.find('\0');
    if (!std::all_of(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(std::min(end, content.size())),
                     [](char c) { return printable(c) || c == '\n' || c == '\t' || c == '\r'; })) {
      return false;
    }
    if (end == std::string_view::npos) return true;
    content.remove_prefix(end + 1);
  }
  return true;
}

// Whether the content of a message, as far as it is there, has the type's shape; and whether hardly anything else has.
bool frontend_shape(char type, std::string_view content, bool whole, bool& distinct) {
  switch (type) {
    case 'Q':
      if (!texts(content, 1)) return false;
      if (whole && (content.back() != '\0' || content.find('\0') != content.size() - 1)) return false;
      distinct = distinct || (whole && content.size() > 3);
      return true;
    case 'P': distinct = distinct || whole; return texts(content, 2);
    case 'B': return texts(content, 2);
    case 'E':
      if (!texts(content, 1)) return false;
      if (whole && content.find('\0') + 5 != content.size()) return false;
      distinct = distinct || whole;
      return true;
    case 'D':
    case 'C':
      if (content.empty()) return true;
      if (content[0] != 'S' && content[0] != 'P') return false;
      return !whole || content.find('\0') == content.size() - 1;
    default: return true;
  }
}

bool backend_shape(char type, std::string_view content, bool whole, bool& distinct) {
  if (content.empty()) return true;
  switch (type) {
    case 'Z': distinct = true; return content[0] == 'I' || content[0] == 'T' || content[0] == 'E';
    case 'C':
      if (!whole) return texts(content, 1);
      if (read_tag(content).command.empty()) return false;
      distinct = true;
      return true;
    case 'E':
    case 'N':
      if (!whole) return content[0] == 'S';
      if (content[0] != 'S' || read_failure(content).state.empty()) return false;
      distinct = true;
      return true;
    case 'S': return texts(content, 2);
    case 'R': return content.size() < 4 || read_u32(content) <= 12;
    default: return true;
  }
}

}  // namespace

std::uint32_t read_u32(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
  return at(0) << 24 | at(1) << 16 | at(2) << 8 | at(3);
}

bool possible(Side side, char type, std::uint32_t length) {
  const Type& found = find(side, type);
  return found.type != 0 && length >= found.shortest && length <= found.longest;
}

std::size_t wanted(Side side, char type) { return find(side, type).wanted; }

std::optional<std::string_view> take_text(std::string_view& content) {
  const std::size_t end = content.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view text = content.substr(0, end);
  content.remove_prefix(end + 1);
  return text;
}

Chain follow(Side side, std::string_view bytes) {
  Chain chain{.holds = true};
  while (!bytes.empty()) {
    const Type& type = find(side, bytes[0]);
    chain.holds = type.type != 0;
    if (!chain.holds) return chain;
    if (bytes.size() < header_size) return chain;
    const std::uint32_t length = read_u32(bytes.substr(1));
    chain.holds = length >= type.shortest && length <= type.longest;
    if (!chain.holds) return chain;
    const bool whole = bytes.size() >= std::size_t{length} + 1;
    const std::string_view content = bytes.substr(header_size, length - 4);
    chain.holds = side == Side::frontend ? frontend_shape(type.type, content, whole, chain.distinct)
                                         : backend_shape(type.type, content, whole, chain.distinct);
    if (!chain.holds || !whole) return chain;
    ++chain.messages;
    bytes.remove_prefix(std::size_t{length} + 1);
  }
  chain.ends = chain.messages > 0;
  return chain;
}

std::optional<Tail> find_tail(std::string_view bytes) {
  constexpr std::string_view ready("Z\0\0\0\5", 5);
  if (bytes.size() < ready.size() + 1 || bytes.substr(bytes.size() - 6, 5) != ready) return std::nullopt;
  const char state = bytes.back();
  if (state != 'I' && state != 'T' && state != 'E') return std::nullopt;
  bytes.remove_suffix(6);
  constexpr std::size_t furthest = 2048;  // an error's message and its place in a program
  for (std::size_t size = header_size; size <= std::min(bytes.size(), furthest); ++size) {
    const std::string_view last = bytes.substr(bytes.size() - size);
    if ((last[0] != 'C' && last[0] != 'E') || read_u32(last.substr(1)) != size - 1) continue;
    const std::string_view content = last.substr(header_size);
    bool distinct = false;
    if (backend_shape(last[0], content, true, distinct) && distinct) return Tail{last[0], content};
  }
  return Tail{};
}

CommandTag read_tag(std::string_view content) {
  content = content.substr(0, content.find('\0'));
  CommandTag tag;
  std::size_t end = 0;
  while (end < content.size() && (upper(content[end]) || content[end] == ' ' || content[end] == '_')) ++end;
  std::string_view numbers = content.substr(end);
  std::size_t command = end;
  while (command > 0 && content[command - 1] == ' ') --command;
  if (command == 0 || !upper(content[0]) || (!numbers.empty() && end == command)) return tag;
  for (std::uint64_t number = 0; !numbers.empty();) {
    const auto [next, error] = std::from_chars(numbers.data(), numbers.data() + numbers.size(), number);
    if (error != std::errc{}) return {};
    numbers.remove_prefix(static_cast<std::size_t>(next - numbers.data()));
    if (!numbers.empty() && numbers.front() != ' ') return {};
    if (!numbers.empty()) numbers.remove_prefix(1);
    tag.rows = number;  // the last: INSERT tells an object's number first
  }
  tag.command = content.substr(0, command);
  return tag;
}

Failure read_failure(std::string_view content) {
  Failure failure;
  while (!content.empty() && content[0] != '\0') {
    const char field = content[0];
    content.remove_prefix(1);
    const std::optional<std::string_view> text = take_text(content);
    if (!text) break;
    if (field == 'C' && text->size() == 5 &&
        std::all_of(text->begin(), text->end(), [](char c) { return upper(c) || digit(c); })) {
      failure.state = *text;
    }
    // V is S, never translated; servers before 9.6 have none.
    for (const std::string_view severity : {"ERROR", "FATAL", "PANIC"}) {
      if ((field == 'V' || field == 'S') && *text == severity) failure.severity = severity;
    }
  }
  return failure;
}

}  // namespace subfloor::protocols::postgres
