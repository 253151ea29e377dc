// SPDX-License-Identifier: Apache-2.0
// For tests: rules from text, and events from a few fields.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "rules/evaluator.h"
#include "rules/fixture.h"
#include "rules/load.h"

namespace subfloor::rules::testing {

inline Loaded load_texts(const std::vector<std::string>& texts, const LoadOptions& options = {}) {
  Sources sources;
  for (std::size_t i = 0; i < texts.size(); ++i)
    sources.emplace_back(texts.size() == 1 ? "r.yaml" : "r" + std::to_string(i + 1) + ".yaml", texts[i]);
  return load(std::move(sources), options);
}

inline Loaded load_text(const std::string& text) { return load_texts({text}); }

// "2:14: error: …" each.
inline std::vector<std::string> mistakes(const Loaded& loaded) {
  std::vector<std::string> all;
  for (const Diagnostic& each : loaded.report.all()) {
    const Source& source = loaded.sources.at(each.place.file);
    const Position at = source.position(each.place.offset);
    const std::string file = loaded.sources.size() > 1 ? source.name() + ":" : "";
    all.push_back(fmt::format("{}{}:{}: {}: {}", file, at.line, at.column, to_string(each.severity), each.message));
  }
  return all;
}

// A file of one rule "r", whose condition begins at 2:14.
inline std::string rule_text(const std::string& condition) {
  return "- rule: r\n  condition: " + condition +
         "\n  desc: d\n  output: o\n  priority: INFO\n  warn_evttypes: false\n";
}

using Fields = std::initializer_list<std::pair<const char*, const char*>>;

// What begins with "[" and ends with "]" is a list, its items separated by blanks; "?" is unknown.
inline Fixture make_event(Fields fields) {
  std::vector<TestDefinition::Entry> entries;
  entries.push_back({MappedText("evt.type", {}), false, {MappedText("openat", {})}});
  std::vector<std::string> unknown;
  for (const auto& [name, text] : fields) {
    std::string value = text;
    TestDefinition::Entry entry{MappedText(name, {}), value.starts_with('[') && value.ends_with(']'), {}};
    if (value == "?") {
      unknown.emplace_back(name);
      continue;
    }
    if (entry.is_list) {
      std::istringstream items(value.substr(1, value.size() - 2));
      for (std::string item; items >> item;) entry.values.emplace_back(item, Place{});
    } else {
      entry.values.emplace_back(value, Place{});
    }
    entries.push_back(std::move(entry));
  }
  Report report;
  auto fixture = Fixture::make(entries, {}, report);
  for (const Diagnostic& each : report.all()) ADD_FAILURE() << each.message;
  for (const std::string& name : unknown) fixture->forget(name);
  return std::move(*fixture);
}

// Whether a rule with this condition matches the event.
inline Truth ask(const std::string& condition, Fields fields) {
  const Loaded loaded = load_text(rule_text(condition));
  EXPECT_THAT(loaded.report.errors(), 0) << render(loaded.report.all().front(), loaded.sources);
  if (loaded.rules->rules.empty()) return Truth::no;
  Fixture event = make_event(fields);
  Evaluator evaluator(loaded.rules);
  evaluator.begin();
  return evaluator.evaluate(loaded.rules->rules.front().condition, event);
}

inline bool matches(const std::string& condition, Fields fields) { return ask(condition, fields) == Truth::yes; }

}  // namespace subfloor::rules::testing
