// SPDX-License-Identifier: Apache-2.0
// `subfloor observe`: calls as they happen.
#pragma once

#include <cstdint>

#include "cli/exit_code.h"
#include "cli/live.h"
#include "exporters/api/filter.h"

namespace subfloor::cli {

struct ObserveOptions {
  LiveOptions live;
  bool json = false;
  CallFilter filter;
  std::uint64_t limit = 0;             // calls; 0: no limit
  Nanoseconds duration = 0;            // 0: until Ctrl-C
};

[[nodiscard]] Exit observe(const ObserveOptions& options);

}  // namespace subfloor::cli
