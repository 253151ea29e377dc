// SPDX-License-Identifier: Apache-2.0
// `subfloor top`: calls summed by workload, peer, route or operation, as they happen.
#pragma once

#include <cstdint>

#include "cli/exit_code.h"
#include "cli/live.h"
#include "cli/top/board.h"
#include "exporters/api/top_view.h"

namespace subfloor::cli {

struct TopCommandOptions {
  LiveOptions live;
  bool json = false;
  TopRequest request;
  TopSort sort = TopSort::rate;
  std::uint64_t limit = 0;   // intervals; 0: until it is ended
  Nanoseconds duration = 0;  // 0: likewise
};

[[nodiscard]] Exit top(const TopCommandOptions& options);

[[nodiscard]] Result<TopSort> parse_top_sort(std::string_view text);

}  // namespace subfloor::cli
