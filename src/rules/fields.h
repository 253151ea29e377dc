// SPDX-License-Identifier: Apache-2.0
// The fields that conditions and outputs name: what they are, and which exist.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "rules/field_table.h"

namespace subfloor::rules {

// Its place in field_table.
enum class FieldId : std::uint16_t {};

[[nodiscard]] constexpr std::optional<FieldId> find_field(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(field_table), std::end(field_table), [&](const FieldInfo& f) { return f.name == name; });
  if (found == std::end(field_table)) return std::nullopt;
  return static_cast<FieldId>(found - std::begin(field_table));
}

// "proc.name"_field, for Facts that switch over them: a name that is none does not compile.
[[nodiscard]] consteval FieldId operator""_field(const char* name, std::size_t size) {
  return find_field({name, size}).value();
}

[[nodiscard]] constexpr const FieldInfo& info_of(FieldId id) { return field_table[static_cast<std::size_t>(id)]; }

// What stands in brackets behind a field, or behind the dot of evt.arg.NAME.
struct FieldArgument {
  enum class Kind : std::uint8_t { none, index, key };
  Kind kind = Kind::none;
  std::uint32_t index = 0;
  std::string key;
  bool operator==(const FieldArgument&) const = default;
};

struct FieldReference {
  FieldId id{};
  FieldArgument argument;
};

// As in a rule: "proc.aname[2]", "evt.arg.flags".
[[nodiscard]] std::string to_string(const FieldReference& field);

// The shape of what the field yields with this argument.
[[nodiscard]] Shape shape_of(const FieldReference& field);

// Resolves a name and what stood in brackets behind it. An error is in words for who wrote it; `unknown` tells that
// there is no such field, which `skip-if-unknown-filter` forgives.
struct FieldError {
  std::string message;
  bool unknown = false;
};
struct FieldOutcome {
  std::optional<FieldReference> field;
  FieldError error;
};
[[nodiscard]] FieldOutcome resolve_field(std::string_view name, const std::optional<std::string>& argument);

}  // namespace subfloor::rules
