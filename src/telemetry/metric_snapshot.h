// SPDX-License-Identifier: Apache-2.0
// Metrics at one instant, as any exporter takes them: names with dots, units as OpenTelemetry writes them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace subfloor {

enum class MetricType : std::uint8_t { counter, gauge, histogram };

struct Label {
  std::string name;  // with dots, where it is an OpenTelemetry attribute
  std::string value;
  bool operator==(const Label&) const = default;
};
using Labels = std::vector<Label>;

struct HistogramPoint {
  std::vector<double> bounds;         // in the family's unit, ascending
  std::vector<std::uint64_t> counts;  // of each bucket by itself; one more than there are bounds
  std::uint64_t count = 0;
  double sum = 0;
};

struct MetricPoint {
  Labels labels;
  std::variant<double, std::uint64_t> value;  // of counters and gauges
  HistogramPoint histogram{};                 // of histograms
};

struct MetricFamily {
  std::string name;  // "http.server.request.duration"
  std::string unit;  // "ms", "s", "By", "1", or a count of things: "{request}"
  std::string help;
  MetricType type = MetricType::gauge;
  std::vector<MetricPoint> points;
};

struct MetricSnapshot {
  Labels resource;  // of the agent itself
  std::vector<MetricFamily> families;
};

}  // namespace subfloor
