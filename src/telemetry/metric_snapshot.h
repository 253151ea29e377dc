// SPDX-License-Identifier: Apache-2.0
// Metrics at one instant, as any exporter takes them: names with dots, units as OpenTelemetry writes them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace subfloor {

// up_down: a sum that may also fall, which some exporters know from a gauge.
enum class MetricType : std::uint8_t { counter, up_down, gauge, histogram };

// What a label's text stands for, to exporters whose values have types.
enum class LabelType : std::uint8_t { text, integer, boolean };

struct Label {
  std::string name;  // with dots, where it is an OpenTelemetry attribute
  std::string value;
  LabelType type = LabelType::text;
  bool operator==(const Label&) const = default;
};
using Labels = std::vector<Label>;

// A call that was counted, and whose span is exported.
struct Exemplar {
  double value = 0;      // in the family's unit
  Nanoseconds time = 0;  // CLOCK_MONOTONIC
  std::array<char, 32> trace_id{};  // hex
  std::array<char, 16> span_id{};
};

struct HistogramPoint {
  std::vector<double> bounds;         // in the family's unit, ascending
  std::vector<std::uint64_t> counts;  // of each bucket by itself; one more than there are bounds
  std::uint64_t count = 0;
  double sum = 0;
  std::vector<Exemplar> exemplars{};  // the newest of some buckets
};

struct MetricPoint {
  Labels labels;
  std::variant<double, std::uint64_t> value;  // of all but histograms
  HistogramPoint histogram{};                 // of histograms
  Nanoseconds start = 0;                      // since when it counts, where that is not the snapshot's start
};

struct MetricFamily {
  std::string name;  // "http.server.request.duration"
  std::string unit;  // "ms", "s", "By", "1", or a count of things: "{request}"
  std::string help;
  MetricType type = MetricType::gauge;
  std::vector<MetricPoint> points;
  bool delta = false;  // counts since the points' own starts only
};

struct MetricSnapshot {
  Nanoseconds start = 0, time = 0;  // CLOCK_MONOTONIC: counted since, and until
  Labels resource;  // of the agent itself
  std::vector<MetricFamily> families;
};

}  // namespace subfloor
