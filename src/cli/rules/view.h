// SPDX-License-Identifier: Apache-2.0
// What `subfloor rules` says, as text and as JSON: pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/load.h"
#include "rules/test_cases.h"

namespace subfloor::cli {

// "25 rules, 87 macros, 49 lists", and how many errors and warnings where there are.
[[nodiscard]] std::string rules_summary(const rules::Loaded& loaded);
// Each mistake with the line it is in.
[[nodiscard]] std::string rules_mistakes(const rules::Report& report, const rules::Sources& sources);
[[nodiscard]] std::string rules_check_json(const rules::Loaded& loaded);

// Every field whose name begins so, with its type and meaning.
[[nodiscard]] std::string field_lines(std::string_view prefix);
[[nodiscard]] std::string fields_json(std::string_view prefix);

// What more is known of a rule than its text says: the hooks it needs on this node, what of it the kernel decides, how
// strong its response is. Each a label and a text; whoever knows of sensors gives them.
using RuleDetails = std::function<std::vector<std::pair<std::string, std::string>>(const rules::Rule&)>;

[[nodiscard]] std::string explain_rule(const rules::Loaded& loaded, const rules::Rule& rule,
                                       const RuleDetails& details);
[[nodiscard]] std::string explain_rule_json(const rules::Loaded& loaded, const rules::Rule& rule,
                                            const RuleDetails& details);

// One line for each case, why it failed below it, and a sum.
[[nodiscard]] std::string test_lines(const std::vector<rules::TestResult>& results, const rules::Sources& sources);
[[nodiscard]] std::string tests_json(const std::vector<rules::TestResult>& results, const rules::Sources& sources);

}  // namespace subfloor::cli
