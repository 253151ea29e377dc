// SPDX-License-Identifier: Apache-2.0
#include "rules/event_types.h"

namespace subfloor::rules {
namespace {

static_assert(std::is_sorted(std::begin(event_names), std::end(event_names)));

// What Falco's rules can name besides system calls, sorted.
constexpr std::string_view other_events[] = {"asyncevent", "container",    "cpu_hotplug", "drop",
                                             "groupadded", "groupdeleted", "infra",       "notification",
                                             "page_fault", "pluginevent",  "procexit",    "signaldeliver",
                                             "switch",     "tracer",       "useradded",   "userdeleted"};
static_assert(std::is_sorted(std::begin(other_events), std::end(other_events)));

EventSet make_all() {
  EventSet all;
  for (std::size_t i = 0; i < std::size(event_names); ++i) all.set(i);
  return all;
}

}  // namespace

bool is_system_call(EventType type) {
  return !std::binary_search(std::begin(other_events), std::end(other_events), to_string(type));
}

const EventSet& all_events() {
  static const EventSet all = make_all();
  return all;
}

}  // namespace subfloor::rules
