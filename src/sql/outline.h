// SPDX-License-Identifier: Apache-2.0
// What a statement does to what: its operations and the tables they name, in order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sql/keywords.h"
#include "sql/lexer.h"
#include "sql/sql.h"

namespace subfloor::sql {

class Outline {
 public:
  Outline(Dialect dialect, Statement& into) : dialect_(dialect), into_(into) {}

  void add(const Token& token, Word word);  // word: what the token means where it is one
  void finish();

  // No statement that is known: what follows may be anything.
  [[nodiscard]] bool lost() const { return lost_; }

 private:
  enum class Start : std::uint8_t { no, query, any };  // which verbs may come here
  enum class Expect : std::uint8_t { nothing, table, thing, kind, common_table };
  enum class List : std::uint8_t { none, tables, common_tables };  // what a comma separates
  enum class Mute : std::uint8_t { no, statement, rest };

  // Inside one pair of parentheses, or outside all.
  struct Frame {
    Word verb = Word::none;
    Start start = Start::no;
    Expect expect = Expect::nothing;
    List list = List::none;
    bool joined = false;
    bool common_table_body = false;  // of WITH x AS (
  };

  struct Name {
    std::array<std::string_view, 4> parts = {};  // as written
    std::size_t count = 0;                       // 0: no name is being read
    bool dot = false;                            // a further part must follow
    bool implausible = false;
    Expect what = Expect::nothing;
    [[nodiscard]] bool operator==(const Name& other) const { return count == other.count && parts == other.parts; }
  };

  [[nodiscard]] Frame& frame() { return frames_[depth_]; }
  [[nodiscard]] std::string_view last_part() const {
    return std::string_view(into_.summary).substr(last_begin_, last_size_);
  }
  void begin_statement(Word word);
  void end_statement();
  void add_word(const Token& token, Word word);
  void add_symbol(char symbol);
  void begin_verb(const Token& token, Word word);
  void begin_query(const Token& token, Word word);
  void add_clause(Word word);
  void add_kind(const Token& token, Word word);
  [[nodiscard]] bool take_expected(const Token& token, Word word);
  void add_part(const Token& token);
  [[nodiscard]] bool continue_name(const Token& token);
  void end_name(bool before_parenthesis);
  [[nodiscard]] bool is_common_table() const;
  void tell_name(bool table);
  void tell_operation(std::string_view word, bool goes_on = false);
  void separate();
  void cut_summary(std::size_t before);
  void open();
  void close();

  static constexpr std::size_t deepest = 32;  // parentheses inside of that many are not looked into
  static constexpr std::size_t most_common_tables = 16;

  const Dialect dialect_;
  Statement& into_;
  std::array<Frame, deepest> frames_{};
  std::size_t depth_ = 0;
  std::size_t beyond_ = 0;  // parentheses deeper than that
  std::array<std::string_view, most_common_tables> common_tables_{};
  std::size_t common_table_count_ = 0;
  Name name_, only_table_;
  Word previous_ = Word::none;
  Word kind_ = Word::none;  // of what CREATE and the like are about
  bool creating_ = false;
  bool in_statement_ = false, first_statement_ = true;
  bool several_ = false;  // tables
  bool lost_ = false;
  Mute mute_ = Mute::no;
  bool full_ = false;              // the summary
  std::size_t summary_begin_ = 0;  // of this statement's part of it
  std::size_t last_begin_ = 0, last_size_ = 0;  // of the last statement's part
};

}  // namespace subfloor::sql
