// SPDX-License-Identifier: Apache-2.0
// What a new configuration means for an agent that runs: which keys it can take over, and which need a restart.
#pragma once

#include <string>
#include <vector>

#include "agent/config.h"

namespace subfloor::agent {

struct ConfigChange {
  Config effective;                  // as wanted, but for the keys that need a restart: those stay as they are
  std::vector<std::string> applied;  // keys that differ and can be taken over: "telemetry.window"
  std::vector<std::string> restart;  // keys that differ and cannot

  [[nodiscard]] bool applies(std::string_view section) const;  // some key of the section
};

[[nodiscard]] ConfigChange compare_configs(const Config& running, const Config& wanted);

// The configuration that is in force, and what came of the last attempt to change it. For status.
struct ConfigState {
  struct Attempt {
    bool succeeded = false;
    Nanoseconds when = 0;              // monotonic
    std::string message;               // one line a mistake, where it failed
    std::vector<std::string> applied;
  };
  std::uint64_t generation = 1;  // of what is in force; a reload that changed nothing counts, a refused one does not
  Nanoseconds loaded = 0;  // monotonic
  std::vector<std::string> restart;  // keys of the file that wait for a restart
  bool attempted = false;
  Attempt last;
};

// "telemetry.window, log.level"
[[nodiscard]] std::string join(const std::vector<std::string>& names);

}  // namespace subfloor::agent
