// SPDX-License-Identifier: Apache-2.0
#include "protocols/mysql/evidence.h"

#include <algorithm>
#include <optional>

#include "protocols/mysql/commands.h"
#include "protocols/mysql/fields.h"
#include "protocols/mysql/packets.h"

namespace subfloor::protocols::mysql {
namespace {

constexpr char ok = '\x00', eof = '\xfe', error = '\xff';
constexpr std::uint64_t longest_greeting = 1024;
constexpr std::uint64_t shortest_greeting = 16;

struct Header {
  std::uint64_t length;
  std::uint8_t sequence;
};

std::optional<Header> header_of(std::string_view bytes) {
  Fields fields(bytes);
  const std::uint64_t length = fields.integer(3);
  const std::uint8_t sequence = fields.u8();
  return fields.ok() ? std::optional(Header{length, sequence}) : std::nullopt;
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

bool is_state(std::string_view text) {
  return text.size() == 6 && text.front() == '#' && std::all_of(text.begin() + 1, text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

Evidence greeting(std::string_view payload, std::uint64_t length) {
  if (length < shortest_greeting || length > longest_greeting) return Evidence::none;
  if (payload.empty()) return Evidence::short_of_bytes;
  if (payload.front() != 9 && payload.front() != 10) return Evidence::none;
  const std::size_t end = payload.find('\0');
  const std::string_view version = payload.substr(1, end == std::string_view::npos ? end : end - 1);
  if (!printable(version)) return Evidence::none;
  if (end == std::string_view::npos) return payload.size() < 50 ? Evidence::short_of_bytes : Evidence::none;
  const bool has_digit = std::any_of(version.begin(), version.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!has_digit || (payload.front() == 9 && length != end + 1 + 4 + 9)) return Evidence::none;
  const std::size_t filler = end + 1 + 4 + 8;
  if (payload.size() <= filler) return payload.size() < length ? Evidence::short_of_bytes : Evidence::none;
  return payload[filler] == '\0' ? Evidence::greeting : Evidence::none;
}

Evidence refusal(std::string_view payload, std::uint64_t length) {
  Fields fields(payload);
  fields.skip(1);
  const std::uint16_t code = fields.u16();
  if (length < 9 || length > longest_greeting) return Evidence::none;
  if (payload.size() < std::min<std::uint64_t>(length, 16)) return Evidence::short_of_bytes;
  std::string_view text = fields.rest().substr(0, length - 3);
  if (is_state(text.substr(0, 6))) text.remove_prefix(6);
  return code >= 1000 && code < 10000 && printable(text) ? Evidence::refusal : Evidence::none;
}

// Does a packet follow at `at` that describes a column, under that number?
bool column_follows(std::string_view bytes, std::uint64_t at, std::uint8_t sequence) {
  if (at + packet_header + 4 > bytes.size()) return false;
  const std::string_view rest = bytes.substr(at);
  const std::optional<Header> header = header_of(rest);
  return header && header->sequence == sequence && header->length > 12 && header->length < 4096 &&
         rest.substr(packet_header, 4) ==
             "\x03"
             "def";
}

Evidence answer(std::string_view bytes, const Header& header) {
  const std::string_view payload = bytes.substr(packet_header);
  constexpr std::uint64_t longest = 4096, longest_number = 9;
  if (header.length == 0 || header.length > longest) return Evidence::none;
  if (payload.empty()) return Evidence::short_of_bytes;
  const bool tells = payload.front() == ok || payload.front() == eof || payload.front() == error;
  if (!tells && header.length > longest_number) return Evidence::none;
  if (column_follows(bytes, packet_header + header.length, 2)) {
    const bool prepared = payload.front() == ok && (header.length == 12 || header.length == 13);
    return prepared || header.length <= 4 ? Evidence::answer : Evidence::none;
  }
  const bool whole = payload.size() >= header.length;
  if (payload.front() == error) {
    if (payload.size() < std::min<std::uint64_t>(9, header.length)) return Evidence::short_of_bytes;
    Fields fields(payload);
    fields.skip(1);
    const std::uint16_t code = fields.u16();
    return code >= 1000 && code < 10000 && is_state(fields.take(6)) ? Evidence::answer : Evidence::none;
  }
  if (!whole && payload.size() < 32) return Evidence::short_of_bytes;
  if (payload.front() == eof) return header.length == 5 && payload.size() == 5 ? Evidence::weak_answer : Evidence::none;
  if (payload.front() != ok || payload.size() > header.length) return Evidence::none;
  if (header.length == 12 && payload.size() == 12 && payload[9] == 0) return Evidence::weak_answer;
  Fields fields(payload);
  fields.skip(1);
  (void)fields.number();
  (void)fields.number();
  const std::uint16_t status = fields.u16();
  const std::uint16_t warnings = fields.u16();
  // A session of nearly all clients is in a transaction or in none that lasts; there are few warnings.
  return fields.ok() && (status & 3) != 0 && warnings < 1024 ? Evidence::weak_answer : Evidence::none;
}

Evidence command(std::string_view bytes, const Header& header) {
  const std::string_view payload = bytes.substr(packet_header);
  if (header.length == 0) return Evidence::none;
  if (payload.empty()) return Evidence::short_of_bytes;
  if (!plausible_command(payload.substr(0, header.length), header.length)) return Evidence::none;
  if (payload.size() > header.length) {  // another command must follow
    const std::string_view next = bytes.substr(packet_header + header.length);
    const std::optional<Header> following = header_of(next);
    if (following && following->sequence != 0) return Evidence::none;
    if (next.size() > packet_header && !plausible_command(next.substr(packet_header), following->length))
      return Evidence::none;
  }
  return certain_command(payload.substr(0, header.length), header.length) ? Evidence::command : Evidence::weak_command;
}

}  // namespace

Evidence look_at_opening(std::string_view bytes) {
  const std::optional<Header> header = header_of(bytes);
  if (!header) return Evidence::short_of_bytes;
  if (header->sequence != 0) return Evidence::none;
  return look_at_first_payload(bytes.substr(packet_header), header->length);
}

Evidence look_at_first_payload(std::string_view payload, std::uint64_t length) {
  if (!payload.empty() && payload.front() == error) return refusal(payload, length);
  return greeting(payload, length);
}

Evidence look_at_middle(std::string_view bytes) {
  const std::optional<Header> header = header_of(bytes);
  if (!header) return bytes.empty() ? Evidence::none : Evidence::short_of_bytes;
  switch (header->sequence) {
    case 0: return command(bytes, *header);
    case 1: return answer(bytes, *header);
    default: return Evidence::none;
  }
}

}  // namespace subfloor::protocols::mysql
