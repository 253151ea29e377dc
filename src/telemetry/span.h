// SPDX-License-Identifier: Apache-2.0
// A span as exporters get it: the calls of one group in one window, or, with aggregation off, one call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "model/call.h"
#include "telemetry/histogram.h"
#include "telemetry/metrics.h"

namespace subfloor {

struct Attribute {
  std::string_view key;  // static text
  std::variant<std::string, std::int64_t> value;
};

// Who it was: OpenTelemetry's resource. Of the exemplar's process where several processes share a group.
struct Resource {
  std::string service;
  std::string container_id;
  std::string executable;
  std::uint32_t pid = 0;
  Language language = Language::unknown;
};

struct DurationStatistics {  // nanoseconds; of the calls whose duration is known
  std::uint64_t count = 0;
  std::uint64_t min = 0, mean = 0, max = 0;      // exact
  std::uint64_t p50 = 0, p90 = 0, p95 = 0, p99 = 0;  // to within 1/16, and never outside min … max
};

struct Span {
  // Of the exemplar: a call that really happened. In one window the same few traces are chosen in all groups.
  std::string trace_id, span_id, parent_span_id;  // hex; the parent's is empty where there is none
  std::uint8_t trace_flags = 1;                   // W3C
  std::string trace_state;                        // W3C
  Nanoseconds start = 0, end = 0;                 // CLOCK_MONOTONIC
  std::uint8_t exemplar_partial = partial_no;     // flags of Partial

  std::string name;       // "{method}"; routes come with route templates
  Kind kind = Kind::server;
  std::string_view protocol;  // static: "http"
  Resource resource;
  std::vector<Attribute> attributes;
  bool error = false;

  Nanoseconds window_start = 0, window_end = 0;  // both 0 with aggregation off
  std::uint64_t count = 0;
  std::uint64_t error_count = 0;
  std::uint64_t partial_count = 0;
  DurationStatistics duration;
  Histogram durations{bounds::duration};         // nanoseconds
  std::uint64_t request_body_bytes = 0, response_body_bytes = 0;  // sums
  bool overflow = false;  // stands for groups beyond the limit: path "{other}", and no status, method or peer
  // Which part of what the kernel saw of the window reached the agent, 0 to 1.
  std::optional<double> completeness;
  SeriesId series = no_series;  // of metrics, where the exemplar is counted
};

struct WindowSummary {
  Nanoseconds start = 0, end = 0;
  std::uint64_t calls = 0;
  std::uint64_t groups = 0;
  std::uint64_t merged_calls = 0;  // of `calls`, those that overflow groups took
  std::optional<double> completeness;
};

class SpanSink {
 public:
  // Whether anybody takes spans: otherwise none need be made.
  [[nodiscard]] virtual bool wanted() const { return true; }
  virtual void on_span(const Span& span) = 0;
  // After the last span of a window: a good moment to send.
  virtual void on_window_closed(const WindowSummary&) {}
  // Nothing comes any more: the agent stops, or a reload puts another in this one's place. Gives away what it still
  // has, and waits for that until `deadline` (CLOCK_MONOTONIC) at the latest; what is left then is dropped and counted.
  virtual void finish(Nanoseconds /*deadline*/) {}

 protected:
  ~SpanSink() = default;
};

}  // namespace subfloor
