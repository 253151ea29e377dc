// SPDX-License-Identifier: Apache-2.0
#include "telemetry/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace subfloor {
namespace {

// What a histogram with just these bounds counts.
template <std::size_t n>
std::vector<std::uint64_t> counted(const std::vector<std::uint64_t>& values,
                                   const std::array<std::uint64_t, n>& bounds) {
  std::vector<std::uint64_t> counts(n + 1);
  for (const auto value : values) {
    ++counts[static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin())];
  }
  return counts;
}

TEST(Histogram, BoundsBelongToTheBucketBelow) {
  Histogram histogram(bounds::body_size);
  for (const std::uint64_t value : {0, 100, 101, 1000, 1'000'000, 1'000'001}) histogram.record(value);
  EXPECT_TRUE(std::ranges::equal(histogram.counts(), std::vector<std::uint64_t>{2, 2, 0, 0, 1, 1}));
  EXPECT_EQ(histogram.count(), 6U);
  EXPECT_EQ(histogram.sum(), 2'001'000U + 202U);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_EQ(histogram.max(), 1'000'001U);
}

TEST(Histogram, GivesBothConventionsExactly) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> values;
  for (const auto bound : bounds::duration) values.insert(values.end(), {bound - 1, bound, bound + 1});
  for (int i = 0; i < 10'000; ++i) values.push_back(random() % (std::uint64_t{1} << (random() % 36)));
  Histogram histogram(bounds::duration);
  for (const auto value : values) histogram.record(value);
  EXPECT_EQ(histogram.counts_for(bounds::duration_default), counted(values, bounds::duration_default));
  EXPECT_EQ(histogram.counts_for(bounds::duration_otel), counted(values, bounds::duration_otel));
}

TEST(Histogram, OfNothingIsZero) {
  const Histogram histogram(bounds::duration);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
}

TEST(QuantileSketch, IsWithinASixteenth) {
  for (const std::uint64_t value : {1'024ULL, 5'000ULL, 123'456ULL, 3'000'000ULL, 999'999'999ULL, 60'000'000'000ULL}) {
    QuantileSketch sketch;
    for (int i = 0; i < 100; ++i) sketch.record(value);
    EXPECT_NEAR(static_cast<double>(sketch.quantile(0.99)), static_cast<double>(value),
                static_cast<double>(value) / 16);
  }
}

TEST(QuantileSketch, FindsRanks) {
  QuantileSketch sketch;
  for (std::uint64_t i = 1; i <= 1000; ++i) sketch.record(i * 1'000'000);
  EXPECT_NEAR(static_cast<double>(sketch.quantile(0.5)), 500e6, 500e6 / 16);
  EXPECT_NEAR(static_cast<double>(sketch.quantile(0.99)), 990e6, 990e6 / 16);
  EXPECT_NEAR(static_cast<double>(sketch.quantile(1.0)), 1000e6, 1000e6 / 16);
}

TEST(QuantileSketch, TakesAnyValue) {
  QuantileSketch sketch;
  EXPECT_EQ(sketch.quantile(0.5), 0U);
  sketch.record(0);
  sketch.record(~0ULL);
  EXPECT_LT(sketch.quantile(0.5), 1024U);
  EXPECT_GT(sketch.quantile(1.0), 100'000'000'000U);
}

}  // namespace
}  // namespace subfloor
