// SPDX-License-Identifier: Apache-2.0
#include "rules/event_types.h"

namespace subfloor::rules {
namespace {

static_assert(std::is_sorted(std::begin(event_names), std::end(event_names)));

EventSet make_all() {
  EventSet all;
  for (std::size_t i = 0; i < std::size(event_names); ++i) all.set(i);
  return all;
}

}  // namespace

const EventSet& all_events() {
  static const EventSet all = make_all();
  return all;
}

}  // namespace subfloor::rules
