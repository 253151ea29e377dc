// SPDX-License-Identifier: Apache-2.0
// Counts of integer values (nanoseconds, bytes) between fixed bounds, and the bounds of both metric conventions.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace subfloor {

namespace bounds {

inline constexpr std::uint64_t ms = 1'000'000;

// Default convention, in nanoseconds.
inline constexpr std::array<std::uint64_t, 11> duration_default{
    1 * ms, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, 1000 * ms, 2500 * ms, 5000 * ms};
// OpenTelemetry's http.{server,client}.request.duration, in nanoseconds.
inline constexpr std::array<std::uint64_t, 14> duration_otel{5 * ms,    10 * ms,   25 * ms,   50 * ms,   75 * ms,
                                                             100 * ms,  250 * ms,  500 * ms,  750 * ms,  1000 * ms,
                                                             2500 * ms, 5000 * ms, 7500 * ms, 10000 * ms};
// Both of the above: counts between these give either view exactly.
inline constexpr std::array<std::uint64_t, 15> duration{1 * ms,    5 * ms,    10 * ms,   25 * ms,   50 * ms,
                                                        75 * ms,   100 * ms,  250 * ms,  500 * ms,  750 * ms,
                                                        1000 * ms, 2500 * ms, 5000 * ms, 7500 * ms, 10000 * ms};
// Body sizes, in bytes, for both conventions.
inline constexpr std::array<std::uint64_t, 5> body_size{100, 1000, 10'000, 100'000, 1'000'000};

}  // namespace bounds

class Histogram {
 public:
  // Ascending bounds in static storage. A value belongs to the first bucket whose bound it does not exceed.
  explicit Histogram(std::span<const std::uint64_t> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

  void record(std::uint64_t value) {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
    ++counts_[bucket];
    ++count_;
    sum_ += value;
    if (value < min_) min_ = value;
    if (value > max_) max_ = value;
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] std::span<const std::uint64_t> bounds() const { return bounds_; }
  [[nodiscard]] std::span<const std::uint64_t> counts() const { return counts_; }

  // Counts per bucket of coarser bounds, each of which is one of these; one more than there are bounds.
  [[nodiscard]] std::vector<std::uint64_t> counts_for(std::span<const std::uint64_t> coarser) const;

 private:
  std::span<const std::uint64_t> bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0, sum_ = 0, max_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
};

// Quantiles of durations to within 1/16 of the value, in a fixed 900 bytes: eight buckets to each power of two.
class QuantileSketch {
 public:
  void record(std::uint64_t nanoseconds);
  void add(const QuantileSketch& other);
  void clear() { *this = {}; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The value below which `fraction` (0 to 1) of those recorded lie; the caller clamps it to the exact extremes.
  [[nodiscard]] std::uint64_t quantile(double fraction) const;

 private:
  static constexpr unsigned first_power = 10;  // 1 µs: everything below shares a bucket
  static constexpr unsigned powers = 27;       // up to 137 s: everything above shares a bucket
  std::array<std::uint32_t, powers * 8 + 2> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace subfloor
