// SPDX-License-Identifier: Apache-2.0
// The service map (the agent's answer) as a tree for people, or as a graph for Graphviz.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/terminal.h"

namespace subfloor::cli {

// From those nobody calls down to those who call nobody. Who is called from several places is told once in full, and
// referred to from the others.
[[nodiscard]] std::string map_tree(const nlohmann::json& map, const Look& look);

// In DOT: `dot -Tsvg` draws it.
[[nodiscard]] std::string map_dot(const nlohmann::json& map);

}  // namespace subfloor::cli
