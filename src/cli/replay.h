// SPDX-License-Identifier: Apache-2.0
// `subfloor replay`: the calls of a capture file or a recording.
#pragma once

#include <cstdint>
#include <string>

#include "cli/exit_code.h"
#include "exporters/api/filter.h"

namespace subfloor::cli {

struct ReplayOptions {
  std::string config;       // path, "" for the default
  std::string file;         // "-": standard input
  bool json = false;
  CallFilter filter;
  std::uint64_t limit = 0;  // calls; 0: no limit
};

[[nodiscard]] Exit replay(const ReplayOptions& options);

}  // namespace subfloor::cli
