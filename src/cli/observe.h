// SPDX-License-Identifier: Apache-2.0
// `subfloor observe`: calls as they happen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/config.h"
#include "cli/exit_code.h"
#include "exporters/api/filter.h"

namespace subfloor::cli {

struct ObserveOptions {
  std::string config;                  // path, "" for the default
  bool json = false;
  CallFilter filter;
  std::uint64_t limit = 0;             // calls; 0: no limit
  Nanoseconds duration = 0;            // 0: until Ctrl-C
  std::string rung;                    // both of these only without a running agent
  std::optional<agent::Ports> ports;
};

[[nodiscard]] Exit observe(const ObserveOptions& options);

}  // namespace subfloor::cli
