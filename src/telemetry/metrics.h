// SPDX-License-Identifier: Apache-2.0
// Counts calls since the start, per service, operation and status, in whichever convention was chosen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/recent.h"
#include "model/call.h"
#include "telemetry/histogram.h"
#include "telemetry/metric_snapshot.h"
#include "telemetry/self_report.h"

namespace subfloor {

// The default: milliseconds and Subfloor's labels. otel: OpenTelemetry's units, bounds and attributes.
enum class MetricConvention : std::uint8_t { standard, otel };

struct MetricOptions {
  MetricConvention convention = MetricConvention::standard;
  std::size_t max_series = 2000;  // sets of labels, overflow series included
  std::size_t max_targets = 100;  // of each service and family
  bool exemplars = false;
};

// Names a series for as long as its Metrics live.
using SeriesId = std::uint32_t;
inline constexpr SeriesId no_series = 0;

class Metrics {
 public:
  explicit Metrics(const MetricOptions& options = {});

  // Series that are there stay, whatever the numbers.
  void set_limits(std::size_t max_series, std::size_t max_targets);

  // The series whose durations it counts in; no_series where its duration is not known.
  SeriesId add(const Observation& observation);

  // The call of a span that is exported, which `series` counts: its histogram points to it.
  void exemplify(SeriesId series, Nanoseconds duration, const Exemplar& exemplar);

  [[nodiscard]] MetricSnapshot snapshot(const Gauges& gauges, const SelfReport& report) const;

  // Calls counted in overflow series, all others being taken.
  [[nodiscard]] std::uint64_t merged_calls() const { return merged_calls_; }
  // Calls counted with the target {other}, their service having too many.
  [[nodiscard]] std::uint64_t merged_targets() const { return merged_targets_; }
  [[nodiscard]] std::size_t series() const { return series_.size(); }

 private:
  template <class Text>
  struct BasicKey {
    std::uint64_t hash = 0;
    Text service, operation, target, error;
    Text route;       // of HTTP: the template; "{other}" where none is known
    Text attributes;  // otel: those of Use::metric, as AttributeList::append_to() writes them
    Text server;                  // otel clients only: host
    const Family* family = &no_family;
    std::int32_t status = -1;     // -1: none seen
    std::int32_t server_port = 0;
    Kind kind = Kind::server;
    bool overflow = false;
    bool is_error = false;
    bool tls = false;  // convention otel only
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
      return a.status == b.status && a.kind == b.kind && a.overflow == b.overflow && a.is_error == b.is_error &&
             a.tls == b.tls && a.server_port == b.server_port && a.family == b.family &&
             equal(a.operation, b.operation) && equal(a.target, b.target) && equal(a.route, b.route) &&
             equal(a.service, b.service) && equal(a.error, b.error) && equal(a.server, b.server) &&
             equal(a.attributes, b.attributes);
    }
  };
  struct Series {
    Histogram durations{bounds::duration};
    Histogram request_bodies{bounds::body_size};
    std::uint64_t unmeasured = 0;  // calls whose duration is not known
    SeriesId id = no_series;
    std::vector<Exemplar> exemplars{};  // none, or one for each bucket; of those in use, the value is in nanoseconds
  };
  using Entry = std::pair<const Key, Series>;
  // The series of one family and kind, in a stable order.
  struct Prefix {
    const Family* family = &no_family;
    Kind kind = Kind::server;
    std::vector<const Entry*> entries;
  };

  class Points;

  [[nodiscard]] Series& series_for(KeyView& key);
  [[nodiscard]] Series& look_up(KeyView& key);
  [[nodiscard]] Series& insert(const KeyView& key);
  [[nodiscard]] bool full() const;
  // Whether the target is one of those that are told apart; makes it one while there is room.
  [[nodiscard]] bool admit_target(const KeyView& key);
  void seal(KeyView& key) const;
  [[nodiscard]] std::vector<Prefix> by_prefix() const;
  [[nodiscard]] Labels labels_of(const Key& key) const;
  [[nodiscard]] Labels otel_labels_of(const Key& key) const;
  // Several families may share a metric: what they have is added to it.
  void append_durations(const Prefix& prefix, Points& points, std::vector<MetricFamily>& families) const;
  [[nodiscard]] MetricFamily bodies(const Prefix& prefix, Points& points) const;
  void append_gauges(const Gauges& gauges, std::vector<MetricFamily>& families) const;
  [[nodiscard]] MetricFamily unmeasured(const std::vector<Prefix>& prefixes) const;

  MetricOptions options_;
  std::uint64_t seed_;
  std::unordered_map<Key, Series, Hash, Equal> series_;  // none is ever erased
  Recent<Entry> recent_;
  std::vector<Series*> by_id_;  // id - 1
  // By service and family, the targets told apart: hashes of both.
  std::unordered_map<std::uint64_t, std::unordered_set<std::uint64_t>> targets_;
  std::uint64_t merged_calls_ = 0, merged_targets_ = 0;
  std::string attributes_;  // of the key that add() made last
};

}  // namespace subfloor
