// SPDX-License-Identifier: Apache-2.0
#include "telemetry/completeness.h"

#include <algorithm>

namespace subfloor {
namespace {

// Counters of several CPUs are read one after the other, so that a later one may be ahead: differences stop at zero.
std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

double completeness_ratio(const SeenCounters& counters) {
  const std::uint64_t wanted = minus(counters.seen, counters.filtered);
  if (wanted == 0) return counters.lost == 0 ? 1.0 : 0.0;
  return static_cast<double>(minus(wanted, counters.lost)) / static_cast<double>(wanted);
}

double Completeness::close_window(const SeenCounters& now) {
  last_window_ = completeness_ratio(
      {minus(now.seen, last_.seen), minus(now.filtered, last_.filtered), minus(now.lost, last_.lost)});
  last_ = now;
  return last_window_;
}

}  // namespace subfloor
