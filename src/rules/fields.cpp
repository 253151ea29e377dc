// SPDX-License-Identifier: Apache-2.0
#include "rules/fields.h"

#include <fmt/format.h>

#include <charconv>

#include "base/nearest.h"
#include "rules/event_arguments.h"

namespace subfloor::rules {
namespace {

FieldOutcome error(std::string message, bool unknown = false) { return {{}, {std::move(message), unknown}}; }

FieldOutcome unknown_field(std::string_view name) {
  Nearest nearest(name);
  for (const FieldInfo& field : field_table) nearest.consider(field.name);
  return error(fmt::format("unknown field '{}'{}", name, nearest.text()), true);
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_event_argument(FieldId id) { return id == "evt.arg"_field || id == "evt.rawarg"_field; }

FieldOutcome with_argument(FieldId id, const std::string& argument) {
  const FieldInfo& info = info_of(id);
  FieldReference field{id, {}};
  if (info.argument == Argument::none) return error(fmt::format("'{}' takes no argument in brackets", info.name));
  const auto index = number_of(argument);
  const bool keys_only = info.argument == Argument::key_optional || info.argument == Argument::key_required;
  if (index && !keys_only) {
    field.argument.kind = FieldArgument::Kind::index;
    field.argument.index = *index;
    return {field, {}};
  }
  if (info.argument == Argument::index_optional)
    return error(fmt::format("'{}' takes a number in brackets, not '{}'", info.name, argument));
  if (is_event_argument(id) &&
      !std::binary_search(std::begin(event_arguments), std::end(event_arguments), std::string_view(argument))) {
    Nearest nearest(argument);
    for (const std::string_view name : event_arguments) nearest.consider(name);
    return error(fmt::format("no event has an argument '{}'{}", argument, nearest.text()), true);
  }
  field.argument.kind = FieldArgument::Kind::key;
  field.argument.key = argument;
  return {field, {}};
}

bool needs_argument(const FieldInfo& info) {
  return info.argument == Argument::required || info.argument == Argument::key_required;
}

}  // namespace

std::string to_string(const FieldReference& field) {
  const FieldInfo& info = info_of(field.id);
  switch (field.argument.kind) {
    case FieldArgument::Kind::none: return std::string(info.name);
    case FieldArgument::Kind::index: return fmt::format("{}[{}]", info.name, field.argument.index);
    case FieldArgument::Kind::key:
      return info.flags.dotted ? fmt::format("{}.{}", info.name, field.argument.key)
                               : fmt::format("{}[{}]", info.name, field.argument.key);
  }
  return {};
}

Shape shape_of(const FieldReference& field) {
  return field.argument.kind == FieldArgument::Kind::none ? info_of(field.id).shape : Shape::single;
}

FieldOutcome resolve_field(std::string_view name, const std::optional<std::string>& argument) {
  if (const auto id = find_field(name)) {
    if (argument) return with_argument(*id, *argument);
    if (needs_argument(info_of(*id))) return error(fmt::format("'{}' needs an argument in brackets", name));
    return {FieldReference{*id, {}}, {}};
  }
  // evt.arg.NAME
  for (std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0; dot = name.rfind('.', dot - 1)) {
    const auto id = find_field(name.substr(0, dot));
    if (!id || !info_of(*id).flags.dotted) continue;
    if (argument) return error(fmt::format("'{}' takes no further argument in brackets", name));
    return with_argument(*id, std::string(name.substr(dot + 1)));
  }
  return unknown_field(name);
}

}  // namespace subfloor::rules
