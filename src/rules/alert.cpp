// SPDX-License-Identifier: Apache-2.0
#include "rules/alert.h"

#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>

namespace subfloor::rules {
namespace {

using Json = nlohmann::json;

constexpr Nanoseconds second = 1'000'000'000;

std::string local_time(Nanoseconds unix_time, const char* format) {
  const auto seconds = static_cast<std::time_t>(unix_time / second);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

std::string with_nanoseconds(const std::string& text, Nanoseconds unix_time) {
  return text + fmt::format(".{:09}", unix_time % second);
}

// What every event has, whoever tells it: its time, and the host's name.
std::optional<std::string> common_field(FieldId id, const AlertContext& context) {
  const Nanoseconds at = context.unix_time;
  switch (id) {
    case "evt.time"_field: return with_nanoseconds(local_time(at, "%H:%M:%S"), at);
    case "evt.time.s"_field: return local_time(at, "%H:%M:%S");
    case "evt.time.iso8601"_field: return rfc3339(at);
    case "evt.datetime"_field: return with_nanoseconds(local_time(at, "%F %T"), at);
    case "evt.datetime.s"_field: return local_time(at, "%F %T");
    case "evt.rawtime"_field: return std::to_string(at);
    case "evt.rawtime.s"_field: return std::to_string(at / second);
    case "evt.rawtime.ns"_field: return std::to_string(at % second);
    case "evt.hostname"_field: return context.hostname;
    default: return std::nullopt;
  }
}

std::string shown(TermId id, Evaluator& evaluator, Facts& facts, const AlertContext& context) {
  const Term& term = evaluator.rules().program.term(id);
  if (term.kind == Term::Kind::field)
    if (auto common = common_field(term.field.id, context)) return std::move(*common);
  return to_string(evaluator.value(id, facts));
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json json_of(const Value& value) {
  if (value.absent() || value.unknown()) return nullptr;
  if (const auto* boolean = value.get<bool>()) return *boolean;
  if (const auto* number = value.get<std::int64_t>()) return *number;
  if (const auto* number = value.get<std::uint64_t>()) return *number;
  if (const auto* values = value.get<Values>()) {
    Json list = Json::array();
    for (const Value& each : *values) list.push_back(json_of(each));
    return list;
  }
  return to_string(value);
}

Json field_json(TermId id, Evaluator& evaluator, Facts& facts, const AlertContext& context) {
  const FieldId field = evaluator.rules().program.term(id).field.id;
  if (field == "evt.time"_field || field == "evt.rawtime"_field) return context.unix_time;
  if (const auto common = common_field(field, context)) return *common;
  return json_of(evaluator.value(id, facts));
}

// Text within a string of JSON: one line, and UTF-8.
std::string escaped(const std::string& text) {
  const std::string quoted = dump(Json(text));
  return quoted.substr(1, quoted.size() - 2);
}

std::string prefix(const Alert& alert) {
  const Nanoseconds at = alert.context.unix_time;
  return fmt::format("{}: {} ", with_nanoseconds(local_time(at, "%H:%M:%S"), at), to_string(alert.priority));
}

}  // namespace

std::string format(const OutputTemplate& output, Evaluator& evaluator, Facts& facts, const AlertContext& context) {
  std::string text;
  for (const OutputPart& part : output.parts) {
    text += part.text;
    if (!part.term) continue;
    std::string value = shown(*part.term, evaluator, facts, context);
    if (part.width > 0) value.resize(part.width, ' ');
    text += value;
  }
  return text;
}

Alert make_alert(const Rule& rule, Evaluator& evaluator, Facts& facts, AlertContext context) {
  Alert alert{rule.name, rule.source, format(rule.output, evaluator, facts, context), rule.priority, rule.tags, {}, {}};
  for (const TermId id : rule.output.fields)
    alert.fields.emplace_back(to_string(evaluator.rules().program, id),
                              dump(field_json(id, evaluator, facts, context)));
  alert.context = std::move(context);
  return alert;
}

std::string to_line(const Alert& alert) { return escaped(prefix(alert) + alert.message); }

std::string to_json(const Alert& alert) {
  Json fields = Json::object();
  for (const auto& [name, value] : alert.fields) fields[name] = Json::parse(value, nullptr, false);
  fields["evt.time"] = alert.context.unix_time;
  return dump(Json{{"time", rfc3339(alert.context.unix_time)},
                   {"rule", alert.rule},
                   {"priority", to_string(alert.priority)},
                   {"source", alert.source},
                   {"hostname", alert.context.hostname},
                   {"output", prefix(alert) + alert.message},
                   {"tags", alert.tags},
                   {"output_fields", std::move(fields)}});
}

}  // namespace subfloor::rules
