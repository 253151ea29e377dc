// SPDX-License-Identifier: Apache-2.0
// Cumulative metrics → what the collector does not have yet. The base is what was delivered, so that a snapshot that
// got lost is made good by the next.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "telemetry/metric_snapshot.h"

namespace subfloor::otlp {

enum class Temporality : std::uint8_t {
  cumulative,
  delta,
  lowmemory,  // OpenTelemetry's: histograms as delta, counters that are read rather than added to as cumulative
};

class Deltas {
 public:
  explicit Deltas(Temporality temporality) : temporality_(temporality) {}

  // The part of the snapshot that is new since the last commit; exemplars that were delivered are left out.
  [[nodiscard]] MetricSnapshot since_last(const MetricSnapshot& snapshot) const;
  // The collector has all that this snapshot says.
  void commit(const MetricSnapshot& snapshot);

 private:
  struct Base {
    MetricPoint point;
    Nanoseconds time = 0;
  };
  [[nodiscard]] bool is_delta(const MetricFamily& family) const;
  [[nodiscard]] const Base* base_of(const MetricFamily& family, const MetricPoint& point) const;

  Temporality temporality_;
  std::unordered_map<std::string, Base> bases_;
};

}  // namespace subfloor::otlp
