// SPDX-License-Identifier: Apache-2.0
// Lists and macros, and tests that stand beside rules or alone.
#include <fmt/format.h>

#include <array>

#include "base/nearest.h"
#include "rules/cursor.h"
#include "rules/reader.h"

namespace subfloor::rules {
namespace {

using namespace std::string_view_literals;

template <class Named>
std::string near_names(const std::vector<Named>& all, std::string_view name) {
  Nearest nearest(name);
  for (const Named& each : all) nearest.consider(each.name);
  return nearest.text();
}

// Keeps the place among the others of what had the name before.
template <class Named>
void put(std::vector<Named>& all, Named definition, std::size_t index) {
  definition.index = definition.visible = index;
  if (Named* earlier = find_named(all, definition.name)) {
    definition.index = earlier->index;
    *earlier = std::move(definition);
  } else {
    all.push_back(std::move(definition));
  }
}

// The fields of a case's event; false where it is none, which is reported.
bool read_event(const YamlMap& test, std::string_view key, std::vector<TestDefinition::Entry>& event) {
  const YamlPart& part = test.part();
  const YAML::Node fields = test.value(key);
  if (fields.IsNull()) return true;
  if (!fields.IsMap()) {
    part.report.error(test.value_place(key), fmt::format("'{}' is an event: a mapping of fields to values", key));
    return false;
  }
  const YamlMap map(fields, part);
  for (const std::string& name : map.keys()) {
    const YAML::Node value = map.value(name);
    TestDefinition::Entry entry{MappedText(name, map.key_place(name)), value.IsSequence(), {}};
    const auto take = [&](const YAML::Node& each) {
      const Place at = map.key_place(name);
      if (auto text = each.IsScalar() ? part.text(each, at) : std::nullopt) return entry.values.push_back(*text);
      part.report.error(part.place(each, at), "a field's value is a text, a number, true, false, or a list of such");
    };
    if (entry.is_list) {
      for (const YAML::Node& each : value) take(each);
    } else if (!value.IsNull()) {  // null: the field is absent
      take(value);
    }
    event.push_back(std::move(entry));
  }
  return true;
}

bool is_identifier(const std::string& name) {
  Cursor cursor(name);
  return cursor.identifier() && cursor.at_end();
}

bool is_bare(const std::string& name) {
  Cursor cursor(name);
  return cursor.bare_text() && cursor.at_end();
}

}  // namespace

void Reader::read_list(const YamlMap& item) {
  const auto name = item.text("list");
  if (!name) return;
  report_.set_subject(fmt::format("list '{}'", name->text()));
  item.warn_of_keys_but(std::array{"list"sv, "items"sv, "append"sv, "override"sv});
  if (!is_bare(name->text()))
    report_.warning(name->place(0),
                    "no condition can name this list: blanks, quotes, parentheses, = and , are not for names");
  const std::array keys{"items"sv};
  const Overrides overrides = read_overrides(item, keys, keys);
  const bool append = read_append(item, overrides);
  auto items = item.texts("items");
  if (!items || !overrides.valid || (append && overrides.any())) return;
  const std::size_t index = definitions_.next_index++;
  if (!append && overrides.append.empty())
    return put(definitions_.lists, ListDefinition{name->text(), name->place(0), 0, 0, std::move(*items)}, index);
  ListDefinition* earlier = find_named(definitions_.lists, name->text());
  if (earlier == nullptr)
    return report_.error(name->place(0), fmt::format("there is no earlier list '{}' to append to{}", name->text(),
                                                     near_names(definitions_.lists, name->text())));
  for (MappedText& more : *items) earlier->items.push_back(std::move(more));
  earlier->visible = index;
}

void Reader::read_macro(const YamlMap& item) {
  const auto name = item.text("macro");
  if (!name) return;
  report_.set_subject(fmt::format("macro '{}'", name->text()));
  item.warn_of_keys_but(std::array{"macro"sv, "condition"sv, "append"sv, "override"sv});
  if (!is_identifier(name->text()))
    report_.warning(name->place(0), "no condition can name this macro: a name is letters, digits and _");
  const std::array keys{"condition"sv};
  const Overrides overrides = read_overrides(item, keys, keys);
  const bool append = read_append(item, overrides);
  auto condition = item.text("condition");
  if (!condition || !overrides.valid || (append && overrides.any())) return;
  const std::size_t index = definitions_.next_index++;
  if (!append && overrides.append.empty())
    return put(definitions_.macros, MacroDefinition{name->text(), name->place(0), 0, 0, std::move(*condition)}, index);
  MacroDefinition* earlier = find_named(definitions_.macros, name->text());
  if (earlier == nullptr)
    return report_.error(name->place(0), fmt::format("there is no earlier macro '{}' to append to{}", name->text(),
                                                     near_names(definitions_.macros, name->text())));
  earlier->condition.append(" ", condition->place(0));
  earlier->condition.append(*condition);
  earlier->visible = index;
}

// "- test: RULE" with "cases:", in a file of tests.
void Reader::read_test_item(const YamlMap& item) {
  const auto rule = item.text("test");
  if (!rule) return;
  report_.set_subject(fmt::format("test of '{}'", rule->text()));
  item.warn_of_keys_but(std::array{"test"sv, "cases"sv});
  if (!item.has("cases")) return report_.error(item.place(), "'cases' is missing: a list of events to match or not");
  read_tests(item, "cases", rule->text());
}

void Reader::read_tests(const YamlMap& item, std::string_view key, const std::string& rule) {
  const YAML::Node cases = item.value(key);
  if (!cases.IsSequence()) return report_.error(item.value_place(key), fmt::format("'{}' must be a list", key));
  const Place rule_place = item.value_place(item.has("rule") ? "rule" : "test");
  for (const YAML::Node& node : cases) read_test(node, item, rule, rule_place);
}

void Reader::read_test(const YAML::Node& node, const YamlMap& item, const std::string& rule, Place rule_place) {
  const YamlPart& part = item.part();
  if (!node.IsMap())
    return report_.error(part.place(node, item.place()), "a case is a mapping with 'match' or 'no_match'");
  const YamlMap map(node, part);
  map.warn_of_keys_but(std::array{"name"sv, "match"sv, "no_match"sv, "like"sv});
  TestDefinition test;
  test.rule = rule;
  test.rule_place = rule_place;
  test.place = map.place();
  test.match = map.has("match");
  if (test.match == map.has("no_match")) return report_.error(map.place(), "a case has either 'match' or 'no_match'");
  const std::string_view key = test.match ? "match" : "no_match";
  if (map.has("name")) test.name = map.text("name").value_or(MappedText()).text();
  if (map.has("like")) {
    test.like = map.text("like").value_or(MappedText()).text();
    test.like_place = map.value_place("like");
  }
  if (read_event(map, key, test.event)) definitions_.tests.push_back(std::move(test));
}

}  // namespace subfloor::rules
