// SPDX-License-Identifier: Apache-2.0
// Kinds of events, as `evt.type` names them: every system call of x86-64, and what else Falco's rules can name.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "rules/event_names.h"

namespace subfloor::rules {

// Its place among event_names.
enum class EventType : std::uint16_t {};

inline constexpr std::size_t event_type_limit = 512;
static_assert(std::size(event_names) <= event_type_limit);
using EventSet = std::bitset<event_type_limit>;

[[nodiscard]] constexpr std::optional<EventType> find_event_type(std::string_view name) {
  const auto* const found = std::lower_bound(std::begin(event_names), std::end(event_names), name);
  if (found == std::end(event_names) || *found != name) return std::nullopt;
  return static_cast<EventType>(found - std::begin(event_names));
}

// "openat"_event: a name that is none does not compile.
[[nodiscard]] consteval EventType operator""_event(const char* name, std::size_t size) {
  return find_event_type({name, size}).value();
}

[[nodiscard]] constexpr std::string_view to_string(EventType type) {
  return event_names[static_cast<std::size_t>(type)];
}

[[nodiscard]] constexpr std::size_t index_of(EventType type) { return static_cast<std::size_t>(type); }

// The others have no syscall.type.
[[nodiscard]] bool is_system_call(EventType type);

// Every type there is.
[[nodiscard]] const EventSet& all_events();

}  // namespace subfloor::rules
