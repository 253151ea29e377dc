// SPDX-License-Identifier: Apache-2.0
// The commands: what each is called, how it is answered, and where a statement's text lies in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/mysql/capabilities.h"

namespace subfloor::protocols::mysql {

// How a command is answered.
enum class Shape : std::uint8_t {
  unknown,  // there is no such command
  silent,   // not at all
  simple,   // one packet says how it went
  text,     // one packet of text
  result,   // how it went, or results: any number, with their rows
  prepare,
  rows,     // rows without a description
  fields,   // descriptions of columns
  login,    // an exchange of proofs, then how it went
  loose,    // several answers in a row: only where they begin, and that the next command ends them, is certain
  stream,   // what follows is no answer (replication)
};

struct Command {
  std::string_view name;  // without COM_; empty: no such command
  Shape shape = Shape::unknown;
  std::uint8_t shortest = 1;  // bytes of payload, the command's own included
  bool exact = false;         // it has no more than these
};

[[nodiscard]] const Command& command(std::uint8_t code);

namespace code {
inline constexpr std::uint8_t quit = 0x01, init_database = 0x02, query = 0x03, change_user = 0x11, prepare = 0x16,
                              execute = 0x17, long_data = 0x18, close = 0x19, reset_statement = 0x1a, fetch = 0x1c,
                              reset_connection = 0x1f, bulk_execute = 0xfa;
}  // namespace code

// Could a payload of that length, beginning so, be a command? `begin` is not empty.
[[nodiscard]] bool plausible_command(std::string_view begin, std::uint64_t length);
// As plausible_command, and hardly anything else begins so.
[[nodiscard]] bool certain_command(std::string_view begin, std::uint64_t length);

// The statement in the payload of COM_QUERY (as much of it as the payload has), behind the query attributes where there
// are some. Nothing where it cannot be found. `both` is what both sides agreed on, if it was seen.
[[nodiscard]] std::optional<std::string_view> statement_of_query(std::string_view payload,
                                                                 std::optional<Capabilities> both);

// The number of a prepared statement in the payload of a command that has one.
[[nodiscard]] std::optional<std::uint32_t> statement_number(std::string_view payload);
inline constexpr std::uint32_t last_prepared = 0xffffffff;  // MariaDB: whichever was prepared last

// The schema of a statement that is `USE schema` and nothing else, unquoted; empty where it is something else.
[[nodiscard]] std::string_view used_schema(std::string_view statement);

}  // namespace subfloor::protocols::mysql
