// SPDX-License-Identifier: Apache-2.0
#include "sql/sql.h"

#include "sql/keywords.h"
#include "sql/lexer.h"
#include "sql/outline.h"
#include "sql/sanitised_text.h"

namespace subfloor::sql {

void Statement::clear() {
  operation.clear();
  target.clear();
  summary.clear();
  text.clear();
  statements = 0;
}

void describe(std::string_view statement, const Options& options, Statement& into) {
  into.clear();
  Lexer lexer(statement, options);
  Outline outline(options.dialect, into);
  SanitisedText text(options.dialect, into.text);
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    const Word word = token.kind == Token::Kind::word ? look_up(token.text) : Word::none;
    outline.add(token, word);
    if (outline.lost()) break;
    if (options.text) text.add(token, word);
  }
  outline.finish();
}

Statement describe(std::string_view statement, const Options& options) {
  Statement told;
  describe(statement, options, told);
  return told;
}

}  // namespace subfloor::sql
