// SPDX-License-Identifier: Apache-2.0
// The commands that are known by name. Others are told as `_OTHER`: the word where a command stands is the client's
// text, and may be a password that was typed into the wrong place.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace subfloor::protocols::redis {

// What a command does to the conversation, beyond asking for one reply.
enum class Effect : std::uint8_t {
  none,
  container,     // its first argument is a command of its own: CONFIG GET
  select,        // SELECT: another database
  client_reply,  // CLIENT REPLY: whether there are replies
  subscribe,     // a confirmation for each argument
  unsubscribe,   // the same; without arguments one for each subscription, of which nobody knows the number
  monitor,       // after it, lines that answer nothing
  sync,          // after it, the data set
  reset,         // everything as at the beginning
  exec,          // what was queued takes effect
  discard,       // or does not
};

// Where the names of keys stand among the arguments, the command itself being 0.
struct Keys {
  std::int16_t first = 0;   // 0: there are none
  std::int16_t last = 0;    // negative: counted from the end
  std::int16_t step = 0;    // 0: their number is not known
  std::int16_t number = 0;   // of the argument that says how many there are; the first key follows it
};

struct Command {
  std::string_view name;  // static, upper case: "GET", "CONFIG GET"
  Keys keys = {};
  Effect effect = Effect::none;
};

inline constexpr std::size_t longest_name = 40;  // no known name is longer, a container's word included

// The command of that name, in whatever case; null where it is not known.
[[nodiscard]] const Command* find_command(std::string_view name);
// The container's command of that name; the container itself where it is not known.
[[nodiscard]] const Command* find_subcommand(const Command& container, std::string_view name);
// Stands for those that are not known.
[[nodiscard]] const Command& other_command();

// How many keys a command with so many arguments, itself included, names; nothing where that is not known.
[[nodiscard]] std::optional<std::uint32_t> key_count(const Keys& keys, std::uint64_t arguments);

}  // namespace subfloor::protocols::redis
