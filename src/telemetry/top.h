// SPDX-License-Identifier: Apache-2.0
// Calls summed by who makes them, to whom or what, for somebody who watches: what `subfloor top` shows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/call.h"
#include "telemetry/histogram.h"

namespace subfloor {

// What rows are told apart by, beside the service, its side of the call and the protocol.
enum class TopBy : std::uint8_t {
  workload,   // nothing else
  peer,       // who is at the other end: a service of this host, a name that was looked up, or an address
  route,      // operation, and HTTP's route, or the target
  operation,  // the operation alone
};
inline constexpr std::array<std::string_view, 4> top_by_names{"workload", "peer", "route", "operation"};
[[nodiscard]] constexpr std::string_view to_string(TopBy by) { return top_by_names[static_cast<std::size_t>(by)]; }

struct TopNumbers {
  std::uint64_t calls = 0, errors = 0, partial = 0, request_bytes = 0, response_bytes = 0;

  TopNumbers& operator+=(const TopNumbers& more);
};

struct TopRow {
  // Empty what rows are not told apart by, or what is not known.
  std::string service, peer, operation, target;
  std::string_view protocol;  // static
  Kind kind = Kind::server;
  TopNumbers last;    // of the interval that ended
  TopNumbers recent;  // of the last intervals, TopOptions::period of them
  TopNumbers total;   // since the beginning
  // Of the calls of the last period, or of at least half of it, whose duration is known; nanoseconds.
  struct Quantiles {
    std::uint64_t p50 = 0, p95 = 0, p99 = 0;
  };
  std::optional<Quantiles> duration;
};

struct TopSnapshot {
  Nanoseconds interval = 0, recent_time = 0;  // how long the last interval was, and those that count as recent
  std::vector<TopRow> rows;              // most calls of late first
  std::uint64_t other_rows = 0;          // left out of `rows`, of those that are told apart
  TopNumbers other_last, other_recent, other_total;  // of all that is in no row
  TopNumbers last, recent, total;        // of everything
};

struct TopOptions {
  TopBy by = TopBy::route;
  std::size_t max_rows = 500;  // told apart at a time
};

class Top {
 public:
  static constexpr std::size_t period = 10;      // intervals
  static constexpr std::size_t forgotten = 60;   // intervals without a call, after which a row goes

  Top(const TopOptions& options, Nanoseconds now);

  void add(const Observation& observation);

  // Ends an interval, and begins the next. At most `rows` rows.
  [[nodiscard]] TopSnapshot next(Nanoseconds now, std::size_t rows);

 private:
  template <class Text>
  struct BasicKey {
    std::uint64_t hash = 0;
    Text service, peer, operation, target;
    std::string_view protocol;  // static
    Kind kind = Kind::server;
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
      return a.hash == b.hash && a.kind == b.kind && a.protocol == b.protocol && a.service == b.service &&
             a.peer == b.peer && a.operation == b.operation && a.target == b.target;
    }
  };
  struct Sums {
    TopNumbers current, total;
    std::array<TopNumbers, period> past;  // by interval, a ring
    [[nodiscard]] TopNumbers recent() const;
  };
  struct Entry {
    Sums sums;
    std::array<QuantileSketch, 2> durations;  // of this half of the period, and of the one before
    std::size_t idle = 0;                     // intervals
  };
  using Rows = std::unordered_map<Key, Entry, Hash, Equal>;

  [[nodiscard]] KeyView key_of(const Observation& observation);
  [[nodiscard]] static TopRow row_of(const Key& key, const Entry& entry, std::size_t ended);
  void end_interval();
  void forget_idle();

  TopOptions options_;
  std::uint64_t seed_;
  Rows rows_;
  Sums other_;         // of those for which there was no row
  TopNumbers gone_;    // totals of rows that went
  std::size_t at_ = 0;         // in the rings
  std::size_t intervals_ = 0;  // that ended
  std::array<Nanoseconds, period> lengths_{};  // of the intervals in the rings
  Nanoseconds interval_start_;
  std::string peer_;  // of the key that key_of() made last
};

}  // namespace subfloor
