// SPDX-License-Identifier: Apache-2.0
// What the outline tells: names and operations.
#include <algorithm>
#include <iterator>

#include "sql/outline.h"

namespace subfloor::sql {
namespace {

bool is_quote(char c) { return c == '"' || c == '`'; }

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool needs_no_quotes(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (upper(c) >= 'A' && upper(c) <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

// What stands between the quotes; quotes inside stay doubled.
std::string_view unquoted(std::string_view part) {
  if (part.size() >= 2 && is_quote(part.front()) && part.front() == part.back()) return part.substr(1, part.size() - 2);
  return part;
}

}  // namespace

void Outline::add_part(const Token& token) {
  name_.implausible = name_.implausible || !token.may_name() || name_.count == name_.parts.size();
  if (name_.count < name_.parts.size()) name_.parts[name_.count++] = token.text;
  name_.dot = false;
}

// Whether the token belongs to the name.
bool Outline::continue_name(const Token& token) {
  if (token.is('.')) {
    if (name_.dot) return false;
    name_.dot = true;
    return true;
  }
  if (!name_.dot || (token.kind != Token::Kind::word && token.kind != Token::Kind::quoted)) return false;
  add_part(token);
  return true;
}

void Outline::end_name(bool before_parenthesis) {
  Frame& f = frame();
  name_.implausible = name_.implausible || name_.dot;
  const bool in_from = f.list == List::tables && f.verb != Word::table_command;
  switch (name_.what) {
    case Expect::common_table:
      if (common_table_count_ < most_common_tables) common_tables_[common_table_count_++] = name_.parts[0];
      break;
    case Expect::table:
      if (is_common_table()) break;
      tell_name(!(in_from && before_parenthesis));  // FROM generate_series(1, 9)
      break;
    case Expect::thing:
      tell_name(false);
      if (creating_ && kind_ == Word::program) mute_ = Mute::rest;
      break;
    default: break;
  }
  if (f.verb == Word::insert || f.verb == Word::replace) f.start = Start::query;
  name_ = {};
}

bool Outline::is_common_table() const {
  const auto end = common_tables_.begin() + static_cast<std::ptrdiff_t>(common_table_count_);
  return name_.count == 1 &&
         std::find_if(common_tables_.begin(), end, [&](std::string_view common) {
           return std::equal(common.begin(), common.end(), name_.parts[0].begin(), name_.parts[0].end(),
                             [](char a, char b) { return upper(a) == upper(b); });
         }) != end;
}

void Outline::tell_name(bool table) {
  if (name_.implausible) {
    if (table && first_statement_) {
      several_ = true;
      into_.target.clear();
    }
    return;
  }
  if (table && first_statement_ && !(name_ == only_table_)) {
    into_.target.clear();
    if (only_table_.count > 0) several_ = true;
    only_table_ = name_;
    for (std::size_t i = 0; i < name_.count && !several_; ++i) {
      if (i > 0) into_.target += '.';
      into_.target += unquoted(name_.parts[i]);
    }
  }
  const std::size_t before = into_.summary.size();
  separate();
  for (std::size_t i = 0; i < name_.count; ++i) {
    if (i > 0) into_.summary += '.';
    const std::string_view bare = unquoted(name_.parts[i]);
    into_.summary += needs_no_quotes(bare) ? bare : name_.parts[i];
  }
  cut_summary(before);
}

void Outline::tell_operation(std::string_view word, bool goes_on) {
  const auto told = [&](std::string& text) {
    std::transform(word.begin(), word.end(), std::back_inserter(text), upper);
  };
  const bool of_common_table = depth_ > 0 && common_table_count_ > 0;
  if (first_statement_ && into_.operation.empty() && !of_common_table) {
    told(into_.operation);
  } else if (first_statement_ && goes_on && into_.operation.size() + word.size() < longest_name) {
    into_.operation += ' ';
    told(into_.operation);
  }
  const std::size_t before = into_.summary.size();
  separate();
  told(into_.summary);
  cut_summary(before);
}

void Outline::separate() {
  std::string& summary = into_.summary;
  if (summary.empty()) return;
  summary += summary.size() == summary_begin_ ? "; " : " ";
}

// OpenTelemetry: truncation does not occur within an operation's name or target.
void Outline::cut_summary(std::size_t before) {
  full_ = full_ || into_.summary.size() > longest_summary;
  if (full_) into_.summary.resize(before);
}

}  // namespace subfloor::sql
