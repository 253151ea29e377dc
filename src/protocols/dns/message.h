// SPDX-License-Identifier: Apache-2.0
// DNS messages (RFC 1035, 6891, 9460) out of bytes of which the end may be missing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/call.h"

namespace subfloor::protocols::dns {

inline constexpr std::size_t header_size = 12;
inline constexpr std::size_t name_limit =
    260;  // bytes of a name as text; with escapes it may be longer, the rest is cut
inline constexpr std::size_t answers_limit = 512;  // bytes of the text of all answers
inline constexpr std::size_t resolutions_limit = 64;  // addresses of one response

struct Header {
  std::uint16_t id = 0, flags = 0;
  std::array<std::uint16_t, 4> counts{};  // questions, answers, authority, additional

  [[nodiscard]] bool is_response() const { return (flags & 0x8000U) != 0; }
  [[nodiscard]] unsigned opcode() const { return flags >> 11U & 15U; }
  [[nodiscard]] bool truncated() const { return (flags & 0x0200U) != 0; }
  [[nodiscard]] int rcode() const { return flags & 15; }
};

struct Question {
  std::string name;  // lower case, without the last dot; "." is the root
  std::uint16_t type = 0, type_class = 0;
  std::uint64_t hash = 0;  // of the whole name, type and class; case does not matter

  bool operator==(const Question& other) const {
    return hash == other.hash && type == other.type && type_class == other.type_class && name == other.name;
  }
};

enum class Parse : std::uint8_t { complete, cut, bad };

// `bytes` is the message, or as much of it as there is: `cut` where it ends too early.
[[nodiscard]] Parse parse_header(std::string_view bytes, Header& header);
// The first question. `at` is where it begins, and then where it ended.
[[nodiscard]] Parse parse_question(std::string_view bytes, std::size_t& at, Question& question);

// Is this how a message begins that a client or server sends? Strict: other protocols' bytes hardly ever are.
// `cut`: as far as it is there.
[[nodiscard]] Parse looks_like_message(std::string_view bytes);

struct Answers {
  std::string text;  // "10.0.0.1,www.example.org": addresses and names in order, cut at answers_limit
  std::vector<Resolution> resolutions;  // addresses of the name asked for, through its aliases
  int rcode = 0;  // with EDNS's upper bits, where its record was reached
};

// What stands behind the question, which ended at `at`. Stops where it is cut or wrong, with what it has.
void parse_answers(std::string_view bytes, std::size_t at, const Header& header, const Question& question,
                   Answers& answers);

// "AAAA", "TYPE65400".
[[nodiscard]] std::string type_text(std::uint16_t type);
// "NXDOMAIN"; "OTHER" for those that no standard names.
[[nodiscard]] std::string_view rcode_text(int rcode);

}  // namespace subfloor::protocols::dns
