// SPDX-License-Identifier: Apache-2.0
// How much of what the kernel saw, and was meant to report, reached the agent.
#pragma once

#include <cstdint>

namespace subfloor {

// Of all sensors together, since they were attached. Each event seen was filtered on purpose, or lost, or delivered.
struct SeenCounters {
  std::uint64_t seen = 0, filtered = 0, lost = 0;
};

// (seen − filtered − lost) / (seen − filtered), 0 to 1; 1 where there was nothing to report.
[[nodiscard]] double completeness_ratio(const SeenCounters& counters);

// The ratio of each window on its own, from counters that only grow.
class Completeness {
 public:
  // Counters as they are at the end of a window; returns that window's ratio.
  double close_window(const SeenCounters& now);

  [[nodiscard]] double last_window() const { return last_window_; }  // 1 before the first
  [[nodiscard]] double total() const { return completeness_ratio(last_); }  // up to the last window's end

 private:
  SeenCounters last_;
  double last_window_ = 1;
};

}  // namespace subfloor
