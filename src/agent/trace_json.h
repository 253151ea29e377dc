// SPDX-License-Identifier: Apache-2.0
// What the agent's socket tells of a trace.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tracing/store.h"

namespace subfloor::agent {

// {"trace":id,"keeps":bool,"calls":[…]}: each call with its ids, when it began, how long it took, whose it was and what
// it said, by when they began.
[[nodiscard]] nlohmann::json trace_json(const tracing::Store& store, bool keeps, const std::string& id);

}  // namespace subfloor::agent
