// SPDX-License-Identifier: Apache-2.0
// RuleSet: rules that were loaded, ready to be evaluated. It does not change any more; a reload makes another.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "rules/definitions.h"
#include "rules/output_template.h"
#include "rules/program.h"

namespace subfloor::rules {

struct Rule {
  std::string name, description, source;
  Priority priority = Priority::debug;
  std::vector<std::string> tags;
  bool enabled = true;
  NodeId condition{};
  OutputTemplate output;
  std::string output_text;
  EventSet events;  // those it can match
  // What its condition asks for, and its output: each once.
  std::vector<TermId> condition_fields;
  Place place;
};

// What has to be observed for a set of rules, or for one.
struct Requirements {
  EventSet events;
  std::vector<FieldReference> fields;  // of conditions, each once
};

struct RuleSet {
  Program program;
  std::vector<Rule> rules;  // in order
  // For each type of event, the enabled rules that can match it, in order: places in `rules`.
  std::array<std::vector<std::uint32_t>, event_type_limit> buckets;
  std::size_t list_count = 0, macro_count = 0;
};

// Of the rules that are enabled.
[[nodiscard]] Requirements requirements_of(const RuleSet& rules);
[[nodiscard]] Requirements requirements_of(const RuleSet& rules, const Rule& rule);

// Fields that the condition asks for.
[[nodiscard]] std::vector<TermId> fields_of(const Program& program, NodeId condition);

}  // namespace subfloor::rules
