// SPDX-License-Identifier: Apache-2.0
#include "sql/outline.h"

#include <algorithm>

namespace subfloor::sql {
namespace {

using Kind = Token::Kind;

bool begins_statement(Word word) { return (word >= Word::select && word <= Word::table) || word == Word::set; }

// Where a name is expected, one of these says that none comes.
bool structural(Word word) {
  switch (word) {
    case Word::select:
    case Word::with:
    case Word::values:
    case Word::from:
    case Word::join:
    case Word::into:
    case Word::using_:
    case Word::on:
    case Word::as:
    case Word::union_:
    case Word::clause:
    case Word::set: return true;
    default: return false;
  }
}

bool modifies(Word word) {
  return word == Word::insert || word == Word::update || word == Word::remove || word == Word::replace;
}

}  // namespace

void Outline::add(const Token& token, Word word) {
  if (lost_ || mute_ == Mute::rest) return;
  if (token.is(';')) return end_statement();
  if (!in_statement_ && !token.is('(')) begin_statement(token.kind == Kind::word && token.whole ? word : Word::none);
  if (lost_ || mute_ != Mute::no) return;
  if (name_.count > 0) {
    if (continue_name(token)) return;
    end_name(token.is('('));
  }
  if (mute_ != Mute::no) return;
  if (token.kind == Kind::symbol) {
    add_symbol(token.text[0]);
    previous_ = Word::none;
  } else if (beyond_ == 0 && token.kind == Kind::word && token.whole) {
    add_word(token, word);
    previous_ = word;
  } else {
    if (beyond_ == 0 && !(token.kind == Kind::quoted && take_expected(token, Word::none))) {
      frame().expect = Expect::nothing;  // FROM 'a string'
      if (frame().verb == Word::none) frame().start = Start::no;
    }
    previous_ = Word::none;
  }
}

void Outline::finish() {
  if (lost_) return;
  if (name_.count > 0) end_name(false);
  end_statement();
}

void Outline::begin_statement(Word word) {
  in_statement_ = true;
  if (depth_ == 0) frame().start = Start::any;
  lost_ = depth_ == 0 && !begins_statement(word);
}

// Equal statements in a row are told once.
void Outline::end_statement() {
  if (name_.count > 0) end_name(false);
  if (in_statement_) {
    first_statement_ = false;
    ++into_.statements;
  }
  if (!full_ && into_.summary.size() > summary_begin_) {
    const std::size_t begin = summary_begin_ == 0 ? 0 : summary_begin_ + 2;
    const std::string_view part = std::string_view(into_.summary).substr(begin);
    if (summary_begin_ > 0 && part == last_part()) {
      into_.summary.resize(summary_begin_);
    } else {
      last_begin_ = begin;
      last_size_ = part.size();
      summary_begin_ = into_.summary.size();
    }
  }
  in_statement_ = creating_ = false;
  depth_ = beyond_ = common_table_count_ = 0;
  frame() = {};
  previous_ = kind_ = Word::none;
  if (mute_ == Mute::statement) mute_ = Mute::no;
}

void Outline::add_word(const Token& token, Word word) {
  if (take_expected(token, word)) return;
  Frame& f = frame();
  const bool any = f.start == Start::any && begins_statement(word);
  if (any || (f.start == Start::query && word == Word::with) || word == Word::select) return begin_verb(token, word);
  if (f.verb == Word::none && f.list != List::common_tables) f.start = Start::no;
  add_clause(word);
}

void Outline::begin_verb(const Token& token, Word word) {
  Frame& f = frame();
  if (word == Word::with) {
    f.expect = Expect::common_table;
    f.list = List::common_tables;
    f.start = Start::no;
    return;
  }
  if (word == Word::table_command && f.verb == Word::explain) return;  // EXPLAIN ANALYZE
  tell_operation(token.text);
  f.verb = word;
  f.list = List::none;
  f.expect = Expect::nothing;
  f.joined = false;
  const bool another_follows = word == Word::explain || word == Word::table_command;
  f.start = another_follows ? Start::any : Start::no;
  switch (word) {
    case Word::update:
    case Word::table_command:
      f.list = List::tables;
      f.expect = Expect::table;
      break;
    case Word::insert:
    case Word::replace:
    case Word::merge:
    case Word::table:
    case Word::copy: f.expect = Expect::table; break;
    case Word::call: f.expect = Expect::thing; break;
    case Word::define:
      f.expect = Expect::kind;
      creating_ = (token.text[0] | 0x20) == 'c';                                 // CREATE
      f.list = (token.text[0] | 0x20) == 'd' ? List::tables : List::none;  // DROP
      break;
    case Word::set:
    case Word::command: mute_ = Mute::statement; break;
    case Word::body: mute_ = Mute::rest; break;
    default: break;
  }
}

// Takes the token where it is, or comes before, what is expected.
bool Outline::take_expected(const Token& token, Word word) {
  Frame& f = frame();
  if (f.expect == Expect::nothing) return false;
  if (f.expect == Expect::kind) {
    add_kind(token, word);
    return true;
  }
  if (word == Word::modifier) return true;
  if (f.expect == Expect::table && word == Word::table) {
    if (f.verb == Word::table_command) tell_operation(token.text, true);
    return true;
  }
  if (word == Word::table_command && f.verb == Word::table_command) return true;  // VACUUM ANALYZE
  if (word == Word::into && f.verb != Word::select) return true;
  if (structural(word) || (f.start == Start::any && modifies(word))) {
    f.expect = Expect::nothing;
    return false;
  }
  name_ = {};
  name_.what = f.expect;
  f.expect = Expect::nothing;
  add_part(token);
  return true;
}

void Outline::add_kind(const Token& token, Word word) {
  if (token.kind != Kind::word || word < Word::table || word > Word::kind_prefix) return;
  tell_operation(token.text, true);
  if (word == Word::kind_prefix) return;
  Frame& f = frame();
  kind_ = word;
  f.expect = word == Word::table ? Expect::table : word == Word::person ? Expect::nothing : Expect::thing;
}

void Outline::add_clause(Word word) {
  Frame& f = frame();
  const bool reads = f.verb == Word::select || f.verb == Word::remove || f.verb == Word::update;
  switch (word) {
    case Word::from:
      if (!reads || previous_ == Word::distinct) break;  // IS DISTINCT FROM
      f.list = List::tables;
      f.expect = Expect::table;
      break;
    case Word::join:
      if ((!reads && f.list != List::tables) || previous_ == Word::for_) break;  // USE INDEX FOR JOIN
      f.joined = true;
      f.expect = Expect::table;
      break;
    case Word::using_:
      if (f.verb != Word::merge && (f.verb != Word::remove || f.joined)) break;
      f.list = List::tables;
      f.expect = Expect::table;
      break;
    case Word::into:  // a table in PostgreSQL, variables in MySQL
      if (f.verb == Word::define || (f.verb == Word::select && dialect_ == Dialect::postgresql))
        f.expect = Expect::table;
      break;
    case Word::on:
      if (f.verb == Word::define && kind_ == Word::thing) f.expect = Expect::table;
      break;
    case Word::as:
      if (f.verb == Word::define || f.verb == Word::prepare) f.start = Start::any;
      break;
    case Word::for_:
      if (f.verb == Word::declare) f.start = Start::any;
      f.list = List::none;
      break;
    case Word::union_:
      f.list = List::none;
      f.start = Start::query;
      break;
    case Word::values:
    case Word::set:
    case Word::clause:
      f.list = List::none;
      f.start = Start::no;
      break;
    default: break;
  }
}

void Outline::add_symbol(char symbol) {
  if (symbol == '(') return open();
  if (symbol == ')') return close();
  if (beyond_ > 0) return;
  Frame& f = frame();
  if (symbol == ',') {
    if (f.list == List::tables) f.expect = Expect::table;
    if (f.list == List::common_tables) f.expect = Expect::common_table;
  } else if (f.expect != Expect::kind) {
    f.expect = Expect::nothing;  // FROM @variable
  }
}

void Outline::open() {
  if (depth_ + 1 == deepest) {
    ++beyond_;
    return;
  }
  Frame& f = frame();
  Frame inner;
  inner.start = in_statement_ ? Start::query : Start::any;
  if (f.list == List::common_tables && (previous_ == Word::as || previous_ == Word::kind_prefix)) {
    inner.start = Start::any;
    inner.common_table_body = true;
  } else if (f.expect == Expect::table && f.verb == Word::copy) {
    inner.start = Start::any;
    f.expect = Expect::nothing;
  } else if (f.expect == Expect::table && f.verb != Word::table_command) {
    inner.list = List::tables;
    inner.expect = Expect::table;
    f.expect = Expect::nothing;
  }
  ++depth_;
  frame() = inner;
}

void Outline::close() {
  if (beyond_ > 0) {
    --beyond_;
  } else if (depth_ > 0) {
    const bool body = frame().common_table_body;
    --depth_;
    if (body) frame().start = Start::any;
  }
}

}  // namespace subfloor::sql
