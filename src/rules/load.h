// SPDX-License-Identifier: Apache-2.0
// Rule files into a RuleSet.
#pragma once

#include <memory>

#include "base/result.h"
#include "rules/diagnostic.h"
#include "rules/rule_set.h"

namespace subfloor::rules {

// Something that is printed behind the output of the rules that it matches; "" and no tags match any.
struct AppendedOutput {
  std::string source, rule;
  std::vector<std::string> tags;  // a rule must have all of them
  std::string text;
};

struct LoadOptions {
  Priority minimum = Priority::debug;  // rules that matter less are left out
  std::vector<AppendedOutput> append_output;
};

// A rule with an error is not in the set; everything else is. The report says all that is wrong with all files.
struct Loaded {
  Sources sources;
  Report report;
  std::shared_ptr<const RuleSet> rules;
  std::vector<TestDefinition> tests;
};

[[nodiscard]] Loaded load(Sources sources, const LoadOptions& options = {});

// Files in the given order; of a directory its *.yaml and *.yml, sorted by name. Fails for one that cannot be read, or
// is larger than 4 MiB.
[[nodiscard]] Result<Sources> read_sources(const std::vector<std::string>& paths);

}  // namespace subfloor::rules
