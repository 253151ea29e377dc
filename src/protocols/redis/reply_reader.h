// SPDX-License-Identifier: Apache-2.0
// What a server sends, RESP2 and RESP3, to one reply after the other. Values pass and are not kept.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocols/redis/line.h"

namespace subfloor::protocols::redis {

inline constexpr std::size_t longest_word = 32;  // of an error, and of a push's kind

// One reply, or push, that is complete.
struct Reply {
  char type = 0;       // its first byte, attributes aside
  bool null = false;   // "$-1", "*-1", "_"
  std::string_view word;  // of an error or a simple string the first word; of an array or push its first element's text
  std::uint64_t size = 0;  // in bytes

  [[nodiscard]] bool is_error() const { return type == '-' || type == '!'; }
};

class ReplyReader {
 public:
  enum class Step : std::uint8_t { more, reply, malformed };

  // Takes bytes up to the end of a reply, or all. After `reply`, reply() is good until the next call.
  [[nodiscard]] Step take(std::string_view& bytes);

  // Bytes passed of which nobody saw the content. Takes as many of them as belong to the string in the making; `reply`
  // where the reply ends with those.
  [[nodiscard]] Step pass(std::uint64_t& count);

  [[nodiscard]] const Reply& reply() const { return reply_; }
  [[nodiscard]] bool begun() const { return line_.begun() || (!done_ && reply_.size != 0); }
  // Bytes to come whose content is of no interest.
  [[nodiscard]] std::uint64_t skippable() const { return state_ == State::data && !wants_word_ ? left_ : 0; }
  void reset();
  // Reply::word is used: it may be a value.
  void forget();

 private:
  enum class State : std::uint8_t { line, data, data_end };
  static constexpr std::size_t streams_limit = 8;  // aggregates of unknown length inside each other

  [[nodiscard]] Step on_line();
  [[nodiscard]] bool on_string(std::string_view length);
  [[nodiscard]] bool on_aggregate(char type, std::string_view length);
  void on_word(std::string_view text);
  [[nodiscard]] Step end_element();
  [[nodiscard]] Step finish();

  State state_ = State::line;
  bool wants_word_ = false;  // the text that comes next is Reply::word
  bool chunks_ = false;  // a streamed string is open
  bool done_ = false;  // reply_ was given: the next byte begins another
  std::uint64_t left_ = 0;  // bytes of the string in the making
  std::uint64_t wanted_ = 1;  // elements that are still to come, at this level of streams_
  std::size_t depth_ = 0;
  std::array<std::uint64_t, streams_limit> streams_{};  // what is wanted after each open aggregate of unknown length
  Line line_;
  Reply reply_;
  std::array<char, longest_word> word_{};
};

}  // namespace subfloor::protocols::redis
