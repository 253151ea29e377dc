// SPDX-License-Identifier: Apache-2.0
// `test:` blocks: events that a rule must match, or must not.
#pragma once

#include <string>
#include <vector>

#include "rules/load.h"

namespace subfloor::rules {

struct TestResult {
  std::string rule, name;
  Place place;
  bool expected = true, passed = false;
  // Where it failed, why: that it did not match, or what the rule would have printed.
  std::string detail;
};

// In the order of the files. A case that cannot be run is reported as an error, and is not among the results. A rule is
// tested alone, enabled or not.
[[nodiscard]] std::vector<TestResult> run_tests(const Loaded& loaded, Report& report);

}  // namespace subfloor::rules
