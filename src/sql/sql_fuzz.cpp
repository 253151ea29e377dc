// SPDX-License-Identifier: Apache-2.0
// The first byte gives the options. Bit 7: the rest is a statement as it is. Else each byte adds a piece of SQL, many
// of them literals and comments with a secret inside. Required besides memory safety: no secret in what is told, no
// literal in the sanitised text, bounds, and that asking for the text changes nothing else.
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/fuzzing.h"
#include "sql/lexer.h"
#include "sql/sql.h"

namespace {

using namespace subfloor;
using fuzzing::require;

constexpr std::string_view secret = "zQsEcReTq";

// Well-formed in both dialects, whatever stands before and behind; S is the secret.
constexpr std::string_view common[] = {
    " 'S' ",
    " 'a''S' ",
    " 'S''' ",
    " '' ",
    " /* S */ ",
    " -- S\n",
    " SELECT ",
    " FROM ",
    " orders ",
    ", ",
    "(",
    ")",
    " IN (",
    " 12",
    " -1.5e-7 ",
    "0x7f",
    " = ",
    ";",
    " INSERT INTO ",
    " VALUES ",
    " UPDATE ",
    " SET ",
    " DELETE ",
    " WITH ",
    " x AS (",
    " JOIN ",
    " USING ",
    " CREATE ",
    " TABLE ",
    " VIEW ",
    " ALTER USER joe ",
    " PASSWORD ",
    " FUNCTION ",
    " AS ",
    " UNION ",
    ".",
    " schema",
    " WHERE ",
    " ON ",
    "\n",
    " EXPLAIN ",
    " CALL ",
    " COPY ",
    " TO ",
    " TRUE ",
    " N'S'",
    " B'S'",
    " x'S'",
    " 'S' 'S' ",
    " 'S'\n'S' ",
    " - ",
    " + ",
    "::",
    "->>",
    " /**/ ",
    " DISTINCT ",
    " DECLARE ",
    " FOR ",
    " DATE 'S'",
    " CREATE OR REPLACE ",
};
constexpr std::string_view only_postgresql[] = {
    " E'\\'S\\\\' ", " $$S$$ ",    " $t$ $$S$ $t$ ", " /* /* */ S */ ", " U&'S' ",
    " $1 ",          " \"name\" ", " E'S'\n'\\'S' ", " 'S' -- S\n'S' ",
};
constexpr std::string_view only_mysql[] = {
    " \"S\" ",         " '\\'S\\\\' ", " \"\\\"S\" ",     " `name` ",   " # S\n",
    " /*! SELECT */ ", " ? ",          " /*!99999 S */ ", " _utf8'S' ",
};

template <std::size_t size>
std::string_view piece(const std::string_view (&pieces)[size], std::size_t i) {
  return pieces[i % size];
}

std::string statement_of(std::string_view input, bool mysql) {
  std::string statement;
  for (const char byte : input.substr(0, 256)) {
    const auto i = static_cast<std::uint8_t>(byte);
    statement += i % 4 != 3 ? piece(common, i / 4 + (i % 4) * 21)
                 : mysql    ? piece(only_mysql, i / 4)
                            : piece(only_postgresql, i / 4);
  }
  return statement;
}

// S between the marks of literals and comments, not that of SELECT.
std::string with_secrets(std::string_view statement) {
  std::string made;
  for (std::size_t i = 0; i < statement.size(); ++i) {
    const auto letter = [&](std::size_t at) {
      return at < statement.size() && ((statement[at] >= 'A' && statement[at] <= 'Z') || statement[at] == '_');
    };
    if (statement[i] == 'S' && !letter(i + 1) && (i == 0 || !letter(i - 1))) {
      made += secret;
    } else {
      made += statement[i];
    }
  }
  return made;
}

void complain(std::string_view statement, const std::string& text) {
  std::fprintf(stderr, "of: %.*s\ntold: %s\n", static_cast<int>(statement.size()), statement.data(), text.c_str());
  require(false);
}

void check(std::string_view statement, sql::Options options, bool planted) {
  options.text = true;
  const sql::Statement told = sql::describe(statement, options);
  require(told.summary.size() <= sql::longest_summary && told.text.size() <= sql::longest_text);
  require(told.operation.size() <= 64 && told.target.size() <= 4 * (sql::longest_name + 1));
  for (const std::string* text : {&told.operation, &told.target, &told.summary, &told.text}) {
    if (planted && text->find(secret) != std::string::npos) complain(statement, *text);
  }
  sql::Options again = options;
  again.cut = false;
  sql::Lexer lexer(told.text, again);
  for (sql::Token token = lexer.next(); token.kind != sql::Token::Kind::end; token = lexer.next()) {
    if (token.kind != sql::Token::Kind::string && token.kind != sql::Token::Kind::number) continue;
    complain(statement, told.text);
  }
  options.text = false;
  const sql::Statement without = sql::describe(statement, options);
  require(without.text.empty() && without.operation == told.operation && without.target == told.target &&
          without.summary == told.summary);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzzing::text_of(data, size).substr(1);
  sql::Options options;
  options.dialect = data[0] & 1 ? sql::Dialect::mysql : sql::Dialect::postgresql;
  options.cut = data[0] & 2;
  const bool mysql = options.dialect == sql::Dialect::mysql;
  if (data[0] & 0x80) {
    if (data[0] & 4) options.backslash_escapes = (data[0] & 8) != 0;
    check(input, options, false);
    return 0;
  }
  if (data[0] & 4) options.backslash_escapes = mysql;
  const std::string statement = with_secrets(statement_of(input, mysql));
  check(statement, options, true);
  // Cut anywhere: what remains of the last literal is none the less one.
  if (!statement.empty()) {
    options.cut = true;
    check(std::string_view(statement).substr(0, (size * 2654435761U) % statement.size()), options, true);
  }
  return 0;
}
