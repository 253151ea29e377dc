// SPDX-License-Identifier: Apache-2.0
// Who calls whom: calls summed by both ends and protocol, over the last minute and since the start.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/call.h"
#include "telemetry/histogram.h"
#include "telemetry/metric_snapshot.h"
#include "telemetry/service_graph.h"

namespace subfloor {

// One end of an edge.
struct MapNode {
  enum class Kind : std::uint8_t {
    process,  // of this host, in no pod that is known: `name` is its service.name
    pod,      // of this host or, by its address, of another; `name` is its service.name
    host,     // elsewhere: `name` is what its address was looked up as
    address,  // elsewhere: `name` is the address, a server's with its port; of a unix socket its path
    other,    // of those that there was no room to tell apart
  };
  Kind kind = Kind::other;
  std::string name, name_space;
  std::string pod;       // where it is one
  std::size_t pods = 0;  // how many it stands for

  auto operator<=>(const MapNode&) const = default;
};
[[nodiscard]] std::string_view to_string(MapNode::Kind kind);

struct MapEdge {
  // Of the side that saw more of the calls; the client's where both saw as many.
  struct Durations {
    std::uint64_t p50 = 0, p95 = 0, p99 = 0;  // nanoseconds
  };
  MapNode client, server;
  std::string_view protocol;                  // static
  std::uint64_t calls = 0, errors = 0;        // of the last minute
  std::uint64_t total_calls = 0, total_errors = 0;
  std::optional<Durations> durations;         // of the last half to whole minute, where they are known
  bool seen_by_client = false, seen_by_server = false;  // since the start
};

struct MapSnapshot {
  Nanoseconds over = 0;         // how long the time is that `calls` are of
  std::vector<MapEdge> edges;   // most calls of late first
  std::uint64_t other_edges = 0, other_calls = 0;  // of the last minute, left out of `edges`
};

// What nodes stand for: services, whose pods are one, or each pod.
enum class MapBy : std::uint8_t { service, pod };

class ServiceMap {
 public:
  struct Options {
    std::size_t max_edges = 1000;  // of some 5 KB each; 0: nothing is kept
  };
  static constexpr Nanoseconds interval = 5'000'000'000;
  static constexpr std::size_t intervals = 12;
  static constexpr std::size_t forgotten = 120;  // intervals without a call, after which an edge goes

  ServiceMap(const Options& options, Nanoseconds now);

  void set_options(const Options& options);
  [[nodiscard]] bool on() const { return options_.max_edges > 0; }

  // The observation tells its peer.
  void add(const Observation& observation);
  // Call it every second or so.
  void tick(Nanoseconds now);

  // At most so many edges.
  [[nodiscard]] MapSnapshot snapshot(Nanoseconds now, MapBy by, std::size_t edges) const;
  // By service: traces_service_graph_request …
  void append_metrics(std::vector<MetricFamily>& families) const;

  [[nodiscard]] std::size_t edges() const { return edges_.size(); }
  // Calls of edges there was no room for, since the start.
  [[nodiscard]] std::uint64_t merged_calls() const { return merged_calls_; }

 private:
  template <class Text>
  struct BasicNode {
    MapNode::Kind kind = MapNode::Kind::other;
    Text name, name_space, pod;
  };
  template <class Text>
  struct BasicKey {
    std::uint64_t hash = 0;
    BasicNode<Text> client, server;
    const Family* family = &no_family;
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
    static bool same(const A& a, const B& b) {
      return a.kind == b.kind && a.name == b.name && a.name_space == b.name_space && a.pod == b.pod;
    }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.hash == b.hash && a.family == b.family && same(a.client, b.client) && same(a.server, b.server);
    }
  };
  struct Numbers {
    std::uint32_t calls = 0, errors = 0;
  };
  // What one end saw of an edge.
  struct Side {
    std::array<Numbers, intervals> past{};  // a ring
    std::uint64_t calls = 0, errors = 0;    // since the start
    std::array<QuantileSketch, 2> recent;   // of this half of the minute, and of the one before
    Histogram durations{bounds::duration};  // since the start
    [[nodiscard]] std::uint64_t recent_calls() const;
  };
  struct Edge {
    std::array<std::unique_ptr<Side>, 2> sides;  // by Kind
    std::size_t idle = 0;                        // intervals
    [[nodiscard]] const Side& better() const;    // who saw more of late
  };

  [[nodiscard]] KeyView key_of(const Observation& observation);
  [[nodiscard]] std::string_view address_of(const Connection& connection, bool with_port);
  void seal(KeyView& key) const;
  Edge* edge_for(KeyView& key);
  void end_interval();
  struct Sum;
  static void add_to(Sum& sum, const Key& key, const Edge& edge);
  [[nodiscard]] static MapEdge finished(Sum&& sum);
  void add_totals(const Key& key, const Edge& edge, ServiceGraph& graph) const;

  Options options_;
  std::uint64_t seed_;
  std::unordered_map<Key, Edge, Hash, Equal> edges_;
  ServiceGraph gone_;  // of edges that were forgotten: counters do not fall
  Nanoseconds interval_start_;
  std::size_t at_ = 0, ended_ = 0;  // in the rings; intervals that ended
  std::array<std::uint64_t, intervals> merged_{};
  std::uint64_t merged_calls_ = 0;
  std::array<char, 19> address_{};  // of the key that key_of() made last
};

}  // namespace subfloor
