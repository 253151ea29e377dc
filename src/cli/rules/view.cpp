// SPDX-License-Identifier: Apache-2.0
#include "cli/rules/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/text.h"

namespace subfloor::cli {
namespace {

using Json = nlohmann::ordered_json;
using rules::RuleSet;

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json place_json(rules::Place place, const rules::Sources& sources) {
  if (place.file >= sources.size()) return Json::object();
  const rules::Source& source = sources[place.file];
  const auto position = source.position(place.offset);
  return {{"file", source.name()}, {"line", position.line}, {"column", position.column}};
}

std::string place_text(rules::Place place, const rules::Sources& sources) {
  if (place.file >= sources.size()) return "";
  return fmt::format("{}:{}", sources[place.file].name(), sources[place.file].position(place.offset).line);
}

std::vector<std::string> event_names_of(const rules::EventSet& events) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::size(rules::event_names); ++i)
    if (events.test(i)) names.emplace_back(rules::event_names[i]);
  return names;
}

std::vector<std::string> field_names_of(const RuleSet& set, const std::vector<rules::TermId>& fields) {
  std::vector<std::string> names;
  for (const rules::TermId field : fields) names.push_back(to_string(set.program, field));
  std::sort(names.begin(), names.end());
  return names;
}

std::string events_text(const rules::EventSet& events) {
  if (events == rules::all_events()) return "all (the condition names no evt.type)";
  const auto names = event_names_of(events);
  if (names.empty()) return "none: it never matches";
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string_view argument_text(rules::Argument argument) {
  switch (argument) {
    case rules::Argument::none: return "none";
    case rules::Argument::index_optional: return "a number may follow";
    case rules::Argument::key_optional: return "a name may follow";
    case rules::Argument::optional: return "a number or name may follow";
    case rules::Argument::key_required: return "a name must follow";
    case rules::Argument::required: return "a number or name must follow";
  }
  return "";
}

// "proc.aname[n]", "evt.arg.NAME"
std::string name_with_argument(const rules::FieldInfo& field) {
  const std::string name(field.name);
  switch (field.argument) {
    case rules::Argument::none: return name;
    case rules::Argument::index_optional: return name + "[N]";
    default: return field.flags.dotted ? name + ".NAME" : name + "[NAME]";
  }
}

// Text in lines of at most 100 columns, broken at blanks, all but the first behind an indent.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string result;
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t size = end - at;
    if (column > 0 && column + size + 1 > 100) {
      result += "\n" + std::string(indent, ' ');
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result.append(text, at, size);
    column += size;
    at = end + 1;
  }
  return result;
}

void add_row(std::string& text, std::string_view label, const std::string& value) {
  text += fmt::format("  {:<10} {}\n", label, wrapped(printable(value, true), 13));
}

}  // namespace

std::string rules_summary(const rules::Loaded& loaded) {
  const RuleSet& set = *loaded.rules;
  std::string text = fmt::format("{}, {}, {}", counted(set.rules.size(), "rule"), counted(set.macro_count, "macro"),
                                 counted(set.list_count, "list"));
  const auto disabled =
      std::count_if(set.rules.begin(), set.rules.end(), [](const auto& rule) { return !rule.enabled; });
  if (disabled > 0) text += fmt::format(" ({} disabled)", disabled);
  if (loaded.report.errors() > 0) text += ", " + counted(loaded.report.errors(), "error");
  if (loaded.report.warnings() > 0) text += ", " + counted(loaded.report.warnings(), "warning");
  return text + "\n";
}

std::string rules_mistakes(const rules::Report& report, const rules::Sources& sources) {
  std::string text;
  for (const rules::Diagnostic& each : report.all()) text += render(each, sources);
  return text;
}

std::string rules_check_json(const rules::Loaded& loaded) {
  Json mistakes = Json::array();
  for (const rules::Diagnostic& each : loaded.report.all()) {
    Json entry = place_json(each.place, loaded.sources);
    entry["severity"] = to_string(each.severity);
    entry["message"] = each.message;
    if (!each.subject.empty()) entry["of"] = each.subject;
    mistakes.push_back(std::move(entry));
  }
  const RuleSet& set = *loaded.rules;
  return line_of({{"rules", set.rules.size()},
                  {"macros", set.macro_count},
                  {"lists", set.list_count},
                  {"errors", loaded.report.errors()},
                  {"warnings", loaded.report.warnings()},
                  {"mistakes", std::move(mistakes)}});
}

std::string field_lines(std::string_view prefix) {
  std::string text;
  for (const rules::FieldInfo& field : rules::field_table)
    if (field.name.starts_with(prefix))
      text += fmt::format("{:<42} {:<10}  {}\n", name_with_argument(field), to_string(field.type), field.description);
  return text;
}

std::string fields_json(std::string_view prefix) {
  std::string text;
  for (const rules::FieldInfo& field : rules::field_table) {
    if (!field.name.starts_with(prefix)) continue;
    text += line_of({{"field", field.name},
                     {"argument", argument_text(field.argument)},
                     {"type", to_string(field.type)},
                     {"list", field.shape == rules::Shape::list},
                     {"filter_only", field.flags.filter_only},
                     {"description", field.description}});
  }
  return text;
}

std::string explain_rule(const rules::Loaded& loaded, const rules::Rule& rule, const RuleDetails& details) {
  const RuleSet& set = *loaded.rules;
  std::string text =
      fmt::format("{}  ({})\n", printable(rule.name, true), printable(place_text(rule.place, loaded.sources), true));
  add_row(text, "priority", fmt::format("{}{}", to_string(rule.priority), rule.enabled ? "" : ", disabled"));
  if (!rule.tags.empty()) add_row(text, "tags", fmt::format("{}", fmt::join(rule.tags, ", ")));
  add_row(text, "events", events_text(rule.events));
  add_row(text, "fields", fmt::format("{}", fmt::join(field_names_of(set, rule.condition_fields), ", ")));
  add_row(text, "condition", to_string(set.program, rule.condition));
  add_row(text, "output", rule.output_text);
  if (details)
    for (const auto& [label, value] : details(rule)) add_row(text, label, value);
  return text;
}

std::string explain_rule_json(const rules::Loaded& loaded, const rules::Rule& rule, const RuleDetails& details) {
  const RuleSet& set = *loaded.rules;
  Json json{{"rule", rule.name},
            {"place", place_json(rule.place, loaded.sources)},
            {"priority", to_string(rule.priority)},
            {"enabled", rule.enabled},
            {"tags", rule.tags},
            {"description", rule.description},
            {"events", event_names_of(rule.events)},
            {"fields", field_names_of(set, rule.condition_fields)},
            {"output_fields", field_names_of(set, rule.output.fields)},
            {"condition", to_string(set.program, rule.condition)},
            {"output", rule.output_text}};
  if (details)
    for (const auto& [label, value] : details(rule)) json[label] = value;
  return line_of(json);
}

std::string test_lines(const std::vector<rules::TestResult>& results, const rules::Sources& sources) {
  std::string text;
  std::size_t failed = 0;
  for (const rules::TestResult& result : results) {
    text += printable(fmt::format("{}  {}: {}: {}", result.passed ? "ok    " : "FAILED", result.rule,
                                  result.expected ? "match" : "no match", result.name),
                      true) +
            "\n";
    if (result.passed) continue;
    ++failed;
    text += printable(fmt::format("        {}: {}", place_text(result.place, sources), result.detail), true) + "\n";
  }
  return text + fmt::format("{}, {} failed\n", counted(results.size(), "case"), failed);
}

std::string tests_json(const std::vector<rules::TestResult>& results, const rules::Sources& sources) {
  std::string text;
  for (const rules::TestResult& result : results) {
    Json json{{"rule", result.rule},
              {"case", result.name},
              {"place", place_json(result.place, sources)},
              {"expected", result.expected ? "match" : "no match"},
              {"passed", result.passed}};
    if (!result.passed) json["detail"] = result.detail;
    text += line_of(json);
  }
  return text;
}

}  // namespace subfloor::cli
