// SPDX-License-Identifier: Apache-2.0
// What may be told of an SQL statement: never a literal of it. Follows OpenTelemetry's rules for db.query.summary and
// db.query.text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace subfloor::sql {

enum class Dialect { postgresql, mysql };  // how they quote names and strings, and what begins a comment

inline constexpr std::size_t longest_summary = 255;  // bytes
inline constexpr std::size_t longest_text = 4096;    // bytes of sanitised text that are kept
inline constexpr std::size_t longest_name = 64;      // bytes of a name; what is longer is none, and is not told

struct Statement {
  std::string operation;  // upper case: "SELECT", "CREATE TABLE" …; of WITH, what follows it; "" where none is known
  std::string target;     // the only table (view, …) it is about, as written, unquoted; "" where none or several
  std::string summary;    // "SELECT orders customers"; statements of one text: "BEGIN; UPDATE orders"
  std::string text;       // sanitised, white space collapsed; "" unless wanted
  std::size_t statements = 0;  // that the text has

  void clear();  // keeps capacity
};

struct Options {
  Dialect dialect = Dialect::postgresql;
  bool text = false;  // give Statement::text
  bool cut = false;   // the statement goes on behind what was given: its last token may be half of one

  // Whether a backslash in a plain string escapes what follows: PostgreSQL's standard_conforming_strings off, MySQL
  // without NO_BACKSLASH_ESCAPES. Where nobody knows, MySQL's default holds there; of PostgreSQL everything behind a
  // string that depends on it counts as literal.
  std::optional<bool> backslash_escapes = {};
};

// One pass, linear in the statement's size, whatever it contains. Of several statements in one text the first gives
// operation and target. What begins with no word that begins statements gives nothing. A double-quoted string is a
// literal in MySQL, ANSI_QUOTES or not. Strings in encodings whose characters may end in a backslash byte (GBK, Big5,
// SJIS) are taken for UTF-8.
[[nodiscard]] Statement describe(std::string_view statement, const Options& options);

// The same into a Statement that is used again, without allocating once that has seen its like.
void describe(std::string_view statement, const Options& options, Statement& into);

}  // namespace subfloor::sql
