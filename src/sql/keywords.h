// SPDX-License-Identifier: Apache-2.0
// What a word means to the outline of a statement.
#pragma once

#include <cstdint>
#include <string_view>

namespace subfloor::sql {

enum class Word : std::uint8_t {
  none,  // a name, or a keyword that says nothing here
  select,
  insert,
  update,
  remove,  // DELETE
  merge,
  replace,
  with,
  values,
  explain,
  command,        // begins a statement of which nothing else is told
  table_command,  // begins one that names tables: TRUNCATE, VACUUM
  define,         // begins one that names a kind of thing: CREATE, ALTER, DROP
  call,
  copy,
  prepare,
  declare,
  body,         // begins a statement that is program text: DO
  table,        // kinds of things: this one is a table, or as good as one
  thing,        // has a name worth telling
  program,      // has a name, and a body of statements
  person,       // its name is not told, or there is none
  kind_prefix,  // MATERIALIZED VIEW
  from,
  join,
  into,
  using_,
  on,
  as,
  for_,
  union_,
  clause,      // ends the list of tables
  modifier,    // between a verb and a name
  in,          // a list may follow
  expression,  // an expression begins behind it
  distinct,
  set,
  to,
  boolean,
};

// Of any case.
[[nodiscard]] Word look_up(std::string_view word);

// Whether an expression, and so a signed number, may begin behind the word.
[[nodiscard]] bool operand_follows(Word word);

}  // namespace subfloor::sql
