// SPDX-License-Identifier: Apache-2.0
#include "protocols/http1/head.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "base/byte_mask.h"

namespace subfloor::protocols::http1 {
namespace {

using namespace std::string_view_literals;

constexpr auto token_chars = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : "!#$%&'*+-.^_`|~"sv) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// Length of the token at the beginning of `text`, which is looked at up to `most` bytes.
std::size_t token_size(std::string_view text, std::size_t most) {
  const char* const begin = text.data();
  const char* const end = begin + std::min(text.size(), most);
  const char* at = begin;
  while (at != end && token_chars[static_cast<unsigned char>(*at)]) ++at;
  return static_cast<std::size_t>(at - begin);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Control characters never stand in a start line (a tab may, in a reason phrase).
bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::size_t find_char(std::string_view text, char c, std::size_t from) {
  const void* at = from < text.size() ? std::memchr(text.data() + from, c, text.size() - from) : nullptr;
  return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : std::string_view::npos;
}

}  // namespace

bool has_control(std::string_view text) {
  // Eight bytes at a time, the last eight perhaps twice: is one below 0x20, or 0x7f? A tab is looked at again.
  constexpr std::uint64_t ones = 0x0101010101010101, highs = ones * 0x80;
  constexpr std::size_t step = sizeof(std::uint64_t);
  if (text.size() < step) return std::any_of(text.begin(), text.end(), is_control);
  for (std::size_t at = 0;; at = std::min(at + step, text.size() - step)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, step);
    const std::uint64_t del = word ^ (ones * 0x7f);
    const bool suspect = (((word - ones * 0x20) & ~word) | ((del - ones) & ~del)) & highs;
    if (suspect && std::any_of(text.begin() + at, text.begin() + at + step, is_control)) return true;
    if (at + step == text.size()) return false;
  }
}

namespace {

std::string_view trimmed(std::string_view text) {
  std::size_t from = 0, to = text.size();
  while (from < to && is_blank(text[from])) ++from;
  while (to > from && (is_blank(text[to - 1]) || text[to - 1] == '\r')) --to;
  return text.substr(from, to - from);
}

constexpr std::string_view common_methods[] = {
    "GET",       "POST",  "PUT",  "HEAD", "DELETE", "OPTIONS", "PATCH",  "CONNECT", "TRACE", "PROPFIND",
    "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK",   "UNLOCK",  "REPORT", "SEARCH",  "PURGE"};

constexpr std::string_view version_prefix = "HTTP/1.";

// The rest of a status line after "HTTP/1.": as much of "1 200" as is there must be right.
Parse parse_status(std::string_view text, bool whole, StartLine& line) {
  constexpr std::string_view shape = "d 000";
  const std::string_view rest = text.substr(version_prefix.size());
  const std::size_t known = std::min(rest.size(), shape.size());
  for (std::size_t i = 0; i < known; ++i) {
    if (i == 1 ? rest[i] != ' ' : !is_digit(rest[i])) return Parse::bad;
  }
  if (known < shape.size()) return whole ? Parse::bad : Parse::incomplete;
  const std::string_view reason = rest.substr(shape.size());
  if (rest[2] == '0' || (!reason.empty() && reason.front() != ' ') || has_control(reason)) return Parse::bad;
  line.status = (rest[2] - '0') * 100 + (rest[3] - '0') * 10 + (rest[4] - '0');
  line.version = text.substr(version_prefix.size() - 2, 3);
  return whole ? Parse::complete : Parse::incomplete;
}

// The rest of a request line after the method and its space.
Parse parse_target(std::string_view rest, bool whole, StartLine& line) {
  if (has_control(rest) || (!rest.empty() && is_blank(rest.front()))) return Parse::bad;
  if (!whole) return Parse::incomplete;
  const std::size_t space = rest.rfind(' ');
  if (space == std::string_view::npos || space == 0) return Parse::bad;
  const std::string_view version = rest.substr(space + 1);
  if (version.size() != version_prefix.size() + 1 || !version.starts_with(version_prefix) ||
      !is_digit(version.back())) {
    return Parse::bad;
  }
  line.target = trimmed(rest.substr(0, space));
  line.version = version.substr(version_prefix.size() - 2);
  return Parse::complete;
}

Parse parse_request_line(std::string_view text, bool whole, StartLine& line) {
  const std::size_t n = token_size(text, method_limit + 1);
  if (n > method_limit) return Parse::bad;
  if (n == text.size()) return whole ? Parse::bad : Parse::incomplete;
  if (n == 0 || text[n] != ' ') return Parse::bad;
  line.method = text.substr(0, n);
  return parse_target(text.substr(n + 1), whole, line);
}

void take_content_length(std::string_view value, Head& head) {
  // A list of equal values is one value (RFC 9110, 8.6).
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t comma = std::min(value.find(',', at), value.size());
    const std::string_view item = trimmed(value.substr(at, comma - at));
    std::uint64_t length = 0;
    if (item.empty() || item.size() > 18 || !std::all_of(item.begin(), item.end(), is_digit)) {
      head.bad_framing = true;
      return;
    }
    for (const char c : item) length = length * 10 + static_cast<std::uint64_t>(c - '0');
    if (head.content_length && *head.content_length != length) head.bad_framing = true;
    head.content_length = length;
    at = comma + 1;
  }
}

void take_transfer_encoding(std::string_view value, Head& head) {
  const std::size_t comma = value.rfind(',');
  const std::string_view last = trimmed(comma == std::string_view::npos ? value : value.substr(comma + 1));
  head.transfer_encoding = true;
  head.chunked = equal_ignoring_case(last, "chunked");
}

// Was it a field that determines how long the message is?
bool take_framing(std::string_view name, std::string_view value, bool loose_name, Head& head) {
  if (name.size() == 14 && equal_ignoring_case(name, "content-length")) {
    take_content_length(value, head);
  } else if (name.size() == 17 && equal_ignoring_case(name, "transfer-encoding")) {
    take_transfer_encoding(value, head);
  } else {
    return false;
  }
  // "Content-Length : 5" must be refused in a request (RFC 9112, 5.1): servers differ in what they make of it.
  if (loose_name && !head.start.is_response) head.bad_framing = true;
  return true;
}

// Does the name of this field line end after `n` bytes?
bool name_ends_at(std::string_view line, std::size_t n) {
  return line.size() > n && (line[n] == ':' || is_blank(line[n]));
}

// Could the line be one that is read though header fields are not kept: framing, trace context, host? Most lines are
// refused by their first letter and the length of their name.
bool may_be_needed(std::string_view line, bool forwarding) {
  constexpr std::uint32_t letters = 1U << ('b' & 31) | 1U << ('c' & 31) | 1U << ('f' & 31) | 1U << ('h' & 31) |
                                    1U << ('t' & 31) | 1U << ('u' & 31) | 1U << ('x' & 31);
  if ((letters >> (line.front() & 31) & 1) == 0) return false;
  switch (line.front() | 0x20) {
    case 'b': return name_ends_at(line, "b3"sv.size());
    case 'c': return name_ends_at(line, "content-length"sv.size());
    case 'f': return forwarding && name_ends_at(line, "forwarded"sv.size());
    case 'h': return name_ends_at(line, "host"sv.size());
    case 't':
      return name_ends_at(line, "traceparent"sv.size()) || name_ends_at(line, "tracestate"sv.size()) ||
             name_ends_at(line, "transfer-encoding"sv.size());
    case 'u': return name_ends_at(line, "upgrade"sv.size());
    case 'x':
      return (forwarding && name_ends_at(line, "x-forwarded-for"sv.size())) ||
             name_ends_at(line, "x-b3-flags"sv.size()) || name_ends_at(line, "x-b3-spanid"sv.size()) ||
             name_ends_at(line, "x-b3-traceid"sv.size());
    default: return false;
  }
}

// Continuation lines become part of the value, their line ends spaces (RFC 9112, 5.2).
std::string unfolded(std::string_view value) {
  std::string text(value);
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return text;
}

// One field line (with its continuations), line end not included; not stored where it `overflows` the limit.
void take_field(std::string_view line, bool folded, bool overflows, const FieldStore& store, Head& head) {
  std::size_t n = token_size(line, line.size());
  const std::string_view name = line.substr(0, n);
  while (n < line.size() && is_blank(line[n])) ++n;
  if (name.empty() || n == line.size() || line[n] != ':') return;

  std::string text;
  std::string_view value = trimmed(line.substr(n + 1));
  if (folded) value = text = unfolded(value);
  const bool framing = take_framing(name, value, n != name.size(), head);
  const bool upgrade = name.size() == 7 && equal_ignoring_case(name, "upgrade");
  if (upgrade) head.h2c = equal_ignoring_case(value, "h2c");
  if (!overflows && (store.keep_all || !(framing || upgrade))) store.list.add(name, value);
}

// End of the line that starts at `from`: offset of its LF.
std::size_t line_end(std::string_view text, std::size_t from) { return find_char(text, '\n', from); }

bool is_empty_line(std::string_view text, std::size_t from, std::size_t lf) {
  return lf == from || (lf == from + 1 && text[from] == '\r');
}

// The line feeds of a text, one after the other, each byte looked at once.
class LineFeeds {
 public:
  LineFeeds(const char* from, const char* end) : unseen_(from), end_(end) {}

  // Null where there is none any more.
  const char* next() {
    while (mask_ == 0) {
      if (unseen_ == end_) return nullptr;
      look_on();
    }
    const char* const lf = block_ + std::countr_zero(mask_);
    mask_ &= mask_ - 1;
    return lf;
  }

 private:
  void look_on() {
    block_ = unseen_;
    const auto left = static_cast<std::size_t>(end_ - unseen_);
    if (left >= mask_block) {
      mask_ = equal_mask(block_, '\n');
      unseen_ += mask_block;
      return;
    }
    std::array<char, mask_block> rest{};
    std::memcpy(rest.data(), block_, left);
    mask_ = equal_mask(rest.data(), '\n');
    explicit_bzero(rest.data(), left);  // no captured content stays on the stack
    unseen_ = end_;
  }

  const char* block_ = nullptr;
  const char* unseen_;
  const char* end_;
  std::uint64_t mask_ = 0;  // of the block: what next() has not told yet
};

// The field lines from `from` on, up to the blank line. Sets `block_end` to the end of the last one there is.
Parse parse_fields(std::string_view text, std::size_t from, const FieldStore& store, Head& head,
                   std::size_t& block_end) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  LineFeeds feeds(begin + from, end);
  const char* line = begin + from;
  Parse result = Parse::incomplete;
  while (const char* lf = feeds.next()) {
    if (lf == line || (lf == line + 1 && *line == '\r')) {
      head.size = static_cast<std::size_t>(lf + 1 - begin);
      result = Parse::complete;
      break;
    }
    bool folded = false;
    while (lf != nullptr && lf + 1 != end && is_blank(lf[1])) {
      folded = true;
      lf = feeds.next();
    }
    if (lf == nullptr || lf + 1 == end) break;  // whether the line goes on shows in the next byte
    const std::string_view field(line, static_cast<std::size_t>(lf - line));
    line = lf + 1;
    if (store.keep_all || may_be_needed(field, store.forwarding)) {
      take_field(field, folded, static_cast<std::size_t>(line - begin) - from > store.limit, store, head);
    }
  }
  block_end = static_cast<std::size_t>(line - begin);
  return result;
}

}  // namespace

Parse parse_start_line(std::string_view text, StartLine& line) {
  const std::size_t lf = line_end(text, 0);
  const bool whole = lf != std::string_view::npos;
  std::string_view content = text.substr(0, lf);
  if (!content.empty() && content.back() == '\r') content.remove_suffix(1);
  line = StartLine{};
  line.size = whole ? lf + 1 : 0;
  const std::size_t common = std::min(content.size(), version_prefix.size());
  if (content.substr(0, common) == version_prefix.substr(0, common)) {
    line.is_response = common == version_prefix.size();
    if (!line.is_response) return whole ? Parse::bad : Parse::incomplete;
    return parse_status(content, whole, line);
  }
  return parse_request_line(content, whole, line);
}

Parse parse_head(std::string_view text, const FieldStore& store, Head& head) {
  store.list.clear();
  const Parse start = parse_start_line(text, head.start);
  if (start != Parse::complete) return start;
  head.start_complete = true;

  std::size_t end = 0;
  const Parse fields = parse_fields(text, head.start.size, store, head, end);
  head.fields_cut = end - head.start.size > store.limit;
  if (fields != Parse::complete) return fields;
  if (find_char(text.substr(0, head.size), '\0', head.start.size) != std::string_view::npos) head.bad_framing = true;
  return Parse::complete;
}

std::size_t HeadEnd::find(std::string_view text) {
  for (;;) {
    const std::size_t lf = line_end(text, scanned_);
    if (lf == std::string_view::npos) {
      scanned_ = text.size();
      return 0;
    }
    if (line_start_ > 0 && is_empty_line(text, line_start_, lf)) return lf + 1;
    scanned_ = line_start_ = lf + 1;
  }
}

bool is_common_method(std::string_view method) {
  return std::find(std::begin(common_methods), std::end(common_methods), method) != std::end(common_methods);
}

bool may_be_the_rest_of_another_method(std::string_view method) {
  return std::any_of(std::begin(common_methods), std::end(common_methods),
                     [&](std::string_view other) { return other.size() > method.size() && other.ends_with(method); });
}

bool begins_common_method(std::string_view text) {
  return std::any_of(std::begin(common_methods), std::end(common_methods),
                     [&](std::string_view method) { return method.starts_with(text); });
}

}  // namespace subfloor::protocols::http1
