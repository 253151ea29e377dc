// SPDX-License-Identifier: Apache-2.0
// One trace as a tree for people: pure JSON in, text out.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/terminal.h"

namespace subfloor::cli {

// What the agent answers (agent/trace_json.h), with a bar for each call that shows when it ran within the whole.
[[nodiscard]] std::string trace_tree(const nlohmann::json& trace, const Look& look);

}  // namespace subfloor::cli
