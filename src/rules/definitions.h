// SPDX-License-Identifier: Apache-2.0
// Lists, macros and rules as the files say them, once what appends, replaces and overrides has been worked in.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "rules/mapped_text.h"

namespace subfloor::rules {

enum class Priority : std::uint8_t { emergency, alert, critical, error, warning, notice, informational, debug };

// "Warning", "Informational"
[[nodiscard]] std::string_view to_string(Priority priority);
// In any case; "info" too.
[[nodiscard]] std::optional<Priority> parse_priority(std::string_view text);

// `index` is where the definition first stood among all items; `visible` where it was last changed: it can name what
// first stood before.
struct ListDefinition {
  std::string name;
  Place place;
  std::size_t index = 0, visible = 0;
  std::vector<MappedText> items;
};

struct MacroDefinition {
  std::string name;
  Place place;
  std::size_t index = 0, visible = 0;
  MappedText condition;
};

// A text, or a list of such.
struct ExceptionValue {
  bool is_list = false;
  MappedText text;
  std::vector<ExceptionValue> items;
  Place place;
};

struct ExceptionDefinition {
  std::string name;
  Place place;
  std::optional<ExceptionValue> fields, comps;
  std::vector<ExceptionValue> values;
};

// `test:` beside a rule, or in a file of tests: an event by its fields, and whether the rule must match it.
struct TestDefinition {
  struct Entry {
    MappedText field;
    bool is_list = false;
    std::vector<MappedText> values;
  };
  std::string rule, name, like;
  Place place, rule_place, like_place;
  bool match = true;
  std::vector<Entry> event;
};

struct RuleDefinition {
  std::string name;
  Place place;
  std::size_t index = 0;
  MappedText condition, output;
  std::string description, source = "syscall";
  Priority priority = Priority::debug;
  std::vector<std::string> tags;  // sorted, each once
  std::vector<ExceptionDefinition> exceptions;
  bool enabled = true, warn_evttypes = true, skip_if_unknown_filter = false;
};

struct Definitions {
  std::vector<ListDefinition> lists;
  std::vector<MacroDefinition> macros;
  std::vector<RuleDefinition> rules;
  std::vector<TestDefinition> tests;
  std::size_t next_index = 0;
};

// Null where none has that name.
[[nodiscard]] auto* find_named(auto& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace subfloor::rules
