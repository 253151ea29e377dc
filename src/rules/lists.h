// SPDX-License-Identifier: Apache-2.0
// Lists stand in conditions by their names, which their items replace before the condition is parsed.
#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>

#include "rules/definitions.h"
#include "rules/diagnostic.h"

namespace subfloor::rules {

class Lists {
 public:
  // Both must outlive it.
  Lists(const std::vector<ListDefinition>& lists, Report& report);

  // A name is replaced where it is a word: between blanks and ( ) , = and outside quotes. Nothing where the text would
  // become too long, which is reported.
  [[nodiscard]] std::optional<MappedText> resolve(const MappedText& condition);

  // What was named by no condition and no other list.
  [[nodiscard]] std::vector<const ListDefinition*> unused() const;
  [[nodiscard]] const std::vector<ListDefinition>& all() const { return lists_; }

 private:
  class Resolver;

  // The items, separated by commas, quoted where they have to be; lists within it by theirs.
  [[nodiscard]] const MappedText& text_of(std::size_t list);
  void append_items(std::size_t list, MappedText& to, std::vector<bool>& within);
  [[nodiscard]] std::optional<std::size_t> find(std::string_view word) const;

  const std::vector<ListDefinition>& lists_;
  Report& report_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::vector<std::optional<MappedText>> texts_;
  std::vector<bool> used_;
};

// The text as an item in a condition: in quotes unless it is a plain word or has them already.
void append_quoted(MappedText& to, const MappedText& item);

}  // namespace subfloor::rules
