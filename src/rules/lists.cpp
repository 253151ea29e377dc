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
    : lists_(lists), report_(report), texts_(lists.size()), used_(lists.size()) {}

std::optional<std::size_t> Lists::find(std::string_view word) const {
  const auto found = std::find_if(lists_.begin(), lists_.end(), [&](const auto& list) { return list.name == word; });
  if (found == lists_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - lists_.begin());
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

std::optional<MappedText> Lists::resolve(const MappedText& condition) {
  const std::string& text = condition.text();
  MappedText result;
  bool drop_comma = false;  // the one behind an empty list
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (text[at] == '"' || text[at] == '\'') {
      end = quoted_end(text, at);
    } else if (!is_delimiter(text[at])) {
      end = word_end(text, at);
    } else if (text[at] == ',' && drop_comma) {
      drop_comma = false;
      at = end;
      continue;
    }
    const bool word = !is_delimiter(text[at]) && text[at] != '"' && text[at] != '\'';
    const bool bounded = (at == 0 || is_delimiter(text[at - 1])) && (end >= text.size() || is_delimiter(text[end]));
    const auto list = word && bounded ? find(std::string_view(text).substr(at, end - at)) : std::nullopt;
    if (!list) {
      if (!is_blank(text[at])) drop_comma = false;
      result.append(condition, at, end - at);
    } else {
      used_[*list] = true;
      const MappedText& items = text_of(*list);
      const bool parentheses = wants_parentheses(result.text());
      if (parentheses) result.append("(", condition.place(at));
      const bool behind_comma = result.text().find_last_not_of(" \t\r\n") != std::string::npos &&
                                result.text()[result.text().find_last_not_of(" \t\r\n")] == ',';
      if (items.empty() && behind_comma) {
        MappedText without;
        without.append(result, 0, result.text().find_last_of(','));
        result = std::move(without);
      } else if (items.empty()) {
        drop_comma = true;
      }
      result.append(items);
      if (parentheses) result.append(")", condition.place(end));
    }
    at = end;
    if (result.size() > longest_condition) {
      report_.error(condition.place(0), "with its lists, this condition is longer than 1 MiB");
      return std::nullopt;
    }
  }
  return result;
}

std::vector<const ListDefinition*> Lists::unused() const {
  std::vector<const ListDefinition*> unused;
  for (std::size_t i = 0; i < lists_.size(); ++i)
    if (!used_[i]) unused.push_back(&lists_[i]);
  return unused;
}

}  // namespace subfloor::rules
