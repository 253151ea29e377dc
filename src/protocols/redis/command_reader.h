// SPDX-License-Identifier: Apache-2.0
// What a client sends, arrays of strings or lines, to one command after the other. Of the arguments only those are
// looked at that change the conversation, and names of keys where they are wanted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/redis/commands.h"
#include "protocols/redis/line.h"

namespace subfloor::protocols::redis {

inline constexpr std::size_t longest_key = 128;  // bytes of a key's name that are told
inline constexpr std::uint64_t longest_inline = 64 * 1024;

enum class ReplyMode : std::uint8_t { on, off, skip };

// One command that is complete.
struct Request {
  const Command* command = nullptr;
  std::uint64_t arguments = 0;  // with the command itself
  std::uint64_t size = 0;       // in bytes
  std::optional<std::uint32_t> keys = {};  // how many it names
  std::string_view key = {};    // the first one, where it is wanted; good until the next take()
  std::optional<std::int64_t> database = {};  // of SELECT
  std::optional<ReplyMode> mode = {};         // of CLIENT REPLY
};

class CommandReader {
 public:
  enum class Step : std::uint8_t {
    more,
    command,
    nothing,  // an empty line or array, which a server does not answer
    malformed,
  };

  explicit CommandReader(bool wants_keys) : wants_keys_(wants_keys) {}

  // Takes bytes up to the end of a command, or all. After `command`, request() is good until the next call.
  [[nodiscard]] Step take(std::string_view& bytes);

  // As ReplyReader::pass.
  [[nodiscard]] Step pass(std::uint64_t& count);

  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] bool begun() const { return line_.begun() || (!done_ && request_.size != 0); }
  [[nodiscard]] std::uint64_t skippable() const { return state_ == State::data && !wanted() ? left_ : 0; }
  void reset() { *this = CommandReader(wants_keys_); }

 private:
  enum class State : std::uint8_t { line, data, data_end };

  [[nodiscard]] bool take_whole_argument(std::string_view& bytes);
  [[nodiscard]] Step on_line();
  [[nodiscard]] Step on_inline(std::string_view line);
  void on_argument(std::string_view head);
  void on_first(std::string_view name);
  void know(const Command* command);
  [[nodiscard]] bool wanted() const { return at_ < 32 && (wanted_ >> at_ & 1) != 0; }
  void want(std::int64_t argument) {
    if (argument > 0 && argument < 32) wanted_ |= 1U << argument;
  }
  [[nodiscard]] Step finish();

  bool wants_keys_;
  bool done_ = false;           // request_ was given: the next byte begins another
  State state_ = State::line;
  std::uint32_t wanted_ = 1;    // a bit for each argument that is to be looked at
  std::int64_t first_key_ = 0;  // which argument it is; 0: none, or not known yet
  std::uint64_t at_ = 0;        // the argument in the making
  std::uint64_t left_ = 0;      // bytes of it
  std::size_t held_ = 0;        // bytes of it in the buffer
  Line line_;
  Request request_;
  std::string_view last_name_;  // as it was written, of last_command_
  const Command* last_command_ = nullptr;
  std::array<char, longest_name> last_text_{};
  std::array<char, longest_key> buffer_{}, key_{};
};

}  // namespace subfloor::protocols::redis
