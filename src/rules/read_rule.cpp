// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "base/nearest.h"
#include "rules/reader.h"

namespace subfloor::rules {
namespace {

using namespace std::string_view_literals;

constexpr std::array appendable{"condition"sv, "output"sv, "desc"sv, "tags"sv, "exceptions"sv};
constexpr std::array replaceable{"condition"sv,
                                 "output"sv,
                                 "desc"sv,
                                 "tags"sv,
                                 "exceptions"sv,
                                 "priority"sv,
                                 "enabled"sv,
                                 "capture"sv,
                                 "capture_duration"sv,
                                 "warn_evttypes"sv,
                                 "skip-if-unknown-filter"sv};
constexpr std::array known{"rule"sv,
                           "condition"sv,
                           "output"sv,
                           "desc"sv,
                           "priority"sv,
                           "source"sv,
                           "enabled"sv,
                           "capture"sv,
                           "capture_duration"sv,
                           "warn_evttypes"sv,
                           "skip-if-unknown-filter"sv,
                           "tags"sv,
                           "exceptions"sv,
                           "override"sv,
                           "append"sv,
                           "test"sv};

std::optional<Priority> read_priority(const YamlMap& item) {
  const auto text = item.text("priority");
  if (!text) return std::nullopt;
  const auto priority = parse_priority(text->text());
  if (priority) return priority;
  Nearest nearest(text->text());
  for (const auto name : {"EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"})
    nearest.consider(name);
  item.part().report.error(text->place(0), fmt::format("'{}' is no priority{}", text->text(), nearest.text()));
  return std::nullopt;
}

void add_tags(std::vector<std::string>& tags, const YamlMap& item) {
  if (!item.has("tags")) return;
  const auto texts = item.texts("tags");
  if (!texts) return;
  for (const MappedText& text : *texts) tags.push_back(text.text());
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
}

// What may stand in a rule and need not.
void read_settings(const YamlMap& item, RuleDefinition& rule) {
  rule.enabled = item.boolean("enabled").value_or(rule.enabled);
  rule.warn_evttypes = item.boolean("warn_evttypes").value_or(rule.warn_evttypes);
  rule.skip_if_unknown_filter = item.boolean("skip-if-unknown-filter").value_or(rule.skip_if_unknown_filter);
  // Understood, so that a wrong one is told.
  if (item.boolean("capture").value_or(false))
    item.part().report.warning(item.key_place("capture"), "captures are not made: 'capture' has no effect");
  static_cast<void>(item.number("capture_duration"));
}

void append_text(MappedText& to, const std::optional<MappedText>& more) {
  if (!more) return;
  to.append(" ", more->place(0));
  to.append(*more);
}

}  // namespace

void Reader::read_rule(const YamlMap& item) {
  const auto name = item.text("rule");
  if (!name) return;
  report_.set_subject(fmt::format("rule '{}'", name->text()));
  item.warn_of_keys_but(known);
  if (item.has("override")) {
    override_rule(item, name->text());
  } else if (read_append(item, {})) {
    append_to_rule(item, name->text());
  } else if (!item.has("condition") && !item.has("output") && !item.has("desc") && !item.has("priority")) {
    toggle_rule(item, name->text());
  } else {
    define_rule(item, name->text());
  }
  if (item.has("test")) read_tests(item, "test", name->text());
}

void Reader::define_rule(const YamlMap& item, const std::string& name) {
  RuleDefinition rule;
  rule.name = name;
  rule.place = item.value_place("rule");
  auto condition = item.text("condition");
  auto output = item.text("output");
  const auto description = item.text("desc");
  const auto priority = read_priority(item);
  if (item.has("source") && !item.value("source").IsNull())
    rule.source = item.text("source").value_or(MappedText("", rule.place)).text();
  read_settings(item, rule);
  add_tags(rule.tags, item);
  rule.exceptions = read_exceptions(item, false);
  std::erase_if(rule.exceptions, [&](auto& exception) { return !complete_exception(exception, report_); });
  if (!condition || !output || !description || !priority) return;
  rule.condition = std::move(*condition);
  rule.output = output->trimmed();
  rule.description = description->text();
  rule.priority = *priority;

  RuleDefinition* earlier = find_named(definitions_.rules, name);
  if (earlier != nullptr && earlier->source != rule.source)
    return report_.error(rule.place, fmt::format("this rule was defined before with source '{}'", earlier->source));
  rule.index = definitions_.next_index++;
  if (earlier != nullptr) {
    rule.index = earlier->index;
    *earlier = std::move(rule);
  } else {
    definitions_.rules.push_back(std::move(rule));
  }
}

RuleDefinition* Reader::earlier_rule(const YamlMap& item, const std::string& name, std::string_view what) {
  RuleDefinition* earlier = find_named(definitions_.rules, name);
  if (earlier != nullptr) return earlier;
  Nearest nearest(name);
  for (const RuleDefinition& rule : definitions_.rules) nearest.consider(rule.name);
  report_.error(item.value_place("rule"),
                fmt::format("there is no earlier rule '{}' to {}{}", name, what, nearest.text()));
  return nullptr;
}

void Reader::toggle_rule(const YamlMap& item, const std::string& name) {
  if (!item.has("enabled"))
    return report_.error(item.place(), "'condition', 'output', 'desc' and 'priority' are missing");
  report_.warning(item.key_place("enabled"), "'enabled' alone is deprecated: use 'override' with 'enabled: replace'");
  const auto enabled = item.boolean("enabled");
  RuleDefinition* earlier = earlier_rule(item, name, "enable or disable");
  if (earlier != nullptr && enabled) earlier->enabled = *enabled;
}

void Reader::append_to_rule(const YamlMap& item, const std::string& name) {
  RuleDefinition* rule = earlier_rule(item, name, "append to");
  if (rule == nullptr) return;
  if (!item.has("condition") && !item.has("exceptions"))
    return report_.error(item.place(), "with 'append' a rule has a condition or exceptions to add");
  for (const auto key : {"output", "desc", "priority", "tags", "enabled"})
    if (item.has(key)) report_.warning(item.key_place(key), fmt::format("'{}' has no effect beside 'append'", key));
  if (item.has("condition")) append_text(rule->condition, item.text("condition"));
  if (item.has("exceptions")) append_exceptions(rule->exceptions, read_exceptions(item, true), report_);
  ++definitions_.next_index;
}

void Reader::override_rule(const YamlMap& item, const std::string& name) {
  const Overrides overrides = read_overrides(item, appendable, replaceable);
  if (read_append(item, overrides) || !overrides.valid) return;
  RuleDefinition* rule = earlier_rule(item, name, "override");
  if (rule == nullptr) return;
  if (!overrides.any()) return report_.error(item.value_place("override"), "'override' names nothing");
  for (const std::string& key : overrides.append) override_key(item, key, true, *rule);
  for (const std::string& key : overrides.replace) override_key(item, key, false, *rule);
  ++definitions_.next_index;
}

void Reader::override_key(const YamlMap& item, std::string_view key, bool append, RuleDefinition& rule) {
  const auto put_text = [&](MappedText& to) {
    auto text = item.text(key);
    if (!text) return;
    if (append) return append_text(to, text);
    to = std::move(*text);
  };
  if (key == "condition") return put_text(rule.condition);
  if (key == "output") {
    put_text(rule.output);
    rule.output = rule.output.trimmed();
  } else if (key == "desc") {
    const auto text = item.text(key);
    if (text) rule.description = append ? rule.description + " " + text->text() : text->text();
  } else if (key == "tags") {
    if (!append) rule.tags.clear();
    add_tags(rule.tags, item);
  } else if (key == "exceptions") {
    auto exceptions = read_exceptions(item, append);
    if (append) return append_exceptions(rule.exceptions, std::move(exceptions), report_);
    std::erase_if(exceptions, [&](auto& exception) { return !complete_exception(exception, report_); });
    rule.exceptions = std::move(exceptions);
  } else if (key == "priority") {
    rule.priority = read_priority(item).value_or(rule.priority);
  } else {
    read_settings(item, rule);
  }
}

}  // namespace subfloor::rules
