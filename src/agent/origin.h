// SPDX-License-Identifier: Apache-2.0
// What the agent says of itself and its host in everything it exports.
#pragma once

#include "agent/config.h"
#include "exporters/otlp/resource.h"

namespace subfloor::agent {

inline constexpr const char* agent_version = SUBFLOOR_VERSION;

// The configuration goes before what is found out.
[[nodiscard]] otlp::Origin make_origin(const ResourceConfig& config);

}  // namespace subfloor::agent
