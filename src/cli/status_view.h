// SPDX-License-Identifier: Apache-2.0
// The agent's status (a JSON object) as text for people.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/terminal.h"

namespace subfloor::cli {

[[nodiscard]] std::string status_table(const nlohmann::json& status, const Look& look);

// How content is captured: the rung of the sensor `tcp`, "" where it is not known.
[[nodiscard]] std::string payload_rung(const nlohmann::json& status);

// Records and calls lost since the agent started, all causes together.
[[nodiscard]] std::uint64_t lost_of(const nlohmann::json& status);

// Completeness since the start, "unknown" where it is not known: "1.0000".
[[nodiscard]] std::string completeness_of(const nlohmann::json& status);

}  // namespace subfloor::cli
