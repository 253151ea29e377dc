// SPDX-License-Identifier: Apache-2.0
#include "rules/lists.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/cursor.h"
#include "rules/expression.h"

namespace subfloor::rules {
namespace {

constexpr std::size_t longest_condition = std::size_t{1} << 20;

bool is_delimiter(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' || c == ',' || c == '=';
}

std::size_t quoted_end(std::string_view text, std::size_t at) {
  const char quote = text[at++];
  while (at < text.size() && text[at] != quote) at += text[at] == '\\' ? 2 : 1;
  return std::min(at + 1, text.size());
}

std::size_t word_end(std::string_view text, std::size_t at) {
  while (at < text.size() && !is_delimiter(text[at]) && text[at] != '"' && text[at] != '\'') ++at;
  return at;
}

// Whether a list would follow that has no parentheses: "proc.name in shells".
bool wants_parentheses(std::string_view before) {
  const std::size_t last = before.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return false;
  before = before.substr(0, last + 1);
  const std::size_t begin = before.find_last_of(" \t\r\n()");
  const std::string_view word = begin == std::string_view::npos ? before : before.substr(begin + 1);
  const auto op = operator_of(word);
  return (op && takes_list(*op)) || modifier_of(word);
}

}  // namespace

void append_quoted(MappedText& to, const MappedText& item) {
  const std::string& text = item.text();
  Cursor cursor(text);
  const bool plain = (cursor.bare_text() && cursor.at_end()) || text.starts_with('"') || text.starts_with('\'');
  if (plain) return to.append(item);
  const char quote = text.find('"') != std::string::npos && text.find('\'') == std::string::npos ? '\'' : '"';
  to.append(quote, item.place(0));
  to.append(item);
  to.append(quote, item.place(item.size()));
}

Lists::Lists(const std::vector<ListDefinition>& lists, Report& report)
    : lists_(lists), report_(report), texts_(lists.size()), used_(lists.size()) {
  for (std::size_t i = 0; i < lists.size(); ++i) by_name_.emplace(lists[i].name, i);
}

std::optional<std::size_t> Lists::find(std::string_view word) const {
  const auto found = by_name_.find(word);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

void Lists::append_items(std::size_t list, MappedText& to, std::vector<bool>& within) {
  within[list] = true;
  for (const MappedText& item : lists_[list].items) {
    if (to.size() > longest_condition) break;  // resolve() says so
    const auto other = find(item.text());
    if (other && !within[*other]) {
      used_[*other] = true;
      append_items(*other, to, within);
      continue;
    }
    if (!to.empty()) to.append(", ", item.place(0));
    append_quoted(to, item);
  }
  within[list] = false;
}

const MappedText& Lists::text_of(std::size_t list) {
  if (!texts_[list]) {
    std::vector<bool> within(lists_.size());
    texts_[list].emplace();
    append_items(list, *texts_[list], within);
  }
  return *texts_[list];
}

// Copies a condition token by token, with items in place of names.
class Lists::Resolver {
 public:
  Resolver(Lists& lists, const MappedText& condition) : lists_(lists), condition_(condition), text_(condition.text()) {}

  std::optional<MappedText> run() {
    while (at_ < text_.size() && result_.size() <= longest_condition) token();
    if (result_.size() > longest_condition) return std::nullopt;
    return std::move(result_);
  }

 private:
  void token() {
    const char c = text_[at_];
    const bool quote = c == '"' || c == '\'';
    const std::size_t end = quote ? quoted_end(text_, at_) : is_delimiter(c) ? at_ + 1 : word_end(text_, at_);
    const auto list =
        quote || is_delimiter(c) || !bounded(end) ? std::nullopt : lists_.find(text_.substr(at_, end - at_));
    if (list) {
      put(*list, end);
    } else if (c != ',' || !drop_comma_) {
      result_.append(condition_, at_, end - at_);
    }
    if (!list && !is_blank(c)) drop_comma_ = false;
    at_ = end;
  }

  [[nodiscard]] bool bounded(std::size_t end) const {
    return (at_ == 0 || is_delimiter(text_[at_ - 1])) && (end >= text_.size() || is_delimiter(text_[end]));
  }

  void put(std::size_t list, std::size_t end) {
    lists_.used_[list] = true;
    const MappedText& items = lists_.text_of(list);
    if (items.empty()) return drop_a_comma(end);
    const bool parentheses = wants_parentheses(result_.text());
    if (parentheses) result_.append("(", condition_.place(at_));
    result_.append(items);
    if (parentheses) result_.append(")", condition_.place(end));
    drop_comma_ = false;
  }

  // An empty list goes with the comma before it, or else with the one behind it.
  void drop_a_comma(std::size_t end) {
    if (wants_parentheses(result_.text())) return result_.append("()", condition_.place(end));
    const std::size_t last = result_.text().find_last_not_of(" \t\r\n");
    if (last == std::string::npos || result_.text()[last] != ',') {
      drop_comma_ = true;
      return;
    }
    MappedText without;
    without.append(result_, 0, last);
    result_ = std::move(without);
  }

  Lists& lists_;
  const MappedText& condition_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool drop_comma_ = false;
  MappedText result_;
};

std::optional<MappedText> Lists::resolve(const MappedText& condition) {
  auto resolved = Resolver(*this, condition).run();
  if (!resolved) report_.error(condition.place(0), "with its lists, this condition is longer than 1 MiB");
  return resolved;
}

std::vector<const ListDefinition*> Lists::unused() const {
  std::vector<const ListDefinition*> unused;
  for (std::size_t i = 0; i < lists_.size(); ++i)
    if (!used_[i]) unused.push_back(&lists_[i]);
  return unused;
}

}  // namespace subfloor::rules
