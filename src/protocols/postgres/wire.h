// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's protocol 3 as it lies in bytes: what messages look like, and what is read of their content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace subfloor::protocols::postgres {

enum class Side : std::uint8_t { frontend, backend };  // who sends

inline constexpr std::size_t header_size = 5;         // type and length
inline constexpr std::size_t statement_limit = 4096;  // bytes of a statement that are read
inline constexpr std::size_t name_limit = 63;  // bytes of a prepared statement's name, or a portal's, that is kept
inline constexpr std::uint32_t longest_startup = 10000;  // as PostgreSQL itself has it
inline constexpr std::uint32_t longest_message = 1U << 30;

// What the untyped message that begins a connection asks for.
inline constexpr std::uint32_t code_cancel = 80877102, code_ssl = 80877103, code_gss = 80877104;

[[nodiscard]] std::uint32_t read_u32(std::string_view bytes);  // of the first four

// Whether a message of this type and length (as in the message: with itself, without the type) is possible.
[[nodiscard]] bool possible(Side side, char type, std::uint32_t length);

// How many bytes of such a message's content are read.
[[nodiscard]] std::size_t wanted(Side side, char type);

// Takes a text that ends with a NUL off the front; nothing where none ends.
[[nodiscard]] std::optional<std::string_view> take_text(std::string_view& content);

// The end of a backend's output, by which it is found again after a loss: ReadyForQuery, and what came before it.
struct Tail {
  char type = 0;  // of the message before ReadyForQuery: CommandComplete, ErrorResponse, or 0: another
  std::string_view content = {};
};
[[nodiscard]] std::optional<Tail> find_tail(std::string_view bytes);

// How far bytes look like a row of messages.
struct Chain {
  bool holds = false;  // every byte fits
  bool ends = false;  // the last message ends with the bytes
  bool distinct = false;  // there is one that other protocols, and the other side, hardly have
  std::size_t messages = 0;
};
[[nodiscard]] Chain follow(Side side, std::string_view bytes);

// CommandComplete: "INSERT 0 5".
struct CommandTag {
  std::string_view command;  // "INSERT", "CREATE TABLE"; empty where it is none
  std::optional<std::uint64_t> rows;
  [[nodiscard]] bool returns_rows() const { return command == "SELECT" || command == "FETCH"; }
};
[[nodiscard]] CommandTag read_tag(std::string_view content);

// ErrorResponse, without its message, which quotes values.
struct Failure {
  std::string_view state;  // SQLSTATE, five characters; empty where it is not there
  std::string_view severity;  // "ERROR", "FATAL", "PANIC"; empty where it is none of them
};
[[nodiscard]] Failure read_failure(std::string_view content);

}  // namespace subfloor::protocols::postgres
