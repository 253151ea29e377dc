// SPDX-License-Identifier: Apache-2.0
// The packets that answer one command, read one after the other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/mysql/capabilities.h"
#include "protocols/mysql/commands.h"

namespace subfloor::protocols::mysql {

// What both sides agreed on, as far as it was seen.
struct Agreement {
  Capabilities both = 0;
  bool known = false;                      // else nothing is certain of `both`
  std::optional<bool> deprecate_eof = {};      // as agreed, or as answers showed
  std::optional<bool> backslash_escapes = {};  // as the last answer that says so

  [[nodiscard]] bool has(Capabilities flag) const { return (both & flag) != 0; }
};

// What an answer says. A session keeps one and clears it.
struct Answer {
  std::uint64_t rows = 0;      // of all its sets of rows
  std::uint64_t affected = 0;  // of all its statements
  bool has_rows = false;       // there was a set of rows
  bool has_affected = false;   // how many rows were changed was told
  std::optional<std::uint16_t> error;
  std::array<char, 5> sqlstate{};          // of the error; NULs where it was not told
  std::optional<std::uint32_t> statement;  // the number given to what was prepared
  bool many = false;                       // several statements were answered
  bool schema_told = false;  // the session is in another schema since, or may be
  std::string schema;        // which one; empty: not known
  bool of_mariadb = false;   // it has what only MariaDB sends

  void clear();
};

// Status and error of a packet that ends a set of rows.
struct End {
  std::uint16_t status = 0;
  std::optional<std::uint16_t> error = {};
};

// MariaDB tells how far a long statement is in packets that look like errors of this number.
inline constexpr std::uint16_t progress_code = 0xffff;

class Response {
 public:
  enum class Result : std::uint8_t {
    more,          // of the answer
    done,          // it is over
    client_sends,  // the server waits for a file of the client's
    wrong,         // no answer to such a command looks like this
  };

  void begin(Shape shape);
  // A payload, as much of its beginning as there is; `length` of its first packet.
  [[nodiscard]] Result on_packet(std::string_view head, std::uint64_t length, Agreement& agreement, Answer& answer);
  // Were the descriptions of the columns over?
  [[nodiscard]] bool in_rows() const { return expect_ == Expect::rows; }

 private:
  enum class Expect : std::uint8_t {
    first,
    definitions,      // of columns: `left_` of them
    definitions_end,  // a packet EOF, where those are in use
    rows,
    parameters,  // of a prepared statement: `left_` descriptions
    parameters_end,
    columns,  // and of its columns
    columns_end,
    field_list,
  };

  // The packets expected now are as many as was said, whatever they contain.
  [[nodiscard]] bool counts_down() const {
    return expect_ == Expect::definitions || expect_ == Expect::parameters || expect_ == Expect::columns;
  }
  [[nodiscard]] bool readable(std::string_view head, std::uint64_t length) const;
  [[nodiscard]] Result on_first(std::string_view head, std::uint64_t length, Agreement& agreement, Answer& answer);
  [[nodiscard]] Result on_result(std::string_view head, std::uint64_t length, Agreement& agreement, Answer& answer);
  [[nodiscard]] Result on_prepared(std::string_view head, Answer& answer);
  [[nodiscard]] Result on_row(std::string_view head, std::uint64_t length, Agreement& agreement, Answer& answer);
  [[nodiscard]] Result on_error(std::string_view head, Answer& answer) const;
  [[nodiscard]] Result on_ok(std::string_view head, Agreement& agreement, Answer& answer);
  [[nodiscard]] Result after_definitions(const Agreement& agreement);
  [[nodiscard]] Result after_parameters();
  [[nodiscard]] Result finish(std::uint16_t status, Agreement& agreement, Answer& answer);

  Shape shape_ = Shape::simple;
  Expect expect_ = Expect::first;
  std::uint64_t left_ = 0;
  std::uint16_t columns_ = 0;  // of a prepared statement
};

// Does such a payload end a set of rows, or a list of columns?
[[nodiscard]] bool ends_rows(std::string_view head, std::uint64_t length);
// What such a payload says.
[[nodiscard]] End parse_end(std::string_view head, std::uint64_t length);

// The last packet of an answer, where `bytes` end with one, in which packets follow each other as they must. For
// answers of which a part was not copied.
[[nodiscard]] std::optional<End> end_of_answer(std::string_view bytes);

}  // namespace subfloor::protocols::mysql
