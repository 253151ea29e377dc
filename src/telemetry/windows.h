// SPDX-License-Identifier: Apache-2.0
// Groups the calls of a few seconds by what they have in common: one span per group per window.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/recent.h"
#include "model/call.h"
#include "telemetry/histogram.h"
#include "telemetry/span.h"

namespace subfloor {

struct WindowOptions {
  Nanoseconds window = 5'000'000'000;  // 0: no aggregation, a span per call as it comes
  // Of a window, overflow groups included; at least 8. From three quarters on, calls with a route have groups by it.
  std::size_t max_groups = 2000;
};

class Windows {
 public:
  Windows(const WindowOptions& options, Nanoseconds now, SpanSink& sink);

  // Nothing is kept of the observation but copies.
  // series: where Metrics counts it; it comes back with the span.
  void add(const Observation& observation, SeriesId series = no_series);

  // Whether spans carry the query: those of single calls do.
  [[nodiscard]] bool keeps_queries() const { return options_.window == 0; }

  // Gives the sink the spans of the window that ends now, and begins the next. The owner's timer calls it every
  // options.window, and once more before the end. completeness: see completeness.h.
  WindowSummary close(Nanoseconds now, std::optional<double> completeness);

  // Right after close(): what was counted with the old options is out then.
  void set_options(const WindowOptions& options);

  // Calls taken by overflow groups since the start.
  [[nodiscard]] std::uint64_t merged_calls() const { return merged_calls_; }
  // Calls of groups that go by their route, likewise.
  [[nodiscard]] std::uint64_t routed_calls() const { return routed_calls_; }
  [[nodiscard]] std::size_t groups() const { return groups_.size(); }

 private:
  // What the calls of a group have in common. Text is a view for looking up and a string for keeping.
  template <class Text>
  struct BasicKey {
    std::uint64_t hash = 0;
    Text service, container, operation, target;
    Text path;  // of HTTP; of a group that goes by its route: the route
    Text error;
    Text attributes;  // those of Use::group, as AttributeList::append_to() writes them
    const Family* family = &no_family;
    std::array<std::uint8_t, 16> peer{};
    std::int32_t status = -1;   // -1: none seen
    Kind kind = Kind::server;
    bool by_route = false;
    bool overflow = false;
  };
  using Key = BasicKey<std::string>;
  using KeyView = BasicKey<std::string_view>;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Key& key) const noexcept { return key.hash; }
    std::size_t operator()(const KeyView& key) const noexcept { return key.hash; }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.hash == b.hash && same(a, b);
    }
    // Whether or not their hashes are known.
    template <class A, class B>
    static bool same(const A& a, const B& b) {
      return a.status == b.status && a.kind == b.kind && a.overflow == b.overflow && a.by_route == b.by_route &&
             a.peer == b.peer && a.family == b.family && equal(a.path, b.path) && equal(a.operation, b.operation) &&
             equal(a.target, b.target) && equal(a.service, b.service) && equal(a.container, b.container) &&
             equal(a.error, b.error) && equal(a.attributes, b.attributes);
    }
  };

  struct Exemplar {
    std::uint64_t rank = 0;
    std::string trace_id, span_id, parent_span_id, trace_state, executable, operation, version, server, route;
    Nanoseconds start = 0, end = 0;
    std::uint32_t pid = 0;
    SeriesId series = no_series;
    int server_port = 0;
    std::uint16_t local_port = 0, remote_port = 0;
    std::uint8_t trace_flags = 1;
    std::uint8_t partial = partial_no;
    AttributeList attributes;
    Transport transport = Transport::tcp;
    Language language = Language::unknown;
  };

  struct Group {
    std::uint64_t count = 0, error_count = 0, partial_count = 0;
    std::uint64_t request_body_bytes = 0, response_body_bytes = 0;
    Histogram durations{bounds::duration};
    QuantileSketch sketch;
    Exemplar exemplar;
  };

  [[nodiscard]] KeyView key_of(const Observation& observation);
  [[nodiscard]] static Key keep(const KeyView& key);
  void seal(KeyView& key) const;
  Group& group_for(KeyView& key, std::string_view route);
  Group& look_up(KeyView& key, std::string_view route);
  Group& overflow_group_for(const KeyView& key);
  Group& insert(const KeyView& key);
  [[nodiscard]] std::uint64_t rank_of(const Observation& observation) const;
  static void set_exemplar(Exemplar& exemplar, const Observation& observation, std::uint64_t rank);
  void count(Group& group, const Observation& observation, SeriesId series);
  [[nodiscard]] static Span make_span(const Key& key, Group& group);
  static void describe_http(const Key& key, Exemplar& exemplar, Span& span);
  static void describe_other(const Key& key, Exemplar& exemplar, Span& span);
  static void describe_server(Exemplar& exemplar, Span& span);
  static void describe_network(const Key& key, const Exemplar& exemplar, Span& span);

  WindowOptions options_;
  SpanSink& sink_;
  std::uint64_t seed_;
  Nanoseconds window_start_;
  std::unordered_map<Key, Group, Hash, Equal> groups_;
  Recent<std::pair<const Key, Group>> recent_;
  std::string attributes_;  // of the key that key_of() made last
  std::uint64_t window_calls_ = 0, window_merged_ = 0, merged_calls_ = 0, routed_calls_ = 0;
};

}  // namespace subfloor
