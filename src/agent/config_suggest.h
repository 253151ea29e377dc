// SPDX-License-Identifier: Apache-2.0
// " (did you mean 'ports'?)" for a name nobody knows, or "" where nothing is near.
#pragma once

#include <string>
#include <vector>

#include "agent/config_keys.h"

namespace subfloor::agent {

[[nodiscard]] std::string suggest_section(const std::vector<Section>& sections, const std::string& name);
// In this section first, in others next.
[[nodiscard]] std::string suggest_key(const std::vector<Section>& sections, const Section& section,
                                      const std::string& name);

}  // namespace subfloor::agent
