// SPDX-License-Identifier: Apache-2.0
#include "rules/fixture.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/nearest.h"
#include "rules/cursor.h"

namespace subfloor::rules {
namespace {

// "proc.aname[2]" and "evt.arg.flags", as conditions write them.
FieldOutcome resolve(const std::string& text) {
  Cursor cursor(text);
  const auto name = cursor.field_name();
  std::optional<std::string> argument;
  if (name && cursor.literal("[")) {
    argument = cursor.at_quote() ? cursor.take_quoted() : cursor.bare_argument();
    if (!argument || !cursor.literal("]")) return {{}, {fmt::format("'{}' is no field", text), false}};
  }
  if (!name || !cursor.at_end()) return {{}, {fmt::format("'{}' is no field", text), false}};
  return resolve_field(*name, argument);
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Nothing where the text is none of the type. Text stays the caller's.
std::optional<Value> value_of(Type type, std::string_view text) {
  switch (type) {
    case Type::text:
    case Type::bytes: return Value(text);
    case Type::boolean:
      if (text != "true" && text != "false") return std::nullopt;
      return Value(text == "true");
    case Type::address:
    case Type::network: {
      const auto address = IpAddress::parse(text);
      return address ? std::optional(Value(*address)) : std::nullopt;
    }
    case Type::integer: {
      const auto number = number_of<std::int64_t>(text);
      return number ? std::optional(Value(*number)) : std::nullopt;
    }
    case Type::unsigned_integer:
    case Type::port: break;
  }
  const auto number = number_of<std::uint64_t>(text);
  return number ? std::optional(Value(*number)) : std::nullopt;
}

}  // namespace

std::optional<Fixture> Fixture::make(const std::vector<TestDefinition::Entry>& entries, Place place, Report& report) {
  Fixture fixture;
  bool typed = false;
  for (const TestDefinition::Entry& entry : entries) {
    std::vector<std::string> texts;
    for (const MappedText& value : entry.values) texts.push_back(value.text());
    const bool is_type = entry.field.text() == "evt.type";
    typed = typed || is_type;
    const Place at = is_type && !entry.values.empty() ? entry.values[0].place(0) : entry.field.place(0);
    if (const auto why = fixture.set(entry.field.text(), texts, entry.is_list)) report.error(at, *why);
  }
  if (!typed) {
    report.error(place, "the event has no 'evt.type'");
    return std::nullopt;
  }
  return fixture;
}

std::optional<std::string> Fixture::set(const std::string& text, const std::vector<std::string>& values, bool is_list) {
  if (text == "evt.type") {
    const auto type = values.size() == 1 ? find_event_type(values[0]) : std::nullopt;
    if (type) {
      type_ = *type;
      return std::nullopt;
    }
    Nearest nearest(values.empty() ? "" : values[0]);
    for (const std::string_view name : event_names) nearest.consider(name);
    return fmt::format("there is no event '{}'{}", values.empty() ? "" : values[0], nearest.text());
  }
  const FieldOutcome outcome = resolve(text);
  if (!outcome.field) return outcome.error.message;
  return add(*outcome.field, values, is_list);
}

std::optional<std::string> Fixture::add(const FieldReference& field, const std::vector<std::string>& texts,
                                        bool is_list) {
  const std::string name = to_string(field);
  const FieldInfo& info = info_of(field.id);
  const bool several = shape_of(field) != Shape::single;
  if (is_list && !several) return fmt::format("'{}' has one value, not a list", name);
  std::vector<Value> values;
  for (const std::string& text : texts) {
    const auto value = value_of(info.type, keep(text));
    if (!value) return fmt::format("'{}' is no {}, as '{}' is", text, to_string(info.type), name);
    values.push_back(*value);
  }
  if (!several) {
    values_[name] = values.empty() ? Value() : values.front();
    return std::nullopt;
  }
  const auto& kept = lists_.emplace_back(std::move(values));
  values_[name] = texts.empty() && !is_list ? Value() : Value(Values{kept.data(), kept.size()});
  return std::nullopt;
}

const Value* Fixture::given(const std::string& field) const {
  const auto found = values_.find(field);
  return found == values_.end() ? nullptr : &found->second;
}

Value Fixture::extract(const FieldReference& field) {
  if (const Value* value = given(to_string(field))) return *value;
  switch (field.id) {
    case "fd.ip"_field:
    case "fd.net"_field: return ends("fd.cip", "fd.sip");
    case "fd.port"_field: return ends("fd.cport", "fd.sport");
    case "proc.aname"_field:
    case "proc.aexe"_field:
    case "proc.aexepath"_field:
    case "proc.acmdline"_field:
      if (field.argument.kind == FieldArgument::Kind::none) return ancestors(info_of(field.id).name);
      break;
    default: break;
  }
  return derived(field);
}

Value Fixture::derived(const FieldReference& field) const {
  const auto same_as = [&](const std::string& other) {
    const Value* value = given(other);
    return value == nullptr ? Value() : *value;
  };
  const std::string name(info_of(field.id).name);
  if (field.argument.kind == FieldArgument::Kind::index && name.starts_with("proc.a") && field.argument.index < 2) {
    const std::string bare = name.substr(sizeof("proc.a") - 1);
    return same_as(field.argument.index == 0 ? "proc." + bare : "proc.p" + bare);
  }
  const Value file = same_as("fd.name");
  const auto* path = file.get<std::string_view>();
  const std::size_t slash = path == nullptr ? std::string_view::npos : path->rfind('/');
  switch (field.id) {
    case "fd.nameraw"_field: return same_as("fd.name");
    case "fd.directory"_field:
      return slash == std::string_view::npos ? Value() : path->substr(0, std::max<std::size_t>(slash, 1));
    case "fd.filename"_field: return slash == std::string_view::npos ? Value() : path->substr(slash + 1);
    case "fd.cnet"_field: return same_as("fd.cip");
    case "fd.snet"_field: return same_as("fd.sip");
    case "fd.lnet"_field: return same_as("fd.lip");
    case "fd.rnet"_field: return same_as("fd.rip");
    default: return {};
  }
}

Value Fixture::ends(std::string_view one, std::string_view other) {
  std::vector<Value> values;
  for (const std::string_view name : {one, other})
    if (const Value* value = given(std::string(name))) values.push_back(*value);
  if (values.empty()) return {};
  const auto& kept = lists_.emplace_back(std::move(values));
  return Values{kept.data(), kept.size()};
}

// Those that are given, by proc.pname and by number.
Value Fixture::ancestors(std::string_view name) {
  std::vector<Value> values;
  const auto id = find_field(name);
  for (std::uint32_t i = 1; id && i < 32; ++i) {
    const Value value = extract({*id, {FieldArgument::Kind::index, i, {}}});
    if (!value.absent()) values.push_back(value);
  }
  if (values.empty()) return {};
  const auto& kept = lists_.emplace_back(std::move(values));
  return Values{kept.data(), kept.size()};
}

}  // namespace subfloor::rules
