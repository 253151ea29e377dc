// SPDX-License-Identifier: Apache-2.0
// What may be told of an SQL statement: never a literal of it. Follows OpenTelemetry's rules for db.query.summary and
// db.query.text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace subfloor::sql {

enum class Dialect { postgresql, mysql };  // how they quote names and strings, and what begins a comment

inline constexpr std::size_t longest_summary = 255;  // bytes
inline constexpr std::size_t longest_text = 4096;    // bytes of sanitised text that are kept

struct Statement {
  std::string operation;  // first keyword, upper case: "SELECT", "CREATE TABLE" …; "" where there is none
  std::string target;     // the only table (view, …) it is about, as written, unquoted; "" where none or several
  std::string summary;    // "SELECT orders customers"
  std::string text;       // sanitised, white space collapsed; "" unless wanted
};

struct Options {
  Dialect dialect = Dialect::postgresql;
  bool text = false;  // give Statement::text
  bool cut = false;   // the statement goes on behind what was copied: its last token may be half a literal
};

// One pass, linear in the statement's size, whatever it contains. Of several statements in one text the first gives
// operation and target.
[[nodiscard]] Statement describe(std::string_view statement, const Options& options);

}  // namespace subfloor::sql
