// SPDX-License-Identifier: Apache-2.0
#include "telemetry/histogram.h"

#include <bit>

namespace subfloor {

std::vector<std::uint64_t> Histogram::counts_for(std::span<const std::uint64_t> coarser) const {
  std::vector<std::uint64_t> result(coarser.size() + 1);
  std::size_t into = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    while (into < coarser.size() && (i == bounds_.size() || bounds_[i] > coarser[into])) ++into;
    result[into] += counts_[i];
  }
  return result;
}

void QuantileSketch::record(std::uint64_t nanoseconds) {
  std::size_t bucket = 0;
  if (nanoseconds >= std::uint64_t{1} << first_power) {
    const auto power = static_cast<unsigned>(std::bit_width(nanoseconds)) - 1;
    const unsigned eighth = static_cast<unsigned>(nanoseconds >> (power - 3)) & 7;
    bucket = power >= first_power + powers ? counts_.size() - 1 : 1 + (power - first_power) * 8 + eighth;
  }
  ++counts_[bucket];
  ++count_;
}

void QuantileSketch::add(const QuantileSketch& other) {
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
}

std::uint64_t QuantileSketch::quantile(double fraction) const {
  if (count_ == 0) return 0;
  // The smallest bucket that holds the rank; ranks count from 1.
  const auto exact = fraction * static_cast<double>(count_);
  auto rank = static_cast<std::uint64_t>(exact);
  if (static_cast<double>(rank) < exact || rank == 0) ++rank;
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen < rank) continue;
    if (bucket == 0) return std::uint64_t{1} << (first_power - 1);
    if (bucket == counts_.size() - 1) return std::uint64_t{1} << (first_power + powers);
    const std::size_t power = first_power + (bucket - 1) / 8;
    const std::uint64_t width = std::uint64_t{1} << (power - 3);
    return (8 + (bucket - 1) % 8) * width + width / 2;
  }
  return 0;
}

}  // namespace subfloor
