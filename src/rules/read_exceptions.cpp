// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "rules/expression.h"
#include "rules/reader.h"

namespace subfloor::rules {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t deepest = 3;  // values: a list of tuples, an item of which may be a list

std::optional<ExceptionValue> read_value(const YAML::Node& node, const YamlPart& part, Place otherwise,
                                         std::size_t depth = 1) {
  ExceptionValue value;
  value.place = part.place(node, otherwise);
  if (node.IsScalar()) {
    auto text = part.text(node, otherwise);
    if (!text) return std::nullopt;
    value.text = std::move(*text);
    return value;
  }
  if (!node.IsSequence() || depth > deepest) {
    part.report.error(value.place, "an exception is made of texts and lists of texts");
    return std::nullopt;
  }
  value.is_list = true;
  for (const YAML::Node& item : node) {
    auto each = read_value(item, part, value.place, depth + 1);
    if (!each) return std::nullopt;
    value.items.push_back(std::move(*each));
  }
  return value;
}

std::optional<ExceptionDefinition> read_exception(const YAML::Node& node, const YamlPart& part, Place otherwise,
                                                  bool append) {
  if (!node.IsMap()) {
    part.report.error(part.place(node, otherwise), "an exception is a mapping with 'name' and 'fields'");
    return std::nullopt;
  }
  const YamlMap map(node, part);
  map.warn_of_keys_but(std::array{"name"sv, "fields"sv, "comps"sv, "values"sv});
  const auto name = map.text("name");
  if (!name) return std::nullopt;
  ExceptionDefinition exception{name->text(), name->place(0), {}, {}, {}};
  const auto read = [&](std::string_view key, std::optional<ExceptionValue>& into) {
    if (!map.has(key)) return true;
    into = read_value(map.value(key), part, map.value_place(key));
    return into.has_value();
  };
  if (!read("fields", exception.fields) || !read("comps", exception.comps)) return std::nullopt;
  if (!exception.fields && !append) {
    part.report.error(exception.place, fmt::format("exception '{}' has no 'fields'", exception.name));
    return std::nullopt;
  }
  const YAML::Node values = map.value("values");
  if (!values.IsDefined() || values.IsNull()) {
    if (append) part.report.warning(exception.place, fmt::format("exception '{}' adds no values", exception.name));
    return exception;
  }
  std::optional<ExceptionValue> all;
  if (!read("values", all)) return std::nullopt;
  if (!all->is_list) {
    part.report.error(all->place, "'values' must be a list");
    return std::nullopt;
  }
  exception.values = std::move(all->items);
  return exception;
}

bool known_comparison(const ExceptionValue& comp) {
  const std::string text = comp.text.trimmed().text();
  const std::size_t blank = text.find_first_of(" \t");
  if (blank == std::string::npos) return operator_of(text).has_value();
  const auto op = operator_of(std::string_view(text).substr(0, blank));
  const std::size_t second = text.find_first_not_of(" \t", blank);
  return op && !takes_list(*op) && modifier_of(std::string_view(text).substr(second));
}

bool takes_list(std::string_view comp) {
  return comp == "in" || comp == "intersects" || comp == "pmatch" || comp.find(' ') != std::string_view::npos;
}

ExceptionValue constant(std::string_view text, Place place) { return {false, MappedText(text, place), {}, place}; }

bool complete_tuple(ExceptionDefinition& exception, Report& report) {
  const std::size_t count = exception.fields->items.size();
  if (!exception.comps) {
    exception.comps = ExceptionValue{true, {}, {}, exception.place};
    for (std::size_t i = 0; i < count; ++i) exception.comps->items.push_back(constant("=", exception.place));
  }
  if (!exception.comps->is_list || exception.comps->items.size() != count) {
    report.error(exception.comps->place, fmt::format("{} fields need {} comps", count, count));
    return false;
  }
  for (const ExceptionValue& comp : exception.comps->items) {
    if (!comp.is_list && known_comparison(comp)) continue;
    report.error(comp.place, fmt::format("'{}' is no operator", comp.text.text()));
    return false;
  }
  bool complete = true;
  for (const ExceptionValue& value : exception.values) {
    if (value.is_list && value.items.size() == count) continue;
    report.error(value.place, fmt::format("{} fields need a list of {} values", count, count));
    complete = false;
  }
  return complete;
}

}  // namespace

std::vector<ExceptionDefinition> read_exceptions(const YamlMap& item, bool append) {
  std::vector<ExceptionDefinition> exceptions;
  const YAML::Node node = item.value("exceptions");
  if (!node.IsDefined() || node.IsNull()) return exceptions;
  const Place at = item.value_place("exceptions");
  if (!node.IsSequence()) {
    item.part().report.error(at, "'exceptions' must be a list");
    return exceptions;
  }
  for (const YAML::Node& each : node) {
    auto exception = read_exception(each, item.part(), at, append);
    if (!exception) continue;
    if (find_named(exceptions, exception->name) != nullptr)
      item.part().report.warning(exception->place, fmt::format("exception '{}' is given twice", exception->name));
    exceptions.push_back(std::move(*exception));
  }
  return exceptions;
}

bool complete_exception(ExceptionDefinition& exception, Report& report) {
  if (exception.fields->is_list) return complete_tuple(exception, report);
  if (!exception.comps) exception.comps = constant("in", exception.place);
  const ExceptionValue& comp = *exception.comps;
  if (comp.is_list || !known_comparison(comp) || !takes_list(comp.text.trimmed().text())) {
    report.error(comp.place,
                 "with one field, 'comps' is in, pmatch, intersects, or an operator with oneof, anyof or allof");
    return false;
  }
  for (const ExceptionValue& value : exception.values) {
    if (!value.is_list) continue;
    report.error(value.place, "with one field, each value is a text");
    return false;
  }
  return true;
}

void append_exceptions(std::vector<ExceptionDefinition>& to, std::vector<ExceptionDefinition> more, Report& report) {
  for (ExceptionDefinition& exception : more) {
    ExceptionDefinition* earlier = find_named(to, exception.name);
    if (earlier != nullptr && (exception.fields || exception.comps)) {
      report.error(exception.place,
                   fmt::format("exception '{}' is there already: only values can be added to it", exception.name));
    } else if (earlier != nullptr) {
      // All or none: they are checked as a part of the whole.
      const std::size_t before = earlier->values.size();
      std::move(exception.values.begin(), exception.values.end(), std::back_inserter(earlier->values));
      if (!complete_exception(*earlier, report)) earlier->values.resize(before);
    } else if (!exception.fields) {
      report.error(exception.place, fmt::format("there is no exception '{}' to add values to", exception.name));
    } else if (complete_exception(exception, report)) {
      to.push_back(std::move(exception));
    }
  }
}

}  // namespace subfloor::rules
