// SPDX-License-Identifier: Apache-2.0
// What live views share: the agent that runs, or one of their own for as long as they are open.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "agent/config.h"
#include "cli/exit_code.h"
#include "exporters/api/client.h"

namespace subfloor::cli {

struct LiveOptions {
  std::string config;  // path, "" for the default
  std::string rung;    // both of these only without a running agent
  std::optional<agent::Ports> ports;
};

struct Live {
  agent::Config config;
  std::optional<ApiClient> client;  // none: no agent runs

  // For an agent of one's own: nothing is exported.
  [[nodiscard]] agent::Config own_agent(const LiveOptions& options) const;
};

// An exit code where it has been said why there can be no view.
[[nodiscard]] std::optional<Exit> find_agent(const LiveOptions& options, Live& live);

// Of the agent at that socket; an empty object where it does not answer.
[[nodiscard]] nlohmann::json ask_status(const std::string& socket);

// "rung: tracepoint"
[[nodiscard]] std::string rung_text(const nlohmann::json& status);

}  // namespace subfloor::cli
